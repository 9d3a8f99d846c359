"""Steady states of linear systems: where an infinite past of doses has led.

With ``E = exp(A II)`` and ``v`` what one dose has left when it ended, the doses that have ended make ``(I - E)**-1 v``,
advanced to now; infusions that still run are added one by one. A constant infusion makes ``-A**-1 r``. Nothing is
iterated. Shapes: Q steady states at a time, b states.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ketalab.engine._events import Steady
from ketalab.engine._exponential import exponentials
from ketalab.engine._links import reach, split_circles
from ketalab.engine._problem import Array
from ketalab.engine._systems import Systems, advance

#: A loss this small beside what flows is rounding.
_NOTHING = 1e-13


def never_empties(
    systems: Systems, system: int, compartment: int, seen_by: Sequence[int]
) -> int | None:
    """A state that a dose reaches, that something observed depends on, and that never empties; or None.

    ``system`` rules the steady state; what is observed may be so under any of the systems ``seen_by``.

    Such states form a group that feeds itself, and of which nothing is ever lost. With one there is no steady state.
    """
    matrix = systems.matrix[system]
    links = matrix != 0
    met = reach(links, systems.dosing[:, compartment] != 0)
    every = np.any(systems.matrix[list(seen_by)] != 0, axis=0)
    met &= reach(every.T, np.any(systems.observe[list(seen_by)] != 0, axis=0))
    places = np.nonzero(met)[0]
    inner = matrix[np.ix_(places, places)]
    for members in split_circles(inner != 0):
        block = inner[np.ix_(members, members)]
        if np.all(-block.sum(axis=0) <= _NOTHING * np.abs(np.diagonal(block))):
            return int(places[members[0]])
    return None


def _met(matrix: Array, start: Array) -> NDArray[np.bool_]:
    """States (Q, b) that a dose at ``start`` (Q, b) reaches and that empty.

    What never empties has no steady state; :func:`never_empties` makes sure that nothing observed depends on it.
    """
    links, met = matrix != 0, start != 0
    diagonal = np.abs(np.diagonal(matrix, axis1=1, axis2=2))
    empties = -matrix.sum(axis=1) > _NOTHING * diagonal
    for _ in range(start.shape[1]):
        met = met | (links & met[:, None, :]).any(axis=2)
        empties = empties | (links & empties[:, :, None]).any(axis=1)
    return met & empties


def _solve(left: Array, right: Array, met: NDArray[np.bool_]) -> Array:
    """Solve Q linear systems for the states that are met; the others stay at zero.

    What is not met may have no solution of its own (a compartment that never empties). NaN where rounding to zero has
    left no pivot (an interval of 1e-300).
    """
    both = met[:, :, None] & met[:, None, :]
    left = np.where(both, left, np.eye(left.shape[1]))
    try:
        return np.asarray(np.linalg.solve(left, right[:, :, None])[:, :, 0], dtype=np.float64)
    except np.linalg.LinAlgError:
        if len(left) == 1:
            return np.full_like(right, np.nan)
        rows = [_solve(left[[i]], right[[i]], met[[i]]) for i in range(len(left))]
        return np.concatenate(rows)


def _still_running(entries: Sequence[Steady], matrix: Array, flow: Array) -> Array:
    """What infusions that have not ended have brought, (Q, b); ``flow`` (Q, b) is that of one."""
    whose = np.repeat(np.arange(len(entries)), [entry.running for entry in entries])
    total = np.zeros_like(flow)
    if len(whose):
        ages = np.concatenate([e.since + e.interval * np.arange(e.running) for e in entries])
        brought = advance(matrix[whose], flow[whose], ages, np.zeros((len(whose), flow.shape[1])))
        np.add.at(total, whose, brought)
    return total


def steady_states(entries: Sequence[Steady], matrix: Array, dosing: Array) -> Array:
    """The steady states of entries that count in ``matrix`` (K, b, b) and ``dosing`` (b, d): (Q, b)."""
    result = np.zeros((len(entries), matrix.shape[1]))
    for constant in (True, False):
        places = [i for i, entry in enumerate(entries) if entry.constant == constant]
        if places:
            some = [entries[i] for i in places]
            a = matrix[[entry.system for entry in some]]
            start = dosing[:, [entry.compartment for entry in some]].T
            made = _of_rate(some, a, start) if constant else _of_doses(some, a, start)
            result[places] = made
    return result


def _of_rate(entries: Sequence[Steady], matrix: Array, start: Array) -> Array:
    """Under infusions since ever."""
    flow = start * np.array([entry.rate for entry in entries])[:, None]
    return _solve(-matrix, flow, _met(matrix, start))


def _of_doses(entries: Sequence[Steady], matrix: Array, start: Array) -> Array:
    """After doses since ever."""
    rate, amount, duration, interval, since = (
        np.array([getattr(entry, name) for entry in entries])
        for name in ("rate", "amount", "duration", "interval", "since")
    )
    flow = start * rate[:, None]
    infused = advance(matrix, flow, duration, np.zeros_like(start))
    ended = np.where(rate[:, None] > 0, infused, start * amount[:, None])
    running = np.array([entry.running for entry in entries])
    ago = np.maximum(since + running * interval - np.where(rate > 0, duration, 0.0), 0.0)
    power, near = exponentials(matrix * interval[:, None, None])
    # I - exp(A II): its diagonal from the difference to one, which keeps the digits of slow states.
    left = -power
    i = np.arange(left.shape[1])
    left[:, i, i] = -near
    last = advance(matrix, np.zeros_like(flow), ago, _solve(left, ended, _met(matrix, start)))
    return _still_running(entries, matrix, flow) + last
