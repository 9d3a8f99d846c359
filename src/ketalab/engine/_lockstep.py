"""The lockstep scheme in NumPy over patients: one time grid for all, Radau IIA, sweeps over the cascade.

Every state is linear in itself, so on the s nodes of a step it solves ``(I + h W k) Y = y0 + h W g`` alone; states are
solved in the order of the cascade (Gauss-Seidel). A cascade needs one sweep; a feedback loop is swept until it
no longer moves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ketalab.engine._linear import Block, Ladder, split_blocks
from ketalab.engine._problem import Array, Problem, Schedule, Segment, Solution, Tell, check_times
from ketalab.engine._radau import Collocation, radau, sum_in_order

STAGES = 4
#: Largest relative change of the looped states in the last sweep, and the most sweeps allowed.
_SETTLED = 1e-9
_SWEEPS = 25
_SMALL_SHARE, _TINY = 1e-3, 1e-300
#: A state that would grow by more than this exponent in one step is beyond the scheme, which would let it decay.
_GROWTH = 1.0


class Stepper:
    """One patient group on the way through a schedule: propagators and solve factors, kept by length and level."""

    def __init__(self, problem: Problem, schedule: Schedule) -> None:
        # A matrix that is no number would spoil nobody else, but it has no propagator: rest in its place.
        self.no_number: NDArray[np.bool_] = np.logical_not(
            np.isfinite(problem.matrix).all(axis=(1, 2))
        )
        if self.no_number.any():
            kept = np.where(self.no_number[:, None, None], 0.0, problem.matrix)
            problem = replace(problem, matrix=kept)
        self.problem = problem
        self.runs_away = np.zeros(problem.patients, dtype=bool)
        self.unsettled = np.zeros(problem.patients, dtype=bool)
        self.method: Collocation = radau(STAGES)
        inflow = {state for segment in schedule for state, _ in segment.inflow}
        self.blocks: tuple[Block, ...] = split_blocks(problem.matrix, inflow)
        self.watched = [
            tuple(b.index.index(d) for d in problem.drivers if d in b.index) for b in self.blocks
        ]
        found = [
            b.index[w] for b, places in zip(self.blocks, self.watched, strict=True) for w in places
        ]
        self._driver_order = np.argsort(
            np.array([problem.drivers.index(d) for d in found], dtype=int)
        )
        self._ladders: dict[tuple[float, int], tuple[Ladder, ...]] = {}
        self._factors: dict[float, list[Array | None]] = {}

    def ladders(self, length: float, finest: int) -> tuple[Ladder, ...]:
        """Propagators for a segment's length, made once."""
        # Lengths that differ by rounding (83.33 h after each of eight doses) share one ladder; no coarser, because
        # an infusion gives its rate times the ladder's length.
        key = (float(f"{length:.13g}"), finest)
        if key not in self._ladders:
            self._ladders[key] = tuple(
                Ladder(block, length, self.method.nodes, watched, finest)
                for block, watched in zip(self.blocks, self.watched, strict=True)
            )
        return self._ladders[key]

    def start(self) -> tuple[list[Array], Array]:
        """Linear states per block (N, b), and the other states (m, N), before any event."""
        n = self.problem.patients
        x = [np.zeros((n, block.matrix.shape[1])) for block in self.blocks]
        return x, np.repeat(self.problem.initial[:, None], n, axis=1)

    def enter(self, x: list[Array], segment: Segment) -> list[Array]:
        """Add a segment's boluses and set its inflows."""
        boluses, inflow = dict[int, Array](), dict[int, Array]()
        for table, events in ((boluses, segment.boluses), (inflow, segment.inflow)):
            for state, amount in events:
                table[state] = table.get(state, np.zeros(())) + amount
        entered = []
        for block, old in zip(self.blocks, x, strict=True):
            new = old.copy()
            for place, state in enumerate(block.index):
                if state in boluses:
                    new[:, place] += boluses[state]
            for column, entry in enumerate(block.entries):
                new[:, len(block.index) + column] = inflow.get(block.index[entry], np.zeros(()))
            entered.append(new)
        return entered

    def inputs(self, segment: Segment) -> list[Array]:
        """Values of the free inputs in a segment."""
        return [np.asarray(segment.inputs[name], dtype=float) for name in self.problem.input_names]

    def gather(self, x: Iterable[Array]) -> Array:
        """Linear states in their own order, (n, N)."""
        out = np.empty((len(self.problem.linear_names), self.problem.patients))
        for block, part in zip(self.blocks, x, strict=True):
            out[list(block.index)] = part[:, : len(block.index)].T
        return out

    def drivers(self, ladders: tuple[Ladder, ...], x: list[Array], level: int) -> list[Array]:
        """The linear states that the others read, at the nodes of a step, (s, N) each."""
        watched = [
            ladder.nodes(part, level)
            for ladder, part, places in zip(ladders, x, self.watched, strict=True)
            if places
        ]
        return list(np.concatenate(watched)[self._driver_order]) if watched else []

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
                    self.runs_away |= z < -_GROWTH
                factors.append(None if z is None else self.method.solve_factors(z))
            self._factors[hours] = factors
        return self._factors[hours]

    def stages(
        self, ladders: tuple[Ladder, ...], x: list[Array], y: Array, level: int, inputs: list[Array]
    ) -> Array:
        """The other states at the nodes of one step, (m, s, N)."""
        p, s = self.problem, STAGES
        hours = ladders[0].length * 2.0**-level
        drivers = self.drivers(ladders, x, level)
        stages = [np.repeat(row[None, :], s, axis=0) for row in y]
        factors = self._solve_factors(hours, inputs)
        # In a loop a patient is swept until it is settled, and then left alone whoever else still moves.
        settled = np.zeros(p.patients, dtype=bool)
        for sweep in range(_SWEEPS if p.loop else 1):
            change = np.zeros(p.patients)
            for i in p.order:
                new = self._solve_state(i, drivers, stages, y, factors[i], inputs, hours)
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
        return np.stack(stages) if stages else np.zeros((0, s, p.patients))

    def _solve_state(
        self,
        i: int,
        drivers: list[Array],
        stages: list[Array],
        y: Array,
        factor: Array | None,
        inputs: list[Array],
        hours: float,
    ) -> Array:
        """One state at the nodes (s, N), the others held: ``(I + h W k)**-1 (y0 + h W g)``."""
        p, weights = self.problem, self.method.weights
        g = p.gains[i](drivers, stages, p.parameters, p.covariates, inputs)
        g = np.broadcast_to(np.asarray(g, dtype=float), (STAGES, p.patients))
        right = y[i] + hours * sum_in_order([weights[:, r, None] * g[r] for r in range(STAGES)])
        if factor is None:
            return self._solve_moving(i, drivers, stages, inputs, hours, right)
        return sum_in_order([factor[:, r] * right[r] for r in range(STAGES)])

    def _solve_moving(
        self,
        i: int,
        drivers: list[Array],
        stages: list[Array],
        inputs: list[Array],
        hours: float,
        right: Array,
    ) -> Array:
        p = self.problem
        k = p.rates[i](drivers, stages, p.parameters, p.covariates, inputs)
        k = np.broadcast_to(np.asarray(k, dtype=float), right.shape)
        self.runs_away |= (hours * k < -_GROWTH).any(axis=0)
        left = np.eye(STAGES) + hours * self.method.weights * k.T[:, None, :]
        return np.linalg.solve(left, right.T[:, :, None])[:, :, 0].T


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
        return _solve(problem, schedule, grid, times, tell)


def _solve(
    problem: Problem,
    schedule: Schedule,
    grid: tuple[tuple[int, ...], ...],
    times: Array,
    tell: Tell | None,
) -> Solution:
    stepper = Stepper(problem, schedule)
    x, y = stepper.start()
    linear = np.empty((len(times), len(problem.linear_names), problem.patients))
    states = np.empty((len(times), len(problem.state_names), problem.patients))
    done = 0
    for number, (segment, levels) in enumerate(zip(schedule, grid, strict=True)):
        ladders = stepper.ladders(segment.length, max(levels))
        inputs = stepper.inputs(segment)
        x = stepper.enter(x, segment)
        last = number == len(schedule) - 1
        begin, place = segment.start, 0.0
        for level in levels:
            place += 2.0**-level
            end = segment.stop if place >= 1 else segment.start + place * segment.length
            stages = stepper.stages(ladders, x, y, level, inputs)
            while done < len(times) and (times[done] < end or (last and times[done] <= end)):
                hours = times[done] - begin
                here = x
                if hours > 0:
                    whole = times[done] == end
                    here = [
                        la.step(part, level) if whole else la.advance(part, hours)
                        for la, part in zip(ladders, x, strict=True)
                    ]
                linear[done] = stepper.gather(here)
                states[done] = stepper.method.interpolate(y, stages, hours / (end - begin))
                done += 1
            x = [la.step(part, level) for la, part in zip(ladders, x, strict=True)]
            y = stages[:, -1] if len(stages) else y
            begin = end
        if tell is not None:
            tell((number + 1) / len(schedule))
    # The later reason explains the one before: who runs away has no numbers, who has none never settles.
    failed = _with_reason(stepper.unsettled, f"a feedback loop did not settle in {_SWEEPS} sweeps")
    failed |= _failures(problem, linear, states)
    failed |= _with_reason(stepper.no_number, "its linear part is not a finite number")
    failed |= _with_reason(stepper.runs_away, "a state grows faster than the time grid can follow")
    return Solution(times, linear, states, failed)


def _with_reason(patients: NDArray[np.bool_], reason: str) -> dict[int, str]:
    return {int(patient): reason for patient in np.nonzero(patients)[0]}


def _failures(problem: Problem, linear: Array, states: Array) -> dict[int, str]:
    """Patients with a value that is not finite, and the first state that has one."""
    failed: dict[int, str] = {}
    for values, names in ((linear, problem.linear_names), (states, problem.state_names)):
        bad = ~np.isfinite(values)
        for patient in np.nonzero(bad.any(axis=(0, 1)))[0]:
            state = int(np.nonzero(bad[:, :, patient].any(axis=0))[0][0])
            failed.setdefault(int(patient), f"{names[state]} is not a finite number")
    return failed
