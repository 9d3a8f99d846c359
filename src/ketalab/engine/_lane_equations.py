"""The equations as instructions for lanes: what no state moves, and what is evaluated at the nodes of a step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

from ketalab.engine._layout import Layout
from ketalab.engine._vectors import LONG, Vectors


def _write(
    v: Vectors,
    layout: Layout,
    places: Sequence[int],
    read: Callable[[int], Any],
    store: Callable[[int, Any], None],
) -> None:
    """Operations one after the other; those with a slot are stored, and the slots of others are read once."""
    made: dict[int, Any] = {}

    def value(place: int) -> Any:
        if place not in made:
            name, *arguments = layout.operations[place]
            made[place] = v.number(arguments[0]) if name == "number" else read(place)
        return made[place]

    for place in places:
        name, *arguments = layout.operations[place]
        made[place] = getattr(v, name)(*(value(a) for a in arguments))
        if place in layout.kept:
            store(place, made[place])


def prepare(v: Vectors, slots: Vectors, layout: Layout, w: Any, given: Any, shares: Any) -> None:
    """What no state moves, in double numbers; what is given as it is; and shares of drivers, which stay double."""
    rows: dict[int, list[int]] = {}
    for row, place in enumerate(layout.shares):
        rows.setdefault(place, []).append(row)

    def read(place: int) -> Any:
        return v.load(given, layout.row[place])

    def keep(place: int, value: Any) -> None:
        for row in rows.get(place, ()):
            v.store(value, shares, row)

    def store(place: int, value: Any) -> None:
        if place in layout.at:
            slots.store(slots.from_(v, value), w, layout.at[place])
        keep(place, value)

    _write(v, layout, layout.fixed, read, store)
    for row, slot in layout.copied:
        slots.store(slots.from_(v, v.load(given, row)), w, slot)
    for place in rows:
        name, *arguments = layout.operations[place]
        if name == "number":
            keep(place, v.number(arguments[0]))
        elif name == "given":
            keep(place, v.load(given, layout.row[place]))


def evaluate(v: Vectors, layout: Layout, w: Any, places: Sequence[int], node: Any) -> None:
    """The operations of a rank at a node."""

    def row(place: int) -> Any:
        at = layout.at[place]
        return v.b.add(ir.Constant(LONG, at), node) if place in layout.node else at

    def store(place: int, value: Any) -> None:
        v.store(value, w, row(place))

    _write(v, layout, places, lambda place: v.load(w, row(place)), store)
