"""The reduced equations compiled, and what each patient holds still: for all solvers but the laboratory's own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ketalab.engine._compiled import compile_equations

from .case import Array, Case


@dataclass(frozen=True)
class Numbers:
    """Of each patient what no state moves (N, F), and what flows into the fed states by segment (N, S, u)."""

    fixed: Array
    flows: Array
    fed: NDArray[np.int64]


@dataclass(frozen=True)
class Equations:
    """Compiled rates and Jacobian of the states that the case needs."""

    case: Case

    @cached_property
    def source(self) -> str:
        """Their text, written once for everyone who reads it."""
        return self.case.source

    @cached_property
    def compiled(self) -> Any:
        return compile_equations(self.source)

    @cached_property
    def peaks(self) -> Array:
        """Of each state its peak in the first patient, which scales absolute tolerances; 1 for what stays at zero."""
        from ketalab.engine import check

        case = self.case.take(slice(0, 1))
        made = check(case.problem, case.schedule, case.times, rtol=1e-6, atol=1e-9)
        every = np.concatenate([made.linear[:, list(case.linear), 0], made.states[:, :, 0]], axis=1)
        peak = np.abs(every).max(axis=0)
        return np.where(peak > 0, peak, 1.0)

    def numbers(self, case: Case) -> Numbers:
        """What patients bring. The course must leave alone what no state moves, so that it is set once a patient."""
        rows, flows = [], []
        for patient in range(case.patients):
            given, flow = case.given(patient)
            made = np.zeros((len(given), self.compiled.fixed))
            for line, out in zip(given, made, strict=True):
                self.compiled.prepare(line, out)
            if np.ptp(made, axis=0).any():
                raise ValueError("this course moves constants of the equations between events")
            rows.append(made[0])
            flows.append(flow)
        every = np.array(flows)
        fed = np.nonzero(every.any(axis=(0, 1)))[0]
        return Numbers(np.array(rows), np.ascontiguousarray(every[:, :, fed]), fed)
