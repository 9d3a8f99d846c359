"""The states' equations as a list of elementary operations, from which the engine makes machine code.

Every operation is ``[name, arguments]``, where arguments are places of earlier operations; what several equations
share is one operation. The list is plain text (JSON), because the engine knows neither symbols nor layers:

- ``given i``, ``driver i``, ``state i``: values from outside (parameters, covariates and inputs in a row; linear
  states that are read; the other states); ``number x``;
- ``add sub mul div max min pow`` of two, ``neg sqrt exp log above`` of one (``above`` is 1 where its argument is
  above 0, else 0).

Terms of a sum or factors of a product that no state moves are put together first, so that the engine can compute
them once between two events.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sympy as sp

from ketalab.errors import TraceError

_UNARY = {sp.exp: "exp", sp.log: "log"}
#: Whole powers up to this are products.
_MOST_PRODUCTS = 16


class _Writer:
    """Expressions become operations; equal operations become one."""

    def __init__(self, places: Mapping[sp.Symbol, tuple[str, int]]) -> None:
        self.operations: list[list[Any]] = []
        self._known: dict[tuple[Any, ...], int] = {}
        self._ranks: list[int] = []
        self._made: dict[sp.Basic, int] = {}
        self._places = places

    def add(self, name: str, *arguments: Any) -> int:
        """The place of an operation, which is new where there is none like it."""
        key = (name, *arguments)
        if key not in self._known:
            moving = {"number": -1, "given": 0, "driver": 1, "state": 2}.get(name)
            if moving is None:
                moving = max(self._ranks[a] for a in arguments)
            self._known[key] = len(self.operations)
            self.operations.append([name, *arguments])
            self._ranks.append(moving)
        return self._known[key]

    def define(self, symbol: sp.Symbol, expression: sp.Expr) -> None:
        """Let a symbol stand for what an expression becomes."""
        self._made[symbol] = self.write(expression)

    def write(self, expression: sp.Expr) -> int:
        """The place of an expression's value."""
        found = self._made.get(expression)
        if found is None:
            found = self._made[expression] = self._new(expression)
        return found

    def _new(self, expression: sp.Expr) -> int:
        if expression in self._places:
            return self.add(*self._places[expression])
        if expression.is_number:
            return self.add("number", float(expression))
        if expression.is_Add:
            return self._sum(expression.args)
        if expression.is_Mul:
            return self._product(expression.args)
        if expression.is_Pow:
            return self._power(*expression.args)
        if isinstance(expression, sp.Max | sp.Min):
            name = "max" if isinstance(expression, sp.Max) else "min"
            return self._fold(name, [self.write(part) for part in expression.args])
        if isinstance(expression, sp.Heaviside):
            return self.add("above", self.write(expression.args[0]))
        function = _UNARY.get(expression.func)
        if function is None:
            raise TraceError(f"an equation cannot be written for the kernel: {expression.func}")
        return self.add(function, self.write(expression.args[0]))

    def _fold(self, name: str, places: Iterable[int]) -> int:
        """One after the other, those that move least first."""
        ordered = sorted(places, key=lambda place: self._ranks[place])
        total = ordered[0]
        for place in ordered[1:]:
            total = self.add(name, total, place)
        return total

    def _sum(self, terms: Sequence[sp.Expr]) -> int:
        plus: list[int] = []
        minus: list[int] = []
        for term in terms:
            lower = term.could_extract_minus_sign()
            (minus if lower else plus).append(self.write(-term if lower else term))
        # Sign by sign, each in the order of what moves: a fixed part stays fixed.
        if not minus:
            return self._fold("add", plus)
        if not plus:
            return self.add("neg", self._fold("add", minus))
        return self.add("sub", self._fold("add", plus), self._fold("add", minus))

    def _product(self, factors: Sequence[sp.Expr]) -> int:
        above, below = [], []
        for factor in factors:
            if factor == -1:
                continue
            base, exponent = factor.as_base_exp()
            if factor.is_Pow and exponent.is_number and exponent.is_negative:
                below.append(self.write(base**-exponent))
            else:
                above.append(self.write(factor))
        # Quotients of what moves alike, so that a division by a constant is made once and not at every moment.
        parts = []
        for rank in sorted({self._ranks[p] for p in (*above, *below)}):
            over = [p for p in above if self._ranks[p] == rank]
            under = [p for p in below if self._ranks[p] == rank]
            part = self._fold("mul", over) if over else self.add("number", 1.0)
            parts.append(self.add("div", part, self._fold("mul", under)) if under else part)
        total = parts[0]
        for part in parts[1:]:
            name, *arguments = self.operations[part]
            one = name == "div" and self.operations[arguments[0]] == ["number", 1.0]
            total = self.add("div", total, arguments[1]) if one else self.add("mul", total, part)
        return self.add("neg", total) if -1 in factors else total

    def _power(self, base: sp.Expr, exponent: sp.Expr) -> int:
        if exponent.is_number and exponent.is_negative:
            return self.add("div", self.add("number", 1.0), self.write(base**-exponent))
        if exponent == sp.Rational(1, 2):
            return self.add("sqrt", self.write(base))
        if exponent.is_Integer and int(exponent) <= _MOST_PRODUCTS:
            whole, square = int(exponent), self.write(base)
            total = None
            while whole:
                if whole & 1:
                    total = square if total is None else self.add("mul", total, square)
                whole >>= 1
                if whole:
                    square = self.add("mul", square, square)
            assert total is not None
            return total
        return self.add("pow", self.write(base), self.write(exponent))


def write_program(
    drivers: Sequence[sp.Symbol],
    states: Sequence[sp.Symbol],
    given: Sequence[sp.Symbol],
    gains: Sequence[sp.Expr],
    rates: Sequence[sp.Expr],
) -> str:
    """The operations behind g and k of every state, as JSON: ``operations``, and the places ``gains`` and ``rates``.

    Raises
    ------
    TraceError
        A function that has no operation.
    """
    groups = (("given", given), ("driver", drivers), ("state", states))
    places = {s: (name, i) for name, group in groups for i, s in enumerate(group)}
    writer = _Writer(places)
    shared, results = sp.cse([*gains, *rates], symbols=sp.numbered_symbols("shared!"))
    for symbol, expression in shared:
        writer.define(symbol, expression)
    ends = [writer.write(result) for result in results]
    document = {
        "operations": writer.operations,
        "gains": ends[: len(states)],
        "rates": ends[len(states) :],
    }
    return json.dumps(document, separators=(",", ":"))
