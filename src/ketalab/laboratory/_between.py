"""What differs from one setting or study to another: how much of a dose is absorbed, clearance, volume.

Published studies of one route and form put its bioavailability at figures several times apart. Each of the body's free
inputs ``study:F:oral``, ``study:F:nasal``, ..., ``study:clearance``, ... is such an effect on the log scale, drawn
``N(-sd**2 / 2, sd)``, so that the mean factor is one; ``study:F:oral`` has its standard deviation in the fact
``between_study_f_oral``. Virtual patients come from settings of their own; the people of a replicate share one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from ketalab.laboratory._individuals import draw_fact, fact_of_people
from ketalab.model.tracing import Traced
from ketalab.people import People, Streams

Array = NDArray[np.float64]

_PREFIX = "study:"
#: Effects of a study that are not on the body: on the size of relief, which replays draw.
_ON_RELIEF = ("study:control", "study:drug")


def _spreads(inputs: Iterable[str]) -> dict[str, str]:
    """Effects on the body among some free inputs, each with the fact that holds its standard deviation."""
    return {
        name: f"between_study_{name.removeprefix(_PREFIX).replace(':', '_').lower()}"
        for name in inputs
        if name.startswith(_PREFIX) and name not in _ON_RELIEF
    }


def study_settings(
    model: Traced, people: People, streams: Streams, by: Literal["person", "replicate"] = "person"
) -> dict[str, Array]:
    """Draw the between-study effects of a model's body, free input -> (N,), one number a person.

    Parameters
    ----------
    by : *person* gives everyone a setting of their own, *replicate* one to all people of a replicate.
    """
    settings = {}
    for name, spread in _spreads(model.inputs).items():
        sd = fact_of_people(spread, people, streams, by)
        if by == "person":
            rank = streams.of_people(name, people.replicate, people.index)
        else:
            rank = streams.of_people(name, np.zeros_like(people.replicate), people.replicate)
        settings[name] = -(sd**2) / 2 + sd * ndtri(rank)
    return settings


def facts_of_settings(inputs: Iterable[str]) -> tuple[str, ...]:
    """Ids of the facts behind the between-study effects on the body among some free inputs."""
    return tuple(_spreads(inputs).values())


def score_effects(streams: Streams, replicates: int) -> dict[str, Array]:
    """Effects (R,) on the relief of control and drug: normal, with a half-normal standard deviation."""
    effects = {}
    for name in ("control", "drug"):
        scale = draw_fact(f"between_study_{name}", streams, replicates)
        sd = np.abs(streams.normal(f"study:{name}:sd", replicates)) * scale
        effects[f"study:{name}"] = sd * streams.normal(f"study:{name}", replicates)
    return effects
