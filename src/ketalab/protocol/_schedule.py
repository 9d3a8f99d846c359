"""From doses to administrations: where t = 0 is, when repeats are, what regimens a mix holds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product

from ketalab.protocol._infusions import count_infusions, list_infusions
from ketalab.protocol._limits import MAX_TIME_H
from ketalab.protocol._records import Administration, Variant, check_size
from ketalab.protocol._resolve import Dose
from ketalab.protocol._scan import Scanner
from ketalab.protocol._targets import Timed, chain_programs, write_program

#: Hours, and parts of an interval: below this two times are the same; hides the rounding of 40/60.
_SAME = 1e-9
#: Doses given together, then the next ones.
Step = Sequence[Dose]


def time_doses(scan: Scanner, steps: Sequence[Step], horizon_h: float | None) -> list[Timed]:
    """Place the steps of one chain of ``then`` in time.

    t = 0 is the first dose without an offset. A step starts when all doses of the steps before it
    have been given; a repeated dose lasts to the end of its course (its last interval included).

    Raises
    ------
    PhraseError
        The first dose without an offset would not be at t = 0, a course without an end is followed
        by ``then`` or has no horizon, or a dose is later than a lifetime.
    """
    timed: list[Timed] = []
    reached, started = -math.inf, False
    for index, step in enumerate(steps):
        start_h = reached if started else 0.0
        for dose in step:
            if dose.at_h is None and not started and reached > _SAME:
                raise scan.error(
                    "t = 0 is the first dose without 'at', but this one follows a dose that ends at"
                    f" {reached:.6g} h; write 'at' for it too",
                    dose.column,
                )
            first_h = start_h if dose.at_h is None else dose.at_h
            is_last = index == len(steps) - 1
            count = _count(scan, dose, first_h, horizon_h, is_last)
            timed.append(Timed(dose, index, first_h, count))
            check_size(1, _count_doses(timed), scan.original, dose.schedule_column)
        started = started or any(dose.at_h is None for dose in step)
        reached = max(reached, *(_end(one) for one in timed[-len(step) :]))
        if reached > MAX_TIME_H:
            years = MAX_TIME_H / 8760
            raise scan.error(
                f"doses end {reached / 8760:.6g} years after t = 0; at most {years:.0f}",
                step[-1].column,
            )
    return chain_programs(scan, timed)


def _count_doses(timed: Sequence[Timed]) -> int:
    """Count the administrations; of a target each interval of its pump is one."""
    return sum(
        one.count * (count_infusions(one.dose.duration_h) if one.dose.kind == "target" else 1)
        for one in timed
    )


def _count(
    scan: Scanner, dose: Dose, first_h: float, horizon_h: float | None, is_last: bool
) -> int:
    if dose.interval_h is None:
        return 1
    if dose.count is not None:
        count = dose.count
    elif dose.span_h is not None:
        count = _fit(dose.span_h, dose.interval_h)
    elif horizon_h is None or not is_last:
        raise scan.error(
            "how long does the schedule go on? write such as 'x 4' or 'for 4 weeks'",
            dose.schedule_column,
        )
    else:
        count = _fit(horizon_h - first_h, dose.interval_h)
    if dose.kind == "titrated" and count < 2:
        raise scan.error("'titrated' needs two repeats or more", dose.schedule_column)
    return count


def _fit(span_h: float, interval_h: float) -> int:
    """Count the doses that begin within a span: the one at its end belongs to the next."""
    return max(1, math.ceil(span_h / interval_h - _SAME))


def _end(timed: Timed) -> float:
    dose = timed.dose
    interval_h = dose.interval_h or 0.0
    last_h = timed.start_h + (timed.count - 1) * interval_h + dose.duration_h
    if dose.interval_h is None:
        return last_h
    course_h = dose.span_h if dose.span_h is not None else timed.count * interval_h
    return max(last_h, timed.start_h + course_h)


def list_variants(scan: Scanner, timed: Sequence[Timed]) -> tuple[Variant, ...]:
    """Give each combination of flexible amounts an equal share.

    Raises
    ------
    PhraseError
        More combinations, or more doses over all of them, than one treatment may have.
    """
    flexible = {one.dose.choice: one.dose for one in timed if one.dose.kind == "flexible"}
    number = math.prod(len(dose.amounts) for dose in flexible.values())
    doses = _count_doses(timed)
    column = timed[-1].dose.schedule_column
    check_size(number, number * doses, scan.original, column)
    options = [range(len(dose.amounts)) for dose in flexible.values()]
    return tuple(
        Variant(1 / number, tuple(_administer(timed, dict(zip(flexible, chosen, strict=True)))))
        for chosen in product(*options)
    )


def _administer(timed: Sequence[Timed], chosen: dict[int, int]) -> Iterator[Administration]:
    programs: dict[int, list[Timed]] = {}
    for one in timed:
        dose = one.dose
        if dose.kind == "target":
            programs.setdefault(one.program, []).append(one)
            continue
        for index in range(one.count):
            yield Administration(
                time_h=one.start_h + index * (dose.interval_h or 0.0),
                amount=_amount(dose, index, one.count, chosen),
                per_kg=dose.per_kg,
                duration_h=dose.duration_h,
                compound=dose.compound,
                salt=dose.salt,
                route=dose.route,
                device=dose.device,
                hold_h=dose.hold_h,
            )
    for steps in programs.values():
        yield from _infuse(steps)


def _infuse(steps: Sequence[Timed]) -> Iterator[Administration]:
    """Give what a pump gives for its steps; a repeated target begins with a new pump each time."""
    first, program = steps[0], write_program(steps)
    for index in range(first.count):
        start_h = first.start_h + index * (first.dose.interval_h or 0.0)
        for infusion in list_infusions(program):
            yield Administration(
                time_h=start_h + infusion.offset_h,
                amount=infusion.mg_per_kg,
                per_kg=True,
                duration_h=infusion.duration_h,
                compound=first.dose.compound,
                route=first.dose.route,
                program=program,
            )


def _amount(dose: Dose, index: int, count: int, chosen: dict[int, int]) -> float:
    if dose.kind == "flexible":
        return dose.amounts[chosen[dose.choice]]
    if dose.kind == "titrated" and index:
        low, high = dose.amounts
        # At the end the stated amount itself, free of rounding.
        return high if index == count - 1 else low + (high - low) * index / (count - 1)
    return dose.amounts[0]
