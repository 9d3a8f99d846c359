"""LU factors of one small matrix that is mostly zero, in plain Python that a compiler takes as it stands.

Matrices are stored by columns, ``w[column, row]``. The equations of a chain of layers fill a tenth of the matrix: the
factors are listed without their zeros once a step, and each of its eight solutions then runs through the list,
which halves the time of a step. The form is that of a dense matrix all the same, so nothing is assumed of where
the zeros are.
"""

from __future__ import annotations

from typing import Any


def factor(w: Any, pivots: Any) -> bool:
    """LU factors with row exchanges, in place; false if there is no pivot."""
    n = len(pivots)
    for k in range(n):
        column = w[k]
        best = k
        for i in range(k + 1, n):
            if abs(column[i]) > abs(column[best]):
                best = i
        pivots[k] = best
        if best != k:
            for j in range(n):
                w[j, k], w[j, best] = w[j, best], w[j, k]
        if not abs(column[k]) > 0.0:
            return False
        share = 1.0 / column[k]
        last = k
        for i in range(k + 1, n):
            if column[i] != 0.0:
                column[i] *= share
                last = i
        for j in range(k + 1, n):
            other = w[j]
            size = other[k]
            if size != 0.0:
                for i in range(k + 1, last + 1):
                    other[i] -= size * column[i]
    return True


def compress(w: Any, starts: Any, rows: Any, values: Any) -> None:
    """List what is not zero in factors: of each column the rows below the diagonal, then those above it."""
    n, count = len(w), 0
    for k in range(n):
        column = w[k]
        starts[2 * k] = count
        for i in range(k + 1, n):
            if column[i] != 0.0:
                rows[count], values[count] = i, column[i]
                count += 1
        starts[2 * k + 1] = count
        for i in range(k):
            if column[i] != 0.0:
                rows[count], values[count] = i, column[i]
                count += 1
    starts[2 * n] = count


def substitute(w: Any, pivots: Any, starts: Any, rows: Any, values: Any, x: Any) -> None:
    """Solve with factors and their list, in place."""
    n = len(pivots)
    for k in range(n):
        x[k], x[pivots[k]] = x[pivots[k]], x[k]
    for k in range(n):
        for entry in range(starts[2 * k], starts[2 * k + 1]):
            x[rows[entry]] -= values[entry] * x[k]
    for k in range(n - 1, -1, -1):
        x[k] /= w[k, k]
        for entry in range(starts[2 * k + 1], starts[2 * k + 2]):
            x[rows[entry]] -= values[entry] * x[k]
