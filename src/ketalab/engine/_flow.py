"""The linear states of a group on the way through a schedule: which are reached, which matrix holds, propagators.

Linear states that no dose reaches stay at zero, so they are left out: R-ketamine where S-ketamine is given, the depots
of other routes. What is reached follows from the schedule and from the places in the matrix where anybody may have a
number, and so is the same whoever is simulated and whatever is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ketalab.engine._linear import Block, Ladder, split_blocks
from ketalab.engine._links import reach
from ketalab.engine._problem import Array, Problem, Schedule, Segment

#: Numbers in the ladders that are kept (half a gigabyte); the ones not used for longest go first.
_MOST_KEPT = 2**26

#: Linear states of each block, (N, b) with its inflows.
State = list[Array]


@dataclass(frozen=True)
class Propagators:
    """Ladders of all blocks over a segment of ``length`` hours."""

    length: float
    ladders: tuple[Ladder, ...]

    def step(self, x: State, level: int) -> State:
        """Advance by one step of a level."""
        return [la.step(part, level) for la, part in zip(self.ladders, x, strict=True)]

    def advance(self, x: State, hours: float) -> State:
        """Advance by any time within the segment."""
        return [la.advance(part, hours) for la, part in zip(self.ladders, x, strict=True)]


class Flow:
    """Blocks of the reached states, matrices by segment, and propagators, kept by length, level and matrix.

    Parameters
    ----------
    nodes : places inside a step at which the drivers are needed.
    """

    def __init__(self, problem: Problem, schedule: Schedule, nodes: Array) -> None:
        self.problem, self._nodes = problem, nodes
        self._numbers: dict[bytes, int] = {}
        matrices: list[Array] = []
        for segment in schedule:
            if self._numbers.setdefault(self._key(segment), len(matrices)) == len(matrices):
                matrices.append(problem.matrix_under(segment.inputs))
        # A matrix that is no number would spoil nobody else, but it has no propagator: rest in its place.
        self.no_number: NDArray[np.bool_] = np.zeros(problem.patients, dtype=bool)
        for matrix in matrices:
            self.no_number |= ~np.isfinite(matrix).all(axis=(1, 2))
        if self.no_number.any():
            matrices = [np.where(self.no_number[:, None, None], 0.0, m) for m in matrices]
        links = problem.links
        if links is None:
            links = np.any([np.any(m != 0, axis=0) for m in matrices], axis=0)
        inflow = {state for segment in schedule for state, _ in segment.inflow}
        given = inflow | {state for segment in schedule for state, _ in segment.boluses}
        met = reach(links, np.isin(np.arange(len(links)), list(given)))
        self.variants = [split_blocks(m, inflow, links=links, met=met) for m in matrices]
        self.blocks: tuple[Block, ...] = self.variants[0]
        # A block that no input moves is the same in every variant, and has its ladders once.
        self._kinds = [
            tuple(
                next(
                    k
                    for k, v in enumerate(self.variants)
                    if np.array_equal(v[b].matrix, block.matrix)
                )
                for b, block in enumerate(blocks)
            )
            for blocks in self.variants
        ]
        self._watched = [
            tuple(b.index.index(d) for d in problem.drivers if d in b.index) for b in self.blocks
        ]
        found = [
            block.index[place]
            for block, places in zip(self.blocks, self._watched, strict=True)
            for place in places
        ]
        #: Of each driver the row among all that are watched; none for what is never reached.
        self._rows = [found.index(d) if d in found else None for d in problem.drivers]
        self._lengths: dict[float, float] = {}
        self._ladders: dict[tuple[float, int, int, int], Ladder] = {}

    def _key(self, segment: Segment) -> bytes:
        """What tells one matrix from another: the values of the inputs that move it."""
        values = [np.asarray(segment.inputs[name], dtype=float) for name in self.problem.movers]
        return b"".join(np.broadcast_to(v, self.problem.patients).tobytes() for v in values)

    def propagators(self, segment: Segment, finest: int) -> Propagators:
        """Propagators of a segment for steps down to the finest level, made once."""
        # Lengths that differ by rounding (83.33 h after each of eight doses) share one ladder; no coarser, because
        # an infusion gives its rate times the ladder's length. The first one stands for all, whatever the matrix.
        rounded = float(f"{segment.length:.13g}")
        length = self._lengths.setdefault(rounded, segment.length)
        number = self._numbers[self._key(segment)]
        made = []
        for place, (block, kind) in enumerate(
            zip(self.variants[number], self._kinds[number], strict=True)
        ):
            key = (length, finest, place, kind)
            # Taken out and put back, so that the last one used is the last one that goes.
            ladder = self._ladders.pop(key, None)
            if ladder is None:
                ladder = Ladder(block, length, self._nodes, self._watched[place], finest)
            self._ladders[key] = ladder
            made.append(ladder)
        while len(self._ladders) > len(made) and (
            sum(ladder.size for ladder in self._ladders.values()) > _MOST_KEPT
        ):
            del self._ladders[next(iter(self._ladders))]
        return Propagators(length, tuple(made))

    def start(self) -> State:
        """Before any event."""
        return [np.zeros(block.matrix.shape[:2]) for block in self.blocks]

    def enter(self, x: State, segment: Segment) -> State:
        """Add a segment's boluses and set its inflows."""
        boluses, inflow = dict[int, Array](), dict[int, Array]()
        for table, events in ((boluses, segment.boluses), (inflow, segment.inflow)):
            for state, amount in events:
                table[state] = table.get(state, np.zeros(())) + amount
        entered = []
        for block, old in zip(self.blocks, x, strict=True):
            new = old.copy()
            for place, state in enumerate(block.index):
                if state in boluses:
                    new[:, place] += boluses[state]
            for column, entry in enumerate(block.entries):
                new[:, len(block.index) + column] = inflow.get(block.index[entry], np.zeros(()))
            entered.append(new)
        return entered

    def sample(self, along: Propagators, x: State, hours: Array) -> Array:
        """All linear states in their own order at many times within the segment, (T, n, N)."""
        out = np.zeros((len(hours), len(self.problem.linear_names), self.problem.patients))
        for block, ladder, part in zip(self.blocks, along.ladders, x, strict=True):
            made = ladder.sample(part, hours)[:, :, : len(block.index)]
            out[:, list(block.index)] = np.moveaxis(made, 2, 1)
        return out

    def gather(self, x: Sequence[Array]) -> Array:
        """All linear states in their own order, (n, N)."""
        out = np.zeros((len(self.problem.linear_names), self.problem.patients))
        for block, part in zip(self.blocks, x, strict=True):
            out[list(block.index)] = part[:, : len(block.index)].T
        return out

    def drivers(self, along: Propagators, x: State, level: int) -> list[Array]:
        """The linear states that the others read, at the nodes of a step, (s, N) each."""
        watched = [
            row
            for ladder, part, places in zip(along.ladders, x, self._watched, strict=True)
            if places
            for row in ladder.nodes(part, level)
        ]
        none = np.zeros((len(self._nodes), self.problem.patients))
        return [none if row is None else watched[row] for row in self._rows]
