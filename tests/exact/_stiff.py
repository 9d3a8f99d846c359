"""Stiff systems of compartments, their exponentials in many digits, and how near is near enough.

Tolerance. The last digit of a rate k moves exp(-k t) by k t parts in 2**53, so no method can promise a
relative error below the norm of A t times 1.1e-16. Measured over all kinds of system below, 1 to 12
states, rates over ten decades, 1e-9 to 17,520 h: at most 4.5 times (norm + 1) 2**-53, in every entry.
Allowed: 16 times. What is below 1e-30 of the largest entry may be missing.
"""

from __future__ import annotations

import mpmath
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
LAST_DIGIT = 2.0**-53
ALLOWED = 16
#: Share of the largest entry that the polynomial may lack.
LACKING = 1e-30
TWO_YEARS = 17_520.0
#: Below this a floating-point number has lost digits of its own.
TINY = 1e-290


def exact(matrix: Array, hours: float = 1.0) -> Array:
    """exp(A t) in 340 digits: entries of 1e-300 still have forty of them."""
    with mpmath.workdps(340):
        made = mpmath.expm(mpmath.matrix(matrix.tolist()) * mpmath.mpf(hours))
        return np.array([[float(x) for x in row] for row in made.tolist()])


def check_entries(made: Array, expected: Array, norm: float) -> None:
    """Every entry has the relative accuracy that the norm allows, and none is negative."""
    assert np.all(made >= 0)
    allowed = ALLOWED * LAST_DIGIT * (norm + 1) * expected + LACKING * expected.max() + TINY
    assert np.all(np.abs(made - expected) <= allowed)


def build(size: int, flows: list[tuple[int | None, int, float]]) -> Array:
    """A matrix from (to, from, rate); to None is out."""
    matrix = np.zeros((size, size))
    for to, source, rate in flows:
        matrix[source, source] -= rate
        if to is not None:
            matrix[to, source] += rate
    return matrix


def between(rng: np.random.Generator, low: float, high: float) -> float:
    """A number that is uniform in its logarithm."""
    return float(10 ** rng.uniform(np.log10(low), np.log10(high)))


def open_system(rng: np.random.Generator, size: int) -> Array:
    pairs = [(i, j) for i in range(size) for j in range(size) if i != j and rng.uniform() < 0.5]
    out = [(None, j, between(rng, 1e-5, 1e4)) for j in range(size) if rng.uniform() < 0.6]
    return build(size, [*((i, j, between(rng, 1e-6, 1e4)) for i, j in pairs), *out])


def closed_system(rng: np.random.Generator, size: int) -> Array:
    ring = [((j + 1) % size, j, between(rng, 1e-4, 1e4)) for j in range(size) if size > 1]
    back = [(j, (j + 1) % size, between(rng, 1e-4, 1e4)) for j in range(size) if size > 1]
    return build(size, ring + back)


def equal_chain(rng: np.random.Generator, size: int) -> Array:
    rate = between(rng, 1e-4, 1e4)
    return build(size, [(j + 1 if j + 1 < size else None, j, rate) for j in range(size)])


def nearly_equal_chain(rng: np.random.Generator, size: int) -> Array:
    rate = between(rng, 1e-4, 1e4)
    apart = [rate * (1 + between(rng, 1e-15, 1e-3)) for _ in range(size)]
    return build(size, [(j + 1 if j + 1 < size else None, j, apart[j]) for j in range(size)])


def depots(rng: np.random.Generator, size: int) -> Array:
    """Several depots into one compartment, which loses part back into one of them."""
    into = [(0, j, between(rng, 1e-5, 1e4)) for j in range(1, size)]
    back = [(1, 0, between(rng, 1e-5, 1e4))] if size > 1 else []
    return build(size, [*into, *back, (None, 0, between(rng, 1e-5, 1e4))])


KINDS = (open_system, closed_system, equal_chain, nearly_equal_chain, depots)
