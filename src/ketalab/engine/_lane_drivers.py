"""A driver at the nodes of a step as instructions for lanes: a sum of parts that decay as modes do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils

from ketalab.engine._layout import NODES
from ketalab.engine._radau import radau
from ketalab.engine._vectors import DOUBLE, LONG, Loop, Vectors

#: What drivers in single numbers are nothing below: the smallest ones lose digits, and processors time over them.
_LEAST = 1e-30


def drive(
    v: Vectors, narrow: Vectors, w: Any, out: Any, hours: Any, parts: Any, e: Any, width: Any, listed: Any, i: Any,
    j: Any, grown: Any, growing: Any, k: Any, m: Any, fed: Any, fed_parts: Any, f: Any, fed_grown: Any, inverse:
    Any,
) -> None:  # fmt: skip
    b = v.b
    totals = [cgutils.alloca_once(b, v.kind) for _ in range(NODES)]
    for total in totals:
        b.store(v.number(0.0), total)

    past = [v.spread(b.fmul(hours, ir.Constant(v.of.kind, float(c)))) for c in radau(NODES).nodes]

    def row(node: int, mode: Any) -> Any:
        return b.add(b.mul(width, ir.Constant(LONG, node)), mode)

    def add_nodes(value: Any, factor: Callable[[int], Any]) -> Any:
        """Add what a value is at the nodes; give the last of its factors."""
        for node, total in enumerate(totals):
            last = factor(node)
            b.store(v.add(b.load(total), v.mul(value, last)), total)
        return last

    def place_of(number: Any, column: int) -> Any:
        at = b.add(b.mul(number, ir.Constant(LONG, 2)), ir.Constant(LONG, column))
        return b.load(b.gep(growing, [at]))

    with Loop(b, i, j) as number:
        mode, part = b.load(b.gep(listed, [number])), v.load(parts, number)
        last = add_nodes(part, lambda node: v.load(e, row(node, mode)))
        v.store(v.mul(part, last), parts, number)
    with Loop(b, k, m) as number:
        # Grows with t exp(-rate t).
        to, mode, value = place_of(number, 0), place_of(number, 1), v.load(grown, number)
        last = add_nodes(value, lambda node: v.mul(v.load(e, row(node, mode)), past[node]))
        v.store(v.add(v.load(parts, to), v.mul(value, last)), parts, to)
        v.store(v.mul(value, v.load(e, row(NODES - 1, mode))), grown, number)
    with b.if_then(fed):
        with Loop(b, i, j) as number:
            mode, part = b.load(b.gep(listed, [number])), v.load(fed_parts, number)
            last = add_nodes(part, lambda node: v.load(f, row(node, mode)))
            v.store(v.add(v.load(parts, number), v.mul(part, last)), parts, number)
        with Loop(b, k, m) as number:
            # Grows with the integral of that, (f - t e) / rate, or with half of t squared where nothing decays.
            to, mode, value = place_of(number, 0), place_of(number, 1), v.load(fed_grown, number)
            back = v.load(inverse, mode)

            def factor(node: int) -> Any:
                decayed = v.sub(
                    v.load(f, row(node, mode)), v.mul(past[node], v.load(e, row(node, mode)))
                )
                still = v.mul(v.mul(past[node], past[node]), v.number(0.5))
                return v.choose_above(back, v.mul(decayed, back), still)

            last = add_nodes(value, factor)
            v.store(v.add(v.load(parts, to), v.mul(value, last)), parts, to)
            gathered = v.mul(value, v.load(f, row(NODES - 1, mode)))
            v.store(v.add(v.load(grown, number), gathered), grown, number)
    for node, total in enumerate(totals):
        made = narrow.from_(v, b.load(total))
        if narrow.of is not DOUBLE:
            small = b.and_(
                b.fcmp_ordered("<", made, narrow.number(_LEAST)),
                b.fcmp_ordered(">", made, narrow.number(-_LEAST)),
            )
            made = b.select(small, narrow.number(0.0), made)
        narrow.store(made, w, b.add(out, ir.Constant(LONG, node)))
