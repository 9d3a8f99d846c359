"""Machine code for many patients side by side: vectors of one number a lane, written as LLVM's own text.

A compiler that is to find the vectors in a loop by itself gives up on a body of this length, and has no exponential
for a vector. So the body is written with vectors from the start: an operation of the equations is one instruction for
all lanes. Loops over steps, nodes and segments stay plain Python (:mod:`ketalab.engine._march`), which calls
these parts by name:

``prepare(w)``            computes what no state moves.
``evaluate(w, r, j)``     computes the operations of rank r at node j.
``factor(w, k, out)``     what a rate k that is the same at all nodes makes of a step, for the next part.
``solve_still(w, g, dg, factors, y, out)``  one state on a step, ``(I + h k W)**-1 (y + h W g)``, with such a k.
``solve_moving(w, g, dg, k, y, out)`` the same where k moves from node to node.
``dot_nodes(w, out, a, row, z, width, listed, i, j)``  a driver at the nodes: the sum of the listed modes by their
                          weights; ``dot`` the same at one place.
``blend(out, row, w, weights)`` the states between nodes, from their first values and those at the nodes.
``scale_nodes(out, e, z, count)``  ``count`` modes at the nodes, from their decays and values.
``grow(out, at, e, c, row, hours, z, of)``  what a mode has from an equal one by its decay e, added to a row.
``advance(w)``            the states at the last node are those at the start of the next step.
``exponential(e, count)`` exp of ``count`` rows, in place; ``ramp`` the same of (exp(x) - 1) / x.

Arguments are rows of a buffer. Additions and multiplications may be fused (FMA), and nothing else is reordered, so that
a lane's bytes depend on no other lane.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ketalab.engine._layout import NODES, Layout
from ketalab.engine._radau import radau
from ketalab.engine._vectors import Loop, Vectors

_DOUBLE, _LONG = ir.DoubleType(), ir.IntType(64)


def _write(v: Vectors, layout: Layout, w: Any, places: Sequence[int], node: Any) -> None:
    """Operations one after the other; those with a slot are stored. ``node`` is a number of the program, or None."""
    made: dict[int, Any] = {}

    def value(place: int) -> Any:
        if place not in made:
            name, *arguments = layout.operations[place]
            if name == "number":
                return v.number(arguments[0])
            row: Any = layout.at[place]
            if place in layout.node:
                row = v.b.add(ir.Constant(_LONG, row), node)
            made[place] = v.load(w, row)
        return made[place]

    for place in places:
        name, *arguments = layout.operations[place]
        made[place] = getattr(v, name)(*(value(a) for a in arguments))
        if place in layout.kept:
            row = layout.at[place]
            v.store(made[place], w, row if node is None else v.b.add(ir.Constant(_LONG, row), node))


def _prepare(v: Vectors, layout: Layout, w: Any, arguments: Sequence[Any]) -> None:
    """What no state moves."""
    _write(v, layout, w, layout.fixed, None)


def _inverse() -> tuple[list[Any], list[float]]:
    """Matrices M_i and numbers d_i with ``(I + z W)**-1 = sum M_i z**i / sum d_i z**i`` (Faddeev and LeVerrier)."""
    weights = radau(NODES).weights
    numbers = np.poly(-weights)  # of det(x + W), so that its coefficients are those of det(1 + z W)
    adjugates = [np.eye(NODES)]
    for number in numbers[1:NODES]:
        adjugates.append(number * np.eye(NODES) - weights @ adjugates[-1])
    return adjugates, [float(n) for n in numbers]


def _combine(v: Vectors, factors: Sequence[float], values: Sequence[Any]) -> Any:
    total = v.mul(v.number(float(factors[0])), values[0])
    for factor, value in zip(factors[1:], values[1:], strict=True):
        total = v.add(total, v.mul(v.number(float(factor)), value))
    return total


def _gains(v: Vectors, w: Any, g: Any, dg: Any) -> list[Any]:
    rows = (v.b.add(g, v.b.mul(dg, ir.Constant(_LONG, j))) for j in range(NODES))
    return [v.load(w, row) for row in rows]


def _note_lowest(v: Vectors, layout: Layout, w: Any, z: Any) -> None:
    lowest = v.load(w, layout.lowest)
    v.store(v.min(lowest, z), w, layout.lowest)


def _factor(v: Vectors, layout: Layout, w: Any, arguments: Sequence[Any]) -> None:
    """``(I + z W)**-1`` times ones and times ``h W``, a row a node."""
    k, out = arguments
    adjugates, numbers = _inverse()
    weights = radau(NODES).weights
    hours = v.load(w, layout.hours)
    z = v.mul(hours, v.load(w, k))
    _note_lowest(v, layout, w, z)
    divisor = v.div(v.number(1.0), v.series(z, numbers))
    of_gains = v.mul(hours, divisor)
    for j in range(NODES):
        rows = [(divisor, [float(m[j].sum()) for m in adjugates])]
        rows += [(of_gains, [float((m @ weights)[j, r]) for m in adjugates]) for r in range(NODES)]
        for place, (scale, terms) in enumerate(rows):
            value = v.mul(scale, v.series(z, terms))
            v.store(value, w, v.b.add(out, ir.Constant(_LONG, (NODES + 1) * j + place)))


def _solve_still(v: Vectors, layout: Layout, w: Any, arguments: Sequence[Any]) -> None:
    g, dg, factors, y, out = arguments
    values = [v.load(w, y), *_gains(v, w, g, dg)]
    for j in range(NODES):
        total = None
        for place, value in enumerate(values):
            at = v.b.add(factors, ir.Constant(_LONG, (NODES + 1) * j + place))
            part = v.mul(v.load(w, at), value)
            total = part if total is None else v.add(total, part)
        v.store(total, w, v.b.add(out, ir.Constant(_LONG, j)))


def _solve_moving(v: Vectors, layout: Layout, w: Any, arguments: Sequence[Any]) -> None:
    """Elimination without exchange: the weights of Radau IIA with rates that are not negative need none."""
    g, dg, k, y, out = arguments
    weights = radau(NODES).weights
    hours, start = v.load(w, layout.hours), v.load(w, y)
    gains = [v.mul(hours, gain) for gain in _gains(v, w, g, dg)]
    right = [v.add(start, _combine(v, row, gains)) for row in weights]
    rates = [v.mul(hours, v.load(w, v.b.add(k, ir.Constant(_LONG, j)))) for j in range(NODES)]
    for z in rates:
        _note_lowest(v, layout, w, z)
    one = v.number(1.0)
    left = [
        [
            v.add(one, v.mul(v.number(weights[i, j]), rates[j]))
            if i == j
            else v.mul(v.number(weights[i, j]), rates[j])
            for j in range(NODES)
        ]
        for i in range(NODES)
    ]
    pivots = []
    for c in range(NODES):
        pivots.append(v.div(one, left[c][c]))
        for r in range(c + 1, NODES):
            share = v.mul(left[r][c], pivots[c])
            for j in range(c + 1, NODES):
                left[r][j] = v.sub(left[r][j], v.mul(share, left[c][j]))
            right[r] = v.sub(right[r], v.mul(share, right[c]))
    solved: dict[int, Any] = {}
    for c in range(NODES - 1, -1, -1):
        total = right[c]
        for j in range(c + 1, NODES):
            total = v.sub(total, v.mul(left[c][j], solved[j]))
        solved[c] = v.mul(total, pivots[c])
        v.store(solved[c], w, v.b.add(out, ir.Constant(_LONG, c)))


def _data(context: Any, builder: Any, kind: Any, array: Any) -> Any:
    return context.make_array(kind)(context, builder, value=array).data


def _part(module: Any, name: str, arguments: Sequence[Any], write: Callable[..., None]) -> Any:
    """A function of the module, written once."""
    if name in module.globals:
        return module.globals[name]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), arguments), name)
    function.linkage = "internal"
    builder = ir.IRBuilder(function.append_basic_block())
    write(builder, *function.args)
    builder.ret_void()
    return function


def lane_functions(layout: Layout, lanes: int) -> dict[str, Any]:
    """The parts by name, for functions that numba compiles; buffers are flat arrays of rows."""
    buffer, whole = types.Array(types.float64, 1, "C"), types.int64
    pointer = _DOUBLE.as_pointer()

    def vectors(builder: Any) -> Vectors:
        return Vectors(builder, lanes)

    def called(name: str, write: Callable[..., None], wholes: int) -> tuple[Any, Any]:
        """Signature and code of a call of a part that works on the buffer, with some rows after it."""

        def body(builder: Any, base: Any, *rest: Any) -> None:
            write(vectors(builder), layout, base, rest)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            function = _part(builder.module, name, [pointer, *[_LONG] * wholes], body)
            base = _data(context, builder, signature.args[0], arguments[0])
            builder.call(function, [base, *arguments[1:]])
            return context.get_dummy_value()

        return types.void(buffer, *[whole] * wholes), generate

    @intrinsic
    def prepare(typing: Any, w: Any) -> Any:
        return called("lanes_prepare", _prepare, 0)

    @intrinsic
    def factor(typing: Any, w: Any, k: Any, out: Any) -> Any:
        return called("lanes_factor", _factor, 2)

    @intrinsic
    def solve_still(typing: Any, w: Any, g: Any, dg: Any, made: Any, y: Any, out: Any) -> Any:
        return called("lanes_still", _solve_still, 5)

    @intrinsic
    def solve_moving(typing: Any, w: Any, g: Any, dg: Any, k: Any, y: Any, out: Any) -> Any:
        return called("lanes_moving", _solve_moving, 5)

    @intrinsic
    def evaluate(typing: Any, w: Any, rank: Any, node: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            base = _data(context, builder, signature.args[0], arguments[0])
            after = builder.append_basic_block()
            switch = builder.switch(arguments[1], after)
            for number, places in enumerate(layout.ranks):

                def write(inner: Any, base: Any, node: Any, places: Any = places) -> None:
                    _write(vectors(inner), layout, base, places, node)

                function = _part(builder.module, f"lanes_rank_{number}", [pointer, _LONG], write)
                block = builder.append_basic_block()
                switch.add_case(ir.Constant(_LONG, number), block)
                with builder.goto_block(block):
                    builder.call(function, [base, arguments[2]])
                    builder.branch(after)
            builder.position_at_end(after)
            return context.get_dummy_value()

        return types.void(buffer, whole, whole), generate

    def each(name: str) -> Any:
        """A function of the vectors, of every row of a buffer."""

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            base = _data(context, builder, signature.args[0], arguments[0])
            with Loop(builder, ir.Constant(_LONG, 0), arguments[1]) as row:
                v = vectors(builder)
                v.store(getattr(v, name)(v.load(base, row)), base, row)
            return context.get_dummy_value()

        return types.void(buffer, whole), generate

    @intrinsic
    def exponential(typing: Any, e: Any, count: Any) -> Any:
        return each("exp")

    @intrinsic
    def ramp(typing: Any, e: Any, count: Any) -> Any:
        return each("ramp")

    @intrinsic
    def advance(typing: Any, w: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            base, v = _data(context, builder, signature.args[0], arguments[0]), vectors(builder)
            for state in layout.order:
                last = layout.stages + NODES * state + NODES - 1
                v.store(v.load(base, last), base, layout.begin + state)
            return context.get_dummy_value()

        return types.void(buffer), generate

    @intrinsic
    def scale_nodes(typing: Any, out: Any, e: Any, z: Any, count: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            to, by, of = (
                _data(context, builder, kind, a)
                for kind, a in zip(signature.args[:3], arguments[:3], strict=True)
            )
            v = vectors(builder)
            with Loop(builder, ir.Constant(_LONG, 0), arguments[3]) as row:
                value = v.load(of, row)
                for j in range(NODES):
                    at = builder.add(builder.mul(arguments[3], ir.Constant(_LONG, j)), row)
                    v.store(v.mul(v.load(by, at), value), to, at)
            return context.get_dummy_value()

        return types.void(buffer, buffer, buffer, whole), generate

    @intrinsic
    def grow(
        typing: Any, to: Any, at: Any, e: Any, c: Any, row: Any, hours: Any, z: Any, of: Any
    ) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            _, at, _, _, row, hours, _, of = arguments
            to, by, c, z = (
                _data(context, builder, signature.args[i], arguments[i]) for i in (0, 2, 3, 6)
            )
            v = vectors(builder)
            part = v.mul(v.mul(v.load(c, row), v.spread(hours)), v.load(z, of))
            v.store(v.add(v.load(to, at), v.mul(v.load(by, at), part)), to, at)
            return context.get_dummy_value()

        one = types.float64
        return types.void(buffer, whole, buffer, buffer, whole, one, buffer, whole), generate

    places = types.Array(types.int64, 1, "C")

    def dots(nodes: int) -> Callable[..., Any]:
        """Sums of modes by their weights, for one place in a step or for its nodes."""

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            _, out, _, row, _, width, _, first, last = arguments
            to, weights, modes, listed = (
                _data(context, builder, signature.args[i], arguments[i]) for i in (0, 2, 4, 6)
            )
            v = vectors(builder)
            totals = [cgutils.alloca_once(builder, v.kind) for _ in range(nodes)]
            for total in totals:
                builder.store(v.number(0.0), total)
            with Loop(builder, first, last) as number:
                mode = builder.load(builder.gep(listed, [number]))
                weight = v.load(weights, builder.add(row, mode))
                for j, total in enumerate(totals):
                    at = builder.add(builder.mul(width, ir.Constant(_LONG, j)), mode)
                    part = v.mul(weight, v.load(modes, at))
                    builder.store(v.add(builder.load(total), part), total)
            for j, total in enumerate(totals):
                v.store(builder.load(total), to, builder.add(out, ir.Constant(_LONG, j)))
            return context.get_dummy_value()

        return generate

    of_dots = types.void(buffer, whole, buffer, whole, buffer, whole, places, whole, whole)

    @intrinsic
    def dot(
        typing: Any, to: Any, out: Any, a: Any, row: Any, z: Any, width: Any, listed: Any, i: Any, j: Any,
    ) -> Any:  # fmt: skip
        return of_dots, dots(1)

    @intrinsic
    def dot_nodes(
        typing: Any, to: Any, out: Any, a: Any, row: Any, z: Any, width: Any, listed: Any, i: Any, j: Any,
    ) -> Any:  # fmt: skip
        return of_dots, dots(NODES)

    @intrinsic
    def blend(typing: Any, to: Any, row: Any, w: Any, weights: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            out, base, shares = (
                _data(context, builder, signature.args[i], arguments[i]) for i in (0, 2, 3)
            )
            v = vectors(builder)
            places = (builder.gep(shares, [ir.Constant(_LONG, i)]) for i in range(NODES + 1))
            spread = [v.spread(builder.load(place)) for place in places]
            for state in layout.order:
                rows = [
                    layout.begin + state,
                    *(layout.stages + NODES * state + j for j in range(NODES)),
                ]
                total = None
                for share, row in zip(spread, rows, strict=True):
                    part = v.mul(share, v.load(base, row))
                    total = part if total is None else v.add(total, part)
                v.store(total, out, builder.add(arguments[1], ir.Constant(_LONG, state)))
            return context.get_dummy_value()

        return types.void(buffer, whole, buffer, buffer), generate

    return {
        "prepare": prepare,
        "evaluate": evaluate,
        "factor": factor,
        "advance": advance,
        "scale_nodes": scale_nodes,
        "solve_still": solve_still,
        "solve_moving": solve_moving,
        "exponential": exponential,
        "ramp": ramp,
        "grow": grow,
        "dot": dot,
        "dot_nodes": dot_nodes,
        "blend": blend,
    }
