"""The laboratory's own engines on the case: the compiled kernel, the lockstep scheme in NumPy, the adaptive checker."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ketalab.engine import check, halve_grid
from ketalab.engine._lockstep import solve
from ketalab.engine._packed import solve_packed
from ketalab.laboratory import prepare
from ketalab.laboratory._prepare import CHOICES

from .case import Array, Case, make_case, outputs_of
from .metric import largest_error

#: Tolerance of the grid whose half steps give what everyone is held against.
_FINE = 1e-7


@dataclass
class Lockstep:
    """An engine on a shared grid, batch after batch; its tolerance is that of the grid."""

    case: Case
    engine: str
    setting: str
    compile_s: float | None = None
    _batches: list[Case] = field(default_factory=list)

    def load(self) -> None:
        """Cut the case into batches, which is no part of solving it."""
        self._batches = self.case.batches()

    def _solve(self, case: Case) -> Any:
        if self.engine == "kernel":
            made = solve_packed(
                case.problem, case.schedule, case.grid, case.times, shown=case.shown
            )
            if made is None:
                raise ValueError("the kernel does not know the form of this problem")
            return made
        return solve(case.problem, case.schedule, case.grid, case.times)

    def run(self) -> None:
        """Solve everyone; results are made and dropped."""
        for batch in self._batches:
            self._solve(batch)

    def outputs(self, case: Case) -> Array:
        """What is asked for, of other patients."""
        made = self._solve(case)
        return outputs_of(case, made)


@dataclass
class Checker:
    """The adaptive method, one patient at a time."""

    case: Case
    tolerance: float = 1e-6
    compile_s: float | None = None
    setting = "Rodas5P, absolute tolerance a thousandth of the relative one"

    def load(self) -> None:
        """Nothing to make: the first call compiles, and the first round does not count."""

    def outputs(self, case: Case) -> Array:
        made = check(
            case.problem, case.schedule, case.times, rtol=self.tolerance, atol=1e-3 * self.tolerance
        )
        return outputs_of(case, made)

    def run(self) -> None:
        self.outputs(self.case)


def with_grid(case: Case, tolerance: float) -> Case:
    """The case on a grid that was built for another tolerance than the laboratory's."""
    choice = replace(CHOICES["lockstep"], tolerance=tolerance)
    prepared = prepare(case.course, model=case.model, solver="lockstep", choice=choice)
    return replace(case, grid=prepared.grid, steps=len(prepared.edges) - 1)


@dataclass
class Everyone:
    """Errors of a grid in all patients of a case, and in all of them with doubled variability.

    A grid is shared, so that some patients do not show what it does to others. What all are held against is the same
    engine in double numbers on half the steps of a grid a hundred times as exact, which ``agreement`` holds against
    the checker's result for some of them.
    """

    case: Case
    agreement: float = 0.0
    _parts: list[tuple[Case, Array]] = field(default_factory=list)

    def prepare(self, reference: Array) -> None:
        """Solve for what errors are measured against; ``reference`` is the checker's, of the first patients."""
        fine = halve_grid(with_grid(self.case, _FINE).grid)
        doubled = make_case(self.case.patients, like=self.case, factor=2.0)
        for part in (*self.case.batches(), *doubled.batches()):
            made = solve_packed(
                part.problem, part.schedule, fine, part.times, shown=part.shown, single=False
            )
            if made is None or made.failed:
                raise ValueError("what errors are measured against cannot be solved")
            self._parts.append((part, outputs_of(part, made)))
        some = self._parts[0][1][:, :, : reference.shape[2]]
        self.agreement = largest_error(some, reference)

    def error(self, tolerance: float) -> float:
        """The largest, on the grid of a tolerance."""
        grid = with_grid(self.case, tolerance).grid
        worst = 0.0
        for part, reference in self._parts:
            made = solve_packed(part.problem, part.schedule, grid, part.times, shown=part.shown)
            if made is None or made.failed:
                return float("inf")
            worst = max(worst, largest_error(outputs_of(part, made), reference))
        return worst


def cut_states(case: Case, share: float) -> Case:
    """The case with the first states of the cascade alone, which read no later one."""
    order = case.problem.order
    kept = order[: max(1, round(share * len(order)))]
    return replace(case, problem=replace(case.problem, order=tuple(np.array(kept).tolist())))
