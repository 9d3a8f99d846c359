"""Readings by hand: where a record's words need a reader, what was read, with the reason.

They are data (``data/readings.yaml``): a record's id to what is set in its design, population and
arms, and to the rows of single outcomes. Each becomes a decision of the ledger. A reading that does
not fit the record (another measure in that row) is left aside and said so.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from ketalab._files import read_yaml
from ketalab.studies._context import UNTREATED, Context
from ketalab.studies._fields import common_fields
from ketalab.studies._record import Row, text_of
from ketalab.studies._rows import Converted

__all__ = ["adjust_metric", "apply_head", "hand_reading", "readings"]

DATA = Path(__file__).parent.parent / "data"


@cache
def readings() -> dict[str, Any]:
    """Return the hand readings by record id."""
    data = read_yaml(DATA / "readings.yaml")
    return data if isinstance(data, dict) else {}


def apply_head(ctx: Context, head: Row) -> None:
    """Set what was read by hand of design, population and arms."""
    reading = readings().get(ctx.record.id, {})
    for part in ("design", "population"):
        for key, value in reading.get(part, {}).items():
            if key != "why":
                head[part][key] = value
        if part in reading:
            ctx.decide(f"{part} read by hand: {reading[part].get('why', '')}")
    for name, fields in reading.get("arms", {}).items():
        arm = ctx.arms.setdefault(name, {"id": name})
        why = fields.get("why", "")
        for key, value in fields.items():
            if key != "why":
                arm[key] = value
        for key in [key for key, value in arm.items() if value in (None, [], False)]:
            del arm[key]
        ctx.decide(f"arm {name} read by hand: {why}")
    ctx.aliases.update(reading.get("aliases", {}))


def hand_reading(ctx: Context, index: int, row: Row) -> Converted | None:
    """Return the rows (or the reason) read by hand for one outcome, None where there is none."""
    reading = readings().get(ctx.record.id, {}).get("rows", {}).get(index)
    if reading is None:
        return None
    if reading["of"] != text_of(row, "measure"):
        ctx.decide(f"a reading by hand is of {reading['of']!r}, not of this row: left aside", index)
        return None
    if "skip" in reading:
        return str(reading["skip"])
    ctx.decide(f"read by hand: {reading['why']}", index)
    rows = []
    for given in reading["rows"]:
        fields = common_fields(row)
        kept = {key: value for key, value in fields.items() if given.get(key, value) is not None}
        rows.append(kept | {key: value for key, value in given.items() if value is not None})
        if UNTREATED in (given.get("arm"), given.get("than")):
            ctx.untreated(index)
    return rows


def adjust_metric(ctx: Context, label: str, rows: list[Row]) -> list[Row]:
    """Return the rows of one metric or profile with what was read by hand of them."""
    reading = readings().get(ctx.record.id, {}).get("rows", {}).get(label)
    if reading is None or any(row.get("analyte") != reading["of"] for row in rows):
        return rows
    ctx.decide(f"read by hand: {reading['why']}", label)
    fields = {key: value for key, value in reading.items() if key not in ("of", "why")}
    return [row | fields for row in rows]
