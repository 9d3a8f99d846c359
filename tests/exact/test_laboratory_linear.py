"""The body alone: a model of linear states, run without a choice of steps and without a guard."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ketalab.laboratory import (
    Course,
    Individuals,
    body_model,
    human_model,
    individuals,
    integrate,
    prepare,
    run,
)
from ketalab.people import People, Population, Streams, draw
from ketalab.protocol import Intervention, parse_phrase

Array = NDArray[np.float64]
NAMES = ("plasma:venous:ketamine", "plasma:arterial:S-norketamine", "plasma:effect:R-ketamine")
INFUSION = parse_phrase("0.5 mg/kg ketamine iv over 40 min every 12 h x 2").administrations
TIMES = np.array([0.0, 0.3, 2 / 3, 1.0, 5.5, 12.0, 12.5, 24.0])
BLOCKED = (Intervention("CYP3A4:liver", 0.2, "systemic", from_h=2.0, to_h=14.0),)


def some_people(count: int) -> tuple[People, Individuals]:
    people = draw(Population(), Streams(5), count)
    return people, individuals(body_model(), people, Streams(5), "person")


def test_the_body_alone_gives_the_plasma_of_the_whole_model() -> None:
    people, drawn = some_people(3)
    whole = individuals(human_model(), people, Streams(5), "person")
    course = Course(INFUSION, 24.0)
    alone = prepare(course, model=body_model())
    assert alone.model is body_model()
    assert alone.grid == ((0,),) * len(alone.grid)
    made, _ = run(alone, drawn, people.weight, TIMES, NAMES)
    expected, _ = run(prepare(course), whole, people.weight, TIMES, NAMES)
    for name in NAMES:
        assert made[name].shape == (8, 3)
        np.testing.assert_allclose(made[name], expected[name], rtol=1e-12)


def test_there_is_nothing_to_estimate_where_the_solution_is_exact() -> None:
    people, drawn = some_people(3)
    heard: list[float] = []
    ready = prepare(Course(INFUSION, 24.0), model=body_model())
    made = integrate(ready, drawn, people.weight, TIMES, NAMES, tell=heard.append)
    assert not made.account.errors
    assert made.account.check().error is None
    assert heard[-1] == 1.0


def test_someone_has_the_same_bytes_alone_and_among_others() -> None:
    people, drawn = some_people(5)
    ready = prepare(Course(INFUSION, 24.0, interventions=BLOCKED), model=body_model())
    every, _ = run(ready, drawn, people.weight, TIMES, NAMES)
    one = Individuals(drawn.parameters[:, [3]], drawn.covariates[:, [3]])
    made, _ = run(ready, one, people.weight[[3]], TIMES[::2], NAMES[:1])
    assert made[NAMES[0]].tobytes() == every[NAMES[0]][::2, [3]].tobytes()


def test_an_enzyme_that_is_blocked_for_a_while_is_followed_as_the_checker_does() -> None:
    people, drawn = some_people(2)
    ready = prepare(Course(INFUSION, 24.0, interventions=BLOCKED), model=body_model())
    made, _ = run(ready, drawn, people.weight, TIMES, NAMES)
    checked, _ = run(ready, drawn, people.weight, TIMES, NAMES, engine="checker")
    free = prepare(Course(INFUSION, 24.0), model=body_model())
    usual, _ = run(free, drawn, people.weight, TIMES, NAMES)
    for name in NAMES:
        np.testing.assert_allclose(made[name], checked[name], rtol=1e-8, atol=1e-9)
        np.testing.assert_allclose(made[name][:4], usual[name][:4], rtol=1e-12)
    assert (made[NAMES[0]][4:] > 1.02 * usual[NAMES[0]][4:]).all()


def test_the_whole_model_follows_a_blocked_enzyme_too() -> None:
    people = draw(Population(), Streams(5), 2)
    drawn = individuals(human_model(), people, Streams(5), "person")
    ready = prepare(Course(INFUSION, 24.0, interventions=BLOCKED))
    names = (*NAMES, "synapse:potentiation", "symptom:relief")
    made = integrate(ready, drawn, people.weight, TIMES, names)
    assert made.account.check().error < 5e-5
    checked, _ = run(ready, drawn, people.weight, TIMES, names, engine="checker")
    for name in names:
        peak = np.abs(checked[name]).max(axis=0)
        assert (np.abs(made.values[name] - checked[name]) < 1e-5 * peak).all()
