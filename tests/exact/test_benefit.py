"""Benefit and risk out of 100; low doses with the width of their interval."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ketalab import Scenario
from ketalab.cli import main
from ketalab.errors import ScenarioError
from ketalab.facts import thin_harms
from ketalab.laboratory import benefit, microdose, outputs
from ketalab.laboratory._benefit import CERTAINTY
from ketalab.laboratory._microdose import _share
from ketalab.people import Population
from ketalab.protocol import regimen
from ketalab.report import write_benefit
from ketalab.report._benefit import hundred
from ketalab.studies import low_dose_studies

SMALL = {"replicates": 8, "persons": 20}


@pytest.fixture(scope="module")
def found():
    return benefit(Scenario.parse(days=14.0), control="saline", **SMALL)


def test_every_outcome_has_both_arms_an_interval_and_a_word_that_follows_from_the_grade(
    found,
) -> None:
    rows = {row["outcome"]: row for row in found.rows}
    assert {"response", "remission", "relapse, of all", "dissociation", "nausea"} <= rows.keys()
    assert "high blood pressure in a session" in rows
    for row in rows.values():
        assert row["certainty"] == CERTAINTY[row["grade"]]
        for arm in ("drug", "control"):
            assert 0 <= row[arm]["p05"] <= row[arm]["p95"] <= 100
            assert 0 <= row[arm]["mean"] <= 100
        assert row["difference"]["mean"] == pytest.approx(
            row["drug"]["mean"] - row["control"]["mean"]
        )
    assert rows["response"]["grade"] == outputs()["p:response:MADRS"].grade


def test_the_drug_relieves_more_and_harms_more_than_saline(found) -> None:
    rows = {row["outcome"]: row for row in found.rows}
    for outcome in ("response", "remission", "relapse, of all", "dissociation", "nausea"):
        assert rows[outcome]["difference"]["mean"] > 0, outcome
    assert rows["dissociation"]["control"]["mean"] < 1
    assert rows["remission"]["drug"]["mean"] <= rows["response"]["drug"]["mean"]


def test_a_mix_of_doses_reaches_the_people_of_each_dose_and_not_the_first_alone() -> None:
    def dissociated(phrase: str) -> float:
        rows = benefit(Scenario.parse(phrase, days=2.0), **SMALL).rows
        return next(row["drug"]["mean"] for row in rows if row["outcome"] == "dissociation")

    low, high = (dissociated(f"{dose} mg/kg ketamine iv over 40 min") for dose in (0.05, 0.5))
    mixed = dissociated("flexible 0.05 or 0.5 mg/kg ketamine iv over 40 min")
    assert mixed == pytest.approx((low + high) / 2, rel=0.15)


def test_treatments_over_weeks_are_judged_at_the_end_too() -> None:
    rows = {row["outcome"]: row for row in benefit(Scenario.parse(), control="ect", **SMALL).rows}
    assert rows["response at the end"]["control"]["mean"] > rows["response"]["control"]["mean"]


def test_a_protocol_brings_its_phrase_and_its_days_and_a_pattern_of_users_is_refused(
    capsys,
) -> None:
    few = ["--replicates", "2", "--persons", "4", "--json"]
    assert main(["benefit", "protocol:low-dose-infusion", *few]) == 0
    told = json.loads(capsys.readouterr().out)["scenario"]
    assert told["phrase"] == regimen("low-dose-infusion").phrase
    assert told["days"] == regimen("low-dose-infusion").days
    assert main(["benefit", "protocol:recreational-evening", *few]) == 2
    assert "is not compared" in capsys.readouterr().err


def test_the_same_seed_gives_the_same_view(found) -> None:
    again = benefit(Scenario.parse(days=14.0), control="saline", **SMALL)
    assert again.document() == found.document()


@pytest.mark.parametrize(
    ("options", "scenario", "says"),
    [
        ({"control": "placebo"}, {}, "'placebo' is not allowed"),
        ({"measure": "CADSS"}, {}, "'CADSS' is not allowed"),
        ({}, {"population": Population(age=6)}, "from 12 years on"),
        ({}, {"species": "rat", "phrase": "10 mg/kg ketamine ip"}, "from 12 years on"),
        ({}, {"phrase": "0.5 mg/kg ketamine iv weekly for 4 weeks", "days": 7.0}, "days: 7"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line(options, scenario, says) -> None:
    with pytest.raises(ScenarioError) as caught:
        benefit(Scenario.parse(**scenario), **options)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_low_dose_does_less_and_the_width_of_its_interval_is_in_the_same_points() -> None:
    phrases = ("0.05 mg/kg ketamine iv over 40 min", "0.1 mg/kg ketamine iv over 40 min")
    rows = microdose(Scenario.parse(), phrases, **SMALL)["rows"]
    effects = [row["effect"]["mean"] for row in rows]
    assert effects[0] < effects[2] < effects[1] < 0
    for row in rows:
        assert row["width"] == pytest.approx(row["effect"]["p95"] - row["effect"]["p05"])
        assert row["effect"]["unit"] == "points of MADRS"
    # Nobody knows: the interval is as wide as the effect, or wider.
    assert all(row["width"] > -row["effect"]["mean"] for row in rows[1:])
    assert rows[0]["share"]["mean"] == pytest.approx(1)


def test_a_share_is_not_taken_of_draws_in_which_the_reference_does_nothing() -> None:
    """One draw of sixty without relief once made a share of hundreds of millions."""
    of = np.array([-10.0, -10.0, 0.48])
    share = _share(of / 4, of, least=0.6)
    assert share["mean"] == pytest.approx(0.25)
    assert (share["p05"], share["p95"]) == pytest.approx((0.25, 0.25))
    assert _share(of, np.zeros(3), least=0.6)["mean"] is None
    rows = microdose(Scenario.parse(), **{**SMALL, "replicates": 40, "persons": 4})["rows"]
    assert all(-0.5 < row["share"]["mean"] < 1.5 for row in rows)


def test_studies_at_low_doses_are_found_by_their_doses() -> None:
    assert "fava2018" in low_dose_studies()
    assert "berman2000" not in low_dose_studies()


def test_the_command_prints_one_document(capsys) -> None:
    few = ["--replicates", "3", "--persons", "10", "--json"]
    assert main(["benefit", "--days", "5", *few]) == 0
    assert json.loads(capsys.readouterr().out)["control"]["id"] == "saline"
    assert main(["benefit", "--replicates", "1"]) == 2
    assert "--replicates: 1 is not allowed" in capsys.readouterr().err


def test_the_page_shows_a_hundred_dots_an_arm_and_fetches_nothing(found, tmp_path) -> None:
    page = write_benefit(found, tmp_path / "benefit.html").read_text("utf-8")
    assert page.count("<circle") == 200 * len(found.rows)
    assert "src=" not in page
    assert "<script" not in page
    response = next(row for row in found.rows if row["outcome"] == "response")
    assert f"{response['drug']['mean']:.0f} (" in page
    assert hundred(37.4, "#000").count('fill="#000"') == 37
    assert all(harm.name in page for harm in thin_harms().values())
    assert page.count("<h1") == 1
    assert write_benefit(found, tmp_path / "again.html").read_text("utf-8") == page


def test_a_page_is_refused_before_the_work_where_it_cannot_be_written(capsys, tmp_path) -> None:
    assert main(["benefit", "--out", str(tmp_path / "benefit.pdf")]) == 2
    assert ".html" in capsys.readouterr().err
