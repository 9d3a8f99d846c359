"""The same equations for what states differ by from where they begin: single numbers then keep small effects.

A single number has seven digits. A state that rests at one and rises by a thousandth keeps four of them, and what
reads that rise, the state less one, no more. So each operation that moves is split into its value at rest (no drug
in any driver, states as they begin), which no state moves and which double numbers compute once between two events,
and its deviation from that, which is what moves. For sums and products this takes no more operations than before:

    (a + x) + (b + y) - (a + b) = x + y
    (a + x) (b + y) - a b       = x (b + y) + a y
    (a + x) / (b + y) - a / b   = (x - (a / b) y) / (b + y)
    max(a + x, b + y) - r       = max((a - r) + x, (b - r) + y)                 r = max(a, b)
    (a + x)**s - a**s           = a**s expm1(s log1p(x / a))                    where x is no larger than a
    exp(a + x) - exp(a)         = exp(a) expm1(x)

and where a value rests at nothing, which many do, it is its deviation. A state's gain becomes ``(g - k y0) + dg -
y0 dk`` with all at rest in brackets; its rate stays.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

from ketalab.engine._forms import gather_forms
from ketalab.engine._operations import OUTSIDE, Operations


class _Splitter:
    """Each operation of a program as its value at rest and its deviation, either of which may be missing: nothing."""

    def __init__(self, operations: Sequence[Sequence[Any]], initial: Sequence[float]) -> None:
        self.initial, self.new = initial, Operations()
        self.rest: list[int | None] = []
        self.moved: list[int | None] = []
        for operation in operations:
            rest, moved = self._split(*operation)
            self.rest.append(rest)
            self.moved.append(moved)

    def whole(self, place: int) -> int:
        """The value itself."""
        return self.new.or_zero(self.new.plus(self.rest[place], self.moved[place]))

    def _at_rest(self, name: str, *arguments: int) -> int | None:
        """The operation on what its arguments are at rest."""
        new, rest = self.new, [self.rest[a] for a in arguments]
        if name == "add":
            return new.plus(*rest)
        if name == "sub":
            return new.minus(*rest)
        if name == "mul":
            return new.times(*rest)
        if name == "neg":
            return new.minus(None, *rest)
        if name == "div" and rest[0] is None:
            return None
        places = [new.or_zero(r) for r in rest]
        if name in ("max", "min") and places[0] == places[1]:
            return rest[0]
        if name == "div":
            return new.over(*places)
        return new.add(name, *places)

    def _split(self, name: str, *arguments: Any) -> tuple[int | None, int | None]:
        new = self.new
        if name in OUTSIDE:
            zero = name == "number" and arguments[0] == 0
            return (None if zero else new.add(name, *arguments)), None
        if name == "driver":
            return None, new.add(name, *arguments)
        if name == "state":
            first = self.initial[arguments[0]]
            return (new.number(first) if first else None), new.add(name, *arguments)
        rest = self._at_rest(name, *arguments)
        if all(self.moved[a] is None for a in arguments):
            return rest, None
        special = getattr(self, f"_{name}", None)
        moved = special(rest, *arguments) if special else self._otherwise(name, rest, *arguments)
        return rest, moved

    def _add(self, _: int | None, a: int, b: int) -> int | None:
        return self.new.plus(self.moved[a], self.moved[b])

    def _sub(self, _: int | None, a: int, b: int) -> int | None:
        return self.new.minus(self.moved[a], self.moved[b])

    def _neg(self, _: int | None, a: int) -> int | None:
        return self.new.minus(None, self.moved[a])

    def _mul(self, _: int | None, a: int, b: int) -> int | None:
        if self.moved[a] is None or (self.moved[b] is not None and self.rest[a] is None):
            a, b = b, a
        first = self.new.times(self.moved[a], self.whole(b))
        return self.new.plus(first, self.new.times(self.rest[a], self.moved[b]))

    def _div(self, rest: int | None, a: int, b: int) -> int | None:
        above = self.new.minus(self.moved[a], self.new.times(rest, self.moved[b]))
        return self.new.over(above, self.whole(b))

    def _extreme(self, name: str, rest: int | None, a: int, b: int) -> int:
        parts = [self.new.plus(self.new.minus(self.rest[p], rest), self.moved[p]) for p in (a, b)]
        return self.new.add(name, *map(self.new.or_zero, parts))

    def _max(self, rest: int | None, a: int, b: int) -> int:
        return self._extreme("max", rest, a, b)

    def _min(self, rest: int | None, a: int, b: int) -> int:
        return self._extreme("min", rest, a, b)

    def _exp(self, rest: int | None, a: int) -> int | None:
        return self.new.times(rest, self.new.add("expm1", self.new.or_zero(self.moved[a])))

    def _pow(self, rest: int | None, a: int, s: int) -> int | None:
        if self.moved[s] is not None or self.rest[a] is None:
            return self._otherwise("pow", rest, a, s)
        new, base, exponent = self.new, self.rest[a], self.whole(s)
        inverse = new.add("div", new.number(1.0), base)
        power = new.add("pow", base, exponent)
        return new.add("lift", self.new.or_zero(self.moved[a]), base, inverse, exponent, power)

    def _otherwise(self, name: str, rest: int | None, *arguments: int) -> int | None:
        """What has no form of its own: the value less that at rest."""
        return self.new.minus(self.new.add(name, *(self.whole(a) for a in arguments)), rest)


@cache
def deviate(program: str, initial: tuple[float, ...]) -> str:
    """A program (see :mod:`ketalab.model._program`) for deviations of the states from their first values.

    Operations that only this makes: ``expm1 x``, and ``lift x a i s c``, which is ``(a + x)**s - a**s`` and given 1
    / a and a**s. Under ``rest`` stand the first values, under ``forms`` what its drivers are (see
    :mod:`ketalab.engine._forms`).
    """
    document = json.loads(program)
    split = _Splitter(document["operations"], initial)
    new, gains, rates = split.new, [], []
    for first, gain, rate in zip(initial, document["gains"], document["rates"], strict=True):
        start = new.number(first) if first else None
        still = new.minus(split.rest[gain], new.times(split.rest[rate], start))
        moved = new.minus(split.moved[gain], new.times(split.moved[rate], start))
        gains.append(new.or_zero(new.plus(still, moved)))
        rates.append(split.whole(rate))
    made = gather_forms(new.listed, gains, rates)
    return json.dumps({**made, "rest": list(initial)}, separators=(",", ":"))
