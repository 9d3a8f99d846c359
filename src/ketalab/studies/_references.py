"""What a bioavailability is measured against: the same dose into a vein, in the same people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ketalab.studies._arms import ArmPlan, bolus_times, dose_times
from ketalab.studies._groups import TERMINAL_H, Plan, Visit, share_out
from ketalab.studies._kinetics import about_concentrations, quantity_of

__all__ = ["add_references"]

#: Marks, after an arm's id, the course in which the arm's drug is infused: no id of an arm has it.
_REFERENCE = "#iv"


def add_references(plan: Plan, plans: Mapping[str, ArmPlan]) -> Plan:
    """Add the course behind each bioavailability, in the people of its arm, and the hours of doses."""
    asked = {
        name
        for row in plan.study.outcomes
        if about_concentrations(row) and quantity_of(row) == "bioavailability"
        for name in (row.arm, row.than)
    }
    groups = list(plan.groups)
    references, unreferred = {}, {}
    doses = {name: dose_times(p.variants) for name, p in plans.items()}
    boluses = {name: bolus_times(p.variants) for name, p in plans.items()}
    for name, p in plans.items():
        if name not in asked:
            continue
        if isinstance(p.reference, str):
            unreferred[name] = p.reference
            continue
        mine = [g for g in plan.groups if [v.arm for v in g.visits] == [name]]
        if len(mine) != sum(bool(c) for c in share_out(p.variants, p.n)):
            unreferred[name] = "the bioavailability of a period of a crossover has no replay yet"
            continue
        references[name] = name + _REFERENCE
        doses[references[name]] = dose_times(p.reference)
        given = [v for v, c in zip(p.reference, share_out(p.variants, p.n), strict=True) if c]
        for group, variant in zip(mine, given, strict=True):
            end = max((a.end_h for a in variant.administrations), default=0.0)
            course = replace(
                group.course,
                administrations=variant.administrations,
                horizon_h=max(group.course.horizon_h, end + TERMINAL_H),
            )
            visits = (Visit(references[name], 0.0),)
            groups.append(replace(group, course=course, visits=visits))
    return replace(
        plan,
        groups=tuple(groups),
        references=references,
        unreferred=unreferred,
        doses=doses,
        boluses=boluses,
    )
