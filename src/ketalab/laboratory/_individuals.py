"""Individual parameters: the uncertainty of the facts and the variability between people, drawn by named streams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ketalab.facts import Fact, conditions, conversion_factor, fact, modifiers_of
from ketalab.laboratory._hypotheses import current_changes
from ketalab.laboratory._posterior import current_posterior
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


def from_scale(record: Fact, x: Array) -> Array:
    """A fact's value from the scale of its uncertainty (log, logit or identity)."""
    if record.support == "positive":
        return np.exp(x)
    if record.support == "fraction":
        return 1 / (1 + np.exp(-x))
    return x


def value_of(name: str) -> float:
    """A fact's value in use, in its own unit: the mode of the posterior where it is in one, else as published.

    The value of a switch is its weight. What :func:`using_facts` or :func:`using_hypotheses` says goes first.
    """
    change = current_changes().get(name)
    if change is not None:
        return change.number
    posterior = current_posterior()
    if posterior is None or name not in posterior.places:
        return fact(name).value
    scaled = np.array(posterior.mode[posterior.places[name]])
    return float(from_scale(fact(name), scaled))


@lru_cache(maxsize=4)
def _posterior_normals(streams: Streams, size: int, count: int, start: int) -> Array:
    """Standard normal numbers behind draws of the posterior, (size, count)."""
    return np.stack([streams.normal(f"posterior:{i}", count, start=start) for i in range(size)])


def draw_fact(name: str, streams: Streams, count: int, start: int = 0) -> Array:
    """Draw a fact ``count`` times, in its own unit: from the posterior, or within its own stated uncertainty.

    Draw ``start + i`` belongs to replicate (or person) ``start + i`` and is the same in every layer that reads
    the fact. A fact without a spread is the same in every draw, and so is one that :func:`using_facts` fixes. A switch
    is 1 with the probability that its weight says, else 0; a larger weight turns some of the zeros into ones and
    leaves the other draws.
    """
    record, posterior, change = fact(name), current_posterior(), current_changes().get(name)
    if change is not None and change.kind == "value":
        return np.full(count, change.number)
    if record.switch:
        chance = record.value if change is None else change.number
        uniform = streams.uniform(f"uncertainty:{name}", count, start=start)
        return np.where(uniform < chance, 1.0, 0.0)
    if posterior is not None and name in posterior.places:
        place = posterior.places[name]
        normals = _posterior_normals(streams, len(posterior.names), count, start)
        moved = np.zeros(count)
        # Row after row: a product of matrices may add in another order for few draws.
        for weight, row in zip(posterior.root[place, : place + 1], normals, strict=False):
            moved += weight * row
        return from_scale(record, posterior.mode[place] + moved)
    below, above = record.uncertainty()
    if below == above == 0:
        return np.full(count, record.value)
    z = streams.normal(f"uncertainty:{name}", count, start=start)
    return from_scale(record, record.scale(record.value) + np.where(z < 0, below, above) * z)


def fact_of_people(name: str, people: People, streams: Streams, uncertainty: Uncertainty) -> Array:
    """The fact as each person has it (N,): the person's own draw, that of the replicate, or as it stands."""
    if uncertainty == "none":
        return np.full(len(people), value_of(name))
    number = people.index if uncertainty == "person" else people.replicate
    first = int(number.min())
    return draw_fact(name, streams, int(number.max()) + 1 - first, first)[number - first]


def _modified(record: Fact, value: Array, by: Array) -> Array:
    """A constant in people who differ: the odds of a share multiplied, anything else itself."""
    if record.support == "fraction":
        return np.asarray(value * by / (1 - value + value * by))
    return np.asarray(value * by)


def modified_fact(name: str, people: People, streams: Streams, uncertainty: Uncertainty) -> Array:
    """A fact as each person has it (N,), with what the people's condition and age do to it."""
    value = fact_of_people(name, people, streams, uncertainty)
    for by in modifiers_of(people.differs_by).get(name, ()):
        value = _modified(fact(name), value, fact_of_people(by, people, streams, uncertainty))
    return value


def facts_of_conditions(differs_by: tuple[str, ...]) -> tuple[str, ...]:
    """Ids of the facts in which people of some conditions and ages differ from adults with major depression."""
    return tuple(dict.fromkeys(f for name in differs_by for f in conditions()[name].facts))


def _logit(x: Array) -> Array:
    # A fact fixed at 0 or 1 lies at an end of the scale, and stays there.
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(x / (1 - x)))


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
        return modified_fact(name, people, streams, uncertainty)

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


def individuals_at(
    model: Traced, values: Mapping[str, Array], covariates: Mapping[str, float], count: int
) -> Individuals:
    """Typical people (N = ``count``) who differ in some facts: ``values`` name -> (N,), in the fact's own unit.

    What a fit compares: the same person with the constants moved one after the other.
    """
    rows = []
    for layer in model.joined.layers:
        for parameter in layer.parameters:
            value = values.get(parameter.fact)
            row = np.full(count, value_of(parameter.fact)) if value is None else value
            unit = fact(parameter.fact).unit
            rows.append(row * conversion_factor(unit, parameter.unit, parameter.fact))
    known = np.stack([np.full(count, covariates[name]) for name in model.covariates])
    return Individuals(np.stack(rows), known)


def spread_apart(
    model: Traced, drawn: Individuals, middle: Individuals, factor: float
) -> Individuals:
    """People whose log-normal differences from the middle are taken to the power ``factor``: 2 doubles all variability.

    ``middle`` are the same people without differences. What differs by another law stays as it is.
    """
    parameters = drawn.parameters.copy()
    for layer in model.joined.layers:
        for parameter in layer.parameters:
            if parameter.between == "lognormal":
                row = model.parameters.index(f"{layer.name}.{parameter.name}")
                at = middle.parameters[row]
                parameters[row] = at * (parameters[row] / at) ** factor
    return replace(drawn, parameters=parameters)
