"""Tracing: the layers' equations run once with symbols, their form is checked, and numeric functions are made.

What a run asks of a model are names and the texts of functions, which follow from the symbols and can be kept
(:meth:`Traced.document`): a model that is restored from them knows no symbol until somebody asks for one, and is then
traced.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ketalab.errors import TraceError
from ketalab.model._arithmetic import build_function
from ketalab.model.contract import Equations
from ketalab.model.joining import Joined

if TYPE_CHECKING:
    import sympy as sp

Function = Callable[..., Any]
Names = frozenset[str]

#: What a restored model traces for, when it is asked.
_SYMBOLIC = ("symbols", "matrix", "gain", "rate", "outputs", "equations")
#: What is kept as it is, and what is kept once it has been made.
_NAMED = ("linear", "states", "parameters", "covariates", "inputs", "initial", "order", "loop")
_MADE = ("program",)


@dataclass(frozen=True)
class Reads:
    """Which names the parts of a model read: its matrix's entries (by place), gains, rates, outputs."""

    entries: Mapping[tuple[int, int], Names]
    gain: tuple[Names, ...]
    rate: tuple[Names, ...]
    outputs: Mapping[str, Names]


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

    def __getattr__(self, name: str) -> Any:
        """The symbols of a restored model: those of its layers, traced now."""
        if name not in _SYMBOLIC:
            raise AttributeError(name)
        traced = trace(self.joined)
        self.__dict__.update({item: getattr(traced, item) for item in _SYMBOLIC})
        return self.__dict__[name]

    @cached_property
    def reads(self) -> Reads:
        """Which names each part reads."""

        def names(expression: Any) -> Names:
            return frozenset(symbol.name for symbol in expression.free_symbols)

        entries = self.matrix.todok()
        return Reads(
            {place: names(entries[place]) for place in sorted(entries)},
            tuple(map(names, self.gain)),
            tuple(map(names, self.rate)),
            {name: names(output) for name, output in self.outputs.items()},
        )

    def _moving(self) -> Names:
        """Names that a gain or a rate reads."""
        return frozenset().union(*self.reads.gain, *self.reads.rate)

    @cached_property
    def drivers(self) -> tuple[int, ...]:
        """Indices of the linear states that the other states read."""
        used = self._moving()
        return tuple(i for i, name in enumerate(self.linear) if name in used)

    @cached_property
    def movers(self) -> tuple[str, ...]:
        """The inputs that move A."""
        used = frozenset().union(*self.reads.entries.values())
        return tuple(name for name in self.inputs if name in used)

    @cached_property
    def idle(self) -> frozenset[str]:
        """The inputs that no rate reads, so that they ask for no steps of their own."""
        used = self._moving().union(*self.reads.entries.values())
        return frozenset(name for name in self.inputs if name not in used)

    @cached_property
    def defaults(self) -> dict[str, float]:
        """Values of the inputs where no event says otherwise."""
        return {port.name: port.default or 0.0 for _, port in self.joined.free_inputs}

    @cached_property
    def places(self) -> tuple[tuple[int, int], ...]:
        """Places of the entries of A that are not zero."""
        return tuple(self.reads.entries)

    @cached_property
    def texts(self) -> dict[str, str]:
        """Texts of the functions that were asked for."""
        return {}

    def _write(self, name: str) -> str:
        from ketalab.model._functions import write_function

        kind, _, which = name.partition(" ")
        given = (self.parameters, self.covariates, self.inputs)
        if kind == "entries":
            entries = self.matrix.todok()
            return write_function(given, [entries[place] for place in self.places])
        if kind in ("gain", "rate"):
            drivers = tuple(self.linear[i] for i in self.drivers)
            made = (self.gain if kind == "gain" else self.rate)[int(which)]
            return write_function((drivers, self.states, *given), made)
        if kind == "output":
            return write_function((self.linear, self.states, *given), self.outputs[which])
        rates = [
            g - k * self.symbols[n]
            for g, k, n in zip(self.gain, self.rate, self.states, strict=True)
        ]
        return write_function((self.linear, self.states, *given), rates)

    def _function(self, name: str) -> Function:
        """The function of a name: ``entries``, ``gain 3``, ``rate 3``, ``output name`` or ``rhs``."""
        if name not in self.texts:
            self.texts[name] = self._write(name)
        try:
            return build_function(self.texts[name])
        except (ValueError, SyntaxError):  # what was kept is not what was written
            self.texts[name] = self._write(name)
            return build_function(self.texts[name])

    @cached_property
    def matrix_function(self) -> tuple[tuple[tuple[int, int], ...], Function]:
        """Places of the non-zero entries of A, and a function (parameters, covariates, inputs) -> entries."""
        return self.places, self._function("entries")

    @cached_property
    def state_functions(self) -> tuple[tuple[Function, Function], ...]:
        """For each state (g, k), functions of (drivers, states, parameters, covariates, inputs)."""
        return tuple(
            (self._function(f"gain {i}"), self._function(f"rate {i}"))
            for i in range(len(self.states))
        )

    def needed(self, names: Sequence[str]) -> tuple[tuple[int, ...], frozenset[str]]:
        """What some outputs need: the places of the states behind them, in order, and the inputs that they read."""
        places = {name: i for i, name in enumerate(self.states)}
        read = frozenset().union(*(self.reads.outputs[name] for name in names))
        found: set[int] = set()
        edge = {places[name] for name in read & places.keys()}
        while edge:
            found |= edge
            more = set().union(*(self.reads.gain[i] | self.reads.rate[i] for i in edge))
            edge = {places[name] for name in more & places.keys()} - found
        order = tuple(i for i in self.order if i in found)
        return order, frozenset(name for name in self.inputs if name in read)

    def linear_behind(self, names: Sequence[str]) -> tuple[int, ...]:
        """The places of the linear states that some outputs read themselves."""
        read = frozenset().union(*(self.reads.outputs[name] for name in names))
        return tuple(i for i, name in enumerate(self.linear) if name in read)

    def constant_rate(self, index: int) -> bool:
        """Whether k of a state is the same at all times for a patient."""
        return self.constant_rates[index]

    @cached_property
    def constant_rates(self) -> tuple[bool, ...]:
        """Of each state whether k is the same at all times for a patient."""
        moving = {*self.linear, *self.states, *self.inputs}
        return tuple(moving.isdisjoint(names) for names in self.reads.rate)

    def output_function(self, name: str) -> Function:
        """A function (linear, states, parameters, covariates, inputs) -> the named output."""
        return self._function(f"output {name}")

    @cached_property
    def rhs_function(self) -> Function:
        """The other states' rates, (linear, states, parameters, covariates, inputs) -> list."""
        return self._function("rhs")

    @cached_property
    def source(self) -> str:
        """The text of all rates and their Jacobian, linear states first; see :mod:`ketalab.model._source`."""
        from ketalab.model._source import write_source

        linear, states = self._symbols(self.linear, self.states)
        rates = [g - k * y for g, k, y in zip(self.gain, self.rate, states, strict=True)]
        given = self._symbols(self.parameters, self.covariates, self.inputs)
        every = [symbol for group in given for symbol in group]
        return write_source([*linear, *states], rates, every, self.matrix)

    @cached_property
    def program(self) -> str:
        """The states' equations as elementary operations, for the kernel; see :mod:`ketalab.model._program`."""
        from ketalab.model._program import write_program

        drivers = [self.symbols[self.linear[i]] for i in self.drivers]
        given = [
            s
            for group in (self.parameters, self.covariates, self.inputs)
            for s in self._symbols(group)[0]
        ]
        return write_program(drivers, self._symbols(self.states)[0], given, self.gain, self.rate)

    def document(self) -> dict[str, Any]:
        """What a run asks of the model, as plain values: all names, and the texts of all functions."""
        reads = self.reads
        functions = ["entries"] if self.linear else []
        functions += [f"{kind} {i}" for i in range(len(self.states)) for kind in ("gain", "rate")]
        functions += [f"output {name}" for name in reads.outputs]
        for name in functions:
            if name not in self.texts:
                self.texts[name] = self._write(name)
        return {
            "layers": [layer.name for layer in self.joined.layers],
            **{name: getattr(self, name) for name in (*_NAMED, *_MADE)},
            "texts": self.texts,
            "entries": [[*place, *sorted(names)] for place, names in reads.entries.items()],
            "gain": [sorted(names) for names in reads.gain],
            "rate": [sorted(names) for names in reads.rate],
            "outputs": {name: sorted(names) for name, names in reads.outputs.items()},
        }


def restore(joined: Joined, document: Mapping[str, Any]) -> Traced:
    """The model of a document that :meth:`Traced.document` made of the same layers.

    Raises
    ------
    KeyError, TypeError, ValueError
        No such document.
    """
    if document["layers"] != [layer.name for layer in joined.layers]:
        raise ValueError(f"a model of other layers: {', '.join(document['layers'])}")
    model: Traced = object.__new__(Traced)
    reads = Reads(
        {(int(i), int(j)): frozenset(names) for i, j, *names in document["entries"]},
        tuple(map(frozenset, document["gain"])),
        tuple(map(frozenset, document["rate"])),
        {name: frozenset(names) for name, names in document["outputs"].items()},
    )
    named = {name: document[name] for name in _NAMED}
    named |= {n: tuple(v) for n, v in named.items() if isinstance(v, list)}
    made = {name: document[name] for name in _MADE}
    model.__dict__.update(
        {"joined": joined, "reads": reads, "texts": dict(document["texts"]), **named, **made}
    )
    return model


def trace(joined: Joined) -> Traced:
    """Run the layers with symbols and check the form.

    Raises
    ------
    TraceError
        A state breaks the form: names the state and the offending term.
    """
    import sympy as sp

    from ketalab.model._form import cascade, linear_matrix, self_linear
    from ketalab.model._symbols import run_layers, substitute_inputs

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
