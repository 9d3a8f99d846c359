"""Tracing: the layers' equations run once with symbols, their form is checked, and numeric functions are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy as sp
from sympy.printing.numpy import NumPyPrinter

from ketalab.errors import TraceError
from ketalab.model._form import cascade, linear_matrix, self_linear
from ketalab.model._program import write_program
from ketalab.model._source import write_source
from ketalab.model._symbols import run_layers, substitute_inputs
from ketalab.model.contract import Equations
from ketalab.model.joining import Joined

Function = Callable[..., Any]


class _Places(NumPyPrinter):
    """NumPy code in which some names are places in arguments: what is not used need not be taken out of them."""

    def __init__(self, places: Mapping[str, str]) -> None:
        super().__init__({"fully_qualified_modules": False, "inline": True})
        self._places = places

    def _print_Symbol(self, expr: sp.Symbol) -> str:
        return self._places.get(expr.name, str(expr.name))


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

    def _symbols(self, *groups: tuple[str, ...]) -> list[list[sp.Symbol]]:
        return [[self.symbols[name] for name in group] for group in groups]

    def _function(
        self, groups: Sequence[tuple[str, ...]], made: sp.Expr | list[sp.Expr]
    ) -> Function:
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
        return sp.lambdify(arguments, made, "numpy", cse=share, printer=_Places(places))

    @cached_property
    def drivers(self) -> tuple[int, ...]:
        """Indices of the linear states that the other states read."""
        used = set().union(*(e.free_symbols for e in (*self.gain, *self.rate)), set())
        return tuple(i for i, name in enumerate(self.linear) if self.symbols[name] in used)

    @cached_property
    def matrix_function(self) -> tuple[tuple[tuple[int, int], ...], Function]:
        """Places of the non-zero entries of A, and a function (parameters, covariates, inputs) -> entries."""
        entries = self.matrix.todok()
        places = tuple(sorted(entries))
        return places, self._function(
            (self.parameters, self.covariates, self.inputs), [entries[p] for p in places]
        )

    @cached_property
    def movers(self) -> tuple[str, ...]:
        """The inputs that move A."""
        used = self.matrix.free_symbols
        return tuple(name for name in self.inputs if self.symbols[name] in used)

    @cached_property
    def idle(self) -> frozenset[str]:
        """The inputs that no rate reads, so that they ask for no steps of their own."""
        used = self.matrix.free_symbols.union(*(e.free_symbols for e in (*self.gain, *self.rate)))
        return frozenset(name for name in self.inputs if self.symbols[name] not in used)

    @cached_property
    def defaults(self) -> dict[str, float]:
        """Values of the inputs where no event says otherwise."""
        return {port.name: port.default or 0.0 for _, port in self.joined.free_inputs}

    @cached_property
    def state_functions(self) -> tuple[tuple[Function, Function], ...]:
        """For each state (g, k), functions of (drivers, states, parameters, covariates, inputs)."""
        drivers = tuple(self.linear[i] for i in self.drivers)
        groups = (drivers, self.states, self.parameters, self.covariates, self.inputs)
        return tuple(
            (self._function(groups, g), self._function(groups, k))
            for g, k in zip(self.gain, self.rate, strict=True)
        )

    def needed(self, names: Sequence[str]) -> tuple[tuple[int, ...], frozenset[str]]:
        """What some outputs need: the places of the states behind them, in order, and the inputs that they read."""
        places = {self.symbols[name]: i for i, name in enumerate(self.states)}
        read = set().union(*(self.outputs[name].free_symbols for name in names), set())
        found: set[int] = set()
        edge = {places[symbol] for symbol in read & places.keys()}
        while edge:
            found |= edge
            symbols = set().union(
                *(self.gain[i].free_symbols | self.rate[i].free_symbols for i in edge)
            )
            edge = {places[symbol] for symbol in symbols & places.keys()} - found
        order = tuple(i for i in self.order if i in found)
        return order, frozenset(name for name in self.inputs if self.symbols[name] in read)

    def linear_behind(self, names: Sequence[str]) -> tuple[int, ...]:
        """The places of the linear states that some outputs read themselves."""
        read = set().union(*(self.outputs[name].free_symbols for name in names), set())
        return tuple(i for i, name in enumerate(self.linear) if self.symbols[name] in read)

    def constant_rate(self, index: int) -> bool:
        """Whether k of a state is the same at all times for a patient."""
        return self.constant_rates[index]

    @cached_property
    def constant_rates(self) -> tuple[bool, ...]:
        """Of each state whether k is the same at all times for a patient."""
        moving = {self.symbols[name] for name in (*self.linear, *self.states, *self.inputs)}
        return tuple(not moving & rate.free_symbols for rate in self.rate)

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
        rates = [g - k * y for g, k, y in zip(self.gain, self.rate, states, strict=True)]
        given = self._symbols(self.parameters, self.covariates, self.inputs)
        every = [symbol for group in given for symbol in group]
        return write_source([*linear, *states], rates, every, self.matrix)

    @cached_property
    def program(self) -> str:
        """The states' equations as elementary operations, for the kernel; see :mod:`ketalab.model._program`."""
        drivers = [self.symbols[self.linear[i]] for i in self.drivers]
        given = [
            s
            for group in (self.parameters, self.covariates, self.inputs)
            for s in self._symbols(group)[0]
        ]
        return write_program(drivers, self._symbols(self.states)[0], given, self.gain, self.rate)


def trace(joined: Joined) -> Traced:
    """Run the layers with symbols and check the form.

    Raises
    ------
    TraceError
        A state breaks the form: names the state and the offending term.
    """
    symbols, raw_rates, raw_outputs = run_layers(joined)
    outputs = substitute_inputs(joined, symbols, raw_outputs, raw_outputs)
    rates = substitute_inputs(joined, symbols, raw_rates, outputs)

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
    moving = {symbols[n] for n in names if n in symbols}
    matrix = linear_matrix(linear, rates, symbols, moving)

    forms = [self_linear(n, rates[n], symbols[n]) for n in names]
    reads = [
        {j for j, other in enumerate(names) if symbols[other] in g.free_symbols | k.free_symbols}
        for g, k in forms
    ]
    order, loop = cascade(reads, names)
    parameters = tuple(f"{la.name}.{p.name}" for la in joined.layers for p in la.parameters)
    covariates = tuple(dict.fromkeys(c.name for la in joined.layers for c in la.covariates))
    for name in (*linear, *names, *parameters, *covariates, *inputs):
        symbols.setdefault(name, sp.Symbol(name))
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
