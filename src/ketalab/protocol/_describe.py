"""From doses back to one canonical line, phrase-like and short: equal repeats are folded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ketalab.protocol._infusions import list_infusions
from ketalab.protocol._program import Program

if TYPE_CHECKING:
    from ketalab.protocol._records import Administration, Variant

#: Times (h) and amounts (relative) closer than this are the same; far below any clock or balance.
_SAME = 1e-9
#: A rise shows from the third dose on; two doses that differ are two doses.
_FEWEST_TITRATED = 3
_INTERVALS = {
    12.0: "twice daily",
    24.0: "daily",
    56.0: "three times weekly",
    84.0: "twice weekly",
    168.0: "weekly",
}


@dataclass(frozen=True)
class _Course:
    """All that a pump gives for one program, told as one dose; its fields are named as a dose's."""

    time_h: float
    program: Program
    compound: str
    route: str
    #: Targets are never described as rising or as a mix, so that the amount says nothing.
    amount: float = 0.0

    @property
    def duration_h(self) -> float:
        return self.program.targets[-1].end_h

    @property
    def key(self) -> tuple[Any, ...]:
        return (self.time_h, self.compound, self.route)


#: A row is one dose of the regimen, as each variant gives it; a run is a row and its repeats.
_Row = tuple["Administration | _Course", ...]


def describe_variants(variants: Sequence[Variant]) -> str:
    """Return one line for a mix of regimens; a phrase where one phrase can say it."""
    if len(variants) == 1:
        return _join(_fold([(dose,) for dose in _gather(variants[0])]))
    runs = _fold(_align(variants))
    if sum(len(_amounts(run[0])) > 1 for run in runs) == 1:
        return _join(runs)
    shares = (
        f"{100 * variant.weight:.4g}%: {describe_variants([variant])}" for variant in variants
    )
    return " | ".join(shares)


def _align(variants: Sequence[Variant]) -> list[_Row]:
    """Pair the doses of equally likely variants that differ only in amounts; else nothing."""
    first = variants[0]
    if any(v.weight != first.weight for v in variants):
        return []
    doses = [_gather(variant) for variant in variants]
    if any(len(one) != len(doses[0]) for one in doses):
        return []
    rows = list(zip(*doses, strict=True))
    same = all(len({(dose.time_h, _kind(dose)) for dose in row}) == 1 for row in rows)
    equal_shares = all(len(_amounts(row)) in (1, len(variants)) for row in rows)
    return rows if same and equal_shares else []


def _gather(variant: Variant) -> list[Administration | _Course]:
    """List the doses of a regimen, with the infusions of a pump that did all it was told as one."""
    doses = [dose for dose in variant.administrations if dose.program is None]
    pumped: dict[tuple[Any, ...], Counter[Administration]] = {}
    for dose in variant.administrations:
        if dose.program is not None:
            kind = (dose.program, dose.compound, dose.route, dose.per_kg, dose.salt)
            pumped.setdefault(kind, Counter())[dose] += 1
    gathered: list[Administration | _Course] = []
    for (program, compound, route, *_), left in pumped.items():
        given = Counter((dose.time_h, dose.amount, dose.duration_h) for dose in left.elements())
        while given:
            start_h = min(time_h for time_h, *_ in given)
            course = Counter(
                (start_h + one.offset_h, one.mg_per_kg, one.duration_h)
                for one in list_infusions(program)
            )
            if not course <= given:
                break
            given -= course
            gathered.append(_Course(start_h, program, compound, route))
        # What is left was not told by the program as it stands: plain infusions.
        for dose in left.elements():
            what = (dose.time_h, dose.amount, dose.duration_h)
            if given[what]:
                given[what] -= 1
                doses.append(dose)
    return sorted([*doses, *gathered], key=lambda dose: dose.key)


def _kind(dose: Administration | _Course) -> tuple[Any, ...]:
    if isinstance(dose, _Course):
        return (dose.compound, dose.route, dose.program)
    device, hold_h = dose.device or "", dose.hold_h or 0.0
    return (dose.compound, dose.salt, dose.route, device, hold_h, dose.per_kg, dose.duration_h)


def _amounts(row: _Row) -> list[float]:
    return sorted({dose.amount for dose in row})


def _fold(rows: list[_Row]) -> list[list[_Row]]:
    """Fold rows into runs, evenly spaced and equal or evenly rising, in order of first dose."""
    kinds: dict[object, list[_Row]] = {}
    for row in rows:
        kinds.setdefault(_kind(row[0]), []).append(row)
    runs = []
    for group in kinds.values():
        start = 0
        while start < len(group):
            equal = _run_length(group, start, rising=False)
            rising = _run_length(group, start, rising=True)
            length = rising if rising >= _FEWEST_TITRATED and rising > equal else equal
            last = start + length - 1
            if length > 2 and _run_length(group, last, rising=False) > 2:
                # The last dose opens the next course: weekly x 4, then daily x 5.
                length -= 1
            runs.append(group[start : start + length])
            start += length
    return sorted(runs, key=lambda run: run[0][0].key)


def _run_length(group: list[_Row], start: int, rising: bool) -> int:
    """Count the rows from ``start`` that repeat the first at an even interval."""
    if start + 1 == len(group):
        return 1
    first, second = group[start], group[start + 1]
    if isinstance(first[0], _Course) and len(first[0].program.targets) > 1:
        return 1  # no phrase repeats a chain of ``then``
    interval = second[0].time_h - first[0].time_h
    rise = second[0].amount - first[0].amount if rising else 0.0
    if interval <= _SAME or interval < first[0].duration_h - _SAME:
        return 1
    if rising and (rise <= 0 or len(first) > 1):
        return 1
    for count, row in enumerate(group[start:]):
        if abs(row[0].time_h - (first[0].time_h + count * interval)) > _SAME:
            return count
        amount = first[0].amount + count * rise
        if rising and abs(row[0].amount - amount) > _SAME * amount:
            return count
        if not rising and [d.amount for d in row] != [d.amount for d in first]:
            return count
    return len(group) - start


def _join(runs: list[list[_Row]]) -> str:
    """Join the runs; ``;`` where the ``then`` of a pump would reach across a ``+``."""
    parts = [_describe_run(run) for run in runs]
    return ("; " if any(", then" in part for part in parts) else " + ").join(parts) or "none"


def _describe_run(run: list[_Row]) -> str:
    dose = run[0][0]
    if isinstance(dose, _Course):
        return _describe_course(dose, run)
    words = [_amount_words(run), dose.compound]
    if dose.salt != "base":
        words.append(dose.salt)
    words.append(dose.route)
    if dose.duration_h:
        words.append(f"over {_time(dose.duration_h)}")
    if dose.device:
        words.append(f"by {dose.device}")
    if dose.hold_h:
        words.append(f"held {_time(dose.hold_h)}")
    return " ".join([*words, *_when(run)])


def _describe_course(course: _Course, run: list[_Row]) -> str:
    """Return ``150 ng/mL ketamine iv for 30 min by domino, then 300 ng/mL for 30 min``."""
    first, *others = course.program.targets
    words = [f"{_number(first.ng_ml)} ng/mL", course.compound, course.route]
    words += [f"for {_time(first.duration_h)}", f"by {course.program.pump}", *_when(run)]
    parts, reached_h = [" ".join(words)], first.end_h
    for target in others:
        part = f"{_number(target.ng_ml)} ng/mL for {_time(target.duration_h)}"
        # Only after a step at t = 0 does the next one follow without its time.
        if course.time_h or target.start_h > reached_h:
            part += f" at {_time(course.time_h + target.start_h)}"
        parts.append(part)
        reached_h = target.end_h
    return ", then ".join(parts)


def _when(run: list[_Row]) -> list[str]:
    """Return ``at 28 d`` and ``weekly x 4``, where they say something."""
    words, dose = [], run[0][0]
    if dose.time_h:
        words.append(f"at {_time(dose.time_h)}")
    if len(run) > 1:
        interval = (run[-1][0].time_h - dose.time_h) / (len(run) - 1)
        named = [word for hours, word in _INTERVALS.items() if abs(hours - interval) <= _SAME]
        words.append(f"{named[0] if named else 'every ' + _time(interval)} x {len(run)}")
    return words


def _amount_words(run: list[_Row]) -> str:
    """Return ``0.5 mg/kg``, ``flexible 56 or 84 mg`` or ``titrated 0.5 to 0.9 mg/kg``."""
    first, last = _amounts(run[0]), _amounts(run[-1])
    small = 0 < max(*first, *last) < 0.01
    scale, unit = (1e3, "ug") if small else (1.0, "mg")
    unit += "/kg" if getattr(run[0][0], "per_kg", False) else ""
    if len(first) > 1:
        return f"flexible {' or '.join(_number(amount * scale) for amount in first)} {unit}"
    if first != last:
        return f"titrated {_number(first[0] * scale)} to {_number(last[0] * scale)} {unit}"
    return f"{_number(first[0] * scale)} {unit}"


def _number(value: float) -> str:
    return f"{value:.12g}"


def _time(hours: float) -> str:
    if abs(hours) < 2:
        return f"{_number(hours * 60)} min"
    if abs(hours) >= 48 and hours % 24 == 0:
        return f"{_number(hours / 24)} d"
    return f"{_number(hours)} h"
