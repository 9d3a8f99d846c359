"""The layers' equations run once with symbols; inputs are then replaced by the outputs that feed them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy as sp

from ketalab.errors import TraceError
from ketalab.model.contract import DOSE, Layer, Values
from ketalab.model.joining import Joined


class SymbolicMaths:
    """The mathematics namespace for symbols."""

    exp = staticmethod(sp.exp)
    log = staticmethod(sp.log)
    sqrt = staticmethod(sp.sqrt)

    @staticmethod
    def maximum(x: Any, y: Any) -> sp.Expr:
        """The larger one, as it is written: sympy would spend seconds to find out which of the two it is."""
        return sp.Max(x, y, evaluate=False)

    @staticmethod
    def minimum(x: Any, y: Any) -> sp.Expr:
        """The smaller one, as it is written."""
        return sp.Min(x, y, evaluate=False)


def run_layers(
    joined: Joined,
) -> tuple[dict[str, sp.Symbol], dict[str, sp.Expr], dict[str, sp.Expr]]:
    """Run every layer's equations with symbols; inputs are placeholders, then replaced by outputs."""
    symbols: dict[str, sp.Symbol] = {}
    rates: dict[str, sp.Expr] = {}
    outputs: dict[str, sp.Expr] = {}

    def symbol(name: str) -> sp.Symbol:
        return symbols.setdefault(name, sp.Symbol(name))

    feeds = {(c.reader, c.port.name): c for c in joined.connections}
    for layer in joined.layers:
        values: dict[str, Any] = {}
        for port in layer.inputs:
            factor = feeds[layer.name, port.name].factor
            values[port.name] = symbol(port.name) * factor if factor != 1 else symbol(port.name)
        for parameter in layer.parameters:
            values[parameter.name] = symbol(f"{layer.name}.{parameter.name}")
        for name in (*(c.name for c in layer.covariates), *(s.name for s in layer.states)):
            values[name] = symbol(name)
        made = layer.equations(SymbolicMaths(), Values(values))
        _complete(layer, made.rates, made.outputs)
        rates |= {name: sp.sympify(expr, strict=True) for name, expr in made.rates.items()}
        outputs |= {name: sp.sympify(expr, strict=True) for name, expr in made.outputs.items()}
    return symbols, rates, outputs


def share_names(layer: Layer) -> dict[str, frozenset[str]]:
    """Names that each of a layer's shares reads, parameters as ``layer.parameter``."""
    if layer.shares is None:
        return {}
    declared = (*DOSE, *(i.name for i in layer.inputs), *(c.name for c in layer.covariates))
    values = {name: sp.Symbol(name) for name in declared}
    values |= {p.name: sp.Symbol(f"{layer.name}.{p.name}") for p in layer.parameters}
    made = layer.shares(SymbolicMaths(), Values(values))
    return {
        name: frozenset(symbol.name for symbol in sp.sympify(share, strict=True).free_symbols)
        for name, share in made.items()
    }


def _complete(layer: Layer, rates: Mapping[str, Any], outputs: Mapping[str, Any]) -> None:
    for what, given, declared in (
        ("rate", rates, {s.name for s in layer.states}),
        ("output", outputs, {o.name for o in layer.outputs}),
    ):
        if set(given) != declared:
            odd = sorted(set(given) ^ declared)[0]
            side = "declared but not given" if odd in declared else "given but not declared"
            raise TraceError(f"layer {layer.name!r}: {what} of {odd!r} is {side}")


def _replaced(expression: sp.Basic, memo: dict[sp.Basic, sp.Basic]) -> sp.Basic:
    """The expression with what ``memo`` holds put in its place.

    Every part is rebuilt once and remembered: equations share parts, which ``xreplace`` would walk again and again.
    """
    found = memo.get(expression)
    if found is None:
        old = expression.args
        new = tuple(_replaced(part, memo) for part in old)
        same = all(a is b for a, b in zip(old, new, strict=True))
        plain = {"evaluate": False} if isinstance(expression, sp.Max | sp.Min) else {}
        found = expression if same else expression.func(*new, **plain)
        memo[expression] = found
    return found


def substitute_inputs(
    joined: Joined,
    symbols: Mapping[str, sp.Symbol],
    expressions: dict[str, sp.Expr],
    outputs: dict[str, sp.Expr],
) -> dict[str, sp.Expr]:
    """Replace connected inputs by the outputs that feed them, until none is left."""
    fed = {c.port.name for c in joined.connections if c.source is not None}
    table = {symbols[name]: outputs[name] for name in fed if name in symbols}
    result = expressions
    for _ in range(len(joined.layers) + 1):
        if not any(e.free_symbols & table.keys() for e in result.values()):
            return result
        memo: dict[sp.Basic, sp.Basic] = dict(table)
        result = {name: _replaced(e, memo) for name, e in result.items()}
    circle = sorted(str(s) for e in result.values() for s in e.free_symbols & table.keys())
    raise TraceError(
        f"outputs depend on each other in a circle without a state: {', '.join(circle[:4])}"
    )
