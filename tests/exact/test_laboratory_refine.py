"""Whose states move faster than the steps of all get shorter ones, alone, and are right inside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from ketalab.laboratory import (
    Course,
    Individuals,
    Prepared,
    _refine,
    human_model,
    individuals,
    integrate,
    prepare,
)
from ketalab.laboratory._individuals import spread_apart
from ketalab.people import Population, Streams, draw
from ketalab.protocol import parse_phrase

Array = NDArray[np.float64]
NAMES = ("belief:experience", "state:tolerance", "synapse:potentiation")
#: Of 1,536 people with doubled variability the one with the largest error, and others: numbers of their draws.
QUICK, OTHERS = 101_045, (100_002, 100_003)


@cache
def ready() -> Prepared:
    course = Course(parse_phrase("0.5 mg/kg ketamine iv over 40 min").administrations, 24.0)
    return prepare(course, solver="lockstep")


@cache
def times() -> Array:
    edges = ready().edges
    return np.unique(np.concatenate([edges, edges[:-1] + 0.37 * np.diff(edges)]))


@cache
def people(*numbers: int) -> tuple[Individuals, Array]:
    """People with doubled variability, by number."""
    model, streams = human_model(), Streams(1)
    rows, weights = [], []
    for number in numbers:
        person = draw(Population(), streams, 1, start=number)
        drawn = individuals(model, person, streams, "person")
        middle = individuals(model, person, streams, "none", vary=False)
        rows.append(spread_apart(model, drawn, middle, 2.0))
        weights.append(person.weight)
    together = (
        np.concatenate([getattr(r, n) for r in rows], axis=1) for n in ("parameters", "covariates")
    )
    return Individuals(*together), np.concatenate(weights)


def course_of(
    numbers: Sequence[int], engine: str = "lockstep", **changes: object
) -> dict[str, Array]:
    drawn, weights = people(*numbers)
    prepared = replace(ready(), **changes)  # type: ignore[arg-type]
    # Numbers that the guard does not check, so that nobody is solved again for another reason.
    numbered = np.full(len(weights), 63)
    made = integrate(prepared, drawn, weights, times(), NAMES, engine=engine, numbers=numbered)  # type: ignore[arg-type]
    assert not made.account.failed
    return dict(made.values)


@cache
def reference() -> dict[str, Array]:
    return course_of((QUICK,), "checker")


def error(made: dict[str, Array]) -> float:
    worst = 0.0
    for name, true in reference().items():
        size = np.maximum(np.abs(true), 1e-3 * np.abs(true).max())
        worst = max(worst, float((np.abs(made[name][:, :1] - true) / size).max()))
    return worst


def test_inside_the_steps_of_all_the_quick_person_is_wrong_and_on_own_ones_right() -> None:
    assert error(course_of((QUICK,), floors=None)) > 1e-3
    assert error(course_of((QUICK,))) < 1e-4


def test_others_keep_the_steps_of_all() -> None:
    mine, plain = course_of(OTHERS), course_of(OTHERS, floors=None)
    for name in NAMES:
        np.testing.assert_array_equal(mine[name], plain[name])


def test_a_persons_values_do_not_depend_on_who_stands_beside() -> None:
    alone, among = course_of((QUICK,)), course_of((OTHERS[0], QUICK, OTHERS[1]))
    for name in NAMES:
        np.testing.assert_array_equal(alone[name][:, 0], among[name][:, 1])


def test_who_is_too_fast_for_any_steps_fails_and_goes_to_the_checker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_refine, "HALVINGS", 0)
    drawn, weights = people(QUICK, OTHERS[0])
    numbers = np.full(2, 63)
    lockstep = integrate(
        ready(), drawn, weights, times(), NAMES, engine="lockstep", numbers=numbers
    )
    assert lockstep.account.failed == {0: _refine.TOO_FAST}
    auto = integrate(ready(), drawn, weights, times(), NAMES, engine="auto", numbers=numbers)
    assert auto.account.failed == {}
    assert auto.account.retried == {0: _refine.TOO_FAST}
    assert error(dict(auto.values)) < 1e-9


def test_differences_of_courses_are_taken_on_the_steps_of_all() -> None:
    drawn, weights = people(QUICK)
    options = {"numbers": np.array([63]), "exact": True}
    one = integrate(ready(), drawn, weights, times(), NAMES, **options)  # type: ignore[arg-type]
    plain = replace(ready(), floors=None)
    two = integrate(plain, drawn, weights, times(), NAMES, **options)  # type: ignore[arg-type]
    for name in NAMES:
        np.testing.assert_array_equal(one.values[name], two.values[name])


def test_a_floor_is_a_share_of_the_peaks_of_pilots() -> None:
    floors = ready().floors
    assert floors is not None
    assert floors.shape == (len(human_model().states),)
    assert (floors >= 0).all()
    experienced = floors[human_model().states.index("experienced")]
    assert 1e-6 < experienced < 1e-3
    body = Course(parse_phrase("0.5 mg/kg ketamine iv bolus").administrations, 24.0)
    assert prepare(body).floors is None  # the scheme in NumPy asks nobody
