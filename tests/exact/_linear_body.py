"""A linear layer run by a matrix exponential, without the engine: closed forms are compared with it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm

from ketalab.facts import fact
from ketalab.model import Layer, Values

Array = NDArray[np.float64]
PERSON = {"weight": 75.0, "height": 170.0, "age": 43.0, "female": 0.0}
DOSE = {"dose_mg": 0.0, "device": 0.0, "hold": 0.0, "held": 0.0}


class Plain:
    """The mathematics namespace for numbers."""

    exp, log, sqrt = staticmethod(np.exp), staticmethod(np.log), staticmethod(np.sqrt)
    maximum, minimum = staticmethod(np.maximum), staticmethod(np.minimum)


class Run:
    """The typical person of a layer, or one with covariates or parameters of their own."""

    def __init__(self, layer: Layer, **own: float) -> None:
        self.layer = layer
        self.names = [state.name for state in layer.states]
        self.fixed: dict[str, float] = {
            **{p.name: fact(p.fact).to(p.unit) for p in layer.parameters},
            **{port.name: port.default or 0.0 for port in layer.inputs},
            **{c.name: PERSON[c.name] for c in layer.covariates if c.name in PERSON},
            **own,
        }
        unit = np.eye(len(self.names))
        self.matrix = np.array([list(self._made(row)[0].values()) for row in unit]).T

    def _made(self, amounts: Array) -> tuple[dict[str, float], dict[str, float]]:
        values = {**self.fixed, **dict(zip(self.names, amounts, strict=True))}
        made = self.layer.equations(Plain(), Values(values))
        return {name: made.rates[name] for name in self.names}, dict(made.outputs)

    def entering(self, route: str, molecule: str, **said: float) -> Array:
        """Parts of one micromole that enter each state; ``said`` is of the dose."""
        start = np.zeros(len(self.names))
        shares: Mapping[str, float] = {}
        if self.layer.shares is not None:
            shares = self.layer.shares(Plain(), Values({**self.fixed, **DOSE, **said}))
        for entry in self.layer.entries:
            if (entry.route, entry.molecule) == (route, molecule):
                start[self.names.index(entry.state)] += shares[entry.share] if entry.share else 1.0
        return start

    def amounts(self, start: Array, times: Array) -> Array:
        """Amounts (T, n) from a start (n,) at evenly spaced times."""
        step = expm(self.matrix * (times[1] - times[0]))
        rows = [np.asarray(start, dtype=float)]
        for _ in times[1:]:
            rows.append(step @ rows[-1])
        return np.array(rows)

    def output(self, name: str, amounts: Array) -> Array:
        """An output (T,) from amounts (T, n): it is linear in them."""
        row = np.array([self._made(unit)[1][name] for unit in np.eye(len(self.names))])
        return amounts @ row

    def course(
        self, name: str, micromoles: float, route: str, molecule: str, times: Array
    ) -> Array:
        """An output after one dose at time 0."""
        start = micromoles * self.entering(route, molecule)
        return self.output(name, self.amounts(start, times))
