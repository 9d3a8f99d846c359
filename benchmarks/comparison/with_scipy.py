"""SciPy's LSODA on the case, its right-hand side compiled by numba, one segment after the other."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numba
import numpy as np
from scipy.integrate import odeint, solve_ivp

from .case import Array, Case
from .equations import Equations, Numbers
from .metric import FLOOR

#: Ways to call it. The first is SciPy's older function, which spends less in Python a step.
WAYS = ("odeint", "odeint, exact Jacobian", "solve_ivp")


@dataclass
class Scipy:
    """LSODA by one of the ways; absolute tolerances are a share of each state's peak."""

    case: Case
    equations: Equations
    way: str = WAYS[0]
    tolerance: float = 1e-6
    compile_s: float | None = None
    _own: Numbers | None = None
    _functions: tuple[Any, Any] | None = field(default=None, repr=False)

    @property
    def setting(self) -> str:
        return f"LSODA by {self.way}, rates by numba, absolute tolerance 1e-3 of each peak"

    def load(self) -> None:
        """Compile, and prepare what patients bring."""
        self._own = self.equations.numbers(self.case)
        start = time.perf_counter()
        rates, jacobian = self.equations.compiled.rates, self.equations.compiled.jacobian

        @numba.njit(error_model="numpy")
        def slope(t, z, fixed, flow):  # type: ignore[no-untyped-def]
            out = np.empty_like(z)
            rates(z, fixed, out)
            return out + flow

        @numba.njit(error_model="numpy")
        def slopes(t, z, fixed, flow):  # type: ignore[no-untyped-def]
            out = np.zeros((len(z), len(z)))
            jacobian(z, fixed, out)
            return out

        z, fixed, flow = self.case.start, self._own.fixed[0], np.zeros(len(self.case.states))
        slope(0.0, z, fixed, flow)
        slopes(0.0, z, fixed, flow)
        self._functions = slope, slopes
        self.compile_s = time.perf_counter() - start

    def outputs(self, case: Case) -> Array:
        return self._solve(case, self.equations.numbers(case))

    def run(self) -> None:
        assert self._own is not None
        self._solve(self.case, self._own)

    def _solve(self, case: Case, numbers: Numbers) -> Array:
        made = np.empty((len(case.times), len(case.states), case.patients))
        atol = self.tolerance * FLOOR * self.equations.peaks
        flow = np.zeros(len(case.states))
        for patient in range(case.patients):
            z, fixed = case.start, numbers.fixed[patient]
            for (begin, end, span), inflow in zip(
                case.spans(), numbers.flows[patient], strict=True
            ):
                flow[numbers.fed] = inflow
                hours = case.times[span]
                points = np.unique(np.concatenate([[begin], hours, [end]]))
                values = self._segment(points, z, fixed, flow, atol)
                made[span, :, patient] = values[np.searchsorted(points, hours)]
                z = values[-1]
        return made[:, case.columns]

    def _segment(self, points: Array, z: Array, fixed: Array, flow: Array, atol: Array) -> Array:
        """States at the points of a segment, (T, n)."""
        assert self._functions is not None
        slope, slopes = self._functions
        if self.way == "solve_ivp":
            found = solve_ivp(
                slope, (points[0], points[-1]), z, method="LSODA", t_eval=points,
                args=(fixed, flow), rtol=self.tolerance, atol=atol,
            )  # fmt: skip
            if not found.success:
                return np.full((len(points), len(z)), np.nan)
            return np.asarray(found.y.T)
        exact = slopes if self.way == WAYS[1] else None
        return np.asarray(
            odeint(
                slope, z, points, args=(fixed, flow), tfirst=True, Dfun=exact,
                rtol=self.tolerance, atol=atol, mxstep=100_000,
            )
        )  # fmt: skip
