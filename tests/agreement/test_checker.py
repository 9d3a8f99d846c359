"""The lockstep engine against the adaptive checker, which assumes nothing of the model's structure.

Error = |y - reference| / max(|reference|, 1e-3 of that patient's peak of that output), the largest over outputs, times
and patients; allowed 1e-4, because plasma falls by decades between doses and a tenth of a per mille is far below any
assay or rater. The checker runs at a relative tolerance of 1e-10, so its own error does not count.
"""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ketalab.engine import build_grid, check, grid_times, solve
from ketalab.laboratory import Course, human_model
from ketalab.laboratory._course import build_schedule, make_problem
from ketalab.protocol import Intervention, parse_phrase

Array = NDArray[np.float64]
TOLERANCE = 1e-4
#: People and errors are those of the table in ``validation/solvers/README.md``.
_doubled = runpy.run_path(str(Path(__file__).parents[2] / "validation" / "solvers" / "doubled.py"))
draw_people, errors = _doubled["drawn_people"], _doubled["errors"]
#: (what is given, days)
SCHEDULES = {
    "one infusion": ("0.5 mg/kg ketamine iv over 40 min", 7.0),
    "four infusions": ("0.5 mg/kg ketamine iv over 40 min every 84 h x 4", 12.0),
    "a large bolus": ("2 mg/kg esketamine iv bolus", 3.0),
    "a bolus, then an infusion": (
        "0.25 mg/kg ketamine hydrochloride iv bolus, then"
        " 0.5 mg/kg ketamine hydrochloride iv over 2 h",
        3.0,
    ),
}
MORE = {
    **SCHEDULES,
    "twice weekly": ("0.5 mg/kg ketamine iv over 40 min twice weekly for 4 weeks", 35.0),
}


def too_large(found: dict[str, float]) -> dict[str, float]:
    return {name: error for name, error in found.items() if not error <= TOLERANCE}


def course_of(phrase: str, days: float, *interventions: Intervention) -> Course:
    return Course(parse_phrase(phrase).administrations, 24 * days, interventions)


@pytest.mark.parametrize(("phrase", "days"), SCHEDULES.values(), ids=SCHEDULES)
def test_lockstep_agrees_with_the_checker(phrase: str, days: float) -> None:
    found = errors(course_of(phrase, days), *draw_people(2, seed=17))
    assert not too_large(found)
    assert max(found.values()) > 1e-12  # two engines, not one


def test_the_scheme_in_numpy_agrees_with_the_checker_too() -> None:
    course, people = course_of(*SCHEDULES["one infusion"]), draw_people(2, seed=17)
    assert not too_large(errors(course, *people, solver="numpy"))


def test_lockstep_agrees_with_the_checker_where_variability_is_doubled() -> None:
    phrase, days = SCHEDULES["one infusion"]
    assert not too_large(errors(course_of(phrase, days), *draw_people(3, seed=23, factor=2.0)))


def test_lockstep_agrees_where_an_intervention_begins_and_ends_between_doses() -> None:
    blocks = [
        Intervention("AMPA", 0.1, "systemic", 0.5, 3.0),
        Intervention("BDNF", 3.0, "LHb", 30, 40),
    ]
    course = course_of("0.5 mg/kg ketamine iv over 40 min", 3.0, *blocks)
    assert not too_large(errors(course, *draw_people(1, seed=5)))


def test_a_dose_that_follows_much_smaller_ones_is_as_accurate_as_the_first() -> None:
    small = "0.001 mg/kg ketamine iv bolus daily x 2"
    course = course_of(f"{small}; 2 mg/kg ketamine iv bolus at 48 h", 3.0)
    assert not too_large(errors(course, *draw_people(1, seed=5)))


def test_sessions_and_settings_agree_too() -> None:
    course = Course(
        parse_phrase("0.5 mg/kg ketamine iv over 40 min").administrations,
        24 * 10.0,
        sessions=(0.0, 48.0),
        settings={"setting:midazolam": 1.0, "study:control": 0.05, "study:drug": -0.1},
    )
    found = errors(course, *draw_people(2, seed=3))
    assert not too_large(found)


def test_the_linear_part_agrees_far_better_than_it_needs_to() -> None:
    phrase, days = SCHEDULES["a bolus, then an infusion"]
    drawn, _ = draw_people(2, seed=29)
    model = human_model()
    problem = make_problem(model, drawn)
    schedule = build_schedule(model, course_of(phrase, days), drawn)
    grid = build_grid(problem, schedule)
    times = grid_times(grid, schedule)
    one, two = solve(problem, schedule, grid, times), check(problem, schedule, times)
    size = np.maximum(np.abs(two.linear), 1e-3 * np.abs(two.linear).max(axis=0))
    # What no dose reaches is zero, and in the checker rounding (1e-23).
    assert np.max(np.abs(one.linear - two.linear) / np.maximum(size, 1e-12)) < 1e-6


MANY = [
    *((phrase, days, 1.0, 100 + seed) for seed, (phrase, days) in enumerate(MORE.values())),
    (*MORE["one infusion"], 2.0, 200),
]


@pytest.mark.slow
@pytest.mark.parametrize(("phrase", "days", "factor", "seed"), MANY)
def test_lockstep_agrees_with_the_checker_for_twenty_people(
    phrase: str, days: float, factor: float, seed: int
) -> None:
    assert not too_large(errors(course_of(phrase, days), *draw_people(20, seed, factor)))
