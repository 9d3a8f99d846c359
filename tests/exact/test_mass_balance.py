"""No molecule is lost or made, with metabolism on: what was given is somewhere in the states."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ketalab.engine import Solution, solve
from ketalab.laboratory import Course, human_model, individuals
from ketalab.laboratory._course import build_schedule, make_problem
from ketalab.people import People, Population, Streams, draw
from ketalab.protocol import Administration

Array = NDArray[np.float64]
HANDS = {"ketamine": {"S": 0.5, "R": 0.5}, "esketamine": {"S": 1.0}, "arketamine": {"R": 1.0}}
ANALYTES = ("ketamine", "norketamine")
#: g/mol of base and of hydrochloride.
MASS = {"base": 237.725, "hydrochloride": 237.725 + 36.475}


#: Hours to a third of a second: far above the millisecond within which the laboratory joins events.
def hours(low: float, high: float) -> st.SearchStrategy[float]:
    return st.integers(round(low * 1e4), round(high * 1e4)).map(lambda n: n / 1e4)


doses = st.builds(
    Administration,
    time_h=hours(0, 400),
    amount=st.floats(0.01, 500),
    per_kg=st.booleans(),
    duration_h=st.just(0.0) | hours(0.01, 100),
    compound=st.sampled_from(sorted(HANDS)),
    salt=st.sampled_from(sorted(MASS)),
)
schedules = st.lists(doses, min_size=1, max_size=6)
populations = st.builds(Population, weight_kg=st.floats(10, 250))


@cache
def mole_states() -> dict[str, list[int]]:
    """Places of the states that count in the balance, by hand of the molecule."""
    model = human_model()
    counted = {s.name for layer in model.joined.layers for s in layer.states if s.mole}
    return {
        hand: [i for i, name in enumerate(model.linear) if name in counted and name[0] == hand]
        for hand in "SR"
    }


def integrate(
    given_doses: tuple[Administration, ...], people: People, seed: int, times: Array
) -> Solution:
    """People with all their variability, on a grid of one step a segment: the linear part is exact."""
    model = human_model()
    drawn = individuals(model, people, Streams(seed), "person")
    course = Course(given_doses, float(times[-1]))
    schedule = build_schedule(model, course, people.weight)
    return solve(make_problem(model, drawn), schedule, ((0,),) * len(schedule), times)


def moles_given(
    hand: str, given_doses: tuple[Administration, ...], weights: Array, times: Array
) -> Array:
    """Micromoles of one hand given up to each time, (T, N)."""
    total = np.zeros((len(times), len(weights)))
    for dose in given_doses:
        share = HANDS[dose.compound].get(hand, 0.0)
        amount = dose.amount * 1000 / MASS[dose.salt] * share
        if dose.duration_h:
            part = np.clip((times - dose.time_h) / dose.duration_h, 0, 1)
        else:
            part = (times >= dose.time_h).astype(float)
        total += part[:, None] * amount * (weights if dose.per_kg else np.ones_like(weights))
    return total


@settings(max_examples=30)
@given(schedules, populations, st.integers(0, 2**31), st.lists(st.floats(0, 1), max_size=8))
def test_the_moles_in_the_states_are_the_moles_given_so_far(
    given_list: list[Administration], population: Population, seed: int, places: list[float]
) -> None:
    given_doses = tuple(given_list)
    stop = max(d.end_h for d in given_doses) + 24.0
    edges = [t for d in given_doses for t in (d.time_h, d.end_h)]
    times = np.array(sorted({0.0, stop, *edges, *(round(stop * p, 4) for p in places)}))
    people = draw(population, Streams(seed), 3)
    solution = integrate(given_doses, people, seed, times)
    assert not solution.failed
    for hand, states in mole_states().items():
        held = solution.linear[:, states].sum(axis=1)
        expected = moles_given(hand, given_doses, people.weight, times)
        # A time that is a rounding away from the end of a short infusion misses as much of it.
        slack = 1e-11 * np.maximum(expected, 1e-3 * expected[-1])
        assert np.all(np.abs(held - expected) <= slack)


@pytest.mark.parametrize(
    "given_doses",
    [
        [Administration(n * 2e-7, 10.0, False, 0.0, "esketamine") for n in range(4)],
        [
            Administration(0.0, 10.0, False, 0.0, "esketamine"),
            Administration(2.5e-7, 10.0, False, 1 / 3600, "esketamine"),
        ],
        [Administration(n * 2e-7, 10.0, False, 1.0, "esketamine") for n in range(4)],
    ],
    ids=["boluses", "a bolus and an infusion", "infusions"],
)
def test_events_that_are_joined_within_a_millisecond_still_give_each_dose_once(
    given_doses: list[Administration],
) -> None:
    people = draw(Population(), Streams(5), 2)
    solution = integrate(tuple(given_doses), people, 5, np.array([0.0, 2.0]))
    held = solution.linear[-1, mole_states()["S"]].sum(axis=0)
    whole = moles_given("S", tuple(given_doses), people.weight, solution.times)[-1]
    np.testing.assert_allclose(held, whole, rtol=1e-12)


def test_metabolism_is_on_and_in_the_end_all_of_the_drug_has_left() -> None:
    people = draw(Population(), Streams(3), 5)
    given_doses = (Administration(0.0, 0.5, True, 2 / 3, "ketamine"),)
    solution = integrate(given_doses, people, 3, np.array([0.0, 2 / 3, 6.0, 24.0, 2000.0]))
    names = human_model().linear
    for hand in "SR":
        place = {name: i for i, name in enumerate(names)}
        whole = moles_given(hand, given_doses, people.weight, solution.times)[-1]
        gone = (
            solution.linear[:, place[f"{hand}_other_metabolites"]]
            + solution.linear[:, place[f"{hand}_norketamine_cleared"]]
        )
        assert np.all(np.diff(gone, axis=0) > 0)
        assert np.all(gone[3] > 0.5 * whole)
        np.testing.assert_allclose(gone[-1], whole, rtol=1e-9)
        in_body = solution.linear[:, place[f"{hand}_norketamine_central"]]
        assert np.all(in_body[1:3] > 0)


def test_the_balance_counts_every_state_of_the_drug_but_those_that_take_no_mass() -> None:
    names = set(human_model().linear)
    counted = {human_model().linear[i] for states in mole_states().values() for i in states}
    assert len(counted) == 18
    massless = {f"{h}_{s}_{a}" for h in "SR" for s in ("arm", "effect") for a in ANALYTES}
    assert names - counted == massless


@pytest.mark.parametrize("duration_h", [0.0, 1e-3, 2 / 3, 72.0])
def test_no_state_of_the_balance_is_ever_negative(duration_h: float) -> None:
    people = draw(Population(), Streams(8), 20)
    times = np.concatenate([[0.0], np.geomspace(1e-4, 500, 60)])
    solution = integrate(
        (Administration(0.0, 100.0, False, duration_h, "ketamine"),), people, 8, times
    )
    states = [i for places in mole_states().values() for i in places]
    peak = solution.linear[:, states].max()
    assert math.isfinite(peak)
    assert solution.linear[:, states].min() >= -1e-13 * peak
