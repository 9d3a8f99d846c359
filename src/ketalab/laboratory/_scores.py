"""Scores, response and remission on a rating scale, from the severity that remains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from ketalab.errors import ScenarioError
from ketalab.facts import conditions, scales
from ketalab.laboratory._individuals import Uncertainty, fact_of_people
from ketalab.model.mind import Measurement, measurement
from ketalab.people import People, Population

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Baseline:
    """Baseline severity of people on one scale, and their fluctuation between visits, both points (N,)."""

    scale: Measurement
    severity: Array
    fluctuation: Array


#: Output of the layers that tells how much is left of a domain (share of baseline), or how strong an acute one is.
SEVERITY = {
    "depression": "symptom:depression",
    "suicidality": "symptom:suicidality",
    "anxiety": "symptom:anxiety",
    "ptsd": "symptom:ptsd",
    "ocd": "symptom:ocd",
    "substance": "symptom:substance",
    "dissociation": "state:CADSS",
}


def about_scale(name: str) -> bool:
    """Whether an output is read from a rating scale, and not from a layer."""
    return name.startswith(("score:", "p:response:", "p:remission:"))


def severity_of(name: str) -> str:
    """The layers' output that a scale, or an output read from it, shows.

    Raises
    ------
    ScenarioError
        The scale is unknown, or nothing in the model tells what it measures.
    """
    made = scales().get(name.rpartition(":")[2])
    if made is None or made.measures not in SEVERITY:
        raise ScenarioError(f"scale {name!r} has no model yet of what it measures", name)
    return SEVERITY[made.measures]


def scale(name: str) -> Measurement:
    """Measurement model of a scale; :class:`~ketalab.errors.ScenarioError` where it is unknown."""
    made = measurement(name)
    if made is None:
        raise ScenarioError(f"scale {name!r} has no measurement model yet", name)
    return made


def baseline(
    name: str, population: Population, people: People, uncertainty: Uncertainty
) -> Baseline:
    """Baseline severity of drawn people: the population's own, else the usual one of the scale.

    What the population does not state is drawn within the range of its fact, as constants of the layers are.
    """
    made, record = scale(name), scales()[name]

    def drawn(fact_id: str) -> Array:
        return fact_of_people(fact_id, people, people.streams, uncertainty)

    stated = next((b for b in population.baseline if b.measure == name), None)
    mean = stated.mean if stated else drawn(record.baseline_mean)
    sd = stated.sd if stated and stated.sd is not None else drawn(record.baseline_sd)
    if stated is None and not made.acute:
        for name in people.differs_by:
            size = conditions()[name].size_of(record.measures)
            if size is not None:
                mean, sd = mean * drawn(size), sd * drawn(size)
    least = 0.0 if made.acute else made.granularity
    severity = np.clip(mean + sd * people.severity, least, made.maximum)
    moved = drawn(record.fluctuation)
    return Baseline(made, severity, moved if made.acute else moved * severity)


def severity_at(base: Baseline, course: Array) -> Array:
    """Severity in points (..., N) behind a scale: what remains of baseline, or baseline and an acute rise."""
    return base.severity + course if base.scale.acute else base.severity * course


def fluctuation(base: Baseline, people: People, purpose: str) -> Array:
    """A person's fluctuation at one visit, points (N,)."""
    return base.fluctuation * people.normal(f"fluctuation:{purpose}")


def probability_below(base: Baseline, remaining: Array, limit: Array) -> Array:
    """Probability that the written score is at most ``limit`` points, given what remains (..., N).

    The score before rounding is normal around ``severity * remaining``; rounding adds half a step.
    """
    above = limit + base.scale.granularity / 2 - base.severity * remaining
    return np.asarray(ndtr(above / base.fluctuation))


def response_probability(base: Baseline, remaining: Array) -> Array:
    """Probability of response at a visit, (..., N)."""
    assert base.scale.response is not None
    return probability_below(base, remaining, (1 - base.scale.response) * base.severity)


def remission_probability(base: Baseline, remaining: Array) -> Array:
    """Probability of remission at a visit, (..., N)."""
    assert base.scale.remission_at_most is not None
    limit = np.full_like(base.severity, base.scale.remission_at_most)
    return probability_below(base, remaining, limit)
