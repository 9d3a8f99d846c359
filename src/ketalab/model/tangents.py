"""Tangents: a model that also integrates how each of its states and outputs moves with one parameter.

The derivatives are taken of the symbols. With ``s`` for the logarithm of the parameter ``p`` and ``x'`` for ``dx/ds``,

    dx'/dt = A x' + (dA/ds) x
    dy_i'/dt = [dg_i/ds - (dk_i/ds) y_i] - k_i y_i'

where ``d/ds`` goes through everything that is read: ``d/ds = p d/dp + sum of u' d/du over the states u``. The tangents
of linear states are linear in the linear states, and each other tangent is linear in itself with the rate of its own
state, so the model has the form that the engine asks for, and what solves the one solves the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import sympy as sp

from ketalab.errors import TraceError, closest
from ketalab.model._form import cascade
from ketalab.model.tracing import Traced

_ZERO, _ONE = sp.Integer(0), sp.Integer(1)


def tangent_name(name: str) -> str:
    """The name of the tangent of a state or an output."""
    return f"tangent:{name}"


def with_tangent(model: Traced, parameter: str) -> Traced:
    """The model with the tangents of its states and outputs, ``d / d log parameter``, in the unit of each.

    Outputs have theirs under :func:`tangent_name`; states that the parameter does not reach have none. Everything else
    is as it was, so that the same people and courses fit. **Doses are not differentiated**: where the part of a dose
    that is absorbed, or that enters a state, depends on the parameter, the tangents lack what that adds. ``equations``
    stays that of the model itself.

    Raises
    ------
    TraceError
        A parameter that the model does not have, a model that has tangents, or one with a feedback loop, which tangents
        would double.
    """
    if parameter not in model.parameters:
        known = closest(parameter, model.parameters)
        raise TraceError(f"the model has no parameter {parameter!r}{known}")
    if any(tangent_name(name) in model.outputs for name in model.outputs):
        raise TraceError("the model has tangents already; take those of the model without them")
    p = model.symbols[parameter]
    symbols = dict(model.symbols)
    linear = [model.symbols[name] for name in model.linear]
    states = [model.symbols[name] for name in model.states]
    reached = _reached(model, linear, states, p)
    # The tangent of each state that moves.
    dots: dict[sp.Symbol, sp.Symbol] = {}
    for symbol, name in zip((*linear, *states), (*model.linear, *model.states), strict=True):
        if symbol in reached:
            dots[symbol] = symbols[tangent_name(name)] = sp.Symbol(tangent_name(name))
    moved_linear = [i for i, x in enumerate(linear) if x in dots]
    moved_states = [i for i, y in enumerate(states) if y in dots]
    slopes = _Slopes({p: p, **dots})
    gains = list(model.gain)
    for i in moved_states:
        gains.append(slopes.of(model.gain[i]) - slopes.of(model.rate[i]) * states[i])
    rates = (*model.rate, *(model.rate[i] for i in moved_states))
    names = (*model.states, *(tangent_name(model.states[i]) for i in moved_states))
    outputs = dict(model.outputs)
    outputs |= {tangent_name(name): slopes.of(e) for name, e in model.outputs.items()}
    reads = [
        {j for j, name in enumerate(names) if symbols[name] in g.free_symbols | k.free_symbols}
        for g, k in zip(gains, rates, strict=True)
    ]
    order, loop = cascade(reads, names)
    return replace(
        model,
        linear=(*model.linear, *(tangent_name(model.linear[i]) for i in moved_linear)),
        states=names,
        symbols=symbols,
        matrix=_matrix(model, moved_linear, slopes),
        gain=tuple(gains),
        rate=rates,
        outputs=outputs,
        # Nothing that a state starts from is a parameter's.
        initial=(*model.initial, *(0.0 for _ in moved_states)),
        order=order,
        loop=loop,
    )


def _reached(
    model: Traced, linear: list[sp.Symbol], states: list[sp.Symbol], p: sp.Symbol
) -> set[sp.Symbol]:
    """The states that a parameter moves, itself or through others."""
    reads: dict[sp.Symbol, set[sp.Symbol]] = {x: set() for x in linear}
    for (i, j), entry in model.matrix.todok().items():
        reads[linear[i]] |= {linear[j], *entry.free_symbols}
    for y, g, k in zip(states, model.gain, model.rate, strict=True):
        reads[y] = g.free_symbols | k.free_symbols
    found, new = set[sp.Symbol](), {p}
    while new:
        found |= new
        new = {state for state, read in reads.items() if read & new} - found
    return found - {p}


class _Slopes:
    """``d/ds`` of expressions, term by term; every part that equations share is differentiated once.

    At the corner of a larger or smaller of two the slope is the mean of both sides; steps have none.
    """

    def __init__(self, known: Mapping[sp.Basic, sp.Expr]) -> None:
        self._made: dict[sp.Basic, sp.Expr] = dict(known)

    def of(self, expression: sp.Expr) -> sp.Expr:
        """The slope of an expression; zero where nothing in it moves."""
        found = self._made.get(expression)
        if found is None:
            slopes = [self.of(part) for part in expression.args]
            moves = [i for i, slope in enumerate(slopes) if slope != 0]
            found = sp.Add(*(self._part(expression, i) * slopes[i] for i in moves))
            self._made[expression] = found
        return found

    def _part(self, expression: sp.Expr, i: int) -> sp.Expr:
        """The derivative of an operation by its argument ``i``."""
        parts = expression.args
        if expression.is_Add:
            return _ONE
        if expression.is_Mul:
            return sp.Mul(*parts[:i], *parts[i + 1 :])
        if expression.is_Pow:
            base, exponent = parts
            return exponent * base ** (exponent - 1) if i == 0 else expression * sp.log(base)
        if isinstance(expression, sp.Heaviside):
            return _ZERO
        if isinstance(expression, sp.Max | sp.Min) and len(parts) == 2:
            sign = 1 if isinstance(expression, sp.Max) else -1
            return sp.Heaviside(sign * (parts[i] - parts[1 - i]), evaluate=False)
        if isinstance(expression, sp.exp | sp.log):
            return expression.fdiff(1)
        raise TraceError(f"an equation has no tangent: {expression.func}")


def _matrix(model: Traced, moved: list[int], slopes: _Slopes) -> sp.ImmutableMatrix:
    """A of linear states and their tangents: A and nothing; dA/ds and A again."""
    n, places = len(model.linear), {row: i for i, row in enumerate(moved)}
    entries = {}
    for (i, j), entry in model.matrix.todok().items():
        entries[i, j] = entry
        if i in places:
            slope = slopes.of(entry)
            if slope != 0:
                entries[n + places[i], j] = slope
            if j in places:
                entries[n + places[i], n + places[j]] = entry
    size = n + len(moved)
    return sp.ImmutableSparseMatrix(size, size, entries)
