"""Modes as instructions for lanes: what :mod:`ketalab.engine._march` calls by name, all in double numbers.

``dot(out, row, a, at, z, listed, i, j)``  the sum of the modes listed from place i to before j, each by the weight of
    its place, counted from row ``at`` of a.
``take(out, row, x)``  what a row lacks of the same row of x.
``add_lanes(out, row, of, at)``  numbers of an array from a place on, added to a row.
``add_share(out, row, shares, i, weights, j, z, k)``  what a mode has part in, added to a row.
``put(to, at, of, row, count)``  the first lanes of a row, to a place of an array.
``decay(e, rates, hours, count)``  what is left of each of the rates' modes at the nodes of a step, ``count`` rows a
    node; ``gather`` what comes in at a rate of one, of which some decays again.
``go_on(now, e, f, z, u, fed, rates, past, listed, count)``  listed modes some hours after they were z, fed at rates u
    since where they are ``fed``; their decays and gatherings are left in e and f.
``grow(now, to, e, f, z, u, fed, rates, c, k, past, of)``  what a mode has by then from an equal one, c in row k.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ketalab.engine._layout import NODES
from ketalab.engine._radau import radau
from ketalab.engine._vectors import AT_ONCE, LONG, Loop, Vectors, data_of


def mode_functions(lanes: int) -> dict[str, Any]:
    """The parts by name, for functions that numba compiles; buffers are flat arrays of rows."""
    buffer, whole, one = types.Array(types.float64, 1, "C"), types.int64, types.float64
    places = types.Array(types.int64, 1, "C")
    some = min(lanes, AT_ONCE)
    parts = lanes // some

    def by_rows(b: Any, rows: Any, write: Any) -> None:
        """Row after row of a buffer, some lanes at a time; the row and the part of all rows are handed on."""
        narrow = Vectors(b, some)
        none, all_parts = ir.Constant(LONG, 0), ir.Constant(LONG, parts)
        with Loop(b, none, rows) as row, Loop(b, none, all_parts) as part:
            write(narrow, row, part)

    def part_of(b: Any, row: Any, part: Any) -> Any:
        return b.add(b.mul(row, ir.Constant(LONG, parts)), part)

    @intrinsic
    def dot(
        typing: Any, to: Any, out: Any, a: Any, row: Any, z: Any, listed: Any, i: Any, j: Any
    ) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            to, out, weights, row, modes, listed, first, last = data_of(
                context, builder, signature.args, arguments
            )
            v = Vectors(builder, lanes)
            total = cgutils.alloca_once(builder, v.kind)
            builder.store(v.number(0.0), total)
            with Loop(builder, first, last) as number:
                mode = builder.load(builder.gep(listed, [number]))
                weight = v.load(weights, builder.add(row, number))
                part = v.mul(weight, v.load(modes, mode))
                builder.store(v.add(builder.load(total), part), total)
            v.store(builder.load(total), to, out)
            return context.get_dummy_value()

        return types.void(buffer, whole, buffer, whole, buffer, places, whole, whole), generate

    @intrinsic
    def take(typing: Any, to: Any, row: Any, x: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            to, row, x = data_of(context, builder, signature.args, arguments)
            v = Vectors(builder, lanes)
            v.store(v.sub(v.load(x, row), v.load(to, row)), to, row)
            return context.get_dummy_value()

        return types.void(buffer, whole, buffer), generate

    @intrinsic
    def add_lanes(typing: Any, to: Any, row: Any, of: Any, at: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            to, row, of, at = data_of(context, builder, signature.args, arguments)
            v = Vectors(builder, lanes)
            more = v.load(builder.gep(of, [at]), 0)
            v.store(v.add(v.load(to, row), more), to, row)
            return context.get_dummy_value()

        return types.void(buffer, whole, buffer, whole), generate

    @intrinsic
    def add_share(
        typing: Any, to: Any, row: Any, shares: Any, i: Any, weights: Any, j: Any, z: Any, k: Any
    ) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            to, row, *rest = data_of(context, builder, signature.args, arguments)
            v = Vectors(builder, lanes)
            share, weight, mode = (v.load(*rest[i : i + 2]) for i in (0, 2, 4))
            v.store(v.add(v.load(to, row), v.mul(v.mul(share, weight), mode)), to, row)
            return context.get_dummy_value()

        return types.void(buffer, whole, *[buffer, whole] * 3), generate

    @intrinsic
    def put(typing: Any, to: Any, at: Any, of: Any, row: Any, count: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            to, at, of, row, count = data_of(context, builder, signature.args, arguments)
            v, b = Vectors(builder, lanes), builder
            place = b.gep(to, [at])
            with b.if_else(b.icmp_signed("==", count, ir.Constant(LONG, lanes))) as (full, cut):
                with full:
                    v.store(v.load(of, row), place, 0)
                with cut, Loop(b, ir.Constant(LONG, 0), count) as lane:
                    first = b.mul(row, ir.Constant(LONG, lanes))
                    b.store(b.load(b.gep(of, [b.add(first, lane)])), b.gep(place, [lane]))
            return context.get_dummy_value()

        return types.void(buffer, whole, buffer, whole, whole), generate

    def at_nodes(name: str) -> Any:
        """exp or ramp of rates times the hours until each node."""

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            to, rates, hours, count = data_of(context, builder, signature.args, arguments)
            b = builder
            for node, share in enumerate(radau(NODES).nodes):
                past = b.fmul(hours, ir.Constant(hours.type, float(share)))
                above = b.mul(count, ir.Constant(LONG, node))

                def write(
                    v: Vectors, row: Any, part: Any, past: Any = past, above: Any = above
                ) -> None:
                    spread = v.spread(past)
                    rate = v.load(rates, part_of(b, row, part))
                    made = getattr(v, name)(v.neg(v.mul(rate, spread)))
                    if name == "ramp":
                        made = v.mul(made, spread)
                    v.store(made, to, part_of(b, b.add(above, row), part))

                by_rows(b, count, write)
            return context.get_dummy_value()

        return types.void(buffer, buffer, one, whole), generate

    @intrinsic
    def decay(typing: Any, e: Any, rates: Any, hours: Any, count: Any) -> Any:
        return at_nodes("exp")

    @intrinsic
    def gather(typing: Any, f: Any, rates: Any, hours: Any, count: Any) -> Any:
        return at_nodes("ramp")

    @intrinsic
    def go_on(
        typing: Any, now: Any, e: Any, f: Any, z: Any, u: Any, fed: Any, rates: Any, past: Any, listed: Any, count: Any
    ) -> Any:  # fmt: skip
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            now, e, f, z, u, fed, rates, past, listed, count = data_of(
                context, builder, signature.args, arguments
            )
            b = builder

            def write(v: Vectors, number: Any, part: Any) -> None:
                row = part_of(b, b.load(b.gep(listed, [number])), part)
                away = v.neg(v.mul(v.load(rates, row), v.spread(past)))
                left = v.exp(away)
                v.store(left, e, row)
                v.store(v.mul(left, v.load(z, row)), now, row)
                with b.if_then(fed):
                    come = v.mul(v.ramp(away), v.spread(past))
                    v.store(come, f, row)
                    v.store(v.add(v.load(now, row), v.mul(come, v.load(u, row))), now, row)

            by_rows(b, count, write)
            return context.get_dummy_value()

        of = types.void(*[buffer] * 5, types.boolean, buffer, one, places, whole)
        return of, generate

    @intrinsic
    def grow(
        typing: Any, now: Any, to: Any, e: Any, f: Any, z: Any, u: Any, fed: Any, rates: Any, c: Any, k: Any, past: Any,
        of: Any,
    ) -> Any:  # fmt: skip
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            now, to, e, f, z, u, fed, rates, c, k, past, of = data_of(
                context, builder, signature.args, arguments
            )
            v = Vectors(builder, lanes)
            spread, share, left = v.spread(past), v.load(c, k), v.load(e, to)
            part = v.mul(v.mul(share, spread), v.load(z, of))
            v.store(v.add(v.load(now, to), v.mul(left, part)), now, to)
            with builder.if_then(fed):
                # The integral of t exp(-rate t), or of t where nothing decays.
                rate, none = v.load(rates, of), v.number(0.0)
                still = builder.fcmp_ordered("==", rate, none)
                safe = builder.select(still, v.number(1.0), rate)
                gone = v.div(v.sub(v.load(f, to), v.mul(spread, left)), safe)
                gone = builder.select(still, v.mul(v.mul(spread, spread), v.number(0.5)), gone)
                part = v.mul(share, v.mul(gone, v.load(u, of)))
                v.store(v.add(v.load(now, to), part), now, to)
            return context.get_dummy_value()

        kinds = (buffer, whole, *[buffer] * 4, types.boolean, buffer, buffer, whole, one, whole)
        return types.void(*kinds), generate

    return {
        "dot": dot,
        "take": take,
        "add_lanes": add_lanes,
        "add_share": add_share,
        "put": put,
        "decay": decay,
        "gather": gather,
        "go_on": go_on,
        "grow": grow,
    }
