"""Machine code for many patients side by side: vectors of one number a lane, written as LLVM's own text.

A compiler that is to find the vectors in a loop by itself gives up on a body of this length, and has no exponential
for a vector. So the body is written with vectors from the start: an operation of the equations is one instruction for
all lanes. Loops over steps, nodes and segments stay plain Python (:mod:`ketalab.engine._march`), which calls
these parts by name:

``prepare(w, given, shares)``  computes what no state moves.
``evaluate(w, r, j)``  computes the operations of rank r at node j.
``factor(w, k, out)``  what a rate k that is the same at all nodes makes of a step, for the next part.
``solve_still(w, g, dg, k, factors, i)``  state i on a step, with such a k; ``solve_moving(w, g, dg, k, dk, i)`` the
    same where k moves from node to node.
``drive(w, out, hours, parts, e, width, listed, i, j, grown, growing, k, m, fed, ...)``  a driver at the nodes, from
    row ``out`` on: its parts from place i to before j, each as its listed mode decays (e, ``width`` rows a node), and
    what they grow by from others, from k to before m (``growing``: part, mode); where it is ``fed``, the same of what
    comes in. Parts go on to the step's end.
``blend(out, row, w, y, rest, weights, i)``  state i between nodes, from its first value and what the nodes add.
``advance(w, y, rest, floor, i)``  state i at the last node is that at the start of the next step. A bend above
    :data:`ROUGH` times the state, or the floor of its size, is noted.

Arguments are rows of a buffer. ``w`` holds the slots, double or single (see :mod:`ketalab.engine._vectors`); all other
buffers are double. What a step adds to a state is computed by the slots' numbers, and added to the double one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from ketalab.engine import _lane_drivers, _lane_equations, _lane_solves
from ketalab.engine._layout import NODES, Layout
from ketalab.engine._vectors import AT_ONCE, DOUBLE, LONG, Loop, Precision, Vectors, data_of

#: A step whose polynomial is bent by more of a state than this may be wrong by 1e-4 inside.
ROUGH = 3e-3


def _part(
    module: Any, name: str, arguments: Sequence[Any], write: Callable[..., None], long: bool = False
) -> Any:
    """A function of the module, written once; a long one is called and not copied to each of its places."""
    if name in module.globals:
        return module.globals[name]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), arguments), name)
    function.linkage = "internal"
    if long:
        function.attributes.add("noinline")
    builder = ir.IRBuilder(function.append_basic_block())
    write(builder, *function.args)
    builder.ret_void()
    return function


def lane_functions(layout: Layout, lanes: int, of: Precision = DOUBLE) -> dict[str, Any]:
    """The parts by name, for functions that numba compiles; buffers are flat arrays of rows, slots in a precision."""
    buffer, whole = types.Array(types.float64, 1, "C"), types.int64
    slots = types.Array(types.float64 if of is DOUBLE else types.float32, 1, "C")
    of_buffer, of_slots = DOUBLE.kind.as_pointer(), of.kind.as_pointer()

    def vectors(builder: Any) -> Vectors:
        return Vectors(builder, lanes)

    def of_slot(builder: Any) -> Vectors:
        return Vectors(builder, lanes, of)

    def by_parts(builder: Any, write: Callable[[Vectors, Vectors], None]) -> None:
        """Some lanes at a time, for what is written out for all of them and seldom done: less to compile."""
        some = min(lanes, AT_ONCE)
        with Loop(builder, ir.Constant(LONG, 0), ir.Constant(LONG, lanes // some)) as part:
            first = builder.mul(part, ir.Constant(LONG, some))
            v, narrow = (Vectors(builder, some, p, row=lanes, first=first) for p in (DOUBLE, of))
            write(v, narrow)

    def called(name: str, write: Callable[..., None], wholes: int) -> tuple[Any, Any]:
        """Signature and code of a call of a part that works on the slots, with some rows after them."""

        def body(builder: Any, base: Any, *rest: Any) -> None:
            write(of_slot(builder), layout, base, rest)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            function = _part(builder.module, name, [of_slots, *[LONG] * wholes], body)
            builder.call(function, data_of(context, builder, signature.args, arguments))
            return context.get_dummy_value()

        return types.void(slots, *[whole] * wholes), generate

    @intrinsic
    def prepare(typing: Any, w: Any, given: Any, shares: Any) -> Any:
        def body(builder: Any, base: Any, given: Any, shares: Any) -> None:
            by_parts(
                builder,
                lambda v, slot: _lane_equations.prepare(v, slot, layout, base, given, shares),
            )

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            function = _part(
                builder.module, "lanes_prepare", [of_slots, of_buffer, of_buffer], body
            )
            builder.call(function, data_of(context, builder, signature.args, arguments))
            return context.get_dummy_value()

        return types.void(slots, buffer, buffer), generate

    @intrinsic
    def factor(typing: Any, w: Any, k: Any, out: Any) -> Any:
        return called("lanes_factor", _lane_solves.factor, 2)

    @intrinsic
    def solve_still(typing: Any, w: Any, g: Any, dg: Any, k: Any, made: Any, i: Any) -> Any:
        return called("lanes_still", _lane_solves.solve_still, 5)

    @intrinsic
    def solve_moving(typing: Any, w: Any, g: Any, dg: Any, k: Any, dk: Any, i: Any) -> Any:
        return called("lanes_moving", _lane_solves.solve_moving, 5)

    @intrinsic
    def evaluate(typing: Any, w: Any, rank: Any, node: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            base, rank, node = data_of(context, builder, signature.args, arguments)
            after = builder.append_basic_block()
            switch = builder.switch(rank, after)
            for number, places in enumerate(layout.ranks):

                def write(inner: Any, base: Any, node: Any, places: Any = places) -> None:
                    _lane_equations.evaluate(of_slot(inner), layout, base, places, node)

                function = _part(
                    builder.module, f"lanes_rank_{number}", [of_slots, LONG], write, long=True
                )
                block = builder.append_basic_block()
                switch.add_case(ir.Constant(LONG, number), block)
                with builder.goto_block(block):
                    builder.call(function, [base, node])
                    builder.branch(after)
            builder.position_at_end(after)
            return context.get_dummy_value()

        return types.void(slots, whole, whole), generate

    def row_of(builder: Any, first: int, number: Any) -> Any:
        return builder.add(number, ir.Constant(LONG, first))

    @intrinsic
    def advance(typing: Any, w: Any, y: Any, rest: Any, floor: Any, i: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            base, state, rest, floor, i = data_of(context, builder, signature.args, arguments)
            v, narrow = vectors(builder), of_slot(builder)
            rest, floor = (narrow.spread(narrow.scalar(x)) for x in (rest, floor))
            begin = narrow.load(base, row_of(builder, layout.begin, i))
            size = narrow.larger(narrow.abs(narrow.add(begin, rest)), floor)
            bend = narrow.abs(narrow.load(base, row_of(builder, layout.bend, i)))
            excess = narrow.sub(bend, narrow.mul(size, narrow.number(ROUGH)))
            rough = narrow.larger(narrow.load(base, layout.rough), excess)
            narrow.store(rough, base, layout.rough)
            added = v.from_(narrow, narrow.load(base, row_of(builder, layout.moved, i)))
            now = v.add(v.load(state, i), added)
            v.store(now, state, i)
            narrow.store(narrow.from_(v, now), base, row_of(builder, layout.begin, i))
            return context.get_dummy_value()

        one = types.float64
        return types.void(slots, buffer, one, one, whole), generate

    places, pairs = types.Array(types.int64, 1, "C"), types.Array(types.int64, 2, "C")

    @intrinsic
    def drive(
        typing: Any, w: Any, out: Any, hours: Any, parts: Any, e: Any, width: Any, listed: Any, i: Any, j: Any,
        grown: Any, growing: Any, k: Any, m: Any, fed: Any, fed_parts: Any, f: Any, fed_grown: Any, inverse: Any,
    ) -> Any:  # fmt: skip
        def write(builder: Any, *arguments: Any) -> None:
            by_parts(builder, lambda v, slot: _lane_drivers.drive(v, slot, *arguments))

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            given = data_of(context, builder, signature.args, arguments)
            function = _part(builder.module, "lanes_drive", [a.type for a in given], write)
            builder.call(function, given)
            return context.get_dummy_value()

        return types.void(
            slots, whole, types.float64, buffer, buffer, whole, places, whole, whole, buffer, pairs, whole, whole,
            types.boolean, buffer, buffer, buffer, buffer,
        ), generate  # fmt: skip

    @intrinsic
    def blend(
        typing: Any, to: Any, row: Any, w: Any, y: Any, rest: Any, weights: Any, i: Any
    ) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            out, row, base, state, rest, shares, i = data_of(
                context, builder, signature.args, arguments
            )
            v, narrow = vectors(builder), of_slot(builder)
            begin = narrow.load(base, row_of(builder, layout.begin, i))
            nodes = builder.mul(i, ir.Constant(LONG, NODES))
            rows = [row_of(builder, layout.stages + j, nodes) for j in range(NODES - 1)]
            added = [narrow.sub(narrow.load(base, node), begin) for node in rows]
            added += [
                narrow.load(base, row_of(builder, first, i))
                for first in (layout.moved, layout.bend)
            ]
            total = v.add(v.load(state, i), v.spread(rest))
            for j, part in enumerate(added):
                share = v.spread(builder.load(builder.gep(shares, [ir.Constant(LONG, 1 + j)])))
                total = v.add(total, v.mul(share, v.from_(narrow, part)))
            v.store(total, out, row)
            return context.get_dummy_value()

        one = types.float64
        return types.void(buffer, whole, slots, buffer, one, buffer, whole), generate

    return {
        "prepare": prepare,
        "evaluate": evaluate,
        "factor": factor,
        "advance": advance,
        "solve_still": solve_still,
        "solve_moving": solve_moving,
        "drive": drive,
        "blend": blend,
    }
