"""The checker's task done by another library: SciPy's Radau, with the linear part as numbers and its own Jacobian."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from ketalab.engine import Problem, Schedule

Array = NDArray[np.float64]


def integrate(
    problem: Problem,
    derivative: Callable[..., Any],
    schedule: Schedule,
    times: Array,
    *,
    rtol: float,
    atol: float,
) -> Array:
    """States (T, n + m, N), linear ones first.

    ``derivative`` gives the rates of the other states from (linear, states, parameters, covariates, inputs). What may
    fail here fails the test.
    """
    made = [
        _one(problem.take([i]), derivative, tuple(s.take([i]) for s in schedule), times, rtol, atol)
        for i in range(problem.patients)
    ]
    return np.stack(made, axis=2)


def _one(
    p: Problem,
    derivative: Callable[..., Any],
    schedule: Schedule,
    times: Array,
    rtol: float,
    atol: float,
) -> Array:
    n = len(p.linear_names)
    z = np.concatenate([np.zeros(n), p.initial])
    result = np.full((len(times), len(z)), np.nan)
    for number, segment in enumerate(schedule):
        inflow = np.zeros(n)
        for table, events in ((z, segment.boluses), (inflow, segment.inflow)):
            for state, amount in events:
                table[state] += float(np.ravel(amount)[0])
        inputs = [np.asarray(segment.inputs[name], dtype=float) for name in p.input_names]
        matrix = p.matrix_under(segment.inputs)[0]

        def rates(
            _: float,
            z: Array,
            inflow: Array = inflow,
            inputs: list[Array] = inputs,
            matrix: Array = matrix,
        ) -> Array:
            x, y = z[:n], z[n:]
            others = derivative(x[:, None], y[:, None], p.parameters, p.covariates, inputs)
            return np.concatenate(
                [matrix @ x + inflow, [float(np.ravel(rate)[0]) for rate in others]]
            )

        last = number == len(schedule) - 1
        inside = (times >= segment.start) & (
            (times < segment.stop) | (last & (times <= segment.stop))
        )
        points = np.unique(np.append(times[inside], segment.stop))
        # A first step, because the solver's own guess can fail where all rates are zero.
        found = solve_ivp(
            rates,
            (segment.start, segment.stop),
            z,
            method="Radau",
            t_eval=points,
            rtol=rtol,
            atol=atol,
            first_step=min(1e-4, segment.length),
        )
        assert found.success, found.message
        result[inside] = found.y[:, np.searchsorted(points, times[inside])].T
        z = found.y[:, -1].copy()
    assert np.isfinite(result).all()
    return result
