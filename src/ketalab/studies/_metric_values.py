"""The values of a metric: which keys hold one, what it is, its spread and its unit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ketalab.studies._analytes import read_analyte
from ketalab.studies._concentrations import ABOUT
from ketalab.studies._metric_keys import (
    Said,
    is_spread,
    read_key,
    read_unit,
    said_in_words,
    spread_kind,
)
from ketalab.studies._record import Row, number, text_of

__all__ = [
    "VALUES",
    "in_another_unit",
    "metric_values",
    "numbers_of",
    "said_of",
    "scale",
    "unit_of",
]

#: Keys that hold a value whose meaning the metric tells elsewhere, and what of the people it is.
VALUES = {
    "value": "",
    "mean": "mean",
    "median": "median",
    "geometric_mean": "geometric",
    "geomean": "geometric",
    "range": "",
    "percent": "",
    "ratio": "",
    "change_percent": "",
}
_BARE_SPREADS = frozenset(
    ["sd", "se", "sem", "ci95", "ci90", "iqr", "geo_sd", "gsd", "cv", "cv_percent"]
)
_UNITS = {"cmax": "ng/mL", "concentration": "ng/mL", "auc": "ng*h/mL", "half_life": "h"}
#: A peak's time without a unit is taken in minutes from here on, below in hours.
_MINUTES_FROM = 10
#: A share above this can only be a percentage.
_SHARE_BELOW = 1.5


def metric_values(metrics: tuple[Row, ...]) -> Iterator[tuple[int, tuple[str, Row]]]:
    """Yield the values of metrics with the metric's number, in order: all keys that are no remark and no spread."""
    for index, metric in enumerate(metrics):
        for key in metric:
            if key in ABOUT or key in _BARE_SPREADS or is_spread(key) or key.endswith("_unit"):
                continue
            if key.endswith("_range") and key.removesuffix("_range") in metric:
                continue
            if key == "range" and "value" in metric:
                continue
            if key == "ratio" and _is_number_free(metric, key):
                continue
            yield index, (key, metric)


def _is_number_free(metric: Row, key: str) -> bool:
    """Whether a key holds words beside a value elsewhere."""
    return isinstance(metric[key], str) and "value" in metric


def said_of(key: str, metric: Row) -> Said | None:
    """Return what a value is, from its key or from the words beside it."""
    if key not in VALUES:
        return read_key(key)
    words = text_of(metric, "quantity") or text_of(metric, "metric", "parameter", "measure", "kind")
    analyte = text_of(metric, "analyte")
    pair = "/" in read_analyte(analyte) or "ratio" in analyte
    said = read_key(words) if words and " " not in words else None
    said = said or said_in_words(words)
    if pair and not words:
        said = Said("auc", ratio=True)
    if said is None:
        timed = any(metric.get(name) is not None for name in ("time_h", "time_min"))
        if not timed or words:
            return None
        said = Said("concentration")
    if key in ("ratio", "change_percent"):
        said = replace(said, ratio=True, change=key == "change_percent")
    return replace(said, average=VALUES[key] or said.average, ranged=said.ranged or key == "range")


def _spread(key: str, said: Said, metric: Row) -> tuple[Row | None, str]:
    """Return the spread of a value and a remark on one that the study file cannot hold."""
    for other, value in metric.items():
        bare = other in _BARE_SPREADS and (key in VALUES or _alone(metric))
        if not bare:
            if other in ABOUT or other == key:
                continue
            ranged = other.endswith("_range") or "_range_" in other or other == "range"
            if other == "range" and key == "value":
                pass
            elif (
                (not is_spread(other) and not ranged)
                or (found := read_key(other)) is None
                or found.about != said.about
            ):
                continue
        kind = spread_kind(other) or "range"
        if isinstance(value, list) and len(value) == 2 and kind not in ("sd", "se", "geo_sd", "cv"):
            ends = [number({"v": end}, "v") for end in value]
            if None not in ends:
                return {"kind": kind, "value": value}, ""
        single = number(metric, other)
        if single is None or single < 0:
            continue
        if kind in ("sd", "se", "iqr"):
            return {"kind": kind, "value": single}, ""
        if kind == "cv":
            base = number(metric, key)
            if base is not None and not said.average:
                return {"kind": "sd", "value": round(abs(base) * single / 100, 6)}, ""
            return None, f"CV {single:g} percent"
        if kind == "geo_sd":
            return None, f"geometric SD {single:g}"
    return None, ""


def _alone(metric: Row) -> bool:
    return len(list(metric_values((metric,)))) == 1


def in_another_unit(key: str, said: Said, metric: Row) -> bool:
    """Whether an earlier key of the metric holds the same value in another unit."""
    for other in metric:
        if other == key:
            return False
        if other in ABOUT or other in VALUES or is_spread(other) or metric[other] is None:
            continue
        found = read_key(other)
        same = found is not None and found.about == said.about and found.average == said.average
        if same and found is not None and not found.ranged and not said.ranged:
            return True
    return False


def numbers_of(key: str, said: Said, raw: Any, metric: Row) -> tuple[float | None, Row | None, str]:
    if isinstance(raw, list) and len(raw) == 2:
        ends = [number({"v": end}, "v") for end in raw]
        if None in ends:
            return None, None, ""
        return None, {"kind": "range", "value": raw}, ""
    value = number({"v": raw}, "v")
    spread, remark = _spread(key, said, metric)
    return value, spread, remark


def scale(
    said: Said, metric: Row, value: float | None, spread: Row | None
) -> tuple[float | None, Row | None]:
    """Turn percentages to shares, and changes in percent to ratios, the spread with them."""
    percent = said.percent or text_of(metric, "unit").lower() in ("%", "percent")
    ends = spread["value"] if spread and isinstance(spread["value"], list) else []
    numbers = [n for n in (value, *ends) if n is not None]
    share = said.kind == "bioavailability" and not said.ratio
    if share and (percent or any(n > _SHARE_BELOW for n in numbers)):
        factor, offset = 0.01, 0.0
    elif said.change:
        factor, offset = 0.01, 1.0
    elif said.ratio and percent:
        factor, offset = 0.01, 0.0
    else:
        return value, spread

    def scaled(n: float, shift: float = offset) -> float:
        return round(shift + n * factor, 6)

    if spread is not None:
        inner = spread["value"]
        moved = [scaled(n) for n in inner] if isinstance(inner, list) else scaled(inner, 0.0)
        spread = {**spread, "value": moved}
    return (None if value is None else scaled(value)), spread


def unit_of(said: Said, metric: Row, value: float | None, ratio: bool) -> str | None:
    """Return the unit of a value; where none is told that of the kind."""
    if ratio or said.kind == "bioavailability":
        return None
    if said.unit:
        return said.unit
    own = next((metric[k] for k in metric if k.endswith("_unit") and _same(k, said)), "")
    told = read_unit(str(own) or text_of(metric, "unit"))
    time = told in ("h", "min", "s", "day")
    if told and time == (said.kind in ("tmax", "half_life")):
        return told
    if said.kind == "tmax":
        return "min" if value is not None and value >= _MINUTES_FROM else "h"
    return _UNITS[said.kind]


def _same(key: str, said: Said) -> bool:
    """Whether ``auc_unit`` is about an ``auc``."""
    found = read_key(key.removesuffix("_unit"))
    return found is not None and found.kind == said.kind
