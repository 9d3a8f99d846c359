"""What each rule of the conversion decides: doses, numbers, words, concentrations."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

made = runpy.run_path(str(Path(__file__).with_name("_studies_records.py")))
convert, expressed, reason, trial = (
    made["convert"],
    made["expressed"],
    made["reason"],
    made["trial"],
)
KETAMINE, SAID, MADRS, TWO = made["KETAMINE"], made["SAID"], made["MADRS"], made["TWO"]


# --- doses ----------------------------------------------------------------------------------------

PHRASES = [
    ({}, "0.5 mg/kg ketamine iv over 40 min"),
    ({"compound": "S-ketamine"}, "0.5 mg/kg esketamine iv over 40 min"),
    ({"compound": "R-ketamine HCl"}, "0.5 mg/kg arketamine hydrochloride iv over 40 min"),
    ({"duration_min": None}, "0.5 mg/kg ketamine iv over 40 min"),
    ({"times_h": [0, 84, 168]}, "0.5 mg/kg ketamine iv over 40 min every 84 h x 3"),
    ({"times_h": [-0.75]}, "0.5 mg/kg ketamine iv over 40 min at -45 min"),
    ({"times_h": [168]}, "0.5 mg/kg ketamine iv over 40 min at 168 h"),
    ({"times_h": "twice weekly x 4 wk"}, "0.5 mg/kg ketamine iv over 40 min twice weekly for 4 weeks"),
    ({"times_h": "three times a week for 2 weeks, 6 in all"},
     "0.5 mg/kg ketamine iv over 40 min 3 times weekly for 2 weeks"),
    ({"times_h": "6 in 3 weeks"}, "0.5 mg/kg ketamine iv over 40 min every 84 h x 6"),
    ({"times_h": "6 in 12 days"}, "0.5 mg/kg ketamine iv over 40 min every 48 h x 6"),
    ({"times_h": "weekly x 4"}, "0.5 mg/kg ketamine iv over 40 min weekly x 4"),
    ({"times_h": "weekly"}, "0.5 mg/kg ketamine iv over 40 min every 168 h x 2"),
    ({"dose": "0.2-0.5"}, "flexible 0.2 or 0.5 mg/kg ketamine iv over 40 min"),
    ({"dose": "0.5 rising 0.6, 0.9 if <50% improved", "times_h": "weekly x 4"},
     "titrated 0.5 to 0.9 mg/kg ketamine iv over 40 min weekly x 4"),
    ({"route": "intranasal", "duration_min": None}, "0.5 mg/kg ketamine nasal"),
    ({"route": "intranasal", "duration_min": None, "compound": "esketamine", "dose": 56, "unit": "mg"},
     "56 mg esketamine nasal by device"),
    ({"route": "sc", "duration_min": None}, "0.5 mg/kg ketamine sc"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "phrase"), PHRASES, ids=[phrase for _, phrase in PHRASES])
def test_a_treatment_becomes_a_phrase(tmp_path, change, phrase):
    arms = [{"id": "drug", "treatments": [KETAMINE | change]}]
    conversion = convert(tmp_path, trial(arms=arms, outcomes=[SAID | MADRS]))
    assert conversion.studies[0].arm("drug").doses == (phrase,)


def test_rising_doses_a_week_apart_are_a_phrase_each(tmp_path):
    treatment = KETAMINE | {"dose": "0.1, 0.2, 0.4", "times_h": "weekly ascending"}
    arms = [{"id": "drug", "treatments": [treatment]}]
    doses = convert(tmp_path, trial(arms=arms, outcomes=[SAID | MADRS])).studies[0].arms[0].doses
    assert [dose.split(" mg")[0] for dose in doses] == ["0.1", "0.2", "0.4"]
    assert [dose.split("40 min")[1] for dose in doses] == ["", " at 168 h", " at 336 h"]


UNKNOWN = [{"dose": None}, {"dose": "low"}, {"unit": None}, {"times_h": "now and then"}]


@pytest.mark.parametrize("change", UNKNOWN)
def test_an_unknown_dose_is_never_filled_in(tmp_path, change):
    arms = [{"id": "drug", "treatments": [KETAMINE | change]}]
    conversion = convert(tmp_path, trial(arms=arms, outcomes=[SAID | MADRS]))
    arm = conversion.studies[0].arm("drug")
    assert arm.doses == ()
    assert arm.unknown_dose
    assert "racemic ketamine" in arm.unmodelled[0]
    assert any("arm drug" in item["decision"] for item in conversion.decisions)


def test_a_compound_outside_the_grammar_is_kept_in_words(tmp_path):
    arms = [{"id": "drug", "treatments": [KETAMINE | {"compound": "unobtainium"}]}]
    arm = convert(tmp_path, trial(arms=arms, outcomes=[SAID | MADRS])).studies[0].arm("drug")
    assert (arm.doses, arm.unknown_dose) == ((), False)
    assert arm.unmodelled == ("unobtainium 0.5 mg/kg iv",)


CONTROLS = [
    ("saline", "iv", "saline"),
    ("placebo", "iv", "saline"),
    ("placebo", "oral", "sham"),
    ("placebo spray", "intranasal", "placebo-spray"),
]


@pytest.mark.parametrize(("compound", "route", "control"), CONTROLS)
def test_what_is_given_in_place_of_the_drug_is_the_control(tmp_path, compound, route, control):
    arms = [{"id": "drug", "treatments": [{"compound": compound, "route": route}]}]
    arm = convert(tmp_path, trial(arms=arms, outcomes=[SAID | MADRS])).studies[0].arm("drug")
    assert (arm.control, arm.doses) == (control, ())


def test_a_placebo_beside_the_drug_is_background_and_no_control(tmp_path):
    both = [KETAMINE, {"compound": "placebo", "route": "oral", "times_h": [-1]}]
    arms = [{"id": "drug", "treatments": both}]
    arm = convert(tmp_path, trial(arms=arms, outcomes=[SAID | MADRS])).studies[0].arm("drug")
    assert (arm.control, arm.background) == (None, ("placebo oral",))


def test_what_the_source_does_not_tell_is_listed_as_assumed(tmp_path):
    arms = [{"id": "drug", "treatments": [KETAMINE | {"duration_min": None}]}]
    study = convert(tmp_path, trial(arms=arms, baseline=[], outcomes=[SAID | MADRS])).studies[0]
    fields = {item.field: item for item in study.assumed}
    assert fields["arms.drug.duration"].value == 40
    assert fields["doses.salt"].range == pytest.approx((0.867, 1), abs=1e-3)
    assert fields["population.baseline.MADRS"].range == (30, 36)
    assert "population.weight_kg" in fields
    full = trial(population={"condition": "MDD", "weight_kg": 80}, outcomes=[SAID | MADRS])
    fields = {item.field for item in convert(tmp_path, full).studies[0].assumed}
    assert fields == {"doses.salt"}


# --- numbers --------------------------------------------------------------------------------------

NUMBERS = [
    ({"measure": "MADRS", "kind": "change_LS", "arm": "drug", "mean": -9, "se": 1},
     {"kind": "change", "analysis": "LS mean", "value": -9}),
    ({"measure": "HAM-D17", "kind": "score", "arm": "drug", "mean": 9}, {"measure": "HDRS17"}),
    ({"measure": "QIDS-SR16", "kind": "score", "arm": "drug", "mean": 9}, {"measure": "QIDS"}),
    ({"measure": "MADRS LOCF", "kind": "score", "arm": "drug", "mean": 9},
     {"measure": "MADRS", "analysis": "LOCF"}),
    ({"measure": "response", "kind": "proportion", "arm": "drug", "percent": 40},
     {"measure": "response:MADRS", "value": 0.4}),
    ({"measure": "remission_QIDS", "kind": "proportion", "arm": "drug", "percent": 40},
     {"measure": "remission:QIDS"}),
    ({"measure": "response", "kind": "proportion", "arm": "drug", "percent": 40,
      "definition": ">=50% HDRS drop at some point"}, {"measure": "response:HDRS17", "ever": True}),
    ({"measure": "relapse", "kind": "proportion", "arm": "drug", "events": 4},
     {"events": 4, "n": 10, "value": None}),
    ({"measure": "dropout", "kind": "proportion", "arm": "all", "events": 4}, {"n": 20}),
    ({"measure": "relapse", "kind": "hazard_ratio", "hr": 0.5, **TWO},
     {"kind": "time_to_event", "than": "placebo", "value": 0.5}),
    ({"measure": "time to relapse median (days)", "kind": "time_to_event", "arm": "drug",
      "median": 90}, {"unit": "day", "value": 90}),
    ({"measure": "response", "kind": "odds_ratio", "odds_ratio": 3, "ci95": [1, 9], **TWO},
     {"than": "placebo", "value": 3}),
    ({"measure": "remission", "kind": "difference", "mean": 17, "ci95": [4, 30],
      "unit": "percentage points", **TWO}, {"value": 0.17, "unit": None}),
    ({"measure": "MADRS", "kind": "effect_size", "cohen_d": 0.8, **TWO}, {"kind": "smd", "value": -0.8}),
    ({"measure": "MADRS", "kind": "effect_size", "cohen_d": -0.8, **TWO}, {"value": -0.8}),
    ({"measure": "response", "kind": "smd", "mean": 0.8, **TWO}, {"value": 0.8}),
    ({"measure": "MADRS", "kind": "percent_change", "arm": "drug", "percent": -60},
     {"kind": "ratio", "value": 0.4, "than": None}),
    ({"measure": "alpha power, frontal, dB", "kind": "change", "arm": "drug", "mean": -2},
     {"kind": "band_power", "unit": "dB", "measure": "rhythm:alpha"}),
    ({"measure": "MADRS", "kind": "change", "arm": "drug", "mean": -9, "time_h": "1 to 4"},
     {"time_h": None, "window_h": (1, 4)}),
    ({"measure": "MADRS", "kind": "change", "arm": "drug", "mean": -9,
      "time_h": "mean over 3 weeks (mixed model)"}, {"window_h": (0, 504)}),
    ({"measure": "plasma", "kind": "cmax", "arm": "drug", "mean": 60, "unit": "ng/mL",
      "analyte": "S-ketamine", "site": "venous"}, {"kind": "cmax", "site": "venous"}),
    ({"measure": "spines", "kind": "ratio", "mean": 1.2, **TWO}, {"kind": "ratio", "than": "placebo"}),
]  # fmt: skip


@pytest.mark.parametrize(("given_row", "said"), NUMBERS)
def test_a_number_becomes_a_row(tmp_path, given_row, said):
    (row,), _ = expressed(tmp_path, given_row)
    assert {name: getattr(row, name) for name in said} == said


def test_the_sign_that_is_turned_is_turned_with_its_interval_and_decided(tmp_path):
    given_row = {
        "measure": "MADRS",
        "kind": "effect_size",
        "cohen_d": 0.8,
        "ci95": [0.2, 1.4],
        **TWO,
    }
    (row,), conversion = expressed(tmp_path, given_row)
    assert row.spread.value == (-1.4, -0.2)
    assert "turned to arm minus than" in str(conversion.decisions)


def test_a_hamilton_scale_without_its_items_is_the_17_item_one_and_assumed(tmp_path):
    given_row = {"measure": "HDRS", "kind": "change", "arm": "drug", "mean": -9}
    (row,), conversion = expressed(tmp_path, given_row, baseline=[])
    assert row.measure == "HDRS17"
    fields = {item.field: item for item in conversion.studies[0].assumed}
    assert fields["outcomes.measure"].range == ("HDRS17", "HDRS21", "HDRS24", "HDRS25")
    baseline = [{"measure": "HDRS21", "mean": 25}]
    (row,), conversion = expressed(tmp_path, given_row, baseline=baseline)
    assert row.measure == "HDRS21"


def test_one_spread_is_kept_and_the_others_go_to_the_note(tmp_path):
    given_row = {"measure": "MADRS", "kind": "difference", "mean": -4, "se": 1, "ci95": [-6, -2]}
    (row,), _ = expressed(tmp_path, given_row | TWO)
    assert (row.spread.kind, row.spread.value) == ("se", 1)
    assert "ci95" in row.note


def test_an_arm_that_only_a_row_names_is_added_without_a_dose(tmp_path):
    _, conversion = expressed(tmp_path, MADRS | {"arm": "third arm"})
    arm = conversion.studies[0].arm("third_arm")
    assert arm.unknown_dose
    assert "named by a row only" in str(conversion.decisions)


NOT_EXPRESSED = [
    ({"measure": "MADRS", "kind": "p_value", "p": 0.4, **TWO}, "a p-value alone"),
    ({"measure": "MADRS", "kind": "interaction", "p": 0.4}, "a test of interaction"),
    ({"measure": "BDNF vs MADRS", "kind": "correlation", "mean": -0.5, "arm": "drug"}, "correlation"),
    ({"measure": "MADRS", "kind": "difference", "note": "not significant", **TWO}, "without value and direction"),
    ({"measure": "MADRS", "kind": "change", "arm": "drug", "mean": "about 9"}, "no single number"),
    ({"measure": "MADRS", "kind": "change_LS se", "arm": "drug", "se": 2}, "without its value"),
    ({"measure": "MADRS", "kind": "invented", "arm": "drug", "mean": 2}, "no rule for the kind"),
    ({"measure": "MADRS", "kind": "difference", "mean": 2, "arm": "drug"}, "of 1 arms, not of two"),
    ({"measure": "MADRS", "kind": "change", "mean": 2}, "names no arm"),
    ({"measure": "MADRS", "kind": "change", "mean": 2, **TWO}, "over several arms together"),
    ({"measure": "mania", "kind": "count", "arm": "drug"}, "count without the number"),
    ({"measure": "theory", "kind": "claim", "direction": "up"}, "names no scenario, output and sign"),
    ({"measure": "response", "kind": "proportion", "arm": "drug", "percent": 140}, "outside 0 to 1"),
    ({"measure": "MADRS", "kind": "qualitative", "arm": "drug", "direction": "hard to say"},
     "no rule reads a direction from the words 'hard to say'"),
]  # fmt: skip


@pytest.mark.parametrize(("given_row", "words"), NOT_EXPRESSED)
def test_what_cannot_be_said_is_listed_with_its_reason(tmp_path, given_row, words):
    assert words in reason(tmp_path, given_row)


def test_one_bad_row_does_not_lose_the_record(tmp_path):
    bad = {"measure": "response", "kind": "proportion", "arm": "drug", "percent": 140}
    conversion = convert(tmp_path, trial(outcomes=[SAID | MADRS, SAID | bad, SAID | MADRS]))
    assert len(conversion.studies[0].outcomes) == 1
    reasons = [item["reason"] for item in conversion.not_expressed]
    assert "outside 0 to 1" in reasons[0]
    assert reasons[1] == "says the same as an earlier row of the record"


def test_a_claim_with_scenario_output_and_sign_is_a_statement(tmp_path):
    claim = {
        "measure": "gamma",
        "kind": "claim",
        "scenario": "0.5 mg/kg ketamine iv over 40 min",
        "output": "rhythm:gamma",
        "sign": "+",
    }
    (row,), _ = expressed(tmp_path, claim)
    assert (row.kind, row.output, row.sign, row.arm) == ("statement", "rhythm:gamma", "+", None)


# --- words ----------------------------------------------------------------------------------------

BLOCKED = [
    {"id": "ketamine", "treatments": [KETAMINE | {"route": "ip", "duration_min": None}]},
    {
        "id": "ketamine_nbqx",
        "treatments": [
            KETAMINE | {"route": "ip", "duration_min": None},
            {"compound": "NBQX", "route": "ip", "dose": 10, "unit": "mg/kg"},
        ],
    },
]
ANIMALS = {"species": "mouse", "design": "vehicle-controlled", "arms": BLOCKED, "baseline": []}
WORDS = [
    ("FST immobility", "ketamine", "decrease", "behaviour:FST", "untreated", "-"),
    ("FST immobility", "ketamine", "improvement", "behaviour:FST", "untreated", "-"),
    ("1% sucrose intake", "ketamine", "improved", "behaviour:sucrose", "untreated", "+"),
    ("hippocampal BDNF protein", "ketamine", "increase", "synapse:BDNF", "untreated", "+"),
    ("hippocampal BDNF protein", "ketamine", "no change", "synapse:BDNF", "untreated", "0"),
    ("FST immobility", "ketamine_nbqx", "blocked", "behaviour:FST", "ketamine", "+"),
    ("antidepressant-like behaviour", "ketamine_nbqx", "abolished",
     "behaviour:relief", "ketamine", "-"),
    ("FST immobility", "ketamine_nbqx", "not blocked", "behaviour:FST", "ketamine", "0"),
]  # fmt: skip


@pytest.mark.parametrize(("measure", "arm", "text", "name", "than", "sign"), WORDS)
def test_words_become_a_sign_against_a_comparator(tmp_path, measure, arm, text, name, than, sign):
    given_row = {"measure": measure, "kind": "direction", "arm": arm, "direction": text}
    (row,), conversion = expressed(tmp_path, given_row, **ANIMALS)
    assert (row.measure, row.than, row.sign) == (name, than, sign)
    assert any(item["row"] == 0 for item in conversion.decisions)


def test_one_direction_of_several_arms_becomes_one_row_each(tmp_path):
    given_row = {"measure": "LTP deficit", "kind": "direction", "direction": "rescued"}
    given_row["arms"] = ["ketamine", "mk801"]
    arms = [BLOCKED[0], {"id": "mk801", "treatments": [{"compound": "MK-801", "route": "ip"}]}]
    rows, conversion = expressed(tmp_path, given_row, **(ANIMALS | {"arms": arms}))
    assert [(row.arm, row.than, row.sign) for row in rows] == [
        ("ketamine", "untreated", "-"),
        ("mk801", "untreated", "-"),
    ]
    assert conversion.counts["records.yaml"]["expressed"] == 1
    assert conversion.counts["records.yaml"]["study_rows"] == 2


def test_people_without_a_control_arm_are_compared_with_their_own_baseline(tmp_path):
    arms = [{"id": "drug", "treatments": [KETAMINE]}]
    given_row = {"measure": "MADRS", "kind": "qualitative", "arm": "drug", "direction": "improved"}
    (row,), conversion = expressed(tmp_path, given_row, arms=arms)
    assert (row.than, row.sign) == (None, "-")
    assert "own baseline" in str(conversion.decisions)


def test_a_difference_in_words_keeps_the_order_of_its_arms(tmp_path):
    given_row = {
        "measure": "MADRS",
        "kind": "difference",
        "direction": "smaller improvement",
        **TWO,
    }
    (row,), _ = expressed(tmp_path, given_row)
    assert (row.arm, row.than, row.sign) == ("drug", "placebo", "+")


# --- concentrations -------------------------------------------------------------------------------


def kinetic(**fields):
    return {
        "id": "doe2031",
        "citation": {"authors": "Doe J", "year": 2031, "title": "Kinetics"},
        "population": {"condition": "healthy", "n": 12},
        "treatment": {"compound": "racemic ketamine", "route": "oral", "dose": 50, "unit": "mg"},
        "suggested_use": "calibrate",
        "verified": True,
        "source": "table 2",
    } | fields


def test_each_value_of_a_metric_is_a_row_with_its_own_spread_and_unit(tmp_path):
    metric = {"analyte": "S-ketamine", "cmax": 60, "cmax_sd": 9, "tmax_min": 30, "F": 0.2}
    study = convert(tmp_path, kinetic(sampling_site="venous", metrics=[metric])).studies[0]
    rows = {row.kind: row for row in study.outcomes}
    assert rows.keys() == {"cmax", "tmax", "bioavailability"}
    assert (rows["cmax"].unit, rows["cmax"].spread.value) == ("ng/mL", 9)
    assert (rows["tmax"].unit, rows["tmax"].spread) == ("min", None)
    assert {(row.site, row.measured, row.analyte) for row in study.outcomes} == {
        ("venous", "enantiomer", "S-ketamine")
    }
    assert study.use == "calibrate"


def test_an_interacting_drug_makes_an_arm_with_it_and_one_without(tmp_path):
    treatment = kinetic()["treatment"] | {"inhibitor": "clarithromycin 4 days"}
    metrics = [
        {"analyte": "ketamine", "auc_ratio": 2.6},
        {"analyte": "ketamine", "cmax_change_percent": -20},
    ]
    study = convert(tmp_path, kinetic(treatment=treatment, metrics=metrics)).studies[0]
    assert study.arm("ketamine").background == ()
    assert study.arm("ketamine_clarithromycin").background == ("clarithromycin 4 days",)
    assert [(row.arm, row.than, row.value) for row in study.outcomes] == [
        ("ketamine_clarithromycin", "ketamine", 2.6),
        ("ketamine_clarithromycin", "ketamine", 0.8),
    ]


def test_routes_and_doses_of_the_metrics_make_the_arms(tmp_path):
    metrics = [
        {"analyte": "ketamine", "route": "nasal spray", "dose_mg": 25, "F": 0.45},
        {"analyte": "ketamine", "route": "oral tablet", "dose_mg": 50, "F": 0.2},
    ]
    treatment = {"compound": "racemic ketamine", "route": "several"}
    study = convert(tmp_path, kinetic(treatment=treatment, metrics=metrics)).studies[0]
    assert [arm.doses for arm in study.arms] == [
        ("25 mg ketamine nasal",),
        ("50 mg ketamine oral",),
    ]
    assert [arm.n for arm in study.arms] == [None, None]


def test_a_stepped_infusion_is_one_phrase(tmp_path):
    treatment = {"compound": "S-ketamine", "route": "iv"}
    treatment["regimen"] = "0.14, 0.28 mg/kg/h for 60 min each"
    profile = {"analyte": "S-ketamine", "unit": "ng/mL", "time_h": [1, 2], "mean": [80, 170]}
    study = convert(tmp_path, kinetic(treatment=treatment, profiles=[profile])).studies[0]
    assert study.arms[0].doses == (
        "0.14 mg/kg/h esketamine iv for 60 min, then 0.28 mg/kg/h esketamine iv for 60 min",
    )
    assert [(row.time_h, row.value) for row in study.outcomes] == [(1, 80), (2, 170)]


def test_a_crooked_profile_and_a_parameter_are_listed(tmp_path):
    profile = {"analyte": "ketamine", "unit": "ng/mL", "time_h": [1, 2], "mean": [80]}
    metrics = [
        {"analyte": "ketamine", "quantity": "clearance", "value": 20, "unit": "mL/min/kg"},
        {"analyte": "ketamine", "cmax": None},
        {"analyte": "ketamine", "auc_ratio": 2},
    ]
    conversion = convert(tmp_path, kinetic(profiles=[profile], metrics=metrics))
    reasons = {item["row"]: item["reason"] for item in conversion.not_expressed}
    assert "not two lists of one length" in reasons["profiles.0"]
    assert "a parameter of a model" in reasons["metrics.0.value"]
    assert "no value was read" in reasons["metrics.1.cmax"]
    assert "without the arm that it compares with" in reasons["metrics.2.auc_ratio"]
