"""Statements, fractions, ratios and band power are replayed, by whom and where, and doses told apart."""

from __future__ import annotations

import math
import runpy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketalab.errors import StudyError
from ketalab.laboratory import animal_model, intervention_inputs
from ketalab.protocol import Intervention
from ketalab.studies import load_study, parse_study, replay
from ketalab.studies._compare import _overlaps, decibels, dose_of
from ketalab.studies._plan import make_plan
from ketalab.studies._statements import statement_studies
from ketalab.studies._whom import stress_of

made = runpy.run_path(str(Path(__file__).with_name("_experiments.py")))
REPLICATES, experiment, outcome, row, rows_of = (
    made[name] for name in ("REPLICATES", "experiment", "outcome", "row", "rows_of")
)


# --- statements -----------------------------------------------------------------------------------


def statement(**more: Any) -> dict[str, Any]:
    """A statement about bursts in the habenula of rats."""
    given = {"scenario": "10 mg/kg ketamine ip", "output": "circuit:LHb:burst", "sign": "-"}
    return row("statement", None, "bursts", **(given | more))


def test_a_statement_is_simulated_against_nothing_given() -> None:
    study = experiment(
        statement(time_h=1.0),
        statement(scenario="", sign="0", time_h=1.0),
        statement(than_scenario="10 mg/kg ketamine ip", sign="0", time_h=1.0),
        population={"condition": "chronic stress", "n": 5},
    )
    less, nothing, same = rows_of(study)
    assert [one["probability"] for one in (less, nothing, same)] == [1.0, 1.0, 1.0]
    assert less["inside"] is None
    assert less["dose"] == "stated"
    assert less["observed"] == "-"
    assert less["measure"] == "bursts"
    assert less["kind"] == "statement"


def test_a_statement_may_be_of_another_species_and_of_acts_on_targets() -> None:
    act = [{"target": "GluN1", "factor": 0, "site": "LHb"}]
    study = experiment(
        statement(species="mouse", time_h=1.0),
        statement(scenario="", interventions=act, time_h=1.0),
        statement(scenario="", interventions=act, than_interventions=act, sign="0", time_h=1.0),
        population={"condition": "chronic stress"},
    )
    studies = list(statement_studies(parse_study(study, "here")))
    assert [(one.species, places) for one, places in studies] == [("mouse", (0,)), ("rat", (1, 2))]
    assert all(one.population.n == 20 for one, _ in studies)
    assert [one["probability"] for one in rows_of(study)] == [1.0, 1.0, 1.0]


def test_a_statement_without_a_model_is_skipped_with_the_reason() -> None:
    (made,) = rows_of(experiment(statement(output="no such output", time_h=1.0)))
    assert "no model yet of the measure 'no such output'" in made["skipped"]
    assert "probability" not in made


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (statement(than_scenarios=""), "than_scenarios"),
        (statement(scenario="10 mg ketamien"), "cannot be read"),
        (statement(than_scenario="a lot"), "cannot be read"),
        (statement(species="cat"), "species"),
        (row("direction", "ketamine", "behaviour:FST", sign="-", species="mouse"), "statement"),
        (row("direction", "ketamine", "behaviour:FST", sign="-", than_scenario="10 mg ketamine"),
         "statement"),
    ],
)  # fmt: skip
def test_a_wrong_statement_is_refused_with_its_field(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(StudyError, match=words):
        parse_study(experiment(wrong), "here")


# --- fractions, ratios, band power ----------------------------------------------------------------


def test_a_range_without_a_value_holds_where_the_interval_overlaps_it() -> None:
    share = {"than": "untreated", "time_h": 1.0}
    ranged = [
        row("fraction", "untreated", "circuit:LHb:burst", time_h=1.0,
            spread={"kind": "range", "value": [None, 0.9]}),
        row("fraction", "untreated", "circuit:LHb:burst", time_h=2.0,
            spread={"kind": "range", "value": [0.9, None]}),
        row("ratio", "ketamine", "circuit:LHb:burst",
            spread={"kind": "range", "value": [0.01, 0.999]}, **share),
    ]  # fmt: skip
    below, above, ratio = rows_of(experiment(*ranged, population={"condition": "WKY model"}))
    assert (below["inside"], above["inside"], ratio["inside"]) == (True, False, True)
    assert all(one["observed"] is None and one["z"] is None for one in (below, above, ratio))


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_overlap_is_that_of_two_intervals(a: float, b: float, c: float, d: float) -> None:
    low, high, least, most = *sorted((a, b)), *sorted((c, d))
    ranged = outcome("fraction", "x", spread={"kind": "range", "value": [least, most]})
    assert _overlaps(ranged, low, high, percent=False) == (max(low, least) <= min(high, most))


def test_band_power_is_a_change_in_decibels_and_percent_is_turned_to_it() -> None:
    assert decibels(100.0) == pytest.approx(10 * math.log10(2))
    assert decibels(0.0) == 0
    assert decibels(-100.0) is None
    assert decibels(None) is None
    study = experiment(
        row("band_power", "ketamine", "rhythm:gamma", time_h=0.5, value=1.0, unit="dB"),
        row("band_power", "ketamine", "rhythm:gamma", time_h=0.5, value=25.0, unit="percent"),
        row("band_power", "ketamine", "rhythm:gamma", than="untreated", time_h=0.5, value=1.0,
            unit="dB"),
        row("band_power", "ketamine", "circuit:glutamate", time_h=0.5, value=1.0, unit="dB"),
    )  # fmt: skip
    own, percent, against, wrong = rows_of(study)
    assert percent["unit"] == "dB"
    assert percent["observed"] == pytest.approx(decibels(25.0))
    assert own["predicted"]["mean"] == percent["predicted"]["mean"] > 0
    assert own["predicted"]["mean"] == pytest.approx(against["predicted"]["mean"])
    assert "no model yet of the power" in wrong["skipped"]


# --- whom, and where ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "stress"),
    [
        ("healthy", 0.0),
        ("wild type", 0.0),
        ("healthy volunteers", 0.0),
        ("MDD", 1.0),
        ("healthy and MDD", 1.0),
        ("CMS", 1.0),
        ("WKY model", 1.0),
        ("learned helplessness", 1.0),
        ("chronic stress", 1.0),
        ("not stated", 1.0),
    ],
)
def test_stress_is_of_patients_and_of_models_of_depression(condition: str, stress: float) -> None:
    study = experiment(row("direction", "ketamine", "behaviour:FST", sign="-"),
                       population={"condition": condition})  # fmt: skip
    assert stress_of(parse_study(study, "here")) == stress


def test_learned_helplessness_is_itself_a_model_of_depression() -> None:
    made = parse_study(experiment(row("direction", "ketamine", "behaviour:LH", sign="-")), "here")
    assert stress_of(made) == 1
    plan = make_plan(made)
    assert {group.course.settings["stress"] for group in plan.groups} == {1.0}
    assert stress_of(made.model_copy(update={"species": "in_vitro"})) == 0


def test_an_act_at_a_site_is_on_the_target_there() -> None:
    model = animal_model("rat")
    places = (("GluN1", "LHb"), ("GluN1", "systemic"), ("mTORC1", "LHb"))
    acts = [Intervention(target, 0, site, 0.0, 2.0) for target, site in places]
    assert intervention_inputs(model, acts) == [
        "activity:GluN1:LHb",
        "activity:GluN1",
        "activity:mTORC1",
    ]


def test_an_arm_by_genotype_has_people_of_that_genotype() -> None:
    study = load_study("laje2012")
    rows = [r.model_copy(update={"time_h": 24.0}) for r in study.outcomes]
    study = study.model_copy(update={"outcomes": tuple(rows)})
    plan = make_plan(study)
    genes = [group.population.genotype for group in plan.groups if group.population]
    assert genes == [{"bdnf": "val/val"}, {"bdnf": "val/met"}, {"bdnf": "met/met"}]
    made = replay(study, REPLICATES)[0]
    assert made["skipped"] is None
    assert made["probability"] is not None


def test_an_arm_by_genotype_in_animals_is_skipped_alone() -> None:
    arms = [
        {"id": "ketamine", "doses": ["10 mg/kg ketamine ip"], "genotype": {"bdnf": "val/met"}},
        {"id": "untreated", "control": "none"},
    ]
    plan = make_plan(parse_study(experiment(row("direction", "ketamine", "behaviour:FST",
                                                sign="-"), arms=arms), "here"))  # fmt: skip
    assert "no model of genotypes in a rat" in plan.skipped["ketamine"]
    assert "untreated" not in plan.skipped


# --- how the dose is known ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entries", "known"),
    [
        ([], "stated"),
        ([("arms.ketamine.doses", "the dose was recalled, not read in the source")], "recalled"),
        ([("arms.ketamine.doses", "the dose is not told: the usual one")], "assumed"),
        ([("arms.untreated.doses", "was recalled"), ("arms.ketamine.doses", "not told")], "assumed"),
        ([("arms.other.doses", "the dose is not told: the usual one")], "stated"),
        ([("outcomes.time_h", "the time was recalled")], "stated"),
    ],
)  # fmt: skip
def test_a_direction_tells_how_its_doses_are_known(
    entries: list[tuple[str, str]], known: str
) -> None:
    assumed = [{"field": field, "value": "10 mg/kg", "why": why} for field, why in entries]
    said = row("direction", "ketamine", "behaviour:FST", than="untreated", sign="-")
    study = parse_study(experiment(said, assumed=assumed), "here")
    assert dose_of(study, study.outcomes[0]) == known


def test_a_drug_that_moves_rhythms_and_sedates_is_replayed_for_both() -> None:
    arms = [
        {"id": "ketamine", "n": 3, "doses": ["100 mg propofol iv bolus"]},
        {"id": "untreated", "n": 3, "control": "none"},
    ]
    people = {"species": "human", "arms": arms, "design": {"kind": "experiment"}}
    rhythm = row("band_power", "ketamine", "rhythm:gamma", time_h=0.05, value=-1.0, unit="dB")
    (made,) = rows_of(experiment(rhythm, **people))
    assert made["skipped"] is None
    assert made["predicted"]["mean"] < 0
    sedated = row("change", "ketamine", "state:sedation", time_h=0.05, value=0.5)
    both = rows_of(experiment(rhythm, sedated, **people))
    assert both[1]["predicted"]["mean"] > 0.1
