"""The steps of a time grid as flat tables for the kernel, and where the asked times lie in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ketalab.engine._grid import Grid
from ketalab.engine._layout import NODES
from ketalab.engine._problem import Array, Schedule
from ketalab.engine._radau import radau

Whole = NDArray[np.int64]


#: Decays are squared so many times at most before they are made anew: each squaring doubles their error.
_SQUARES = 12


@dataclass(frozen=True)
class Steps:
    """Steps of a grid: hours of each, what becomes of the decays (0 as before, 1 squared, 2 anew), which of the
    different lengths each has, first of each segment, hours of each segment, and outputs: which of each step, hours
    since the segment began, weights of the step's five points and of its bend."""

    hours: Array
    kinds: Whole
    lengths_of: Whole
    first: Whole
    lengths: Array
    output_at: Whole
    output_after: Array
    output_weights: Array


def lay_steps(schedule: Schedule, grid: Grid, times: Array) -> Steps:
    """The steps of a grid; made once for all batches."""
    spans = tuple((segment.start, segment.stop) for segment in schedule)
    return _kept_steps(spans, grid, times.tobytes())


@lru_cache(maxsize=8)
def _kept_steps(spans: tuple[tuple[float, float], ...], grid: Grid, times: bytes) -> Steps:
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
        doubled = np.flatnonzero(kind == 1)
        kind[doubled[_SQUARES :: _SQUARES + 1]] = 2
        hours.append(steps)
        kinds += [[2], kind]
        begins.append(np.concatenate([[start], edges[:-1]]))
        ends.append(edges)
        first.append(first[-1] + len(steps))
    begin, end = np.concatenate(begins), np.concatenate(ends)
    # A time at the border of two steps belongs to the later one, and the last time to the last step.
    step = np.minimum(np.searchsorted(end, asked, side="right"), len(end) - 1)
    share = (asked - begin[step]) / (end - begin)[step]
    share[asked == end[step]] = 1.0
    starts, stops = np.array(spans).T
    of = np.repeat(np.arange(len(spans)), np.diff(first))[step]
    return Steps(
        np.concatenate(hours),
        np.concatenate(kinds).astype(np.int64),
        np.unique(np.concatenate(hours), return_inverse=True)[1].astype(np.int64),
        np.array(first, np.int64),
        stops - starts,
        np.searchsorted(step, np.arange(len(end) + 1)).astype(np.int64),
        asked - starts[of],
        np.ascontiguousarray([*radau(NODES).dense(share), radau(NODES).bent(share)]).T.copy(),
    )
