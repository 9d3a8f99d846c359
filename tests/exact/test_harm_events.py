"""Nausea, vomiting, dizziness in a session; urinary symptoms by days of use."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketalab.facts import fact
from ketalab.laboratory import Result, Scenario, simulate
from ketalab.laboratory._course import days_of_use
from ketalab.protocol import parse_phrase

EVENTS = ("nausea", "vomiting", "dizziness")
#: Sessions in a week and in four weeks of nasal esketamine.
WEEK, FOUR_WEEKS = 2, 8
DAY = 24.0


@cache
def session(phrase: str) -> Result:
    """One session of 300 people who differ, with the constants as they stand."""
    names = tuple(f"p:{name}" for name in EVENTS)
    return simulate(
        Scenario.parse(phrase, patients=300, days=0.25, outputs=names, uncertainty=False)
    )


def share(phrase: str, event: str, sessions: int) -> float:
    """Share of people with at least one event in so many sessions, each by itself for a person."""
    each = session(phrase).figures[f"p:{event}"]["peak"]
    return float(np.mean(1 - (1 - each) ** sessions))


@pytest.mark.parametrize(
    ("event", "placebo"), [("nausea", 0.09), ("vomiting", 0.02), ("dizziness", 0.08)]
)
def test_zero_drug_gives_the_placebo_rates(event: str, placebo: float) -> None:
    assert share("0 mg ketamine iv", event, 1) == pytest.approx(
        fact(f"{event}_background").value, rel=1e-3
    )
    assert share("0 mg ketamine iv", event, FOUR_WEEKS) == pytest.approx(placebo, abs=0.005)


@pytest.mark.parametrize(("event", "first_week"), [("nausea", 0.140), ("dizziness", 0.206)])
def test_the_first_week_of_nasal_esketamine_lies_between_its_two_doses(
    event: str, first_week: float
) -> None:
    low, high = (share(f"{mg} mg esketamine nasal by device", event, WEEK) for mg in (56, 84))
    assert low < first_week < high * 1.1


def test_vomiting_is_rarer_than_nausea_and_nausea_than_dizziness() -> None:
    for phrase in ("0.5 mg/kg ketamine iv over 40 min", "84 mg esketamine nasal by device"):
        peaks = [session(phrase).typical_figures[f"p:{name}"]["peak"] for name in EVENTS]
        assert peaks[1] < peaks[0] < peaks[2]


def test_a_probability_comes_back_to_that_without_a_drug() -> None:
    scenario = Scenario.parse(
        "84 mg esketamine nasal by device",
        patients=1,
        days=2,
        outputs=("p:nausea",),
        times=(0.0, 0.5, 48.0),
    )
    before, during, after = simulate(scenario).typical["p:nausea"]
    assert during > 2 * before
    assert after == pytest.approx(before, rel=0.01)


def test_who_never_used_has_urinary_symptoms_as_never_users_have() -> None:
    scenario = Scenario.parse(
        "0 mg ketamine iv", patients=1, days=1, outputs=("harm:urinary",), times=(12.0,)
    )
    assert simulate(scenario).typical["harm:urinary"][0] == pytest.approx(0.24)


def test_the_odds_of_urinary_symptoms_grow_by_one_and_six_tenths_percent_a_day_of_use() -> None:
    scenario = Scenario.parse(
        "0.5 mg/kg ketamine iv over 40 min twice weekly for 4 weeks",
        patients=1,
        days=28,
        outputs=("harm:urinary",),
        times=(1.0, 27 * DAY),
    )
    first, last = simulate(scenario).typical["harm:urinary"]
    odds = 0.24 / 0.76
    assert first / (1 - first) == pytest.approx(odds * 1.016)
    assert last / (1 - last) == pytest.approx(odds * 1.016**8)


def test_the_thirty_percent_of_recent_users_are_those_of_some_three_weeks_of_use() -> None:
    """A survey found 30% in recent users and 24% in never users; days between were not read."""
    days = np.log((0.30 / 0.70) / (0.24 / 0.76)) / np.log(fact("urinary_per_day").value)
    assert 10 < days < 30


@given(
    hours=st.lists(st.floats(0, 400 * DAY), max_size=30, unique=True), now=st.floats(0, 400 * DAY)
)
def test_a_day_counts_once_and_for_half_a_year(hours: list[float], now: float) -> None:
    (dose,) = parse_phrase("10 mg ketamine iv").administrations
    given_at = [replace(dose, time_h=time) for time in hours]
    counted = days_of_use(given_at, now)
    window = fact("urinary_window").to("h")
    inside = {int(time // DAY) for time in hours if now - window < time <= now}
    assert counted == pytest.approx(len(inside), abs=1)
    assert counted <= min(len(hours), 181)


def test_what_is_no_ketamine_and_what_is_no_dose_is_no_day_of_use() -> None:
    for phrase in ("5 mg midazolam iv", "0 mg ketamine iv"):
        assert days_of_use(parse_phrase(phrase).administrations, DAY) == 0
    for phrase in ("28 mg esketamine nasal", "10 mg ketamine iv; 10 mg ketamine iv at 5 h"):
        assert days_of_use(parse_phrase(phrase).administrations, DAY) == 1
