"""Which dose of another form or by another route gives the exposure of a stated regimen, in each virtual patient."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ketalab.errors import PhraseError, ScenarioError, closest
from ketalab.laboratory._matrix import find_form
from ketalab.laboratory._model import body_model, output
from ketalab.laboratory._responses import Array, Unit, gather, respond_to_dose
from ketalab.laboratory._result import plain
from ketalab.laboratory._run import BATCH
from ketalab.laboratory._scenario import Scenario
from ketalab.laboratory._studied import (
    FORMS,
    NO_HUMAN_DATA,
    base_mg,
    beyond,
    manner_of,
    ranges_text,
    studied_doses,
    studied_range,
    typical_weight,
    warnings,
)
from ketalab.laboratory._work import Progress
from ketalab.protocol import DEVICES, ROUTES, Administration, parse_phrase

Match = Literal["auc", "cmax"]
MATCHES: tuple[Match, ...] = get_args(Match)

#: Doses looked through for the lowest that reaches the exposure, as multiples of what a share that does not
#: depend on the dose would need. Where the share falls with the dose, more than the last may be needed: by inhalation
#: exposure has a peak, and above it there is no such dose.
_LOOKED = np.geomspace(1e-3, 1e3, 121)
#: Halvings of the interval between two of these, in logarithms: 0.115 / 2**20 is 1e-7.
_HALVINGS = 20


@dataclass(frozen=True)
class Equivalent:
    """A matching dose in mg of base: of the typical person, and over patients; None where no dose matches.

    ``unmatched`` counts the patients in whom no dose gives the exposure. ``studied_range`` (mg of base in the typical
    person) is None where people were never given this form by this route in the records here.
    """

    reference: str
    form: str
    route: str
    device: str | None
    duration_h: float
    match: Match
    analyte: str
    dose: float | None
    median: float | None
    p05: float | None
    p95: float | None
    patients: int
    unmatched: int
    seed: int
    weight_kg: float
    studied_range: tuple[float, float] | None
    inside_studied_range: bool
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "dose": self.dose,
            "unit": "mg",
            "median": self.median,
            "p05": self.p05,
            "p95": self.p95,
            "studied_range": list(self.studied_range) if self.studied_range else None,
            "inside_studied_range": self.inside_studied_range,
            "match": self.match,
            "analyte": self.analyte,
            "form": self.form,
            "route": self.route,
            "device": self.device,
            "duration_h": self.duration_h,
            "reference": self.reference,
            "patients": self.patients,
            "unmatched": self.unmatched,
            "seed": self.seed,
            "weight_kg": self.weight_kg,
            "warnings": list(self.warnings),
        }


def equivalent(
    scenario: Scenario,
    route: str,
    *,
    form: str | None = None,
    match: Match = "auc",
    analyte: str = "ketamine",
    device: str | None = None,
    over: str | None = None,
    progress: Progress | None = None,
) -> Equivalent:
    """Find the dose by another route, of a form, with the exposure of the one dose that a scenario gives.

    Exposure of an analyte in plasma is its area to infinity (*auc*) or its peak (*cmax*). This matches the exposure of
    a stated regimen and nothing else: it seeks no effect and recommends no dose.

    Parameters
    ----------
    scenario : one dose of ketamine, esketamine or arketamine, to whom, and the seed.
    form : of the other dose; that of the scenario where not given.
    analyte : as in the names of outputs after ``plasma:venous:``; or the whole name of another site.
    device : of a nasal dose.
    over : the time of an infusion, such as ``40 min``; without it all is given at once.

    Raises
    ------
    ScenarioError
        More than one dose, another drug, an unknown form, route, analyte or measure, or an analyte that one of the two
        does not give.
    """
    if match not in MATCHES:
        raise ScenarioError(
            f"match: {match!r} is not allowed; allowed: {', '.join(MATCHES)}", match
        )
    if scenario.species != "human":
        raise ScenarioError(
            f"species: {scenario.species!r} is not allowed; allowed: human", scenario.species
        )
    scenario.check_in_memory()
    reference = _one_dose(scenario)
    other = _other_dose(find_form(form) if form else reference.compound, route, device, over)
    name = analyte if ":" in analyte else f"plasma:venous:{analyte}"
    if output(name).measure != "concentration":
        raise ScenarioError(f"analyte: {analyte!r} is no concentration", analyte)
    weight = typical_weight(scenario.population)
    doses, typical = np.empty(scenario.patients), np.nan
    for begin in range(0, scenario.patients, BATCH):
        count = min(BATCH, scenario.patients - begin)
        group = gather(
            body_model(),
            scenario.population,
            scenario.seed,
            count,
            begin,
            uncertain=scenario.uncertainty,
        )
        wanted = _exposure(
            respond_to_dose(group, reference, name),
            match,
            base_mg(replace(reference, per_kg=False), 1.0)
            * (group.weights if reference.per_kg else np.ones(group.count)),
        )
        unit = respond_to_dose(group, other, name)
        found = _match(unit, match, wanted, analyte, (reference.compound, other.compound))
        doses[begin : begin + count] = found[:-1]
        if begin == 0:
            typical = float(found[-1])
        if progress is not None:
            progress(begin + count, scenario.patients)
    low, median, high = _quantiles(doses)
    limits, inside, said = _judge(other, typical, low, high, weight, scenario)
    return Equivalent(
        reference=scenario.phrase,
        form=other.compound,
        route=other.route,
        device=other.device,
        duration_h=other.duration_h,
        match=match,
        analyte=analyte,
        dose=plain(typical),
        median=median,
        p05=low,
        p95=high,
        patients=scenario.patients,
        unmatched=int(np.isnan(doses).sum()),
        seed=scenario.seed,
        weight_kg=weight,
        studied_range=limits,
        inside_studied_range=inside,
        warnings=tuple(dict.fromkeys([*warnings(scenario), *said])),
    )


def _quantiles(doses: Array) -> tuple[float | None, ...]:
    """5th, 50th and 95th percentile of patients; who has no matching dose lies above everyone, and is no number."""
    ranked = np.where(np.isnan(doses), np.inf, doses)
    with np.errstate(invalid="ignore"):
        return tuple(plain(np.quantile(ranked, q)) for q in (0.05, 0.5, 0.95))


def _one_dose(scenario: Scenario) -> Administration:
    """The one dose of a form of ketamine that a scenario gives."""
    variants = scenario.treatment().variants
    doses = [dose for variant in variants for dose in variant.administrations]
    if len(doses) != 1 or doses[0].compound not in FORMS or doses[0].amount == 0:
        raise ScenarioError(
            f"equivalent: {scenario.phrase!r} is not one dose; allowed: a single dose of "
            f"{', '.join(FORMS)}",
            scenario.phrase,
        )
    return doses[0]


def _other_dose(form: str, route: str, device: str | None, over: str | None) -> Administration:
    """A milligram of a form by a route, read as a phrase so that only what can be given is."""
    try:
        canonical = parse_phrase(f"1 mg ketamine {route}").administrations[0].route
    except PhraseError:
        raise ScenarioError(
            f"route: {route!r} is not allowed; allowed: {', '.join(ROUTES)}{closest(route, ROUTES)}",
            route,
        ) from None
    if device is not None and (canonical != "nasal" or device not in DEVICES):
        raise ScenarioError(
            f"device: {device!r} by route {canonical!r} is not allowed; allowed: "
            f"{', '.join(DEVICES)}, of nasal doses",
            device,
        )
    text = f"1 mg {form} {canonical}" + (f" over {over}" if over else "")
    try:
        return replace(parse_phrase(text).administrations[0], device=device)
    except PhraseError:
        raise ScenarioError(
            f"over: {over!r} by route {canonical!r} is not allowed; allowed: a time such as 40 min, of doses that "
            "are infused",
            over,
        ) from None


def _exposure(unit: Unit, match: Match, milligrams: Array) -> Array:
    return unit.auc(milligrams) if match == "auc" else unit.cmax(milligrams)


def _match(unit: Unit, match: Match, wanted: Array, analyte: str, forms: tuple[str, str]) -> Array:
    """The lowest dose (N,), mg of base, with the wanted exposure (N,); NaN where none has it."""
    ones = np.ones(unit.group.count)
    per_mg = _exposure(unit, match, ones)
    for form, value in zip(forms, (wanted, per_mg), strict=True):
        if not np.all(value > 0):
            raise ScenarioError(f"analyte: there is no {analyte} after {form}", analyte)
    guess = wanted / per_mg
    below, above = np.full_like(guess, np.nan), np.full_like(guess, np.nan)
    last = guess * _LOOKED[0]
    reached: NDArray[np.bool_] = np.zeros(len(guess), dtype=bool)
    for factor in _LOOKED:
        dose = guess * factor
        new = ~reached & (_exposure(unit, match, dose) >= wanted)
        below, above = np.where(new, last, below), np.where(new, dose, above)
        reached |= new
        last = dose
        if reached.all():
            break
    inside_low, inside_high = np.where(reached, below, guess), np.where(reached, above, guess)
    for _ in range(_HALVINGS):
        middle = np.sqrt(inside_low * inside_high)
        enough = _exposure(unit, match, middle) >= wanted
        inside_low, inside_high = (
            np.where(enough, inside_low, middle),
            np.where(enough, middle, inside_high),
        )
    return np.where(reached, np.sqrt(inside_low * inside_high), np.nan)


def _judge(
    other: Administration,
    typical: float,
    low: float | None,
    high: float | None,
    weight: float,
    scenario: Scenario,
) -> tuple[tuple[float, float] | None, bool, list[str]]:
    """The studied range (mg), whether the typical dose lies in it, and what has to be said."""
    what = f"{other.compound} {other.route}"
    said: list[str] = []
    if not np.isfinite(typical):
        said.append(f"{what}: no dose gives this exposure in the typical person")
    entries = studied_doses(
        other.compound,
        other.route,
        people="children" if scenario.population.children else "adults",
        manner=manner_of(other),
    )
    limits = studied_range(entries, weight)
    if limits is None:
        said.append(
            f"{what}: {NO_HUMAN_DATA} for this form and route; the dose is the model's alone"
        )
        return None, False, said
    named = ((typical, "the typical person"), (low, "5% of patients"), (high, "95% of patients"))
    sides = [
        (dose, who, beyond(dose, entries, weight, other.duration_h))
        for dose, who in named
        if dose is not None and np.isfinite(dose)
    ]
    parts = [f"{dose:.4g} mg for {who} is {side}" for dose, who, side in sides if side]
    if parts:
        at = f" at {weight:g} kg" if any(entry.unit != "mg" for entry in entries) else ""
        said.append(
            f"{what}: {'; '.join(parts)} all human records here ({ranges_text(entries)}{at})"
        )
    inside = bool(np.isfinite(typical)) and not sides[0][2]
    return limits, inside, said
