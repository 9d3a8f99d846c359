"""What the document says of itself in words: model, person, course, and the source of each constant."""

from __future__ import annotations

from ketalab import __version__
from ketalab.engine import Schedule
from ketalab.facts import citations, fact
from ketalab.laboratory import Person, Scenario
from ketalab.model import Parameter


def describe_person(person: Person, schedule: Schedule) -> list[str]:
    """Paragraphs on the laboratory, the person and the time axis."""
    people, start, stop = person.people, schedule[0].start, schedule[-1].stop
    layers = ", ".join(layer.name for layer in person.model.joined.layers)
    who = "the typical person" if person.number is None else f"virtual person {person.number}"
    sex = "female" if people.female[0] else "male"
    time = f"Time is in hours; time 0 is the laboratory's t = {start:g} h"
    if start < 0:
        time += (
            f": the course begins {-start:g} h before t = 0, so {-start:g} h are to be taken off"
        )
    return [
        f"Ketalab {__version__}, a virtual laboratory for ketamine: one virtual person on one course, with the "
        f"layers {layers}. For research and teaching only: this is no advice for a patient and recommends no dose.",
        f"The person: {who}; {people.weight[0]:.4g} kg, {people.height[0]:.4g} cm, {people.age[0]:.3g} years, "
        f"{sex}. Constants are those of this person.",
        f"{time}. Doses and changes are events; the document holds for {stop - start:g} h, and what comes later "
        "is left out.",
        "Scores of rating scales are no part of it: they are measurements with chance in them, made of "
        "symptom:depression.",
    ]


def describe_scenario(scenario: Scenario) -> list[str]:
    """Paragraphs on what is given, and the hash by which the run is known."""
    beside = f"; beside it: {scenario.with_phrase}" if scenario.with_phrase else ""
    return [
        f"Given: {scenario.phrase}{beside}.",
        f"Seed {scenario.seed}; hash of the scenario: {scenario.hash()}.",
    ]


def describe_constant(parameter: Parameter) -> str:
    """Meaning, fact, value on record, grade and source of a constant."""
    record = fact(parameter.fact)
    grade = "assumed" if record.assumed else record.grade
    conditions = f" ({record.conditions})" if record.conditions else ""
    text = (
        f"{record.quantity}{conditions}. Fact {record.id}: {record.value:g} {record.unit}, {grade}."
    )
    text += f" Source: {record.source.rstrip('.')}"
    if record.citation:
        doi = citations()[record.citation].get("DOI")
        text += f" [{record.citation}{f', doi:{doi}' if doi else ''}]"
    if parameter.between != "none":
        spread = f", spread by fact {parameter.spread}" if parameter.spread else ""
        text += f". Varies between people: {parameter.between}{spread}"
    return f"{text}."
