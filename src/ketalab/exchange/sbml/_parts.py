"""Parameters and rules of the document, layer by layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from xml.dom.minidom import Element

from ketalab.exchange.sbml._names import Ids
from ketalab.exchange.sbml._notes import describe_constant
from ketalab.exchange.sbml._units import Units
from ketalab.exchange.sbml._xml import apply, ci, element, formula_writer, maths, notes, number
from ketalab.laboratory import Individuals
from ketalab.model import Layer
from ketalab.model.tracing import Traced

if TYPE_CHECKING:
    import sympy as sp


class Parts:
    """Collects parameters, rules and units; the tables give the id of each name of the laboratory."""

    def __init__(self, model: Traced) -> None:
        self.model = model
        self.units = Units()
        self.parameters: list[Element] = []
        self.rules: list[Element] = []
        self.ids = Ids()
        layers = model.joined.layers
        give = self.ids.give
        # Outputs first: theirs are the names that people look for.
        self.outputs = {o.name: give(o.name) for layer in layers for o in layer.outputs}
        self.states = {s.name: give(s.name) for layer in layers for s in layer.states}
        self.inputs = {name: give(name) for name in model.inputs}
        self.covariates = {name: give(name) for name in model.covariates}
        self.constants = {name: give(name) for name in model.parameters}
        entered = dict.fromkeys(entry.state for layer in layers for entry in layer.entries)
        self.inflows = {name: give(f"inflow {name}") for name in entered}

    def _parameter(
        self,
        identifier: str,
        name: str,
        unit: str,
        value: float | None,
        *about: str,
        constant: bool,
    ) -> None:
        self.parameters.append(
            element(
                "parameter",
                notes(*about),
                id=identifier,
                name=name,
                value=None if value is None else number(value),
                units=self.units.id_of(unit),
                constant=constant,
            )
        )

    def add_constants(self, drawn: Individuals) -> None:
        """What does not move: constants of the layers and properties of the person, as the person has them."""
        values = dict(zip(self.model.parameters, drawn.parameters[:, 0], strict=True))
        properties = dict(zip(self.model.covariates, drawn.covariates[:, 0], strict=True))
        units = {c.name: c.unit for layer in self.model.joined.layers for c in layer.covariates}
        for name, identifier in self.covariates.items():
            about = "A property of the person."
            self._parameter(identifier, name, units[name], properties[name], about, constant=True)
        for layer in self.model.joined.layers:
            for parameter in layer.parameters:
                name = f"{layer.name}.{parameter.name}"
                about = f"Constant of layer {layer.name}: {describe_constant(parameter)}"
                self._parameter(
                    self.constants[name], name, parameter.unit, values[name], about, constant=True
                )

    def add_states(self) -> None:
        """States with their rates, inflows into them, and inputs that no layer feeds."""
        free = {port.name: (la, port) for la, port in reversed(self.model.joined.free_inputs)}
        for name, identifier in self.inputs.items():
            layer, port = free[name]
            about = f"Input of layer {layer.name}: {port.meaning}. Constant between events."
            value = self.model.defaults[name]
            self._parameter(identifier, name, port.unit, value, about, constant=False)
        for layer in self.model.joined.layers:
            write = self._writer(layer)
            for state in layer.states:
                identifier = self.states[state.name]
                about = f"State of layer {layer.name}: {state.meaning}."
                self._parameter(
                    identifier, state.name, state.unit, state.initial, about, constant=False
                )
                written = self.model.equations.rates[state.name]
                rate = write(written, state.name)
                if state.name in self.inflows:
                    inflow = self.inflows[state.name]
                    about = f"Infusion into {state.name}; constant between events."
                    self._parameter(inflow, inflow, f"{state.unit}/h", 0.0, about, constant=False)
                    # A zero has no unit to compare, so nothing is added to one.
                    rate = apply("plus", rate, ci(inflow)) if written != 0 else ci(inflow)
                self.rules.append(element("rateRule", maths(rate), variable=identifier))

    def add_outputs(self) -> None:
        """Every output of every layer, public or not."""
        for layer in self.model.joined.layers:
            write = self._writer(layer)
            for out in layer.outputs:
                identifier = self.outputs[out.name]
                about = f"Output of layer {layer.name}: {out.meaning}."
                self._parameter(identifier, out.name, out.unit, None, about, constant=False)
                value = maths(write(self.model.equations.outputs[out.name], out.name))
                self.rules.append(element("assignmentRule", value, variable=identifier))

    def _writer(self, layer: Layer) -> Callable[[sp.Expr, str], Element]:
        """Formulas of one layer, each with the name of what it makes.

        What a name means depends on the layer that reads it. A part of a formula that is an output of the layer is a
        reference to it: written out at every place, shares of receptors would make a document of megabytes.
        """
        import sympy as sp

        made = self.model.equations.outputs
        parts: dict[sp.Expr, sp.Symbol] = {}
        for out in layer.outputs:
            if made[out.name].args:
                parts.setdefault(made[out.name], sp.Symbol(out.name))
                parts.setdefault(-made[out.name], -sp.Symbol(out.name))
        write = formula_writer(self._table(layer).__getitem__)

        def formula(expression: sp.Expr, name: str) -> Element:
            own = sp.Symbol(name)
            others = {part: to for part, to in parts.items() if own not in to.free_symbols}
            return write(expression.xreplace(others))

        return formula

    def _table(self, layer: Layer) -> dict[str, str]:
        feeds = {c.port.name: c for c in self.model.joined.connections if c.reader == layer.name}
        table = {name: self.covariates[name] for name in (c.name for c in layer.covariates)}
        for out in layer.outputs:
            table[out.name] = self.outputs[out.name]
        for state in layer.states:
            table[state.name] = self.states[state.name]
        for parameter in layer.parameters:
            name = f"{layer.name}.{parameter.name}"
            table[name] = self.constants[name]
        for port in layer.inputs:
            fed = feeds[port.name].source is not None
            table[port.name] = (self.outputs if fed else self.inputs)[port.name]
        return table
