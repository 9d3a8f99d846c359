"""Symptoms: two parts, repeats that last, domains carried by mood in part, treatments over weeks."""

from __future__ import annotations

import numpy as np
import pytest

from ketalab.laboratory import (
    CONTROLS,
    Scenario,
    course_of,
    doses_at,
    draw_fact,
    outputs,
    sessions_of,
    simulate,
    simulate_arms,
)
from ketalab.people import Streams
from ketalab.protocol import parse_phrase

ONE = "0.5 mg/kg ketamine iv over 40 min"
COURSE = f"{ONE} twice weekly for 3 weeks"
KEPT_UP = f"{COURSE}, then {ONE} weekly for 6 weeks at 21 d"
SAME = {"replicates": 3, "persons": 25, "effects": False}


def left(phrase: str | None, control: str, hours: list[float], *names: str) -> dict:
    """Mean over people of outputs at some hours, of the arm with a phrase or of the control."""
    treatment = parse_phrase(phrase) if phrase else None
    given = parse_phrase(phrase or ONE).variants[0].administrations
    sessions, chosen = sessions_of(given), CONTROLS[control]
    course = course_of(treatment, chosen, sessions, hours[-1] + 1)
    made = simulate_arms({"arm": course}, names, np.array([0.0, *hours]), **SAME)
    return {name: made.values["arm"][name][1:] for name in names}


def test_non_responders_do_not_change_and_others_do() -> None:
    relief = left(ONE, "none", [24.0], "symptom:relief")["symptom:relief"][0].ravel()
    assert 0.2 < np.mean(relief < 1e-9) < 0.6
    assert np.median(relief[relief > 1e-9]) > 0.2


def test_one_dose_acts_within_hours_peaks_at_a_day_and_is_lost_within_two_weeks() -> None:
    hours = [4.0, 24.0, 72.0, 336.0]
    relief = left(ONE, "none", hours, "symptom:relief")["symptom:relief"].mean(axis=(1, 2))
    assert relief[0] > 0.7 * relief[1]
    assert relief[1] >= relief[2] > relief[3]
    assert relief[3] < 0.5 * relief[1]


def test_a_course_outlasts_its_last_dose_and_maintenance_keeps_it() -> None:
    """Two weeks after the last of six more is left than after one; four weeks later who goes on has kept it."""
    one = left(ONE, "none", [336.0], "symptom:relief")["symptom:relief"].mean()
    end = 420.0
    hours = [end + 336, end + 900]
    course, kept = (
        left(phrase, "none", hours, "symptom:relief")["symptom:relief"].mean(axis=(1, 2))
        for phrase in (COURSE, KEPT_UP)
    )
    assert course[0] > 1.5 * one
    assert course[1] < course[0]
    assert kept[1] > 1.5 * course[1]


def test_suicidality_is_relieved_by_more_than_mood_and_obsessions_hardly_by_mood() -> None:
    names = ("symptom:depression", "symptom:suicidality", "symptom:ocd")
    control = left(None, "midazolam", [24.0], *names)
    lost = {name: 1 - control[name].mean() for name in names}
    # Without a drug everything that moves is carried by mood.
    assert 0.4 < lost["symptom:suicidality"] / lost["symptom:depression"] < 0.8
    assert lost["symptom:ocd"] / lost["symptom:depression"] < 0.35
    drug = left(ONE, "midazolam", [24.0], *names)
    mood = 1 - drug["symptom:depression"].mean()
    assert 1 - drug["symptom:suicidality"].mean() > 0.6 * mood + 0.05


def test_the_illness_takes_its_course_with_a_treatment_and_without_one() -> None:
    name = "symptom:natural"
    for control in ("none", "saline"):
        relief = left(None, control, [24.0, 2000.0], name)[name].mean(axis=(1, 2))
        assert 0 < relief[0] < 0.01 < 0.05 < relief[1]


def test_electroconvulsive_therapy_is_a_course_of_three_weeks_that_is_lost_slowly() -> None:
    name = "symptom:treatment"
    relief = left(None, "ect", [400.0, 504.0, 504.0 + 30 * 24, 504.0 + 180 * 24], name)[name]
    before, end, month, half_year = relief.mean(axis=(1, 2))
    assert before < end
    assert 0.5 * end < month < end
    assert half_year < 0.4 * end


@pytest.mark.parametrize("treatment", ["ssri", "quetiapine", "ect"])
def test_treatments_over_weeks_begin_slowly_and_add_up(treatment: str) -> None:
    name = "symptom:treatment"
    # A course of electroconvulsive therapy ends after three weeks, when it has come to nine tenths of the most.
    end, least = (504.0, 0.12) if treatment == "ect" else (1000.0, 0.1)
    relief = left(None, treatment, [24.0, 168.0, end], name)[name].mean(axis=(1, 2))
    assert relief[0] < least * relief[2]
    assert relief[0] < relief[1] < relief[2]
    assert relief[2] > 0.05


def test_memantine_relieves_nothing() -> None:
    made = left("20 mg memantine oral daily x 7", "none", [170.0], "symptom:relief")
    assert made["symptom:relief"].mean() < 0.03


def test_memantine_is_a_control_that_is_taken_every_day() -> None:
    course = course_of(None, CONTROLS["memantine"], (0.0,), 96.0)
    assert [dose.time_h for dose in course.administrations] == [0.0, 24.0, 48.0, 72.0]
    assert {dose.compound for dose in course.administrations} == {"memantine"}


def test_an_active_control_is_given_at_each_session() -> None:
    doses = doses_at(CONTROLS["midazolam"].given, (0.0, 84.0))
    assert [dose.time_h for dose in doses] == [0.0, 84.0]
    assert {dose.compound for dose in doses} == {"midazolam"}


DOMAINS = ("mood", "anhedonia", "vegetative", "cognitive")


def test_the_weighted_mean_of_the_domains_of_depression_is_depression() -> None:
    """In each person, whatever leads were drawn, and each domain lies between 0 and 1."""
    treatment = parse_phrase(COURSE)
    sessions = sessions_of(treatment.variants[0].administrations)
    course = course_of(treatment, CONTROLS["midazolam"], sessions, 200.0)
    names = ("symptom:depression", *(f"symptom:depression:{name}" for name in DOMAINS))
    made = simulate_arms({"arm": course}, names, np.array([0.0, 24.0, 190.0]), **SAME)
    streams, shape = Streams(0), (1, SAME["replicates"], 1)
    weights = [
        draw_fact(f"depression_{name}_weight", streams, SAME["replicates"]).reshape(shape)
        for name in DOMAINS
    ]
    parts = [made.values["arm"][f"symptom:depression:{name}"] for name in DOMAINS]
    mean = sum(w * part for w, part in zip(weights, parts, strict=True)) / sum(weights)
    whole = made.values["arm"]["symptom:depression"]
    assert np.allclose(mean, whole, rtol=1e-12, atol=0)
    assert 0 < whole.min() < 0.6
    assert max(np.abs(part - whole).max() for part in parts) > 0.02
    for part in parts:
        assert (part >= 0).all()
        assert (part <= 1 + 1e-12).all()


def test_no_domain_of_depression_is_expected_to_lead_and_their_grade_is_the_lowest() -> None:
    typical = simulate(
        Scenario.parse(
            ONE,
            patients=1,
            days=1,
            outputs=("symptom:depression", *(f"symptom:depression:{name}" for name in DOMAINS)),
            times=(24.0,),
        )
    ).typical
    for name in DOMAINS:
        one = f"symptom:depression:{name}"
        assert np.allclose(typical[one], typical["symptom:depression"], rtol=1e-12)
        assert outputs()[one].grade == "D"
        assert "prior" in outputs()[one].meaning


def test_a_new_antidepressant_acts_slowly_and_in_both_arms_of_a_trial_with_placebo_spray() -> None:
    name, hours = "symptom:treatment", [24.0, 672.0]
    drug, control = (left(phrase, "placebo-spray", hours, name)[name] for phrase in (ONE, None))
    # Each arm has its own steps.
    assert np.allclose(drug, control, rtol=1e-5)
    day, month = control.mean(axis=(1, 2))
    assert day < 0.02
    assert month > max(0.05, 5 * day)
    assert left(None, "saline", hours, name)[name].max() == 0
