"""Vectors of one number a lane, as LLVM's own instructions, with exp, log and pow of all lanes at once.

A sum of a product is fused (FMA) wherever one is written, and nothing is left to the compiler to fuse or reorder: a
lane's bytes depend on no other lane, and not on which processor fuses what. Numbers are double or single; functions are
right to about 1e-13 and 1e-7 of their value. What is no number stays none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

LONG = ir.IntType(64)
#: Lanes at a time where much is written out: as many as fit into the registers of a processor.
AT_ONCE = 8
#: The logarithm of nothing, where it is to be multiplied by what may be nothing.
_FAR = -1e30
#: Down to here a difference of exp from one is taken from the series.
_NEAR = 0.4


@dataclass(frozen=True)
class Precision:
    """How numbers are written: their type, and what exp and log take from its bits.

    ``exp_terms`` of the series of exp on half of ln 2 and ``log_terms`` of that of log on the root of two leave no
    more than rounding. Adding and taking away ``rounder`` rounds to a whole number, which then stands in the lowest
    bits. ``high`` and ``low`` add up to ln 2, and whole numbers times ``high`` are exact.
    """

    name: str
    kind: Any
    whole: Any
    numpy: type
    mantissa: int
    exp_terms: int
    log_terms: int
    largest: float
    smallest: float
    normal: float
    high: float
    low: float

    @property
    def rounder(self) -> float:
        return 1.5 * 2.0**self.mantissa

    def bits_of(self, value: float) -> int:
        of = np.int64 if self.mantissa > 23 else np.int32
        return int(self.numpy(value).view(of))


DOUBLE = Precision(
    "f64", ir.DoubleType(), ir.IntType(64), np.float64, 52, 14, 11, 709.0, -708.3, 2.3e-308,
    0.693147180369123816490, 1.90821492927058770002e-10,
)  # fmt: skip
SINGLE = Precision(
    "f32", ir.FloatType(), ir.IntType(32), np.float32, 23, 8, 5, 88.0, -87.3, 1.18e-38,
    0.693359375, -2.12194440054690583e-4,
)  # fmt: skip


class Vectors:
    """A builder whose numbers are vectors, ``lanes`` wide: those of a row from ``first`` on, of ``row`` numbers
    in all."""

    def __init__(
        self, builder: Any, lanes: int, of: Precision = DOUBLE, *, row: int = 0, first: Any = None
    ) -> None:
        self.b, self.lanes, self.of = builder, lanes, of
        self.row, self.first = row or lanes, first
        self.kind = ir.VectorType(of.kind, lanes)
        self.bits = ir.VectorType(of.whole, lanes)

    def number(self, value: float) -> Any:
        return ir.Constant(self.kind, [float(self.of.numpy(value))] * self.lanes)

    def from_(self, other: Vectors, x: Any) -> Any:
        """The numbers of another precision in this one."""
        if other.of is self.of:
            return x
        narrower = other.of.mantissa > self.of.mantissa
        return self.b.fptrunc(x, self.kind) if narrower else self.b.fpext(x, self.kind)

    def spread(self, value: Any) -> Any:
        """A number of the program in every lane."""
        none = ir.Constant(self.kind, ir.Undefined)
        first = self.b.insert_element(none, value, ir.Constant(ir.IntType(32), 0))
        mask = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [0] * self.lanes)
        return self.b.shuffle_vector(first, first, mask)

    def scalar(self, value: Any) -> Any:
        """A double number of the program in this precision."""
        return value if self.of is DOUBLE else self.b.fptrunc(value, self.of.kind)

    def whole(self, value: int) -> Any:
        return ir.Constant(self.bits, [value] * self.lanes)

    def place(self, base: Any, row: Any) -> Any:
        """Pointer to a row of a buffer, a constant or a number of the program."""
        if isinstance(row, int):
            row = ir.Constant(LONG, row)
        at = self.b.mul(row, ir.Constant(LONG, self.row))
        if self.first is not None:
            at = self.b.add(at, self.first)
        at = self.b.gep(base, [at])
        return self.b.bitcast(at, self.kind.as_pointer())

    def load(self, base: Any, row: Any) -> Any:
        return self.b.load(self.place(base, row), align=8)

    def store(self, value: Any, base: Any, row: Any) -> None:
        self.b.store(value, self.place(base, row), align=8)

    def _fuse(self, x: Any, y: Any, z: Any) -> Any:
        """x y + z with one rounding."""
        kind = ir.FunctionType(self.kind, [self.kind] * 3)
        name = f"llvm.fma.v{self.lanes}{self.of.name}"
        return self.b.call(cgutils.get_or_insert_function(self.b.module, kind, name), [x, y, z])

    @staticmethod
    def _factors(x: Any) -> Any:
        """What a product is made of, or nothing; it is not computed where all its sums are fused."""
        return x.operands if getattr(x, "opname", "") == "fmul" else None

    def add(self, x: Any, y: Any) -> Any:
        for product, other in ((x, y), (y, x)):
            if factors := self._factors(product):
                one, two = factors
                return self._fuse(one, two, other)
        return self.b.fadd(x, y)

    def sub(self, x: Any, y: Any) -> Any:
        if factors := self._factors(y):
            return self._fuse(self.b.fneg(factors[0]), factors[1], x)
        if factors := self._factors(x):
            one, two = factors
            return self._fuse(one, two, self.b.fneg(y))
        return self.b.fsub(x, y)

    def mul(self, x: Any, y: Any) -> Any:
        return self.b.fmul(x, y)

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

    def larger(self, x: Any, y: Any) -> Any:
        """The larger of two; x where either is no number."""
        return self._choose("<", x, y, y, x)

    def abs(self, x: Any) -> Any:
        kind = ir.FunctionType(self.kind, [self.kind])
        name = f"llvm.fabs.v{self.lanes}{self.of.name}"
        function = cgutils.get_or_insert_function(self.b.module, kind, name)
        return self.b.call(function, [x])

    def above(self, x: Any) -> Any:
        return self._choose(">", x, self.number(0.0), self.number(1.0), self.number(0.0))

    def choose_above(self, test: Any, one: Any, two: Any) -> Any:
        """The one where ``test`` is above nothing, else the other."""
        return self._choose(">", test, self.number(0.0), one, two)

    def sqrt(self, x: Any) -> Any:
        kind = ir.FunctionType(self.kind, [self.kind])
        name = f"llvm.sqrt.v{self.lanes}{self.of.name}"
        function = cgutils.get_or_insert_function(self.b.module, kind, name)
        return self.b.call(function, [x])

    def series(self, x: Any, terms: Sequence[float]) -> Any:
        """Sum of terms[i] x**i, in pairs and pairs of pairs (Estrin), which wait for each other less than a
        chain does."""
        parts = [self.number(term) for term in terms]
        while len(parts) > 1:
            pairs = [
                self.add(self.mul(high, x), low)
                for low, high in zip(parts[::2], parts[1::2], strict=False)
            ]
            parts = pairs + parts[2 * len(pairs) :]
            if len(parts) > 1:
                x = self.mul(x, x)
        return parts[0]

    def _exp_parts(self, x: Any) -> tuple[Any, Any]:
        """A power of two, and what it is to be multiplied by to make exp(x), less one. What is no number stays none."""
        # Ends before numbers do, near nothing and near the largest.
        of = self.of
        low, high = self.number(of.smallest), self.number(of.largest)
        x = self._choose(">", low, x, low, x)
        x = self._choose("<", high, x, high, x)
        rounder = self.number(of.rounder)
        shifted = self.add(self.mul(x, self.number(1 / math.log(2))), rounder)
        halvings = self.b.fsub(shifted, rounder)
        rest = self.sub(x, self.mul(halvings, self.number(of.high)))
        rest = self.sub(rest, self.mul(halvings, self.number(of.low)))
        more = self.series(rest, [1 / math.factorial(i + 1) for i in range(of.exp_terms - 1)])
        raised = self.b.shl(self.b.bitcast(shifted, self.bits), self.whole(of.mantissa))
        one = self.b.bitcast(self.number(1.0), self.bits)
        return self.b.bitcast(self.b.add(one, raised), self.kind), self.b.fmul(rest, more)

    def exp(self, x: Any) -> Any:
        scale, more = self._exp_parts(x)
        made = self.b.fmul(scale, self.b.fadd(more, self.number(1.0)))
        return self._choose("<=", x, self.number(self.of.smallest), self.number(0.0), made)

    def expm1(self, x: Any) -> Any:
        """``exp(x) - 1``, as exact near nothing as elsewhere."""
        scale, more = self._exp_parts(x)
        return self._fuse(scale, more, self.b.fsub(scale, self.number(1.0)))

    def ramp(self, x: Any) -> Any:
        """``(exp(x) - 1) / x``, and 1 at nothing."""
        near = self.series(x, [1 / math.factorial(i + 1) for i in range(self.of.exp_terms)])
        far = self.div(self.sub(self.exp(x), self.number(1.0)), x)
        return self._choose(">", x, self.number(-_NEAR), near, far)

    def _log(self, x: Any, near: Any = None, less: Any = None, least: float = -math.inf) -> Any:
        """log of x; ``less`` is x - 1 where x is ``near`` it and that is known better than x.

        That of nothing is ``least``.
        """
        b, of = self.b, self.of
        bits = b.bitcast(x, self.bits)
        # The exponent counted from the root of one half, so that the share lies evenly about one.
        moved = b.sub(bits, self.whole(of.bits_of(math.sqrt(0.5))))
        exponent = b.ashr(moved, self.whole(of.mantissa))
        share = b.bitcast(b.sub(bits, b.shl(exponent, self.whole(of.mantissa))), self.kind)
        if of is SINGLE:
            count = b.sitofp(exponent, self.kind)
        else:  # processors turn no long whole numbers into others at once
            rounder = b.add(exponent, self.whole(of.bits_of(of.rounder)))
            count = b.fsub(b.bitcast(rounder, self.kind), self.number(of.rounder))
        one = self.number(1.0)
        rest = b.fsub(share, one)
        if near is not None:
            known = b.and_(near, b.icmp_signed("==", exponent, self.whole(0)))
            rest = b.select(known, less, rest)
        s = self.div(rest, b.fadd(share, one))
        square = b.fmul(s, s)
        tail = self.series(square, [2 / (2 * i + 1) for i in range(of.log_terms)])
        made = self.add(self.mul(count, self.number(of.low)), self.mul(s, tail))
        made = self.add(self.mul(count, self.number(of.high)), made)
        none = self.number(math.nan)
        other = self._choose("==", x, self.number(0.0), self.number(least), none)
        return self._choose(">=", x, self.number(of.normal), made, other)

    def log(self, x: Any) -> Any:
        return self._log(x)

    def pow(self, x: Any, y: Any) -> Any:
        # Anything to the power of nothing is one, nothing too: so the logarithm of nothing is a number.
        return self.exp(self.mul(y, self._log(x, least=_FAR)))

    def lift(self, x: Any, base: Any, inverse: Any, y: Any, power: Any) -> Any:
        """``(base + x)**y - base**y``, as exact for a small x as for others; ``inverse`` of the base and
        ``power`` are known."""
        b, one = self.b, self.number(1.0)
        less = b.fmul(x, inverse)
        near = b.and_(b.fcmp_ordered("<", less, one), b.fcmp_ordered(">", less, self.number(-0.5)))
        ratio = b.select(near, b.fadd(less, one), b.fadd(x, base))
        log = self._log(ratio, near, less, _FAR)
        scale, more = self._exp_parts(b.fmul(y, log))
        # Above: power (exp - 1). Else: exp - power.
        start = b.fsub(scale, b.select(near, one, power))
        made = self._fuse(scale, more, start)
        return b.select(near, b.fmul(power, made), made)


def data_of(
    context: Any, builder: Any, kinds: Sequence[Any], arguments: Sequence[Any]
) -> list[Any]:
    """Arguments of an intrinsic, arrays as pointers to their first number."""
    return [
        context.make_array(kind)(context, builder, value=a).data
        if isinstance(kind, types.Array)
        else a
        for kind, a in zip(kinds, arguments, strict=True)
    ]


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
        self.counter = b.phi(LONG)
        self.counter.add_incoming(self.first, before)
        b.cbranch(b.icmp_signed("<", self.counter, self.last), body, self.after)
        b.position_at_end(body)
        return self.counter

    def __exit__(self, *_: object) -> None:
        b = self.b
        self.counter.add_incoming(b.add(self.counter, ir.Constant(LONG, 1)), b.block)
        b.branch(self.test)
        b.position_at_end(self.after)
