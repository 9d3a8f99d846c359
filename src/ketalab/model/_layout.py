"""A layered drawing: boxes in rows, so that arrows run down, with few crossings.

After Sugiyama, Tagawa and Toda 1981: an arrow over several rows gets a bend in each of them; the order in a row follows
the neighbours; then every box is drawn towards the middle of its neighbours as far as those beside it allow. The same
input gives the same drawing, to the byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

#: How often the order of the rows, and the places in them, are gone through.
_SWEEPS = 24

Edge = tuple[str, str]
#: A box, or the bend of an edge in a row: (the box, or a blank), (the edge and the row).
_Item = str | tuple[Edge, int]


@dataclass(frozen=True)
class Layout:
    """``places`` box -> (middle, row); ``bends`` edge -> middles in the rows between; ``width`` of it all."""

    places: Mapping[str, tuple[float, int]]
    bends: Mapping[Edge, tuple[float, ...]]
    width: float


def rank(boxes: Sequence[str], edges: Sequence[Edge]) -> tuple[dict[str, int], tuple[Edge, ...]]:
    """Rows of boxes such that every edge but those of circles runs down; and those edges.

    An edge back to where a walk came from closes a circle; walks begin at the boxes in their order.
    """
    after = {box: [b for a, b in edges if a == box] for box in boxes}
    state: dict[str, str] = {}
    back: list[Edge] = []
    order: list[str] = []

    def walk(box: str) -> None:
        state[box] = "open"
        for other in after[box]:
            if state.get(other) == "open":
                back.append((box, other))
            elif other not in state:
                walk(other)
        state[box] = "done"
        order.append(box)

    for box in boxes:
        if box not in state:
            walk(box)
    rows = dict.fromkeys(boxes, 0)
    for box in reversed(order):
        for other in after[box]:
            if (box, other) not in back:
                rows[other] = max(rows[other], rows[box] + 1)
    return rows, tuple(back)


def lay_out(
    widths: Mapping[str, float], edges: Sequence[Edge], gap: float
) -> tuple[Layout, tuple[Edge, ...]]:
    """Places of boxes of some widths, at least ``gap`` apart; and the edges that run up.

    Boxes that nothing enters or leaves come last in the first row.
    """
    rows, back = rank(list(widths), edges)
    down = [edge for edge in edges if edge not in back]
    met = {box for edge in edges for box in edge}
    items: dict[int, list[_Item]] = {row: [] for row in range(max(rows.values(), default=0) + 1)}
    for box, row in rows.items():
        if box in met:
            items[row].append(box)
    near: dict[_Item, tuple[list[_Item], list[_Item]]] = {box: ([], []) for box in widths}
    for edge in down:
        path: list[_Item] = [
            edge[0],
            *((edge, r) for r in range(rows[edge[0]] + 1, rows[edge[1]])),
            edge[1],
        ]
        for bend, row in zip(path[1:-1], range(rows[edge[0]] + 1, rows[edge[1]]), strict=True):
            near[bend] = ([], [])
            items[row].append(bend)
        for above, below in pairwise(path):
            near[above][1].append(below)
            near[below][0].append(above)
    _order(items, near)
    x = _place(items, near, widths, gap)
    for box in widths:
        if box not in met:
            ends = [
                x[other] + widths[other] / 2 + gap for other in items[0] if isinstance(other, str)
            ]
            x[box] = max(ends, default=0.0) + widths[box] / 2
            items[0].append(box)
    bends = {
        edge: tuple(x[edge, row] for row in range(rows[edge[0]] + 1, rows[edge[1]]))
        for edge in down
    }
    left = min(x[box] - width / 2 for box, width in widths.items())
    left = min([left, *(b for found in bends.values() for b in found)])
    places = {box: (x[box] - left, rows[box]) for box in widths}
    moved = {edge: tuple(b - left for b in found) for edge, found in bends.items()}
    width = max(places[box][0] + width / 2 for box, width in widths.items())
    width = max([width, *(b for found in moved.values() for b in found)])
    return Layout(places, moved, width), back


def _order(
    items: dict[int, list[_Item]], near: Mapping[_Item, tuple[list[_Item], list[_Item]]]
) -> None:
    """Sort every row by the middle of its neighbours above, then below, and so on; keep the best."""
    best, least = {row: list(found) for row, found in items.items()}, _crossings(items, near)
    for sweep in range(_SWEEPS):
        up = sweep % 2
        for row in sorted(items, reverse=bool(up)):
            beside = items.get(row + 1 if up else row - 1)
            if beside is None:
                continue
            spots = {item: i for i, item in enumerate(beside)}
            keys = {}
            for place, item in enumerate(items[row]):
                found = [spots[other] for other in near[item][1 if up else 0]]
                # Who has no neighbour there stays where it is.
                keys[item] = sum(found) / len(found) if found else float(place)
            items[row].sort(key=keys.__getitem__)
        if (count := _crossings(items, near)) < least:
            best, least = {row: list(found) for row, found in items.items()}, count
    items.update(best)


def _crossings(
    items: Mapping[int, list[_Item]], near: Mapping[_Item, tuple[list[_Item], list[_Item]]]
) -> int:
    count = 0
    for row, found in items.items():
        spots = {item: i for i, item in enumerate(items.get(row + 1, ()))}
        ends = [sorted(spots[other] for other in near[item][1]) for item in found]
        for i, here in enumerate(ends):
            count += sum(a > b for a in here for there in ends[i + 1 :] for b in there)
    return count


def _place(
    items: Mapping[int, list[_Item]],
    near: Mapping[_Item, tuple[list[_Item], list[_Item]]],
    widths: Mapping[str, float],
    gap: float,
) -> dict[_Item, float]:
    def half(item: _Item) -> float:
        return widths[item] / 2 if isinstance(item, str) else 0.0

    x: dict[_Item, float] = {}
    for found in items.values():
        edge = 0.0
        for item in found:
            x[item] = edge + half(item)
            edge += 2 * half(item) + gap
    for sweep in range(_SWEEPS):
        for row in sorted(items, reverse=bool(sweep % 2)):
            found = items[row]
            wished = []
            for item in found:
                others = [x[other] for side in near[item] for other in side]
                wished.append(sum(others) / len(others) if others else x[item])
            rooms = [half(a) + half(b) + gap for a, b in pairwise(found)]
            right, left = list(wished), list(wished)
            for i, room in enumerate(rooms):
                right[i + 1] = max(right[i + 1], right[i] + room)
            for i in range(len(rooms) - 1, -1, -1):
                left[i] = min(left[i], left[i + 1] - rooms[i])
            # The middle of two arrangements that leave enough room does so too.
            for item, a, b in zip(found, right, left, strict=True):
                x[item] = (a + b) / 2
    return x
