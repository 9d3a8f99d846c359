"""Solve by the kernel: a problem, a schedule and a grid become flat tables, and tables become a solution."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ketalab.engine._flow import Propagators, State
from ketalab.engine._grid import Grid
from ketalab.engine._kernel import LANES, load_decompose, load_kernel, wanted_states
from ketalab.engine._links import reach, split_circles
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
from ketalab.engine._radau import radau

Whole = NDArray[np.int64]
NO_MODES = "its linear part cannot be split into modes"


@dataclass(frozen=True)
class Groups:
    """States of the linear part as :mod:`ketalab.engine._modes` wants them.

    ``states`` are those that are reached and needed, with one more (numbers from n on) for each state that infusions
    feed; ``starts``, ``parents`` and ``feeds`` are described there. ``fed`` are the states that infusions feed.
    """

    states: tuple[int, ...]
    fed: tuple[int, ...]
    starts: Whole
    parents: Whole
    feeds: NDArray[np.bool_]


def group_states(problem: Problem, schedule: Schedule, needed: Sequence[int]) -> Groups | None:
    """Groups in the order of the cascade; None where a group is no tree, so that it may have no real modes."""
    n = len(problem.linear_names)
    links = problem.links
    if links is None:
        links = np.any(problem.matrix != 0, axis=0)
    inflow = sorted({state for segment in schedule for state, _ in segment.inflow})
    given = {state for segment in schedule for state, _ in segment.boluses} | set(inflow)
    met = reach(links, np.isin(np.arange(n), list(given)))
    met &= reach(links.T, np.isin(np.arange(n), list(needed)))
    fed = tuple(i for i in inflow if met[i])
    kept = np.nonzero(met)[0]
    inside = links[np.ix_(kept, kept)].copy()
    np.fill_diagonal(inside, False)
    circles = [list(kept[group]) for group in split_circles(inside)]
    # Each group after those that feed it; sources first. A source is a group of one.
    done, left = [[n + k] for k in range(len(fed))], circles
    placed: set[int] = set()
    while left:
        ready = [
            g
            for g in left
            if all(
                s in placed or s in g
                for i in g
                for s in np.nonzero(links[i])[0]
                if met[s] and s != i
            )
        ]
        done += ready
        placed |= {s for g in ready for s in g}
        left = [g for g in left if g not in ready]
    states: list[int] = []
    parents: list[int] = []
    for number, group in enumerate(done):
        ordered, hung = [group[0]], [-1]
        edges = 0
        if len(group) > 1:
            for i, j in ((i, j) for i in group for j in group if i < j):
                if links[i, j] != links[j, i]:
                    return None
                edges += bool(links[i, j])
            if edges != len(group) - 1:
                return None
            for up in ordered:
                for i in group:
                    if links[i, up] and i not in ordered:
                        ordered.append(i)
                        hung.append(len(states) + ordered.index(up))
        parents += hung
        states += ordered
        done[number] = ordered
    starts = np.cumsum([0, *(len(g) for g in done)])
    feeds = np.zeros((len(done), len(done)), dtype=bool)
    for a, one in enumerate(done):
        for b, two in enumerate(done[:a]):
            direct = any(
                (fed[u - n] == i if u >= n else links[i, u]) for i in one for u in two if i < n
            )
            if direct:
                feeds[a, b] = True
                feeds[a] |= feeds[b]
    return Groups(
        tuple(int(s) for s in states),
        fed,
        starts.astype(np.int64),
        np.array(parents, np.int64),
        feeds,
    )


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


@dataclass(frozen=True)
class _Steps:
    """Steps of a grid: hours of each, what becomes of the decays (0 as before, 1 squared, 2 anew), first of each
    segment, and outputs: which of each step, hours since it began, weights of its five points."""

    hours: Array
    kinds: Whole
    first: Whole
    output_at: Whole
    output_after: Array
    output_weights: Array


def _lay_steps(schedule: Schedule, grid: Grid, times: Array, variants: Whole) -> _Steps:
    """The steps of a grid; made once for all batches."""
    spans = tuple((segment.start, segment.stop) for segment in schedule)
    return _kept_steps(spans, grid, times.tobytes(), tuple(variants.tolist()))


@lru_cache(maxsize=8)
def _kept_steps(
    spans: tuple[tuple[float, float], ...], grid: Grid, times: bytes, variants: tuple[int, ...]
) -> _Steps:
    asked = np.frombuffer(times)
    hours: list[Array] = []
    kinds: list[Sequence[int] | Whole] = []
    begins: list[Array] = []
    ends: list[Array] = []
    first = [0]
    known: dict[float, float] = {}
    for (start, stop), levels in zip(spans, grid, strict=True):
        # Lengths that differ by rounding are one, so that their decays are.
        length = known.setdefault(float(f"{stop - start:.13g}"), stop - start)
        shares = 2.0 ** -np.array(levels, dtype=float)
        steps = length * shares
        edges = start + np.cumsum(shares) * (stop - start)
        edges[-1] = stop
        # The first of a segment is new, because an event may have changed what decays.
        kind = np.where(steps[1:] == steps[:-1], 0, np.where(steps[1:] == 2 * steps[:-1], 1, 2))
        hours.append(steps)
        kinds += [[2], kind]
        begins.append(np.concatenate([[start], edges[:-1]]))
        ends.append(edges)
        first.append(first[-1] + len(steps))
    begin, end = np.concatenate(begins), np.concatenate(ends)
    # A time at the border of two steps belongs to the later one, and the last time to the last step.
    step = np.minimum(np.searchsorted(end, asked, side="right"), len(end) - 1)
    after = asked - begin[step]
    share = np.where(asked == end[step], 1.0, after / (end - begin)[step])
    return _Steps(
        np.concatenate(hours),
        np.concatenate(kinds).astype(np.int64),
        np.array(first, np.int64),
        np.searchsorted(step, np.arange(len(end) + 1)).astype(np.int64),
        after,
        np.ascontiguousarray(radau(STAGES).dense(share).T),
    )


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


def kernel_stepper(problem: Problem, schedule: Schedule) -> type[Stepper] | None:
    """What takes steps by the kernel, for :func:`ketalab.engine.build_grid`; None where it does not know the form."""
    if problem.loop or problem.program is None or not problem.state_names:
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
    if problem.loop or problem.program is None or not problem.state_names:
        return None
    check_times(schedule, times)
    every = range(len(problem.linear_names)) if shown is None else shown
    groups = group_states(problem, schedule, [*problem.drivers, *every])
    if groups is None:
        return None
    kernel = load_kernel(problem.program(), wanted_states(problem.order), lanes)
    layout, count, n = kernel.layout, problem.patients, len(problem.linear_names)
    padded = count + -count % lanes
    with np.errstate(all="ignore"):
        moves = [_key(s, problem.movers) for s in schedule]
        variant, of_variant = _distinct(moves)
        no_number = np.zeros(count, dtype=bool)
        failed = np.zeros(padded, dtype=bool)
        compartments = np.ones(count, dtype=bool)
        m = len(groups.states)
        shape = (len(of_variant), padded // lanes, m)
        rates, weights = np.zeros((*shape, lanes)), np.zeros((*shape, m, lanes))
        inverse, growth = np.zeros_like(weights), np.zeros_like(weights)
        for number, segment in enumerate(of_variant):
            whole = problem.matrix_under(schedule[segment].inputs)
            bad = ~np.isfinite(whole).all(axis=(1, 2))
            no_number |= bad
            matrix = _restrict(whole, groups, n, padded)
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
    steps = _lay_steps(schedule, grid, times, variant)
    boluses = _events(schedule, "boluses", rows, count, lanes)
    sources = {state: rows[n + k] for k, state in enumerate(groups.fed)}
    inflows = _events(schedule, "inflow", sources, count, lanes)
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
    modes = [_modes_of(groups, row) for row in range(m)]
    modes_at = np.cumsum([0, *map(len, modes)])
    own = [len(row) - _size_of(groups, k) for k, row in enumerate(modes)]
    show = [i for i in every if i in rows]
    linear = np.zeros((len(times), len(show), padded))
    states = np.zeros((len(times), len(problem.state_names), padded))
    lowest = np.zeros(padded)
    kernel.march(
        _pad(table[still], count, lanes), _pad(changing, count, lanes), problem.initial,
        variant, which, steps.hours, steps.kinds, steps.first, *boluses, *inflows,
        rates, weights, inverse, growing, pairs, groups.starts,
        np.array(watched, np.int64).reshape(-1, 2),
        np.array([x for row in modes for x in row], np.int64), modes_at, modes_at[:-1] + own,
        steps.output_at, steps.output_after, steps.output_weights,
        linear, states, lowest, np.array([rows[i] for i in show], np.int64),
    )  # fmt: skip
    if tell is not None:
        tell(1.0)
    # What cancels to nothing must not come out below it.
    linear = linear[:, :, :count]
    np.maximum(linear, 0.0, out=linear, where=compartments)
    states = states[:, :, :count]
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


def _restrict(whole: Array, groups: Groups, n: int, padded: int) -> Array:
    """The matrix of the groups' states (N, m, m), sources included, padded with its last patient."""
    m = len(groups.states)
    matrix = np.zeros((padded, m, m))
    inner = [k for k, s in enumerate(groups.states) if s < n]
    places = [groups.states[k] for k in inner]
    matrix[: len(whole), np.array(inner)[:, None], inner] = whole[
        :, np.array(places)[:, None], places
    ]
    for k, state in enumerate(groups.states):
        if state >= n:
            matrix[:, groups.states.index(groups.fed[state - n]), k] = 1.0
    matrix[len(whole) :] = matrix[len(whole) - 1]
    return matrix


def _group_of(groups: Groups, row: int) -> int:
    return int(np.searchsorted(groups.starts, row, side="right")) - 1


def _size_of(groups: Groups, row: int) -> int:
    group = _group_of(groups, row)
    return int(groups.starts[group + 1] - groups.starts[group])


def _modes_of(groups: Groups, row: int) -> list[int]:
    """The modes that a state has part in: those of all groups that feed its own, then those of its own."""
    group = _group_of(groups, row)
    return [
        k
        for g in range(group + 1)
        if g == group or groups.feeds[group, g]
        for k in range(groups.starts[g], groups.starts[g + 1])
    ]
