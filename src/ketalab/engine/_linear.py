"""Exact propagation of the linear part by a ladder of matrix exponentials.

For a segment of length L the ladder holds ``exp(A L / 2**j) - I`` for j = 0, 1, ..., J. The lowest rung is a Taylor
polynomial whose remainder is below rounding; each rung above is the square of the one below. Steps of the time grid
are dyadic parts of the segment, so every step is a rung; any other time is a sum of rungs and one short Taylor series.
Nothing is assumed of the eigenvalues: delay chains, which repeat them, are as exact as anything else.

Keeping ``exp - I`` rather than ``exp`` keeps the digits of slow modes through the squarings. A constant inflow is one
more state with derivative zero, so infusions are exact too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ketalab.engine._problem import Array

#: Norm of A h on the lowest rung; with the degree below, the remainder is under 1e-17.
_SMALL = 0.25
_DEGREE = 12


@dataclass(frozen=True)
class Block:
    """Linear states that only meet each other, with one more for each inflow that reaches them.

    ``index`` are the states' places, ``entries`` the places (inside the block) that inflows feed,
    ``matrix`` (N, b, b) includes the inflow states, which come last.
    """

    index: tuple[int, ...]
    entries: tuple[int, ...]
    matrix: Array


def split_blocks(matrix: Array, inflow_states: set[int]) -> tuple[Block, ...]:
    """Split a matrix (N, n, n) into independent blocks; ``inflow_states`` are fed by infusions."""
    size = matrix.shape[1]
    linked = np.any(matrix != 0, axis=0)
    linked = linked | linked.T
    left = set(range(size))
    blocks = []
    while left:
        group, edge = set(), {min(left)}
        while edge:
            group |= edge
            edge = {int(j) for i in edge for j in np.nonzero(linked[i])[0]} - group
        left -= group
        index = tuple(sorted(group))
        entries = tuple(i for i, state in enumerate(index) if state in inflow_states)
        b = len(index)
        full = np.zeros((matrix.shape[0], b + len(entries), b + len(entries)))
        full[:, :b, :b] = matrix[:, index][:, :, index]
        for column, row in enumerate(entries):
            full[:, row, b + column] = 1.0
        blocks.append(Block(index, entries, full))
    return tuple(blocks)


def norms(matrix: Array) -> Array:
    """Norm of each patient's matrix (N,), the largest column sum of sizes, per hour."""
    return np.abs(matrix).sum(axis=1).max(axis=1, initial=0.0)


def _taylor(scaled: Array) -> Array:
    """exp(M) - I for small M, by Horner's rule."""
    identity = np.eye(scaled.shape[-1])
    total = scaled / _DEGREE
    for k in range(_DEGREE - 1, 0, -1):
        total = scaled / k @ (identity + total)
    return total


class Ladder:
    """Propagators of one block over a segment of length ``length`` and its dyadic parts.

    Each patient has a lowest rung of its own, by the norm of its own matrix, so that its bytes do not depend on who
    stands beside; patients with the same lowest rung are computed together.

    Parameters
    ----------
    block : Block
    length : float
        Hours.
    nodes : Array
        Places inside a step, ending with 1, at which the ``watched`` states are needed.
    watched : tuple of int
        Places inside the block of states needed at the nodes.
    finest : int
        The finest level of the time grid.
    """

    def __init__(
        self, block: Block, length: float, nodes: Array, watched: tuple[int, ...], finest: int
    ) -> None:
        self.block, self.length, self.finest = block, length, finest
        steps = np.log2(np.maximum(norms(block.matrix) * length / _SMALL, 1.0))
        bottoms = np.maximum(np.ceil(steps).astype(int), finest)
        self._groups = [(np.nonzero(bottoms == b)[0], int(b)) for b in np.unique(bottoms)]
        self.rungs, self._deeper = self._climb(1.0)
        rows = np.array(watched, dtype=int)
        identity = np.eye(block.matrix.shape[1])[rows]
        self.at_nodes: list[Array] = []  # level -> (nodes, N, watched, b)
        if len(rows):
            inner = [self._climb(float(c))[0] for c in nodes[:-1]]
            for level in range(finest + 1):
                parts = [rungs[level][:, rows] for rungs in (*inner, self.rungs)]
                self.at_nodes.append(np.stack(parts) + identity)

    def _climb(self, share: float) -> tuple[list[Array], list[list[Array]]]:
        """Rungs exp(A share L / 2**j) - I: for j up to the finest level (N, b, b), and deeper ones by group."""
        common = [np.empty_like(self.block.matrix) for _ in range(self.finest + 1)]
        deeper: list[list[Array]] = []
        for members, bottom in self._groups:
            rung = _taylor(self.block.matrix[members] * (share * self.length * 2.0**-bottom))
            below: list[Array] = []
            for level in range(bottom, -1, -1):
                if level <= self.finest:
                    common[level][members] = rung
                else:
                    below.append(rung)
                if level:
                    rung = 2 * rung + rung @ rung
            deeper.append(below[::-1])
        return common, deeper

    def step(self, x: Array, level: int) -> Array:
        """Advance states (N, b) by one step of a level."""
        return _apply(self.rungs[level], x)

    def nodes(self, x: Array, level: int) -> Array:
        """Watched states at the nodes of a step of a level, shape (watched, nodes, N)."""
        return np.moveaxis(np.matmul(self.at_nodes[level], x[:, :, None])[..., 0], 2, 0)

    def advance(self, x: Array, hours: float) -> Array:
        """Advance states (N, b) by any time within the segment."""
        left = hours
        for level in range(self.finest + 1):
            part = self.length * 2.0**-level
            while left >= part > 0:
                x = self.step(x, level)
                left -= part
        if left <= 0:
            return x
        x = x.copy()
        for (members, _), below in zip(self._groups, self._deeper, strict=True):
            x[members] = self._finish(x[members], self.block.matrix[members], below, left)
        return x

    def _finish(self, x: Array, matrix: Array, below: list[Array], left: float) -> Array:
        """The rest of :meth:`advance` for patients with one lowest rung: its rungs, then a Taylor series."""
        for level, rung in enumerate(below, start=self.finest + 1):
            part = self.length * 2.0**-level
            while left >= part > 0:
                x = _apply(rung, x)
                left -= part
        term = x
        for k in range(1, _DEGREE + 1):
            term = np.matmul(matrix, term[:, :, None])[:, :, 0] * (left / k)
            x = x + term
        return x


def _apply(rung: Array, x: Array) -> Array:
    """(I + rung) x for each patient."""
    return np.asarray(x + np.matmul(rung, x[:, :, None])[:, :, 0])
