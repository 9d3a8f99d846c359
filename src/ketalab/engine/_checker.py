"""The checker: an adaptive Rosenbrock method, one patient at a time, that assumes nothing of the structure."""

from __future__ import annotations

from enum import Enum

import numpy as np

from ketalab.engine import _rodas
from ketalab.engine._compiled import compile_equations, compile_integrator
from ketalab.engine._problem import Array, Problem, Schedule, Solution, Tell, check_times
from ketalab.engine._tableau import rodas5p
from ketalab.errors import SolutionError

#: Taken and refused together. A month of eight infusions takes some 5,000 at the default tolerance.
MOST_STEPS = 1_000_000


class Status(Enum):
    """How the integration of a patient ended; the values are the messages."""

    OK = ""
    TOO_MANY_STEPS = "the adaptive method took too many steps"
    STEP_TOO_SMALL = "the steps of the adaptive method became too small"
    NO_NUMBER = "a rate or a state is not a finite number"
    SINGULAR = "the matrix of a step of the adaptive method is singular"


_BY_CODE = {getattr(_rodas, status.name): status for status in Status}


def check(
    problem: Problem,
    schedule: Schedule,
    times: Array,
    *,
    rtol: float = 1e-10,
    atol: float = 1e-12,
    tell: Tell | None = None,
) -> Solution:
    """Integrate linear and other states together with Rodas5P, segment by segment, for each patient.

    Parameters
    ----------
    times : (T,) hours, rising, within the schedule.
    rtol, atol : the error allowed in one step of a state of size y is ``atol + rtol |y|``, in its own unit.
    tell : hears how far it is, after each patient.

    Returns
    -------
    Solution
        Patients whose solution failed are NaN from there on, with a reason that says when and which state.

    Raises
    ------
    ScenarioError
        A time outside the schedule, or times that do not rise.
    SolutionError
        The problem has no text of its equations, or there is no working compiler.
    """
    check_times(schedule, times)
    if problem.source is None:
        raise SolutionError("the checker needs the text of the equations, and the problem has none")
    equations, integrate = compile_equations(problem.source()), compile_integrator()
    names = (*problem.linear_names, *problem.state_names)
    n, size = len(problem.linear_names), len(names)
    edges = np.array([*(segment.start for segment in schedule), schedule[-1].stop], dtype=float)
    result = np.full((problem.patients, len(times), size), np.nan)
    failed: dict[int, str] = {}
    for patient in range(problem.patients):
        given, boluses, inflows = _pack(problem, schedule, patient)
        code, time, fault = integrate(
            equations.prepare,
            equations.rates,
            equations.jacobian,
            np.zeros(equations.fixed),
            rodas5p(),
            np.concatenate([np.zeros(n), problem.initial]),
            edges,
            given,
            boluses,
            inflows,
            np.ascontiguousarray(times, dtype=float),
            (rtol, atol, MOST_STEPS),
            result[patient],
            np.zeros(2, dtype=np.int64),
        )
        status = _BY_CODE[code]
        if status is not Status.OK:
            place = f" ({names[fault]})" if fault >= 0 else ""
            failed[patient] = f"{status.value}, at {time:.6g} h{place}"
        if tell is not None:
            tell((patient + 1) / problem.patients)
    return Solution(
        times, np.moveaxis(result[:, :, :n], 0, 2), np.moveaxis(result[:, :, n:], 0, 2), failed
    )


def _pack(problem: Problem, schedule: Schedule, patient: int) -> tuple[Array, Array, Array]:
    """For each segment what a patient is given: constants (S, g), boluses and inflows (S, n + m)."""
    count, size = len(schedule), len(problem.linear_names) + len(problem.state_names)
    boluses, inflows = np.zeros((count, size)), np.zeros((count, size))
    inputs = np.zeros((count, len(problem.input_names)))

    def own(value: Array | float) -> float:
        values = np.ravel(value)
        return float(values[patient] if len(values) > 1 else values[0])

    for number, segment in enumerate(schedule):
        for table, events in ((boluses, segment.boluses), (inflows, segment.inflow)):
            for state, amount in events:
                table[number, state] += own(amount)
        inputs[number] = [own(segment.inputs[name]) for name in problem.input_names]
    still = np.concatenate([problem.parameters[:, patient], problem.covariates[:, patient]])
    return np.hstack([np.tile(still, (count, 1)), inputs]), boluses, inflows
