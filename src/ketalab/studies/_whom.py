"""Whom a study is about: their model, whether they are ill, and the people to be drawn."""

from __future__ import annotations

import re
from typing import Any, get_args

from ketalab.errors import ScenarioError
from ketalab.facts import fact
from ketalab.laboratory import animal_model, body_model, human_model
from ketalab.model.tracing import Traced
from ketalab.people import Condition, Population
from ketalab.studies._kinetics import about_concentrations
from ketalab.studies._schema import Arm, Study

__all__ = ["condition_of", "model_of", "population_of", "stress_of"]

_SPECIES = ("human", "rat", "mouse", "in_vitro")
_HEALTHY = re.compile(r"\b(?:healthy|wild[- ]?type|na[iï]ve|normal|volunteers?)\b", re.IGNORECASE)
#: Words of an illness, or of a model of depression in animals.
_ILL = re.compile(
    r"\b(?:MDD|MDE|TRD|PTSD|OCD|GAD|SAD|CMS|WKY|cLH)\b|depress|bipolar|suicid|anxiety|stress|helpless",
    re.IGNORECASE,
)
_HELPLESSNESS = "behaviour:LH"


def model_of(study: Study) -> Traced:
    """The model that a study's rows need: the body alone where they are all about concentrations.

    Raises
    ------
    ScenarioError
        The species has no model.
    """
    if study.species not in _SPECIES:
        modelled = ", ".join(_SPECIES)
        raise ScenarioError(f"species {study.species!r} has no model yet; modelled: {modelled}")
    alone = all(about_concentrations(row) for row in study.outcomes)
    if alone and study.species != "in_vitro":
        return body_model(study.species)
    return human_model() if study.species == "human" else animal_model(study.species)


def stress_of(study: Study) -> float:
    """The input *stress*: 0 in healthy people or animals and in a bath, 1 in patients and in models of depression.

    Learned helplessness is itself such a model: a study of healthy animals in which it is the only behaviour is of
    stressed ones.
    """
    if study.species == "in_vitro":
        return 0.0
    behaviours = {r.measure for r in study.outcomes if r.measure.startswith("behaviour:")}
    if behaviours == {_HELPLESSNESS}:
        return 1.0
    words = study.population.condition
    return 0.0 if _HEALTHY.search(words) and not _ILL.search(words) else 1.0


def condition_of(study: Study) -> Condition:
    """What the people of a study suffer from, of the conditions that the model tells apart; else the usual one."""
    words = study.population.condition
    known = get_args(Condition)
    usual: Condition = Population().condition
    return next((one for one in known if one == words), usual)


def population_of(study: Study, arm: Arm | None = None) -> Population:
    """The people of a study or of one arm; what it does not state is the default adult. Baselines are read arm by arm.

    Raises
    ------
    ScenarioError
        A mean that is out of the range of people.
    """
    p = study.population
    if study.species == "in_vitro":
        return Population.parse({"species": study.species}, f"{study.id}: population")
    if study.species != "human":
        if arm is not None and arm.genotype:
            raise ScenarioError(f"arm {arm.id!r}: no model of genotypes in a {study.species} yet")
        kg = (arm.population.weight_kg if arm and arm.population else None) or p.weight_kg
        animal = {"species": study.species} | ({"weight_kg": kg} if kg else {})
        return Population.parse(animal, f"{study.id}: population")
    own = arm.population if arm is not None and arm.population is not None else None
    stated: dict[str, Any] = {"condition": condition_of(study)}
    age = own.age if own is not None and own.age is not None else p.age
    if age is not None:
        mean, sd = age.mean, age.sd
        if mean is None and age.range is not None:
            # The middle of a range, and a standard deviation that puts its ends at two of them.
            low, high = age.range
            mean, sd = (low + high) / 2, (high - low) / 4
        if mean is not None:
            stated["age"] = {"mean": mean, "sd": sd} if sd else mean
    heavy = own if own is not None and own.weight_kg is not None else p
    if heavy.weight_kg is not None:
        usual = heavy.weight_kg * fact("adult_weight_cv").value
        stated["weight_kg"] = {"mean": heavy.weight_kg, "sd": heavy.weight_sd or usual}
    sexes = [part.female_percent for part in (own, p) if part is not None]
    female = next((share for share in sexes if share is not None), None)
    if female is not None:
        stated["female_percent"] = female
    if arm is not None and arm.genotype:
        stated["genotype"] = dict(arm.genotype)
    where = study.id if arm is None else f"{study.id}: arm {arm.id}"
    return Population.parse(stated, f"{where}: population")
