"""Lists of operations as they are written by programs that rewrite them (see :mod:`ketalab.model._program`)."""

from __future__ import annotations

from typing import Any

OUTSIDE = ("given", "number")
MOVING = ("driver", "state")


class Operations:
    """Operations as they are added; equal ones are one, and arithmetic of numbers is done at once."""

    def __init__(self) -> None:
        self.listed: list[list[Any]] = []
        self.moves: list[bool] = []
        self._known: dict[tuple[Any, ...], int] = {}

    def add(self, name: str, *arguments: Any) -> int:
        key = (name, *arguments)
        if key not in self._known:
            self._known[key] = len(self.listed)
            self.listed.append([name, *arguments])
            plain = name in OUTSIDE or name in MOVING
            self.moves.append(
                name in MOVING or (not plain and any(self.moves[a] for a in arguments))
            )
        return self._known[key]

    def turned(self, place: int) -> int | None:
        """What a moving operation is the negative of, if it is one."""
        name, *arguments = self.listed[place]
        return int(arguments[0]) if name == "neg" and self.moves[place] else None

    def number(self, value: float) -> int:
        return self.add("number", float(value))

    def or_zero(self, place: int | None) -> int:
        """An operation, zero where it is missing."""
        return self.number(0.0) if place is None else place

    def value(self, place: int) -> float | None:
        """The number that an operation is, if it is one."""
        name, *arguments = self.listed[place]
        return float(arguments[0]) if name == "number" else None

    def plus(self, a: int | None, b: int | None) -> int | None:
        """A sum, of which a part may be missing."""
        if a is None or b is None:
            return b if a is None else a
        one, two = self.value(a), self.value(b)
        if one is not None and two is not None:
            return self.number(one + two)
        for this, other in ((a, b), (b, a)):
            if (positive := self.turned(other)) is not None:
                return self.minus(this, positive)
        return self.add("add", a, b)

    def minus(self, a: int | None, b: int | None) -> int | None:
        if b is None:
            return a
        positive = self.turned(b)
        if a is None:
            return self.add("neg", b) if positive is None else positive
        one, two = self.value(a), self.value(b)
        if one is not None and two is not None:
            return self.number(one - two) if one != two else None
        return self.add("sub", a, b) if positive is None else self.plus(a, positive)

    def times(self, a: int | None, b: int | None) -> int | None:
        if a is None or b is None:
            return None
        for one, other in ((a, b), (b, a)):
            if self.value(one) == 1.0:
                return other
            # A sign goes to what no state moves, where it is turned once and for all.
            if (positive := self.turned(one)) is not None and not self.moves[other]:
                return self.add("mul", positive, self.add("neg", other))
        return self.add("mul", a, b)

    def over(self, a: int | None, b: int) -> int | None:
        return None if a is None else a if self.value(b) == 1.0 else self.add("div", a, b)
