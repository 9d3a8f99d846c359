"""Numeric outcomes of a trial record to rows of a study file.

The rows are plain mappings in the study file's fields; a text in their place is the reason why the
outcome cannot be expressed.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from ketalab.studies._analytes import measured, read_analyte
from ketalab.studies._concentrations import read_site
from ketalab.studies._context import Context, pair
from ketalab.studies._fields import common_fields, merge_reading, read_spread
from ketalab.studies._measures import Reading, find_scale, read_event, read_measure
from ketalab.studies._metric_keys import read_unit
from ketalab.studies._record import Row, number, text_of
from ketalab.studies._vocabulary import NO_KIND

__all__ = ["Converted", "convert_claim", "convert_number"]

Converted = list[Row] | str

#: Kinds that records may share with the study file.
_SAME = ("ratio", "fraction", "band_power", "concentration", "cmax", "tmax", "auc", "half_life",
         "bioavailability")  # fmt: skip
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
} | {kind: (kind, "") for kind in _SAME}
#: Where a record keeps the value of a kind; the first that is a number counts.
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
#: Kinds of a record that compare two arms.
_CONTRASTS = ("difference", "difference_LS", "smd", "effect_size", "risk_ratio", "relative_risk",
              "odds_ratio", "hazard_ratio")  # fmt: skip
#: Kinds that are about an event (response, relapse, ...) and not about a score.
_EVENTS = ("proportion", "risk_ratio", "odds_ratio", "time_to_event")
#: Kinds that are figures of concentrations, and the unit of each where none is told.
_USUAL_UNITS = {
    "concentration": "ng/mL",
    "cmax": "ng/mL",
    "tmax": "h",
    "auc": "ng*h/mL",
    "half_life": "h",
}
_OF_ANALYTES = (*_USUAL_UNITS, "bioavailability")
#: Words of a measure that say what of the analyte is measured, not which.
_BESIDE_ANALYTE = re.compile(
    r"\b(?:plasma|serum|concentrations?|levels?|c_?max|t_?max|peak|auc\S*|half[- ]life|bioavailability|of|in)\b",
    re.I,
)
_PERCENT_UNITS = ("percent", "percentage points", "per 100", "%")


@dataclass
class _Number:
    """What an outcome says before it is written as a row."""

    kind: str
    value: float | None
    events: int | None
    unit: str
    reading: Reading

    @property
    def percent(self) -> bool:
        """Whether the value is in percentage points."""
        return self.unit in _PERCENT_UNITS

    @property
    def scale(self) -> float:
        """Factor from the record's number to the study file's: shares, not percentages."""
        points = self.kind == "difference" and self.percent
        return 0.01 if self.kind == "proportion" or points else 1.0


def _value(row: Row, kind: str) -> float | None:
    for key in _VALUES.get(kind, ("mean", "percent")):
        value = number(row, key)
        if value is not None:
            return value
    return None


def _read(ctx: Context, row: Row, index: int, event_kind: bool) -> Reading:
    """Read the measure; an event without a scale takes the record's primary one."""
    text, definition = text_of(row, "measure"), text_of(row, "definition")
    event = read_event(text, definition, ctx.primary) if event_kind else None
    if event is None:
        reading = read_measure(text, ctx.primary)
        # A share of people is no score, although its words may name a scale.
        share = text_of(row, "kind") == "proportion" and find_scale(text) == reading.id
        return Reading(text) if share else reading
    bare = event.id in ("response", "remission") and "definition" not in event.fields
    if bare and ctx.primary:
        ctx.decide(f"{event.id}: no scale is named, the record's {ctx.primary} is meant", index)
        return Reading(f"{event.id}:{ctx.primary}", event.benefit, event.fields, event.ever)
    return event


def convert_claim(row: Row) -> Converted:
    """Convert a claim that names a scenario, an output and a sign to a statement row."""
    fields: Row = {key: text_of(row, key) for key in ("scenario", "output", "sign")}
    for key in ("than_scenario", "species", "interventions", "than_interventions"):
        if row.get(key):
            fields[key] = row[key]
    return [{"measure": fields["output"], "kind": "statement"} | fields | common_fields(row)]


def convert_number(ctx: Context, index: int, row: Row) -> Converted:
    """Convert an outcome that holds a number."""
    source_kind = text_of(row, "kind")
    if source_kind not in _KINDS:
        return NO_KIND.get(source_kind, f"no rule for the kind {source_kind!r}")
    value, events = _value(row, source_kind), row.get("events")
    events = events if isinstance(events, int) and not isinstance(events, bool) else None
    if value is None and events is None:
        return _why_no_value(row, source_kind)
    arms = ctx.named_arms(row, index)
    two = pair(arms)
    if not arms:
        return "the row names no arm"
    if source_kind in _CONTRASTS and two is None:
        return f"a {source_kind} of {len(arms)} arms, not of two"
    if len(arms) > 1 and source_kind not in (*_CONTRASTS, "ratio"):
        return f"one {source_kind} over several arms together"
    kind, analysis = _KINDS[source_kind]
    unit = text_of(row, "unit")
    if kind in _OF_ANALYTES:
        return _concentration(ctx, index, row, kind, arms, value)
    reading = _read(ctx, row, index, kind in _EVENTS or unit in _PERCENT_UNITS)
    said = _Number(kind, value, events, unit, reading)
    fields = merge_reading(common_fields(row), reading)
    if analysis:
        fields["analysis"] = "; ".join(filter(None, (fields.get("analysis"), analysis)))
    if two is not None:
        fields["than"] = two[1]
    fields |= _values(ctx, index, row, said, fields.get("note", ""))
    if kind == "proportion":
        problem = _count(ctx, index, fields, arms[0], events)
        if problem:
            return problem
    brain = reading.id.split(":")[0] in ("circuit", "occupancy", "receptor")
    if kind == "proportion" and brain and "events" not in fields and "value" in fields:
        said.kind = "fraction"
    percent = source_kind == "percent_change" or (
        kind in ("change", "difference") and _only_percent(row)
    )
    if percent and reading.id.startswith("rhythm:") and fields["value"] > -100:
        _as_decibels(ctx, index, fields, said)
    elif percent:
        _as_ratio(ctx, index, fields, said)
    return [{"measure": reading.id, "kind": said.kind, "arm": arms[0]} | fields]


def _concentration(
    ctx: Context, index: int, row: Row, kind: str, arms: list[str], value: float | None
) -> Converted:
    """Convert a figure of concentrations in a trial; its analyte is told, or read off the measure."""
    words = text_of(row, "analyte") or _BESIDE_ANALYTE.sub(" ", text_of(row, "measure"))
    analyte = read_analyte(" ".join(words.split()))
    if not analyte:
        return f"a {kind} that names no analyte"
    spread, others = read_spread(row, 1.0)
    fields = common_fields(row) | {"analyte": analyte, "measured": measured(analyte)}
    fields |= read_site(fields.pop("site", "") or ctx.record.sampling_site or "")
    unit = read_unit(text_of(row, "unit"))
    if kind == "bioavailability" and value is not None and value > 1:
        value = round(value / 100, 6)
        ctx.decide("a bioavailability above one is read as percent", index)
        spread = None
    elif kind != "bioavailability":
        if not unit:
            ctx.decide(f"a {kind} without a unit is taken in {_USUAL_UNITS[kind]}", index)
        fields["unit"] = unit or _USUAL_UNITS[kind]
    if value is not None:
        fields["value"] = value
    if spread is not None:
        fields["spread"] = spread
    if others:
        fields["note"] = "; ".join(filter(None, (fields.get("note", ""), others)))
    return [{"measure": "plasma", "kind": kind, "arm": arms[0]} | fields]


def _only_percent(row: Row) -> bool:
    return number(row, "mean") is None and number(row, "percent") is not None


def _values(ctx: Context, index: int, row: Row, said: _Number, note: str) -> Row:
    """Return value, spread, unit, and the note with the spreads that did not fit."""
    fields: Row = {}
    spread, others = read_spread(row, said.scale)
    value = said.value
    if said.kind == "smd" and value is not None and value > 0 and said.reading.benefit < 0:
        ctx.decide("the effect size is printed as relief: turned to arm minus than", index)
        value = -value
        if spread and isinstance(spread["value"], list):
            low, high = spread["value"]
            spread["value"] = [None if end is None else -end for end in (high, low)]
    if value is not None:
        fields["value"] = round(value * said.scale, 6)
    if spread is not None and (value is not None or spread["kind"] == "range"):
        fields["spread"] = spread
    if others:
        fields["note"] = "; ".join(filter(None, (note, others)))
    measure = text_of(row, "measure")
    if text_of(row, "kind") == "time_to_event":
        fields["unit"] = "day" if "days" in measure else said.unit or "h"
    elif measure.endswith(" dB"):
        fields["unit"] = "dB"
        said.kind = "band_power" if "power" in measure else said.kind
    elif said.unit and not said.percent:
        fields["unit"] = said.unit
    return fields


def _as_decibels(ctx: Context, index: int, fields: Row, said: _Number) -> None:
    """Write a change of a rhythm's power in percent in decibels."""
    percent = fields["value"]
    said.kind = "band_power"
    fields |= {"value": round(10 * math.log10(1 + percent / 100), 6), "unit": "dB"}
    fields.pop("spread", None)
    words = f"printed as {percent:+g} percent"
    fields["definition"] = "; ".join(filter(None, (fields.get("definition"), words)))
    ctx.decide(f"a change of {percent:+g} percent is kept in decibels", index)


def _as_ratio(ctx: Context, index: int, fields: Row, said: _Number) -> None:
    """Write a change in percent as the ratio to the baseline (or to the arm compared with)."""
    percent = fields["value"]
    said.kind = "ratio"
    fields["value"] = round(1 + percent / 100, 6)
    fields.pop("spread", None)
    to = "the other arm" if "than" in fields else "its own baseline"
    words = f"ratio to {to}, printed as {percent:+g} percent"
    fields["definition"] = "; ".join(filter(None, (fields.get("definition"), words)))
    ctx.decide(f"a change of {percent:+g} percent is kept as a ratio to {to}", index)


def _count(ctx: Context, index: int, fields: Row, arm: str, events: int | None) -> str:
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
