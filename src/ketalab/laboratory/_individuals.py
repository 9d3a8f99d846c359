"""Individual parameters: the uncertainty of the facts and the variability between people, drawn by named streams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ketalab.facts import Fact, conversion_factor, fact
from ketalab.model import Parameter
from ketalab.model.tracing import Traced
from ketalab.people import People, Population, Streams, typical_people

Array = NDArray[np.float64]
Uncertainty = Literal["person", "replicate", "none"]


@dataclass(frozen=True)
class Individuals:
    """``parameters`` (P, N) in the order of the model, ``covariates`` (C, N)."""

    parameters: Array
    covariates: Array


def _from_scale(record: Fact, x: Array) -> Array:
    if record.support == "positive":
        return np.exp(x)
    if record.support == "fraction":
        return 1 / (1 + np.exp(-x))
    return x


def draw_fact(name: str, streams: Streams, count: int, start: int = 0) -> Array:
    """Draw a fact ``count`` times within its stated uncertainty, in its own unit.

    Draw ``start + i`` belongs to replicate (or person) ``start + i`` and is the same in every layer that reads
    the fact. A fact without a spread is the same in every draw.
    """
    record = fact(name)
    below, above = record.uncertainty()
    if below == above == 0:
        return np.full(count, record.value)
    z = streams.normal(f"uncertainty:{name}", count, start=start)
    return _from_scale(record, record.scale(record.value) + np.where(z < 0, below, above) * z)


def fact_of_people(name: str, people: People, streams: Streams, uncertainty: Uncertainty) -> Array:
    """The fact as each person has it (N,): the person's own draw, that of the replicate, or as it stands."""
    if uncertainty == "none":
        return np.full(len(people), fact(name).value)
    number = people.index if uncertainty == "person" else people.replicate
    first = int(number.min())
    return draw_fact(name, streams, int(number.max()) + 1 - first, first)[number - first]


def _logit(x: Array) -> Array:
    return np.log(x / (1 - x))


def _between(
    parameter: Parameter, layer: str, typical: Array, spread: Array, people: People
) -> Array:
    """Vary a typical value (N,) between people."""
    purpose = f"between:{layer}.{parameter.name}"
    if parameter.between == "share":
        return np.where(people.uniform(purpose) < typical, 1.0, 0.0)
    eta = people.normal(purpose) * spread
    if parameter.between == "lognormal":
        return typical * np.exp(eta)
    return 1 / (1 + np.exp(-(_logit(typical) + eta)))


def individuals(
    model: Traced, people: People, streams: Streams, uncertainty: Uncertainty, *, vary: bool = True
) -> Individuals:
    """Parameters and covariates of drawn people.

    ``uncertainty`` *person* gives every person a draw of the constants (that of the person's index), *replicate*
    one draw to all of a replicate, *none* the values as they stand. ``vary=False`` leaves out the variability between
    people; a yes-or-no parameter is then its share.
    """

    def drawn(name: str) -> Array:
        return fact_of_people(name, people, streams, uncertainty)

    n = len(people)
    rows = []
    for layer in model.joined.layers:
        for parameter in layer.parameters:
            value = drawn(parameter.fact)
            if vary and parameter.between != "none":
                spread = drawn(parameter.spread) if parameter.spread else np.zeros(n)
                if parameter.spread_is == "variance":
                    spread = np.sqrt(spread)
                value = _between(parameter, layer.name, value, spread, people)
            unit = fact(parameter.fact).unit
            rows.append(value * conversion_factor(unit, parameter.unit, parameter.fact))
    table = people.covariates()
    covariates = np.stack([table[name] for name in model.covariates])
    return Individuals(np.stack(rows), covariates)


def typical_individual(model: Traced, population: Population) -> tuple[People, Individuals]:
    """The typical person of a population (N = 1): middle of every property, constants as they stand."""
    people = typical_people(population)
    return people, individuals(model, people, Streams(0), "none", vary=False)
