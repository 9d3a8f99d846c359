"""What a record does not tell of an arm: the usual dose of its drug, and how much an act changes its target.

Doses are filled in for animals and cells, and for people where neither dose nor regimen is told and every row of the
arm is a direction; a number of a trial is never set against a dose that is assumed. All of it is listed.
"""

from __future__ import annotations

import re

from ketalab.studies._checks import dose_problem
from ketalab.studies._context import Context, is_animal
from ketalab.studies._doses import in_words, resolve_compound
from ketalab.studies._record import ArmRecord, EvidenceRecord, Row, arms_of, number, text_of
from ketalab.studies._usual import UsualDose, act_of, factor_of, usual_dose
from ketalab.studies._vocabulary import INERT, NO_KIND, ROUTE_WORDS

__all__ = ["fill_factors", "tell_untold"]

#: Given at a place in the brain, or no drug at all.
_LOCAL = re.compile(r"^intra[- ]|^(?:viral|optogenetic|none|local|infusion into)", re.IGNORECASE)
_REMARK = re.compile(r"\s*\(.*\)$|\s+(?:pre-?treatment|injection|infusion)$", re.IGNORECASE)
#: Keys under which a row keeps a number.
_NUMBERS = ("mean", "percent", "median", "smd", "cohen_d", "hr", "odds_ratio", "events")


def tell_untold(ctx: Context, arm: ArmRecord, arm_id: str) -> tuple[tuple[Row, ...], list[Row]]:
    """Return an arm's treatments with usual doses where none are told, and those that are acts on targets."""
    treatments = arm.treatments
    if not may_be_usual(ctx.record, arm.id):
        return treatments, []
    if not treatments and (drug := _named(arm.id, ctx.record.species)):
        ctx.decide(f"arm {arm.id!r} lists no treatment; its name is taken as its drug")
        treatments = ({"compound": drug},)
    kept, acts = [], []
    for treatment in treatments:
        act = _act(ctx, arm_id, treatment)
        if act is not None:
            acts.append(act)
        else:
            kept.append(_usual(ctx, arm_id, treatment))
    return tuple(kept), acts


def may_be_usual(record: EvidenceRecord, arm: str) -> bool:
    """Whether an arm's dose may be filled in: of animals and cells, or of people whose rows are no numbers."""
    if is_animal(record):
        return True
    rows = [
        row
        for row in record.rows
        if arm in (row.get("arm"), row.get("versus"), *arms_of(row))
        or not (row.get("arm") or arms_of(row))
    ]
    numbers = (
        any(number(row, key) is not None for key in _NUMBERS)
        for row in rows
        if text_of(row, "kind") not in ("correlation", "association", "value", "range", *_TESTS)
    )
    return not any(numbers)


_TESTS = tuple(
    kind for kind in NO_KIND if kind in ("interaction", "main_effect", "p_value", "threshold")
)


def _named(arm: str, species: str) -> str:
    """The compound that an arm's name is, where it has a usual dose; empty where it is none."""
    for text in (arm.replace("_", " "), arm.replace("_", "-")):
        compound = resolve_compound(text)[0]
        if usual_dose(compound, species) is not None:
            return compound
    return ""


def _act(ctx: Context, arm_id: str, treatment: Row) -> Row | None:
    """A virus, light or a local infusion in animals as an intervention; None for a drug."""
    compound, route = text_of(treatment, "compound"), text_of(treatment, "route")
    if not is_animal(ctx.record) or compound in INERT or not _LOCAL.search(route):
        return None
    found = act_of(compound, route)
    if found is None:
        return None
    row, item = found
    name = f"arms.{arm_id}.interventions.{item.target}.factor"
    ctx.assume(name, item.factor, item.why, range=list(item.range))
    ctx.decide(f"arm {arm_id}: {in_words(treatment)} taken as an act on {item.target}")
    return row


def _usual(ctx: Context, arm_id: str, treatment: Row) -> Row:
    """A treatment with the usual dose of its drug where it tells neither dose nor regimen."""
    compound, route = text_of(treatment, "compound"), text_of(treatment, "route")
    told = any(treatment.get(key) not in (None, "", []) for key in ("dose", "regimen", "schedule"))
    told |= not is_animal(ctx.record) and isinstance(treatment.get("times_h"), str)
    if told or compound in INERT or _LOCAL.search(route):
        return treatment
    names = [resolve_compound(_REMARK.sub("", part))[0] for part in compound.split(" or ")]
    found = (usual_dose(name, ctx.record.species) for name in names)
    usual = next((dose for dose in found if dose is not None), None)
    if usual is None:
        return treatment
    if len(names) > 1:
        ctx.decide(f"arm {arm_id}: of {compound!r}, {usual.compound} is taken")
    ctx.decide(f"arm {arm_id}: dose of {compound} not told, the usual one is taken: {usual.phrase}")
    route = ROUTE_WORDS.get(route, route)
    if not _is_route(usual, route):
        route = usual.part("route")
    made: Row = {
        **treatment,
        "compound": usual.compound,
        "dose": float(usual.part("amount")),
        "unit": usual.part("unit"),
        "route": route,
        "usual": {
            "unit": usual.part("unit"),
            "range": list(usual.range),
            "why": f"the dose is not told: the usual one; {usual.why}",
        },
    }
    if route == "iv" and usual.part("length") and not number(treatment, "duration_min"):
        made["length"] = usual.part("length")
    return made


def _is_route(usual: UsualDose, route: str) -> bool:
    """Whether a record's word is a route by which the dose can be said."""
    words = f"{usual.part('amount')} {usual.part('unit')} {usual.compound} {route}"
    return bool(route) and (not dose_problem(words) or not dose_problem(f"{words} bolus"))


def fill_factors(ctx: Context) -> None:
    """Fill in unknown factors of acts in animals and cells, by what is said of them; list each."""
    if not is_animal(ctx.record):
        return
    for arm_id, arm in ctx.arms.items():
        for place, act in enumerate(arm.get("interventions", ())):
            if act.get("factor") is not None:
                continue
            words = f"{act.get('note', '')} {arm.get('note', '')} {arm_id}"
            item = factor_of(str(act.get("target")), words)
            if item is None:
                continue
            arm["interventions"][place] = {**act, "factor": item.factor}
            name = f"arms.{arm_id}.interventions.{item.target}.factor"
            ctx.assume(name, item.factor, item.why, range=list(item.range))
