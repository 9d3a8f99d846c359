"""Administrations, variants, treatments and arms as values."""

from __future__ import annotations

import dataclasses
import math

import pytest

import ketalab.protocol
from ketalab.errors import PhraseError, ScenarioError
from ketalab.protocol import (
    ROUTES,
    Administration,
    Arm,
    Control,
    Intervention,
    Treatment,
    Variant,
    parse_phrase,
)

DOSE = Administration(0.0, 0.5, True, 2 / 3, "ketamine")
BOLUS = Administration(0.0, 5.0, False, 0.0, "midazolam")


def treat(*doses: Administration) -> Treatment:
    return Treatment("by hand", (Variant(1.0, doses),))


# Administration


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"time_h": math.nan}, "time_h nan"),
        ({"time_h": math.inf}, "time_h inf"),
        ({"amount": -1.0}, "amount -1.0"),
        ({"amount": math.inf}, "amount inf"),
        ({"duration_h": -1.0}, "duration_h -1.0"),
        ({"duration_h": math.nan}, "duration_h nan"),
        ({"duration_h": math.inf}, "duration_h inf"),
        ({"duration_h": 1e-9}, "at least 1 s"),
        ({"route": "nasl"}, "did you mean 'nasal'?"),
        ({"route": "oral"}, "given over a time, not oral"),
        ({"salt": "hydrocloride"}, "did you mean 'hydrochloride'?"),
        ({"compound": ""}, "compound"),
        ({"device": "spray"}, "only nasal doses have one of device, spray, atomiser"),
        ({"route": "nasal", "device": "pump"}, "device 'pump'"),
        ({"hold_h": 0.1}, "only sublingual and buccal doses are held"),
        *(
            ({"duration_h": 0.0, "route": "buccal", "hold_h": hold_h}, f"hold_h {hold_h}")
            for hold_h in (0.0, -1.0, 2.1, math.nan)
        ),
    ],
)
def test_an_administration_out_of_range_is_refused(change, words):
    with pytest.raises(ScenarioError) as caught:
        dataclasses.replace(DOSE, **change)
    assert words in str(caught.value)


@pytest.mark.parametrize("record", [DOSE, Variant(1.0, (DOSE,)), treat(DOSE)])
def test_records_cannot_be_changed(record):
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(record, dataclasses.fields(record)[0].name, 1)


# Treatment


def test_an_untreated_arm_has_one_variant_without_doses():
    none = Treatment.none()
    assert (none.administrations, none.end_h, none.compounds, none.routes) == ((), 0.0, (), ())
    assert none.describe() == "none"
    assert parse_phrase(none.text) == none
    assert parse_phrase(" None ") == none


def test_merging_with_no_treatment_changes_nothing():
    treatment = parse_phrase("flexible 56 or 84 mg esketamine nasal")
    for merged in (treatment.merge(Treatment.none()), Treatment.none().merge(treatment)):
        assert (merged, merged.text) == (treatment, treatment.text)


def test_a_mix_has_no_single_list_of_doses():
    with pytest.raises(ScenarioError, match="mix of 2 regimens"):
        _ = parse_phrase("flexible 56 or 84 mg esketamine nasal").administrations


def test_a_treatment_knows_its_end_its_drugs_and_its_routes():
    treatment = parse_phrase("5 mg midazolam oral at 2 h + 0.5 mg/kg ketamine iv over 40 min")
    assert treatment.end_h == 2
    assert treatment.compounds == ("ketamine", "midazolam")
    assert treatment.routes == ("iv", "oral")
    assert parse_phrase("50 mg naltrexone oral at -45 min").end_h == -0.75


@pytest.mark.parametrize("weights", [(), (0.5,), (0.5, 0.6), (0.5, 0.0, 0.5), (1.5, -0.5)])
def test_shares_are_positive_and_sum_to_one(weights):
    with pytest.raises(ScenarioError, match="weight"):
        Treatment("by hand", tuple(Variant(weight, (DOSE,)) for weight in weights))


def test_doses_and_variants_are_kept_in_canonical_order():
    later = dataclasses.replace(BOLUS, time_h=1.0)
    assert Variant(1.0, (later, BOLUS, DOSE)).administrations == (DOSE, BOLUS, later)
    first, second = Variant(0.25, (DOSE,)), Variant(0.75, (later,))
    assert Treatment("a", (second, first)) == Treatment("b", (first, second))


def test_merging_multiplies_the_variants_and_their_shares():
    mix = parse_phrase("flexible 56 or 84 mg esketamine nasal")
    third = parse_phrase("flexible 1, 2 or 3 mg midazolam oral")
    merged = mix.merge(third)
    assert len(merged.variants) == 6
    assert all(variant.weight == pytest.approx(1 / 6) for variant in merged.variants)
    assert all(len(variant.administrations) == 2 for variant in merged.variants)


def test_the_text_of_a_merged_chain_keeps_then_from_reaching_across():
    chain = parse_phrase("5 mg ketamine iv over 60 min, then 5 mg propofol")
    merged = parse_phrase("5 mg midazolam iv over 2 h").merge(chain)
    assert ";" in merged.text
    assert [dose.time_h for dose in parse_phrase(merged.text).administrations] == [0, 0, 1]
    plain = parse_phrase("5 mg ketamine iv").merge(parse_phrase("5 mg midazolam iv"))
    assert plain.text == "5 mg ketamine iv + 5 mg midazolam iv"


def test_merging_keeps_within_the_ceilings_of_a_treatment():
    many = parse_phrase("5 mg ketamine im daily x 15000")
    with pytest.raises(PhraseError, match="30,000 doses; at most 20,000"):
        many.merge(many)
    small = parse_phrase("flexible 1 or 2 mg ketamine im")
    with pytest.raises(PhraseError, match="30,002 doses over 2 variants; at most 20,000"):
        many.merge(small)
    with pytest.raises(PhraseError, match="30,002 doses over 2 variants; at most 20,000"):
        small.merge(many)
    mix = parse_phrase(" + ".join(["flexible 1 or 2 mg ketamine im"] * 6))
    with pytest.raises(PhraseError, match="4,096 combinations"):
        mix.merge(mix)
    long = parse_phrase(" + ".join(["5 mg ketamine im"] * 100))
    with pytest.raises(PhraseError, match="characters; at most 2,000"):
        long.merge(long)


@pytest.mark.parametrize(
    ("text", "description"),
    [
        (
            "Ketamine 0.5 mg/kg intravenous over 40 minutes",
            "0.5 mg/kg ketamine iv over 40 min",
        ),
        ("5 mg ketamine hcl im", "5 mg ketamine hydrochloride im"),
        ("20 µg/kg/min ketamine iv for 2 h", "2.4 mg/kg ketamine iv over 2 h"),
        ("5 ug ketamine local", "5 ug ketamine local"),
        ("28 mg ketamine nasal by mad", "28 mg ketamine nasal by atomiser"),
        ("50 mg ketamine sl held for 600 s", "50 mg ketamine sublingual held 10 min"),
        (
            "50 mg ketamine sl held 10 min, then 50 mg held 5 min at 1 d, then 50 mg at 2 d",
            "50 mg ketamine sublingual held 10 min + 50 mg ketamine sublingual held 5 min at 24 h"
            " daily x 2",
        ),
        (
            "flexible 84 or 56 mg esketamine nasal by device every 84 h x 8",
            "flexible 56 or 84 mg esketamine nasal by device twice weekly x 8",
        ),
        (
            "titrated 0.5 to 0.9 mg/kg ketamine sc weekly for 4 weeks",
            "titrated 0.5 to 0.9 mg/kg ketamine sc weekly x 4",
        ),
        (
            "56 mg esketamine nasal twice weekly for 4 weeks, then weekly for 4 weeks",
            "56 mg esketamine nasal by spray twice weekly x 8"
            " + 56 mg esketamine nasal by spray at 28 d weekly x 4",
        ),
        (
            "0.5 mg/kg ketamine iv + 50 mg naltrexone oral at -45 min",
            "50 mg naltrexone oral at -45 min + 0.5 mg/kg ketamine iv",
        ),
        (
            "56 mg esketamine nasal, then 84 mg at 3 d every 3 d x 2",
            "56 mg esketamine nasal by spray + 84 mg esketamine nasal by spray at 3 d every 3 d x 2",
        ),
        (
            "flexible 1 or 2 mg ketamine im; flexible 1 or 2 mg midazolam im",
            "25%: 1 mg ketamine im + 1 mg midazolam im | 25%: 1 mg ketamine im + 2 mg midazolam im"
            " | 25%: 2 mg ketamine im + 1 mg midazolam im | 25%: 2 mg ketamine im + 2 mg midazolam"
            " im",
        ),
    ],
)
def test_a_treatment_describes_itself_in_one_canonical_line(text, description):
    treatment = parse_phrase(text)
    assert treatment.describe() == description
    if "|" not in description:
        assert parse_phrase(description) == treatment


def test_unequal_shares_are_never_described_as_flexible():
    low, high = (Variant(share, (BOLUS,)) for share in (0.25, 0.75))
    other = Variant(0.75, (dataclasses.replace(BOLUS, amount=9.0),))
    assert Treatment("by hand", (low, other)).describe() == (
        "25%: 5 mg midazolam iv | 75%: 9 mg midazolam iv"
    )
    assert "flexible" not in Treatment("by hand", (low, high)).describe()
    third = [Variant(1 / 3, (dataclasses.replace(BOLUS, amount=a),)) for a in (5.0, 5.0, 9.0)]
    assert "flexible" not in Treatment("by hand", tuple(third)).describe()


def test_regimens_that_differ_in_more_than_amounts_are_never_described_as_flexible():
    other = dataclasses.replace(BOLUS, amount=9.0, route="im")
    mix = Treatment("by hand", (Variant(0.5, (BOLUS,)), Variant(0.5, (other,))))
    assert mix.describe() == "50%: 9 mg midazolam im | 50%: 5 mg midazolam iv"


def test_infusions_that_overlap_are_described_one_by_one():
    text = "5 mg ketamine iv over 2 h + 5 mg ketamine iv over 2 h at 1 h"
    assert parse_phrase(text).describe() == text.replace("at 1 h", "at 60 min")


# Arms


def test_a_control_is_read_from_the_word_of_a_study_file():
    assert Control("masked-anaesthesia") is Control.MASKED_ANAESTHESIA
    assert [control.value for control in Control] == [
        *("saline", "midazolam", "placebo-spray", "open", "masked-anaesthesia", "sham", "none"),
    ]
    with pytest.raises(ScenarioError, match="did you mean 'saline'"):
        Control("salin")


def test_a_knock_out_is_a_factor_on_a_target_over_a_window():
    always = Intervention("BDNF", 0.0, "systemic", -math.inf, math.inf)
    assert always.factor == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"target": " "}, "target"),
        ({"factor": -0.5}, "factor -0.5"),
        ({"factor": math.nan}, "factor nan"),
        ({"factor": math.inf}, "factor inf"),
        ({"site": "LHB"}, "did you mean 'LHb'?"),
        ({"from_h": 24.0}, "from_h 24.0 must be before to_h 24.0"),
        ({"to_h": math.nan}, "before to_h nan"),
    ],
)
def test_an_intervention_out_of_range_is_refused(change, words):
    fine = Intervention("CaV3", 0.0, "LHb", 0.0, 24.0)
    with pytest.raises(ScenarioError) as caught:
        dataclasses.replace(fine, **change)
    assert words in str(caught.value)


def test_an_arm_holds_its_parts_as_tuples():
    block = Intervention("CaV3", 0.0, "LHb", 0.0, 24.0)
    arm = Arm("placebo", Treatment.none(), "saline", ["an antidepressant"], [block], 7)
    assert arm.control is Control.SALINE
    assert (arm.background, arm.interventions) == (("an antidepressant",), (block,))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": ""}, "id must not be empty"),
        ({"n": 0}, "n 0 must be 1 or more"),
        ({"control": "placebo"}, "control 'placebo'"),
        ({"background": "an antidepressant"}, "background must be a list"),
    ],
)
def test_an_arm_out_of_range_is_refused(change, words):
    with pytest.raises(ScenarioError) as caught:
        dataclasses.replace(Arm("placebo", Treatment.none()), **change)
    assert words in str(caught.value)


def test_the_public_names_are_exactly_these():
    public = {name for name in vars(ketalab.protocol) if not name.startswith("_")}
    assert set(ketalab.protocol.__all__) == public - {"annotations"}
    assert "oral extended-release" in ROUTES
