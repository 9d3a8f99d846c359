"""The time grid: dyadic steps, chosen by step doubling on pilot patients, shared by everyone with the schedule."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ketalab.engine._lockstep import Stepper
from ketalab.engine._problem import Array, Problem, Schedule, Segment
from ketalab.errors import SolutionError

Grid = tuple[tuple[int, ...], ...]

#: Relative error allowed in one step of a pilot, with a floor of 1e-3 of the state's peak.
TOLERANCE = 3e-6
_FLOOR = 1e-3
#: A state this small, in its own unit, is at rest: what moves below it is rounding and asks for no steps.
_REST = 1e-6
#: More steps than this in one segment mean that the tolerance cannot be met.
_MOST_STEPS = 20_000
_FINEST = 22
#: A step is tried twice as long when its error is this far below the tolerance (order 5 of the dense output).
_GROW = 1 / 40
#: First step of a segment, hours: shorter than the fastest response to an event.
_FIRST = 1 / 60


def _error(one: Array, two: Array, peak: Array) -> float:
    size = np.maximum(np.maximum(np.abs(one), np.abs(two)), _FLOOR * peak)
    return float(np.max(np.abs(one - two) / np.maximum(size, _REST), initial=0.0))


def _segment_levels(
    stepper: Stepper, segment: Segment, x: list[Array], y: Array, peak: Array
) -> tuple[tuple[int, ...], list[Array], Array]:
    """Choose the steps of one segment; return them and the states at its end."""
    ladders = stepper.ladders(segment.length, _FINEST)
    inputs = stepper.inputs(segment)
    level = min(max(int(np.ceil(np.log2(segment.length / _FIRST))), 0), _FINEST - 1)
    position, end = 0, 2**_FINEST
    levels: list[int] = []
    while position < end:
        size = 2 ** (_FINEST - level)
        whole = stepper.stages(ladders, x, y, level, inputs)
        first = stepper.stages(ladders, x, y, level + 1, inputs)
        half = [la.step(part, level + 1) for la, part in zip(ladders, x, strict=True)]
        second = stepper.stages(ladders, half, first[:, -1], level + 1, inputs)
        quarter = stepper.method.interpolate(y, whole, 0.25)
        error = max(
            _error(whole[:, -1], second[:, -1], peak),
            _error(stepper.method.interpolate(y, whole, 0.5), first[:, -1], peak),
            _error(quarter, stepper.method.interpolate(y, first, 0.5), peak),
        )
        if not np.isfinite(error):
            raise SolutionError(
                "the time grid cannot be built: a pilot's state is not a finite number"
            )
        if error > TOLERANCE and level < _FINEST - 1:
            level += 1
            continue
        levels.append(level)
        if len(levels) > _MOST_STEPS:
            raise SolutionError(
                f"the time grid needs more than {_MOST_STEPS:,} steps between {segment.start:g} and "
                f"{segment.stop:g} h; try the adaptive engine with --engine checker"
            )
        x = [la.step(part, level) for la, part in zip(ladders, x, strict=True)]
        y = second[:, -1]
        position += size
        while level and error <= TOLERANCE * _GROW and position % (2 * size) == 0:
            level, size, error = level - 1, 2 * size, np.inf
    return tuple(levels), x, y


def _peaks(stepper: Stepper, schedule: Schedule) -> Array:
    """Largest size of each state of each pilot (m, N), on steps that double through every segment."""
    x, y = stepper.start()
    peak = np.abs(y)
    for segment in schedule:
        x = stepper.enter(x, segment)
        ladders, inputs = stepper.ladders(segment.length, _FINEST), stepper.inputs(segment)
        finest = min(max(int(np.ceil(np.log2(segment.length / _FIRST))), 1), _FINEST)
        for level in (finest, *range(finest, 0, -1)):
            y = stepper.stages(ladders, x, y, level, inputs)[:, -1]
            x = [la.step(part, level) for la, part in zip(ladders, x, strict=True)]
            peak = np.maximum(peak, np.abs(y))
    return peak


def _merge(one: tuple[int, ...], two: tuple[int, ...]) -> tuple[int, ...]:
    """The coarsest dyadic steps that refine both."""

    def edges(levels: tuple[int, ...]) -> list[int]:
        return list(np.cumsum([2 ** (_FINEST - level) for level in levels]))

    points = sorted({0, *edges(one), *edges(two)})
    return tuple(_FINEST - int(b - a).bit_length() + 1 for a, b in pairwise(points))


def _kind(segment: Segment) -> tuple[object, ...]:
    """What makes two segments ask for the same steps: length, what is given (to about 40%), free inputs."""

    def size(amount: Array | float) -> float:
        mean = float(np.mean(amount))
        return round(2 * np.log2(mean)) / 2 if mean > 0 else mean

    return (
        round(segment.length, 9),
        tuple((state, size(amount)) for state, amount in segment.boluses),
        tuple((state, size(amount)) for state, amount in segment.inflow),
        tuple(sorted((name, float(np.mean(value))) for name, value in segment.inputs.items())),
    )


def build_grid(pilots: Problem, schedule: Schedule) -> Grid:
    """Return the levels of the steps of each segment.

    Segments that are alike (see :func:`_kind`) share one set of steps, refined on the first two of them: the second
    sees what the first left behind.
    """
    with np.errstate(all="ignore"):
        return _build(pilots, schedule)


def _build(pilots: Problem, schedule: Schedule) -> Grid:
    stepper = Stepper(pilots, schedule)
    if stepper.no_number.any():
        raise SolutionError("the time grid cannot be built: a pilot's rate is not a finite number")
    peak = _peaks(stepper, schedule)
    x, y = stepper.start()
    known: dict[tuple[object, ...], list[tuple[int, ...]]] = {}
    keys = []
    for segment in schedule:
        key = _kind(segment)
        keys.append(key)
        x = stepper.enter(x, segment)
        chosen = known.setdefault(key, [])
        if len(chosen) < 2:
            levels, x, y = _segment_levels(stepper, segment, x, y, peak)
            chosen.append(levels)
            continue
        ladders, inputs = stepper.ladders(segment.length, _FINEST), stepper.inputs(segment)
        for level in chosen[1]:
            y = stepper.stages(ladders, x, y, level, inputs)[:, -1]
            x = [la.step(part, level) for la, part in zip(ladders, x, strict=True)]
    merged = {key: (_merge(*c) if len(c) == 2 else c[0]) for key, c in known.items()}
    return tuple(merged[key] for key in keys)


def grid_times(grid: Grid, schedule: Schedule) -> Array:
    """All edges of the steps, hours, without repeats."""
    times = [schedule[0].start]
    for segment, levels in zip(schedule, grid, strict=True):
        shares = np.cumsum([2.0**-level for level in levels])
        times += [*(segment.start + share * segment.length for share in shares[:-1]), segment.stop]
    return np.unique(np.array(times))
