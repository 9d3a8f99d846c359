"""Which states feed which: what lies downstream, and which states belong together.

``links`` (n, n) says at ``[i, j]`` that state j feeds state i.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Links = NDArray[np.bool_]
Places = NDArray[np.int64]


def reach(links: Links, start: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """States (n,) that lie downstream of ``start`` (n,), these included."""
    reached = start.copy()
    while (wider := reached | links[:, reached].any(axis=1)).sum() > reached.sum():
        reached = wider
    return reached


def split_apart(links: Links) -> list[Places]:
    """Groups of states that only meet each other; in order of their first states."""
    return _groups(_all_paths(links | links.T))


def split_circles(links: Links) -> list[Places]:
    """Groups of states of which each feeds every other, if only by way of others; in order of their first states."""
    paths = _all_paths(links)
    return _groups(paths & paths.T)


def _all_paths(links: Links) -> Links:
    """Whether there is a way from state j to state i, of any length, none included."""
    paths = links | np.eye(len(links), dtype=bool)
    # As numbers, because a product of truth values has no fast routine.
    while ((wider := (paths.astype(float) @ paths) > 0) != paths).any():
        paths = wider
    return paths


def _groups(together: Links) -> list[Places]:
    """Groups from whether two states belong together."""
    first = together.argmax(axis=1) if len(together) else np.zeros(0, dtype=np.int64)
    return [np.nonzero(first == state)[0] for state in np.unique(first)]
