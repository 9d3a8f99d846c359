"""From doses back to one canonical line, phrase-like and short: equal repeats are folded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

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
#: A row is one dose of the regimen, as each variant gives it; a run is a row and its repeats.
_Row = tuple["Administration", ...]


def describe_variants(variants: Sequence[Variant]) -> str:
    """Return one line for a mix of regimens; a phrase where one phrase can say it."""
    if len(variants) == 1:
        runs = _fold([(dose,) for dose in variants[0].administrations])
        return " + ".join(_describe_run(run) for run in runs) or "none"
    runs = _fold(_align(variants))
    if sum(len(_amounts(run[0])) > 1 for run in runs) == 1:
        return " + ".join(_describe_run(run) for run in runs)
    shares = (
        f"{100 * variant.weight:.4g}%: {describe_variants([variant])}" for variant in variants
    )
    return " | ".join(shares)


def _align(variants: Sequence[Variant]) -> list[_Row]:
    """Pair the doses of equally likely variants that differ only in amounts; else nothing."""
    first = variants[0]
    if any(v.weight != first.weight for v in variants):
        return []
    if any(len(v.administrations) != len(first.administrations) for v in variants):
        return []
    rows = list(zip(*(v.administrations for v in variants), strict=True))
    same = all(len({(dose.time_h, _kind(dose)) for dose in row}) == 1 for row in rows)
    equal_shares = all(len(_amounts(row)) in (1, len(variants)) for row in rows)
    return rows if same and equal_shares else []


def _kind(dose: Administration) -> tuple[str, str, str, str, bool, float]:
    device = dose.device or ""
    return (dose.compound, dose.salt, dose.route, device, dose.per_kg, dose.duration_h)


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


def _describe_run(run: list[_Row]) -> str:
    dose = run[0][0]
    words = [_amount_words(run), dose.compound]
    if dose.salt != "base":
        words.append(dose.salt)
    words.append(dose.route)
    if dose.duration_h:
        words.append(f"over {_time(dose.duration_h)}")
    if dose.device:
        words.append(f"by {dose.device}")
    if dose.time_h:
        words.append(f"at {_time(dose.time_h)}")
    if len(run) > 1:
        interval = (run[-1][0].time_h - dose.time_h) / (len(run) - 1)
        named = [word for hours, word in _INTERVALS.items() if abs(hours - interval) <= _SAME]
        words.append(f"{named[0] if named else 'every ' + _time(interval)} x {len(run)}")
    return " ".join(words)


def _amount_words(run: list[_Row]) -> str:
    """Return ``0.5 mg/kg``, ``flexible 56 or 84 mg`` or ``titrated 0.5 to 0.9 mg/kg``."""
    first, last = _amounts(run[0]), _amounts(run[-1])
    small = 0 < max(*first, *last) < 0.01
    scale, unit = (1e3, "ug") if small else (1.0, "mg")
    unit += "/kg" if run[0][0].per_kg else ""
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
