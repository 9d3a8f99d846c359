"""When a course of the body alone is looked at: it has no time grid, and figures need close samples."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: First look after an event (hours): ten seconds.
_FIRST_H = 1 / 360
#: Looks for each doubling of the time since an event, as many as the whole course can afford: twelve give areas and
#: peaks to 0.1%.
_IN_A_DOUBLING = (12, 6, 4, 2, 1)
_MOST = 2000


def looks(edges: Array) -> Array:
    """Hours close after each of the ``edges`` (hours, sorted) and ever rarer until the next, all edges among them."""
    for count in _IN_A_DOUBLING:
        times = np.concatenate([_between(a, b, count) for a, b in pairwise(edges.tolist())])
        if len(times) <= _MOST:
            break
    return np.unique(np.append(times, edges[-1]))


def _between(start: float, stop: float, count: int) -> Array:
    """Hours from ``start`` to before ``stop``, each 2**(1/count) times as late as the one before."""
    doublings = np.log2(max((stop - start) / _FIRST_H, 1.0))
    since = _FIRST_H * 2.0 ** (np.arange(0, int(count * doublings) + 1) / count)
    since = since[since < (stop - start) * (1 - 1e-9)]
    return np.concatenate([[start], start + since])
