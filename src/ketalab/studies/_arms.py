"""What each arm of a study does to its people, as the laboratory says it: doses, acts on targets, number of people.

An arm whose drug acts on nothing in the model, or whose dose is not known, is left out with the reason. What stands in
an arm's background acts too where it changes the kinetics: an inhibitor given for days before is there throughout.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ketalab.errors import InputError, ScenarioError
from ketalab.facts import compounds
from ketalab.laboratory import (
    check_modelled,
    intervention_inputs,
    newly_started,
    standing,
)
from ketalab.model.tracing import Traced
from ketalab.protocol import Administration, Intervention, Treatment, Variant, parse_phrase
from ketalab.studies._kinetics import FIRST_SAMPLE_H
from ketalab.studies._schema import Arm, Study
from ketalab.studies._whom import population_of

#: People an arm where a study does not say.
ASSUMED_N = 20
#: Length of the infusion that a bioavailability is measured against (hours); the area does not depend on it.
REFERENCE_INFUSION_H = 40 / 60
#: An antidepressant in an arm's background that is begun with the trial, and not one that goes on.
_NEWLY_STARTED = re.compile(r"\bnew(?:ly)?\b.*\b(?:AD|antidepressant)\b", re.IGNORECASE)


@dataclass(frozen=True)
class ArmPlan:
    """One arm: its regimens with their shares, its acts on targets, its people.

    ``reference`` is the same with the drug given into a vein, or why there is no such reference.
    """

    arm: Arm
    variants: tuple[Variant, ...]
    interventions: tuple[Intervention, ...]
    n: int
    reference: tuple[Variant, ...] | str

    @property
    def end_h(self) -> float:
        """Hours at which the last dose ends."""
        return max((a.end_h for v in self.variants for a in v.administrations), default=0.0)


def plan_arms(
    study: Study, model: Traced, assumed: list[str]
) -> tuple[dict[str, ArmPlan], dict[str, str]]:
    """Arms that can be simulated, and why the others cannot; what was filled in is added to ``assumed``."""
    plans: dict[str, ArmPlan] = {}
    skipped: dict[str, str] = {}
    for arm in study.arms:
        try:
            treatment, interventions = _treatment(arm), _interventions(arm)
            if arm.genotype:
                population_of(study, arm)
            kept = treatment.variants
            for variant in kept:
                check_modelled(model, variant.administrations)
                _check_acting(study, arm, model, variant.administrations)
            interventions += _background(arm, model)
            intervention_inputs(model, interventions)
        except InputError as error:
            skipped[arm.id] = str(error)
            continue
        if _begins_antidepressant(arm):
            assumed.append(f"arm {arm.id}: a reuptake inhibitor from the start (which is not told)")
        n = arm.n or _share_of_people(study)
        if not n:
            n = ASSUMED_N
            assumed.append(f"arm {arm.id}: {ASSUMED_N} people (no number stated)")
        plans[arm.id] = ArmPlan(arm, kept, interventions, n, _reference(arm, kept, model))
    return plans, skipped


def _share_of_people(study: Study) -> int:
    """People of an arm that states none: everyone where all go through each arm, else an even share."""
    everyone = study.population.n or 0
    shared = study.design.kind in ("pharmacokinetic", "crossover")
    return everyone if shared else everyone // len(study.arms)


def _treatment(arm: Arm) -> Treatment:
    if arm.unknown_dose:
        raise ScenarioError(f"arm {arm.id!r}: the source does not tell the dose")
    if arm.unmodelled:
        raise ScenarioError(f"arm {arm.id!r}: no model yet of {', '.join(arm.unmodelled)}")
    treatment = Treatment.none()
    for phrase in arm.doses:
        treatment = treatment.merge(parse_phrase(phrase))
    return treatment


def _check_acting(
    study: Study, arm: Arm, model: Traced, administrations: Sequence[Administration]
) -> None:
    """Refuse a drug that has kinetics in the model and moves nothing beyond: its arm would pass for one without it.

    A drug that moves no state of the brain may still enter the outputs that all the arm's rows read (propofol and
    rhythms).
    """
    if not model.states:
        return
    places = model.places
    mine = [row.measure for row in study.outcomes if arm.id in (row.arm, row.than)]
    read = [model.reads.outputs[name] for name in mine if name in model.reads.outputs]
    for dose in administrations:
        molecules = compounds()[dose.compound].molecules
        entered = {
            model.linear.index(entry.state)
            for layer in model.joined.layers
            for entry in layer.entries
            if entry.route == dose.route and entry.molecule in molecules
        }
        reached: set[int] = set()
        while entered - reached:
            reached |= entered
            entered = {i for i, j in places if j in reached}
        names = {model.linear[i] for i in reached}
        seen = bool(mine) and len(read) == len(mine) and not any(map(names.isdisjoint, read))
        if molecules and reached.isdisjoint(model.drivers) and not seen:
            raise ScenarioError(
                f"arm {arm.id!r}: {dose.compound!r} has no model yet of what it does, only of its kinetics"
            )


def _interventions(arm: Arm) -> tuple[Intervention, ...]:
    made = []
    for item in arm.interventions:
        if item.factor is None:
            raise ScenarioError(f"arm {arm.id!r}: the factor on {item.target!r} is unknown")
        if item.factor == 1:
            continue  # it changes nothing, whether or not its target has a model
        first = -math.inf if item.from_h is None else item.from_h
        last = math.inf if item.to_h is None else item.to_h
        made.append(Intervention(item.target, item.factor, item.site, first, last))
    return tuple(made)


def _background(arm: Arm, model: Traced) -> tuple[Intervention, ...]:
    """What drugs in the background do to enzymes, for the whole course.

    An antidepressant that is begun with the trial has its slow course from the start; one that goes on has had it.
    Other acts of a background are left to the setting of the trial.
    """
    found = [item for text in arm.background for item in standing(text)]
    if _begins_antidepressant(arm):
        found += newly_started()
    known = {target for layer in model.joined.layers for target in layer.targets}
    return tuple(item for item in found if item.target in known or ":" in item.target)


def _begins_antidepressant(arm: Arm) -> bool:
    named = [text for text in arm.background if _NEWLY_STARTED.search(text)]
    return bool(named) and not any(standing(text) for text in named)


def _reference(arm: Arm, variants: tuple[Variant, ...], model: Traced) -> tuple[Variant, ...] | str:
    """The same doses of the arm's drug as intravenous infusions, or why a bioavailability has no such reference."""
    given = [a for v in variants for a in v.administrations if compounds()[a.compound].molecules]
    drug = next((a.compound for a in given if a.route != "iv"), None)
    if drug is None:
        return f"arm {arm.id!r} is given no drug other than intravenously: no bioavailability"
    if any(a.compound == drug and a.route == "iv" for a in given):
        return f"arm {arm.id!r} is given {drug} intravenously too: its bioavailability has no replay yet"
    infused = tuple(
        Variant(
            v.weight, tuple(_infused(a) if a.compound == drug else a for a in v.administrations)
        )
        for v in variants
    )
    try:
        for variant in infused:
            check_modelled(model, variant.administrations)
    except ScenarioError as error:
        return str(error)
    return infused


def _infused(dose: Administration) -> Administration:
    """The same amount into a vein; what only its own route can have (a device, a time in the mouth) is dropped."""
    return replace(dose, route="iv", duration_h=REFERENCE_INFUSION_H, device=None, hold_h=None)


def dose_times(variants: Sequence[Variant]) -> tuple[float, ...]:
    """Hours at which doses begin and end."""
    return tuple(
        sorted({t for v in variants for a in v.administrations for t in (a.time_h, a.end_h)})
    )


def bolus_times(variants: Sequence[Variant]) -> tuple[float, ...]:
    """Hours of intravenous doses given at once, or over no longer than the first sample waits."""
    return tuple(
        sorted(
            {
                a.time_h
                for v in variants
                for a in v.administrations
                if a.route == "iv" and a.duration_h < FIRST_SAMPLE_H and a.program is None
            }
        )
    )
