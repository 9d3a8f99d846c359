"""Replay of concentrations: in the body alone, in the same people where arms are compared, in the row's own terms."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from ketalab.cli._main import app
from ketalab.facts import fact
from ketalab.laboratory import body_model, human_model
from ketalab.people import Streams
from ketalab.protocol import Intervention
from ketalab.studies import _arms as arms_module
from ketalab.studies import parse_study, replay, replay_study
from ketalab.studies._measurement import assay_factors, reading_errors
from ketalab.studies._plan import make_plan
from ketalab.studies._schema import Outcome
from ketalab.studies._whom import population_of

IV = "0.5 mg/kg ketamine iv over 40 min"
ORAL = "0.5 mg/kg ketamine oral"
IM = "0.5 mg/kg ketamine im"
UNITS = {
    "cmax": "ng/mL",
    "auc": "ng*h/mL",
    "tmax": "min",
    "half_life": "h",
    "concentration": "ng/mL",
}


def row(kind: str, arm: str = "drug", **more: Any) -> dict[str, Any]:
    """One row of ketamine in venous plasma."""
    fields: dict[str, Any] = {"measure": "plasma", "kind": kind, "arm": arm, "analyte": "ketamine"}
    fields |= {"unit": UNITS[kind]} if kind in UNITS else {}
    fields |= {"sign": "0"} if kind == "direction" else {"value": 0.9}
    return fields | {"verified": True, "source": "made up"} | more


def study(
    *outcomes: dict[str, Any], arms: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """A study of concentrations; an arm is its doses, or its fields."""
    given = arms or {"drug": [IV]}
    listed = [
        {"id": name, **(fields if isinstance(fields, dict) else {"doses": fields})}
        for name, fields in given.items()
    ]
    base = {
        "schema": 1,
        "id": "made-up-levels",
        "use": "validate",
        "species": "human",
        "citation": {"title": "Levels"},
        "design": {"kind": "pharmacokinetic"},
        "population": {"condition": "healthy", "n": 8, "weight_kg": 70},
        "arms": listed,
        "outcomes": list(outcomes),
    }
    return base | more


def rows_of(content: dict[str, Any], replicates: int = 6) -> list[dict[str, Any]]:
    """Replay rows of a study given as a mapping."""
    return replay(parse_study(content, "here"), replicates)


def means(*outcomes: dict[str, Any], **more: Any) -> list[float]:
    """The predicted means of rows."""
    return [one["predicted"]["mean"] for one in rows_of(study(*outcomes, **more))]


# --- which model, which people --------------------------------------------------------------------


def test_a_study_of_concentrations_alone_is_simulated_with_the_body_alone() -> None:
    alone = make_plan(parse_study(study(row("cmax")), "here"))
    assert alone.model is body_model("human")
    assert alone.groups[0].course.sessions == ()
    score = {**row("change"), "measure": "MADRS", "analyte": None, "time_h": 24.0, "value": -9.0}
    both = make_plan(parse_study(study(row("cmax"), score), "here"))
    assert both.model is human_model()


def test_body_alone_and_whole_model_agree_on_concentrations() -> None:
    score = {**row("change"), "measure": "MADRS", "analyte": None, "time_h": 24.0, "value": -9.0}
    kinds = [row("cmax"), row("auc"), row("concentration", time_h=2.0)]
    alone = means(*kinds)
    whole = means(*kinds, score)[:3]
    np.testing.assert_allclose(alone, whole, rtol=2e-3)


def test_arms_that_are_compared_hold_the_same_people_so_that_a_ratio_is_no_noise() -> None:
    one = row("ratio", than="other", quantity="auc")
    result = replay_study(
        parse_study(study(one, arms={"drug": [ORAL], "other": [ORAL]}), "here"), 6
    )
    np.testing.assert_allclose(result.draws[0], 1.0, rtol=1e-12)
    double = study(
        one, arms={"drug": ["1 mg/kg ketamine iv bolus"], "other": ["0.5 mg/kg ketamine iv bolus"]}
    )
    np.testing.assert_allclose(
        replay_study(parse_study(double, "here"), 6).draws[0], 2.0, rtol=1e-9
    )


def test_an_arm_of_its_own_people_is_drawn_from_them() -> None:
    arms = {
        "drug": [IV],
        "old": {"doses": [IV], "population": {"age": {"range": [65, 85]}, "female_percent": 100}},
    }
    content = study(row("cmax"), row("cmax", "old"), arms=arms)
    plan = make_plan(parse_study(content, "here"))
    assert [group.pool for group in plan.groups] == [0, 1]
    mine = plan.groups[1].population
    assert mine is not None
    assert (mine.age.mean, mine.age.sd, mine.female_percent) == (75, 5, 100)
    assert all(one["predicted"] for one in rows_of(content))


def test_an_arm_of_light_people_has_higher_levels_of_the_same_dose() -> None:
    arms = {
        "drug": ["40 mg ketamine iv over 40 min"],
        "light": {"doses": ["40 mg ketamine iv over 40 min"], "population": {"weight_kg": 40}},
    }
    usual, light = means(row("cmax"), row("cmax", "light"), arms=arms)
    assert light > 1.3 * usual


def test_a_figure_that_goes_to_infinity_is_read_off_three_days_after_the_last_dose() -> None:
    def horizon(outcome: dict[str, Any]) -> float:
        return make_plan(parse_study(study(outcome), "here")).groups[0].course.horizon_h

    assert horizon(row("cmax")) == pytest.approx(24 + 2 / 3)
    for kind in ("auc", "half_life"):
        assert horizon(row(kind)) == pytest.approx(72 + 2 / 3)


def test_a_crossover_with_a_clean_wash_out_starts_each_period_at_zero() -> None:
    one = row("ratio", than="other", quantity="auc")
    design = {"kind": "crossover", "washout_h": 168.0}
    content = study(one, arms={"drug": [IM], "other": [IV]}, design=design)
    plan = make_plan(parse_study(content, "here"))
    assert plan.sizes == (8,)
    assert [len(group.visits) for group in plan.groups] == [1, 1]
    assert {group.count for group in plan.groups} == {8}


# --- kinds ----------------------------------------------------------------------------------------


def test_a_bioavailability_is_measured_against_an_infusion_in_the_same_people() -> None:
    arms = {"drug": [IM], "mouth": [ORAL], "vein": [IV]}
    content = study(
        row("bioavailability"),
        row("bioavailability", "mouth"),
        row("bioavailability", "vein"),
        arms=arms,
    )
    result = replay_study(parse_study(content, "here"), 6)
    im, mouth, vein = result.rows
    assert 0.7 < im["predicted"]["mean"] <= 1.0
    assert 0.05 < mouth["predicted"]["mean"] < 0.4
    assert "no drug other than intravenously" in vein["skipped"]
    assert set(result.courses) == set(result.hours) == {"drug", "mouth", "vein"}


def test_a_bioavailability_does_not_depend_on_a_dose_by_injection() -> None:
    arms = {"drug": [IM], "more": ["2 mg/kg ketamine im"]}
    low, high = means(row("bioavailability"), row("bioavailability", "more"), arms=arms)
    assert high == pytest.approx(low, rel=1e-9)


def test_an_area_without_a_window_goes_to_infinity_and_with_one_it_ends() -> None:
    first, day, whole = means(
        row("auc", window_h=[0.0, 2.0]), row("auc", window_h=[0.0, 24.0]), row("auc")
    )
    assert first < day < whole < 1.1 * day


def test_a_peak_inside_a_window_counts_from_the_window() -> None:
    doses = ["50 mg esketamine sublingual held 10 min + 20 mg esketamine iv over 20 min at 6 h"]
    one = {"analyte": "S-ketamine", "site": "arterial", "window_h": [6.0, 30.0]}
    peak, time, before = means(
        row("cmax", **one),
        row("tmax", **one),
        row("cmax", **one | {"window_h": [0.0, 5.9]}),
        arms={"drug": doses},
    )
    assert time == pytest.approx(20, abs=0.5)
    assert peak > 1.3 * before


def test_a_ratio_of_analytes_within_an_arm_is_that_of_their_areas() -> None:
    nor = {"analyte": "norketamine"}
    ratio, made, parent = means(
        row("ratio", analyte="norketamine/ketamine"), row("auc", **nor), row("auc")
    )
    assert ratio == pytest.approx(made / parent, rel=0.15)


def test_molar_rows_are_mass_rows_over_the_molar_mass() -> None:
    for analyte in ("S-ketamine", "R-norketamine", "dehydronorketamine"):
        mass, molar = means(
            row("cmax", analyte=analyte), row("cmax", analyte=analyte, unit="umol/L")
        )
        name = analyte.split("-")[-1]
        assert mass / molar == pytest.approx(fact(f"{name}_molar_mass").to("g/mol"))


def test_a_row_says_whether_it_is_a_mean_or_a_median() -> None:
    mean, geometric = means(row("cmax"), row("cmax", average="geometric", unit="ug/L"))
    assert geometric < mean


def test_the_sampling_interval_of_a_figure_has_the_published_width() -> None:
    one = rows_of(study(row("cmax", spread={"kind": "sd", "value": 40.0}, n=16)))[0]
    low, high = one["predicted"]["pi90_sampling"]
    assert high - low == pytest.approx(3.29 * 40 / 4)


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (row("ratio"), "without a comparator arm"),
        (row("concentration"), "states no time"),
        (row("cmax", analyte="mystery"), "no model yet of mystery in venous plasma"),
        (row("cmax", site="csf"), "concentrations in csf"),
        (row("cmax", subgroup="women"), None),
        (row("auc", window_h=[-1.0, 5.0]), "begins before the first dose"),
    ],
)
def test_what_cannot_be_predicted_says_why(outcome: dict[str, Any], reason: str | None) -> None:
    skipped = rows_of(study(outcome), 2)[0]["skipped"]
    assert skipped is None if reason is None else reason in skipped


def test_a_row_of_a_subgroup_beside_others_of_its_arm_is_skipped() -> None:
    women = rows_of(study(row("cmax"), row("cmax", subgroup="women")), 2)[1]
    assert "subgroups" in women["skipped"]


def test_a_drug_that_is_felt_and_does_nothing_else_is_a_drug_for_a_score_too() -> None:
    score = {**row("change"), "measure": "MADRS", "analyte": None, "time_h": 24.0, "value": -9.0}
    arms = {"drug": ["5 mg midazolam iv bolus"]}
    level = row("cmax", analyte="midazolam")
    assert rows_of(study(level, arms=arms), 2)[0]["predicted"]["mean"] > 5
    assert rows_of(study(score, arms=arms), 2)[0]["skipped"] is None


# --- what goes on beside --------------------------------------------------------------------------


def test_an_inhibitor_in_the_background_acts_throughout_and_an_antidepressant_does_not(
    monkeypatch,
) -> None:
    def standing(text: str) -> tuple[Intervention, ...]:
        if "inhibitor" not in text:
            return (Intervention("SERT", 0.2, "systemic", -math.inf, math.inf),)
        return tuple(
            Intervention(target, 0.1, "systemic", -math.inf, math.inf)
            for target in ("CYP3A4:gut", "CYP3A4:liver")
        )

    monkeypatch.setattr(arms_module, "standing", standing)
    arms = {
        "drug": {"doses": [ORAL], "background": ["some inhibitor 4 days"]},
        "mild": {"doses": [ORAL], "background": ["sertraline"]},
        "alone": [ORAL],
    }
    both, mild = means(
        row("ratio", than="alone", quantity="auc"),
        row("ratio", "mild", than="alone", quantity="auc"),
        arms=arms,
    )
    assert both > 1.3
    assert mild == pytest.approx(1.0, abs=1e-12)


def test_what_an_inhibitor_does_without_a_model_is_a_reason_and_not_silence(monkeypatch) -> None:
    made = (Intervention("UGT:liver", 0.1, "systemic", -math.inf, math.inf),)
    monkeypatch.setattr(arms_module, "standing", lambda text: made)
    arms = {"drug": {"doses": [ORAL], "background": ["some inhibitor"]}}
    assert "'UGT:liver' has no model yet" in rows_of(study(row("cmax"), arms=arms), 2)[0]["skipped"]


def test_animals_have_their_own_bodies_and_no_scores() -> None:
    score = {**row("change"), "measure": "MADRS", "analyte": None, "time_h": 24.0, "value": -9.0}
    arms = {"drug": ["10 mg/kg ketamine ip"]}
    people = {"condition": "naive", "n": 6}
    content = study(row("cmax"), score, arms=arms, species="mouse", population=people)
    plasma, madrs = rows_of(content, 3)
    assert plasma["predicted"]["mean"] > 0
    assert "species 'mouse' has no model yet of 'MADRS'" in madrs["skipped"]


def test_people_out_of_range_are_a_reason_that_names_the_study() -> None:
    people = {"condition": "giants", "weight_kg": 5000.0}
    one = rows_of(study(row("cmax"), population=people), 2)[0]
    assert "made-up-levels: population: weight_kg" in one["skipped"]


def test_the_middle_of_an_age_range_stands_for_its_mean() -> None:
    people = {"condition": "healthy", "age": {"range": [20, 40]}}
    age = population_of(parse_study(study(row("cmax"), population=people), "here")).age
    assert (age.mean, age.sd) == (30, 5)


# --- between studies ------------------------------------------------------------------------------


def assayed(**more: Any) -> Outcome:
    """A row of hydroxynorketamine."""
    return Outcome.model_validate(row("cmax", analyte="S-hydroxynorketamine", **more))


def test_an_assay_without_a_name_varies_and_a_named_one_has_its_factor() -> None:
    parent = Outcome.model_validate(row("cmax"))
    ratio = Outcome.model_validate(row("ratio", analyte="S-ketamine/S-hydroxynorketamine"))
    rows = [assayed(), assayed(assay="simons2022"), assayed(assay="unheard of"), parent, ratio]
    factors = assay_factors(rows, Streams(0), 20_000)
    assert factors[0].mean() == pytest.approx(1.0, abs=0.03)
    assert np.log(factors[0]).std() == pytest.approx(fact("between_assay_hnk").value, rel=0.05)
    assert np.median(factors[1]) == pytest.approx(fact("assay_hnk_simons2022").value, rel=0.05)
    assert (factors[2] == 1).all()
    small = fact("between_assay_ketamine").value
    assert np.log(factors[3]).std() == pytest.approx(small, rel=0.05)
    assert factors[3].mean() == pytest.approx(1.0, abs=0.005)
    np.testing.assert_allclose(factors[4], factors[3] / factors[0])


def test_a_value_read_from_a_curve_errs_by_a_share_of_the_curves_height() -> None:
    rows = [
        Outcome.model_validate(row("concentration", time_h=hour, digitised=hour != 3.0))
        for hour in (1.0, 2.0, 3.0)
    ]
    predicted = {0: np.full(20_000, 2.0), 1: np.full(20_000, 200.0), 2: np.full(20_000, 900.0)}
    errors = reading_errors(rows, predicted, Streams(0))
    assert sorted(errors) == [0, 1]
    for error in errors.values():
        assert error.std() == pytest.approx(200 * fact("digitisation_error").value, rel=0.03)
        assert abs(error.mean()) < 0.2


def test_studies_by_hand_spray_differ_more_than_studies_by_the_marketed_device() -> None:
    arms = {
        "hand": ["50 mg esketamine nasal by spray"],
        "device": ["56 mg esketamine nasal by device"],
    }
    rows = rows_of(
        study(row("bioavailability", "hand"), row("bioavailability", "device"), arms=arms), 60
    )
    hand, device = (one["predicted"]["sd"] / one["predicted"]["mean"] for one in rows)
    assert hand > 1.3 * device


# --- from a record to a prediction ----------------------------------------------------------------


def test_a_record_from_outside_is_converted_and_replayed_by_the_command_line(tmp_path) -> None:
    record = {
        "id": "poe2032",
        "citation": {"authors": "Poe P", "year": 2032, "title": "Levels", "journal": "J Levels"},
        "population": {"condition": "healthy", "n": 6, "weight_kg": 70},
        "sampling_site": "venous",
        "treatment": {"compound": "racemic ketamine", "route": "im", "dose": 0.5, "unit": "mg/kg"},
        "verified": True,
        "source": "table 2",
        "metrics": [
            {"analyte": "ketamine", "cmax": 240, "tmax_min": 22, "F": 0.93, "auc_ng_h_mL": 500}
        ],
        "profiles": [
            {"analyte": "norketamine", "unit": "nmol/mL", "time_h": [1, 2], "mean": [0.2, 0.3]}
        ],
    }
    path = tmp_path / "record.yaml"
    path.write_text(json.dumps(record), encoding="utf-8")
    run = CliRunner()
    done = run.invoke(
        app, ["studies", "convert", str(path), "--out", str(tmp_path / "out"), "--json"]
    )
    assert done.exit_code == 0, done.output
    again = run.invoke(
        app, ["replay", str(tmp_path / "out" / "poe2032.yaml"), "--replicates", "4", "--json"]
    )
    assert again.exit_code == 0, again.output
    rows = json.loads(again.stdout)
    assert [one["kind"] for one in rows] == ["concentration"] * 2 + [
        "cmax",
        "tmax",
        "bioavailability",
        "auc",
    ]
    assert all(one["predicted"]["mean"] > 0 and one["observed"] > 0 for one in rows)
