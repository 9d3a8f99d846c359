"""Solve by the kernel: a problem, a schedule and a grid become flat tables, and tables become a solution."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from ketalab.engine._decomposed import find_modes, pad
from ketalab.engine._deviations import deviate
from ketalab.engine._flow import Propagators, State
from ketalab.engine._grid import Grid
from ketalab.engine._groups import Groups, Whole, group_states
from ketalab.engine._kernel import (
    LANES,
    Part,
    load_decompose,
    load_march,
    load_stages,
    wanted_states,
)
from ketalab.engine._layout import FACTORS, Layout
from ketalab.engine._lockstep import (
    GROWTH,
    NO_NUMBER,
    RUNS_AWAY,
    STAGES,
    Step,
    Stepper,
    failures,
    with_reason,
)
from ketalab.engine._problem import Array, Problem, Schedule, Segment, Solution, Tell, check_times
from ketalab.engine._step_loops import KEPT
from ketalab.engine._steps import lay_steps

#: Bytes of a line of the cache.
_LINE = 64
NO_MODES = "its linear part cannot be split into modes"


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
    return np.array(at, np.int64), np.array(states, np.int64), pad(table, patients, lanes)


def _has_kernel(problem: Problem) -> bool:
    """Whether the states have a form that the kernel knows; the linear part is another question."""
    return not problem.loop and problem.program is not None and bool(problem.state_names)


def kernel_stepper(problem: Problem, schedule: Schedule) -> type[Stepper] | None:
    """What takes steps by the kernel, for :func:`ketalab.engine.build_grid`; None where it does not know the form."""
    if not _has_kernel(problem):
        return None
    known = group_states(problem, schedule, range(len(problem.linear_names)))
    return None if known is None else PackedStepper


def load_parts(program: str, order: Sequence[int], initial: Sequence[float]) -> None:
    """Compile all that a model needs, or read it from the cache; what is used first does so by itself."""
    wanted = wanted_states(order)
    load_march(deviate(program, tuple(initial)), wanted)
    load_stages(program, wanted)
    load_decompose()


def _room(count: int, of: type = np.float64) -> Array:
    """Zeros that begin where a line of the processor's cache does, so that no row lies in one more than it must."""
    whole = np.zeros(count * np.dtype(of).itemsize + _LINE, np.uint8)
    first = -whole.__array_interface__["data"][0] % _LINE
    return whole[first : len(whole) - _LINE + first].view(of)


def _rooms(
    part: Part, lengths: int, buffers: Sequence[int], lanes: int
) -> tuple[Array, tuple[Array, ...], tuple[Whole, ...], tuple[NDArray[np.bool_], ...]]:
    """What a part of the kernel works in: slots, with factors for steps of so many lengths behind them; buffers of
    so many rows; which states move, and what they read."""
    layout = part.layout
    states, still = len(layout.order), len(layout.still)
    slots = _room((layout.slots + lengths * still * FACTORS) * lanes, part.real)
    return (
        slots,
        tuple(_room(rows * lanes) for rows in buffers),
        (np.zeros(states, np.int64), np.zeros(len(layout.ranks) + 1, np.int64)),
        tuple(np.zeros(count, np.bool_) for count in (still, layout.states, KEPT + 1)),
    )


class PackedStepper(Stepper):
    """Takes steps by the kernel; the linear part stays with the ladder. For the choice of the time grid."""

    def __init__(self, problem: Problem, schedule: Schedule, lanes: int = LANES) -> None:
        super().__init__(problem, schedule)
        assert problem.program is not None
        self._kernel = load_stages(problem.program(), wanted_states(problem.order), lanes)
        self._lanes = lanes
        self._given: tuple[list[Array], Array] | None = None

    def stages(
        self,
        along: Propagators,
        x: State,
        y: Array,
        level: int,
        inputs: list[Array],
        slope: Array | None,
    ) -> Step:
        count, given, layout = self.problem.patients, self._table(inputs), self._kernel.layout
        drivers = np.array(self.flow.drivers(along, x, level)).reshape(-1, STAGES, count)
        width = given.shape[1]
        out, lowest = np.zeros((len(y), STAGES + 2, width)), np.zeros(width)
        # A driver may be asked for by a place that nobody reads.
        self._kernel.run(
            given,
            pad(drivers[: layout.driver_count], count, self._lanes),
            pad(y, count, self._lanes),
            pad(np.zeros_like(y) if slope is None else slope, count, self._lanes),
            float(slope is not None),
            along.length * 2.0**-level,
            np.zeros(len(layout.order), np.bool_),
            out,
            lowest,
            *_rooms(self._kernel, 1, (layout.states, len(given), len(layout.shares)), self._lanes),
        )
        self.runs_away |= lowest[:count] < -GROWTH
        made = out[:, :, :count]
        return Step(made[:, :STAGES], made[:, STAGES], made[:, STAGES + 1])

    def _table(self, inputs: list[Array]) -> Array:
        """What the kernel reads of parameters, covariates and inputs; made once a segment."""
        if self._given is None or self._given[0] is not inputs:
            p, count = self.problem, self.problem.patients
            rows = np.array([np.broadcast_to(i, count) for i in inputs]).reshape(-1, count)
            table = np.concatenate([p.parameters, p.covariates, rows])
            read = table[list(self._kernel.layout.given)]
            self._given = (inputs, pad(read, count, self._lanes))
        return self._given[1]


def solve_packed(
    problem: Problem,
    schedule: Schedule,
    grid: Grid,
    times: Array,
    *,
    shown: Sequence[int] | None = None,
    tell: Tell | None = None,
    floors: Array | None = None,
    lanes: int = LANES,
    single: bool = True,
) -> Solution | None:
    """The same as :func:`ketalab.engine.solve`, by the kernel; None where the problem has a form that it does not know.

    ``shown`` are the linear states that are asked for, all where not given. Where ``floors`` (m,) are the least sizes
    of the states that matter, patients with a step that is too long for a state of theirs are named as ``rough``. What
    a step adds to the other states is computed in ``single`` numbers or in double ones; the linear part always in
    double ones.

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
    every = range(len(problem.linear_names)) if shown is None else tuple(shown)
    groups = group_states(problem, schedule, [*problem.drivers, *every])
    if groups is None:
        return None
    program = deviate(problem.program(), tuple(problem.initial.tolist()))
    march = load_march(program, wanted_states(problem.order), lanes, single)
    layout, count = march.layout, problem.patients
    padded = count + -count % lanes
    with np.errstate(all="ignore"):
        variant, of_variant = _distinct([_key(s, problem.movers) for s in schedule])
        modes = find_modes(problem, [schedule[s] for s in of_variant], groups, padded, lanes)
    rows = groups.rows
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
    drive = _list_parts(groups, modes.pairs, _forms_read(problem, layout, rows))
    quiet = layout.untouched(frozenset(drive[1].tolist()))
    show = [i for i in every if i in rows]
    linear = np.empty((len(times), len(every), count))
    for place, i in enumerate(every):
        if i not in rows:  # no dose reaches it
            linear[:, place] = 0.0
    states = np.empty((len(times), len(problem.state_names), count))
    lowest, sound, rough = np.zeros(padded), np.zeros(padded), np.zeros(padded)
    floors = np.full(layout.states, np.inf) if floors is None else floors
    reached, marched, parts, growing = (
        len(groups.states),
        len(drive[0]),
        len(drive[2]),
        len(drive[5]),
    )
    buffers = (
        layout.states, len(layout.given), len(layout.shares), *[reached] * 6, marched, marched, *[4 * marched] * 2,
        parts, parts, growing, growing, len(times) * (len(show) + layout.states),
    )  # fmt: skip
    seen = sorted({k for i in show for k in groups.modes_of(rows[i])})
    march.run(
        pad(table[still], count, lanes), pad(changing, count, lanes), problem.initial,
        variant, which, steps.hours, steps.kinds, steps.lengths_of, steps.first, steps.lengths, *boluses, *inflows,
        *(of.reshape(*of.shape[:2], -1) for of in (modes.rates, modes.weights, modes.inverse, modes.growth)),
        modes.pairs, groups.starts, groups.modes, groups.modes_at, groups.own_at, groups.back_at,
        np.arange(reached), np.array(seen, np.int64), *drive, quiet,
        steps.output_at, steps.output_after, steps.output_weights, modes.least,
        floors, linear, states, lowest, sound, rough,
        np.array([rows[i] for i in show], np.int64), np.array([every.index(i) for i in show], np.int64),
        *_rooms(march, min(int(steps.lengths_of.max()), KEPT) + 1, buffers, lanes),
    )  # fmt: skip
    if tell is not None:
        tell(1.0)
    reasons = {} if (sound == 0).all() else failures(problem, linear, states)
    reasons |= with_reason(modes.failed[:count], NO_MODES)
    reasons |= with_reason(modes.no_number, NO_NUMBER)
    reasons |= with_reason(lowest[:count] < -GROWTH, RUNS_AWAY)
    return Solution(
        times,
        linear,
        states,
        reasons,
        None if shown is None else tuple(shown),
        tuple(np.flatnonzero(rough[:count] > 0).tolist()),
    )


#: A driver of the kernel: its number, and rows of the linear states that it sums up with those of their shares.
Form = tuple[int, list[tuple[int, int]]]


def _forms_read(problem: Problem, layout: Layout, rows: dict[int, int]) -> list[Form]:
    """The drivers that anything reaches."""
    found = []
    for number, pairs in enumerate(layout.forms):
        met = [(rows[i], share) for d, share in pairs if (i := problem.drivers[d]) in rows]
        if met:
            found.append((number, met))
    return found


def _list_parts(groups: Groups, pairs: Whole, forms: Sequence[Form]) -> tuple[Whole, ...]:
    """The parts of drivers, one for each mode of each: see :func:`ketalab.engine._march.march`.

    The modes that drivers read; the drivers' numbers; the parts' places among those modes, and where each driver's
    begin; what each part begins with. Of parts that grow from equal modes the part and its mode, where each
    driver's begin, and what each begins with.
    """
    marched = sorted({k for _, met in forms for row, _ in met for k in groups.modes_of(row)})
    place = {mode: i for i, mode in enumerate(marched)}
    modes: list[int] = []
    given: list[tuple[int, ...]] = []
    growing: list[tuple[int, int]] = []
    given_grown: list[tuple[int, ...]] = []
    ends, grown_ends = [0], [0]
    for _, met in forms:
        listed = sorted({k for row, _ in met for k in groups.modes_of(row)})
        part_of = {mode: len(modes) + i for i, mode in enumerate(listed)}
        number_of: dict[int, int] = {}
        modes += [place[k] for k in listed]
        for row, share in met:
            for at, mode in enumerate(groups.modes_of(row), int(groups.modes_at[row])):
                given.append((part_of[mode], share, at, mode))
                for pair, (to, of) in enumerate(pairs.tolist()):
                    if to == mode:
                        if mode not in number_of:
                            number_of[mode] = len(growing)
                            growing.append((part_of[mode], place[mode]))
                        given_grown.append((number_of[mode], share, at, pair, of))
        ends.append(len(modes))
        grown_ends.append(len(growing))
    whole = np.int64
    return (
        np.array(marched, whole),
        np.array([number for number, _ in forms], whole),
        np.array(modes, whole),
        np.array(ends, whole),
        np.array(given, whole).reshape(-1, 4),
        np.array(growing, whole).reshape(-1, 2),
        np.array(grown_ends, whole),
        np.array(given_grown, whole).reshape(-1, 5),
    )


def _key(segment: Segment, names: Sequence[str]) -> tuple[float | bytes, ...]:
    """What tells the values of some inputs from others."""
    values = (segment.inputs[name] for name in names)
    return tuple(v.tobytes() if isinstance(v, np.ndarray) else v for v in values)
