"""Profiles of a concentration record: one row a time point, each with its spread."""

from __future__ import annotations

from typing import Any

from ketalab.studies._analytes import read_analyte
from ketalab.studies._concentrations import common, n_of, tail
from ketalab.studies._metric_keys import read_unit
from ketalab.studies._record import EvidenceRecord, Row, number, text_of

__all__ = ["PROFILE_VALUES", "read_profile"]

#: Keys of a profile's values, and what of the people they are.
PROFILE_VALUES = {
    "mean": "",
    "median": "median",
    "geometric_mean": "geometric",
    "geomean": "geometric",
    "value": "",
    "values": "",
    "concentration": "",
    "conc": "",
}
_PROFILE_TIMES = {"time_h": 1.0, "times_h": 1.0, "time_min": 60.0, "times_min": 60.0}


def read_profile(record: EvidenceRecord, profile: Row, arm: str) -> list[Row] | str:
    """Return one concentration row a time point of a profile, or why there is none."""
    times, per_hour = _times(profile)
    average, means = next(
        ((word, profile[key]) for key, word in PROFILE_VALUES.items() if key in profile),
        ("", None),
    )
    if not isinstance(times, list) or not isinstance(means, list) or len(times) != len(means):
        return "a profile whose times and means are not two lists of one length"
    if not times:
        return "a profile without points"
    analyte = read_analyte(text_of(profile, "analyte"))
    if not analyte:
        return "a profile that names no analyte"
    unit = read_unit(text_of(profile, "unit") or text_of(record.treatment, "concentration_unit"))
    if not unit:
        return "a profile without a unit"
    digitised = record.extra.get("digitised") is True or profile.get("digitised") is True
    shared = common(record, profile, analyte) | ({"digitised": True} if digitised else {})
    rows, seen = [], set()
    for place, (raw_time, raw_mean) in enumerate(zip(times, means, strict=True)):
        time, mean = number({"v": raw_time}, "v"), number({"v": raw_mean}, "v")
        if raw_mean is None or (time is not None and time < 0):
            continue  # no value was read there, or it is from before the dose
        if time is None or mean is None:
            return "a profile with a time or a mean that is no number"
        hours = round(time / per_hour, 6)
        if hours in seen:
            continue
        seen.add(hours)
        row: Row = {"measure": "plasma", "kind": "concentration", "arm": arm, "time_h": hours}
        row |= {"value": mean, "unit": unit} | _point_spread(profile, place, len(times), mean)
        row |= n_of(profile) | shared | ({"average": average} if average else {})
        rows.append(row | tail(record, profile))
    return rows or "a profile without points"


def _times(profile: Row) -> tuple[Any, float]:
    """Return a profile's times, and how many of their unit make an hour."""
    found = ((profile[key], factor) for key, factor in _PROFILE_TIMES.items() if key in profile)
    return next(found, (None, 1.0))


def _point_spread(profile: Row, place: int, count: int, mean: float) -> Row:
    """Return the spread of one point of a profile that lists one a point."""
    for key, kind in (
        ("sd", "sd"),
        ("se", "se"),
        ("sem", "se"),
        ("ci95", "ci95"),
        ("ci90", "ci90"),
    ):
        values = profile.get(key)
        if not isinstance(values, list) or len(values) != count:
            continue
        value = values[place]
        single = number({"v": value}, "v")
        if kind in ("sd", "se") and single is not None and single >= 0:
            return {"spread": {"kind": kind, "value": single}}
        if isinstance(value, list) and len(value) == 2 and kind.startswith("ci"):
            low, high = (number({"v": end}, "v") for end in value)
            if low is not None and high is not None and low <= mean <= high:
                return {"spread": {"kind": kind, "value": [low, high]}}
    return {}
