"""Where everything lies that the kernel computes with, and when each operation is due.

Operations (see :mod:`ketalab.model._program` for their names) fall into ranks. *Fixed* ones read nothing that moves:
they are computed once between two events. An operation of rank r reads states of the cascade up to rank r - 1; the
states of rank r are those whose gain and rate are then known. So a step is: ranks one after the other, each evaluated
at the four nodes and then solved.

A *slot* is a row of numbers, one a lane. Slots with nodes come in fours, one after the other. What is given, and
the states at the start of a step, lie in buffers of their own: they are double numbers, whatever the slots are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Nodes of a step.
NODES = 4
#: Numbers by which a state with a steady rate is solved on a step: one of each node's slope, a node.
FACTORS = NODES * NODES
FIXED = -1
_SOURCES = ("given", "driver", "state", "number")


@dataclass(frozen=True)
class Layout:
    """Slots of one buffer.

    ``given`` lists what is read of the vector of that name, its places in rising order, and ``row`` where an
    operation stands in that list; ``copied`` are those that nodes read (row, slot), ``constants`` are slots with
    numbers of the program. ``fixed`` and ``ranks`` list operations in the order in which they are computed. ``at``
    is the slot of an operation that has one, ``node`` whether it has one a node; what has none lives within its
    rank. ``order`` lists the states rank after rank, ``starts`` where each rank begins in it (one more than ranks),
    and ``solves`` of each of them: slot of g, its step from node to node (0 where it does not move), slot of k, the
    same step, number of a k that does not move among ``still``, and the state. Such a k serves for many steps:
    ``still`` lists their slots. ``begin`` are the states at the start of a step,
    ``stages`` those at its nodes, ``moved`` what the step has added at its end, ``slope`` how fast it began and
    ``bend`` what that mends (see :class:`ketalab.engine._radau.Collocation`), where ``bent`` is 1; ``rough`` is above
    nothing where a bend was too large for its state. States are less
    ``rest`` (see :mod:`ketalab.engine._deviations`). ``reads`` are the other states that a state's gain and rate
    read, ``touched`` the drivers that reach it, itself or through others. Where drivers are ``forms``
    (:mod:`ketalab.engine._forms`), each lists drivers of the problem and the rows of their shares, and ``shares``
    the operations in those rows.
    """

    operations: tuple[tuple[Any, ...], ...]
    given: tuple[int, ...]
    row: dict[int, int]
    copied: tuple[tuple[int, int], ...]
    constants: tuple[tuple[int, float], ...]
    fixed: tuple[int, ...]
    ranks: tuple[tuple[int, ...], ...]
    at: dict[int, int]
    node: frozenset[int]
    kept: frozenset[int]
    order: tuple[int, ...]
    starts: tuple[int, ...]
    solves: tuple[tuple[int, ...], ...]
    still: tuple[int, ...]
    hours: int
    lowest: int
    begin: int
    stages: int
    moved: int
    slope: int
    bend: int
    bent: int
    rough: int
    drivers: int
    driver_count: int
    slots: int
    rest: tuple[float, ...]
    reads: tuple[frozenset[int], ...]
    touched: tuple[frozenset[int], ...]
    forms: tuple[tuple[tuple[int, int], ...], ...]
    shares: tuple[int, ...]

    @property
    def states(self) -> int:
        """All states of the problem, whether solved here or not."""
        return len(self.rest)

    def untouched(self, drivers: frozenset[int]) -> NDArray[np.bool_]:
        """Whether nothing that these drivers move reaches a state, itself or through others, in the order of
        ``solves``."""
        return np.array([not self.touched[i] & drivers for i in self.order], dtype=bool)


def _ranks(
    operations: Sequence[Sequence[Any]], ends: Sequence[tuple[int, int]]
) -> tuple[list[int], list[int]]:
    """Ranks of operations and of states: each state comes after those that its gain and rate read."""
    of_state: dict[int, int] = {}

    def rank_of(place: int, seen: dict[int, int]) -> int:
        if place in seen:
            return seen[place]
        name, *arguments = operations[place]
        if name in ("given", "number"):
            rank = FIXED
        elif name == "driver":
            rank = 0
        elif name == "state":
            rank = state_rank(arguments[0]) + 1
        else:
            rank = max(rank_of(a, seen) for a in arguments)
        seen[place] = rank
        return rank

    known: dict[int, int] = {}

    def state_rank(state: int) -> int:
        if state not in of_state:
            gain, rate = ends[state]
            of_state[state] = max(rank_of(gain, known), rank_of(rate, known), 0)
        return of_state[state]

    states = [state_rank(i) for i in range(len(ends))]
    return [rank_of(place, known) for place in range(len(operations))], states


States = tuple[frozenset[int], ...]


def _reads(
    operations: Sequence[Sequence[Any]], ends: Sequence[tuple[int, int]]
) -> tuple[States, States]:
    """Of each state the other states that it reads, and the drivers that reach it, itself or through others."""
    found: list[tuple[frozenset[int], frozenset[int]]] = []
    none = frozenset[int]()
    for name, *arguments in operations:
        if name in ("driver", "state"):
            one = frozenset(arguments)
            found.append((one, none) if name == "driver" else (none, one))
        elif name in _SOURCES:
            found.append((none, none))
        else:
            drivers, states = zip(*(found[a] for a in arguments), strict=True)
            found.append((none.union(*drivers), none.union(*states)))
    reads = [found[g][1] | found[k][1] for g, k in ends]
    reads = [states - {number} for number, states in enumerate(reads)]
    known: dict[int, frozenset[int]] = {}

    def touched(state: int) -> frozenset[int]:
        if state not in known:
            g, k = ends[state]
            own = found[g][0] | found[k][0]
            known[state] = own.union(*(touched(other) for other in reads[state]))
        return known[state]

    return tuple(reads), tuple(touched(state) for state in range(len(ends)))


def _behind(operations: Sequence[Sequence[Any]], places: Iterable[int]) -> set[int]:
    """Some operations, and all that they read."""
    found, edge = set[int](), set(places)
    while edge:
        found |= edge
        edge = {
            a
            for place in edge
            if operations[place][0] not in _SOURCES
            for a in operations[place][1:]
        } - found
    return found


def lay_out(program: str, wanted: Sequence[int]) -> Layout:
    """Slots for the states that are ``wanted`` (with all that they read), in the order of the cascade."""
    document = json.loads(program)
    operations = tuple(map(tuple, document["operations"]))
    ends = list(zip(document["gains"], document["rates"], strict=True))
    ranks, of_state = _ranks(operations, ends)
    reads, touched = _reads(operations, ends)
    highest = max((of_state[i] for i in wanted), default=-1)
    order = tuple(sorted(wanted, key=lambda i: (of_state[i], i)))
    starts = tuple(sum(of_state[i] < r for i in wanted) for r in range(highest + 2))

    needed = _behind(operations, (place for i in wanted for place in ends[i]))
    # Shares of the forms that are read, with all that they read.
    read = {operations[p][1] for p in needed if operations[p][0] == "driver"}
    shares: list[int] = []
    forms = []
    for number, pairs in enumerate(document.get("forms", [])):
        places = [(driver, place) for driver, place in pairs if number in read]
        forms.append(tuple((driver, len(shares) + i) for i, (driver, _) in enumerate(places)))
        shares += [place for _, place in places]
    needed |= _behind(operations, shares)
    used = sorted(needed)
    computed = [p for p in used if operations[p][0] not in _SOURCES]
    fixed = tuple(p for p in computed if ranks[p] == FIXED)
    by_rank = tuple(tuple(p for p in computed if ranks[p] == r) for r in range(highest + 1))

    readers: dict[int, set[int]] = {}
    for p in computed:
        for a in operations[p][1:]:
            readers.setdefault(a, set()).add(ranks[p])
    of_ends = {place for i in wanted for place in ends[i]}
    at: dict[int, int] = {}
    node: set[int] = set()
    size = 0

    def take(count: int = 1) -> int:
        nonlocal size
        size += count
        return size - count

    hours, lowest, bent, rough = (take() for _ in range(4))
    # In the order of the vector, so that what changes at events (inputs, the last of it) stands together.
    sources = sorted((operations[p][1], p) for p in used if operations[p][0] == "given")
    given, row = tuple(i for i, _ in sources), {p: i for i, (_, p) in enumerate(sources)}
    copied = []
    for p in row:
        if p in of_ends or readers.get(p, set()) - {FIXED}:
            at[p] = take()
            copied.append((row[p], at[p]))
    constants = []
    for p in used:
        if operations[p][0] == "number" and p in of_ends:
            at[p] = take()
            constants.append((at[p], float(operations[p][1])))
    kept = {p for p in fixed if p in of_ends or readers.get(p, set()) - {FIXED}}
    for p in fixed:
        if p in kept:
            at[p] = take()
    kept |= {p for p in fixed if p in shares}
    m = len(ends)
    begin, stages, moved, slope, bend = take(m), take(NODES * m), take(m), take(m), take(m)
    count = 1 + max((o[1] for o in document["operations"] if o[0] == "driver"), default=-1)
    drivers = take(NODES * count)
    for p in used:
        name, *arguments = operations[p]
        if name == "driver":
            at[p] = drivers + NODES * arguments[0]
        elif name == "state":
            at[p] = stages + NODES * arguments[0]
        elif name not in _SOURCES and ranks[p] != FIXED:
            if p not in of_ends and not readers.get(p, set()) - {ranks[p]}:
                continue
            at[p] = take(NODES)
            kept.add(p)
        else:
            continue
        node.add(p)

    still = sorted({ends[i][1] for i in order} - node)
    solves = tuple(
        (at[g], int(g in node), at[k], int(k in node), 0 if k in node else still.index(k), i)
        for i, (g, k) in ((i, ends[i]) for i in order)
    )
    return Layout(
        operations=operations,
        given=given,
        row=row,
        copied=tuple(copied),
        constants=tuple(constants),
        fixed=fixed,
        ranks=by_rank,
        at=at,
        node=frozenset(node),
        kept=frozenset(kept),
        order=order,
        starts=starts,
        solves=solves,
        still=tuple(at[k] for k in still),
        hours=hours,
        lowest=lowest,
        begin=begin,
        stages=stages,
        moved=moved,
        slope=slope,
        bend=bend,
        bent=bent,
        rough=rough,
        drivers=drivers,
        driver_count=count,
        slots=size,
        reads=reads,
        touched=touched,
        forms=tuple(forms),
        shares=tuple(shares),
        rest=tuple(document.get("rest", [0.0] * m)),
    )
