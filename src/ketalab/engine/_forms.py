"""Sums of drivers that nothing but their sum reads, as drivers themselves.

What binds a receptor is often a sum of many concentrations, each times what no state moves. A driver is a sum of parts
that decay as modes do, and so is such a sum: it has the parts of its drivers, times their shares. So it is followed as
one, at no more cost than a driver, and the sum is not made at every node. A sum of drugs that nobody takes is nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from ketalab.engine._operations import MOVING, OUTSIDE, Operations

#: Driver -> operation of its share.
Form = dict[int, int]


class _Forms:
    """A program in which drivers are forms; operations that are no more than a form are not written."""

    def __init__(self, operations: Sequence[Sequence[Any]], ends: Sequence[int]) -> None:
        uses = Counter(ends)
        for name, *arguments in operations:
            if name not in OUTSIDE and name not in MOVING:
                uses.update(arguments)
        self._uses = uses
        self.new, self.forms = Operations(), list[list[list[int]]]()
        self._known: dict[tuple[tuple[int, int], ...], int] = {}
        #: Of each old operation its place, or its form where it is one.
        self._made: list[int | Form] = []
        for name, *arguments in operations:
            self._made.append(self._write(name, *arguments))

    def place(self, old: int) -> int:
        """Where an operation of the old program is in the new one; a form becomes a driver of it."""
        made = self._made[old]
        if isinstance(made, int):
            return made
        key = tuple(sorted(made.items()))
        if key not in self._known:
            self._known[key] = len(self.forms)
            self.forms.append([list(pair) for pair in key])
        return self.new.add("driver", self._known[key])

    def _write(self, name: str, *arguments: Any) -> int | Form:
        new = self.new
        if name == "driver":
            return {arguments[0]: new.number(1.0)}
        if name in OUTSIDE or name in MOVING:
            return new.add(name, *arguments)
        # What several operations read is made once, and is a driver itself.
        parts = [
            self._made[a] if self._uses[a] == 1 or self._fixed(a) else self.place(a)
            for a in arguments
        ]
        form = self._form(name, parts)
        return form if form is not None else new.add(name, *(self.place(a) for a in arguments))

    def _fixed(self, old: int) -> bool:
        made = self._made[old]
        return isinstance(made, int) and not self.new.moves[made]

    def _form(self, name: str, parts: Sequence[int | Form]) -> Form | None:
        new, one = self.new, parts[0]
        if name == "neg" and isinstance(one, dict):
            return {d: new.add("neg", share) for d, share in one.items()}
        if len(parts) != 2:
            return None
        two = parts[1]
        if name in ("add", "sub") and isinstance(one, dict) and isinstance(two, dict):
            both = dict(one)
            for driver, share in two.items():
                made = (new.plus if name == "add" else new.minus)(both.get(driver), share)
                both[driver] = new.or_zero(made)
            return both
        if name == "mul" and isinstance(two, dict):
            one, two = two, one
        if name not in ("mul", "div") or not isinstance(one, dict) or not isinstance(two, int):
            return None
        if new.moves[two]:
            return None
        if name == "div":
            return {d: new.add("div", share, two) for d, share in one.items()}
        return {d: new.add("mul", share, two) for d, share in one.items()}


def gather_forms(
    operations: Sequence[Sequence[Any]], gains: Sequence[int], rates: Sequence[int]
) -> dict[str, Any]:
    """The same program with forms for drivers: under ``forms`` the drivers of each, with the operations of
    their shares."""
    made = _Forms(operations, [*gains, *rates])
    ends = [[made.place(place) for place in places] for places in (gains, rates)]
    return {"operations": made.new.listed, "gains": ends[0], "rates": ends[1], "forms": made.forms}
