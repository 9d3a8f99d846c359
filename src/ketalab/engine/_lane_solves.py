"""A state on a step as instructions for lanes: collocation for a state that is linear in itself, by increments.

What is solved for is what a step adds: ``(I + h k W) (Y - y) = h W (g - k y)``. In single numbers that keeps the
digits of a small addition, which the double state is then increased by.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from llvmlite import ir

from ketalab.engine._layout import NODES, Layout
from ketalab.engine._radau import radau
from ketalab.engine._vectors import LONG, Vectors


def _inverse() -> tuple[list[Any], list[float]]:
    """Matrices M_i and numbers d_i with ``(I + z W)**-1 = sum M_i z**i / sum d_i z**i`` (Faddeev and LeVerrier)."""
    weights = radau(NODES).weights
    numbers = np.poly(-weights)  # of det(x + W), so that its coefficients are those of det(1 + z W)
    adjugates = [np.eye(NODES)]
    for number in numbers[1:NODES]:
        adjugates.append(number * np.eye(NODES) - weights @ adjugates[-1])
    return adjugates, [float(n) for n in numbers]


def _combine(v: Vectors, factors: Iterable[float], values: Sequence[Any]) -> Any:
    return _dot(v, [v.number(float(factor)) for factor in factors], values)


def _at_nodes(v: Vectors, w: Any, row: Any, step: Any) -> list[Any]:
    rows = (v.b.add(row, v.b.mul(step, ir.Constant(LONG, j))) for j in range(NODES))
    return [v.load(w, r) for r in rows]


def _note_lowest(v: Vectors, layout: Layout, w: Any, z: Any) -> None:
    lowest = v.load(w, layout.lowest)
    v.store(v.min(lowest, z), w, layout.lowest)


def factor(v: Vectors, layout: Layout, w: Any, arguments: Sequence[Any]) -> None:
    """``(I + z W)**-1 h W``, a row a node."""
    k, out = arguments
    adjugates, numbers = _inverse()
    weights = radau(NODES).weights
    hours = v.load(w, layout.hours)
    z = v.mul(hours, v.load(w, k))
    _note_lowest(v, layout, w, z)
    scale = v.div(hours, v.series(z, numbers))
    for j in range(NODES):
        for r in range(NODES):
            value = v.mul(scale, v.series(z, [float((m @ weights)[j, r]) for m in adjugates]))
            v.store(value, w, v.b.add(out, ir.Constant(LONG, NODES * j + r)))


def _finish(
    v: Vectors,
    layout: Layout,
    w: Any,
    state: Any,
    begin: Any,
    added: Sequence[Any],
    last: tuple[Any, Any],
) -> None:
    """What a step adds to a state at its nodes, mended by the slope at its start, becomes the state there.

    ``last`` are gain and rate at the last node, from which the slope at the start of the next step follows.
    """
    method, hours = radau(NODES), v.load(w, layout.hours)

    def row(first: int) -> Any:
        return v.b.add(state, ir.Constant(LONG, first))

    slope = v.mul(hours, v.load(w, row(layout.slope)))
    bend = v.mul(v.sub(slope, _combine(v, method.first, added)), v.load(w, layout.bent))
    v.store(bend, w, row(layout.bend))
    v.store(added[-1], w, row(layout.moved))
    nodes = v.b.add(v.b.mul(state, ir.Constant(LONG, NODES)), ir.Constant(LONG, layout.stages))
    for j, (part, share) in enumerate(zip(added, method.bends, strict=True)):
        mended = v.add(v.mul(bend, v.number(float(share))), part) if share else part
        made = v.add(begin, mended)
        v.store(made, w, v.b.add(nodes, ir.Constant(LONG, j)))
    gain, rate = last
    v.store(v.sub(gain, v.mul(rate, made)), w, row(layout.slope))


def _begin(v: Vectors, layout: Layout, w: Any, state: Any) -> Any:
    return v.load(w, v.b.add(state, ir.Constant(LONG, layout.begin)))


def solve_still(v: Vectors, layout: Layout, w: Any, arguments: Sequence[Any]) -> None:
    g, dg, k, factors, state = arguments
    begin = _begin(v, layout, w, state)
    rate, gains = v.load(w, k), _at_nodes(v, w, g, dg)
    lost = v.mul(rate, begin)
    slopes = [v.sub(gain, lost) for gain in gains]
    added = []
    for j in range(NODES):
        total = None
        for r, slope in enumerate(slopes):
            at = v.b.add(factors, ir.Constant(LONG, NODES * j + r))
            part = v.mul(v.load(w, at), slope)
            total = part if total is None else v.add(total, part)
        added.append(total)
    _finish(v, layout, w, state, begin, added, (gains[-1], rate))


def solve_moving(v: Vectors, layout: Layout, w: Any, arguments: Sequence[Any]) -> None:
    """Elimination by halves without exchange: the weights of Radau IIA with rates that are not negative need none."""
    g, dg, k, dk, state = arguments
    weights = radau(NODES).weights
    hours, begin = v.load(w, layout.hours), _begin(v, layout, w, state)
    gains, of_nodes = _at_nodes(v, w, g, dg), _at_nodes(v, w, k, dk)
    rates = [v.mul(hours, rate) for rate in of_nodes]
    slopes = [
        v.sub(v.mul(hours, gain), v.mul(rate, begin))
        for gain, rate in zip(gains, rates, strict=True)
    ]
    right = [_combine(v, row, slopes) for row in weights]
    for z in rates:
        _note_lowest(v, layout, w, z)
    one = v.number(1.0)

    def left(i: int, j: int) -> Any:
        part = v.mul(v.number(float(weights[i, j])), rates[j])
        return v.add(part, one) if i == j else part

    # Two and two: the inverse of a 2 x 2 matrix takes one division, and no chain of four is waited for.
    first = [[left(i, j) for j in (0, 1)] for i in (0, 1)]
    cross = [[left(i, j) for j in (2, 3)] for i in (0, 1)]
    below = [[left(i, j) for j in (0, 1)] for i in (2, 3)]
    last = [[left(i, j) for j in (2, 3)] for i in (2, 3)]
    turned = _turn(v, first)
    share = [[_dot(v, row, column) for column in zip(*turned, strict=True)] for row in below]
    for i in (0, 1):
        right[2 + i] = v.sub(right[2 + i], _dot(v, share[i], right[:2]))
        for j in (0, 1):
            last[i][j] = v.sub(last[i][j], _dot(v, share[i], [row[j] for row in cross]))
    end = [_dot(v, row, right[2:]) for row in _turn(v, last)]
    begun = [v.sub(right[i], _dot(v, cross[i], end)) for i in (0, 1)]
    added = [*(_dot(v, row, begun) for row in turned), *end]
    _finish(v, layout, w, state, begin, added, (gains[-1], of_nodes[-1]))


def _dot(v: Vectors, one: Sequence[Any], two: Sequence[Any]) -> Any:
    total = v.mul(one[0], two[0])
    for a, b in zip(one[1:], two[1:], strict=True):
        total = v.add(v.mul(a, b), total)
    return total


def _turn(v: Vectors, m: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """The inverse of a 2 x 2 matrix."""
    (a, b), (c, d) = m
    share = v.div(v.number(1.0), v.sub(v.mul(a, d), v.mul(b, c)))
    return [[v.mul(d, share), v.neg(v.mul(b, share))], [v.neg(v.mul(c, share)), v.mul(a, share)]]
