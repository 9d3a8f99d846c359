"""The head of a study file from a record: citation, design, population, arms, what is assumed."""

from __future__ import annotations

import re
from typing import Any

from ketalab.studies._context import Context, arm_id_of, is_animal
from ketalab.studies._doses import Given, resolve_compound, write_doses
from ketalab.studies._measures import read_measure
from ketalab.studies._record import ArmRecord, EvidenceRecord, Row, number, text_of
from ketalab.studies._untold import tell_untold
from ketalab.studies._vocabulary import CONDITIONS, INERT, SETTINGS

__all__ = ["read_arms", "read_citation", "read_design", "read_population"]

_REMARK = re.compile(r" ?\(([^()]*(?:recalled|not read|not shown|not printed)[^()]*)\)")
#: Words of a design to a kind; the first match wins.
_KINDS = (
    (r"meta-analysis|individual participant data|individual patient data|pooled|post hoc subgroup",
     "pooled"),
    (r"\breview\b", "review"),
    (r"withdrawal", "withdrawal"),
    (r"crossover|two .* scans per person|per person|4-way", "crossover"),
    (r"ascending|rising doses", "escalation"),
    (r"single[- ]arm|case series|open label|real-world cohort", "single-arm"),
    (r"randomised|parallel", "parallel"),
)  # fmt: skip
_MASKING = (
    (r"triple-(?:masked|blind)", "triple-blind"),
    (r"double-blind", "double-blind"),
    (r"single-blind", "single-blind"),
    (r"\bopen\b|open-label|case series|real-world", "open"),
)
_WORD_NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7}
_WASHOUT = re.compile(
    r"(?:washout at least|infusions|interval of|about|,) (?P<n>\d+)[- ](?P<unit>day|week)s?"
    r"(?: apart| interval)?|(?P<n2>\d+)-(?P<unit2>week|day) interval"
)
#: What a design says that every arm had.
_CARE = (
    (r"new oral AD\b.* vs .*new oral AD\b", "new oral antidepressant"),
    (r"both with inpatient standard of care", "inpatient standard of care"),
)
#: A group of people where an infusion without a stated length is the usual one.
_PSYCHIATRIC = re.compile(r"MDD|TRD|depress|PTSD|OCD|suicid|GAD|SAD|bipolar", re.IGNORECASE)


def read_citation(record: EvidenceRecord) -> Row:
    """Return the record's citation as CSL-JSON; remarks about it move to ``note``."""
    from ketalab.facts import csl_from_record

    source = {key: value for key, value in record.citation.items() if value not in (None, "")}
    notes: list[str] = []
    for key in ("title", "journal", "volume", "pages"):
        text = text_of(source, key)
        for remark in _REMARK.findall(text):
            notes.append(f"{key}: {remark.strip()}")
        if text:
            source[key] = _REMARK.sub("", text).strip() or None
    if source.pop("citation_verified", None) is False:
        notes.append("citation recalled, not read")
    title = source.get("title")
    if not isinstance(title, str) or not title:
        notes.append("title not read")
        source["title"] = None
    if not source.get("year"):
        notes.append("year not read")
    csl = csl_from_record(source)
    if notes:
        csl["note"] = "; ".join(filter(None, [csl.get("note", ""), *notes]))
    return csl


def read_design(record: EvidenceRecord, decide: Any) -> Row:
    """Return the design, read off the words of design and population."""
    text = record.design
    around = f"{text}; {text_of(record.population, 'condition', 'notes')}"
    kind = next((name for pattern, name in _KINDS if re.search(pattern, text)), None)
    if is_animal(record):
        kind = "experiment"
    elif kind is None:
        kind = "single-arm" if len(record.arms) <= 1 else "parallel"
        decide(f"design {kind}: its words name none")
    design: Row = {"kind": kind}
    if kind == "crossover" and (match := _WASHOUT.search(text)):
        count, unit = match["n"] or match["n2"], match["unit"] or match["unit2"]
        design["washout_h"] = int(count) * (168 if unit == "week" else 24)
    masking = next((name for pattern, name in _MASKING if re.search(pattern, text)), None)
    if masking:
        design["masking"] = masking
    if match := re.search(r"\b(\d+|two|six|seven)(?:-site\b| US sites\b)", text):
        design["sites"] = _WORD_NUMBERS.get(match[1]) or int(match[1])
    elif "single-centre" in text:
        design["sites"] = 1
    setting = [name for pattern, name in SETTINGS if re.search(pattern, around)]
    if setting:
        design["setting"] = setting
    if match := re.search(r"\b(\d:\d)\b", text):
        design["allocation"] = match[1]
    if text:
        design["note"] = text[:2000]
    return design


def _people(record: EvidenceRecord, decide: Any) -> int | None:
    population = record.population
    for key in ("n_completed_both_days", "n_completed_both", "n_treated", "n"):
        n = population.get(key)
        if isinstance(n, int) and not isinstance(n, bool) and n > 0:
            if key != "n":
                decide(
                    f"population n {n}: those of {population.get('n')} who were analysed ({key})"
                )
            return n
    return None


def read_population(record: EvidenceRecord, ctx: Context) -> Row:
    """Return who took part, and the baselines of arms."""
    source = record.population
    text = text_of(source, "condition")
    condition = _condition(text) if not is_animal(record) else ""
    condition = condition or text or "not stated"
    population: Row = {"condition": condition, "n": _people(record, ctx.decide)}
    age: Row = {}
    for key, name in (("age_mean", "mean"), ("age_sd", "sd")):
        if (value := number(source, key)) is not None:
            age[name] = value
    if (ends := _ends(source.get("age_range"))) is not None:
        age["range"] = ends
    if age:
        population["age"] = age
    for key in ("female_percent", "weight_kg", "weight_sd"):
        population[key] = number(source, key)
    ends = _ends(source.get("weight_range"))
    if population["weight_kg"] is None and ends is not None:
        # The middle of a range, and a standard deviation that puts its ends at two of them.
        population["weight_kg"] = sum(ends) / 2
        population["weight_sd"] = (ends[1] - ends[0]) / 4
    population["baseline"] = [_baseline(row, ctx) for row in record.baseline]
    note = "; ".join(filter(None, (text if condition != text else "", text_of(source, "notes"))))
    if note:
        population["note"] = note[:2000]
    return {key: value for key, value in population.items() if value not in (None, [])}


def _ends(value: Any) -> list[float] | None:
    """Return the ends of a range, ``[2, 9]`` or ``2-9``, in order; None for anything else."""
    if isinstance(value, str) and (match := re.fullmatch(r"(\d+) ?(?:-|to) ?(\d+)", value.strip())):
        value = [float(match[1]), float(match[2])]
    if not isinstance(value, list) or len(value) != 2:
        return None
    ends = [number({"v": end}, "v") for end in value]
    low, high = ends
    return [low, high] if low is not None and high is not None and low <= high else None


def _condition(text: str) -> str:
    """Return the illness that the text names first; beside healthy people, both."""
    found = [
        (m.start(), i, name) for i, (p, name) in enumerate(CONDITIONS) if (m := p.search(text))
    ]
    names = list(dict.fromkeys(name for _, _, name in sorted(found)))
    if "healthy" in names and len(names) > 1:
        ill = next(name for name in names if name != "healthy")
        return f"healthy and {ill}"
    return names[0] if names else ""


def _baseline(row: Row, ctx: Context) -> Row:
    reading = read_measure(text_of(row, "measure"), ctx.primary)
    name = text_of(row, "arm") or text_of(row, "condition")
    baseline: Row = {"measure": reading.id}
    for key in ("mean", "sd"):
        baseline[key] = number(row, key)
    if name:
        arm = ctx.aliases.get(name, arm_id_of(name))
        if arm in ctx.arms:
            baseline["arm"] = arm
        else:
            baseline["subgroup"] = name
    if isinstance(row.get("n"), int):
        baseline["n"] = row["n"]
    for key in ("period", "subgroup"):
        if key in reading.fields:
            baseline[key] = reading.fields[key]
    if "unit" not in baseline and reading.fields.get("definition"):
        baseline.setdefault("subgroup", reading.fields["definition"])
    baseline["verified"] = row.get("verified") is not False
    baseline["source"] = text_of(row, "source")
    return {key: value for key, value in baseline.items() if value not in (None, "")}


def read_arms(record: EvidenceRecord, ctx: Context) -> list[Row]:
    """Fill the context's arms; return what had to be assumed about doses."""
    times = [number(row, "time_h") or 0.0 for row in record.rows]
    psychiatric = bool(_PSYCHIATRIC.search(text_of(record.population, "condition")))
    assumed: list[Row] = []
    masked = re.search(r"(?:surgical|general) (?:general )?anaesthesia", record.design)
    for arm in record.arms:
        arm_id = arm_id_of(arm.id)
        if arm_id != arm.id:
            ctx.decide(f"arm {arm.id!r} is called {arm_id!r}")
            ctx.aliases[arm.id] = arm_id
        treatments, acts = tell_untold(ctx, arm, arm_id)
        given = write_doses(
            arm_id,
            treatments,
            horizon_h=max(times, default=0.0),
            psychiatric=psychiatric,
            animal=is_animal(record),
            decide=ctx.decide,
        )
        if acts:
            given.control = None
        elif not treatments:
            _by_name(given, arm, arm_id, ctx)
        if given.control is not None and masked:
            given.control = "masked-anaesthesia"
        ctx.arms[arm_id] = _arm(arm, arm_id, given, acts)
        ctx.compounds[arm_id] = frozenset(
            (resolve_compound(text_of(row, "compound"))[0], text_of(row, "route"))
            for row in treatments
            if text_of(row, "compound") not in INERT
        )
        assumed += given.assumed
    _same_background(record, ctx)
    return assumed


def _same_background(record: EvidenceRecord, ctx: Context) -> None:
    """Give every arm the care that the design says all of them had."""
    for pattern, care in _CARE:
        if not re.search(pattern, record.design):
            continue
        for arm in ctx.arms.values():
            if not any(care in text for text in arm.get("background", ())):
                arm["background"] = [*arm.get("background", ()), care]
                ctx.decide(f"arm {arm['id']}: {care} as the design says of all arms")


def _by_name(given: Given, arm: ArmRecord, arm_id: str, ctx: Context) -> None:
    """An arm without treatments is a control if its name says so, else its dose is unknown."""
    name = arm_id.lower()
    control = next((word for word in ("saline", "midazolam", "placebo") if word in name), None)
    if control == "placebo":
        routes = {text_of(row, "route") for other in ctx.record.arms for row in other.treatments}
        spray, oral = "intranasal" in routes, any(route.startswith("oral") for route in routes)
        control = "placebo-spray" if spray else "sham" if oral else "saline"
    if control and "ket" not in name:
        given.control = control
        ctx.decide(f"arm {arm.id!r} lists no treatment; its name makes it a {control} control")
    else:
        given.unknown_dose = True
        ctx.decide(f"arm {arm.id!r} lists no treatment: not simulated")


def _arm(arm: ArmRecord, arm_id: str, given: Given, acts: list[Row]) -> Row:
    extra = dict(arm.model_extra or {})
    fields: Row = {
        "id": arm_id,
        "n": arm.n if arm.n else None,
        "doses": given.doses,
        "control": given.control,
        "background": given.background,
        "interventions": acts,
        "first_period_n": extra.get("n_first_period"),
        "unmodelled": given.unmodelled,
        "unknown_dose": given.unknown_dose,
        "note": text_of(extra, "notes"),
    }
    return {key: value for key, value in fields.items() if value not in (None, [], "", False)}
