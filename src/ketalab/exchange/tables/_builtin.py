"""The laboratory's own body as the model of an event table: the typical person, parameters by column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ketalab.engine import Systems
from ketalab.errors import TableError, closest
from ketalab.exchange.tables._compartments import Modifiers
from ketalab.exchange.tables._model_file import Number, Part, check_form
from ketalab.facts import compounds, fact
from ketalab.laboratory import Individuals, build_matrices, typical_individual
from ketalab.model import Entry, join
from ketalab.model.body import ketamine
from ketalab.model.tracing import Traced, trace
from ketalab.people import Population

Array = NDArray[np.float64]


class _File(Part):
    builtin: Literal["human_ketamine"]
    compound: Literal["ketamine", "esketamine", "arketamine"] = "ketamine"
    observe: str = "plasma:venous:ketamine"
    parameters: dict[str, Number] = Field(default_factory=dict)


@dataclass(frozen=True)
class BodyModel:
    """The human body in micromoles and hours, given milligrams of base, observed in ng/mL."""

    traced: Traced
    compound: str
    observe: str
    parameters: Mapping[str, float]
    #: Of the typical person; what is above 0 there must be so in everyone.
    typical: Mapping[str, float]

    @cached_property
    def _entries(self) -> tuple[Entry, ...]:
        """Entries of the compound's molecules by routes that take all of a dose, whoever takes it and however much."""
        (layer,) = self.traced.joined.layers
        molecules = compounds()[self.compound].molecules
        own = [entry for entry in layer.entries if entry.molecule in molecules]
        shared = {entry.route for entry in own if entry.share is not None}
        return tuple(entry for entry in own if entry.route not in shared)

    @cached_property
    def compartments(self) -> tuple[str, ...]:
        """Routes by which the body takes all of a dose."""
        return tuple(dict.fromkeys(entry.route for entry in self._entries))

    @property
    def states(self) -> tuple[str, ...]:
        """The states of the body."""
        return self.traced.linear

    def _individuals(self, values: Mapping[str, Array]) -> Individuals:
        parameters = [values[name.partition(".")[2]] for name in self.traced.parameters]
        return Individuals(
            np.stack(parameters), np.stack([values[name] for name in self.traced.covariates])
        )

    def modifiers(self, values: Mapping[str, Array]) -> Modifiers:
        """All of a dose arrives, at once; the body gives no rate and no duration."""
        shape = (len(next(iter(values.values()))), len(self.compartments))
        none = np.full(shape, np.nan)
        return Modifiers(np.ones(shape), np.zeros(shape), none, none)

    def systems(self, values: Mapping[str, Array]) -> Systems:
        """See :class:`~ketalab.exchange.tables._compartments.TableModel`."""
        people = self._individuals(values)
        matrix = build_matrices(self.traced, people)
        # An output of the body is linear in its states: its value for each unit state is its row.
        units = list(np.eye(matrix.shape[1])[:, None, :])
        columns = [list(group[:, :, None]) for group in (people.parameters, people.covariates)]
        # Nothing blocks an enzyme here: every input is at its default.
        inputs = [self.traced.defaults[name] for name in self.traced.inputs]
        made = self.traced.output_function(self.observe)(units, [], *columns, inputs)
        return Systems(matrix, np.broadcast_to(made, matrix.shape[:2]).copy(), self._dosing())

    def _dosing(self) -> Array:
        """Micromoles of each state for a milligram of base."""
        compound = compounds()[self.compound]
        assert compound.molar_mass is not None
        mass = fact(compound.molar_mass).to("mg/umol")
        dosing = np.zeros((len(self.traced.linear), len(self.compartments)))
        for entry in self._entries:
            share = compound.molecules[entry.molecule]
            row = self.traced.linear.index(entry.state)
            dosing[row, self.compartments.index(entry.route)] += share / mass
        return dosing

    def reads(self, kind: str, compartment: int) -> set[str]:
        """No modifier has parameters yet."""
        return set()

    def problem(self, values: Mapping[str, Array]) -> tuple[int, set[str], str] | None:
        """See :class:`~ketalab.exchange.tables._compartments.TableModel`."""
        for name, column in values.items():
            positive = self.typical[name] > 0
            bad = ~np.isfinite(column) | (positive & (column <= 0))
            if bad.any():
                first, above = int(np.argmax(bad)), " above 0" if positive else ""
                said = f"{name} is {column[first]:g}; allowed: a finite number{above}"
                return first, {name}, said
        with np.errstate(all="ignore"):
            made = self.systems(values).matrix
            off = made - np.einsum("kii->ki", made)[:, :, None] * np.eye(made.shape[1])
        bad = ~np.isfinite(made).all(axis=(1, 2)) | (off < 0).any(axis=(1, 2))
        if bad.any():
            said = "the parameters make a rate that is negative or not finite"
            return int(np.argmax(bad)), set(values), said
        return None


def read_builtin(content: Any, where: str) -> BodyModel:
    """Check the content of a model file that names the built-in body."""
    file = check_form(_File, content, where)
    traced = trace(join((ketamine(),)))
    offered = [out.name for _, out in traced.joined.outputs if out.measure == "concentration"]
    if file.observe not in offered:
        raise TableError(
            f"{where}: observe: {file.observe!r} is no concentration of the body; "
            f"there are {', '.join(offered)}{closest(file.observe, offered)}",
            file.observe,
        )
    _, typical = typical_individual(traced, Population())
    names = [name.partition(".")[2] for name in traced.parameters] + list(traced.covariates)
    numbers = np.concatenate([typical.parameters[:, 0], typical.covariates[:, 0]])
    usual = dict(zip(names, map(float, numbers), strict=True))
    parameters = dict(usual)
    for name, value in file.parameters.items():
        if name not in parameters:
            raise TableError(
                f"{where}: parameters: {name!r} is no parameter of the body; "
                f"there are {', '.join(parameters)}{closest(name, parameters)}",
                name,
            )
        parameters[name] = float(value)
    return BodyModel(traced, file.compound, file.observe, parameters, usual)
