"""One virtual person on one course: what an export holds, and what a single person is asked about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ketalab.engine import Schedule
from ketalab.errors import ScenarioError
from ketalab.laboratory._between import study_settings
from ketalab.laboratory._course import Course, build_schedule
from ketalab.laboratory._hypotheses import under_hypotheses
from ketalab.laboratory._individuals import Individuals, individuals, typical_individual
from ketalab.laboratory._model import model_for, rest_of
from ketalab.laboratory._ranges import choose_variants
from ketalab.laboratory._scenario import MAX_PATIENTS, Scenario
from ketalab.model.tracing import Traced
from ketalab.people import People, Streams, draw

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Person:
    """One of the people: ``people`` and ``drawn`` hold this one alone; ``number`` is None for the typical one."""

    model: Traced
    people: People
    drawn: Individuals
    course: Course
    number: int | None = None

    def schedule(self) -> Schedule:
        """The segments between the events, as the engine gets them."""
        return build_schedule(self.model, self.course, self.drawn)


@under_hypotheses
def find_person(scenario: Scenario, number: int | None = None) -> Person:
    """Return the typical person of a scenario, or number ``number`` (from 0) of those whom it draws.

    The same person as in :func:`simulate`, with the same draws of the constants, the same setting and the same
    variant of a stated mix, whatever ``scenario.patients`` is; the typical person has the first variant.

    Raises
    ------
    ScenarioError
        A number out of range, or a drug or route without a model.
    """
    model, variants = model_for(scenario), scenario.treatment().variants
    settings: dict[str, Array | float] = {**rest_of(scenario.population, model)}
    if number is None:
        people, drawn = typical_individual(model, scenario.population)
        variant = variants[0]
    else:
        if not 0 <= number < MAX_PATIENTS:
            raise ScenarioError(
                f"person: {number} is not allowed; allowed: 0 to {MAX_PATIENTS - 1:,}", number
            )
        streams = Streams(scenario.seed)
        people = draw(scenario.population, streams, 1, start=number)
        drawn = individuals(model, people, streams, "person" if scenario.uncertainty else "none")
        if scenario.uncertainty:
            drawn_settings = study_settings(model, people, streams)
            settings |= {name: float(value[0]) for name, value in drawn_settings.items()}
        variant = variants[int(choose_variants(people, variants)[0])]
    course = Course(variant.administrations, scenario.days * 24, settings=settings)
    return Person(model, people, drawn, course, number)
