"""The checker: an adaptive implicit solver of SciPy, one patient at a time, that assumes nothing of the structure."""

from __future__ import annotations

import numpy as np
from scipy.integrate import solve_ivp

from ketalab.engine._problem import Array, Problem, Schedule, Solution, check_times


def check(
    problem: Problem, schedule: Schedule, times: Array, *, rtol: float = 1e-9, atol: float = 1e-12
) -> Solution:
    """Integrate linear and other states together with Radau, segment by segment, for each patient."""
    check_times(schedule, times)
    n, m = len(problem.linear_names), len(problem.state_names)
    linear = np.full((len(times), n, problem.patients), np.nan)
    states = np.full((len(times), m, problem.patients), np.nan)
    failed: dict[int, str] = {}
    for patient in range(problem.patients):
        one = problem.take([patient])
        line = tuple(segment.take([patient]) for segment in schedule)
        try:
            with np.errstate(all="ignore"):
                reason = _one(
                    one, line, times, linear[:, :, patient], states[:, :, patient], rtol, atol
                )
        except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
            reason = f"the adaptive solver gave up: {error}"
        if reason:
            failed[patient] = reason
    return Solution(times, linear, states, failed)


def _one(
    p: Problem,
    schedule: Schedule,
    times: Array,
    linear: Array,
    states: Array,
    rtol: float,
    atol: float,
) -> str:
    """Fill the rows of one patient; return why it failed, or an empty text."""
    n = len(p.linear_names)
    z = np.concatenate([np.zeros(n), p.initial])
    matrix = p.matrix[0]
    for number, segment in enumerate(schedule):
        for state, amount in segment.boluses:
            z[state] += float(np.ravel(amount)[0])
        inflow = np.zeros(n)
        for state, amount in segment.inflow:
            inflow[state] += float(np.ravel(amount)[0])
        inputs = [np.asarray(segment.inputs[name], dtype=float) for name in p.input_names]

        def right(
            _: float, z: Array, inflow: Array = inflow, inputs: list[Array] = inputs
        ) -> Array:
            x, y = z[:n], z[n:]
            rates = p.derivative(x[:, None], y[:, None], p.parameters, p.covariates, inputs)
            other = [float(np.ravel(rate)[0]) for rate in rates]
            return np.concatenate([matrix @ x + inflow, other])

        last = number == len(schedule) - 1
        inside = (times >= segment.start) & (
            (times < segment.stop) | (last & (times <= segment.stop))
        )
        asked = times[inside]
        points = np.unique(np.concatenate([asked, [segment.stop]]))
        # A first step, because the solver's own guess can fail where all rates are zero.
        first = min(1e-4, segment.length)
        result = solve_ivp(
            right,
            (segment.start, segment.stop),
            z,
            method="Radau",
            t_eval=points,
            rtol=rtol,
            atol=atol,
            first_step=first,
        )
        if not result.success:
            return str(result.message)
        if not np.isfinite(result.y).all():
            return "a state is not a finite number"
        rows = np.searchsorted(points, asked)
        linear[inside], states[inside] = result.y[:n, rows].T, result.y[n:, rows].T
        z = result.y[:, -1].copy()
    return ""
