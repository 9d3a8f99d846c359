"""The checker against SciPy's Radau, which shares with it the segments and nothing else.

SciPy is given the matrix as numbers and the lambdified rates, and finds its Jacobian by differences; the checker has
the text of all equations. Error = |y - reference| / max(|reference|, 1e-3 of that patient's peak of that state), with
a floor of 1e-6 in the state's unit below which everything is at rest, as in the guard of a run: both methods have
absolute tolerances. Allowed is 1e-7, a thousandth of what the lockstep engine is held to.
"""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

from ketalab.engine import check
from ketalab.laboratory import Course, human_model, individuals
from ketalab.laboratory._course import build_schedule, make_problem
from ketalab.people import Population, Streams, draw
from ketalab.protocol import parse_phrase

integrate = runpy.run_path(str(Path(__file__).with_name("_scipy_radau.py")))["integrate"]
TOLERANCE, REST = 1e-7, 1e-6
SCHEDULES = {
    "two infusions": ("0.5 mg/kg ketamine iv over 40 min every 48 h x 2", 3.0),
    "a bolus, then an infusion": (
        "0.25 mg/kg ketamine hydrochloride iv bolus, then"
        " 0.5 mg/kg ketamine hydrochloride iv over 2 h",
        1.0,
    ),
}


@pytest.mark.parametrize(("phrase", "days"), SCHEDULES.values(), ids=SCHEDULES)
def test_the_checker_agrees_with_scipy(phrase: str, days: float) -> None:
    model = human_model()
    people = draw(Population(), Streams(31), 3)
    drawn = individuals(model, people, Streams(31), "person")
    problem = make_problem(model, drawn)
    course = Course(
        parse_phrase(phrase).administrations,
        24 * days,
        sessions=(0.0,),
        settings={"setting:midazolam": 1.0},
    )
    schedule = build_schedule(model, course, drawn)
    times = np.unique(np.concatenate([np.linspace(0, 24 * days, 25), np.linspace(0, 3, 13)]))
    made = check(problem, schedule, times)
    assert not made.failed
    ours = np.concatenate([made.linear, made.states], axis=1)
    reference = integrate(problem, model.rhs_function, schedule, times, rtol=1e-10, atol=1e-13)
    size = np.maximum(np.abs(reference), 1e-3 * np.abs(reference).max(axis=0))
    error = np.abs(ours - reference) / np.maximum(size, REST)
    assert error.max() < TOLERANCE
    assert error.max() > 1e-14  # two methods, not one
