"""Pressure and pulse: what cohorts and trials saw, and what any person's rise must keep to."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketalab.facts import fact
from ketalab.laboratory import Result, Scenario, simulate
from ketalab.laboratory._course import _NumericMaths
from ketalab.model.contract import Values
from ketalab.model.harm import harm
from ketalab.people import Population

IV = "0.5 mg/kg ketamine iv over 40 min"
NASAL = "{} mg esketamine nasal by device"
RISES = ("harm:systolic", "harm:diastolic", "harm:pulse", "p:pressure-high")
HOURS = (0.0, 1.5, 4.0)


@cache
def given_to_people(phrase: str, age: float | None = None, days: float = 0.25) -> Result:
    """The rises of 200 people who differ, with the constants as they stand."""
    return simulate(
        Scenario.parse(
            phrase,
            patients=200,
            days=days,
            outputs=RISES,
            times=HOURS,
            uncertainty=False,
            population=Population(age=age),
        )
    )


def typical(result: Result, name: str) -> float:
    return result.typical_figures[name]["peak"]


#: Mean of each person's largest reading in the trials of the nasal spray, mmHg, on the drug and on placebo.
LARGEST = [("systolic", 13.3, 6.1), ("diastolic", 8.7, 4.9)]


def largest(phrase: str, name: str) -> float:
    """Mean of people's largest reading, mmHg."""
    output = f"harm:{name}:largest"
    scenario = Scenario.parse(
        phrase, patients=200, days=0.25, outputs=(output,), times=HOURS, uncertainty=False
    )
    return float(simulate(scenario).figures[output]["peak"].mean())


def mean(result: Result, name: str) -> float:
    return float(result.figures[name]["peak"].mean())


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("harm:systolic", 3.28, 16.0), ("harm:diastolic", 3.17, 11.0), ("harm:pulse", 0.5, 6.0)],
)
def test_half_a_milligram_per_kilogram_raises_the_typical_pressure_as_three_cohorts_say(
    name: str, low: float, high: float
) -> None:
    assert low < typical(given_to_people(IV), name) < high


def test_the_rise_at_the_reference_is_that_of_the_fact() -> None:
    result = given_to_people(IV)
    for name, record in zip(RISES, ("systolic_rise", "diastolic_rise", "pulse_rise"), strict=False):
        assert typical(result, name) == pytest.approx(fact(record).value, rel=0.1)


def test_one_milligram_per_kilogram_under_the_skin_raises_it_by_about_ten() -> None:
    assert typical(given_to_people("1 mg/kg ketamine sc"), "harm:systolic") == pytest.approx(
        10, abs=3
    )


@pytest.mark.parametrize(
    ("doses", "age", "name", "drug", "placebo"),
    [
        ((56,), None, "harm:systolic", 13.3, 6.1),
        ((84,), None, "harm:systolic", 13.3, 6.1),
        ((56,), None, "harm:diastolic", 8.7, 4.9),
        ((84,), None, "harm:diastolic", 8.7, 4.9),
        ((28, 56, 84), 70.0, "harm:systolic", 16.0, 11.1),
        ((28, 56, 84), 70.0, "harm:diastolic", 9.5, 6.8),
    ],
)
def test_nasal_esketamine_raises_it_within_the_bounds_that_mean_maxima_set(
    doses: tuple[int, ...], age: float | None, name: str, drug: float, placebo: float
) -> None:
    """The mean of each person's largest reading lies above the mean rise at its peak, and the mean rise above
    the difference from placebo, whatever the noise of readings is."""
    rises = [mean(given_to_people(NASAL.format(dose), age), name) for dose in doses]
    assert drug - placebo <= np.mean(rises) <= drug


@pytest.mark.parametrize(("name", "drug", "placebo"), LARGEST)
def test_the_largest_reading_is_that_of_placebo_without_a_drug_and_near_the_trials_with_it(
    name: str, drug: float, placebo: float
) -> None:
    """Six trials: 13.3/8.7 mmHg on 56 to 84 mg, 6.1/4.9 on placebo. The drug's rise was set by infusions."""
    assert largest("0 mg ketamine iv", name) == pytest.approx(placebo, abs=0.01)
    rises = [largest(NASAL.format(dose), name) for dose in (56, 84)]
    assert placebo < np.mean(rises) < 1.6 * drug


@pytest.mark.parametrize("dose", [60, 120, 180])
def test_extended_release_tablets_hardly_raise_it(dose: int) -> None:
    result = given_to_people(f"{dose} mg ketamine oral extended-release", days=1)
    assert typical(result, "harm:systolic") < 3
    assert np.quantile(result.figures["harm:systolic"]["peak"], 0.95) < 3


def test_no_drug_no_rise() -> None:
    result = given_to_people("0 mg ketamine iv")
    for name in RISES[:3]:
        assert result.figures[name]["peak"].max() < 1e-3


@pytest.mark.parametrize(("phrase", "early", "late"), [(IV, 30, 50), (NASAL.format(84), 20, 45)])
def test_the_peak_comes_at_about_forty_minutes(phrase: str, early: float, late: float) -> None:
    found = given_to_people(phrase).typical_figures["harm:systolic"]["time_of_peak_h"]
    assert early < found * 60 < late


@pytest.mark.parametrize("phrase", [IV, NASAL.format(56), NASAL.format(84)])
def test_most_of_it_is_over_after_an_hour_and_a_half_and_the_rest_after_four_hours(
    phrase: str,
) -> None:
    result = given_to_people(phrase)
    _, later, last = result.typical["harm:systolic"]
    assert later < typical(result, "harm:systolic") / 2
    assert last < 2


def test_eight_infusions_show_no_tolerance() -> None:
    scenario = Scenario.parse(
        "0.5 mg/kg ketamine iv over 40 min twice weekly for 4 weeks",
        patients=1,
        days=28,
        outputs=("harm:systolic",),
        times=tuple(7 * 24 * week + 2 / 3 for week in range(4)),
    )
    rises = simulate(scenario).typical["harm:systolic"]
    assert rises == pytest.approx(np.full(4, rises[0]), rel=0.02)


def test_older_people_have_a_larger_rise_from_fifty_on() -> None:
    rises = [typical(given_to_people(NASAL.format(56), age), RISES[0]) for age in (40, 49, 60, 75)]
    # The body alone makes little difference below fifty.
    assert rises[0] == pytest.approx(rises[1], rel=0.05)
    assert rises[1] < rises[2] < rises[3]


def test_a_rise_of_forty_is_rare_without_a_drug_and_less_so_with_nasal_esketamine() -> None:
    none = mean(given_to_people("0 mg ketamine iv"), "p:pressure-high")
    # 0.5% of people on placebo spray in four weeks, eight sessions.
    assert 1 - (1 - none) ** 8 == pytest.approx(0.005, rel=0.1)
    for dose in (56, 84):
        assert 2 * none < mean(given_to_people(NASAL.format(dose)), "p:pressure-high") < 0.08


@given(
    drive=st.floats(0, 1e6),
    more=st.floats(0, 1e6),
    age=st.floats(18, 100),
    spread=st.floats(0.01, 100),
)
def test_rises_grow_with_the_drive_and_probabilities_stay_within_zero_and_one(
    drive: float, more: float, age: float, spread: float
) -> None:
    layer = harm()
    own = {p.name: fact(p.fact).to(p.unit) for p in layer.parameters}
    own["systolic"] *= spread
    made = []
    for level in (drive, drive + more):
        known = {"state:drive": level, "use:days": 0.0, "age": age}
        with np.errstate(over="ignore"):
            made.append(layer.equations(_NumericMaths(), Values({**own, **known})).outputs)
    for name, low in made[0].items():
        high = made[1][name]
        assert high >= low * (1 - 1e-9)
        assert np.isfinite(high)
        if name.startswith("p:") or name == "harm:urinary":
            assert 0 <= low <= 1
            assert 0 <= high <= 1
        else:
            assert low >= 0
