"""The laboratory's own engines on the case: the compiled kernel, the lockstep scheme in NumPy, the adaptive checker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ketalab.engine import check
from ketalab.engine._lockstep import solve
from ketalab.engine._packed import solve_packed
from ketalab.laboratory import prepare
from ketalab.laboratory._prepare import CHOICES

from .case import Array, Case, outputs_of


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
        return outputs_of(case, made.linear, made.states)


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
        return outputs_of(case, made.linear, made.states)

    def run(self) -> None:
        self.outputs(self.case)


def with_grid(case: Case, tolerance: float) -> Case:
    """The case on a grid that was built for another tolerance than the laboratory's."""
    choice = replace(CHOICES["lockstep"], tolerance=tolerance)
    prepared = prepare(case.course, model=case.model, solver="lockstep", choice=choice)
    return replace(case, grid=prepared.grid, steps=len(prepared.edges) - 1)


def error_of_grid(
    sample: Case, engine: Lockstep, measure: Callable[[Array], float]
) -> Callable[[float], float]:
    """For the search: the error of an engine on grids of other tolerances."""
    return lambda tolerance: measure(engine.outputs(with_grid(sample, tolerance)))


def cut_states(case: Case, share: float) -> Case:
    """The case with the first states of the cascade alone, which read no later one."""
    order = case.problem.order
    kept = order[: max(1, round(share * len(order)))]
    return replace(case, problem=replace(case.problem, order=tuple(np.array(kept).tolist())))
