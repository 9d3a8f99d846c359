"""Moves of many people through their own linear systems: exact, and many at a time.

Shapes: K systems, n states, d doors; S moves of all people together. Each move is one matrix exponential, all of them
computed together; then people advance side by side, move by move.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ketalab.engine._events import Move, Steady
from ketalab.engine._exponential import exponentials, norms
from ketalab.engine._links import reach, split_apart, split_circles
from ketalab.engine._problem import Array

#: Numbers in the matrices computed at a time: a quarter of this many megabytes, several times over.
_NUMBERS = 4_000_000


@dataclass(frozen=True)
class Systems:
    """``dx/dt = A x``; ``matrix`` (K, n, n), ``observe`` (K, n), ``doors`` (n, d): where a unit dose puts how much."""

    matrix: Array
    observe: Array
    doors: Array

    def needed(self) -> Systems:
        """The same systems without the states that nothing observed depends on, such as what has been excreted."""
        links = np.any(self.matrix != 0, axis=0)
        seen = reach(links.T, np.any(self.observe != 0, axis=0))
        return Systems(self.matrix[:, seen][:, :, seen], self.observe[:, seen], self.doors[seen])

    def parts(self) -> list[NDArray[np.int64]]:
        """Groups of states that only meet each other."""
        return split_apart(np.any(self.matrix != 0, axis=0))


def never_empties(systems: Systems, system: int, door: int) -> int | None:
    """A state that a dose reaches, that something observed depends on, and that never empties; or None.

    Such states form a group that feeds itself, and of which nothing is ever lost. With one there is no steady state.
    """
    matrix = systems.matrix[system]
    links = matrix != 0
    met = reach(links, systems.doors[:, door] != 0)
    met &= reach(links.T, systems.observe[system] != 0)
    places = np.nonzero(met)[0]
    inner = matrix[np.ix_(places, places)]
    for members in split_circles(inner != 0):
        block = inner[np.ix_(members, members)]
        if np.all(-block.sum(axis=0) <= 1e-13 * np.abs(np.diagonal(block))):
            return int(places[members[0]])
    return None


def _with_inflow(matrix: Array, inflow: Array) -> tuple[Array, Array]:
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


def _advance(matrix: Array, inflow: Array, hours: Array, x: Array) -> Array:
    """States (S, b) after ``hours`` (S,)."""
    full, source = _with_inflow(matrix, inflow)
    power, _ = exponentials(full * hours[:, None, None])
    return _apply(power, np.column_stack([x, source]))[:, :-1]


def _apply(power: Array, x: Array) -> Array:
    return np.asarray(np.matmul(power, x[:, :, None])[:, :, 0])


def _solve(left: Array, right: Array) -> Array:
    """Solve one linear system (b, b); NaN where rounding to zero has left no pivot (an interval of 1e-300)."""
    try:
        return np.asarray(np.linalg.solve(left, right), dtype=np.float64)
    except np.linalg.LinAlgError:
        return np.full_like(right, np.nan)


def _steady(entry: Steady, matrix: Array, door: Array) -> Array:
    """The steady state (b,) of one entry."""
    reached = reach(matrix != 0, door != 0)
    result = np.zeros(len(door))
    if not reached.any():
        return result
    a, start = matrix[np.ix_(reached, reached)], door[reached]
    if entry.constant:
        result[reached] = _solve(-a, start * entry.rate)
        return result
    zero = np.zeros_like(start)

    def run(hours: float, x: Array, rate: float = 0.0) -> Array:
        return _advance(a[None], (start * rate)[None], np.array([hours]), x[None])[0]

    if entry.rate > 0:
        ages: Array = entry.since + entry.interval * np.arange(entry.running, dtype=np.float64)
        flows = np.repeat(start[None] * entry.rate, len(ages), axis=0)
        still = _advance(np.repeat(a[None], len(ages), axis=0), flows, ages, flows * 0).sum(axis=0)
        ended = run(entry.duration, zero, entry.rate)
        ago = entry.since + entry.running * entry.interval - entry.duration
    else:
        still, ended, ago = zero, start * entry.amount, entry.since
    power, near = exponentials(a[None] * entry.interval)
    # I - exp(A II): its diagonal from the difference to one, which keeps the digits of slow states.
    left = -power[0]
    np.fill_diagonal(left, -near[0])
    result[reached] = still + run(max(ago, 0.0), _solve(left, ended))
    return result


def answer(systems: Systems, people: Sequence[Sequence[Move]], records: Sequence[int]) -> Array:
    """The observed value at every record of every person, one person after the other.

    Parameters
    ----------
    people : the moves of each person; their ``system`` counts in ``systems``.
    records : number of records of each person.

    Returns
    -------
    (sum of ``records``,); NaN or infinite where amounts or rates leave the range of numbers.
    """
    systems = systems.needed()
    total = np.zeros(sum(records))
    first = np.concatenate([[0], np.cumsum(records)]).astype(int)
    for part in systems.parts():
        total += _part(systems, part, people, first)
    return total


def _part(
    systems: Systems,
    part: NDArray[np.int64],
    people: Sequence[Sequence[Move]],
    first: NDArray[np.int64],
) -> Array:
    """What one group of states adds to the observed values."""
    matrix = systems.matrix[:, part][:, :, part]
    doors, observe = systems.doors[part], systems.observe[:, part]
    values = np.zeros(int(first[-1]))
    x = np.zeros((len(people), len(part)))
    longest = max((len(moves) for moves in people), default=0)
    stride = max(1, _NUMBERS // ((len(part) + 1) ** 2 * max(len(people), 1)))
    for begin in range(0, longest, stride):
        rows = [
            [(person, move) for person, moves in enumerate(people) for move in moves[k : k + 1]]
            for k in range(begin, min(begin + stride, longest))
        ]
        flat = [pair for row in rows for pair in row]
        system = np.array([move.system for _, move in flat])
        inflow = np.zeros((len(flat), len(part)))
        for i, (_, move) in enumerate(flat):
            for door, rate in move.flow.items():
                inflow[i] += doors[:, door] * rate
        full, source = _with_inflow(matrix[system], inflow)
        hours = np.array([move.hours for _, move in flat])
        power, _ = exponentials(full * hours[:, None, None])
        done = 0
        for row in rows:
            here = slice(done, done + len(row))
            who = [person for person, _ in row]
            moved = _apply(power[here], np.column_stack([x[who], source[here]]))
            x[who] = moved[:, :-1]
            done += len(row)
            _happen(row, matrix, doors, x)
            _look(row, observe, x, first, values)
    return values


def _happen(row: list[tuple[int, Move]], matrix: Array, doors: Array, x: Array) -> None:
    """What a move does at its end, to each person's states."""
    for person, move in row:
        if move.clear:
            x[person] = 0.0
        for entry in move.steady:
            x[person] += _steady(entry, matrix[entry.system], doors[:, entry.door])
        for door, amount in move.jump.items():
            x[person] += doors[:, door] * amount


def _look(
    row: list[tuple[int, Move]],
    observe: Array,
    x: Array,
    first: NDArray[np.int64],
    values: Array,
) -> None:
    """Answer the records that ask for a value."""
    asked = [(person, move.record, move.after) for person, move in row if move.record is not None]
    if asked:
        who, record, system = (np.array(column) for column in zip(*asked, strict=True))
        values[first[who] + record] = (observe[system] * x[who]).sum(axis=1)
