"""Benefit and risk out of 100; low doses with the width of their interval."""

from __future__ import annotations

import json

import pytest

from ketalab import Scenario
from ketalab.cli import main
from ketalab.errors import ScenarioError
from ketalab.facts import thin_harms
from ketalab.laboratory import benefit, microdose, outputs
from ketalab.laboratory._benefit import CERTAINTY
from ketalab.people import Population
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
