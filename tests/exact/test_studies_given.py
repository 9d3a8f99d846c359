"""What a concentration record says was given becomes phrases, and its people become those of the study."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from ketalab.protocol import parse_phrase
from ketalab.studies._whom import population_of

HERE = Path(__file__).parent
convert = runpy.run_path(str(HERE / "_studies_records.py"))["convert"]
made = runpy.run_path(str(HERE / "_studies_concentrations.py"))
concentrations, SHAPES = made["concentrations"], made["SHAPES"]


def study_of(tmp_path, *args, **more):
    """The study of one made-up record, all of whose rows must be expressed."""
    conversion = convert(tmp_path, concentrations(*args, **more))
    assert conversion.not_expressed == ()
    return conversion.studies[0]


def doses_of(tmp_path, **treatment) -> list[str]:
    """The phrases of one treatment."""
    return list(study_of(tmp_path, treatment=treatment).arms[0].doses)


IV = {"compound": "racemic ketamine", "route": "iv"}
MG = {"dose": 0.5, "unit": "mg/kg"}
TREATMENTS = [
    (IV | {"dose": "0.5 mg/kg", "duration_min": 40}, ["0.5 mg/kg ketamine iv over 40 min"]),
    (IV | MG | {"route": "intravenous infusion over 30 min"}, ["0.5 mg/kg ketamine iv over 30 min"]),
    (IV | MG | {"duration": "2 h"}, ["0.5 mg/kg ketamine iv over 120 min"]),
    (
        {"compound": "esketamine", "route": "Oral", "dose": 30, "unit": "mg (as base)", "schedule": "single dose"},
        ["30 mg esketamine oral"],
    ),
    (
        {"compound": "ketamine", "route": "oral", "dose": 30, "unit": "mg", "schedule": "twice daily for 5 days"},
        ["30 mg ketamine oral twice daily for 5 d"],
    ),
    (IV | MG | {"infusion_min": 40}, ["0.5 mg/kg ketamine iv over 40 min"]),
    (IV | MG | {"duration_h": 2}, ["0.5 mg/kg ketamine iv over 120 min"]),
    (IV | MG | {"form": "infusion over 45 minutes"}, ["0.5 mg/kg ketamine iv over 45 min"]),
    (IV | MG | {"form": "20-min infusion"}, ["0.5 mg/kg ketamine iv over 20 min"]),
    (IV | MG | {"form": "bolus over 10 s"}, ["0.5 mg/kg ketamine iv over 10 s"]),
    (IV | MG | {"form": "bolus"}, ["0.5 mg/kg ketamine iv bolus"]),
    (IV | MG | {"form": "infusion"}, ["0.5 mg/kg ketamine iv over 40 min"]),
    (IV | {"dose_mg": 20, "duration_min": 5}, ["20 mg ketamine iv over 5 min"]),
    (
        IV | {"regimen": "0.14, 0.28, 0.57 mg/kg/h for 60 min each"},
        [
            "0.14 mg/kg/h ketamine iv for 60 min, then 0.28 mg/kg/h ketamine iv for 60 min, then 0.57 mg/kg/h"
            " ketamine iv for 60 min"
        ],
    ),
    (
        IV | {"regimen": "0.1 mg/kg bolus followed by 0.14 mg/kg/h for 60 min"},
        ["0.1 mg/kg ketamine iv bolus, then 0.14 mg/kg/h ketamine iv for 60 min"],
    ),
    (
        IV | {"form": "computer-controlled steps 50, 100 ng/mL, 30 min each"},
        ["50 ng/mL ketamine iv for 30 min, then 100 ng/mL for 30 min"],
    ),
    (
        IV | {"form": "target-controlled 150 ng/mL for 30 min (Domino)"},
        ["150 ng/mL ketamine iv for 30 min by domino"],
    ),
    (IV | {"dose": 150, "unit": "ng/mL", "duration_min": 30}, ["150 ng/mL ketamine iv for 30 min"]),
    (
        IV | {"form": "continuous infusion 1.1-1.3 mg/kg/h, steady state after 3 days"},
        ["1.2 mg/kg/h ketamine iv for 72 h"],
    ),
    (
        {"compound": "S-ketamine", "route": "sublingual/buccal", "form": "oral thin film", "dose": 50, "unit": "mg"},
        ["50 mg esketamine sublingual held 10 min"],
    ),
    (
        {"compound": "ketamine", "route": "sublingual", "form": "lozenge held for 5 min", "dose": 50, "unit": "mg"},
        ["50 mg ketamine sublingual held 5 min"],
    ),
    (
        {"compound": "S-ketamine", "route": "intranasal", "form": "nasal spray", "dose": 56, "unit": "mg"},
        ["56 mg esketamine nasal by device"],
    ),
    (
        {"compound": "ketamine", "route": "intranasal", "device": "MAD atomiser", "dose": 50, "unit": "mg"},
        ["50 mg ketamine nasal by atomiser"],
    ),
    (IV | {"dose": "5 or 10", "unit": "mg", "form": "bolus"}, ["flexible 5 or 10 mg ketamine iv bolus"]),
    (
        {"compound": "ketamine", "route": "oral", "dose": 10, "unit": "mg", "times_h": [0, 8, 16]},
        ["10 mg ketamine oral every 8 h x 3"],
    ),
    (
        {"compound": "ketamine", "route": "oral", "dose": 40, "unit": "mg", "form": "extended-release tablet"},
        ["40 mg ketamine oral extended-release"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("treatment", "doses"), TREATMENTS)
def test_what_was_given_becomes_phrases(tmp_path, treatment, doses):
    assert doses_of(tmp_path, **treatment) == doses
    parse_phrase(doses[0])


def test_a_record_may_list_treatments_and_name_them_by_arm_or_route(tmp_path):
    given = [
        {"compound": "ketamine", "route": "iv", "dose": 0.5, "unit": "mg/kg", "duration_min": 40},
        {"compound": "ketamine", "route": "oral", "dose": 1, "unit": "mg/kg"},
    ]
    metrics = [{"analyte": "ketamine", "route": route, "cmax": 90} for route in ("oral", "iv")]
    study = study_of(tmp_path, metrics, {}, treatments=given)
    doses = ["1 mg/kg ketamine oral", "0.5 mg/kg ketamine iv over 40 min"]
    assert [arm.doses[0] for arm in study.arms] == doses
    arms = [
        {"id": name, "n": 5, "treatments": [one]} for name, one in zip("ab", given, strict=True)
    ]
    metrics = [{"analyte": "ketamine", "arm": name, "cmax": 90} for name in "ba"]
    named = study_of(tmp_path, metrics, {}, arms=arms)
    assert [(arm.id, arm.n, arm.doses[0]) for arm in named.arms] == [
        ("b", 5, doses[0]),
        ("a", 5, doses[1]),
    ]


def test_routes_with_their_doses_in_words_are_arms_of_their_own(tmp_path):
    metrics = [
        {"analyte": "ketamine", "route": "nasal", "dose_mg_kg": 3, "cmax": 496},
        {"analyte": "ketamine", "route": "rectal", "cmax": 632},
        {"analyte": "ketamine", "route": "iv", "cmax": 2000},
    ]
    treatment = {
        "compound": "racemic ketamine",
        "route": "nasal 3 and 9 mg/kg; rectal 9 mg/kg; iv 3 mg/kg over 5 min",
    }
    study = study_of(tmp_path, metrics, treatment)
    assert [arm.doses[0] for arm in study.arms] == [
        "3 mg/kg ketamine nasal",
        "9 mg/kg ketamine rectal",
        "3 mg/kg ketamine iv over 5 min",
    ]


def test_a_dose_of_hours_before_is_in_the_phrase_and_the_peak_is_looked_for_after_it(tmp_path):
    study = convert(tmp_path, SHAPES[4]).studies[0]
    assert study.arms[0].doses == (
        "50 mg esketamine sublingual held 10 min + 20 mg esketamine iv over 20 min at 6 h",
    )
    row = study.outcomes[0]
    assert (row.window_h, row.period) == ((6, 30), None)


def test_a_dose_that_is_not_told_is_filled_in_only_where_it_hardly_matters(tmp_path):
    unknown = {"compound": "racemic ketamine", "route": "im"}
    free = study_of(tmp_path, [{"analyte": "ketamine", "F": 0.93, "tmax_min": 20}], unknown)
    assert free.arms[0].doses == ("0.5 mg/kg ketamine im",)
    assert any(item.field.endswith(".doses") for item in free.assumed)
    needed = study_of(tmp_path, [{"analyte": "ketamine", "F": 0.93, "cmax": 200}], unknown)
    assert needed.arms[0].unknown_dose


def test_a_range_of_age_and_weight_is_its_middle_and_children_stay_children(tmp_path):
    people = {"condition": "children", "n": 9, "age_range": [2, 9], "weight_range": [10, 30]}
    study = study_of(tmp_path, population=people)
    assert (study.population.weight_kg, study.population.weight_sd) == (20, 5)
    population = population_of(study)
    assert (population.age.mean, population.weight_kg.mean) == (5.5, 20)


def test_a_stratum_of_age_and_sex_is_an_arm_of_such_people(tmp_path):
    metrics = [
        {"analyte": "S-ketamine", "stratum": ">60 Caucasian", "cmax": 44.0},
        {"analyte": "S-ketamine", "stratum": "18-60 y women", "cmax": 40.0},
    ]
    old, women = study_of(tmp_path, metrics).arms
    assert old.population.age.range == (60, 85)
    assert (women.population.age.range, women.population.female_percent) == ((18, 60), 100)
