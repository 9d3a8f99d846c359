"""Scores, response and remission on a rating scale, from the severity that remains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from ketalab.errors import ScenarioError
from ketalab.model.mind import Measurement, measurement
from ketalab.people import People, Population

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Baseline:
    """Baseline severity of people on one scale, points (N,)."""

    scale: Measurement
    severity: Array


def scale(name: str) -> Measurement:
    """Measurement model of a scale; :class:`~ketalab.errors.ScenarioError` where it is unknown."""
    made = measurement(name)
    if made is None:
        raise ScenarioError(f"scale {name!r} has no measurement model yet", name)
    return made


def baseline(name: str, population: Population, people: People) -> Baseline:
    """Baseline severity of drawn people: the population's own, else the usual one of the scale."""
    made = scale(name)
    stated = next((b for b in population.baseline if b.measure == name), None)
    mean = stated.mean if stated else made.baseline_mean
    sd = stated.sd if stated and stated.sd is not None else made.baseline_sd
    return Baseline(made, np.clip(mean + sd * people.severity, made.granularity, made.maximum))


def fluctuation(base: Baseline, people: People, purpose: str) -> Array:
    """A person's fluctuation at one visit, points (N,)."""
    return base.scale.fluctuation * base.severity * people.normal(f"fluctuation:{purpose}")


def probability_below(base: Baseline, remaining: Array, limit: Array) -> Array:
    """Probability that the written score is at most ``limit`` points, given what remains (..., N).

    The score before rounding is normal around ``severity * remaining``; rounding adds half a step.
    """
    sd = base.scale.fluctuation * base.severity
    return np.asarray(ndtr((limit + base.scale.granularity / 2 - base.severity * remaining) / sd))


def response_probability(base: Baseline, remaining: Array) -> Array:
    """Probability of response at a visit, (..., N)."""
    return probability_below(base, remaining, (1 - base.scale.response) * base.severity)


def remission_probability(base: Baseline, remaining: Array) -> Array:
    """Probability of remission at a visit, (..., N)."""
    limit = np.full_like(base.severity, base.scale.remission_at_most)
    return probability_below(base, remaining, limit)
