"""Where model and engine meet: a course, people and their parameters in; outputs over time back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ketalab.engine import Grid, Schedule, build_grid, check, grid_times, solve
from ketalab.errors import SolutionError
from ketalab.laboratory._course import Course, build_schedule, make_problem
from ketalab.laboratory._individuals import Individuals, individuals
from ketalab.laboratory._model import human_model
from ketalab.model.tracing import Traced
from ketalab.people import Population, Streams, draw

Array = NDArray[np.float64]
Engine = Literal["auto", "lockstep", "numpy", "checker"]

#: Patients integrated at once: enough to fill the arrays, few enough for the cache and the memory.
BATCH = 512
#: People on whom the time grid is chosen; their seed is the laboratory's own, so that a grid does not depend
#: on the seed of a run.
PILOTS = 8
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


def prepare(course: Course) -> Prepared:
    """Choose the time grid of a course on pilot people."""
    model = human_model()
    streams = Streams(0)
    people = draw(Population(), streams, PILOTS, start=_PILOT_REPLICATE)
    pilots = individuals(model, people, streams, "person")
    schedule = build_schedule(model, _pilot_settings(course), people.weight)
    grid = build_grid(make_problem(model, pilots), schedule)
    return Prepared(model, course, grid, grid_times(grid, schedule))


@cache
def _output_function(model: Traced, name: str) -> Callable[..., Any]:
    """One function an output, so that asking for another never changes its bytes."""
    return model.output_function(name)


def _inputs_at(schedule: Schedule, names: Sequence[str], times: Array, count: int) -> list[Array]:
    """Values of the free inputs at times, (T, N) each."""
    starts = np.array([segment.start for segment in schedule])
    where = np.clip(np.searchsorted(starts, times, side="right") - 1, 0, None)
    rows = []
    for name in names:
        table = np.stack([np.broadcast_to(s.inputs[name], (count,)) for s in schedule])
        rows.append(table[where])
    return rows


def run(
    prepared: Prepared,
    people: Individuals,
    weights: Array,
    times: Array,
    names: tuple[str, ...],
    *,
    engine: Engine = "auto",
    settings: Mapping[str, Array | float] | None = None,
    keep_failed: bool = False,
) -> tuple[dict[str, Array], dict[int, str]]:
    """Integrate people through a course.

    Parameters
    ----------
    times : (T,) hours, sorted.
    names : outputs of the layers, hidden ones included.
    settings : free inputs per person, in place of those of the course.
    keep_failed : return failed patients as NaN with their reasons instead of raising.

    Returns
    -------
    outputs : name -> (T, N) in the output's unit
    failed : patient -> reason

    Raises
    ------
    SolutionError
        A patient's solution failed; says how many and why.
    """
    count = people.parameters.shape[1]
    results = {name: np.empty((len(times), count)) for name in names}
    failed: dict[int, str] = {}
    course = prepared.course
    given = {**course.settings, **(settings or {})}
    for begin in range(0, count, BATCH):
        part = slice(begin, min(begin + BATCH, count))
        group = Individuals(people.parameters[:, part], people.covariates[:, part])
        local = {
            name: value[part] if isinstance(value, np.ndarray) and value.ndim else value
            for name, value in given.items()
        }
        schedule = build_schedule(prepared.model, replace(course, settings=local), weights[part])
        problem = make_problem(prepared.model, group)
        if engine == "checker":
            solution = check(problem, schedule, times)
        else:
            solution = solve(problem, schedule, prepared.grid, times)
        arguments = (
            list(np.moveaxis(solution.linear, 1, 0)),
            list(np.moveaxis(solution.states, 1, 0)),
            list(group.parameters),
            list(group.covariates),
            _inputs_at(schedule, prepared.model.inputs, times, problem.patients),
        )
        bad = dict(solution.failed)
        with np.errstate(all="ignore"):
            for name in names:
                value = _output_function(prepared.model, name)(*arguments)
                results[name][:, part] = value
                for patient in np.nonzero(~np.isfinite(results[name][:, part]).all(axis=0))[0]:
                    bad.setdefault(int(patient), f"{name} is not a finite number")
        failed |= {begin + patient: reason for patient, reason in bad.items()}
    if failed and not keep_failed:
        first, reason = next(iter(failed.items()))
        raise SolutionError(
            f"{len(failed)} of {count} patients failed (patient {first}: {reason})"
            + ("" if engine == "checker" else "; try the adaptive engine with --engine checker")
        )
    for patient in failed:
        for value in results.values():
            value[:, patient] = np.nan
    return results, failed
