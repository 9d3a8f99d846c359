"""Worded outcomes of a record (increase, blocked, no difference, ...) to direction rows."""

from __future__ import annotations

import re

from ketalab.studies._context import Context, is_animal, pair
from ketalab.studies._fields import common_fields, merge_reading
from ketalab.studies._measures import Reading, read_event, read_measures
from ketalab.studies._record import Row, text_of
from ketalab.studies._rows import Converted
from ketalab.studies._vocabulary import DIRECTIONS, HOURS, HOURS_RANGE, NO_KIND

__all__ = ["convert_words", "read_direction"]

_SIGNS = {1: "+", -1: "-"}


def read_direction(text: str) -> str | None:
    """Return +, -, 0, or a word of the table that needs the measure; None for other texts."""
    return next((word for pattern, word in DIRECTIONS if pattern.search(text)), None)


def convert_words(ctx: Context, index: int, row: Row) -> Converted:
    """Convert an outcome that says a direction in words."""
    kind = text_of(row, "kind")
    text = text_of(row, "direction") or text_of(row, "note")
    if kind == "superiority":
        text = "improvement"
    if not text:
        return NO_KIND.get(kind, f"a {kind} without value and direction")
    word = read_direction(text)
    if word is None:
        return f"no rule reads a direction from the words {text!r}"
    if re.search(r"\b(?:vs|versus)\b", text_of(row, "measure")):
        return "it relates two measures or groups of people, no arms"
    event = read_event(text_of(row, "measure"), text_of(row, "definition"), ctx.primary)
    readings = [event] if event else read_measures(text_of(row, "measure"), ctx.primary)
    if len(readings) > 1:
        ctx.decide(f"it names {', '.join(one.id for one in readings)}: one row each", index)
    names = ctx.named_arms(row, index)
    if not names:
        return "the row names no arm"
    compared = _compare(ctx, index, kind, word, names)
    if isinstance(compared, str):
        return compared
    rows = []
    for reading in readings:
        fields = merge_reading(common_fields(row), reading)
        times = _times(ctx, index, text, fields)
        for arm, than in compared:
            sign = _sign(ctx, index, word, text, reading)
            if sign is None:
                return f"{text!r} needs to know which way {reading.id!r} is relief, which no table says"
            pairing = {"than": than} if than else {}
            one = {"measure": reading.id, "kind": "direction", "arm": arm} | pairing | fields
            rows += [one | time | {"sign": sign} for time in times]
    return rows


def _times(ctx: Context, index: int, text: str, fields: Row) -> list[Row]:
    """Times that a direction's words tell (rapid, sustained) where the row has none; of animals and cells alone."""
    if "time_h" in fields or "window_h" in fields or not is_animal(ctx.record):
        return [{}]
    hours = next((hours for pattern, hours in HOURS if pattern.search(text)), ())
    for hour in hours:
        why = f"{text!r} names no time" if len(hours) == 1 else f"{text!r} names no times"
        ctx.assume("outcomes.time_h", hour, why, unit="h", range=list(HOURS_RANGE[hour]))
    if hours:
        said = " and ".join(f"{hour:g} h" for hour in hours)
        ctx.decide(f"{text!r} without a time is taken at {said}", index)
    return [{"time_h": hour} for hour in hours] or [{}]


def _sign(ctx: Context, index: int, word: str, text: str, reading: Reading) -> str | None:
    if word in ("+", "-", "0"):
        return word
    if word == "unblocked":
        ctx.decide(f"{text!r}: no difference from the arm without the blocker, sign 0", index)
        return "0"
    if not reading.benefit:
        return None
    relief = word == "benefit"
    sign = _SIGNS[reading.benefit if relief else -reading.benefit]
    ctx.decide(f"{text!r} read as {sign} on {reading.id}", index)
    return sign


def _compare(
    ctx: Context, index: int, kind: str, word: str, names: list[str]
) -> list[tuple[str, str | None]] | str:
    """Return the pairs (arm, than) of a worded row."""
    two = pair(names)
    if word in ("blocked", "unblocked"):
        if two is not None:
            return [two]
        base = ctx.without_blocker(names[0]) if len(names) == 1 else None
        if base is None:
            return "a block without an arm that lacks the blocker"
        ctx.decide(f"compared with the arm without the blocker, {base!r}", index)
        return [(names[0], base)]
    if two is not None:
        listed = kind == "direction"
        if ctx.is_control(two[1]) or not listed or ctx.without_blocker(two[0]) == two[1]:
            return [two]
    if len(names) > 1:
        if kind != "direction":
            return f"a comparison of {len(names)} arms, not of two"
        ctx.decide(f"said of {len(names)} arms: one row each", index)
    return [(name, ctx.comparator(name, index)) for name in names]
