"""A course made ready to run: its time grid is chosen on pilot people and is the same for everyone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ketalab.engine import Grid, Tell, build_grid, grid_times
from ketalab.laboratory._course import Course, build_schedule, make_problem
from ketalab.laboratory._individuals import individuals
from ketalab.laboratory._model import human_model
from ketalab.model.tracing import Traced
from ketalab.people import Population, Species, Streams, draw

Array = NDArray[np.float64]

#: People on whom the time grid is chosen; their seed is the laboratory's own, so that a grid does not depend
#: on the seed of a run.
PILOTS = 16
_PILOT_REPLICATE = 2**31


@dataclass(frozen=True)
class Prepared:
    """A course ready to run: its time grid belongs to it and is the same for everyone."""

    model: Traced
    course: Course
    grid: Grid
    edges: Array


def _pilot_settings(course: Course) -> Course:
    """The same course with person-wise settings replaced by their mean."""
    plain = {name: float(np.mean(value)) for name, value in course.settings.items()}
    return replace(course, settings=plain)


def prepare(
    course: Course,
    *,
    model: Traced | None = None,
    species: Species = "human",
    tell: Tell | None = None,
) -> Prepared:
    """Choose the time grid of a course on pilot people.

    Parameters
    ----------
    model : the human model where not given.
    species : whom the model is of: pilots are of that species.
    tell : hears how far it is.
    """
    model = human_model() if model is None else model
    streams = Streams(0)
    people = draw(Population(species=species), streams, PILOTS, start=_PILOT_REPLICATE)
    pilots = individuals(model, people, streams, "person")
    schedule = build_schedule(model, _pilot_settings(course), pilots)
    grid = build_grid(make_problem(model, pilots), schedule, tell=tell)
    return Prepared(model, course, grid, grid_times(grid, schedule))
