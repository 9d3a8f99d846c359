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
    ``values`` (s,), ``vectors`` and their ``inverse`` (s, s), the eigenvalues and eigenvectors of the weights.

    The polynomial of a step has the right slopes at the nodes, and not at the start, where the slope is known as well:
    the step before ended there. Adding a multiple of the one polynomial without slope at any node mends it. What is
    missing of the slope, times the length of the step, is the *bend*: ``first`` (s,) are the weights by which it
    follows from what the nodes add, and ``bends`` (s,) what it adds to each node; nothing to the last, which is more
    exact as it is.
    """

    nodes: Array
    weights: Array
    values: NDArray[np.complex128]
    vectors: NDArray[np.complex128]
    inverse: NDArray[np.complex128]
    first: Array
    bends: Array
    bow: Polynomial

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

    def bent(self, place: Array | float) -> Array:
        """What a bend adds at places (...) in 0..1 to the polynomial through the start and the nodes that it
        has bent."""
        inner = self.dense(place)[1:]
        through = sum_in_order([w * b for w, b in zip(inner, self.bends, strict=True)])
        return np.asarray(self.bow(place)) - through

    def interpolate(self, start: Array, stages: Array, place: float) -> Array:
        """The polynomial through ``start`` (..., N) and ``stages`` (..., s, N) at ``place`` in 0..1 of a step."""
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
    # Slopes at the nodes, from what they add, continued to the start.
    start = np.array(
        [np.prod(np.delete(nodes, j) / (np.delete(nodes, j) - c)) for j, c in enumerate(nodes)]
    )
    first = start @ np.linalg.inv(weights)
    flat = Polynomial.fromroots(nodes)
    bow = flat.integ() / flat(0.0)
    bow = bow - bow(0.0)
    bends = np.asarray(bow(nodes))
    bends[-1] = 0.0
    return Collocation(nodes, weights, values, vectors, np.linalg.inv(vectors), first, bends, bow)
