"""The form that the engine asks for; what breaks it is rejected by the state's name with the offending term.

- States of a *linear* layer are linear and homogeneous in the linear states, with coefficients that no state moves:
  ``dx/dt = A(parameters, inputs) x``, where the inputs are those that no layer feeds, constant between events.
- Every other state is linear in itself: ``dy/dt = g - k y`` where neither ``g`` nor ``k`` holds ``y``.
- The other states form a cascade, with at most one feedback loop through one state.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import sympy as sp

from ketalab.errors import TraceError


def _terms_with(expression: sp.Expr, *symbols: sp.Symbol) -> str:
    """The additive terms that hold the symbols: what an error shows."""
    terms = sp.Add.make_args(sp.expand(expression))
    return str(next((t for t in terms if set(symbols) & t.free_symbols), expression))


def _degree(expression: sp.Expr, symbols: set[sp.Symbol]) -> float:
    """The degree in symbols as the expression is written: infinite inside a power or a function."""
    if expression in symbols:
        return 1
    degrees = [_degree(part, symbols) for part in expression.args]
    if expression.is_Add:
        return max(degrees)
    if expression.is_Mul:
        return sum(degrees)
    return math.inf if any(degrees) else 0


def _row(rate: sp.Expr, states: list[sp.Symbol], moving: set[sp.Symbol]) -> list[sp.Expr]:
    """The partial derivatives of a rate; ``moving`` are the symbols that none of them may hold."""
    read = rate.free_symbols
    if _degree(rate, moving) > 1:
        return [sp.diff(rate, s) if s in read else sp.Integer(0) for s in states]
    # Linear as it is written: the value at a unit of one state is the coefficient, found far faster than by rules.
    none = dict.fromkeys((s for s in moving if s in read), sp.Integer(0))
    rest = rate.xreplace(none)
    return [
        rate.xreplace({**none, s: sp.Integer(1)}) - rest if s in read else sp.Integer(0)
        for s in states
    ]


def linear_matrix(
    names: tuple[str, ...],
    rates: Mapping[str, sp.Expr],
    symbols: Mapping[str, sp.Symbol],
    moving: set[sp.Symbol],
) -> sp.ImmutableMatrix:
    """A of the linear states; ``moving`` are the symbols of the other states.

    Raises
    ------
    TraceError
        A rate that is not linear and homogeneous; names the state and the term.
    """
    states = [symbols[n] for n in names]
    moving = moving | set(states)
    rows = []
    for name in names:
        rate = rates[name]
        row = _row(rate, states, moving)
        for entry in row:
            bad = entry.free_symbols & moving
            if bad:
                term = _terms_with(rate, *bad)
                raise TraceError(f"state {name!r}: the term {term} is not linear in the drug")
        rest = rate.xreplace(dict.fromkeys(states, sp.Integer(0)))
        rest = rest if rest.is_zero else sp.simplify(rest)
        if rest != 0:
            raise TraceError(
                f"state {name!r}: the term {rest} does not come from a state of the body"
            )
        rows.append(row)
    return sp.ImmutableMatrix(rows)


def self_linear(name: str, rate: sp.Expr, y: sp.Symbol) -> tuple[sp.Expr, sp.Expr]:
    slope = sp.diff(rate, y)
    if y in slope.free_symbols and sp.simplify(sp.diff(slope, y)) != 0:
        terms = sp.Add.make_args(sp.expand(rate))
        bad = next((t for t in terms if sp.diff(t, y, 2) != 0), rate)
        raise TraceError(f"state {name!r}: the term {bad} is not linear in {name!r} itself")
    k = -sp.simplify(slope) if y in slope.free_symbols else -slope
    return rate.xreplace({y: sp.Integer(0)}), k


def cascade(reads: list[set[int]], names: tuple[str, ...]) -> tuple[tuple[int, ...], str | None]:
    """An order in which states come after those they read, cutting the one feedback state if needed."""

    def order(cut: int | None) -> tuple[int, ...] | None:
        done: list[int] = []
        left = set(range(len(reads)))
        while left:
            ready = sorted(i for i in left if not (reads[i] - {i, cut}) & left)
            if not ready:
                return None
            done += ready
            left -= set(ready)
        return tuple(done)

    plain = order(None)
    if plain is not None:
        return plain, None
    for cut in range(len(reads)):
        found = order(cut)
        if found is not None:
            return found, names[cut]
    stuck = ", ".join(repr(names[i]) for i in range(len(reads)) if reads[i])
    raise TraceError(f"more than one feedback loop: no single state cuts the loops among {stuck}")
