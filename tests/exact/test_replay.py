"""A study is replayed in its own design, and the observed values never enter the prediction."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from ketalab.errors import ScenarioError
from ketalab.studies import load_study, parse_study, replay, replay_study
from ketalab.studies._observe import statistic
from ketalab.studies._plan import make_plan, sessions_of, settings_of
from ketalab.studies._schema import Outcome
from ketalab.studies._settings import odds_of

REPLICATES = 25


def small(**changes: Any) -> dict[str, Any]:
    """A parallel trial of three rows, as a file says it."""
    study: dict[str, Any] = {
        "schema": 1,
        "id": "made-up-design",
        "use": "validate",
        "species": "human",
        "citation": {"type": "article-journal", "title": "A design, not a study"},
        "design": {"kind": "parallel", "masking": "double-blind", "sites": 1},
        "population": {"condition": "MDD", "n": 24},
        "arms": [
            {"id": "ketamine", "n": 14, "doses": ["0.5 mg/kg ketamine iv over 40 min"]},
            {"id": "saline", "n": 10, "doses": [], "control": "saline"},
        ],
        "outcomes": [
            row("change", "ketamine", value=-12.0, spread={"kind": "sd", "value": 9.0}),
            row("difference", "ketamine", than="saline", value=-9.0),
            row("direction", "ketamine", than="saline", sign="-"),
        ],
    }
    return study | changes


def row(kind: str, arm: str, measure: str = "MADRS", **more: Any) -> dict[str, Any]:
    """One outcome row at 24 h."""
    base = {"measure": measure, "kind": kind, "arm": arm, "time_h": 24.0}
    return {**base, "verified": True, "source": "made up", **more}


def rows_of(study: dict[str, Any], seed: int = 0) -> list[dict[str, Any]]:
    """Replay rows of a study given as a mapping."""
    return replay(parse_study(study, "here"), REPLICATES, seed)


def predictions(rows: list[dict[str, Any]]) -> str:
    """What was predicted, as text."""
    return json.dumps([(r["predicted"], r.get("probability")) for r in rows])


def test_altering_the_observed_values_leaves_every_prediction_unchanged() -> None:
    study = load_study("berman2000")
    content = study.model_dump(mode="json", by_alias=True, exclude_none=True)
    before = replay_study(study, REPLICATES).rows
    for outcome in content["outcomes"]:
        if "value" in outcome and outcome["kind"] == "change":
            outcome["value"] = 7.5
    after = replay_study(parse_study(content, "altered"), REPLICATES).rows
    assert [r["observed"] for r in before] != [r["observed"] for r in after]
    assert predictions(before) == predictions(after)


def test_the_same_seed_gives_the_same_rows_and_another_seed_others() -> None:
    assert predictions(rows_of(small(), 3)) == predictions(rows_of(small(), 3))
    assert predictions(rows_of(small(), 3)) != predictions(rows_of(small(), 4))


def test_a_row_more_changes_no_other_prediction() -> None:
    more = small()
    more["outcomes"] = [*more["outcomes"], row("score", "saline", value=30.0, time_h=72.0)]
    assert predictions(rows_of(more)[:3]) == predictions(rows_of(small()))


def test_rows_hold_the_keys_of_the_contract() -> None:
    keys = {
        "study", "outcome", "measure", "kind", "arms", "time_h", "observed", "predicted", "inside",
        "z", "use", "counted", "skipped",
    }  # fmt: skip
    for one in rows_of(small()):
        assert keys <= set(one)
        assert set(one["predicted"]) == {"mean", "sd", "pi90", "pi90_sampling"}
        json.dumps(one, allow_nan=False)


def test_inside_and_z_follow_from_the_prediction() -> None:
    one = rows_of(small())[0]
    low, high = one["predicted"]["pi90"]
    assert one["inside"] == (low <= one["observed"] <= high)
    expected = (one["observed"] - one["predicted"]["mean"]) / one["predicted"]["sd"]
    assert one["z"] == pytest.approx(expected)


def test_the_sampling_interval_is_3_29_published_sd_over_root_n_wide() -> None:
    low, high = rows_of(small())[0]["predicted"]["pi90_sampling"]
    assert high - low == pytest.approx(3.29 * 9.0 / np.sqrt(14))


def test_a_count_has_a_binomial_sampling_interval() -> None:
    study = small(outcomes=[row("proportion", "ketamine", "response:MADRS", value=0.5, n=14)])
    predicted = rows_of(study)[0]["predicted"]
    p = predicted["mean"]
    low, high = predicted["pi90_sampling"]
    assert high - low == pytest.approx(3.29 * np.sqrt(p * (1 - p) / 14))


def test_direction_rows_carry_a_probability_and_no_verdict() -> None:
    one = rows_of(small())[2]
    assert one["inside"] is None
    assert 0.5 < one["probability"] <= 1
    flipped = small()
    flipped["outcomes"][2]["sign"] = "+"
    assert rows_of(flipped)[2]["probability"] < 0.5


def test_unverified_rows_are_shown_and_never_counted() -> None:
    study = small()
    study["outcomes"][0]["verified"] = False
    one = rows_of(study)[0]
    assert one["predicted"] is not None
    assert one["counted"] is False


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"doses": ["0.1 mg/kg ketamine icv"]}, "'icv' has no model yet"),
        ({"doses": [], "unknown_dose": True}, "does not tell the dose"),
        ({"interventions": [{"target": "CaV9", "factor": 0}]}, "'CaV9' has no model yet"),
    ],
)
def test_an_arm_without_a_model_is_skipped_with_the_reason(
    change: dict[str, Any], reason: str
) -> None:
    study = small()
    study["arms"][0] |= change
    rows = rows_of(study)
    assert all(reason in one["skipped"] for one in rows)
    assert all(one["predicted"] is None and not one["counted"] for one in rows)


def test_a_measure_or_species_without_a_model_is_skipped_with_the_reason() -> None:
    study = small(outcomes=[row("change", "ketamine", "HADS", value=-3.0)])
    assert "'HADS'" in rows_of(study)[0]["skipped"]
    assert "'rat' has no model yet" in rows_of(small(species="rat"))[0]["skipped"]


def test_in_a_crossover_the_same_people_go_through_all_arms() -> None:
    study = load_study("berman2000")
    plan = make_plan(study)
    assert plan.sizes == (7,)
    assert [group.count for group in plan.groups] == [4, 3]
    first, second = plan.groups
    assert [v.arm for v in first.visits] == ["ketamine", "placebo"]
    assert [v.arm for v in second.visits] == ["placebo", "ketamine"]
    assert first.visits[1].start_h == pytest.approx(168 + 40 / 60)


def test_what_ketamine_leaves_behind_returns_as_symptoms_under_saline() -> None:
    """With saline second, relief from the first period fades, so scores rise more than with a long wash-out."""
    study = load_study("berman2000").model_dump(mode="json", by_alias=True, exclude_none=True)
    short = replay(parse_study(study, "short"), 60)
    study["design"]["washout_h"] = 2000.0
    long = replay(parse_study(study, "long"), 60)
    changes = [
        next(r for r in rows if r["kind"] == "change" and r["arms"] == ["placebo"])
        for rows in (short, long)
    ]
    assert changes[0]["predicted"]["mean"] > changes[1]["predicted"]["mean"]


def test_parallel_arms_have_people_of_their_own() -> None:
    plan = make_plan(parse_study(small(), "here"))
    assert plan.sizes == (14, 10)
    assert {group.pool for group in plan.groups} == {0, 1}


def test_a_stated_mix_of_doses_splits_the_arm() -> None:
    study = small()
    study["arms"][0]["doses"] = ["flexible 28 or 56 mg ketamine iv over 40 min"]
    plan = make_plan(parse_study(study, "here"))
    assert [group.count for group in plan.groups] == [7, 7, 10]


def test_the_baseline_of_a_subgroup_or_a_period_is_not_that_of_the_arm() -> None:
    study = small(outcomes=[row("score", "ketamine", value=20.0, time_h=0.0)])
    women = {"measure": "MADRS", "mean": 5.0, "sd": 1.0, "arm": "ketamine", "subgroup": "women"}
    late = {"measure": "MADRS", "mean": 9.0, "sd": 1.0, "period": "maintenance"}
    plain = {"measure": "MADRS", "mean": 31.0, "sd": 1.0}
    study["population"]["baseline"] = [women, late, plain]
    made = parse_study(study, "here")
    assert made.baseline("MADRS", "ketamine").mean == 31.0
    study["outcomes"][0]["time_h"] = 0.1
    assert rows_of(study)[0]["predicted"]["mean"] == pytest.approx(31.0, abs=4.0)


def test_settings_come_from_the_design_and_not_from_the_name() -> None:
    study = small()
    study["arms"][1]["control"] = "midazolam"
    study["design"]["sites"] = 4
    assert settings_of(parse_study(study, "here")) == {
        "setting:midazolam": 1.0,
        "setting:site_doublings": 2.0,
    }


def test_features_of_the_setting_are_read_where_the_design_states_them() -> None:
    def features(**design: object) -> dict[str, float]:
        study = small()
        study["design"] |= design
        found = settings_of(parse_study(study, "here"))
        return {name.removeprefix("setting:"): value for name, value in found.items()}

    assert features(setting=["inpatient"]) == {}
    assert features(setting=["inpatient", "suicidal ideation"]) == {"crisis": 1.0}
    assert features(setting=["antidepressant-free"]) == {"drug_free": 1.0}
    assert features(kind="crossover") == {"crossover": 1.0}
    assert features(allocation="4:1") == {"odds": 2.0}
    assert features(allocation="4:1", masking="open") == {"open": 1.0}
    assert features(allocation="4:1", kind="crossover") == {"crossover": 1.0}


def test_people_of_the_arms_tell_the_odds_where_no_allocation_is_stated() -> None:
    assert odds_of(load_study("murrough2013")) == 2
    study = small()
    assert odds_of(parse_study(study, "here")) == 1
    study["arms"][0]["n"] = 31
    assert odds_of(parse_study(study, "here")) == 3
    study["arms"][0]["n"] = 5
    assert odds_of(parse_study(study, "here")) == 1 / 2
    assert odds_of(load_study("berman2000")) == 1


def test_a_kind_of_control_of_which_nothing_is_known_is_less_sure() -> None:
    study = small(outcomes=[row("change", "saline", value=-3.0)])
    known = replay(parse_study(study, "here"), 60, 0)[0]["predicted"]
    study["arms"][1]["control"] = "sham"
    assert settings_of(parse_study(study, "here")) == {"setting:class": 1.0}
    unknown = replay(parse_study(study, "here"), 60, 0)[0]["predicted"]
    assert unknown["sd"] > known["sd"]


def test_a_crisis_and_uneven_odds_raise_the_control_response() -> None:
    study = small(outcomes=[row("change", "saline", value=-3.0)])
    plain = rows_of(study)[0]["predicted"]["mean"]
    study["design"] |= {"setting": ["inpatient", "suicidal ideation"]}
    crisis = rows_of(study)[0]["predicted"]["mean"]
    assert crisis < plain - 0.5
    study["design"] |= {"setting": [], "allocation": "4:1"}
    assert rows_of(study)[0]["predicted"]["mean"] < plain - 0.1


def test_an_active_control_raises_the_control_response() -> None:
    study = small(outcomes=[row("change", "saline", value=-3.0)])
    plain = rows_of(study)[0]["predicted"]["mean"]
    study["arms"][1]["control"] = "midazolam"
    assert rows_of(study)[0]["predicted"]["mean"] < plain - 1


def test_doses_close_together_are_one_session() -> None:
    study = parse_study(small(), "here")
    from ketalab.protocol import parse_phrase

    phrase = "0.3 mg/kg ketamine iv bolus, then 0.14 mg/kg/h for 60 min"
    assert sessions_of(parse_phrase(phrase).administrations) == (0.0,)
    weekly = parse_phrase("0.5 mg/kg ketamine iv over 40 min weekly x 3")
    assert sessions_of(weekly.administrations) == (0.0, 168.0, 336.0)
    assert make_plan(study).groups[1].course.sessions == (0.0,)


def test_contrasts_are_what_they_are_called() -> None:
    mine, other = np.array([[1.0, 0.0, 1.0, 1.0]]), np.array([[0.0, 0.0, 1.0, 0.0]])

    def of(kind: str) -> float:
        outcome = Outcome.model_validate(row(kind, "a", than="b", value=1.0))
        return float(statistic(outcome, mine, other)[0])

    assert of("difference") == pytest.approx(0.5)
    assert of("risk_ratio") == pytest.approx((3.5 / 5) / (1.5 / 5))
    assert of("odds_ratio") == pytest.approx((3.5 / 1.5) / (1.5 / 3.5))
    assert of("smd") == pytest.approx(0.5 / np.sqrt(0.25))


def test_concentration_rows_come_in_their_unit_and_site() -> None:
    outcomes = [
        row(
            "cmax", "ketamine", "concentration", analyte="ketamine", site=site, unit=unit, value=1.0
        )
        for site, unit in (("venous", "ng/mL"), ("arterial", "ng/mL"), ("venous", "ug/mL"))
    ]
    venous, arterial, micro = (
        one["predicted"]["mean"] for one in rows_of(small(outcomes=outcomes))
    )
    assert arterial > venous
    assert micro == pytest.approx(venous / 1000)


@pytest.mark.parametrize("replicates", [0, -1, 10**7])
def test_an_absurd_number_of_replicates_is_refused(replicates: int) -> None:
    with pytest.raises(ScenarioError, match="1 to 100,000"):
        replay(load_study("berman2000"), replicates)


def test_a_file_from_anywhere_is_replayed(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(small()))
    assert replay(load_study(str(path)), 3)[0]["study"] == "made-up-design"
