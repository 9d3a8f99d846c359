"""A concentration record to a study: arms by route, dose and interacting drug, then the rows."""

from __future__ import annotations

import re

from ketalab.studies._concentrations import metric_values, read_profile, read_value
from ketalab.studies._context import Context, arm_id_of
from ketalab.studies._doses import resolve_compound, write_doses
from ketalab.studies._record import EvidenceRecord, Row, number, text_of
from ketalab.studies._vocabulary import ROUTE_WORDS

__all__ = ["convert_concentrations"]

_PART = re.compile(
    r"(?P<route>iv|im|oral|nasal|rectal)(?P<bolus> bolus)? (?P<doses>[\d. and]+) ?mg/kg",
    re.IGNORECASE,
)
_STEPPED = re.compile(r"(?P<rates>[\d., ]+) (?P<unit>mg/kg/h) for (?P<minutes>\d+) min each")
#: A drug given for days before, to see what it does to the kinetics.
_INTERACTING = ("inhibitor", "inducer")


def convert_concentrations(
    ctx: Context,
) -> tuple[list[tuple[str, list[Row] | str]], list[Row]]:
    """Convert metrics and profiles; return (label, rows or reason) a row given, and assumptions."""
    record = ctx.record
    assumed: list[Row] = []
    results: list[tuple[str, list[Row] | str]] = []
    for index, profile in enumerate(record.profiles or ()):
        arm, _ = _arm_for(ctx, {}, assumed)
        label = f"profiles.{index}"
        rows = read_profile(record, profile, arm)
        if isinstance(rows, list):
            ctx.decide(f"a profile of {len(rows)} points becomes {len(rows)} rows", label)
        results.append((label, rows))
    metrics = record.metrics or ()
    for key, metric in metric_values(metrics):
        label = f"metrics.{metrics.index(metric)}.{key}"
        arm, than = _arm_for(ctx, metric, assumed)
        results.append((label, read_value(record, key, metric, arm, than)))
    gone = _drop_unused(ctx, results)
    return results, [entry for entry in assumed if entry["field"].split(".")[1] not in gone]


def _drop_unused(ctx: Context, results: list[tuple[str, list[Row] | str]]) -> list[str]:
    """Drop (and return) arms that no row names, and an n that is of several arms together."""
    rows = [row for _, converted in results if isinstance(converted, list) for row in converted]
    used = {row[key] for row in rows for key in ("arm", "than") if row.get(key)}
    gone = [name for name in ctx.arms if name not in used]
    for name in gone:
        del ctx.arms[name]
    doses = {tuple(arm.get("doses", ())) for arm in ctx.arms.values()}
    if len(doses) > 1:
        for arm in ctx.arms.values():
            arm.pop("n", None)
        ctx.decide("n of an arm is not told: the record's n is of all its arms")
    return gone


def _arm_for(ctx: Context, metric: Row, assumed: list[Row]) -> tuple[str, str | None]:
    """Return the arm of a metric, and the arm without the interacting drug if there is one."""
    record = ctx.record
    treatment = _treatment(record, metric)
    interacting = text_of(metric, *_INTERACTING) or text_of(record.treatment, *_INTERACTING)
    name = _name(record, metric, treatment)
    _add(ctx, name, treatment, assumed, "")
    if not interacting:
        return name, None
    drug = interacting.split()[0].strip(",;'").lower()
    drug = "st_johns_wort" if drug.startswith("st") and "wort" in interacting.lower() else drug
    words = next(
        (text for text in _drugs(record) if drug.split("_")[0] in text.lower()), interacting
    )
    with_drug = arm_id_of(f"{name}_{drug}")
    _add(ctx, with_drug, treatment, assumed, words)
    return with_drug, name


def _drugs(record: EvidenceRecord) -> list[str]:
    text = text_of(record.treatment, *_INTERACTING)
    days = re.search(r", (\d+ days)$", text)
    parts = [part.strip() for part in re.split(r" or |, (?=\d+ days$)", text)]
    if days:
        return [f"{part} for {days[1]}" for part in parts if part != days[1]]
    return parts


def _treatment(record: EvidenceRecord, metric: Row) -> Row:
    """Return route, dose and unit of one metric from its own fields and the record's treatment."""
    treatment = {key: value for key, value in record.treatment.items() if key not in _INTERACTING}
    own_route = text_of(metric, "route")
    route = ROUTE_WORDS.get(own_route, own_route) or text_of(treatment, "route")
    for key, unit in (("dose_mg", "mg"), ("dose_mg_kg", "mg/kg")):
        if number(metric, key) is not None:
            treatment |= {"dose": metric[key], "unit": unit}
    for part in _PART.finditer(text_of(record.treatment, "route")):
        if part["route"].lower() == route.lower() and number(metric, "dose_mg_kg") is None:
            doses = part["doses"].split(" and ")
            if len(doses) == 1:  # of several doses, none is the one meant
                treatment |= {"dose": float(doses[0]), "unit": "mg/kg"}
            if part["bolus"]:
                treatment["form"] = "bolus"
    route = ROUTE_WORDS.get(route, route)
    if route == "oral" and re.search("prolonged|extended", text_of(treatment, "form")):
        route = "oral extended-release"
    return treatment | {"route": route}


def _name(record: EvidenceRecord, metric: Row, treatment: Row) -> str:
    own = [key for key in ("route", "dose_mg", "dose_mg_kg", "stratum") if metric.get(key)]
    compound = resolve_compound(text_of(treatment, "compound"))[0].split(" and ")[0]
    parts = [compound]
    if own or not metric:
        parts = [text_of(metric, "stratum"), text_of(metric, "route")]
        dose = number(metric, "dose_mg"), number(metric, "dose_mg_kg")
        parts += [f"{d:g}{u}" for d, u in zip(dose, ("mg", "mgkg"), strict=True) if d is not None]
    return arm_id_of("_".join(part for part in parts if part).replace(">", "over") or compound)


def _add(ctx: Context, arm_id: str, treatment: Row, assumed: list[Row], background: str) -> None:
    if arm_id in ctx.arms:
        return
    stepped = _STEPPED.search(text_of(treatment, "regimen"))
    record = ctx.record
    if stepped:
        name = resolve_compound(text_of(treatment, "compound"))[0]
        unit, minutes = stepped["unit"], stepped["minutes"]
        rates = re.findall(r"[\d.]+", stepped["rates"])
        steps = [f"{rate} {unit} {name} iv for {minutes} min" for rate in rates]
        arm: Row = {"id": arm_id, "doses": [", then ".join(steps)]}
    else:
        given = write_doses(
            arm_id,
            (treatment,),
            horizon_h=0.0,
            psychiatric=False,
            animal=False,
            decide=ctx.decide,
        )
        assumed.extend(entry for entry in given.assumed if entry not in assumed)
        arm = {"id": arm_id, "doses": given.doses, "unmodelled": given.unmodelled}
        arm["unknown_dose"] = given.unknown_dose
    n = record.population.get("n")
    if isinstance(n, int) and not isinstance(n, bool) and n > 0:
        arm["n"] = n
    if background:
        arm["background"] = [background]
    ctx.arms[arm_id] = {key: value for key, value in arm.items() if value not in ([], False)}
