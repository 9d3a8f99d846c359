"""What published models predict of a study's rows: the typical person of the study, solved exactly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ketalab.facts import compounds, fact
from ketalab.judgement._arms import split_analyte, treatment_of, unit_factor
from ketalab.judgement._comparator import OUT, Comparator, Entry, Mean, comparators, read_value
from ketalab.judgement._linear import Inflow, Linear
from ketalab.laboratory import exposure
from ketalab.protocol import Administration, Variant
from ketalab.studies import Outcome, Study

Array = NDArray[np.float64]

#: Kinds of rows that a comparator predicts.
KINDS = ("concentration", "cmax", "auc", "tmax", "half_life", "bioavailability")
#: No sample is drawn sooner after an injection; a peak is looked for from then on (hours).
FIRST_SAMPLE_H = 2 / 60
#: Hours after an event at which a course is looked at for its peak and its slope; 4% apart.
_LOOKS = np.concatenate([[0.0], np.geomspace(1 / 60, 48.0, 200)])


@dataclass(frozen=True)
class Typical:
    """A comparator for a person of one weight: its equations, and what its names are worth."""

    model: Comparator
    values: dict[str, float]
    linear: Linear

    def inflows(self, doses: Sequence[tuple[Administration, float, float]]) -> list[Inflow] | None:
        """Inflows of doses (dose, mg, µmol); None where the model has no such entry."""
        made = []
        for dose, milligrams, micromoles in doses:
            entry = _entry(self.model, dose)
            if entry is None:
                return None
            shares = self._shares(entry, milligrams)
            for part, share in zip(entry.parts, shares, strict=True):
                length = dose.duration_h
                if part.duration is not None:
                    length = self.of(part.duration)
                place = self.model.compartments.index(part.into)
                made.append(Inflow(place, micromoles * share, dose.time_h, length))
        return made

    def of(self, content: float | str) -> float:
        """Worth of a value of the file."""
        return read_value(content, self.values)

    def _shares(self, entry: Entry, milligrams: float) -> list[float]:
        shares = []
        for part in entry.parts:
            share = self.of(part.share)
            if part.each_mg is not None and part.later is not None:
                units = max(milligrams / self.of(part.each_mg), 1.0)
                share *= (1 + (units - 1) * self.of(part.later)) / units
            shares.append(share)
        pairs = list(zip(entry.parts, shares, strict=True))
        rest = 1 - sum(share for part, share in pairs if part.of == "dose")
        return [share * rest if part.of == "rest" else share for part, share in pairs]


def _entry(model: Comparator, dose: Administration) -> Entry | None:
    """The entry of a dose; one that names a device takes no other."""
    for entry in model.entries:
        if entry.route == dose.route and entry.device in (None, dose.device):
            return entry
    return None


@lru_cache(maxsize=64)
def typical(name: str, weight_kg: float) -> Typical:
    """A packaged comparator for a person of this weight."""
    model = comparators()[name]
    assert isinstance(model, Comparator)
    return make_typical(model, weight_kg)


def make_typical(model: Comparator, weight_kg: float) -> Typical:
    """A comparator for a person of this weight."""
    values = model.values(weight_kg)
    places = {name: i for i, name in enumerate(model.compartments)}
    matrix = np.zeros((len(places), len(places)))
    for flow in model.flows:
        if flow.rate is not None:
            rate = read_value(flow.rate, values)
        else:
            assert flow.clearance is not None
            assert flow.volume is not None
            rate = read_value(flow.clearance, values) / read_value(flow.volume, values)
        matrix[places[flow.source], places[flow.source]] -= rate
        if flow.to != OUT:
            matrix[places[flow.to], places[flow.source]] += rate
    return Typical(model, values, Linear(matrix))


@dataclass(frozen=True)
class Predictor:
    """What one model says of one arm: inflows, compartment, and µmol to ng/mL."""

    linear: Linear
    inflows: tuple[Inflow, ...]
    place: int
    factor: float

    def at(self, times: Array) -> Array:
        """Concentrations at times (T,), ng/mL."""
        return self.linear.amounts(self.inflows, times)[:, self.place] * self.factor

    def area(self, first: float, last: float) -> float:
        """Area under the curve, ng h/mL."""
        return float(self.linear.area(self.inflows, first, last)[self.place] * self.factor)

    def looks(self, window: tuple[float, float] | None) -> Array:
        """Hours at which the course is looked at, none sooner after a bolus than a sample is drawn."""
        edges = {i.start_h for i in self.inflows} | {i.start_h + i.duration_h for i in self.inflows}
        times = np.unique(np.add.outer(sorted(edges), _LOOKS))
        for inflow in self.inflows:
            if not inflow.duration_h and inflow.place == self.place:
                since = times - inflow.start_h
                times = times[(since < 0) | (since >= FIRST_SAMPLE_H - 1e-9)]
        low, high = window or (-math.inf, math.inf)
        return times[(times >= low) & (times <= high)]


def predict_row(name: str, study: Study, row: Outcome) -> float | None:
    """What a comparator says of a row, in the row's unit; None where it abstains.

    It abstains from what it has no route, device, molecule or form for, from rows of other kinds, and from arms that
    cannot be written as doses.
    """
    model = comparators()[name]
    if isinstance(model, Mean):
        said = [predict_row(member, study, row) for member in model.mean_of]
        good = [value for value in said if value is not None and value > 0]
        if len(good) < model.at_least:
            return None
        return math.exp(sum(map(math.log, good)) / len(good))
    if row.kind not in KINDS or row.arm in (None, "all") or row.than:
        return None
    arm = next((a for a in study.arms if a.id == row.arm), None)
    if arm is None:
        return None
    treatment = treatment_of(arm)
    if treatment is None:
        return None
    weight = study.population.weight_kg or fact("adult_weight").value
    analyte = (row.analyte or row.measure).split(":")[-1]
    total = 0.0
    for variant in treatment.variants:
        said_of = _of_variant(typical(name, weight), variant, analyte, row, weight)
        if said_of is None:
            return None
        total += variant.weight * said_of
    return total


def _of_variant(
    person: Typical, variant: Variant, analyte: str, row: Outcome, weight: float
) -> float | None:
    one = _ready(person, variant.administrations, analyte, weight)
    if one is None:
        return None
    if row.kind == "bioavailability":
        model = person.model
        if _entry(model, _by_vein(variant.administrations[0])) is None:
            return None
        reference = _ready(person, [_by_vein(a) for a in variant.administrations], analyte, weight)
        assert reference is not None
        return one.area(-math.inf, math.inf) / reference.area(-math.inf, math.inf)
    value = _figure(one, row)
    return None if value is None else value * unit_factor(row, analyte)


def _by_vein(dose: Administration) -> Administration:
    return Administration(
        dose.time_h, dose.amount, dose.per_kg, 0.0, dose.compound, dose.salt, "iv"
    )


def _figure(one: Predictor, row: Outcome) -> float | None:
    if row.kind == "concentration":
        hour = row.time_h
        if hour is None and row.window_h is not None:
            hour = sum(row.window_h) / 2
        return None if hour is None else float(one.at(np.array([hour]))[0])
    if row.kind == "auc":
        first, last = row.window_h or (-math.inf, math.inf)
        return one.area(first, last)
    times = one.looks(row.window_h)
    if len(times) < 2:
        return None
    figures = exposure(times, one.at(times)[:, None])
    value = float(figures[row.kind][0])
    return value if math.isfinite(value) else None


def _ready(
    person: Typical, doses: Sequence[Administration], analyte: str, weight: float
) -> Predictor | None:
    """The course of an analyte after these doses, or None where the model has none."""
    prefix, molecule = split_analyte(analyte)
    seen = next((o for o in person.model.observe if o.molecule == molecule), None)
    given = []
    for dose in doses:
        compound = compounds()[dose.compound]
        parents = {
            m.split("-")[0]: share
            for m, share in compound.molecules.items()
            if m[1:] == "-ketamine"
        }
        if not parents or compound.molar_mass is None:
            continue
        form = "racemate" if len(parents) > 1 else next(iter(parents))
        if not _covers(person.model, form, prefix):
            return None
        share = parents.get(prefix, 0.0) if prefix else 1.0
        mass = fact(compound.molar_mass).to("mg/umol")
        milligrams = dose.amount * (weight if dose.per_kg else 1.0)
        if dose.salt == "hydrochloride" and compound.hydrochloride is not None:
            milligrams *= mass / (mass + fact(compound.hydrochloride).to("mg/umol"))
        given.append((dose, milligrams, milligrams / mass * share))
    if seen is None or not given:
        return None
    inflows = person.inflows(given)
    if inflows is None:
        return None
    place = person.model.compartments.index(seen.compartment)
    # µmol over L times g/mol is ng/mL.
    factor = fact(seen.molar_mass).to("g/mol") / person.of(seen.volume)
    return Predictor(person.linear, tuple(inflows), place, factor)


def _covers(model: Comparator, form: str, prefix: str) -> bool:
    """Whether a model may speak of an analyte after a form.

    A model of S-ketamine takes R-ketamine to behave as S does: the racemate is twice the S of half the dose. One of the
    racemate alone says nothing of an enantiomer.
    """
    if "S" in model.describes:
        return form in ("racemate", "S")
    return form == "racemate" and not prefix
