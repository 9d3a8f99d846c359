"""Numeric outcomes of a trial record to rows of a study file.

Each function returns the rows (plain mappings in the study file's fields) or, as a text, the reason
why the outcome cannot be expressed.
"""

from __future__ import annotations

import re
from typing import Any

from ketalab.studies._context import Context, pair
from ketalab.studies._measures import Reading, read_event, read_measure
from ketalab.studies._record import Row, number, text_of
from ketalab.studies._vocabulary import NO_KIND

__all__ = ["Converted", "common_fields", "convert_number", "time_fields"]

Converted = list[Row] | str

#: Kind of a record to (kind of the study file, analysis that it implies).
_KINDS = {
    "change": ("change", ""),
    "change_LS": ("change", "LS mean"),
    "percent_change": ("change", ""),
    "score": ("score", ""),
    "difference": ("difference", ""),
    "difference_LS": ("difference", "LS mean"),
    "smd": ("smd", ""),
    "effect_size": ("smd", ""),
    "proportion": ("proportion", ""),
    "risk_ratio": ("risk_ratio", ""),
    "relative_risk": ("risk_ratio", ""),
    "odds_ratio": ("odds_ratio", ""),
    "hazard_ratio": ("time_to_event", ""),
    "time_to_event": ("time_to_event", ""),
    "count": ("proportion", ""),
}
#: Where a record keeps the value of a kind, the first that is a number counts.
_VALUES = {
    "risk_ratio": ("mean",),
    "odds_ratio": ("odds_ratio", "mean"),
    "hazard_ratio": ("hr",),
    "time_to_event": ("median",),
    "smd": ("smd", "mean"),
    "effect_size": ("cohen_d",),
    "proportion": ("percent",),
    "percent_change": ("percent",),
}
#: Numbers of a record that have no field of their own and are kept in the note.
_NOTED = (
    "t_stat",
    "f_stat",
    "cohen_d",
    "p_adj",
    "nnt",
    "i2_percent",
    "ci_lower_bound",
    "statistic",
)
_PERCENT_UNITS = ("percent", "percentage points", "per 100", "%")
_HOURS = {"min": 1 / 60, "hour": 1.0, "h": 1.0, "day": 24.0, "week": 168.0}
_SPREADS = ("sd", "se", "ci95", "ci90", "range")


def time_fields(row: Row) -> Row:
    """Return ``time_h`` or ``window_h`` (h) from a number or from words such as ``1 to 4``."""
    fields: Row = {}
    window = row.get("window_h")
    if isinstance(window, list) and len(window) == 2:
        fields["window_h"] = window
    time = number(row, "time_h")
    if time is not None:
        return fields | {"time_h": time}
    text = text_of(row, "time_h")
    if match := re.match(r"up to ([\d.]+)$", text):
        return {"window_h": [0.0, float(match[1])]}
    if match := re.match(r"([\d.]+) to ([\d.]+)$", text):
        return {"window_h": [float(match[1]), float(match[2])]}
    if match := re.match(r"mean over (\d+) (day|week)s?", text):
        hours = float(match[1]) * _HOURS[match[2]]
        return {"window_h": [0.0, hours], "analysis": text}
    return fields


def common_fields(row: Row) -> Row:
    """Return what every row carries: time, n, p, who and when, its source, whether it was read."""
    fields = time_fields(row)
    for key in ("subgroup", "definition"):
        if row.get(key):
            fields[key] = text_of(row, key)
    period = text_of(row, "period", "phase")
    if period:
        fields["period"] = f"period {period}" if period.isdigit() else period
    n = row.get("n")
    if isinstance(n, int) and not isinstance(n, bool) and n > 0:
        fields["n"] = n
    if row.get("p") not in (None, ""):
        fields["p"] = text_of(row, "p")
    fields["verified"] = row.get("verified") is not False
    fields["source"] = text_of(row, "source") or "not told by the record"
    notes = [text_of(row, "note")]
    notes += [f"{key} {text_of(row, key)}" for key in _NOTED if row.get(key) not in (None, "", [])]
    note = "; ".join(filter(None, notes))
    return fields | ({"note": note} if note else {})


def _merge_definition(fields: Row, reading: Reading) -> Row:
    """Join what the measure's words say to what the row's own fields say."""
    merged = dict(fields)
    for key, text in reading.fields.items():
        if key in merged and text not in str(merged[key]):
            merged[key] = f"{merged[key]}; {text}"
        else:
            merged.setdefault(key, text)
    if reading.ever:
        merged["ever"] = True
    return merged


def _spread(row: Row, scale: float) -> tuple[Row | None, str]:
    """Return the spread that says most, and the others as a note."""
    found: list[tuple[str, Any]] = []
    for kind in _SPREADS:
        value = row.get(kind)
        if isinstance(value, list) and len(value) == 2:
            ends = [
                None if number({"v": end}, "v") is None else round(end * scale, 6) for end in value
            ]
            if ends != [None, None]:
                found.append((kind, ends))
        elif (single := number(row, kind)) is not None:
            found.append((kind, round(single * scale, 6)))
    if not found:
        return None, ""
    kind, value = found[0]
    return {"kind": kind, "value": value}, "; ".join(f"{k} {v}" for k, v in found[1:])


def _value(row: Row, kind: str) -> float | None:
    for key in _VALUES.get(kind, ("mean", "percent")):
        value = number(row, key)
        if value is not None:
            return value
    return None


def _read(ctx: Context, row: Row, index: int, shares: bool) -> Reading:
    """Read the measure; an event without a scale takes the record's primary one."""
    text, definition = text_of(row, "measure"), text_of(row, "definition")
    event = read_event(text, definition, ctx.primary) if shares else None
    if event is None:
        return read_measure(text, ctx.primary)
    bare = event.id in ("response", "remission") and "definition" not in event.fields
    if bare and ctx.primary:
        ctx.decide(f"{event.id}: no scale is named, the record's {ctx.primary} is meant", index)
        return Reading(f"{event.id}:{ctx.primary}", event.benefit, event.fields, event.ever)
    return event


def convert_number(ctx: Context, index: int, row: Row) -> Converted:
    """Convert an outcome that holds a number."""
    source_kind = text_of(row, "kind")
    if source_kind not in _KINDS:
        return NO_KIND.get(source_kind, f"no rule for the kind {source_kind!r}")
    kind, analysis = _KINDS[source_kind]
    value = _value(row, source_kind)
    events = row.get("events")
    events = events if isinstance(events, int) and not isinstance(events, bool) else None
    if value is None and events is None:
        return _why_no_value(row, source_kind)
    names = ctx.named_arms(row, index)
    if not names:
        return "the row names no arm"
    unit = text_of(row, "unit")
    percent = unit in _PERCENT_UNITS
    shares = kind in ("proportion", "risk_ratio", "odds_ratio", "time_to_event") or percent
    reading = _read(ctx, row, index, shares)
    fields = _merge_definition(common_fields(row), reading)
    if analysis:
        fields["analysis"] = "; ".join(filter(None, (fields.get("analysis"), analysis)))
    two = pair(names)
    if kind in ("difference", "smd", "risk_ratio", "odds_ratio") or source_kind == "hazard_ratio":
        if two is None:
            return f"a {kind} of {len(names)} arms, not of two"
        names, than = [two[0]], two[1]
        fields["than"] = than
    elif len(names) > 1:
        return f"one {kind} over several arms together"
    scale = 0.01 if kind == "proportion" or (kind == "difference" and percent) else 1.0
    spread, others = _spread(row, scale)
    if kind == "smd" and value is not None and value > 0 and reading.benefit < 0:
        ctx.decide(
            "the effect size is printed as relief: its sign is turned to arm minus than", index
        )
        value = -value
        if spread and isinstance(spread["value"], list):
            low, high = spread["value"]
            spread["value"] = [None if x is None else -x for x in (high, low)]
    if others:
        fields["note"] = "; ".join(filter(None, (fields.get("note"), others)))
    if value is not None:
        fields["value"] = round(value * scale, 6)
    if spread is not None and (value is not None or spread["kind"] == "range"):
        fields["spread"] = spread
    fields |= _unit_fields(ctx, index, row, kind, unit, percent)
    if kind == "proportion":
        problem = _events(ctx, index, fields, names[0], events)
        if problem:
            return problem
    return [{"measure": reading.id, "kind": kind, "arm": names[0]} | fields]


def _unit_fields(ctx: Context, index: int, row: Row, kind: str, unit: str, percent: bool) -> Row:
    source_kind, measure = text_of(row, "kind"), text_of(row, "measure")
    if source_kind == "percent_change" or (kind == "change" and number(row, "mean") is None):
        ctx.decide("a change in percent of the baseline is kept with the unit percent", index)
        return {"unit": "percent"}
    if source_kind == "time_to_event":
        return {"unit": "day"} if "days" in measure else {"unit": unit or "h"}
    if measure.endswith(" dB") or ", dB" in measure:
        return {"unit": "dB"}
    if unit and not percent:
        return {"unit": unit}
    return {"unit": "percent"} if unit and kind not in ("proportion", "difference") else {}


def _events(ctx: Context, index: int, fields: Row, arm: str, events: int | None) -> str:
    """Add ``events`` and the n that goes with them; return a reason where there is none."""
    if events is None:
        return ""
    if "n" not in fields:
        n = ctx.n_of(arm)
        if n is None and "value" not in fields:
            return "a count without the number of people observed"
        if n is None or n < events:
            ctx.decide(f"{events} events kept as the share only: n of {arm} is not told", index)
            return ""
        ctx.decide(f"n {n} of {arm} taken for {events} events", index)
        fields["n"] = n
    fields["events"] = events
    return ""


def _why_no_value(row: Row, kind: str) -> str:
    for key in ("percent", "mean", "median", "percents", "range_percent", "cohen_d_range"):
        if row.get(key) not in (None, "", []):
            return f"the value is no single number: {row[key]}"
    return NO_KIND.get(kind, f"a {kind} without a value")
