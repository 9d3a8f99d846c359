"""Tracing: the layers' equations run once with symbols, their form is checked, and numeric functions are made.

The form that the engine asks for, checked here and rejected by the state's name with the offending term:

- states of a *linear* layer are linear and homogeneous in the linear states, with coefficients that no state and
  no input moves: ``dx/dt = A(parameters) x``;
- every other state is linear in itself: ``dy/dt = g - k y`` where neither ``g`` nor ``k`` holds ``y``;
- the other states form a cascade, with at most one feedback loop through one state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy as sp

from ketalab.errors import TraceError
from ketalab.model._source import write_source
from ketalab.model.contract import Equations, Layer, Values
from ketalab.model.joining import Joined

Function = Callable[..., Any]


class _SymbolicMaths:
    """The mathematics namespace for symbols."""

    exp = staticmethod(sp.exp)
    log = staticmethod(sp.log)
    sqrt = staticmethod(sp.sqrt)
    maximum = staticmethod(sp.Max)
    minimum = staticmethod(sp.Min)


@dataclass(frozen=True, eq=False)
class Traced:
    """The model as symbols: what the engine, exports and the manual are derived from.

    ``linear`` and ``states`` name the linear and the other states; ``parameters``, ``covariates`` and
    ``inputs`` the arguments that every function takes after them. ``matrix`` is A; ``gain[i]`` and
    ``rate[i]`` are g and k of ``states[i]``; ``order`` lists states so that a state comes after those that
    it reads, and ``loop`` is the state through which the one feedback runs, if there is one.

    ``equations`` holds all rates and outputs as the layers wrote them: an input is the symbol of its own
    name times the unit factor of its connection, and a parameter of a layer is ``layer.parameter``.
    """

    joined: Joined
    linear: tuple[str, ...]
    states: tuple[str, ...]
    parameters: tuple[str, ...]
    covariates: tuple[str, ...]
    inputs: tuple[str, ...]
    symbols: Mapping[str, sp.Symbol]
    matrix: sp.ImmutableMatrix
    gain: tuple[sp.Expr, ...]
    rate: tuple[sp.Expr, ...]
    outputs: Mapping[str, sp.Expr]
    initial: tuple[float, ...]
    order: tuple[int, ...]
    loop: str | None
    equations: Equations

    @cached_property
    def _plain(self) -> dict[sp.Symbol, sp.Symbol]:
        """Every symbol by a name that Python can read; renaming here, once, spares each function most of its making."""
        return {s: sp.Symbol(f"v{i}", real=True) for i, s in enumerate(self.symbols.values())}

    def _symbols(self, *groups: tuple[str, ...]) -> list[list[sp.Symbol]]:
        return [[self.symbols[name] for name in group] for group in groups]

    def _function(
        self, groups: Sequence[tuple[str, ...]], made: sp.Expr | list[sp.Expr]
    ) -> Function:
        """A function of groups of named values that gives an expression's value, or a list of them."""
        arguments = [[self._plain[s] for s in group] for group in self._symbols(*groups)]
        plain = (
            [expression.xreplace(self._plain) for expression in made]
            if isinstance(made, list)
            else made.xreplace(self._plain)
        )
        return sp.lambdify(arguments, plain, "numpy", cse=True)

    @cached_property
    def drivers(self) -> tuple[int, ...]:
        """Indices of the linear states that the other states read."""
        used = set().union(*(e.free_symbols for e in (*self.gain, *self.rate)), set())
        return tuple(i for i, name in enumerate(self.linear) if self.symbols[name] in used)

    @cached_property
    def matrix_function(self) -> tuple[tuple[tuple[int, int], ...], Function]:
        """Places of the non-zero entries of A, and a function (parameters, covariates) -> entries."""
        places = tuple(
            (i, j)
            for i in range(len(self.linear))
            for j in range(len(self.linear))
            if self.matrix[i, j] != 0
        )
        entries = [self.matrix[i, j] for i, j in places]
        return places, self._function((self.parameters, self.covariates), entries)

    @cached_property
    def state_functions(self) -> tuple[tuple[Function, Function], ...]:
        """For each state (g, k), functions of (drivers, states, parameters, covariates, inputs)."""
        drivers = tuple(self.linear[i] for i in self.drivers)
        groups = (drivers, self.states, self.parameters, self.covariates, self.inputs)
        return tuple(
            (self._function(groups, g), self._function(groups, k))
            for g, k in zip(self.gain, self.rate, strict=True)
        )

    def constant_rate(self, index: int) -> bool:
        """Whether k of a state is the same at all times for a patient."""
        symbols = self.rate[index].free_symbols
        moving = (*self.linear, *self.states, *self.inputs)
        return not any(self.symbols[name] in symbols for name in moving)

    def output_function(self, name: str) -> Function:
        """A function (linear, states, parameters, covariates, inputs) -> the named output."""
        groups = (self.linear, self.states, self.parameters, self.covariates, self.inputs)
        return self._function(groups, self.outputs[name])

    @cached_property
    def rhs_function(self) -> Function:
        """The other states' rates, (linear, states, parameters, covariates, inputs) -> list."""
        groups = (self.linear, self.states, self.parameters, self.covariates, self.inputs)
        rates = [
            g - k * self.symbols[n]
            for g, k, n in zip(self.gain, self.rate, self.states, strict=True)
        ]
        return self._function(groups, rates)

    @cached_property
    def source(self) -> str:
        """The text of all rates and their Jacobian, linear states first; see :mod:`ketalab.model._source`."""
        linear, states = self._symbols(self.linear, self.states)
        rates = [
            *(self.matrix[i, :].dot(linear) for i in range(len(linear))),
            *(g - k * y for g, k, y in zip(self.gain, self.rate, states, strict=True)),
        ]
        given = self._symbols(self.parameters, self.covariates, self.inputs)
        return write_source([*linear, *states], rates, [s for group in given for s in group])


def _run(joined: Joined) -> tuple[dict[str, sp.Symbol], dict[str, sp.Expr], dict[str, sp.Expr]]:
    """Run every layer's equations with symbols; inputs are placeholders, then replaced by outputs."""
    symbols: dict[str, sp.Symbol] = {}
    rates: dict[str, sp.Expr] = {}
    outputs: dict[str, sp.Expr] = {}

    def symbol(name: str) -> sp.Symbol:
        return symbols.setdefault(name, sp.Symbol(name, real=True))

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
        made = layer.equations(_SymbolicMaths(), Values(values))
        _complete(layer, made.rates, made.outputs)
        rates |= {name: sp.sympify(expr, strict=True) for name, expr in made.rates.items()}
        outputs |= {name: sp.sympify(expr, strict=True) for name, expr in made.outputs.items()}
    return symbols, rates, outputs


def _complete(layer: Layer, rates: Mapping[str, Any], outputs: Mapping[str, Any]) -> None:
    for what, given, declared in (
        ("rate", rates, {s.name for s in layer.states}),
        ("output", outputs, {o.name for o in layer.outputs}),
    ):
        if set(given) != declared:
            odd = sorted(set(given) ^ declared)[0]
            side = "declared but not given" if odd in declared else "given but not declared"
            raise TraceError(f"layer {layer.name!r}: {what} of {odd!r} is {side}")


def _substitute_inputs(
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
        result = {name: e.xreplace(table) for name, e in result.items()}
    circle = sorted(str(s) for e in result.values() for s in e.free_symbols & table.keys())
    raise TraceError(
        f"outputs depend on each other in a circle without a state: {', '.join(circle[:4])}"
    )


def _terms_with(expression: sp.Expr, *symbols: sp.Symbol) -> str:
    """The additive terms that hold the symbols: what an error shows."""
    terms = sp.Add.make_args(sp.expand(expression))
    return str(next((t for t in terms if set(symbols) & t.free_symbols), expression))


def _linear_matrix(
    names: tuple[str, ...],
    rates: Mapping[str, sp.Expr],
    symbols: Mapping[str, sp.Symbol],
    moving: set[sp.Symbol],
) -> sp.ImmutableMatrix:
    states = [symbols[n] for n in names]
    rows = []
    for name in names:
        rate = rates[name]
        row = [sp.diff(rate, s) for s in states]
        for entry in row:
            bad = entry.free_symbols & (set(states) | moving)
            if bad:
                term = _terms_with(rate, *bad)
                raise TraceError(f"state {name!r}: the term {term} is not linear in the drug")
        rest = sp.simplify(rate.xreplace(dict.fromkeys(states, sp.Integer(0))))
        if rest != 0:
            raise TraceError(
                f"state {name!r}: the term {rest} does not come from a state of the body"
            )
        rows.append(row)
    return sp.ImmutableMatrix(rows)


def _self_linear(name: str, rate: sp.Expr, y: sp.Symbol) -> tuple[sp.Expr, sp.Expr]:
    slope = sp.diff(rate, y)
    if y in slope.free_symbols and sp.simplify(sp.diff(slope, y)) != 0:
        terms = sp.Add.make_args(sp.expand(rate))
        bad = next((t for t in terms if sp.diff(t, y, 2) != 0), rate)
        raise TraceError(f"state {name!r}: the term {bad} is not linear in {name!r} itself")
    k = -sp.simplify(slope) if y in slope.free_symbols else -slope
    return rate.xreplace({y: sp.Integer(0)}), k


def _cascade(reads: list[set[int]], names: tuple[str, ...]) -> tuple[tuple[int, ...], str | None]:
    """An order in which states come after those they read, cutting the one feedback state if needed."""

    def order(cut: int | None) -> tuple[int, ...] | None:
        done: list[int] = []
        left = set(range(len(reads)))
        while left:
            ready = sorted(i for i in left if not (reads[i] - {i, cut}) & left)
            if not ready:
                return None
            done += ready
            left -= set(ready)
        return tuple(done)

    plain = order(None)
    if plain is not None:
        return plain, None
    for cut in range(len(reads)):
        found = order(cut)
        if found is not None:
            return found, names[cut]
    stuck = ", ".join(repr(names[i]) for i in range(len(reads)) if reads[i])
    raise TraceError(f"more than one feedback loop: no single state cuts the loops among {stuck}")


def trace(joined: Joined) -> Traced:
    """Run the layers with symbols and check the form.

    Raises
    ------
    TraceError
        A state breaks the form: names the state and the offending term.
    """
    symbols, raw_rates, raw_outputs = _run(joined)
    outputs = _substitute_inputs(joined, symbols, raw_outputs, raw_outputs)
    rates = _substitute_inputs(joined, symbols, raw_rates, outputs)

    linear = tuple(s.name for layer in joined.layers if layer.linear for s in layer.states)
    for layer in joined.layers:
        for state in layer.states:
            if layer.linear and state.initial != 0:
                raise TraceError(
                    f"state {state.name!r} starts with {state.initial:g}: the body starts empty, doses fill it"
                )
        places = {state.name for state in layer.states}
        for entry in layer.entries:
            if not layer.linear or entry.state not in places:
                raise TraceError(
                    f"layer {layer.name!r}: the entry of {entry.molecule!r} by {entry.route!r} leads to "
                    f"{entry.state!r}, which is no state of a body"
                )
    others = tuple(s for layer in joined.layers if not layer.linear for s in layer.states)
    names = tuple(s.name for s in others)
    inputs = tuple(dict.fromkeys(port.name for _, port in joined.free_inputs))
    moving = {symbols[n] for n in (*names, *inputs) if n in symbols}
    matrix = _linear_matrix(linear, rates, symbols, moving)

    forms = [_self_linear(n, rates[n], symbols[n]) for n in names]
    reads = [
        {j for j, other in enumerate(names) if symbols[other] in g.free_symbols | k.free_symbols}
        for g, k in forms
    ]
    order, loop = _cascade(reads, names)
    parameters = tuple(f"{la.name}.{p.name}" for la in joined.layers for p in la.parameters)
    covariates = tuple(dict.fromkeys(c.name for la in joined.layers for c in la.covariates))
    for name in (*linear, *names, *parameters, *covariates, *inputs):
        symbols.setdefault(name, sp.Symbol(name, real=True))
    return Traced(
        joined=joined,
        linear=linear,
        states=names,
        parameters=parameters,
        covariates=covariates,
        inputs=inputs,
        symbols=symbols,
        matrix=matrix,
        gain=tuple(g for g, _ in forms),
        rate=tuple(k for _, k in forms),
        outputs=outputs,
        initial=tuple(s.initial for s in others),
        order=order,
        loop=loop,
        equations=Equations(raw_rates, raw_outputs),
    )
