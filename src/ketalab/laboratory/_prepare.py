"""A course made ready to run: its time grid is chosen on pilot people and is the same for everyone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ketalab.engine import (
    TOLERANCE,
    Grid,
    Problem,
    Schedule,
    Tell,
    build_grid,
    grid_times,
    kernel_stepper,
)
from ketalab.laboratory._course import Course, build_schedule, make_problem
from ketalab.laboratory._individuals import individuals
from ketalab.laboratory._model import human_model
from ketalab.laboratory._refine import choose_floors
from ketalab.laboratory._scenario import Engine
from ketalab.model.tracing import Traced
from ketalab.people import Population, Species, Streams, draw

Array = NDArray[np.float64]

Solver = Literal["numpy", "lockstep"]


@dataclass(frozen=True)
class Choice:
    """How a time grid is chosen: the error allowed in a step, what one between its ends counts, on how many pilots."""

    tolerance: float
    pilots: int
    between: float = 1.0


#: Many pilots see more than a narrow tolerance does on few, and cost next to nothing: with 16, one of 20 other people
#: was wrong by 6e-4 between two nodes. Their seed is the laboratory's own, so that a grid depends on no run's.
CHOICES: Mapping[Solver, Choice] = {
    "numpy": Choice(TOLERANCE, 64),
    "lockstep": Choice(1e-6, 64, 0.3),
}
_PILOT_REPLICATE = 2**31


@dataclass(frozen=True)
class Prepared:
    """A course ready to run: its time grid belongs to it and is the same for everyone.

    ``solver`` is the form of the lockstep scheme that takes the steps: NumPy over patients, or the compiled kernel,
    which asks of each patient whether the steps are short enough, by ``floors`` of the states' sizes.
    """

    model: Traced
    course: Course
    grid: Grid
    edges: Array
    solver: Solver = "numpy"
    floors: Array | None = None


def solver_of(engine: Engine) -> Solver:
    """The form of the lockstep scheme whose grid an engine goes by."""
    return "numpy" if engine == "numpy" else "lockstep"


def _pilot_settings(course: Course) -> Course:
    """The same course with person-wise settings replaced by their mean."""
    plain = {name: float(np.mean(value)) for name, value in course.settings.items()}
    return replace(course, settings=plain)


def prepare(
    course: Course,
    *,
    model: Traced | None = None,
    species: Species = "human",
    solver: Solver = "numpy",
    choice: Choice | None = None,
    tell: Tell | None = None,
) -> Prepared:
    """Choose the time grid of a course on pilot people.

    Parameters
    ----------
    model : the human model where not given.
    species : whom the model is of: pilots are of that species.
    solver : what will take the steps (see :func:`solver_of`); where the kernel does not know the model's form, NumPy.
    choice : how the grid is chosen; as the laboratory does (:data:`CHOICES`) where not given.
    tell : hears how far it is.
    """
    model = human_model() if model is None else model
    how = CHOICES[solver] if choice is None else choice
    problem, schedule = _pilots(model, course, species, how.pilots)
    stepper = kernel_stepper(problem, schedule) if solver == "lockstep" else None
    if solver == "lockstep" and stepper is None:
        return prepare(course, model=model, species=species, choice=choice, tell=tell)
    options: dict[str, Any] = {} if stepper is None else {"stepper": stepper}
    grid = build_grid(
        problem, schedule, tell=tell, tolerance=how.tolerance, between=how.between, **options
    )
    floors = choose_floors(problem, schedule, grid) if solver == "lockstep" else None
    return Prepared(model, course, grid, grid_times(grid, schedule), solver, floors)


def _pilots(
    model: Traced, course: Course, species: Species, count: int
) -> tuple[Problem, Schedule]:
    streams = Streams(0)
    people = draw(Population(species=species), streams, count, start=_PILOT_REPLICATE)
    pilots = individuals(model, people, streams, "person")
    schedule = build_schedule(model, _pilot_settings(course), pilots)
    return make_problem(model, pilots), schedule
