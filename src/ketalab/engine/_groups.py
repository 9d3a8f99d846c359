"""The linear part as the kernel wants it: which states are reached, in which groups and order, and its matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ketalab.engine._links import reach, split_circles
from ketalab.engine._problem import Array, Problem, Schedule, Segment

Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Groups:
    """States of the linear part as :mod:`ketalab.engine._modes` wants them.

    ``states`` are those that are reached and needed; ``starts``, ``parents`` and ``feeds`` are described there.
    """

    states: tuple[int, ...]
    starts: Whole
    parents: Whole
    feeds: NDArray[np.bool_]


def group_states(problem: Problem, schedule: Schedule, needed: Sequence[int]) -> Groups | None:
    """Groups in the order of the cascade; None where a group is no tree, so that it may have no real modes."""
    n = len(problem.linear_names)
    links = problem.links
    if links is None:
        links = np.any(problem.matrix != 0, axis=0)
    given = {state for segment in schedule for state, _ in (*segment.boluses, *segment.inflow)}
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


def restricted_matrix(problem: Problem, segment: Segment, groups: Groups, padded: int) -> Array:
    """The matrix of the groups' states (N, m, m), padded with its last patient."""
    count = problem.patients
    rows = {state: k for k, state in enumerate(groups.states)}
    matrix = np.zeros((padded, len(rows), len(rows)))
    for (i, j), value in problem.entries_under(segment.inputs):
        if i in rows and j in rows:
            matrix[:count, rows[i], rows[j]] = value
    matrix[count:] = matrix[count - 1]
    return matrix


def _group_of(groups: Groups, row: int) -> int:
    return int(np.searchsorted(groups.starts, row, side="right")) - 1


def size_of(groups: Groups, row: int) -> int:
    group = _group_of(groups, row)
    return int(groups.starts[group + 1] - groups.starts[group])


def modes_of(groups: Groups, row: int) -> list[int]:
    """The modes that a state has part in: those of all groups that feed its own, then those of its own."""
    group = _group_of(groups, row)
    return [
        k
        for g in range(group + 1)
        if g == group or groups.feeds[group, g]
        for k in range(groups.starts[g], groups.starts[g + 1])
    ]
