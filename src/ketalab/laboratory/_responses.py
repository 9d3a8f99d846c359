"""What single doses of ketamine do to plasma, person by person, by superposition.

The body is linear in the drug: only the shares in which a dose enters it may depend on the dose. So the course after
a milligram into each place that a dose enters is computed once, and any dose is a sum of these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ketalab.engine import Schedule, Segment, build_grid, solve
from ketalab.laboratory._between import study_settings
from ketalab.laboratory._course import (
    Course,
    amounts_given,
    check_modelled,
    dose_parts,
    entry_points,
    make_problem,
)
from ketalab.laboratory._individuals import Individuals, individuals, typical_individual
from ketalab.laboratory._measures import exposure
from ketalab.laboratory._run import cached_output
from ketalab.model.tracing import Traced
from ketalab.people import Population, Streams, draw
from ketalab.protocol import Administration

Array = NDArray[np.float64]

#: Hours watched after the end of a dose, by when the slowest tablet has gone; the first look, and how many.
_AFTER_H, _FIRST_H, _LOOKS = 240.0, 1 / 240, 111
_LOOKS_DURING = 33


@dataclass(frozen=True)
class Group:
    """People in the body alone, and the settings they come from (free inputs, (N,)); the last is the typical person."""

    model: Traced
    drawn: Individuals
    settings: Mapping[str, Array]

    @property
    def count(self) -> int:
        """How many, the typical person among them."""
        return self.drawn.parameters.shape[1]

    @property
    def weights(self) -> Array:
        """Body weights (N,), kg."""
        return self.drawn.covariates[self.model.covariates.index("weight")]


def gather(
    model: Traced,
    population: Population,
    seed: int,
    count: int,
    start: int = 0,
    *,
    uncertain: bool = True,
) -> Group:
    """Return people number ``start`` on, those of :func:`simulate` with this seed, and the typical person.

    ``uncertain`` says whether each also draws the constants and a setting.
    """
    streams = Streams(seed)
    people = draw(population, streams, count, start=start)
    drawn = individuals(model, people, streams, "person" if uncertain else "none")
    typical = typical_individual(model, population)[1]
    effects = study_settings(model, people, streams) if uncertain else {}
    settings = {
        name: np.append(effects.get(name, np.full(count, default)), default)
        for name, default in model.defaults.items()
    }
    return Group(
        model,
        Individuals(
            np.concatenate([drawn.parameters, typical.parameters], axis=1),
            np.concatenate([drawn.covariates, typical.covariates], axis=1),
        ),
        settings,
    )


def sample_times(duration_h: float) -> Array:
    """Hours at which courses after a dose are looked at: close together where they are steep."""
    after = duration_h + np.geomspace(_FIRST_H, _AFTER_H, _LOOKS)
    during = np.linspace(0.0, duration_h, _LOOKS_DURING if duration_h else 1)
    return np.concatenate([during, after])


def respond(
    group: Group, amounts: Mapping[int, float], duration_h: float, names: Sequence[str]
) -> dict[str, Array]:
    """Courses of outputs (T, N) at :func:`sample_times` after amounts (micromoles) into linear states."""
    times = sample_times(duration_h)
    problem = make_problem(group.model, group.drawn)
    given = tuple((state, np.full(group.count, amount)) for state, amount in amounts.items())
    end = float(times[-1])
    inputs = group.settings
    schedule: Schedule
    if duration_h:
        rates = tuple((state, amount / duration_h) for state, amount in given)
        schedule = (
            Segment(0.0, duration_h, inflow=rates, inputs=inputs),
            Segment(duration_h, end, inputs=inputs),
        )
    else:
        schedule = (Segment(0.0, end, boluses=given, inputs=inputs),)
    solution = solve(problem, schedule, build_grid(problem, schedule), times)
    arguments = (
        solution.linear_rows(len(group.model.linear)),
        list(np.moveaxis(solution.states, 1, 0)),
        list(problem.parameters),
        list(problem.covariates),
        [inputs[name] for name in group.model.inputs],
    )
    shape = (len(times), group.count)
    return {
        name: np.broadcast_to(cached_output(group.model, name)(*arguments), shape) for name in names
    }


def dose_shares(group: Group, dose: Administration, milligrams: Array) -> dict[str, Array]:
    """Shares (N,) in which a dose of so many milligrams of base (N,) enters, by name."""
    _, about = amounts_given(dose, np.ones(group.count))
    about["dose_mg"] = milligrams
    return dose_parts(
        group.model, Course((dose,), 1.0, settings=group.settings), group.drawn, about
    )


def one_milligram(dose: Administration) -> Administration:
    """A milligram of base in place of a dose, given at time zero."""
    return replace(dose, time_h=0.0, amount=1.0, per_kg=False, salt="base", program=None)


@dataclass(frozen=True)
class Unit:
    """An output after a milligram of base of a kind of dose, taken apart by the shares in which it enters.

    ``courses`` (share -> (T, N)) and ``areas`` (share -> (N,)) are those after the whole milligram into what the
    share names; the share None is all of every dose.
    """

    group: Group
    dose: Administration
    times: Array
    courses: Mapping[str | None, Array]
    areas: Mapping[str | None, Array]

    def _parts(self, milligrams: Array) -> dict[str | None, Array]:
        """Milligrams (N,) that enter by each share."""
        shares = dose_shares(self.group, self.dose, milligrams) if any(self.courses) else {}
        return {
            share: milligrams if share is None else milligrams * shares[share]
            for share in self.courses
        }

    def course(self, milligrams: Array) -> Array:
        """The output (T, N) after doses of so many milligrams of base (N,)."""
        parts = self._parts(milligrams)
        return np.asarray(sum(parts[share] * y for share, y in self.courses.items()))

    def cmax(self, milligrams: Array) -> Array:
        """Its peak (N,)."""
        return np.asarray(self.course(milligrams).max(axis=0))

    def auc(self, milligrams: Array) -> Array:
        """Its area to infinity (N,)."""
        parts = self._parts(milligrams)
        return np.asarray(sum(parts[share] * area for share, area in self.areas.items()))


def area(times: Array, course: Array) -> Array:
    """Area to infinity (N,) of a course that has come to its end within its times."""
    made = exposure(times, course)
    return np.where(np.isfinite(made["auc_0_inf"]), made["auc_0_inf"], made["auc_0_t"])


def respond_to_dose(group: Group, dose: Administration, name: str) -> Unit:
    """Return an output after a milligram of a dose's form, by its route and device and over its time.

    Raises
    ------
    ScenarioError
        A drug or a route without a model.
    """
    dose = one_milligram(dose)
    check_modelled(group.model, (dose,))
    amounts, _ = amounts_given(dose, np.ones(1))
    entries = entry_points(group.model)
    into: dict[str | None, dict[int, float]] = {}
    for molecule, amount in amounts.items():
        for state, share in entries[dose.route, molecule]:
            into.setdefault(share, {})[state] = float(amount[0])
    courses = {
        share: respond(group, given, dose.duration_h, (name,))[name]
        for share, given in into.items()
    }
    times = sample_times(dose.duration_h)
    return Unit(
        group, dose, times, courses, {share: area(times, y) for share, y in courses.items()}
    )
