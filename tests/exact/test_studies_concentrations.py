"""Concentration records to study files: what their keys, units and words say."""

from __future__ import annotations

import copy
import re
import runpy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketalab.errors import InputError
from ketalab.studies import convert_records, dump_study, parse_study

HERE = Path(__file__).parent
records = runpy.run_path(str(HERE / "_studies_records.py"))
convert, plain_yaml = records["convert"], records["plain_yaml"]
made = runpy.run_path(str(HERE / "_studies_concentrations.py"))
concentrations, SHAPES = made["concentrations"], made["SHAPES"]
Row = dict[str, Any]


def study_of(tmp_path, *args, **more):
    """The study of one made-up record, all of whose rows must be expressed."""
    conversion = convert(tmp_path, concentrations(*args, **more))
    assert conversion.not_expressed == ()
    return conversion.studies[0]


def test_a_metric_of_many_keys_becomes_rows_with_their_units_and_spreads(tmp_path):
    metric = {
        "analyte": "S-ketamine",
        "cmax_ng_mL": 90.0,
        "cmax_ng_mL_sd": 12.0,
        "tmax_h": 0.5,
        "auc0_8h_ng_min_mL": 8000.0,
        "auc0_8h_ci95": [7000, 9000],
        "t_half_min": 150.0,
        "t_half_se": 10.0,
        "n": 9,
    }
    cmax, tmax, auc, half = study_of(tmp_path, [metric]).outcomes
    assert (cmax.kind, cmax.value, cmax.unit, cmax.spread.value, cmax.n) == (
        "cmax",
        90,
        "ng/mL",
        12,
        9,
    )
    assert (tmax.value, tmax.unit) == (0.5, "h")
    assert (auc.window_h, auc.unit, auc.spread.value) == ((0, 8), "ng*min/mL", (7000, 9000))
    assert (half.kind, half.unit, half.spread.kind) == ("half_life", "min", "se")


def test_a_bioavailability_in_percent_is_a_share(tmp_path):
    metrics = [
        {"analyte": "ketamine", "F_percent": 17, "F_sd": 4},
        {"analyte": "S-ketamine", "F": 45.0},
    ]
    treatment = {"compound": "racemic ketamine", "route": "oral", "dose": 25, "unit": "mg"}
    first, second = study_of(tmp_path, metrics, treatment).outcomes
    assert (first.value, first.spread.value) == (0.17, 0.04)
    assert second.value == 0.45


def test_a_geometric_spread_says_that_the_mean_is_geometric_and_stays_a_note(tmp_path):
    metric = {"analyte": "ketamine", "cmax": 60.0, "cmax_geo_sd": 1.9, "median_tmax_min": 14}
    cmax, tmax = study_of(tmp_path, [metric]).outcomes
    assert (cmax.average, cmax.spread, cmax.note) == ("geometric", None, "geometric SD 1.9")
    assert tmax.average == "median"


def test_a_coefficient_of_variation_becomes_a_standard_deviation(tmp_path):
    row = study_of(
        tmp_path, [{"analyte": "ketamine", "cmax": 60.0, "cmax_cv_percent": 25}]
    ).outcomes[0]
    assert (row.spread.kind, row.spread.value) == ("sd", 15.0)


def test_a_value_of_each_enantiomer_is_a_row_of_each(tmp_path):
    rows = study_of(
        tmp_path, [{"analyte": "norketamine", "auc0_8h_ng_h_mL_each_enantiomer": 500}]
    ).outcomes
    assert [(row.analyte, row.value, row.measured) for row in rows] == [
        ("S-norketamine", 500, "enantiomer"),
        ("R-norketamine", 500, "enantiomer"),
    ]


def test_a_value_at_the_end_of_the_infusion_is_at_the_end_of_the_infusion(tmp_path):
    metric = {
        "analyte": "ketamine",
        "quantity": "concentration at the end of infusion",
        "value": 180,
        "unit": "ng/mL",
    }
    assert study_of(tmp_path, [metric]).outcomes[0].time_h == pytest.approx(2 / 3, abs=1e-5)


def test_the_same_value_in_another_unit_is_listed_and_not_counted_twice(tmp_path):
    conversion = convert(
        tmp_path, concentrations([{"analyte": "ketamine", "cmax": 185, "cmax_uM": 0.78}])
    )
    assert len(conversion.studies[0].outcomes) == 1
    assert conversion.not_expressed[0]["reason"] == "the same value in another unit"


def test_a_profile_has_a_row_a_point_with_its_spread_and_without_its_gaps(tmp_path):
    profile = {
        "analyte": "S-norketamine",
        "unit": "nmol/mL",
        "time_min": [-5, 0, 30, 60, 90],
        "median": [0.0, 0.0, 0.2, None, 0.4],
        "sd": [0, 0, 0.05, None, 0.1],
        "site": "arterial",
    }
    conversion = convert(tmp_path, concentrations([], profiles=[profile]))
    rows = conversion.studies[0].outcomes
    assert [row.time_h for row in rows] == [0, 0.5, 1.5]
    assert [row.spread.value for row in rows] == [0, 0.05, 0.1]
    assert {(row.average, row.site, row.unit) for row in rows} == {
        ("median", "arterial", "nmol/mL")
    }
    assert "2 points without a value" in str(conversion.decisions)


def test_profiles_may_be_of_several_routes_and_doses(tmp_path):
    profile = {"analyte": "ketamine", "unit": "ng/mL", "time_h": [1, 2], "mean": [50, 20]}
    profiles = [
        profile | {"route": "oral", "dose_mg": 50},
        profile | {"route": "im", "dose_mg_kg": 0.5},
    ]
    study = study_of(tmp_path, [], profiles=profiles)
    assert [arm.doses[0] for arm in study.arms] == [
        "50 mg ketamine oral",
        "0.5 mg/kg ketamine im",
    ]


def test_with_and_without_an_inhibitor_are_two_arms_and_percentages_are_ratios(tmp_path):
    study = convert(tmp_path, SHAPES[1]).studies[0]
    alone, both = study.arms
    assert both.background == ("clarithromycin 4 days",)
    assert not alone.background
    rows = {(row.quantity, row.analyte): row for row in study.outcomes}
    assert rows["auc", "S-ketamine"].value == 2.5
    assert rows["auc", "S-ketamine"].spread.value == (2, 3)
    assert rows["cmax", "S-ketamine"].value == 1.4
    assert rows["auc", "norketamine/ketamine"].value == 0.5
    assert {(row.arm, row.than) for row in study.outcomes} == {(both.id, alone.id)}


def test_values_with_and_without_an_inhibitor_go_to_their_own_arms(tmp_path):
    treatment = {"compound": "S-ketamine", "route": "oral", "dose": 0.2, "unit": "mg/kg"}
    metrics = [
        {"analyte": "S-ketamine", "inhibitor": "none", "auc_ng_h_mL": 12},
        {"analyte": "S-ketamine", "inhibitor": "ticlopidine", "auc_ng_h_mL": 30},
    ]
    first, second = study_of(tmp_path, metrics, treatment).outcomes
    assert (first.arm, second.arm) == ("esketamine", "esketamine_ticlopidine")


def test_the_assay_of_hydroxynorketamine_is_named_where_the_facts_know_it(tmp_path):
    metrics = [{"analyte": "(2R,6R)-HNK", "cmax": 20}, {"analyte": "ketamine", "cmax": 90}]
    known = convert(tmp_path, concentrations(metrics, id="kamp2020_made_up")).studies[0]
    assert [row.assay for row in known.outcomes] == ["kamp2020", None]
    assert [row.assay for row in study_of(tmp_path, metrics).outcomes] == [None, None]
    own = [metrics[0] | {"assay": "LC-MS chiral"}]
    assert study_of(tmp_path, own).outcomes[0].assay == "LC-MS chiral"


@pytest.mark.parametrize(
    ("said", "site"),
    [
        ("venous", "venous"),
        ("radial artery", "arterial"),
        ("antecubital vein", "venous"),
        ("arterial and venous", None),
    ],
)
def test_the_site_is_taken_where_one_is_told(tmp_path, said, site):
    study = study_of(tmp_path, sampling_site=said)
    assert study.outcomes[0].site == site
    assert ("outcomes.site" in {item.field for item in study.assumed}) is (site is None)


@pytest.mark.parametrize(
    "treatment",
    [
        {"compound": "racemic ketamine HCl"},
        {"compound": "ketamine hydrochloride"},
        {"compound": "ketamine", "salt": "hydrochloride"},
        {"compound": "ketamine", "form": "tablet of the hydrochloride"},
    ],
)
def test_the_salt_is_taken_where_it_is_told(tmp_path, treatment):
    dose = {"route": "oral", "dose": 50, "unit": "mg"}
    study = study_of(tmp_path, treatment=dose | treatment)
    assert study.arms[0].doses == ("50 mg ketamine hydrochloride oral",)
    assert "doses.salt" not in {item.field for item in study.assumed}


def test_a_unit_may_stand_beside_its_value(tmp_path):
    metric = {
        "analyte": "ketamine",
        "auc": 3000,
        "auc_unit": "ng*min/mL",
        "cmax": 0.3,
        "unit": "ug/mL",
    }
    auc, cmax = study_of(tmp_path, [metric]).outcomes
    assert (auc.unit, cmax.unit) == ("ng*min/mL", "ug/mL")


def test_figures_of_concentrations_in_a_trial_s_form_name_their_analyte(tmp_path):
    rows = [
        {"measure": "plasma ketamine Cmax", "kind": "cmax", "arm": "drug", "mean": 200, "sd": 30, "unit": "ng/ml"},
        {"measure": "noresketamine AUC", "kind": "auc", "arm": "drug", "mean": 100, "unit": "h*ng/mL"},
        {"measure": "F", "kind": "bioavailability", "analyte": "ketamine", "arm": "drug", "percent": 17},
        {"measure": "plasma", "kind": "concentration", "analyte": "HNK", "arm": "drug", "time_h": 1, "mean": 9,
         "site": "radial artery"},
    ]  # fmt: skip
    rows = [row | {"verified": True, "source": "table"} for row in rows]
    conversion = convert(tmp_path, records["trial"](outcomes=rows))
    assert conversion.not_expressed == ()
    cmax, auc, share, level = conversion.studies[0].outcomes
    assert (cmax.analyte, cmax.unit, cmax.spread.value) == ("ketamine", "ng/mL", 30)
    assert (auc.analyte, auc.unit) == ("S-norketamine", "ng*h/mL")
    assert share.value == 0.17
    assert (level.analyte, level.unit, level.site) == ("hydroxynorketamine", "ng/mL", "arterial")


def test_a_key_that_no_rule_reads_is_a_listed_decision(tmp_path):
    record = concentrations(weather="rain")
    record["treatment"] |= {"colour": "blue"}
    record["population"] |= {"eyes": 2}
    decisions = str(convert(tmp_path, record).decisions)
    for key in ("weather", "treatment.colour", "population.eyes"):
        assert f"{key} is a key that no rule reads" in decisions


def test_a_value_that_no_rule_reads_is_listed_with_its_reason(tmp_path):
    metric = {"analyte": "ketamine", "cmax": 90, "brightness": 3, "clearance_L_h": 80}
    conversion = convert(tmp_path, concentrations([metric]))
    assert [item["row"] for item in conversion.not_expressed] == [
        "metrics.0.brightness",
        "metrics.0.clearance_L_h",
    ]


def test_the_record_of_the_manual_is_expressed_whole(tmp_path):
    page = (HERE.parents[1] / "docs" / "studies.md").read_text(encoding="utf-8")
    path = tmp_path / "record.yaml"
    path.write_text(re.findall(r"```yml\n(.*?)```", page, re.DOTALL)[0], encoding="utf-8")
    conversion = convert_records(path)
    assert conversion.not_expressed == ()
    kinds = [row.kind for row in conversion.studies[0].outcomes]
    assert kinds == [
        *["concentration"] * 3,
        "cmax",
        "tmax",
        "auc",
        "bioavailability",
        "concentration",
    ]
    assert conversion.studies[0].outcomes[-1].analyte == "R-hydroxynorketamine"


# --- whatever a record holds ----------------------------------------------------------------------

ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 500)
    | st.floats(-9, 9)
    | st.sampled_from(
        [
            "iv",
            "S-ketamine",
            "0.1, 0.2 mg/kg/h for 5 min each",
            "mg",
            "10 mg oral; 5 mg iv",
            "ng/mL",
        ]
    )
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=4,
)


def _places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """All places of a record's tree."""
    found = [path] if path else []
    items = (
        node.items()
        if isinstance(node, dict)
        else enumerate(node)
        if isinstance(node, list)
        else ()
    )
    for key, part in items:
        found += _places(part, (*path, key))
    return found


@given(st.data())
def test_whatever_is_changed_in_a_record_gives_a_valid_study_or_one_clear_line(
    tmp_path_factory, data
):
    record = copy.deepcopy(data.draw(st.sampled_from(SHAPES)))
    for _ in range(data.draw(st.integers(1, 3))):
        places = _places(record)
        *path, last = data.draw(st.sampled_from(places))
        inner = record
        for step in path:
            inner = inner[step]
        change = data.draw(st.sampled_from(["set", "drop", "add"]))
        if change == "set":
            inner[last] = data.draw(ANY)
        elif change == "drop":
            del inner[last]
        elif isinstance(inner, dict):
            inner[data.draw(st.sampled_from(MORE))] = data.draw(ANY)
        if not record:
            return
    path = tmp_path_factory.mktemp("any") / "records.yaml"
    path.write_text(plain_yaml([record]), encoding="utf-8")
    try:
        conversion = convert_records(path)
    except InputError as error:
        assert "records.yaml" in str(error)  # noqa: PT017 - either way is right
        assert "\n" not in str(error)  # noqa: PT017
        return
    counts = conversion.counts["records.yaml"]
    assert counts["given"] == counts["expressed"] + counts["not_expressed"]
    assert all(item["reason"] for item in conversion.not_expressed)
    for study in conversion.studies:
        assert parse_study(study.model_dump(by_alias=True), "again") == study
        dump_study(study)


MORE = ["cmax", "cmax_sd", "F", "auc_ratio", "unit", "quantity", "value", "range", "n", "dose_mg", "route", "form",
        "regimen", "inhibitor", "condition", "stratum", "window_h", "day", "site", "assay", "notes", "hold_min",
        "auc0_6h_ng_h_mL_each_enantiomer", "change_percent", "median", "sd", "time_h", "weight_range"]  # fmt: skip
