"""From a study file to what the laboratory runs: which people go through which courses, and when each arm is seen.

Parallel arms have people of their own. In a crossover the same people go through all arms, in sequences that start with
each arm in turn; periods follow each other after the wash-out, so that what one period leaves behind meets the next.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from ketalab.laboratory import CONTROLS, Course, doses_at, sessions_of
from ketalab.protocol import Administration, Intervention, Variant
from ketalab.studies._arms import ArmPlan, plan_arms
from ketalab.studies._groups import TERMINAL_H, Group, Plan, Visit, share_out
from ketalab.studies._kinetics import is_figure, needs_infinity
from ketalab.studies._observe import event_scale, names_no_scale, scale_of
from ketalab.studies._references import add_references
from ketalab.studies._schema import Study
from ketalab.studies._settings import settings_of
from ketalab.studies._whom import model_of, population_of, stress_of

__all__ = ["Group", "Plan", "Visit", "make_plan", "sessions_of", "settings_of"]

#: Hours between the periods of a crossover where a study does not say.
ASSUMED_WASHOUT_H = 168.0
#: A follow-up beyond the last row adds nothing; at least a day is simulated.
_LEAST_HORIZON_H = 24.0
#: A wash-out of this length leaves nothing of a drug: concentrations of each period start at zero.
_CLEAN_WASHOUT_H = 48.0


def scales_assumed(study: Study) -> list[str]:
    """What is said of rows that name no scale: which scale they are read on."""
    rows = {row.measure: row for row in study.outcomes if names_no_scale(row)}
    return [
        f"{measure}: no scale is told; read on {(event_scale(study, row) or ('', scale_of(study, row)))[1]}"
        for measure, row in rows.items()
    ]


def _last_row(study: Study, arm: str) -> float:
    times = [0.0]
    for row in study.outcomes:
        if arm in (row.arm, row.than) or row.arm == "all":
            times += [t for t in (row.time_h, *(row.window_h or ())) if t is not None]
    return max(times)


def _horizon(study: Study, plan: ArmPlan) -> float:
    dosed = plan.end_h
    last = max(_last_row(study, plan.arm.id), _LEAST_HORIZON_H)
    mine = [row for row in study.outcomes if plan.arm.id in (row.arm, row.than)]
    after = 1.0
    if any(map(is_figure, mine)):
        after = TERMINAL_H if any(map(needs_infinity, mine)) else _LEAST_HORIZON_H
    return max(last, dosed + after)


def _shift(variant: Variant, by: float) -> tuple[Administration, ...]:
    return tuple(replace(a, time_h=a.time_h + by) for a in variant.administrations)


def make_plan(study: Study) -> Plan:
    """Turn a study into groups of people and courses.

    Raises
    ------
    ScenarioError
        The species has no model yet, or the population is out of range.
    """
    model = model_of(study)
    population = population_of(study)
    assumed: list[str] = []
    plans, skipped = plan_arms(study, model, assumed)
    alone = "session" not in model.inputs
    settings = {} if alone else settings_of(study)
    if "stress" in model.inputs:
        settings["stress"] = stress_of(study)
    all_sessions = [
        sessions_of(v.administrations)
        for p in plans.values()
        for v in p.variants
        if v.administrations
    ]
    shared = () if alone else max(all_sessions, key=len, default=(0.0,))
    timing = _Timing(settings, shared, alone)
    if not alone:
        plans = {name: _with_control(plan, shared, assumed) for name, plan in plans.items()}
    crossover = study.design.kind == "crossover" and len(plans) > 1
    washout = study.design.washout_h
    clean = washout is None or washout >= _CLEAN_WASHOUT_H
    if crossover and not (alone and clean):
        groups, sizes = _crossover(study, plans, timing, assumed)
    else:
        # Arms whose concentrations are compared are simulated in the same people, so that a ratio is no noise; those
        # of experiments too, all of them in everybody, so that a direction is the model's and not the draw's.
        experiment = study.design.kind == "experiment" or study.species != "human"
        if experiment:
            most = max((plan.n for plan in plans.values()), default=0)
            plans = {name: replace(plan, n=most) for name, plan in plans.items()}
        together = crossover or experiment or study.design.kind == "pharmacokinetic"
        groups, sizes = _parallel(study, plans, timing, together)
    assumed += scales_assumed(study)
    return add_references(
        Plan(study, model, population, groups, sizes, skipped, tuple(assumed)), plans
    )


def _with_control(plan: ArmPlan, sessions: tuple[float, ...], assumed: list[str]) -> ArmPlan:
    """An arm that names an active control and no dose of it gets the usual one at each session."""
    control = CONTROLS.get(plan.arm.control or "")
    if control is None or control.given is None or plan.arm.doses:
        return plan
    assumed.append(f"arm {plan.arm.id}: {control.given} at each session (no dose stated)")
    return replace(plan, variants=(Variant(1.0, doses_at(control.given, sessions)),))


@dataclass(frozen=True)
class _Timing:
    """What all courses of a study share: its setting, its sessions, and whether the body is simulated alone."""

    settings: dict[str, float]
    shared: tuple[float, ...]
    alone: bool

    def sessions(self, administrations: tuple[Administration, ...]) -> tuple[float, ...]:
        """Sessions of an arm; a body alone has none."""
        return () if self.alone else sessions_of(administrations) or self.shared

    def settings_of(self, study: Study, arm: str) -> dict[str, float]:
        """The setting of an arm: that of the study, or of the trials that a pooled arm comes from."""
        if self.alone or study.design.kind != "pooled":
            return self.settings
        return settings_of(study, arm)


def _parallel(
    study: Study, plans: dict[str, ArmPlan], timing: _Timing, together: bool
) -> tuple[tuple[Group, ...], tuple[int, ...]]:
    """Arms side by side, in people of their own or (``together``) in the same people, each from a clean start."""
    groups = []
    sizes: list[int] = []
    pools: dict[Any, int] = {}
    for number, plan in enumerate(plans.values()):
        own = plan.arm.population
        pool = pools.setdefault(own if together else number, len(pools))
        sizes += [0] * (pool == len(sizes))
        sizes[pool] = max(sizes[pool], plan.n)
        apart = own is not None or bool(plan.arm.genotype)
        population = population_of(study, plan.arm) if apart else None
        first = 0
        for variant, count in zip(plan.variants, share_out(plan.variants, plan.n), strict=True):
            if count:
                course = Course(
                    variant.administrations,
                    _horizon(study, plan),
                    plan.interventions,
                    timing.sessions(variant.administrations),
                    timing.settings_of(study, plan.arm.id),
                )
                visits = (Visit(plan.arm.id, 0.0),)
                groups.append(Group(pool, count, first, course, visits, population))
            first += count
    return tuple(groups), tuple(sizes)


def _crossover(
    study: Study,
    plans: dict[str, ArmPlan],
    timing: _Timing,
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
            course, visits = _sequence(study, order, washout, timing)
            groups.append(Group(0, count, first, course, visits))
        first += count
    return tuple(groups), (n,)


def _sequence(
    study: Study,
    order: list[ArmPlan],
    washout: float,
    timing: _Timing,
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
        sessions += [start + t for t in timing.sessions(variant.administrations)]
        end = start + washout + max((a.end_h for a in variant.administrations), default=0.0)
        for item in plan.interventions:
            first = max(start, start + item.from_h) if math.isfinite(item.from_h) else start
            interventions.append(replace(item, from_h=first, to_h=min(start + item.to_h, end)))
        visits.append(Visit(plan.arm.id, start))
        stop = start + _horizon(study, plan)
        start = end
    course = Course(tuple(doses), stop, tuple(interventions), tuple(sessions), timing.settings)
    return course, tuple(visits)
