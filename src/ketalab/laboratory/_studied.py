"""Which doses of ketamine people were given in the evidence, and what a scenario leaves behind: its warnings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ketalab._files import read_yaml
from ketalab._problems import first_problem
from ketalab.errors import FactError
from ketalab.facts import DATA, compounds, conditions, fact
from ketalab.laboratory._scenario import Scenario
from ketalab.people import Population, Spread, typical_people
from ketalab.protocol import Administration

#: Forms of ketamine, as compounds; other drugs have no table of studied doses.
FORMS = ("ketamine", "esketamine", "arketamine")
#: Routes that are given to animals alone.
ANIMAL_ROUTES = ("ip", "icv", "local")
NO_HUMAN_DATA = "no human data"
#: An infusion of more hours than this is recorded, and judged, by its rate.
LONG_H = 24.0
#: Doses this close to the end of a range lie within it: 0.5 mg/kg at 70 kg need not be 35 mg to the last digit.
_EDGE = 1e-9

Who = Literal["adults", "children"]
Manner = Literal["bolus", "infusion", "long infusion"]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class End(_Part):
    """One end of a range, and the record that it was read in."""

    dose: Positive
    record: str


class StudiedDose(_Part):
    """The lowest and the highest dose of a form by a route in people, in the unit of the records."""

    form: Literal["ketamine", "esketamine", "arketamine"]
    route: str
    unit: Literal["mg", "mg/kg", "mg/kg/h"]
    lowest: End
    highest: End
    manner: Manner | None = None
    people: Who = "adults"
    salt: Literal["base", "hydrochloride"] = "base"
    device: str | None = None
    note: str = ""

    def text(self) -> str:
        """Write ``0.1 to 1 mg/kg``, with what sets it apart."""
        low, high = self.lowest.dose, self.highest.dose
        amount = f"{low:g}" if low == high else f"{low:g} to {high:g}"
        salt = " hydrochloride" if self.salt == "hydrochloride" else ""
        apart = [a for a in (self.manner, "children" if self.people == "children" else None) if a]
        return f"{amount} {self.unit}{salt}" + (f" ({', '.join(apart)})" if apart else "")

    def base_mg(self, weight: float) -> tuple[float, float]:
        """Both ends as milligrams of base (per hour where it is a rate) in a person of a weight (kg)."""
        factor = (1.0 if self.unit == "mg" else weight) * _base_share(self.form, self.salt)
        return self.lowest.dose * factor, self.highest.dose * factor


class StudiedPeople(_Part):
    """Weights and ages of the people that a model of the body was made from."""

    people: Who
    name: str
    citations: tuple[str, ...]
    weight_kg: tuple[float, float]
    age: tuple[float, float] | None
    source: str


class QuotedDose(_Part):
    """The dose at which a cell of the table of form and route is computed."""

    form: str
    route: str
    device: str | None = None
    dose_mg: Positive


class Quoted(_Part):
    """The dose of all cells, and those set apart."""

    dose_mg: Positive
    apart: tuple[QuotedDose, ...] = ()


class Studied(_Part):
    """All of ``data/studied.yaml``."""

    doses: tuple[StudiedDose, ...]
    sources: dict[str, str]
    models: tuple[StudiedPeople, ...]
    quoted: Quoted


@cache
def studied() -> Studied:
    """The studied doses, read once.

    Raises
    ------
    FactError
        The file does not keep its form: one line that names the field.
    """
    content = read_yaml(DATA / "studied.yaml")
    try:
        return Studied.model_validate(content)
    except ValidationError as error:
        problem = first_problem(error, content, Studied.model_json_schema())
        raise FactError(f"studied.yaml: {problem}", content) from None


def studied_doses(
    form: str, route: str, *, people: Who | None = None, manner: Manner | None = None
) -> tuple[StudiedDose, ...]:
    """Ranges of a form by a route, of everybody or of ``people``; those of a ``manner`` or without one."""
    return tuple(
        entry
        for entry in studied().doses
        if (entry.form, entry.route) == (form, route)
        and (people is None or entry.people == people)
        and (manner is None or entry.manner in (None, manner))
    )


def studied_range(entries: Iterable[StudiedDose], weight: float) -> tuple[float, float] | None:
    """Lowest and highest of several ranges, mg of base in a person of a weight (kg); None where there is none.

    Rates are left out: they are no doses.
    """
    ends = [entry.base_mg(weight) for entry in entries if entry.unit != "mg/kg/h"]
    return (min(low for low, _ in ends), max(high for _, high in ends)) if ends else None


def manner_of(dose: Administration) -> Manner:
    """How a dose is given, as the table of studied doses tells it apart."""
    if dose.duration_h == 0:
        return "bolus"
    return "long infusion" if dose.duration_h > LONG_H else "infusion"


def base_mg(dose: Administration, weight: float) -> float:
    """Milligrams of base of a dose in a person of a weight (kg)."""
    return dose.amount * (weight if dose.per_kg else 1.0) * _base_share(dose.compound, dose.salt)


def _base_share(form: str, salt: str) -> float:
    """Mass of base over what was weighed."""
    compound = compounds()[form]
    if salt == "base" or compound.molar_mass is None or compound.hydrochloride is None:
        return 1.0
    base = fact(compound.molar_mass).to("g/mol")
    return base / (base + fact(compound.hydrochloride).to("g/mol"))


def typical_weight(population: Population) -> float:
    """Weight of the typical person of a population, kg."""
    return float(typical_people(population).weight[0])


def warnings(scenario: Scenario) -> list[str]:
    """What a scenario asks beyond the people and doses that the laboratory knows of, one line each.

    Doses of ketamine outside every human record of that form and route, forms without human data by a route, routes
    of other species, and stated weights or ages beyond the people of the models; what is known of people of another
    condition or age than the constants are about. A dose of 0 gives no line about doses.
    """
    if scenario.species != "human":
        return []
    population = scenario.population
    people: Who = "children" if population.children else "adults"
    weight = typical_weight(population)
    lines = list(_about_people(population, people))
    if population.adolescents:
        lines.append(
            "adolescents: receptors, states, symptoms and harms are those of adults on an adolescent's body; "
            "no trial of them is on record"
        )
    for name in population.differs_by:
        if name != "adolescents":
            lines.append(f"{name}: {conditions()[name].known}")
    for variant in scenario.treatment().variants:
        for dose in variant.administrations:
            if dose.compound in FORMS and dose.amount > 0 and dose.program is None:
                lines += _about_dose(dose, weight, people)
    return list(dict.fromkeys(lines))


def _about_people(population: Population, people: Who) -> Iterator[str]:
    """Stated weights and ages, or their means, beyond the people of the model."""
    for model in studied().models:
        if model.people != people:
            continue
        for stated, limits, what, unit in (
            (population.weight_kg, model.weight_kg, "weight", "kg"),
            (population.age, model.age, "age", "years"),
        ):
            value = stated.mean if isinstance(stated, Spread) else stated
            if value is not None and limits is not None and not limits[0] <= value <= limits[1]:
                yield (
                    f"{what} {value:g} {unit} lies outside {limits[0]:g} to {limits[1]:g} {unit}, "
                    f"the people of {model.name}"
                )


def _about_dose(dose: Administration, weight: float, people: Who) -> Iterator[str]:
    what = f"{dose.compound} {dose.route}"
    if dose.route in ANIMAL_ROUTES:
        yield f"{what}: a route of animals; {NO_HUMAN_DATA}"
        return
    if not studied_doses(dose.compound, dose.route):
        yield f"{what}: {NO_HUMAN_DATA} for this form and route; what is shown is the model's alone"
        return
    manner = manner_of(dose)
    entries = studied_doses(dose.compound, dose.route, people=people, manner=manner)
    if not entries:
        kind = f" by {manner}" if dose.route == "iv" else ""
        yield f"{what}: {NO_HUMAN_DATA} for {people}{kind}"
        return
    amount = base_mg(dose, weight)
    side = beyond(amount, entries, weight, dose.duration_h)
    if side is not None:
        at = f" at {weight:g} kg" if dose.per_kg or any(e.unit != "mg" for e in entries) else ""
        yield f"{what}: {amount:.4g} mg{at} lies {side} all human records here ({ranges_text(entries)})"


def beyond(
    amount: float, entries: Iterable[StudiedDose], weight: float, duration_h: float = 0.0
) -> Literal["below", "above"] | None:
    """Where an amount (mg of base) lies against ranges in a person of a weight (kg); None within them.

    Of an infusion of more than a day the rate is looked at where a rate is on record, else the amount.
    """
    ranges = [e for e in entries if (e.unit == "mg/kg/h") == (duration_h > LONG_H)]
    if not ranges:
        ranges, duration_h = list(entries), 0.0
    ends = [entry.base_mg(weight) for entry in ranges]
    amount = amount / duration_h if duration_h > LONG_H else amount
    if amount < min(low for low, _ in ends) * (1 - _EDGE):
        return "below"
    return "above" if amount > max(high for _, high in ends) * (1 + _EDGE) else None


def ranges_text(entries: Iterable[StudiedDose]) -> str:
    """Ranges as recorded, with the records of their ends."""
    return "; ".join(f"{e.text()} in {' and '.join(records_of((e,)))}" for e in entries)


def records_of(entries: Iterable[StudiedDose]) -> tuple[str, ...]:
    """Ids of the records behind ranges, without repeats."""
    return tuple(
        dict.fromkeys(end.record for entry in entries for end in (entry.lowest, entry.highest))
    )
