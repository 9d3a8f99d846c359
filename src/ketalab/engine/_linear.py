"""Exact propagation of the linear part by a ladder of matrix exponentials.

For a segment of length L the ladder holds ``exp(A L / 2**j)`` for j = 0, 1, ..., J, each rung the square of the one
below, in the form of :mod:`ketalab.engine._exponential`. Steps of the time grid are dyadic parts of the segment, so
every step is a rung; any other time is a sum of rungs and one short Taylor series. A constant inflow is one more state
with derivative zero, so infusions are exact too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ketalab.engine._exponential import (
    SMALL,
    Power,
    norms,
    small_exponential,
    squares,
    squarings,
    terms,
)
from ketalab.engine._links import split_apart
from ketalab.engine._problem import Array, Links

__all__ = ["Block", "Ladder", "norms", "split_blocks"]

#: Times that are sampled together.
_AT_ONCE = 16


@dataclass(frozen=True)
class Block:
    """Linear states that only meet each other, with one more for each inflow that reaches them.

    ``index`` are the states' places, ``entries`` the places (inside the block) that inflows feed,
    ``matrix`` (N, b, b) includes the inflow states, which come last.
    """

    index: tuple[int, ...]
    entries: tuple[int, ...]
    matrix: Array


def split_blocks(
    matrix: Array,
    inflow_states: set[int],
    *,
    links: Links | None = None,
    met: NDArray[np.bool_] | None = None,
) -> tuple[Block, ...]:
    """Split a matrix (N, n, n) into independent blocks; ``inflow_states`` are fed by infusions.

    ``links`` (n, n) are the entries by which states meet, those that are not zero if it is not given; states that are
    not ``met`` (n,) are left out.
    """
    links = np.any(matrix != 0, axis=0) if links is None else links
    kept = np.arange(len(links)) if met is None else np.nonzero(met)[0]
    blocks = []
    for group in split_apart(links[np.ix_(kept, kept)]):
        index = tuple(kept[group].tolist())
        entries = tuple(i for i, state in enumerate(index) if state in inflow_states)
        b = len(index)
        full = np.zeros((matrix.shape[0], b + len(entries), b + len(entries)))
        full[:, :b, :b] = matrix[:, index][:, :, index]
        for column, row in enumerate(entries):
            full[:, row, b + column] = 1.0
        blocks.append(Block(index, entries, full))
    return tuple(blocks)


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
        deepest = np.maximum(squarings(length * norms(block.matrix)), finest)
        self._groups = [(np.nonzero(deepest == d)[0], int(d)) for d in np.unique(deepest)]
        levels = range(finest + 1)
        self.rungs = [
            Power(np.empty_like(block.matrix), np.empty(block.matrix.shape[:-1])) for _ in levels
        ]
        self._deeper: list[list[Power]] = [[] for _ in self._groups]
        for group, level, rung in self._climb(1.0):
            if level <= finest:
                members = self._groups[group][0]
                self.rungs[level].rest[members] = rung.rest
                self.rungs[level].kept[members] = rung.kept
            else:
                self._deeper[group].insert(0, rung)
        # level -> (nodes, N, watched, b)
        shape = (len(nodes), len(block.matrix), len(watched), block.matrix.shape[1])
        self.at_nodes = [np.empty(shape) for _ in levels] if watched else []
        for level, rows in enumerate(self.at_nodes):
            rows[-1] = _rows(self.rungs[level], watched)
        for place, share in enumerate(nodes[:-1] if watched else ()):
            for group, level, rung in self._climb(float(share)):
                if level <= finest:
                    self.at_nodes[level][place, self._groups[group][0]] = _rows(rung, watched)

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        powers = [*self.rungs, *(rung for rungs in self._deeper for rung in rungs)]
        return sum(p.rest.size for p in powers) + sum(rows.size for rows in self.at_nodes)

    def _climb(self, share: float) -> Iterator[tuple[int, int, Power]]:
        """Rungs exp(A share L / 2**j) of each group, from its lowest to j = 0: (group, j, rung)."""
        for group, (members, bottom) in enumerate(self._groups):
            part = share * self.length * 2.0**-bottom
            rungs = squares(small_exponential(self.block.matrix[members] * part))
            for level in range(bottom, -1, -1):
                yield group, level, next(rungs)

    def step(self, x: Array, level: int) -> Array:
        """Advance states (N, b) by one step of a level."""
        return self.rungs[level].apply(x)

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

    def _finish(self, x: Array, matrix: Array, below: list[Power], left: float) -> Array:
        """The rest of :meth:`advance` for patients with one lowest rung: its rungs, then a Taylor series."""
        part = self.length * 2.0**-self.finest
        for rung in below:
            part /= 2
            while left >= part > 0:
                x = rung.apply(x)
                left -= part
        # No patient of the group has a greater norm of A h, and the number of terms depends on no other.
        norm = SMALL * left / part
        scaled, term, total = matrix * left, x[:, :, None], x[:, :, None].copy()
        for k in range(1, terms(norm) + 1):
            term = scaled @ term
            term /= k
            total += term
        return total[:, :, 0]

    def sample(self, x: Array, hours: Array) -> Array:
        """States (N, b) at many times within the segment, (T, N, b); much faster than one after the other.

        They are computed in groups of a fixed size, each by the same operations, so that the bytes at a time do not
        depend on what else is asked.
        """
        made = np.empty((len(hours), *x.shape))
        for (members, deepest), below in zip(self._groups, self._deeper, strict=True):
            rungs = [*(rung.take(members) for rung in self.rungs), *below]
            # What a time has beyond its rungs comes first, because then the terms of its series serve every time.
            finest = self.length * 2.0**-deepest
            scaled, term, series = self.block.matrix[members] * finest, x[members][:, :, None], []
            for k in range(1, terms(SMALL) + 1):
                term = scaled @ term
                term /= k
                series.append(term[:, :, 0])
            changes = np.stack(series, axis=1)
            for begin in range(0, len(hours), _AT_ONCE):
                asked = hours[begin : begin + _AT_ONCE]
                found = self._sample(x[members], changes, rungs, np.resize(asked, _AT_ONCE))
                made[begin : begin + _AT_ONCE, members] = found[:, : len(asked)].swapaxes(0, 1)
        return made

    def _sample(self, x: Array, changes: Array, rungs: list[Power], hours: Array) -> Array:
        """States at some times, (N, T, b), for patients with one lowest rung.

        ``changes`` (N, K, b) are the terms of the Taylor series over the length of that rung.
        """
        left = hours.copy()
        parts = self.length * 2.0 ** -np.arange(len(rungs))
        taken = np.zeros((len(rungs), len(hours)), dtype=bool)
        for due, part in zip(taken, parts, strict=True):
            due[:] = left >= part
            left[due] -= part
        powers = (left / parts[-1])[:, None] ** np.arange(1, changes.shape[1] + 1)
        every = powers @ changes
        every += x[:, None]
        for due, rung in zip(taken, rungs, strict=True):
            if due.all():
                every = rung.apply_each(every)
            elif due.any():
                every = np.where(due[:, None], rung.apply_each(every), every)
        return every


def _rows(power: Power, rows: tuple[int, ...]) -> Array:
    """Some rows of ``exp(M)``, (N, rows, b)."""
    places = list(rows)
    taken = power.rest[:, places]
    taken[:, range(len(places)), places] += power.kept[:, places]
    return taken
