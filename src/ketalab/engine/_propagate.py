"""Moves of many people through their own linear systems: exact, and many at a time.

Shapes: K systems, n states, d compartments that doses enter; S moves of all people together. Each move is one matrix
exponential, all of them computed together; then people advance side by side, move by move.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ketalab.engine._events import Move
from ketalab.engine._exponential import exponentials
from ketalab.engine._problem import Array
from ketalab.engine._steady import steady_states
from ketalab.engine._systems import Systems, apply, with_inflow

#: Numbers in the matrices computed at a time: a quarter of this many megabytes, several times over.
_NUMBERS = 4_000_000


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
    dosing, observe = systems.dosing[part], systems.observe[:, part]
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
            for compartment, rate in move.flow.items():
                inflow[i] += dosing[:, compartment] * rate
        full, source = with_inflow(matrix[system], inflow)
        hours = np.array([move.hours for _, move in flat])
        power, _ = exponentials(full * hours[:, None, None])
        steady = [entry for _, move in flat for entry in move.steady]
        settled = iter(steady_states(steady, matrix, dosing))
        done = 0
        for row in rows:
            here = slice(done, done + len(row))
            who = [person for person, _ in row]
            moved = apply(power[here], np.column_stack([x[who], source[here]]))
            x[who] = moved[:, :-1]
            done += len(row)
            _happen(row, dosing, settled, x)
            _look(row, observe, x, first, values)
    return values


def _happen(row: list[tuple[int, Move]], dosing: Array, settled: Iterator[Array], x: Array) -> None:
    """What a move does at its end, to each person's states; ``settled`` are the steady states in order."""
    for person, move in row:
        if move.clear:
            x[person] = 0.0
        for _ in move.steady:
            x[person] += next(settled)
        for compartment, amount in move.jump.items():
            x[person] += dosing[:, compartment] * amount


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
