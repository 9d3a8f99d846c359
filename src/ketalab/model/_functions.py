"""Expressions as the text of functions for NumPy; what they share is computed once."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import sympy as sp
from sympy.printing.numpy import NumPyPrinter


class _Places(NumPyPrinter):
    """NumPy code in which some names are places in arguments: what is not used need not be taken out of them."""

    def __init__(self, places: Mapping[str, str]) -> None:
        super().__init__({"fully_qualified_modules": False, "inline": True})
        self._places = places

    def _print_Symbol(self, expr: sp.Symbol) -> str:
        return self._places.get(expr.name, str(expr.name))


def write_function(groups: Sequence[Sequence[str]], made: sp.Expr | list[sp.Expr]) -> str:
    """A function of groups of named values that gives an expression's value, or a list of them."""
    places = {
        name: f"a{number}[{place}]"
        for number, group in enumerate(groups)
        for place, name in enumerate(group)
    }
    # Names of what is shared must be nobody else's.
    letter = "t"
    while any(name.startswith(letter) for name in places):
        letter += "_"

    def share(expressions: Any) -> Any:
        return sp.cse(expressions, symbols=sp.numbered_symbols(letter), list=False)

    arguments = [sp.Symbol(f"a{number}") for number in range(len(groups))]
    function = sp.lambdify(arguments, made, "numpy", cse=share, printer=_Places(places))
    return inspect.getsource(function)
