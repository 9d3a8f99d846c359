"""Numbers, times and rows in words: what page, picture and terminal share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ketalab.errors import InputError
from ketalab.laboratory import output
from ketalab.studies import Outcome

#: A true minus sign and a narrow space before a unit read better; a terminal gets plain ASCII.
MINUS = "\u2212"
_POINTS = ("change", "score", "difference")
_EXPOSURE = {
    "cmax": ("peak", "ng/mL"),
    "tmax": ("time of the peak", "h"),
    "auc": ("area under the curve", "ng*h/mL"),
    "half_life": ("half-life", "h"),
    "concentration": ("concentration", "ng/mL"),
}
_SIGNS = {"-": "lower", "+": "higher", "0": "no different"}


def clean(text: object) -> str:
    """Make one printable line of text from a file: no control characters, no line breaks."""
    line = " ".join(str(text).split())
    return "".join(c if c.isprintable() else "\ufffd" for c in line)


def decimals(values: Iterable[float | None]) -> int:
    """Decimals that give the largest of the values three significant digits, at most four."""
    largest = max((abs(v) for v in values if v is not None and math.isfinite(v)), default=0.0)
    if largest == 0:
        return 0
    return min(4, max(0, 2 - math.floor(math.log10(largest))))


def number(value: float | None, places: int | None = None, minus: str = MINUS) -> str:
    """Write a number with three significant digits, or with so many decimals; a dash for none."""
    if value is None or not math.isfinite(value):
        return "–"
    text = f"{value:,.{decimals([value]) if places is None else places}f}"
    if not any(c in text for c in "123456789"):
        text = text.removeprefix("-")
    return text.replace("-", minus)


def span(pair: Sequence[float | None], places: int | None = None, minus: str = MINUS) -> str:
    """Write an interval as ``low to high``, both ends with the same decimals."""
    low, high = pair
    if low is None or high is None:
        return "–"
    places = decimals(pair) if places is None else places
    return f"{number(low, places, minus)} to {number(high, places, minus)}"


def plural(count: int, noun: str, many: str | None = None) -> str:
    """Write ``1 row`` or ``3 rows``."""
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def hours(value: float) -> str:
    """Write a time after the start of treatment: ``40 min``, ``72 h (3 days)``."""
    if 0 < abs(value) < 1:
        return f"{number(value * 60, 0)} min"
    text = f"{value:,.4g} h".replace("-", MINUS)
    if abs(value) >= 48 and value % 24 == 0:
        text += f" ({plural(int(value / 24), 'day')})"
    return text


def when(row: Mapping[str, Any], outcome: Outcome | None = None) -> str:
    """Write when a row looks; empty for exposure rows, which have no single time."""
    if row["kind"] in ("cmax", "tmax", "auc", "half_life"):
        return ""
    if outcome is not None and outcome.window_h is not None:
        first, last = outcome.window_h
        word = "at any time" if outcome.ever else "mean"
        return f"{word} from {hours(first)} to {hours(last)}"
    if row["time_h"] is None:
        return "time not stated"
    if outcome is not None and outcome.ever:
        return f"at any time until {hours(row['time_h'])}"
    return f"at {hours(row['time_h'])}"


def what(row: Mapping[str, Any], outcome: Outcome | None = None) -> str:
    """Write what a row measures: ``change in HDRS25``, ``peak of ketamine, venous plasma``."""
    measure, kind = clean(row["measure"]), row["kind"]
    parts = measure.removeprefix("score:").removeprefix("p:").split(":")
    analyte = outcome.analyte if outcome is not None else row.get("analyte")
    if parts == ["plasma"] and analyte is not None:
        site = outcome.site if outcome is not None else row.get("site")
        parts = ["plasma", site or "venous", clean(analyte)]
    if parts[0] == "plasma" and len(parts) == 3:
        name = f"{parts[2]}, {parts[1]} {'site' if parts[1] == 'effect' else 'plasma'}"
    elif parts[0] in ("response", "remission"):
        name = f"{parts[0]} on {parts[1]}" if len(parts) > 1 and parts[1] else parts[0]
    else:
        name = measure.removeprefix("score:")
    if kind in _EXPOSURE:
        return f"{_EXPOSURE[kind][0]} of {name}"
    return {
        "change": f"change in {name}",
        "score": f"{name}, mean",
        "difference": f"difference in {name}",
        "smd": f"standardised difference in {name}",
        "proportion": f"share with {name}",
        "risk_ratio": f"risk ratio of {name}",
        "odds_ratio": f"odds ratio of {name}",
        "ratio": f"ratio of {name}",
        "direction": f"direction of {name}",
    }.get(kind, f"{name}, {kind.replace('_', ' ')}")


def arms(row: Mapping[str, Any]) -> str:
    """Write the arms of a row: one, or the arm and its comparator."""
    names = [clean(name) for name in row["arms"]]
    if len(names) < 2:
        return names[0] if names else "no single arm"
    word = {"difference": "minus", "smd": "minus", "direction": "against"}.get(row["kind"], "over")
    return f"{names[0]} {word} {names[1]}"


def unit(row: Mapping[str, Any], outcome: Outcome | None = None) -> str:
    """Return the unit of a row's numbers, empty where they have none."""
    kind = row["kind"]
    if kind in ("proportion", "fraction"):
        return "%"
    if kind in ("smd", "direction"):
        return "SD"
    if kind in ("risk_ratio", "odds_ratio", "ratio"):
        return ""
    own = outcome.unit if outcome is not None else row.get("unit")
    if own is not None:
        return clean(own)
    if kind in _EXPOSURE:
        return _EXPOSURE[kind][1]
    try:
        return output(row["measure"]).unit
    except InputError:
        return "points" if kind in _POINTS else ""


def factor(row: Mapping[str, Any]) -> float:
    """What turns a row's numbers into those shown: shares are shown in percent."""
    return 100.0 if unit(row) == "%" else 1.0


def published_direction(row: Mapping[str, Any]) -> str:
    """Say the published direction of a row: ``lower`` or ``higher`` than the comparator."""
    return _SIGNS.get(str(row["observed"]), clean(row["observed"]))
