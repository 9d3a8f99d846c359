"""Matrix exponentials of many small matrices at once, by scaling and squaring.

``exp(M)`` is a Taylor polynomial of a small part of M, squared as often as the norm asks. Nothing is assumed of the
eigenvalues: repeated ones, nearly equal ones and matrices without a basis of eigenvectors are as exact as any other.

Two things would lose digits in the squarings. Near one, a diagonal entry says nothing any more of the slow rate that
it stands for, so its *difference to one* is kept. Far below one, that difference says nothing of what is left, so the
entry itself is kept. Both live in one form, ``P = K + R``: K is diagonal, 1 where R holds the difference and 0 where
R holds the entry. Then ``P**2 = K + R**2 + K R + R K``.

Compartments never feed each other negatively. Then no sum here cancels more than tenfold, so that every entry, what
has decayed by thirty decades too, has a relative error of about the norm of M times 1e-16 (the last digit of a rate
moves it by as much), and nothing comes out below zero. Where coefficients beside the diagonal are negative, the error
is relative to the largest entries on the way.

Compare Xue and Ye, Computing exponentials of essentially non-negative matrices entrywise to high relative accuracy,
Mathematics of Computation 82 (2013), doi:10.1090/S0025-5718-2013-02677-4.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from math import factorial

import numpy as np
from numpy.typing import NDArray

from ketalab.engine._problem import Array

#: What a polynomial may lack, as a share of the largest entry: of any dose, far less than a molecule. States many
#: steps apart in a chain begin with a high power, so this asks for more than rounding would.
FLOOR = 1e-30
#: Norm at which the polynomial of this degree is used; its remainder is 1e-35.
_HALVINGS_OF_ONE = 4
SMALL = 2.0**-_HALVINGS_OF_ONE
DEGREE = 16
_SHARES = [1 / factorial(k) for k in range(DEGREE + 1)]
#: A diagonal entry below one half is held as it is.
_FAR = -0.5
#: Numbers in the matrices that are computed at a time: they stay in the processor's cache (2.5 times as fast).
_AT_ONCE = 2**16


@dataclass(frozen=True)
class Power:
    """``exp(M) = K + R``: ``rest`` is R (N, b, b), ``kept`` the diagonal of K (N, b), ones and zeros."""

    rest: Array
    kept: Array

    def whole(self) -> Array:
        """``exp(M)`` (N, b, b)."""
        return add_to_diagonal(self.rest.copy(), self.kept)

    def less_one(self) -> Array:
        """The diagonal less one (N, b), with the digits of slow states."""
        return np.diagonal(self.rest, axis1=-2, axis2=-1) - (1 - self.kept)

    def apply(self, x: Array) -> Array:
        """``exp(M) x`` for states (N, b)."""
        # What stays is added last, so that a change far smaller than the state is not lost inside the matrix.
        moved = np.matmul(self.rest, x[:, :, None])[:, :, 0]
        moved += self.kept * x
        return np.asarray(moved)

    def apply_each(self, x: Array) -> Array:
        """``exp(M) x`` for T states of each patient, (N, T, b)."""
        moved = np.matmul(x, self.rest.swapaxes(1, 2))
        moved += self.kept[:, None, :] * x
        return np.asarray(moved)

    def take(self, members: NDArray[np.int64]) -> Power:
        """Some of the matrices."""
        return Power(self.rest[members], self.kept[members])


def norms(matrix: Array) -> Array:
    """Norm of each matrix (..., b, b): the largest column sum of sizes."""
    return np.asarray(np.abs(matrix).sum(axis=-2).max(axis=-1, initial=0.0))


def squarings(norm: Array) -> NDArray[np.int64]:
    """How often matrices of these norms are halved before the polynomial; never for a norm that is no number."""
    share, exponent = np.frexp(np.where(np.isfinite(norm), norm, 0.0))
    count = exponent - (share == 0.5) + _HALVINGS_OF_ONE
    return np.where(share > 0, np.maximum(count, 0), 0).astype(np.int64)


def terms(norm: float) -> int:
    """Terms of the series whose remainder is below :data:`FLOOR` for a norm up to :data:`SMALL`."""
    count, remainder = 1, norm**2 / 2
    while remainder > FLOOR:
        count += 1
        remainder *= norm / (count + 1)
    return count


def add_to_diagonal(matrix: Array, diagonal: Array | float) -> Array:
    """Add to the diagonals of matrices (..., b, b), in place."""
    i = np.arange(matrix.shape[-1])
    matrix[..., i, i] += diagonal
    return matrix


def small_exponential(matrix: Array) -> Power:
    """``exp(M)`` (N, b, b) of matrices halved as often as :func:`squarings` says."""
    second = matrix @ matrix
    third, fourth = second @ matrix, second @ second
    # Horner's rule in M**4, each coefficient a polynomial of degree 3: six products for sixteen terms.
    total, part = fourth * _SHARES[DEGREE], np.empty_like(fourth)
    for low in range(DEGREE - 4, -1, -4):
        for k, power in ((1, matrix), (2, second), (3, third)):
            total += np.multiply(power, _SHARES[low + k], out=part)
        if low:
            total = add_to_diagonal(total, _SHARES[low]) @ fourth
    return Power(total, np.ones(matrix.shape[:-1]))


def squares(power: Power) -> Iterator[Power]:
    """``exp(M)``, ``exp(2 M)``, ``exp(4 M)``, ... without end, beginning with the one that is given."""
    rest, kept = power.rest, power.kept
    weights, twice = kept[..., :, None] + kept[..., None, :], np.empty_like(rest)
    while True:
        yield Power(rest, kept)
        # K R + R K, entry by entry.
        np.multiply(weights, rest, out=twice)
        rest = rest @ rest
        rest += twice
        diagonal = np.diagonal(rest, axis1=-2, axis2=-1)
        if (diagonal < _FAR).any():
            who, state = np.nonzero((diagonal < _FAR) & (kept > 0))
            kept = kept.copy()
            kept[who, state] = 0.0
            rest[who, state, state] += 1.0
            weights[who, state, :] -= 1.0
            weights[who, :, state] -= 1.0


def exponentials(matrix: Array) -> tuple[Array, Array]:
    """``exp(M)`` of every matrix (N, b, b) and its diagonal less one (N, b).

    Those that need as many squarings are computed together. A matrix that is no number, or whose norm is none, gives
    NaN and spoils no other; what grows beyond the largest number is infinite or NaN.
    """
    result, less_one = np.full(matrix.shape, np.nan), np.full(matrix.shape[:-1], np.nan)
    stride = max(_AT_ONCE // max(matrix.shape[-1] ** 2, 1), 1)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        norm = norms(matrix)
        times = np.where(np.isfinite(norm), squarings(norm), -1)
        for count in np.unique(times[times >= 0]):
            alike = np.nonzero(times == count)[0]
            for members in (alike[k : k + stride] for k in range(0, len(alike), stride)):
                lowest = small_exponential(np.ldexp(matrix[members], -count))
                power = next(islice(squares(lowest), int(count), None))
                result[members], less_one[members] = power.whole(), power.less_one()
    return result, less_one
