"""From a study file to what the laboratory runs: which people go through which courses, and when each arm is seen.

Parallel arms have people of their own. In a crossover the same people go through all arms, in sequences that start with
each arm in turn; periods follow each other after the wash-out, so that what one period leaves behind meets the next.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise

from ketalab.errors import InputError, ScenarioError
from ketalab.facts import fact
from ketalab.laboratory import Course, check_modelled, human_model, intervention_inputs
from ketalab.people import Population, Spread
from ketalab.protocol import Administration, Intervention, Treatment, Variant, parse_phrase
from ketalab.studies._schema import Arm, Study

#: What replay assumes where a study does not say: people an arm, and hours between the periods of a crossover.
ASSUMED_N = 20
ASSUMED_WASHOUT_H = 168.0
#: Doses closer together than this belong to one session (hours).
_SESSION_GAP_H = 12.0
#: A follow-up beyond the last row adds nothing; at least a day is simulated.
_LEAST_HORIZON_H = 24.0

_CONTROL_SETTING = {
    "midazolam": "midazolam",
    "open": "open",
    "placebo-spray": "new_antidepressant",
    "masked-anaesthesia": "masked",
}


@dataclass(frozen=True)
class Visit:
    """One arm in one group: the group's members see the arm from ``start_h`` on."""

    arm: str
    start_h: float


@dataclass(frozen=True)
class Group:
    """People who go through one course: ``share`` of those of ``pool``, ``first`` of whom are before them."""

    pool: int
    count: int
    first: int
    course: Course
    visits: tuple[Visit, ...]


@dataclass(frozen=True)
class Plan:
    """How a study is simulated.

    ``sizes`` gives the people of each pool (one pool an arm, or one for a crossover); ``skipped`` says why an
    arm cannot be simulated; ``assumed`` lists what replay filled in.
    """

    study: Study
    population: Population
    groups: tuple[Group, ...]
    sizes: tuple[int, ...]
    skipped: dict[str, str]
    assumed: tuple[str, ...]


def population_of(study: Study) -> Population:
    """The study's people; what it does not state is the default adult. Baselines are read arm by arm."""
    p = study.population
    age = None
    if p.age is not None and p.age.mean is not None:
        age = Spread(mean=p.age.mean, sd=p.age.sd) if p.age.sd else max(p.age.mean, 18.0)
    weight: Spread | None = None
    if p.weight_kg is not None:
        usual = p.weight_kg * fact("adult_weight_cv").value
        weight = Spread(mean=p.weight_kg, sd=p.weight_sd or usual)
    return Population(age=age, weight_kg=weight, female_percent=p.female_percent)


def _treatment(arm: Arm) -> Treatment:
    if arm.unknown_dose:
        raise ScenarioError(f"arm {arm.id!r}: the source does not tell the dose")
    if arm.unmodelled:
        raise ScenarioError(f"arm {arm.id!r}: no model yet of {', '.join(arm.unmodelled)}")
    if arm.genotype:
        raise ScenarioError(f"arm {arm.id!r}: arms by genotype have no replay yet")
    treatment = Treatment.none()
    for phrase in arm.doses:
        treatment = treatment.merge(parse_phrase(phrase))
    return treatment


def _interventions(arm: Arm) -> tuple[Intervention, ...]:
    made = []
    for item in arm.interventions:
        if item.factor is None:
            raise ScenarioError(f"arm {arm.id!r}: the factor on {item.target!r} is unknown")
        first = -math.inf if item.from_h is None else item.from_h
        last = math.inf if item.to_h is None else item.to_h
        made.append(Intervention(item.target, item.factor, item.site, first, last))
    return tuple(made)


def sessions_of(administrations: tuple[Administration, ...]) -> tuple[float, ...]:
    """Times of treatment sessions: doses within half a day of each other are one session."""
    sessions: list[float] = []
    for time in sorted(a.time_h for a in administrations):
        if not sessions or time - sessions[-1] > _SESSION_GAP_H:
            sessions.append(time)
    return tuple(sessions)


def settings_of(study: Study) -> dict[str, float]:
    """The trial's setting as values of the model's inputs: one setting for all arms of a trial."""
    settings: dict[str, float] = {}
    for control in {arm.control for arm in study.arms}:
        if control in _CONTROL_SETTING:
            settings[f"setting:{_CONTROL_SETTING[control]}"] = 1.0
    if study.design.masking == "open" or study.design.kind == "single-arm":
        settings["setting:open"] = 1.0
    if study.design.sites and study.design.sites > 1:
        settings["setting:site_doublings"] = math.log2(study.design.sites)
    return settings


@dataclass(frozen=True)
class _ArmPlan:
    arm: Arm
    variants: tuple[Variant, ...]
    interventions: tuple[Intervention, ...]
    n: int


def _arm_plans(study: Study, assumed: list[str]) -> tuple[dict[str, _ArmPlan], dict[str, str]]:
    plans: dict[str, _ArmPlan] = {}
    skipped: dict[str, str] = {}
    model = human_model()
    for arm in study.arms:
        try:
            treatment, interventions = _treatment(arm), _interventions(arm)
            # An active control without kinetics acts through the setting of the trial, not as a drug.
            kept = tuple(
                Variant(v.weight, tuple(a for a in v.administrations if a.compound != arm.control))
                for v in treatment.variants
            )
            for variant in kept:
                check_modelled(model, variant.administrations)
            intervention_inputs(model, interventions)
        except InputError as error:
            skipped[arm.id] = str(error)
            continue
        n = arm.n or (study.population.n // len(study.arms) if study.population.n else 0)
        if not n:
            n = ASSUMED_N
            assumed.append(f"arm {arm.id}: {ASSUMED_N} people (no number stated)")
        plans[arm.id] = _ArmPlan(arm, kept, interventions, n)
    return plans, skipped


def _shares(variants: tuple[Variant, ...], n: int) -> list[int]:
    """Split n people over the variants of a mix, as evenly as their weights say."""
    edges = [0]
    total = 0.0
    for variant in variants:
        total += variant.weight
        edges.append(round(total * n))
    return [b - a for a, b in pairwise(edges)]


def _last_row(study: Study, arm: str) -> float:
    times = [0.0]
    for row in study.outcomes:
        if arm in (row.arm, row.than) or row.arm == "all":
            times += [t for t in (row.time_h, *(row.window_h or ())) if t is not None]
    return max(times)


def _horizon(study: Study, plan: _ArmPlan) -> float:
    dosed = max((a.end_h for v in plan.variants for a in v.administrations), default=0.0)
    last = max(_last_row(study, plan.arm.id), _LEAST_HORIZON_H)
    kinetic = any(r.kind in ("auc", "half_life", "cmax", "tmax") for r in study.outcomes)
    return max(last, dosed + (_LEAST_HORIZON_H if kinetic else 1.0))


def _shift(variant: Variant, by: float) -> tuple[Administration, ...]:
    return tuple(replace(a, time_h=a.time_h + by) for a in variant.administrations)


def make_plan(study: Study) -> Plan:
    """Turn a study into groups of people and courses.

    Raises
    ------
    ScenarioError
        The species has no model yet.
    """
    if study.species != "human":
        raise ScenarioError(f"species {study.species!r} has no model yet; modelled: human")
    assumed: list[str] = []
    plans, skipped = _arm_plans(study, assumed)
    settings = settings_of(study)
    all_sessions = [
        sessions_of(v.administrations)
        for p in plans.values()
        for v in p.variants
        if v.administrations
    ]
    shared = max(all_sessions, key=len, default=(0.0,))
    if study.design.kind == "crossover" and len(plans) > 1:
        groups, sizes = _crossover(study, plans, settings, shared, assumed)
    else:
        groups, sizes = _parallel(study, plans, settings, shared)
    return Plan(study, population_of(study), groups, sizes, skipped, tuple(assumed))


def _parallel(
    study: Study, plans: dict[str, _ArmPlan], settings: dict[str, float], shared: tuple[float, ...]
) -> tuple[tuple[Group, ...], tuple[int, ...]]:
    groups = []
    for pool, plan in enumerate(plans.values()):
        first = 0
        for variant, count in zip(plan.variants, _shares(plan.variants, plan.n), strict=True):
            if count:
                course = Course(
                    variant.administrations,
                    _horizon(study, plan),
                    plan.interventions,
                    sessions_of(variant.administrations) or shared,
                    settings,
                )
                groups.append(Group(pool, count, first, course, (Visit(plan.arm.id, 0.0),)))
            first += count
    return tuple(groups), tuple(plan.n for plan in plans.values())


def _crossover(
    study: Study,
    plans: dict[str, _ArmPlan],
    settings: dict[str, float],
    shared: tuple[float, ...],
    assumed: list[str],
) -> tuple[tuple[Group, ...], tuple[int, ...]]:
    washout = study.design.washout_h
    if washout is None:
        washout = ASSUMED_WASHOUT_H
        assumed.append(f"wash-out of {ASSUMED_WASHOUT_H:g} h (none stated)")
    arms = list(plans.values())
    n = max(plan.n for plan in arms)
    stated = [plan.arm.first_period_n for plan in arms]
    if all(s is not None for s in stated) and sum(s or 0 for s in stated) == n:
        counts = [s or 0 for s in stated]
    else:
        counts = [n // len(arms) + (i < n % len(arms)) for i in range(len(arms))]
    groups, first = [], 0
    for lead, count in enumerate(counts):
        order = arms[lead:] + arms[:lead]
        if count:
            course, visits = _sequence(study, order, washout, settings, shared)
            groups.append(Group(0, count, first, course, visits))
        first += count
    return tuple(groups), (n,)


def _sequence(
    study: Study,
    order: list[_ArmPlan],
    washout: float,
    settings: dict[str, float],
    shared: tuple[float, ...],
) -> tuple[Course, tuple[Visit, ...]]:
    """Arms one after the other; a mix of regimens within a crossover takes its first regimen."""
    doses: list[Administration] = []
    sessions: list[float] = []
    interventions: list[Intervention] = []
    visits = []
    start = stop = 0.0
    for plan in order:
        variant = plan.variants[0]
        doses += _shift(variant, start)
        sessions += [start + t for t in sessions_of(variant.administrations) or shared]
        end = start + washout + max((a.end_h for a in variant.administrations), default=0.0)
        for item in plan.interventions:
            first = max(start, start + item.from_h) if math.isfinite(item.from_h) else start
            interventions.append(replace(item, from_h=first, to_h=min(start + item.to_h, end)))
        visits.append(Visit(plan.arm.id, start))
        stop = start + _horizon(study, plan)
        start = end
    course = Course(tuple(doses), stop, tuple(interventions), tuple(sessions), settings)
    return course, tuple(visits)
