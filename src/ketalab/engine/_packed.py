"""Solve by the kernel: a problem, a schedule and a grid become flat tables, and tables become a solution."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

import numpy as np

from ketalab.engine._flow import Propagators, State
from ketalab.engine._grid import Grid
from ketalab.engine._groups import Whole, group_states, modes_of, restricted_matrix, size_of
from ketalab.engine._kernel import LANES, load_decompose, load_kernel, wanted_states
from ketalab.engine._lockstep import (
    GROWTH,
    NO_NUMBER,
    RUNS_AWAY,
    STAGES,
    Stepper,
    failures,
    with_reason,
)
from ketalab.engine._problem import Array, Problem, Schedule, Segment, Solution, Tell, check_times
from ketalab.engine._steps import lay_steps

NO_MODES = "its linear part cannot be split into modes"


def _pad(values: Array, patients: int, lanes: int) -> Array:
    """A table (..., N) with its last patient repeated until the lanes are full."""
    made = np.empty((*values.shape[:-1], patients + -patients % lanes))
    made[..., :patients] = values
    made[..., patients:] = made[..., patients - 1 : patients]
    return made


def _distinct(rows: Sequence[Hashable]) -> tuple[Whole, list[int]]:
    """Of each row the number of its kind, and the first row of each kind."""
    numbers: dict[Hashable, int] = {}
    firsts: list[int] = []
    for place, row in enumerate(rows):
        if numbers.setdefault(row, len(firsts)) == len(firsts):
            firsts.append(place)
    return np.array([numbers[row] for row in rows], np.int64), firsts


def _events(
    schedule: Schedule, what: str, rows: dict[int, int], patients: int, lanes: int
) -> tuple[Whole, Whole, Array]:
    """Boluses or inflows, segment after segment: where each segment's begin, the row and the amounts of each."""
    at, states, amounts = [0], [], []
    for segment in schedule:
        for state, amount in getattr(segment, what):
            if state in rows:
                states.append(rows[state])
                amounts.append(np.broadcast_to(amount, patients))
        at.append(len(states))
    table = np.array(amounts).reshape(-1, patients)
    return np.array(at, np.int64), np.array(states, np.int64), _pad(table, patients, lanes)


def _has_kernel(problem: Problem) -> bool:
    """Whether the states have a form that the kernel knows; the linear part is another question."""
    return not problem.loop and problem.program is not None and bool(problem.state_names)


def kernel_stepper(problem: Problem, schedule: Schedule) -> type[Stepper] | None:
    """What takes steps by the kernel, for :func:`ketalab.engine.build_grid`; None where it does not know the form."""
    if not _has_kernel(problem):
        return None
    known = group_states(problem, schedule, range(len(problem.linear_names)))
    return None if known is None else PackedStepper


class PackedStepper(Stepper):
    """Takes steps by the kernel; the linear part stays with the ladder. For the choice of the time grid."""

    def __init__(self, problem: Problem, schedule: Schedule, lanes: int = LANES) -> None:
        super().__init__(problem, schedule)
        assert problem.program is not None
        self._kernel = load_kernel(problem.program(), wanted_states(problem.order), lanes)
        self._lanes = lanes
        self._given: tuple[list[Array], Array] | None = None

    def stages(
        self, along: Propagators, x: State, y: Array, level: int, inputs: list[Array]
    ) -> Array:
        count, given = self.problem.patients, self._table(inputs)
        drivers = np.array(self.flow.drivers(along, x, level)).reshape(-1, STAGES, count)
        width = given.shape[1]
        out, lowest = np.zeros((len(y), STAGES, width)), np.zeros(width)
        # A driver may be asked for by a place that nobody reads.
        self._kernel.stages(
            given,
            _pad(drivers[: self._kernel.layout.driver_count], count, self._lanes),
            _pad(y, count, self._lanes),
            along.length * 2.0**-level,
            out,
            lowest,
        )
        self.runs_away |= lowest[:count] < -GROWTH
        return out[:, :, :count]

    def _table(self, inputs: list[Array]) -> Array:
        """What the kernel reads of parameters, covariates and inputs; made once a segment."""
        if self._given is None or self._given[0] is not inputs:
            p, count = self.problem, self.problem.patients
            rows = np.array([np.broadcast_to(i, count) for i in inputs]).reshape(-1, count)
            table = np.concatenate([p.parameters, p.covariates, rows])
            read = table[list(self._kernel.layout.given)]
            self._given = (inputs, _pad(read, count, self._lanes))
        return self._given[1]


def solve_packed(
    problem: Problem,
    schedule: Schedule,
    grid: Grid,
    times: Array,
    *,
    shown: Sequence[int] | None = None,
    tell: Tell | None = None,
    lanes: int = LANES,
) -> Solution | None:
    """The same as :func:`ketalab.engine.solve`, by the kernel; None where the problem has a form that it does not know.

    ``shown`` are the linear states that are asked for (all that are reached where not given); the others are zero.

    Raises
    ------
    ScenarioError
        A time outside the schedule, or times that do not rise.
    SolutionError
        The kernel cannot be compiled.
    """
    if not _has_kernel(problem):
        return None
    assert problem.program is not None
    check_times(schedule, times)
    every = range(len(problem.linear_names)) if shown is None else shown
    groups = group_states(problem, schedule, [*problem.drivers, *every])
    if groups is None:
        return None
    kernel = load_kernel(problem.program(), wanted_states(problem.order), lanes)
    layout, count, n = kernel.layout, problem.patients, len(problem.linear_names)
    padded = count + -count % lanes
    with np.errstate(all="ignore"):
        variant, of_variant = _distinct([_key(s, problem.movers) for s in schedule])
        no_number = np.zeros(count, dtype=bool)
        failed = np.zeros(padded, dtype=bool)
        compartments = np.ones(count, dtype=bool)
        m = len(groups.states)
        shape = (len(of_variant), padded // lanes, m)
        rates, weights = np.zeros((*shape, lanes)), np.zeros((*shape, m, lanes))
        inverse, growth = np.zeros_like(weights), np.zeros_like(weights)
        for number, segment in enumerate(of_variant):
            matrix = restricted_matrix(problem, schedule[segment], groups, padded)
            bad = ~np.isfinite(matrix[:count]).all(axis=(1, 2))
            no_number |= bad
            matrix[:count][bad] = 0.0
            compartments &= ((matrix[:count] >= 0) | np.eye(m, dtype=bool)).all(axis=(1, 2))
            load_decompose()(
                matrix, groups.starts, groups.parents, groups.feeds, rates[number],
                weights[number], inverse[number], growth[number], failed,
            )  # fmt: skip
    # Modes that grow from equal ones, in anybody; for the others c is zero.
    pairs = np.ascontiguousarray(np.argwhere(growth.any(axis=(0, 1, 4))))
    growing = np.ascontiguousarray(growth[:, :, pairs[:, 0], pairs[:, 1]])
    rows = {state: place for place, state in enumerate(groups.states)}
    steps = lay_steps(schedule, grid, times)
    boluses = _events(schedule, "boluses", rows, count, lanes)
    inflows = _events(schedule, "inflow", rows, count, lanes)
    outer = len(problem.parameters) + len(problem.covariates)
    still = [i for i in layout.given if i < outer]
    moving = [i - outer for i in layout.given if i >= outer]
    table = np.concatenate([problem.parameters, problem.covariates])
    names = [problem.input_names[i] for i in moving]
    which, of_inputs = _distinct([_key(s, names) for s in schedule])
    changing = np.array(
        [[np.broadcast_to(schedule[s].inputs[x], count) for x in names] for s in of_inputs]
    ).reshape(len(of_inputs), len(names), count)
    watched = [(d, rows[i]) for d, i in enumerate(problem.drivers) if i in rows]
    modes = [modes_of(groups, row) for row in range(m)]
    modes_at = np.cumsum([0, *map(len, modes)], dtype=np.int64)
    own = np.array([len(row) - size_of(groups, k) for k, row in enumerate(modes)], np.int64)
    show = [i for i in every if i in rows]
    # Block after block, because what lies a page apart for each number costs more than the number.
    found = np.empty((padded // lanes, len(times), len(show) + len(problem.state_names), lanes))
    lowest = np.zeros(padded)
    kernel.march(
        _pad(table[still], count, lanes), _pad(changing, count, lanes), problem.initial,
        variant, which, steps.hours, steps.kinds, steps.first, *boluses, *inflows,
        rates, weights, inverse, growing, pairs, groups.starts,
        np.array(watched, np.int64).reshape(-1, 2),
        np.array([x for row in modes for x in row], np.int64), modes_at, modes_at[:-1] + own,
        steps.output_at, steps.output_after, steps.output_weights,
        found.reshape(-1), lowest, np.array([rows[i] for i in show], np.int64),
    )  # fmt: skip
    if tell is not None:
        tell(1.0)
    # What cancels to nothing must not come out below it.
    rows_of = np.moveaxis(found, 0, 2).reshape(len(times), -1, padded)[:, :, :count]
    linear, states = rows_of[:, : len(show)], rows_of[:, len(show) :]
    np.maximum(linear, 0.0, out=linear, where=compartments)
    seen = tuple(problem.linear_names[i] for i in show)
    reasons = failures(replace(problem, linear_names=seen), linear, states)
    # What nobody asked for is left as the system gives it, zero and without memory of its own.
    full = np.zeros((len(times), n, count))
    full[:, show] = linear
    reasons |= with_reason(failed[:count], NO_MODES)
    reasons |= with_reason(no_number, NO_NUMBER)
    reasons |= with_reason(lowest[:count] < -GROWTH, RUNS_AWAY)
    return Solution(times, full, states, reasons)


def _key(segment: Segment, names: Sequence[str]) -> tuple[float | bytes, ...]:
    """What tells the values of some inputs from others."""
    values = (segment.inputs[name] for name in names)
    return tuple(v.tobytes() if isinstance(v, np.ndarray) else v for v in values)
