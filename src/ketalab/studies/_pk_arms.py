"""Arms of a concentration record: one for each route, dose, group of people and interacting drug that a row names."""

from __future__ import annotations

import re

from ketalab.studies._analytes import read_drug
from ketalab.studies._context import Context, arm_id_of
from ketalab.studies._given import LENGTHS, read_route, write_arm
from ketalab.studies._record import EvidenceRecord, Row, number, text_of

__all__ = ["INTERACTING", "arm_for"]

_I = re.IGNORECASE
#: One route with its doses, in words that list several: ``nasal 3 and 9 mg/kg``, ``10 mg iv over 2 min``.
_ROUTE = (
    r"iv|i\.v\.|im|i\.m\.|sc|s\.c\.|oral(?:ly)?|nasal|intranasal|rectal|sublingual|buccal|inhaled"
    r"|intravenous|intramuscular|subcutaneous"
)
_DOSES = r"(?P<doses>\d[\d., and]*?) ?(?P<unit>mg/kg|mg|ug/kg)"
_LENGTH = r"(?: over (?P<minutes>\d+(?:\.\d+)?) min)?"
_PARTS = (
    re.compile(rf"\b(?P<route>{_ROUTE})(?P<bolus> bolus)? {_DOSES}(?!/){_LENGTH}", _I),
    re.compile(rf"{_DOSES} (?P<route>{_ROUTE})\b(?P<bolus> bolus)?{_LENGTH}", _I),
)
#: A drug given for days before, to see what it does to the kinetics.
INTERACTING = ("inhibitor", "inducer", "interacting", "with")
_NOTHING = re.compile(r"^(?:none|no|placebo|control|alone|without.*|water|false)$", _I)
#: Fields of a metric that say of its arm what the record's treatment leaves open.
_OF_TREATMENT = ("compound", "form", "device", "dose", "duration_min", "duration_h", "infusion_min", "infusion_h",
                 "hold_min", "regimen", "times_h", "salt")  # fmt: skip
#: Age to which people are taken who are told to be older than some age (years).
OLDEST = 85.0


def arm_for(ctx: Context, metric: Row, assumed: list[Row]) -> tuple[str, str | None]:
    """Return the arm of a metric, and the arm without the interacting drug if there is one."""
    record = ctx.record
    treatment = _treatment(record, metric)
    interacting = _interacting(record, metric)
    name = _name(record, metric, treatment)
    _add(ctx, name, treatment, metric, assumed, "")
    if not interacting:
        return name, None
    drug = re.sub(r"[^a-z0-9_-]+", "", interacting.split()[0].lower()) or "other"
    drug = "st_johns_wort" if drug.startswith("st") and "wort" in interacting.lower() else drug
    words = next(
        (text for text in _drugs(record) if drug.split("_")[0] in text.lower()), interacting
    )
    with_drug = arm_id_of(f"{name}_{drug}")[:80]
    _add(ctx, with_drug, treatment, metric, assumed, words)
    return with_drug, name


def _interacting(record: EvidenceRecord, metric: Row) -> str:
    """Return the words of the drug that was given before; empty where the metric is of people without it."""
    own = text_of(metric, *INTERACTING)
    if own:
        return "" if _NOTHING.match(own) else own
    if re.match(r"(?:control|placebo|without|alone)\b", text_of(metric, "condition"), _I):
        return ""
    said = text_of(record.treatment, *INTERACTING)
    return "" if _NOTHING.match(said) else said


def _drugs(record: EvidenceRecord) -> list[str]:
    text = text_of(record.treatment, *INTERACTING)
    days = re.search(r", (\d+ days)$", text)
    parts = [part.strip() for part in re.split(r" or |, (?=\d+ days$)", text)]
    if days:
        return [f"{part} for {days[1]}" for part in parts if part != days[1]]
    return parts


def _own_arm(record: EvidenceRecord, metric: Row) -> Row:
    """Return the treatment of the record's own arm that a metric names, empty where there is none."""
    name = text_of(metric, "arm")
    arm = next((arm for arm in record.arms if arm.id == name), None)
    if arm is None:
        return {}
    return dict(arm.treatments[0]) if arm.treatments else {}


def _listed(record: EvidenceRecord, metric: Row) -> Row:
    """Return the one of a record's listed treatments that fits a metric best; empty where it lists none."""
    listed = record.extra.get("treatments")
    given = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []

    def fits(item: Row) -> int:
        same = ("compound", "dose", "form")
        score = sum(metric.get(key) is not None and metric[key] == item.get(key) for key in same)
        route = read_route(text_of(metric, "route"))
        return score + (
            route != "" and route == read_route(text_of(item, "route"), text_of(item, "form"))
        )

    return max(given, key=fits) if given else {}


def _treatment(record: EvidenceRecord, metric: Row) -> Row:
    """Return route, dose and unit of one metric from its own fields and the record's treatment."""
    treatment = {key: value for key, value in record.treatment.items() if key not in INTERACTING}
    treatment |= _own_arm(record, metric) or _listed(record, metric)
    own = {key: metric[key] for key in _OF_TREATMENT if metric.get(key) not in (None, "")}
    if "dose" in own and text_of(metric, "dose_unit"):
        own["unit"] = text_of(metric, "dose_unit")
    said_route = text_of(treatment, "route")
    treatment |= own | {"analyte": text_of(metric, "analyte")}
    route = read_route(text_of(metric, "route")) if metric.get("route") else ""
    usual = read_route(said_route, text_of(treatment, "form", "dose"))
    if route and route != usual:  # how long the record's own route took says nothing of this one
        treatment = {k: v for k, v in treatment.items() if k not in LENGTHS or k in own}
    route = route or usual
    for source in (treatment, metric):
        for key, unit in (("dose_mg", "mg"), ("dose_mg_kg", "mg/kg")):
            if number(source, key) is not None:
                treatment |= {"dose": source[key], "unit": unit}
    dosed = any(number(metric, key) is not None for key in ("dose", "dose_mg", "dose_mg_kg"))
    for part in _parts(f"{said_route}; {text_of(record.treatment, 'form', 'regimen')}"):
        if read_route(part["route"]) != route or dosed:
            continue
        doses = re.split(r" and |, ?", part["doses"].strip(" ,"))
        if len(doses) == 1:
            treatment |= {"dose": float(doses[0]), "unit": part["unit"]}
        elif len(doses) == 2:  # of two doses, either is meant
            treatment |= {"dose": f"{doses[0]} or {doses[1]}", "unit": part["unit"]}
        if part["bolus"]:
            treatment["form"] = "bolus"
        if part["minutes"]:
            treatment["duration_min"] = float(part["minutes"])
        break
    after = re.search(r"after (\d+(?:\.\d+)?) (mg/kg|mg)\b", text_of(metric, "quantity"))
    if after and not dosed:
        treatment |= {"dose": float(after[1]), "unit": after[2]}
    treatment["route_words"] = said_route if route == usual else ""
    return treatment | {"route": "oral extended-release" if _is_slow(route, treatment) else route}


def _is_slow(route: str, treatment: Row) -> bool:
    return route == "oral" and bool(re.search("prolonged|extended", text_of(treatment, "form"), _I))


def _parts(text: str) -> list[re.Match[str]]:
    """Return the routes with doses that a text lists, where it lists them in one of two orders."""
    for pattern in _PARTS:
        found = list(pattern.finditer(text))
        if found and all(re.fullmatch(r"[\d., and]+", part["doses"]) for part in found):
            numbers = [re.split(r" and |, ?", part["doses"].strip(" ,")) for part in found]
            if all(re.fullmatch(r"\d+(?:\.\d+)?", n) for each in numbers for n in each):
                return found
    return []


def _name(record: EvidenceRecord, metric: Row, treatment: Row) -> str:
    if text_of(metric, "arm"):
        return arm_id_of(text_of(metric, "arm"))[:80]
    own = [key for key in ("route", "dose_mg", "dose_mg_kg", "dose", "stratum") if metric.get(key)]
    drug = read_drug(text_of(treatment, "compound"), text_of(metric, "analyte"))[0].split(" and ")[
        0
    ]
    parts = [drug]
    several = " and " in text_of(treatment, "compound") or metric.get("compound")
    if own:
        parts = [drug] if several else []
        parts += [text_of(metric, "stratum"), text_of(metric, "route")]
        doses = ((number(metric, "dose_mg"), "mg"), (number(metric, "dose_mg_kg"), "mgkg"))
        parts += [f"{dose:g}{unit}" for dose, unit in doses if dose is not None]
        if number(metric, "dose") is not None:
            unit = text_of(metric, "dose_unit") or text_of(treatment, "unit")
            parts.append(f"{metric['dose']:g}{unit.replace('/', '')}")
    residual = re.search(r"after the (\d+(?:\.\d+)?) ?mg", text_of(metric, "condition"))
    if residual:
        parts.append(f"after_{residual[1]}mg")
    return arm_id_of("_".join(part for part in parts if part).replace(">", "over") or drug)[:80]


def _add(
    ctx: Context, arm_id: str, treatment: Row, metric: Row, assumed: list[Row], background: str
) -> None:
    if arm_id in ctx.arms:
        return
    record = ctx.record
    ctx.given[arm_id] = treatment
    arm = write_arm(ctx, arm_id, treatment, assumed, text_of(metric, "condition"))
    own = next((a.n for a in record.arms if a.id == text_of(metric, "arm")), None)
    n = own or record.population.get("n")
    if isinstance(n, int) and not isinstance(n, bool) and n > 0:
        arm["n"] = n
    if background:
        arm["background"] = [background]
    if stratum := text_of(metric, "stratum", "subgroup"):
        arm |= _people(ctx, arm_id, stratum, assumed)
    ctx.arms[arm_id] = {key: value for key, value in arm.items() if value not in ([], False)}


def _people(ctx: Context, arm_id: str, stratum: str, assumed: list[Row]) -> Row:
    """Return what the words of a stratum say of age and sex; what else they say has no model and is listed."""
    found: Row = {}
    rest = stratum
    if match := re.search(r"(\d+) ?- ?(\d+)(?: ?y(?:ears?)?)?", rest):
        found["age"] = {"range": sorted(float(end) for end in match.groups())}
    elif match := re.search(r"(?:>=?|over|above|older than) ?(\d+)(?: ?y(?:ears?)?)?", rest, _I):
        found["age"] = {"range": sorted((float(match[1]), OLDEST))}
    if match:
        rest = rest.replace(match[0], "")
    if match := re.search(r"\b(?:women|females?)\b|\bmen\b|\bmales?\b", rest, _I):
        found["female_percent"] = 0.0 if match[0].lower() in ("men", "male", "males") else 100.0
        rest = rest.replace(match[0], "")
    if rest.strip(" ,;"):
        why = "has no model beyond age and sex: simulated like everyone"
        entry = {"field": f"arms.{arm_id}.population", "value": rest.strip(" ,;"), "why": why}
        assumed.append(entry)
        ctx.decide(f"arm {arm_id}: {rest.strip(' ,;')!r} {why}")
    return {"population": found} if found else {}
