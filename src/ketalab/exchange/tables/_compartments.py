"""Linear compartment models as an event table needs them: numbers for the engine from sets of parameters.

Shapes: K sets of parameters, n states, d compartments that doses enter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ketalab.engine import Systems
from ketalab.exchange.tables._values import Value

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Modifiers:
    """What a dose reads, (K, d) each; NaN where the model gives no rate or duration."""

    bioavailability: Array
    lag: Array
    rate: Array
    duration: Array


class TableModel(Protocol):
    """What an event table needs of a model."""

    @property
    def parameters(self) -> Mapping[str, float]:
        """Name and default of everything that a column may replace."""
        ...

    @property
    def compartments(self) -> Sequence[str]:
        """Names of CMT 1, 2, ..."""
        ...

    @property
    def states(self) -> Sequence[str]:
        """Names of the states of its systems."""
        ...

    def modifiers(self, values: Mapping[str, Array]) -> Modifiers:
        """Bioavailability, lag, rate and duration for K sets of parameters (K,) each."""
        ...

    def systems(self, values: Mapping[str, Array]) -> Systems:
        """The linear systems of K sets of parameters."""
        ...

    def problem(self, values: Mapping[str, Array]) -> tuple[int, set[str], str] | None:
        """The first set of parameters that makes no system, the parameters to blame, and why."""
        ...

    def reads(self, kind: str, compartment: int) -> set[str]:
        """The parameters behind a modifier of a compartment."""
        ...


@dataclass(frozen=True)
class CompartmentModel:
    """Compartments and first-order flows between them; ``flows`` are (from, to or None, rate, name)."""

    parameters: Mapping[str, float]
    compartments: tuple[str, ...]
    flows: tuple[tuple[int, int | None, Value, str], ...]
    of_compartment: Mapping[str, Mapping[int, Value]]
    observed: int
    scale: Value

    @property
    def states(self) -> tuple[str, ...]:
        """The compartments."""
        return self.compartments

    def _table(self, kind: str, values: Mapping[str, Array], default: float) -> Array:
        table = np.full((_count(values), len(self.compartments)), default)
        with np.errstate(all="ignore"):
            for compartment, value in self.of_compartment[kind].items():
                table[:, compartment] = value.of(values)
        return table

    def modifiers(self, values: Mapping[str, Array]) -> Modifiers:
        """See :class:`TableModel`."""
        return Modifiers(
            self._table("bioavailability", values, 1.0),
            self._table("lag", values, 0.0),
            self._table("rate", values, np.nan),
            self._table("duration", values, np.nan),
        )

    def reads(self, kind: str, compartment: int) -> set[str]:
        """See :class:`TableModel`."""
        value = self.of_compartment[kind].get(compartment)
        return value.names() if value else set()

    def problem(self, values: Mapping[str, Array]) -> tuple[int, set[str], str] | None:
        """See :class:`TableModel`."""
        count = _count(values)
        for _, _, value, name in self.flows:
            made = np.broadcast_to(value.of(values), count)
            fine = np.isfinite(made) & (made >= 0)
            if not fine.all():
                first = int(np.argmin(fine))
                return first, value.names(), f"{_said(name, value, values, made, first)} 0 or more"
        made = np.broadcast_to(self.scale.of(values), count)
        with np.errstate(all="ignore"):
            fine = np.isfinite(made) & np.isfinite(1 / made)
        if not fine.all():
            first = int(np.argmin(fine))
            said = _said("observe.scale", self.scale, values, made, first)
            return first, self.scale.names(), f"{said} not 0"
        return None

    def systems(self, values: Mapping[str, Array]) -> Systems:
        """See :class:`TableModel`."""
        n, count = len(self.compartments), _count(values)
        matrix = np.zeros((count, n, n))
        for source, to, value, _ in self.flows:
            rate = value.of(values)
            matrix[:, source, source] -= rate
            if to is not None:
                matrix[:, to, source] += rate
        observe = np.zeros((count, n))
        observe[:, self.observed] = 1.0 / self.scale.of(values)
        return Systems(matrix, observe, np.eye(n))


def _said(name: str, value: Value, values: Mapping[str, Array], made: Array, place: int) -> str:
    """What a value came to in one set of parameters, up to what is allowed."""
    read = ", ".join(f"{n} {values[n][place]:g}" for n in sorted(value.names()))
    text = f"{value.text} ({read}) is {made[place]:g}" if read else value.text
    return f"{name}: {text}; allowed: finite,"


def _count(values: Mapping[str, Array]) -> int:
    """K; a model without parameters has one set."""
    return len(next(iter(values.values()))) if values else 1
