"""Which states feed which: what lies downstream, and which states belong together.

``links`` (n, n) says at ``[i, j]`` that state j feeds state i.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Links = NDArray[np.bool_]
Places = NDArray[np.int64]


def reach(links: Links, start: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """States (n,) that lie downstream of ``start`` (n,), themselves included."""
    reached = start.copy()
    while (wider := reached | links[:, reached].any(axis=1)).sum() > reached.sum():
        reached = wider
    return reached


def split_apart(links: Links) -> list[Places]:
    """Groups of states that only meet each other, by their first state."""
    either = links | links.T
    return _split(len(links), lambda start: reach(either, start))


def split_circles(links: Links) -> list[Places]:
    """Groups of states of which each feeds every other, by their first state."""
    return _split(len(links), lambda start: reach(links, start) & reach(links.T, start))


def _split(count: int, group_of: Callable[[NDArray[np.bool_]], NDArray[np.bool_]]) -> list[Places]:
    left, groups = np.ones(count, dtype=bool), []
    while left.any():
        start = np.zeros(count, dtype=bool)
        start[np.argmax(left)] = True
        group = group_of(start)
        left &= ~group
        groups.append(np.nonzero(group)[0])
    return groups
