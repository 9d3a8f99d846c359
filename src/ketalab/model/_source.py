"""Equations written as the text of plain functions, for a compiler.

The text defines three functions and one number, over one vector ``z`` of all states and one vector ``given`` of what
a patient and a segment hold still (parameters, covariates, inputs):

- ``FIXED``, how many numbers ``prepare`` makes;
- ``prepare(given, out)`` writes everything that no state moves, once a segment;
- ``rates(z, fixed, out)`` writes dz/dt;
- ``jacobian(z, fixed, out)`` writes the partial derivatives that are not zero everywhere into a matrix of zeros.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sympy as sp
from sympy.printing.codeprinter import PrintMethodNotImplementedError
from sympy.printing.pycode import PythonCodePrinter

from ketalab.errors import TraceError


class _Printer(PythonCodePrinter):
    """Expressions as scalar NumPy code in which a number that is none stays none."""

    def __init__(self) -> None:
        functions = {"exp": "np.exp", "log": "np.log"}
        super().__init__({"user_functions": functions, "strict": True})

    def _print_Symbol(self, expr: sp.Symbol) -> str:
        return str(expr.name)  # places in a vector, such as z[3], are symbols of that name

    def _print_Pow(self, expr: sp.Pow, rational: bool = False) -> str:
        return str(self._hprint_Pow(expr, rational=rational, sqrt="np.sqrt"))

    # Python's own max(0.0, nan) is 0.0, which would hide a failure.
    def _print_Max(self, expr: sp.Max) -> str:
        return self._nested("np.maximum", expr)

    def _print_Min(self, expr: sp.Min) -> str:
        return self._nested("np.minimum", expr)

    def _nested(self, function: str, expr: sp.Expr) -> str:
        text = self._print(expr.args[0])
        for argument in expr.args[1:]:
            text = f"{function}({text}, {self._print(argument)})"
        return str(text)

    def _print_Heaviside(self, expr: sp.Heaviside) -> str:
        return f"(1.0 if {self._print(expr.args[0])} > 0.0 else 0.0)"


def _places(vector: str, symbols: Iterable[sp.Expr]) -> dict[sp.Expr, sp.Symbol]:
    return {symbol: sp.Symbol(f"{vector}[{i}]", real=True) for i, symbol in enumerate(symbols)}


class _Fixed:
    """Parts of expressions that no state moves, each replaced by its place in ``fixed``."""

    def __init__(self, moving: set[sp.Symbol]) -> None:
        self._moving = moving
        self.places: dict[sp.Expr, sp.Symbol] = {}

    def lift(self, expr: sp.Expr) -> sp.Expr:
        """The expression with its fixed parts replaced."""
        if expr.is_number:
            return expr
        if not expr.free_symbols & self._moving:
            place = sp.Symbol(f"fixed[{len(self.places)}]", real=True)
            return self.places.setdefault(expr, place)
        if expr.is_Symbol:
            return expr
        if expr.is_Add or expr.is_Mul:
            still, rest = expr.as_independent(*self._moving, as_Add=expr.is_Add)
            parts = rest.args if rest.func == expr.func else (rest,)
            return expr.func(self.lift(still), *(self.lift(part) for part in parts))
        # As it is written: sympy would spend seconds to find out which of the two is the larger.
        plain = {"evaluate": False} if isinstance(expr, sp.Max | sp.Min) else {}
        return expr.func(*(self.lift(part) for part in expr.args), **plain)


def _function(name: str, arguments: str, values: dict[str, sp.Expr]) -> list[str]:
    """Lines of a function that writes values into places of ``out``; what they share is computed once."""
    printer = _Printer()
    shared, results = sp.cse(list(values.values()), symbols=sp.numbered_symbols("t"))
    try:
        return [
            f"def {name}({arguments}, out):",
            *(f"    {symbol.name} = {printer.doprint(value)}" for symbol, value in shared),
            *(f"    out[{t}] = {printer.doprint(r)}" for t, r in zip(values, results, strict=True)),
            *([] if values else ["    pass"]),
        ]
    except PrintMethodNotImplementedError as error:
        why = str(error).splitlines()[0]
        raise TraceError(f"an equation cannot be written for the checker: {why}") from None


def write_source(
    states: Sequence[sp.Symbol],
    rates: Sequence[sp.Expr],
    given: Sequence[sp.Symbol],
    matrix: sp.ImmutableMatrix | None = None,
) -> str:
    """The text of ``dz/dt`` and its Jacobian; see the head of this module.

    ``given`` are the symbols of the vector of that name, in its order. With a ``matrix`` the first states are linear,
    ``dx/dt = matrix x``, and ``rates`` are those of the others. The same equations give the same text in every process.

    Raises
    ------
    TraceError
        A function that has no code.
    """
    table = {**_places("z", states), **_places("given", given)}
    z = [table[state] for state in states]
    n = 0 if matrix is None else matrix.rows
    entries = {} if matrix is None else matrix.todok()
    slopes = {place: entry.xreplace(table) for place, entry in sorted(entries.items())}
    linear = [
        sp.Add(*(slopes[i, j] * z[j] for j in range(n) if (i, j) in slopes)) for i in range(n)
    ]
    others = [rate.xreplace(table) for rate in rates]
    for i, rate in enumerate(others, start=n):
        read = rate.free_symbols
        for j, state in enumerate(z):
            if state in read and (slope := sp.diff(rate, state)) != 0:
                slopes[i, j] = slope
    written = [*linear, *others]
    fixed = _Fixed(set(z))
    moving = {str(i): fixed.lift(rate) for i, rate in enumerate(written)}
    lifted = {f"{i}, {j}": fixed.lift(slope) for (i, j), slope in slopes.items()}
    still = {str(i): part for i, part in enumerate(fixed.places)}
    lines = [
        f"FIXED = {len(still)}",
        *_function("prepare", "given", still),
        *_function("rates", "z, fixed", moving),
        *_function("jacobian", "z, fixed", lifted),
    ]
    return "\n".join(lines) + "\n"
