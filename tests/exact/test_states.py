"""Acute states: four that divide every moment, ordered in dose; strengths that wane; a timeline."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ketalab import Scenario, simulate
from ketalab.laboratory import Result
from ketalab.laboratory._timeline import DEPTHS, KINDS, band, deepest, spells, timeline

FOUR = tuple(f"p:{name}" for name in DEPTHS)
DOSES = (0.1, 0.25, 0.5, 1.0, 2.0)


def run(phrase: str, *names: str, days: float = 1.0, **options: object) -> Result:
    return simulate(Scenario.parse(phrase, patients=40, days=days, outputs=names, **options))


@pytest.fixture(scope="module")
def ladder() -> dict[str, list[dict[str, float]]]:
    """How likely each state is the deepest, dose by dose, as a bolus and over 40 minutes."""
    made: dict[str, list[dict[str, float]]] = {}
    for how in ("bolus", "over 40 min"):
        for dose in DOSES:
            found = run(f"{dose} mg/kg ketamine iv {how}", *FOUR).deepest()
            assert found is not None
            made.setdefault(how, []).append(found)
    return made


@pytest.mark.parametrize("how", ["bolus", "over 40 min"])
def test_the_deepest_states_of_a_ladder_sum_to_one_and_are_ordered_in_dose(ladder, how) -> None:
    for rung in ladder[how]:
        assert sum(rung.values()) == pytest.approx(1, abs=1e-12)
        assert all(0 <= share <= 1 for share in rung.values())
    for depth in range(1, len(DEPTHS)):
        least = [sum(rung[name] for name in DEPTHS[depth:]) for rung in ladder[how]]
        assert least == sorted(least)
    ordinary = [rung["ordinary"] for rung in ladder[how]]
    assert all(np.diff(ordinary) < 0)
    assert ladder[how][-1]["unresponsive"] > ladder[how][0]["unresponsive"]


def test_a_bolus_leads_deeper_than_the_same_dose_over_forty_minutes(ladder) -> None:
    for fast, slow in zip(ladder["bolus"], ladder["over 40 min"], strict=True):
        assert fast["ordinary"] < slow["ordinary"]
        assert fast["unresponsive"] >= slow["unresponsive"]
    assert ladder["bolus"][-1]["unresponsive"] > 0.5 > ladder["over 40 min"][-1]["unresponsive"]


@settings(max_examples=6)
@given(st.floats(0.02, 20), st.sampled_from(["iv bolus", "iv over 40 min", "sc"]))
def test_the_four_probabilities_sum_to_one_at_every_moment_in_everybody(dose, how) -> None:
    values = run(f"{dose!r} mg/kg ketamine {how}", *FOUR, times=(0, 0.1, 0.5, 1, 3, 24)).values
    assert sum(values[name] for name in FOUR) == pytest.approx(1, abs=1e-12)
    assert all(values[name].min() >= -1e-12 for name in FOUR)


def test_anaesthesia_is_a_part_of_no_response_and_grows_with_the_dose() -> None:
    names = ("p:unresponsive", "p:anaesthesia")
    peaks = []
    for dose in DOSES:
        found = run(f"{dose} mg/kg ketamine iv bolus", *names, times=(0.05, 0.1, 0.3, 1))
        assert (found.values[names[1]] <= found.values[names[0]] + 1e-12).all()
        peaks.append(found.figures[names[1]]["peak"].mean())
    assert peaks == sorted(peaks)
    assert peaks[0] < 1e-6
    assert peaks[-1] > 0.4


@given(arrays(float, (4, 7, 3), elements=st.floats(0, 1)))
def test_the_deepest_states_sum_to_one_whatever_the_courses(shares) -> None:
    total = shares.sum(axis=0)
    shares = np.where(total > 0, shares / np.where(total > 0, total, 1), 0.25)
    made = deepest(dict(zip(FOUR, shares, strict=True)))
    assert sum(made.values()) == pytest.approx(1, abs=1e-9)
    assert all(share.min() >= 0 for share in made.values())


def test_equipotent_s_ketamine_is_alike_but_for_its_tone() -> None:
    """Half the racemate's enantiomer and a 3.4th of the other: 0.647 of the dose does the same."""
    names = ("p:dissociated", "state:dissociation", "state:tone")
    racemic = run("0.5 mg/kg ketamine iv over 40 min", *names, uncertainty=False)
    pure = run("0.3235 mg/kg esketamine iv over 40 min", *names, uncertainty=False)
    peak = {name: (racemic.typical_figures[name], pure.typical_figures[name]) for name in names}
    one, other = peak["state:dissociation"]
    assert other["peak"] == pytest.approx(one["peak"], rel=0.2)
    one, other = peak["state:tone"]
    assert other["peak"] < one["peak"]


def test_dissociation_wanes_over_weekly_injections_as_it_did_in_the_study() -> None:
    hours = tuple(168.0 * week + 0.5 for week in (0, 13))
    phrase = "1 mg/kg ketamine sc weekly for 14 weeks"
    made = run(phrase, "state:CADSS", days=96, times=hours, uncertainty=False)
    first, last = made.values["state:CADSS"].mean(axis=1)
    assert 14 < first < 26
    assert last / first == pytest.approx(8.8 / 20, abs=0.08)


def test_the_timeline_says_what_when_how_strong_in_how_many_and_how_sure() -> None:
    made = simulate(Scenario.parse("1 mg/kg ketamine iv bolus", patients=30, days=1))
    rows = made.timeline()
    assert {row["state"] for row in rows} == {kind.says for kind in KINDS}
    starts = [row["from_h"]["median"] for row in rows if row["share"]]
    assert starts == sorted(starts)
    for row in rows:
        assert 0 <= row["share"] <= 1
        assert row["grade"] in "ABCD"
        assert set(row["strength"]) == {"output", "unit", "median", "p05", "p95"}
        if row["share"]:
            assert row["from_h"]["median"] <= row["to_h"]["median"]
    gone = next(row for row in rows if row["state"] == "no response")
    assert gone["share"] < next(row for row in rows if row["state"] == "K-hole")["share"]
    assert made.document()["timeline"] == rows


def test_a_spell_runs_from_the_first_moment_to_the_last_and_nobody_has_none() -> None:
    kind = next(kind for kind in KINDS if kind.output == "p:khole")
    course = np.array([[0.0, 0.0], [0.6, 0.1], [0.2, 0.2], [0.7, 0.1], [0.0, 0.0]])
    found = spells(np.arange(5.0), course, kind)
    np.testing.assert_array_equal(found["from_h"], [1.0, np.nan])
    np.testing.assert_array_equal(found["to_h"], [3.0, np.nan])
    assert band(found["from_h"][1:]) == {"median": None, "p05": None, "p95": None}
    assert timeline({}, {}, {}, {}) == []
