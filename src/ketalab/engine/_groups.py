"""The linear part as the kernel wants it: which states are reached, in which groups and order, and its matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ketalab.engine._links import reach, split_circles
from ketalab.engine._problem import Array, Problem, Schedule, Segment

Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Groups:
    """States of the linear part as :mod:`ketalab.engine._modes` wants them.

    ``states`` are those that are reached and needed; ``starts``, ``parents``, ``feeds``, ``modes``, ``modes_at``,
    ``own_at`` and ``back_at`` are described there.
    """

    states: tuple[int, ...]
    starts: Whole
    parents: Whole
    feeds: NDArray[np.bool_]

    @cached_property
    def rows(self) -> dict[int, int]:
        """Where each state is."""
        return {state: row for row, state in enumerate(self.states)}

    @cached_property
    def _listed(self) -> list[list[int]]:
        """The modes that each state has part in: those of all groups that feed its own, then those of its own."""
        spans = [range(a, b) for a, b in pairwise(self.starts.tolist())]
        return [
            [k for h in range(g + 1) if h == g or self.feeds[g, h] for k in spans[h]]
            for g, span in enumerate(spans)
            for _ in span
        ]

    def modes_of(self, row: int) -> list[int]:
        """The modes that the state of a row has part in."""
        return self._listed[row]

    @cached_property
    def modes(self) -> Whole:
        return np.array([k for row in self._listed for k in row], np.int64)

    @cached_property
    def modes_at(self) -> Whole:
        return np.cumsum([0, *map(len, self._listed)], dtype=np.int64)

    @cached_property
    def _sizes(self) -> Whole:
        sizes = np.diff(self.starts)
        return np.repeat(sizes, sizes)

    @cached_property
    def own_at(self) -> Whole:
        return self.modes_at[1:] - self._sizes

    @cached_property
    def back_at(self) -> Whole:
        """Where each row of the matrices begins that make modes of a group's states, and where the last ends."""
        return np.cumsum([0, *self._sizes], dtype=np.int64)


def mode_tables(groups: Groups, places: Whole) -> tuple[Whole, Whole, Whole, Whole]:
    """Where :func:`ketalab.engine._modes.decompose` finds weights and entries: ``place``, ``inside``, ``fed_at`` and
    ``fed_by`` of it, for entries at ``places`` (E, 2)."""
    n = len(groups.states)
    place, inside = np.full((n, n), -1), np.full((n, n), -1)
    for i in range(n):
        for at, mode in enumerate(groups.modes_of(i), int(groups.modes_at[i])):
            place[i, mode] = at
    number = np.repeat(np.arange(len(groups.starts) - 1), np.diff(groups.starts))
    fed: list[list[int]] = [[] for _ in range(n)]
    for e, (i, j) in enumerate(places.tolist()):
        if number[i] == number[j]:
            inside[i, j] = e
        else:
            fed[i].append(e)
    fed_at = np.cumsum([0, *map(len, fed)], dtype=np.int64)
    return place, inside, fed_at, np.array([e for row in fed for e in row], np.int64)


def group_states(problem: Problem, schedule: Schedule, needed: Sequence[int]) -> Groups | None:
    """Groups in the order of the cascade; None where a group is no tree, so that it may have no real modes."""
    n = len(problem.linear_names)
    links = problem.links
    if links is None:
        links = np.any(problem.matrix != 0, axis=0)
    given = {state for segment in schedule for state, _ in (*segment.boluses, *segment.inflow)}
    return _group(links.tobytes(), n, frozenset(given), frozenset(needed))


@lru_cache(maxsize=32)
def _group(bits: bytes, n: int, given: frozenset[int], needed: frozenset[int]) -> Groups | None:
    """The same for all batches of a run."""
    links = np.frombuffer(bits, dtype=bool).reshape(n, n)
    met = reach(links, np.isin(np.arange(n), list(given)))
    met &= reach(links.T, np.isin(np.arange(n), list(needed)))
    kept = np.nonzero(met)[0]
    inside = links[np.ix_(kept, kept)].copy()
    np.fill_diagonal(inside, False)
    circles = [list(kept[group]) for group in split_circles(inside)]
    # Each group after those that feed it.
    done: list[list[int]] = []
    left = circles
    placed: set[int] = set()
    while left:
        ready = [
            g
            for g in left
            if all(
                s in placed or s in g
                for i in g
                for s in np.nonzero(links[i])[0]
                if met[s] and s != i
            )
        ]
        done += ready
        placed |= {s for g in ready for s in g}
        left = [g for g in left if g not in ready]
    states: list[int] = []
    parents: list[int] = []
    for number, group in enumerate(done):
        ordered, hung = [group[0]], [-1]
        edges = 0
        if len(group) > 1:
            for i, j in ((i, j) for i in group for j in group if i < j):
                if links[i, j] != links[j, i]:
                    return None
                edges += bool(links[i, j])
            if edges != len(group) - 1:
                return None
            for up in ordered:
                for i in group:
                    if links[i, up] and i not in ordered:
                        ordered.append(i)
                        hung.append(len(states) + ordered.index(up))
        parents += hung
        states += ordered
        done[number] = ordered
    starts = np.cumsum([0, *(len(g) for g in done)])
    feeds = np.zeros((len(done), len(done)), dtype=bool)
    for a, one in enumerate(done):
        for b, two in enumerate(done[:a]):
            if any(links[i, u] for i in one for u in two):
                feeds[a, b] = True
                feeds[a] |= feeds[b]
    return Groups(
        tuple(int(s) for s in states),
        starts.astype(np.int64),
        np.array(parents, np.int64),
        feeds,
    )


def entries_of(problem: Problem, segment: Segment, groups: Groups) -> tuple[Whole, Array]:
    """The entries of the matrix between the groups' states: their row and column (E, 2), their values (E, N)."""
    rows = groups.rows
    entries = [
        (rows[i], rows[j], value)
        for (i, j), value in problem.entries_under(segment.inputs)
        if i in rows and j in rows
    ]
    values = np.empty((len(entries), problem.patients))
    for row, (_, _, value) in zip(values, entries, strict=True):
        row[:] = value
    places = np.array([entry[:2] for entry in entries], np.int64).reshape(-1, 2)
    return places, values
