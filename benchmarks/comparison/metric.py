"""The measure of error, the search for the loosest tolerance that meets it, and the table."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Values below this share of their own peak are held against that, not against themselves.
FLOOR = 1e-3
ALLOWED = 1e-4


def largest_error(made: Array, reference: Array) -> float:
    """``|y - ref| / max(|ref|, 1e-3 of that patient's peak of that output)``, the largest of (T, outputs, N).

    What is no number is infinitely wrong; an output that is zero throughout has no scale, so only zero agrees.
    """
    size = np.maximum(np.abs(reference), FLOOR * np.abs(reference).max(axis=0))
    difference = np.abs(made - reference)
    if not np.isfinite(difference).all():
        return float("inf")
    ratio = np.divide(difference, size, out=np.where(difference > 0, np.inf, 0.0), where=size > 0)
    return float(ratio.max(initial=0.0))


@dataclass(frozen=True)
class Found:
    """The loosest tolerance that meets the allowed error, and the error that it has."""

    tolerance: float
    error: float

    @property
    def meets(self) -> bool:
        return self.error <= ALLOWED


def search_tolerance(
    error_at: Callable[[float], float],
    *,
    loosest: float = 1e-2,
    tightest: float = 1e-9,
    allowed: float = ALLOWED,
) -> Found:
    """Go from loose to tight by half decades until the error is allowed at a tolerance and at the next one too.

    Errors of adaptive methods are no smooth function of the tolerance: one that happens to pass, and fails when
    tightened, has passed by luck.
    """
    halves = range(round(2 * np.log10(loosest)), round(2 * np.log10(tightest)) - 1, -1)
    passed: Found | None = None
    found = Found(loosest, float("inf"))
    for half in halves:
        found = Found(10.0 ** (half / 2), error_at(10.0 ** (half / 2)))
        if found.error > allowed:
            passed = None
        elif passed is not None:
            return passed
        else:
            passed = found
    return passed or found


@dataclass
class Measured:
    """A solver on the case: how many patients a call solves, its settings, and seconds of each round."""

    name: str
    setting: str = ""
    patients: int = 0
    tolerance: float | None = None
    error: float | None = None
    compile_s: float | None = None
    note: str = ""
    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)

    @property
    def timed(self) -> bool:
        return bool(self.cpu_s)

    @property
    def rate(self) -> float:
        """Patients per second of one core's time."""
        return self.patients / statistics.median(self.cpu_s)

    @property
    def wall_rate(self) -> float:
        """Patients per second of the clock on the wall."""
        return self.patients / statistics.median(self.wall_s)


def ratio_to(row: Measured, other: Measured) -> float:
    """How many times as many patients a second, the median of the ratios within rounds."""
    pairs = zip(row.cpu_s, other.cpu_s, strict=True)
    return statistics.median((row.patients / a) / (other.patients / b) for a, b in pairs)


def _number(value: float | None, form: str = ".2g") -> str:
    if value is None:
        return "-"
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:{form}}"


def format_rows(rows: Sequence[Measured], other: Measured | None) -> str:
    """The main table in Markdown; ratios are to ``other``."""
    of = f"x {other.name}" if other is not None else "ratio"
    heads = ["solver", "set-up", "n", "tolerance", "largest error", "patients/s of one core"]
    heads += ["by the wall clock", of, "compiling or loading, s"]
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    for row in rows:
        if not row.timed:
            lines.append(f"| {row.name} | {row.note} |{' - |' * (len(heads) - 2)}")
            continue
        error = _number(row.error, ".1e")
        if row.error is not None and not row.error <= ALLOWED:
            error = f"**{error}**"
        ratio = "-" if other is None or not other.timed else _number(ratio_to(row, other), ".3g")
        setting = f"{row.setting}; {row.note}" if row.note else row.setting
        cells = [row.name, setting, f"{row.patients:,}", _number(row.tolerance, ".1e"), error]
        cells += [_number(row.rate, ".3g"), _number(row.wall_rate, ".3g"), ratio]
        lines.append(f"| {' | '.join([*cells, _number(row.compile_s)])} |")
    return "\n".join(lines)


def format_table(rows: Sequence[Mapping[str, object]]) -> str:
    """Any other table in Markdown; the keys of the first row are its heads."""
    heads = list(rows[0])

    def cell(value: object) -> str:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return str(value)
        return f"{value:,}" if isinstance(value, int) else _number(value, ".3g")

    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    lines += [f"| {' | '.join(cell(row[head]) for head in heads)} |" for row in rows]
    return "\n".join(lines)
