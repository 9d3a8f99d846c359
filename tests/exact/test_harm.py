"""Harm: rises that three cohorts bracket, probabilities in a session, and what has no number."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ketalab import Scenario, simulate
from ketalab.cli import main
from ketalab.facts import facts, thin_harms
from ketalab.laboratory import outputs
from ketalab.laboratory._course import days_of_use
from ketalab.people import Population
from ketalab.protocol import parse_phrase

RISES = ("harm:systolic", "harm:diastolic", "harm:pulse")
EVENTS = ("p:nausea", "p:vomiting", "p:dizziness", "p:pressure-high")


def peaks(phrase: str, *names: str, **options) -> dict[str, float]:
    """Peak of the typical person, by output."""
    made = simulate(Scenario.parse(phrase, patients=2, days=1, outputs=names, **options))
    return {name: made.typical_figures[name]["peak"] for name in names}


def test_the_usual_infusion_raises_pressure_and_pulse_as_in_the_cohorts() -> None:
    made = peaks("0.5 mg/kg ketamine iv over 40 min", *RISES)
    assert 3.28 < made["harm:systolic"] < 16
    assert 3.17 < made["harm:diastolic"] < 11
    assert 0.5 < made["harm:pulse"] < 6


@pytest.mark.parametrize(
    ("phrase", "low", "high"),
    [
        ("1 mg/kg ketamine sc", 5, 16),
        ("84 mg esketamine nasal by device", 4, 14),
        ("120 mg ketamine oral extended-release", 0, 2),
        ("2 mg/kg ketamine iv bolus", 15, 40),
    ],
)
def test_other_routes_raise_pressure_by_what_was_seen_and_a_bolus_has_a_ceiling(
    phrase: str, low: float, high: float
) -> None:
    assert low < peaks(phrase, "harm:systolic")["harm:systolic"] < high


def test_the_pressure_is_back_after_an_hour_and_a_half() -> None:
    scenario = Scenario.parse(
        "0.5 mg/kg ketamine iv over 40 min",
        patients=2,
        days=1,
        outputs=("harm:systolic",),
        times=(2 / 3, 2.5),
    )
    high, later = simulate(scenario).typical["harm:systolic"]
    assert later < 0.35 * high


def test_older_people_rise_more() -> None:
    young, old = (
        peaks(
            "30 mg ketamine iv over 40 min",
            "harm:systolic",
            population=Population(age=age, weight_kg=70),
        )
        for age in (40, 75)
    )
    assert old["harm:systolic"] > 1.1 * young["harm:systolic"]


def test_without_a_drug_probabilities_are_those_of_placebo_and_nothing_rises() -> None:
    made = peaks("0 mg/kg ketamine iv over 40 min", *RISES, *EVENTS, "harm:urinary")
    assert [made[name] for name in RISES] == [0, 0, 0]
    assert made["p:nausea"] == pytest.approx(facts()["nausea_background"].value)
    # 0.5% over four weeks of placebo spray, eight sessions.
    assert 1 - (1 - made["p:pressure-high"]) ** 8 == pytest.approx(0.005, abs=0.0005)
    assert made["harm:urinary"] == pytest.approx(facts()["urinary_background"].value)


@settings(max_examples=6)
@given(st.floats(0.001, 50))
def test_probabilities_stay_within_nought_and_one_and_grow_with_the_dose(dose: float) -> None:
    one = peaks(f"{dose!r} mg/kg ketamine iv bolus", *EVENTS)
    two = peaks(f"{2 * dose!r} mg/kg ketamine iv bolus", *EVENTS)
    for name in EVENTS:
        assert 0 <= one[name] <= two[name] + 1e-12 <= 1 + 1e-9


def test_urinary_symptoms_grow_with_days_of_use_and_not_with_doses_a_day() -> None:
    def at(phrase: str) -> float:
        made = Scenario.parse(phrase, patients=2, days=31, outputs=("harm:urinary",), times=(740,))
        return float(simulate(made).typical["harm:urinary"][0])

    daily, once = at("50 mg ketamine insufflated daily x 30"), at("50 mg ketamine insufflated")
    odds = daily / (1 - daily) / (once / (1 - once))
    assert odds == pytest.approx(1.016**29, rel=1e-6)
    twice = parse_phrase("50 mg ketamine insufflated, then 50 mg ketamine insufflated at 2 h")
    assert days_of_use(twice.administrations, 5.0) == 1
    assert days_of_use(twice.administrations, 24.0 * 181) == 0
    assert days_of_use(parse_phrase("5 mg midazolam iv bolus").administrations, 5.0) == 0


# --- too thin for a number ------------------------------------------------------------------------


def test_a_harm_without_a_number_is_listed_and_is_no_output() -> None:
    assert not thin_harms().keys() & outputs().keys()
    assert {
        "harm:respiratory",
        "harm:liver",
        "harm:seizure",
        "harm:dependence",
    } <= thin_harms().keys()


@pytest.mark.parametrize("name", thin_harms())
def test_what_is_known_quotes_facts_and_says_why_there_is_no_number(name: str) -> None:
    record = thin_harms()[name].document()
    assert "{" not in record["known"]
    assert record["why"]
    assert record["sources"] or not record["facts"]


def test_asked_for_one_says_what_is_known_and_gives_no_figure(capsys) -> None:
    assert main(["simulate", "--patients", "2", "--output", "harm:liver", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["outputs"] == []
    assert [thin["name"] for thin in document["too_thin"]] == ["harm:liver"]


def test_a_whole_result_carries_all_of_them_and_a_rat_none() -> None:
    whole = simulate(Scenario.parse(patients=2, days=0.1))
    assert [thin["name"] for thin in whole.too_thin()] == list(thin_harms())
    rat = Scenario.parse("10 mg/kg ketamine ip", species="rat", patients=2, days=0.1)
    assert simulate(rat).too_thin() == []
    assert np.isfinite(whole.typical_figures["harm:systolic"]["peak"])
