"""The time grid: dyadic steps, chosen by step doubling on pilot patients, shared by everyone with the schedule."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from ketalab.engine._flow import State
from ketalab.engine._lockstep import STAGES, Stepper
from ketalab.engine._problem import Array, Problem, Schedule, Segment, Tell
from ketalab.errors import SolutionError

Grid = tuple[tuple[int, ...], ...]

#: Relative error allowed in one step of a pilot, with a floor of 1e-3 of the state's peak.
TOLERANCE = 1e-6
_FLOOR = 1e-3
#: A state this small, in its own unit, is at rest: what moves below it is rounding and asks for no steps.
_REST = 1e-6
#: More steps than this in one segment mean that the tolerance cannot be met.
_MOST_STEPS = 20_000
#: No step is shorter than about this, hours: a third of a millisecond.
_SHORTEST = 1e-7
#: A step is tried twice as long when its error is this far below the tolerance: a step that turns out too long is made
#: again, so that trying one too often costs less than one too few.
_GROW = 1 / 16
#: So many segments of a kind have steps of their own.
_CHOSEN = 3
#: Longest first step of a segment, hours.
_FIRST = 1 / 60


def _error(one: Array, two: Array, peak: Array) -> float:
    size = np.maximum(np.maximum(np.abs(one), np.abs(two)), _FLOOR * peak)
    return float(np.max(np.abs(one - two) / np.maximum(size, _REST), initial=0.0))


def _level_of(segment: Segment, hours: float) -> int:
    """The level of the longest step of a segment that is no longer than some hours."""
    return max(int(np.ceil(np.log2(segment.length / hours))), 0)


def _finest(segment: Segment) -> int:
    """The finest level of a segment."""
    return max(_level_of(segment, _SHORTEST), 2)


@dataclass
class _Walk:
    """Pilots on the way through one segment, in steps that meet the tolerance.

    ``slope`` is that of ``y`` where a step has ended. ``position`` counts in steps of the finest level; ``levels``
    are those taken.
    """

    stepper: Stepper
    segment: Segment
    peak: Array
    x: State
    y: Array
    tolerance: float
    between: float
    slope: Array | None = None
    position: int = 0
    levels: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.finest = _finest(self.segment)
        self.along = self.stepper.flow.propagators(self.segment, self.finest)
        self.inputs = self.stepper.inputs(self.segment)
        self.level = self._first_level()

    def _first_level(self) -> int:
        """The longest first step, up to a minute, whose nodes see all that happens in it.

        After a large bolus concentrations run within milliseconds through the range where receptors answer, and the
        nodes of a longer step pass over it. So the rates of the states, held as they are, are also looked at after a
        half, a quarter, ... of the step, and held against what the nodes let expect.
        """
        stepper, length = self.stepper, self.segment.length
        longest = min(_level_of(self.segment, _FIRST), self.finest - 1)
        size = np.maximum(np.maximum(np.abs(self.y), _FLOOR * self.peak), _REST)

        def slopes(x: State) -> Array:
            linear = stepper.flow.gather(x)
            return stepper.slopes([linear[d] for d in stepper.problem.drivers], self.y, self.inputs)

        start, after = slopes(self.x), dict[int, Array]()
        for level in range(longest, self.finest + 1):
            after[level] = slopes(self.along.step(self.x, level))
        for level in range(longest, self.finest):
            nodes = stepper.flow.drivers(self.along, self.x, level)
            stages = np.repeat(start[:, None, :], STAGES, axis=1)
            if nodes:
                stages = stepper.slopes(nodes, self.y, self.inputs)
            missed = 0.0
            for deeper in range(level + 1, self.finest + 1):
                expected = stepper.method.interpolate(start, stages, 2.0 ** (level - deeper))
                moved = np.abs(after[deeper] - expected) * length * 2.0**-deeper
                missed = max(missed, float(np.max(moved / size, initial=0.0)))
            # Well below the tolerance, because states further down may be steep in what is missed here.
            if missed <= self.tolerance * _GROW:
                return level
        return self.finest - 1

    def step(self) -> None:
        """Take one step, the planned one or a shorter one, and plan the next; the finest is taken as it is."""
        stepper, x, y = self.stepper, self.x, self.y
        while True:
            level = self.level
            whole = stepper.stages(self.along, x, y, level, self.inputs, self.slope)
            first = stepper.stages(self.along, x, y, level + 1, self.inputs, self.slope)
            half = self.along.step(x, level + 1)
            second = stepper.stages(
                self.along, half, first.end, level + 1, self.inputs, first.slope
            )
            method = stepper.method
            between = max(
                _error(whole.at(method, y, 0.5), first.end, self.peak),
                _error(whole.at(method, y, 0.25), first.at(method, y, 0.5), self.peak),
            )
            error = max(_error(whole.end, second.end, self.peak), between * self.between)
            if not np.isfinite(error):
                raise SolutionError(
                    "the time grid cannot be built: a pilot's state is not a finite number"
                )
            if error <= self.tolerance or level >= self.finest - 1:
                break
            self.level += 1
        self.levels.append(level)
        self.x = self.along.step(x, level)
        self.y, self.slope = second.end, second.slope
        self.position += 2 ** (self.finest - level)
        grown = 2 ** (self.finest - level + 1)
        if level and error <= self.tolerance * _GROW and self.position % grown == 0:
            self.level -= 1

    def go(self) -> None:
        """Go on to the end of the segment.

        Raises
        ------
        SolutionError
            A pilot's state is not finite, or the steps would be too many.
        """
        while self.position < 2**self.finest:
            if len(self.levels) >= _MOST_STEPS:
                raise SolutionError(
                    f"the time grid needs more than {_MOST_STEPS:,} steps between "
                    f"{self.segment.start:g} and {self.segment.stop:g} h; try the adaptive engine with "
                    "--engine checker"
                )
            self.step()


def _peaks(stepper: Stepper, schedule: Schedule, tell: Tell | None) -> Array:
    """Largest size of each state of each pilot (m, N), on steps that double through every segment."""
    x, y = stepper.start()
    peak = np.abs(y)
    for number, segment in enumerate(schedule):
        if tell is not None:
            tell(number / (2 * len(schedule)))
        x = stepper.flow.enter(x, segment)
        along, inputs = stepper.flow.propagators(segment, _finest(segment)), stepper.inputs(segment)
        first, slope = min(max(_level_of(segment, _FIRST), 1), _finest(segment)), None
        for level in (first, *range(first, 0, -1)):
            step = stepper.stages(along, x, y, level, inputs, slope)
            y, slope = step.end, step.slope
            x = along.step(x, level)
            peak = np.maximum(peak, np.abs(y))
    return peak


def _merge(one: tuple[int, ...], two: tuple[int, ...]) -> tuple[int, ...]:
    """The coarsest dyadic steps that refine both."""
    finest = max(*one, *two)

    def edges(levels: tuple[int, ...]) -> list[int]:
        return list(np.cumsum([2 ** (finest - level) for level in levels]))

    points = sorted({0, *edges(one), *edges(two)})
    return tuple(finest - int(b - a).bit_length() + 1 for a, b in pairwise(points))


Kind = tuple[object, ...]


def _size(amount: Array | float) -> float:
    mean = float(np.mean(amount))
    return round(2 * np.log2(mean)) / 2 if mean > 0 else mean


def _kinds(schedule: Schedule, idle: frozenset[str]) -> list[Kind]:
    """What makes two segments ask for the same steps: length, what is given (to about 40%), inputs not idle.

    Where nothing is given, what was given last and how long ago: a body at rest asks for fewer steps than one that a
    drug is leaving.
    """
    kinds: list[Kind] = []
    last: tuple[Kind, float] | None = None
    for segment in schedule:
        given: Kind = (
            tuple((state, _size(amount)) for state, amount in segment.boluses),
            tuple((state, _size(amount)) for state, amount in segment.inflow),
        )
        before: Kind = ()
        if any(given):
            last = given, segment.stop
        elif last is not None:
            before = last[0], _size(segment.start - last[1])
        inputs = ((n, float(np.mean(v))) for n, v in segment.inputs.items() if n not in idle)
        kinds.append((round(segment.length, 9), *given, before, tuple(sorted(inputs))))
    return kinds


def build_grid(
    pilots: Problem,
    schedule: Schedule,
    *,
    tell: Tell | None = None,
    stepper: type[Stepper] = Stepper,
    tolerance: float = TOLERANCE,
    between: float = 1.0,
) -> Grid:
    """Return the levels of the steps of each segment.

    Of segments that are alike (see :func:`_kinds`) the first have steps of their own, because each sees what those
    before left behind; the others take the coarsest steps that refine those of the last two. ``tell`` hears how far
    it is; ``stepper`` takes the steps; ``tolerance`` is the relative error allowed at its end, and ``between`` what
    an error between its ends counts, which is not carried on. Without other states the linear part is exact in
    steps as long as the segments.
    """
    if not pilots.state_names:
        return ((0,),) * len(schedule)
    with np.errstate(all="ignore"):
        return _build(stepper(pilots, schedule), pilots, schedule, tolerance, between, tell)


def _build(
    stepper: Stepper,
    pilots: Problem,
    schedule: Schedule,
    tolerance: float,
    between: float,
    tell: Tell | None,
) -> Grid:
    if stepper.flow.no_number.any():
        raise SolutionError("the time grid cannot be built: a pilot's rate is not a finite number")
    peak = _peaks(stepper, schedule, tell)
    x, y = stepper.start()
    known: dict[Kind, list[tuple[int, ...]]] = {}
    grid: list[tuple[int, ...]] = []
    for number, (segment, key) in enumerate(
        zip(schedule, _kinds(schedule, pilots.idle), strict=True)
    ):
        if tell is not None:
            tell((len(schedule) + number) / (2 * len(schedule)))
        x = stepper.flow.enter(x, segment)
        chosen = known.setdefault(key, [])
        if len(chosen) < _CHOSEN:
            walk = _Walk(stepper, segment, peak, x, y, tolerance, between)
            walk.go()
            x, y = walk.x, walk.y
            chosen.append(tuple(walk.levels))
            grid.append(chosen[-1])
            continue
        grid.append(_merge(*chosen[-2:]))
        along, inputs = stepper.flow.propagators(segment, _finest(segment)), stepper.inputs(segment)
        slope = None
        for level in grid[-1]:
            step = stepper.stages(along, x, y, level, inputs, slope)
            y, slope = step.end, step.slope
            x = along.step(x, level)
    return tuple(grid)


def grid_times(grid: Grid, schedule: Schedule) -> Array:
    """All edges of the steps, hours, without repeats."""
    times = [schedule[0].start]
    for segment, levels in zip(schedule, grid, strict=True):
        shares = np.cumsum([2.0**-level for level in levels])
        times += [*(segment.start + share * segment.length for share in shares[:-1]), segment.stop]
    return np.unique(np.array(times))


def halve_grid(grid: Grid) -> Grid:
    """The same grid with every step cut in two, on which the error of the first is estimated."""
    return tuple(tuple(level + 1 for level in levels for _ in range(2)) for levels in grid)
