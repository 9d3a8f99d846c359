"""When and how long: the clauses of a dose that speak of time."""

from __future__ import annotations

import re

from ketalab.protocol._draft import Draft
from ketalab.protocol._limits import (
    MAX_ADMINISTRATIONS,
    MAX_HOLD_H,
    MAX_INFUSION_H,
    MAX_TIMES,
    MIN_TIME_H,
)
from ketalab.protocol._scan import Scanner
from ketalab.protocol._words import FLAGS, TIME_H, WORD_END, words_pattern

OVER, FOR, AT, BOLUS, ONCE, DAILY, WEEKLY, EVERY, HELD = (
    words_pattern([word])
    for word in ("over", "for", "at", "bolus", "once", "daily", "weekly", "every", "held")
)
COUNT = re.compile(r"x(?=[\s0-9.+-]|$)", FLAGS)
_TIMES_WORDS = {"once": 1, "twice": 2, "thrice": 3} | {
    f"{word} times": count
    for count, word in enumerate(("one", "two", "three", "four", "five", "six", "seven"), start=1)
}
_SPELLED = "|".join(word.replace(" ", r"\s+") for word in _TIMES_WORDS)
TIMES = re.compile(
    rf"(?:(?P<word>{_SPELLED})|(?P<digits>[0-9]{{1,9}})\s*times)"
    rf"\s+(?:(?:a|per|every|each)\s+)?(?P<per>daily|day|weekly|week){WORD_END}",
    FLAGS,
)
_OTHER = words_pattern(["other"])
_PERIOD = words_pattern(["min", "minute", "h", "hour", "day", "week"])


def read_over(scan: Scanner, draft: Draft) -> None:
    """Read ``over 40 min``."""
    column = scan.column
    scan.take(OVER)
    _put_duration(scan, draft, column, "over")


def read_for(scan: Scanner, draft: Draft) -> None:
    """Read ``for 60 min`` (of a rate or a target) or, after a frequency, ``for 4 weeks``."""
    column = scan.column
    scan.take(FOR)
    runs = draft.amounts is not None and draft.amounts.runs
    settled = not runs or draft.duration_h is not None
    if draft.interval_h is not None and (draft.last == "interval_h" or settled):
        _put_span(scan, draft, column)
    elif draft.amounts is not None and not runs:
        raise scan.error(
            "'for' needs a rate (0.14 mg/kg/h for 60 min) or a schedule (weekly for 4 weeks)"
            " before it; an amount is given 'over' a time",
            column,
        )
    else:
        _put_duration(scan, draft, column, "for")


def _put_span(scan: Scanner, draft: Draft, column: int) -> None:
    hours = scan.time("after 'for'")
    if hours == 0:
        raise scan.error("a course for no time; must be above 0", column)
    if draft.count is not None:
        raise scan.error("'x' and 'for' both say how long; write either", column)
    draft.put(scan, "span_h", hours, column, "length of course")


def _put_duration(scan: Scanner, draft: Draft, column: int, word: str) -> None:
    start = scan.column
    hours = scan.time(f"after {word!r}")
    if hours < MIN_TIME_H:
        length = "no time" if hours == 0 else "less than 1 s"
        raise scan.error(f"an infusion {word} {length}; write 'bolus' or a longer time", start)
    if hours > MAX_INFUSION_H:
        most = MAX_INFUSION_H / 24
        raise scan.error(
            f"an infusion {word} {hours / 24:.6g} d is absurd; at most {most:.0f} d", start
        )
    if draft.bolus:
        raise scan.error(f"'bolus' and {word!r} in one dose; write either", column)
    draft.put(scan, "duration_h", hours, column, "length of infusion")
    draft.duration_word = word


def read_held(scan: Scanner, draft: Draft) -> None:
    """Read ``held 10 min``: how long a dose stays in the mouth."""
    column = scan.column
    scan.take(HELD)
    scan.take(FOR)
    start = scan.column
    hours = scan.time("after 'held'")
    if not 0 < hours <= MAX_HOLD_H:
        length = "no time" if hours == 0 else f"{hours:.6g} h"
        raise scan.error(
            f"held for {length}; must be above 0 and at most {MAX_HOLD_H:.0f} h", start
        )
    draft.put(scan, "hold_h", hours, column, "'held'")


def read_bolus(scan: Scanner, draft: Draft) -> None:
    """Read ``bolus``."""
    column = scan.column
    scan.take(BOLUS)
    if draft.duration_h is not None:
        raise scan.error(f"{draft.duration_word!r} and 'bolus' in one dose; write either", column)
    draft.put(scan, "bolus", True, column, "'bolus'")


def read_at(scan: Scanner, draft: Draft) -> None:
    """Read ``at -45 min``: hours from t = 0."""
    column = scan.column
    scan.take(AT)
    draft.put(scan, "at_h", scan.time("after 'at'", negative=True), column, "'at'")


def read_times(scan: Scanner, draft: Draft) -> None:
    """Read ``twice weekly`` or ``3 times a day``: evenly spaced, as the phrase says no weekday."""
    column = scan.column
    match = TIMES.match(scan.text, scan.position)
    scan.take(TIMES)
    if match is None:
        return
    word = " ".join((match["word"] or "").lower().split())
    count = _TIMES_WORDS[word] if word else int(match["digits"])
    if not 1 <= count <= MAX_TIMES:
        raise scan.error(f"{count} times; must be 1 to {MAX_TIMES}", column)
    period_h = 24.0 if match["per"].lower().startswith("da") else 168.0
    _put_interval(scan, draft, period_h / count, column)


def read_daily(scan: Scanner, draft: Draft) -> None:
    """Read ``daily``."""
    column = scan.column
    scan.take(DAILY)
    _put_interval(scan, draft, 24.0, column)


def read_weekly(scan: Scanner, draft: Draft) -> None:
    """Read ``weekly``."""
    column = scan.column
    scan.take(WEEKLY)
    _put_interval(scan, draft, 168.0, column)


def read_every(scan: Scanner, draft: Draft) -> None:
    """Read ``every 84 h``, ``every 2 weeks``, ``every day`` or ``every other day``."""
    column = scan.column
    scan.take(EVERY)
    other = scan.take(_OTHER) is not None
    period = scan.take(_PERIOD)
    if period is not None:
        hours = TIME_H[period] * (2 if other else 1)
    elif other:
        raise scan.error(f"'day' or 'week' missing after 'every other'; {scan.found}")
    else:
        hours = scan.time("after 'every'")
    if hours < MIN_TIME_H:
        raise scan.error(f"doses every {hours:.6g} h; must be 1 s or more", column)
    _put_interval(scan, draft, hours, column)


def _put_interval(scan: Scanner, draft: Draft, hours: float, column: int) -> None:
    if draft.once:
        raise scan.error("'once' and a schedule in one dose; write either", column)
    draft.put(scan, "interval_h", hours, column, "schedule")
    draft.frequency_end = scan.position


def read_once(scan: Scanner, draft: Draft) -> None:
    """Read ``once``: a single dose, said aloud."""
    column = scan.column
    scan.take(ONCE)
    if draft.interval_h is not None:
        raise scan.error("'once' and a schedule in one dose; write either", column)
    draft.put(scan, "once", True, column, "'once'")


def read_count(scan: Scanner, draft: Draft) -> None:
    """Read ``x 8``."""
    column = scan.column
    scan.take(COUNT)
    start = scan.column
    value = scan.number("after 'x'")
    if value < 1 or value != int(value):
        raise scan.error(f"{value:.6g} doses after 'x'; must be a whole number from 1", start)
    if value > MAX_ADMINISTRATIONS:
        raise scan.error(f"{value:.10g} doses; at most {MAX_ADMINISTRATIONS:,}", start)
    if draft.span_h is not None:
        raise scan.error("'for' and 'x' both say how long; write either", column)
    draft.put(scan, "count", int(value), column, "count")
