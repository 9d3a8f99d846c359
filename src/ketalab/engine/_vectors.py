"""Vectors of one number a lane, as LLVM's own instructions, with exp, log and pow of all lanes at once.

Additions and multiplications may be fused (FMA), and nothing else is reordered, so that a lane's bytes depend on no
other lane. The functions are right to about 1e-13 of their value; what is no number stays none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils

_FUSED = ("contract",)
_DOUBLE, _LONG = ir.DoubleType(), ir.IntType(64)
#: Terms of the series of exp on half of ln 2, and of log on the root of two: the remainder is 1e-13.
_EXP_TERMS, _LOG_TERMS = 11, 8
#: Down to here a difference of exp from one is taken from the series.
_NEAR = 0.4
#: Adding and taking away this number rounds to a whole one, which then stands in the lowest bits.
_ROUNDER = 1.5 * 2.0**52
_ROUNDER_BITS = 0x4338000000000000
_LARGEST, _SMALLEST = 709.78, -708.3
_LN2_HIGH, _LN2_LOW = 0.693147180369123816490, 1.90821492927058770002e-10


class Vectors:
    """A builder whose numbers are vectors, ``lanes`` wide."""

    def __init__(self, builder: Any, lanes: int) -> None:
        self.b, self.lanes = builder, lanes
        self.kind = ir.VectorType(_DOUBLE, lanes)
        self.bits = ir.VectorType(_LONG, lanes)

    def number(self, value: float) -> Any:
        return ir.Constant(self.kind, [value] * self.lanes)

    def spread(self, value: Any) -> Any:
        """A number of the program in every lane."""
        none = ir.Constant(self.kind, ir.Undefined)
        first = self.b.insert_element(none, value, ir.Constant(ir.IntType(32), 0))
        mask = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [0] * self.lanes)
        return self.b.shuffle_vector(first, first, mask)

    def whole(self, value: int) -> Any:
        return ir.Constant(self.bits, [value] * self.lanes)

    def place(self, base: Any, row: Any) -> Any:
        """Pointer to a row of a buffer, a constant or a number of the program."""
        if isinstance(row, int):
            row = ir.Constant(_LONG, row)
        at = self.b.gep(base, [self.b.mul(row, ir.Constant(_LONG, self.lanes))])
        return self.b.bitcast(at, self.kind.as_pointer())

    def load(self, base: Any, row: Any) -> Any:
        return self.b.load(self.place(base, row), align=8)

    def store(self, value: Any, base: Any, row: Any) -> None:
        self.b.store(value, self.place(base, row), align=8)

    def add(self, x: Any, y: Any) -> Any:
        return self.b.fadd(x, y, flags=_FUSED)

    def sub(self, x: Any, y: Any) -> Any:
        return self.b.fsub(x, y, flags=_FUSED)

    def mul(self, x: Any, y: Any) -> Any:
        return self.b.fmul(x, y, flags=_FUSED)

    def div(self, x: Any, y: Any) -> Any:
        return self.b.fdiv(x, y)

    def neg(self, x: Any) -> Any:
        return self.b.fneg(x)

    def _choose(self, test: str, x: Any, y: Any, one: Any, two: Any) -> Any:
        return self.b.select(self.b.fcmp_ordered(test, x, y), one, two)

    def _or_none(self, x: Any, value: Any) -> Any:
        """The value, and x where x is no number."""
        return self.b.select(self.b.fcmp_unordered("uno", x, x), x, value)

    def max(self, x: Any, y: Any) -> Any:
        # What is no number stays none: x by the last line, y because no comparison with it holds.
        return self._or_none(x, self._choose(">=", x, y, x, y))

    def min(self, x: Any, y: Any) -> Any:
        return self._or_none(x, self._choose("<=", x, y, x, y))

    def above(self, x: Any) -> Any:
        return self._choose(">", x, self.number(0.0), self.number(1.0), self.number(0.0))

    def sqrt(self, x: Any) -> Any:
        kind = ir.FunctionType(self.kind, [self.kind])
        name = f"llvm.sqrt.v{self.lanes}f64"
        function = cgutils.get_or_insert_function(self.b.module, kind, name)
        return self.b.call(function, [x])

    def series(self, x: Any, terms: Sequence[float]) -> Any:
        """Sum of terms[i] x**i by Horner's rule."""
        total = self.number(terms[-1])
        for term in reversed(terms[:-1]):
            total = self.add(self.mul(total, x), self.number(term))
        return total

    def exp(self, x: Any) -> Any:
        # Ends before numbers do, at nothing below 3e-308 and at 8e307. What is no number passes both.
        low, high = self.number(_SMALLEST), self.number(_LARGEST)
        x = self._choose(">", low, x, low, x)
        x = self._choose("<", high, x, high, x)
        shifted = self.add(
            self.mul(x, self.number(1 / math.log(2))), self.number(_ROUNDER)
        )  # fused or not: the remainder below makes up for either
        halvings = self.b.fsub(shifted, self.number(_ROUNDER))
        rest = self.sub(x, self.mul(halvings, self.number(_LN2_HIGH)))
        rest = self.sub(rest, self.mul(halvings, self.number(_LN2_LOW)))
        power = self.series(rest, [1 / math.factorial(i) for i in range(_EXP_TERMS)])
        raised = self.b.shl(self.b.bitcast(shifted, self.bits), self.whole(52))
        made = self.b.bitcast(self.b.add(self.b.bitcast(power, self.bits), raised), self.kind)
        made = self._choose("<=", x, low, self.number(0.0), made)
        return self._or_none(x, made)

    def ramp(self, x: Any) -> Any:
        """``(exp(x) - 1) / x``, and 1 at nothing."""
        near = self.series(x, [1 / math.factorial(i + 1) for i in range(_EXP_TERMS)])
        far = self.div(self.sub(self.exp(x), self.number(1.0)), x)
        return self._choose(">", x, self.number(-_NEAR), near, far)

    def log(self, x: Any) -> Any:
        b = self.b
        bits = b.bitcast(x, self.bits)
        # The exponent counted from the root of one half, so that the share lies evenly about one.
        offset = np.float64(math.sqrt(0.5)).view(np.int64).item()
        moved = b.sub(bits, self.whole(offset))
        exponent = b.ashr(moved, self.whole(52))
        share = b.bitcast(b.sub(bits, b.shl(exponent, self.whole(52))), self.kind)
        count = b.fsub(
            b.bitcast(b.add(exponent, self.whole(_ROUNDER_BITS)), self.kind),
            self.number(_ROUNDER),
        )
        less = b.fsub(share, self.number(1.0))
        s = self.div(less, self.add(share, self.number(1.0)))
        square = self.mul(s, s)
        tail = self.series(square, [2 / (2 * i + 1) for i in range(_LOG_TERMS)])
        made = self.add(
            self.mul(count, self.number(_LN2_HIGH)),
            self.add(self.mul(count, self.number(_LN2_LOW)), self.mul(s, tail)),
        )
        none, low = self.number(math.nan), self.number(-math.inf)
        other = self._choose("==", x, self.number(0.0), low, none)
        return self._choose(">=", x, self.number(2.3e-308), made, other)

    def pow(self, x: Any, y: Any) -> Any:
        # Anything to the power of nothing is one, nothing too.
        made = self.exp(self.mul(y, self.log(x)))
        return self._choose("==", y, self.number(0.0), self.number(1.0), made)


class Loop:
    """A loop of the program from ``first`` to before ``last``; gives the counter."""

    def __init__(self, builder: Any, first: Any, last: Any) -> None:
        self.b, self.first, self.last = builder, first, last

    def __enter__(self) -> Any:
        b = self.b
        before = b.block
        self.test, body, self.after = (b.append_basic_block() for _ in range(3))
        b.branch(self.test)
        b.position_at_end(self.test)
        self.counter = b.phi(_LONG)
        self.counter.add_incoming(self.first, before)
        b.cbranch(b.icmp_signed("<", self.counter, self.last), body, self.after)
        b.position_at_end(body)
        return self.counter

    def __exit__(self, *_: object) -> None:
        b = self.b
        self.counter.add_incoming(b.add(self.counter, ir.Constant(_LONG, 1)), b.block)
        b.branch(self.test)
        b.position_at_end(self.after)
