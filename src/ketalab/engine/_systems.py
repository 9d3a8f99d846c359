"""Linear systems with inflows, many at a time: what is observed of them, and where they are some time later.

Shapes: K systems, n states, d compartments that doses enter; S systems at work, b states.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ketalab.engine._exponential import exponentials, norms
from ketalab.engine._links import reach, split_apart
from ketalab.engine._problem import Array


@dataclass(frozen=True)
class Systems:
    """``dx/dt = A x``; ``matrix`` (K, n, n), ``observe`` (K, n), ``dosing`` (n, d): where a unit dose puts how much."""

    matrix: Array
    observe: Array
    dosing: Array

    def needed(self) -> Systems:
        """The same systems without the states that nothing observed depends on, such as what has been excreted."""
        links = np.any(self.matrix != 0, axis=0)
        seen = reach(links.T, np.any(self.observe != 0, axis=0))
        return Systems(self.matrix[:, seen][:, :, seen], self.observe[:, seen], self.dosing[seen])

    def parts(self) -> list[NDArray[np.int64]]:
        """Groups of states that only meet each other."""
        return split_apart(np.any(self.matrix != 0, axis=0))


def with_inflow(matrix: Array, inflow: Array) -> tuple[Array, Array]:
    """Matrices (S, b + 1, b + 1) with one more state, constant, that brings the inflow (S, b); and its value (S,).

    The column is scaled to the norm of the matrix, so that a large rate asks for no more squarings.
    """
    size = np.abs(inflow).sum(axis=1)
    norm = norms(matrix)
    scale = np.where(norm > 0, norm, 1.0)
    b = matrix.shape[1]
    full = np.zeros((len(matrix), b + 1, b + 1))
    full[:, :b, :b] = matrix
    with np.errstate(divide="ignore", invalid="ignore"):
        full[:, :b, b] = np.where(size > 0, scale / size, 0.0)[:, None] * inflow
    return full, size / scale


def advance(matrix: Array, inflow: Array, hours: Array, x: Array) -> Array:
    """States (S, b) after ``hours`` (S,)."""
    full, source = with_inflow(matrix, inflow)
    power, _ = exponentials(full * hours[:, None, None])
    return apply(power, np.column_stack([x, source]))[:, :-1]


def apply(power: Array, x: Array) -> Array:
    """``power`` (S, b, b) times states (S, b)."""
    return np.asarray(np.matmul(power, x[:, :, None])[:, :, 0])
