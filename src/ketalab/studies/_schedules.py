"""When a treatment was given: free text and lists of times to clauses of the dosing grammar."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from ketalab.studies._record import Row

__all__ = ["Decide", "read_schedules"]

#: Takes one line for each decision that was made.
Decide = Callable[[str], None]

_WEEKS = r"(?P<weeks>\d+) ?(?:wk|weeks?)"
#: Free text of a schedule to a clause of the grammar; the first match wins.
_CLAUSES: tuple[tuple[str, str], ...] = (
    (
        rf"(?:twice weekly|twice a week)(?: x| for)?(?: up to)? {_WEEKS}",
        "twice weekly for {weeks} weeks",
    ),
    (
        rf"(?:three times weekly|three times a week|3x weekly)(?: x| for)?(?: up to)? {_WEEKS}",
        "3 times weekly for {weeks} weeks",
    ),
    (r"(?:up to )?(?P<count>\d+),? twice weekly", "twice weekly x {count}"),
    (r"twice weekly x (?P<count>\d+)$", "twice weekly x {count}"),
    (r"weekly x (?P<count>\d+)$", "weekly x {count}"),
    (r"daily x (?P<count>\d+)(?: days)?$", "daily x {count}"),
    (rf"daily for {_WEEKS}", "daily for {weeks} weeks"),
    (r"(?P<count>\d+) days$", "daily x {count}"),
    (r"once$", ""),
    (r"every (?P<step>\d+) h(?:ours)? x (?P<count>\d+)$", "every {step} h x {count}"),
    (r"every (?P<step>\d+) h(?:ours)? for (?P<count>\d+) days$", "every {step} h for {count} d"),
    (r"(?:twice daily|bid) (?:for|x) (?P<count>\d+) days$", "twice daily for {count} d"),
    (r"(?:once )?daily (?:for|x) (?P<count>\d+)(?: days)?$", "daily x {count}"),
    (r"(?:three times daily|tid) (?:for|x) (?P<count>\d+) days$", "every 8 h for {count} d"),
)  # fmt: skip
_OPEN = {"twice weekly": 84, "three times weekly": 56, "weekly": 168, "daily": 24}
_COUNTED = re.compile(rf"(?P<count>\d+) (?:sessions )?in (?:(?P<days>\d+) days|{_WEEKS})$")


def read_schedules(
    treatment: Row, horizon_h: float, doses: int, arm_id: str, decide: Decide
) -> list[str] | None:
    """Return a schedule clause a dose, or None where the words tell no schedule."""
    times: Any = treatment.get("times_h")
    if times in (None, [], ""):
        return None if treatment.get("schedule") else [""] * doses
    if isinstance(times, list):
        if not all(isinstance(time, (int, float)) for time in times):
            return None
        if doses == 1 and (even := _evenly(times)):
            return [even]
        return [_at(float(time)) for time in times] if doses in (1, len(times)) else None
    text = str(times).strip()
    if doses > 1:
        if text.startswith("weekly"):
            decide(f"arm {arm_id}: {doses} rising doses taken one week apart")
            return [_at(168.0 * index) for index in range(doses)]
        return None
    for pattern, clause in _CLAUSES:
        if match := re.match(pattern, text):
            if "up to" in text:
                decide(f"arm {arm_id}: {text!r} taken as the whole course")
            return [clause.format(**match.groupdict())]
    if match := _COUNTED.match(text):
        count = int(match["count"])
        hours = 24 * int(match["days"]) if match["days"] else 168 * int(match["weeks"])
        decide(f"arm {arm_id}: {text!r} taken as evenly spaced")
        return [f"every {hours / count:g} h x {count}"]
    if text in _OPEN and horizon_h > 0:
        step = _OPEN[text]
        count = max(1, int(-(-horizon_h // step)))
        decide(f"arm {arm_id}: {text!r} taken to the last row at {horizon_h:g} h")
        return [f"every {step} h x {count}"]
    return None


def _evenly(times: list[float]) -> str:
    """Return one clause for doses from 0 in equal steps, empty where they are not."""
    steps = {round(b - a, 6) for a, b in pairwise(times)}
    if len(steps) != 1 or times[0] != 0 or min(steps) <= 0:
        return ""
    return f"every {steps.pop():g} h x {len(times)}"


def _at(time_h: float) -> str:
    if time_h == 0:
        return ""
    minutes = time_h * 60
    short = abs(time_h) < 1 and minutes == round(minutes)
    return f"at {minutes:g} min" if short else f"at {time_h:g} h"
