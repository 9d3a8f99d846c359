"""The brain for its tests: its equations at a point, and courses of the typical person or animal in several worlds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ketalab.facts import conversion_factor, fact
from ketalab.laboratory import (
    Course,
    Individuals,
    animal_model,
    human_model,
    hypotheses,
    outputs,
    prepare,
    run,
    typical_individual,
    using_facts,
    using_hypotheses,
    value_of,
)
from ketalab.model import Values
from ketalab.model.brain import brain
from ketalab.people import Population, Species
from ketalab.protocol import Intervention, parse_phrase

Array = NDArray[np.float64]
#: A world: free inputs ("activity:BDNF", "stress"), hypotheses and facts by name, and what they are there.
World = Mapping[str, float]

#: Layers whose outputs a drug changes by what it does, and not by where it is.
EFFECTS = ("brain", "states", "belief", "mind", "behaviour", "harm")
#: The main path alone: no hypothesis that leads past the block of NMDA receptors, none that closes a gate.
ONE_PATH: World = {"trkb_direct": 0, "hnk_behaviour": 0, "r_path": 0, "opioid_gate": 0}


class Arrays:
    """The mathematics namespace for arrays."""

    exp, log, sqrt = staticmethod(np.exp), staticmethod(np.log), staticmethod(np.sqrt)
    maximum, minimum = staticmethod(np.maximum), staticmethod(np.minimum)


@contextmanager
def living_in(world: World) -> Iterator[dict[str, float]]:
    """Put the hypotheses and facts of a world in place; gives back its free inputs."""
    weights = {name: x for name, x in world.items() if name in hypotheses()}
    ports = {port.name for port in brain().inputs}
    changed = {name: x for name, x in world.items() if name not in weights and name not in ports}
    with using_hypotheses(weights), using_facts(changed):
        yield {name: x for name, x in world.items() if name in ports}


def at(
    given: Mapping[str, ArrayLike] | None = None, world: World | None = None
) -> dict[str, Array]:
    """Outputs of the brain's equations where inputs and states have given values (rest elsewhere)."""
    layer = brain()
    with living_in(world or {}) as inputs:
        values: dict[str, Any] = {
            p.name: value_of(p.fact) * conversion_factor(fact(p.fact).unit, p.unit, p.name)
            for p in layer.parameters
        }
    values |= {s.name: s.initial for s in layer.states} | {"bdnf_met": 0.0}
    values |= {port.name: port.default for port in layer.inputs} | inputs
    unknown = set(given or {}) - values.keys()
    assert not unknown
    values |= {name: np.asarray(x, dtype=float) for name, x in (given or {}).items()}
    made = layer.equations(Arrays(), Values(values))
    return {name: np.asarray(value) for name, value in made.outputs.items()}


#: Outputs that nobody is offered but that the layers hand on.
HIDDEN = ("relief:early", "relief:late")


@cache
def effects(species: Species) -> tuple[str, ...]:
    """All outputs of the layers in which a drug has an effect; what raters score is made of them."""
    offered = (
        name
        for name, info in outputs(species).items()
        if info.layer in EFFECTS and not name.startswith(("score:", "p:"))
    )
    return (*offered, *HIDDEN)


def act(
    target: str,
    factor: float,
    start: float = -np.inf,
    stop: float = np.inf,
    site: str = "systemic",
) -> Intervention:
    """An intervention, always on where no window is given."""
    return Intervention(target, factor, site, start, stop)


def solve(
    species: Species,
    phrase: str,
    times: tuple[float, ...],
    *worlds: World,
    acts: tuple[Intervention, ...] = (),
    anew: bool = False,
) -> dict[str, Array]:
    """Every effect of a phrase ("" for no dose) on the typical one of a species, name -> (T, worlds).

    All worlds share the steps that are chosen in the first one. What was solved once is kept, unless it is asked
    ``anew``.
    """
    frozen = tuple(tuple(sorted(world.items())) for world in worlds or ({},))
    run_it = _solved.__wrapped__ if anew else _solved
    return run_it(species, phrase, times, frozen, acts)


@cache
def _solved(
    species: Species,
    phrase: str,
    times: tuple[float, ...],
    worlds: tuple[tuple[tuple[str, float], ...], ...],
    acts: tuple[Intervention, ...],
) -> dict[str, Array]:
    model = human_model() if species == "human" else animal_model(species)
    given = parse_phrase(phrase).administrations if phrase else ()
    ones, inputs = [], []
    for world in map(dict, worlds):
        with living_in(world) as ports:
            people, one = typical_individual(model, Population(species=species))
        ones.append(one)
        inputs.append(ports)
    with living_in(dict(worlds[0])) as first:
        course = Course(given, max(times) + 1, acts, settings=first)
        ready = prepare(course, model=model, species=species)
    everyone = Individuals(
        np.concatenate([one.parameters for one in ones], axis=1),
        np.concatenate([one.covariates for one in ones], axis=1),
    )
    settings = {
        name: np.array([ports.get(name, model.defaults[name]) for ports in inputs])
        for name in dict.fromkeys(name for ports in inputs for name in ports)
    }
    weights = np.repeat(people.weight, len(ones))
    made, _ = run(ready, everyone, weights, np.array(times), effects(species), settings=settings)
    return made
