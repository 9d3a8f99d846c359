"""The lockstep scheme in NumPy over patients: one time grid for all, Radau IIA, sweeps over the cascade.

Every state is linear in itself, so on the s nodes of a step it solves ``(I + h W k) Y = y0 + h W g`` alone; states are
solved in the order of the cascade (Gauss-Seidel). A cascade needs one sweep; a feedback loop is swept until it
no longer moves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ketalab.engine._flow import Flow, Propagators, State
from ketalab.engine._problem import Array, Problem, Schedule, Segment, Solution, Tell, check_times
from ketalab.engine._radau import Collocation, radau, sum_in_order

STAGES = 4
#: Largest relative change of the looped states in the last sweep, and the most sweeps allowed.
_SETTLED = 1e-9
_SWEEPS = 25
_SMALL_SHARE, _TINY = 1e-3, 1e-300
NO_NUMBER = "its linear part is not a finite number"
RUNS_AWAY = "a state grows faster than the time grid can follow"
#: A state that would grow by more than this exponent in one step is beyond the scheme, which would let it decay.
GROWTH = 1.0


@dataclass(frozen=True)
class Step:
    """States at the nodes of a step (m, s, N), their bend (m, N; see :class:`Collocation`), and their slope at
    its end."""

    nodes: Array
    bend: Array
    slope: Array

    @property
    def end(self) -> Array:
        return self.nodes[:, -1]

    def at(self, method: Collocation, start: Array, place: float) -> Array:
        """The states (m, N) at ``place`` in 0..1 of the step."""
        return method.interpolate(start, self.nodes, place) + method.bent(place) * self.bend


class Stepper:
    """One patient group on the way through a schedule: its linear part, and solve factors kept by step size."""

    def __init__(self, problem: Problem, schedule: Schedule) -> None:
        self.problem = problem
        self.runs_away = np.zeros(problem.patients, dtype=bool)
        self.unsettled = np.zeros(problem.patients, dtype=bool)
        self.method: Collocation = radau(STAGES)
        self.flow = Flow(problem, schedule, self.method.nodes)
        self._factors: dict[float, list[Array | None]] = {}

    def start(self) -> tuple[State, Array]:
        """Linear states of each block, and the other states (m, N), before any event."""
        initial = np.repeat(self.problem.initial[:, None], self.problem.patients, axis=1)
        return self.flow.start(), initial

    def inputs(self, segment: Segment) -> list[Array]:
        """Values of the free inputs in a segment."""
        return [np.asarray(segment.inputs[name], dtype=float) for name in self.problem.input_names]

    def slopes(self, drivers: list[Array], y: Array, inputs: list[Array]) -> Array:
        """Rates dy/dt of the other states (m, ..., N) at ``y`` (m, N), for drivers (..., N)."""
        p, shape = self.problem, np.broadcast_shapes(*(d.shape for d in drivers), (y.shape[1],))
        rest = (drivers, list(y), p.parameters, p.covariates, inputs)
        rows = [g(*rest) - k(*rest) * part for g, k, part in zip(p.gains, p.rates, y, strict=True)]
        return np.array([np.broadcast_to(row, shape) for row in rows]).reshape(len(y), *shape)

    def _solve_factors(self, hours: float, inputs: list[Array]) -> list[Array | None]:
        """(I + h W k)**-1 for the states whose k does not move, by step size."""
        if hours not in self._factors:
            p = self.problem
            none = [np.zeros(())] * len(p.drivers)
            blank = [np.zeros(())] * len(p.state_names)
            factors: list[Array | None] = []
            for k, constant in zip(p.rates, p.constant_rate, strict=True):
                rate = k(none, blank, p.parameters, p.covariates, inputs) if constant else None
                z = None if rate is None else np.broadcast_to(hours * np.asarray(rate), p.patients)
                if z is not None:
                    self.runs_away |= z < -GROWTH
                factors.append(None if z is None else self.method.solve_factors(z))
            self._factors[hours] = factors
        return self._factors[hours]

    def stages(
        self,
        along: Propagators,
        x: State,
        y: Array,
        level: int,
        inputs: list[Array],
        slope: Array | None,
    ) -> Step:
        """The other states on one step; ``slope`` (m, N) at its start, where the step before ended there."""
        p, s = self.problem, STAGES
        if not p.state_names:
            none = np.zeros((0, p.patients))
            return Step(np.zeros((0, s, p.patients)), none, none)
        hours = along.length * 2.0**-level
        drivers = self.flow.drivers(along, x, level)
        stages = [np.repeat(row[None, :], s, axis=0) for row in y]
        bends, slopes = np.zeros_like(y), np.zeros_like(y)
        factors = self._solve_factors(hours, inputs)
        # In a loop a patient is swept until it is settled, and then left alone whoever else still moves.
        settled = np.zeros(p.patients, dtype=bool)
        for sweep in range(_SWEEPS if p.loop else 1):
            change = np.zeros(p.patients)
            for i in p.order:
                new, end = self._solve_state(i, drivers, stages, y, factors[i], inputs, hours)
                bend = np.zeros(p.patients)
                if slope is not None:
                    added = [w * (new[j] - y[i]) for j, w in enumerate(self.method.first)]
                    bend = hours * slope[i] - sum_in_order(added)
                    new = new + self.method.bends[:, None] * bend
                slopes[i] = np.where(settled, slopes[i], end)
                bends[i] = np.where(settled, bends[i], bend)
                if p.loop:
                    new = np.where(settled, stages[i], new)
                    size = np.maximum(np.abs(new), _SMALL_SHARE * np.abs(new).max(axis=0))
                    moved = np.abs(new - stages[i]) / np.maximum(size, _TINY)
                    change = np.maximum(change, moved.max(axis=0))
                stages[i] = new
            settled |= (change <= _SETTLED) & (sweep > 0)
            if settled.all():
                break
        if p.loop:
            self.unsettled |= ~settled
        return Step(np.stack(stages), bends, slopes)

    def _solve_state(
        self,
        i: int,
        drivers: list[Array],
        stages: list[Array],
        y: Array,
        factor: Array | None,
        inputs: list[Array],
        hours: float,
    ) -> tuple[Array, Array]:
        """One state at the nodes (s, N), the others held, ``(I + h W k)**-1 (y0 + h W g)``; and its slope at
        the last."""
        p, weights = self.problem, self.method.weights
        g = p.gains[i](drivers, stages, p.parameters, p.covariates, inputs)
        g = np.broadcast_to(np.asarray(g, dtype=float), (STAGES, p.patients))
        right = y[i] + hours * sum_in_order([weights[:, r, None] * g[r] for r in range(STAGES)])
        k = p.rates[i](drivers, stages, p.parameters, p.covariates, inputs)
        k = np.broadcast_to(np.asarray(k, dtype=float), right.shape)
        if factor is None:
            made = self._solve_moving(k, hours, right)
        else:
            made = sum_in_order([factor[:, r] * right[r] for r in range(STAGES)])
        return made, g[-1] - k[-1] * made[-1]

    def _solve_moving(self, k: Array, hours: float, right: Array) -> Array:
        self.runs_away |= (hours * k < -GROWTH).any(axis=0)
        left = np.eye(STAGES) + hours * self.method.weights * k.T[:, None, :]
        return np.asarray(np.linalg.solve(left, right.T[:, :, None])[:, :, 0].T, dtype=float)


def solve(
    problem: Problem,
    schedule: Schedule,
    grid: tuple[tuple[int, ...], ...],
    times: Array,
    *,
    tell: Tell | None = None,
) -> Solution:
    """Integrate a schedule on a grid and return the states at ``times`` (sorted, within the schedule).

    ``grid[i]`` lists the levels of the steps of segment i: a step of level j is 2**-j of the segment. A time at
    the border of two segments gets the value after the events there. ``tell`` hears how far it is.

    Raises
    ------
    ScenarioError
        A time outside the schedule, or times that do not rise.
    """
    check_times(schedule, times)
    with np.errstate(all="ignore"):
        if not problem.state_names:
            return _solve_linear(problem, schedule, times, tell)
        return _solve(problem, schedule, grid, times, tell)


def _solve_linear(
    problem: Problem, schedule: Schedule, times: Array, tell: Tell | None
) -> Solution:
    """Linear states alone: exact at any time, whatever the grid."""
    flow = Flow(problem, schedule, radau(STAGES).nodes)
    x = flow.start()
    linear = np.empty((len(times), len(problem.linear_names), problem.patients))
    for number, segment in enumerate(schedule):
        along = flow.propagators(segment, 0)
        x = flow.enter(x, segment)
        last = number == len(schedule) - 1
        first = np.searchsorted(times, segment.start)
        end = len(times) if last else np.searchsorted(times, segment.stop)
        # No longer than the ladder, whose length may differ from the segment's by rounding.
        hours = np.minimum(times[first:end] - segment.start, along.length)
        linear[first:end] = flow.sample(along, x, hours)
        x = along.step(x, 0)
        if tell is not None:
            tell((number + 1) / len(schedule))
    states = np.empty((len(times), 0, problem.patients))
    failed = failures(problem, linear, states)
    failed |= with_reason(flow.no_number, NO_NUMBER)
    return Solution(times, linear, states, failed)


def _solve(
    problem: Problem,
    schedule: Schedule,
    grid: tuple[tuple[int, ...], ...],
    times: Array,
    tell: Tell | None,
) -> Solution:
    stepper = Stepper(problem, schedule)
    flow = stepper.flow
    x, y = stepper.start()
    linear = np.empty((len(times), len(problem.linear_names), problem.patients))
    states = np.empty((len(times), len(problem.state_names), problem.patients))
    done = 0
    for number, (segment, levels) in enumerate(zip(schedule, grid, strict=True)):
        along = flow.propagators(segment, max(levels))
        inputs = stepper.inputs(segment)
        x = flow.enter(x, segment)
        last = number == len(schedule) - 1
        begin, place, slope = segment.start, 0.0, None
        for level in levels:
            place += 2.0**-level
            end = segment.stop if place >= 1 else segment.start + place * segment.length
            step = stepper.stages(along, x, y, level, inputs, slope)
            while done < len(times) and (times[done] < end or (last and times[done] <= end)):
                hours = times[done] - begin
                here = x
                if hours > 0:
                    whole = times[done] == end
                    here = along.step(x, level) if whole else along.advance(x, hours)
                linear[done] = flow.gather(here)
                states[done] = step.at(stepper.method, y, hours / (end - begin))
                done += 1
            x = along.step(x, level)
            y, slope = step.end, step.slope
            begin = end
        if tell is not None:
            tell((number + 1) / len(schedule))
    # The later reason explains the one before: who runs away has no numbers, who has none never settles.
    failed = with_reason(stepper.unsettled, f"a feedback loop did not settle in {_SWEEPS} sweeps")
    failed |= failures(problem, linear, states)
    failed |= with_reason(flow.no_number, NO_NUMBER)
    failed |= with_reason(stepper.runs_away, RUNS_AWAY)
    return Solution(times, linear, states, failed)


def with_reason(patients: NDArray[np.bool_], reason: str) -> dict[int, str]:
    return {int(patient): reason for patient in np.nonzero(patients)[0]}


def failures(problem: Problem, linear: Array, states: Array) -> dict[int, str]:
    """Patients with a value that is not finite, and the first state that has one."""
    failed: dict[int, str] = {}
    for values, names in ((linear, problem.linear_names), (states, problem.state_names)):
        bad = ~np.isfinite(values)
        for patient in np.nonzero(bad.any(axis=(0, 1)))[0]:
            state = int(np.nonzero(bad[:, :, patient].any(axis=0))[0][0])
            failed.setdefault(int(patient), f"{names[state]} is not a finite number")
    return failed
