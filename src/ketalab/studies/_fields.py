"""Fields that every row carries, whatever its kind: time, n, source, spread, what the words add."""

from __future__ import annotations

import re
from typing import Any

from ketalab.studies._measures import Reading
from ketalab.studies._record import Row, number, text_of

__all__ = ["common_fields", "merge_reading", "read_spread", "time_fields"]

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
_HOURS = {"day": 24.0, "week": 168.0}
#: Spreads in the order of what they say; the row keeps the first, its note the others.
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
    for key in ("subgroup", "definition", "analyte", "site", "salt", "measured", "assay"):
        if row.get(key):
            fields[key] = text_of(row, key)
    period = text_of(row, "period", "phase")
    if period not in ("", "1"):  # the first period is the arms as they are listed
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


def merge_reading(fields: Row, reading: Reading) -> Row:
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


def read_spread(row: Row, scale: float) -> tuple[Row | None, str]:
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
