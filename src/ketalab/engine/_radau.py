"""Radau IIA collocation: nodes, weights and dense output, computed once (Hairer and Wanner, Solving ODEs II, IV.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import NDArray

from ketalab.engine._problem import Array


def sum_in_order(terms: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Add arrays one after the other.

    A matrix product or ``einsum`` may add in another order, or fuse, as the number of patients asks; the bytes
    of a patient must not depend on who stands beside.
    """
    total = terms[0] + terms[1]
    for term in terms[2:]:
        total = total + term
    return total


@dataclass(frozen=True)
class Collocation:
    """``nodes`` (s,) ending with 1; ``weights`` (s, s), the integrals of the basis from 0 to each node;
    ``values`` (s,), ``vectors`` and their ``inverse`` (s, s), the eigenvalues and eigenvectors of the weights."""

    nodes: Array
    weights: Array
    values: NDArray[np.complex128]
    vectors: NDArray[np.complex128]
    inverse: NDArray[np.complex128]

    def solve_factors(self, z: Array) -> Array:
        """``(I + z W)**-1`` for each z (N,), shape (s, s, N), by the eigenvectors of W."""
        middle = 1 / (1 + self.values[:, None] * z)
        shares = self.vectors[:, None, :] * self.inverse.T[None, :, :]
        terms = [shares[:, :, k, None] * middle[k] for k in range(len(self.values))]
        return np.ascontiguousarray(sum_in_order(terms).real)

    def dense(self, place: Array | float) -> Array:
        """Weights (s + 1, ...) of the start and the nodes at places (...) in 0..1 of a step."""
        points = np.concatenate(([0.0], self.nodes))
        weights = np.ones((len(points), *np.shape(place)))
        for i, p in enumerate(points):
            for j, q in enumerate(points):
                if i != j:
                    weights[i] *= (place - q) / (p - q)
        return weights

    def interpolate(self, start: Array, stages: Array, place: float) -> Array:
        """Dense output at ``place`` in 0..1 of a step; ``start`` (..., N), ``stages`` (..., s, N)."""
        weights = self.dense(place)
        inner = [w * stages[..., i, :] for i, w in enumerate(weights[1:])]
        return sum_in_order([weights[0] * start, *inner])


@cache
def radau(stages: int) -> Collocation:
    """Return the Radau IIA method with ``stages`` nodes (order 2 stages - 1, L-stable)."""
    x = Polynomial([0.0, 1.0])
    nodes = np.sort((x ** (stages - 1) * (x - 1) ** stages).deriv(stages - 1).roots().real)
    nodes[-1] = 1.0
    weights = np.empty((stages, stages))
    for j in range(stages):
        basis = Polynomial([1.0])
        for i in range(stages):
            if i != j:
                basis = basis * Polynomial([-nodes[i], 1.0]) / (nodes[j] - nodes[i])
        integral = basis.integ()
        weights[:, j] = integral(nodes) - integral(0.0)
    values, vectors = np.linalg.eig(weights.astype(complex))
    return Collocation(nodes, weights, values, vectors, np.linalg.inv(vectors))
