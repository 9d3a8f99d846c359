"""The dosing phrase: what each form means."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ketalab.errors import PhraseError
from ketalab.protocol import ROUTES, Treatment, parse_phrase

DRUGS = {
    drug: SimpleNamespace(id=drug, names=(drug, *others))
    for drug, others in {
        "ketamine": ("racemic ketamine", "(r,s)-ketamine"),
        "esketamine": ("s-ketamine", "s(+)-ketamine"),
        "arketamine": ("r-ketamine",),
        "midazolam": (),
        "naltrexone": (),
        "memantine": (),
        "propofol": (),
        "saline": (),
        "nitrous-oxide": ("nitrous oxide",),
        "6b-naltrexol": ("6β-naltrexol",),
    }.items()
}


def parse(text: str, horizon_h: float | None = None) -> Treatment:
    return parse_phrase(text, compounds=DRUGS, horizon_h=horizon_h)


def only(text: str):
    (dose,) = parse(text).administrations
    return dose


def times(text: str, **options: float) -> list[float]:
    return [dose.time_h for dose in parse(text, **options).administrations]


# One dose


def test_the_default_phrase_is_half_a_mg_per_kg_of_racemate_base_over_40_min():
    dose = only("0.5 mg/kg ketamine iv over 40 min")
    assert (dose.time_h, dose.amount, dose.per_kg) == (0.0, 0.5, True)
    assert dose.duration_h == pytest.approx(2 / 3)
    assert (dose.compound, dose.salt, dose.route, dose.device) == ("ketamine", "base", "iv", None)


@pytest.mark.parametrize(
    "text",
    [
        "ketamine 0.5 mg/kg iv over 40 min",
        "intravenous ketamine 0.5 mg/kg over 40 min",
        "  0.5mg/kg\tKETAMINE  IV over 40min ",
        "0.5 mg / kg racemic  ketamine intravenously over 40 minutes",
        "500 µg/kg (R,S)-ketamine i.v. over 40 min",
        "500 μg per kg ketamine base iv over 40 mins",
        "over 40 min iv 0.5 mg/kg ketamine",
        "0.5 mg/kg\u00a0ketamine iv over\u200940 min",
        "5e-1 mg/kg ketamine iv over 40 min once",
        "0.75 mg/kg/h ketamine iv for 40 min",
        "12.5 ug/kg/min ketamine iv over 40 min",
        "12.5 mcg/min/kg ketamine iv for 40 min",
    ],
)
def test_other_spellings_and_orders_mean_the_same_dose(text):
    same = only("0.5 mg/kg ketamine iv over 40 min")
    dose = only(text)
    assert dose.amount == pytest.approx(same.amount, rel=1e-14)
    assert (dose.time_h, dose.per_kg, dose.duration_h) == (0.0, True, same.duration_h)
    assert (dose.compound, dose.salt, dose.route) == ("ketamine", "base", "iv")


@pytest.mark.parametrize(
    ("unit", "mg"), [("ug", 1e-3), ("µg", 1e-3), ("mcg", 1e-3), ("mg", 1), ("g", 1e3), ("MG", 1)]
)
def test_amounts_are_kept_in_mg(unit, mg):
    assert only(f"2 {unit} ketamine iv").amount == pytest.approx(2 * mg)


@pytest.mark.parametrize(
    ("time", "hours"),
    [("90 min", 1.5), ("2 h", 2), ("2 hrs", 2), ("1.5 d", 36), ("3 days", 72), ("1 week", 168)],
)
def test_times_are_kept_in_hours(time, hours):
    assert only(f"1 mg ketamine iv over {time}").duration_h == pytest.approx(hours)
    assert only(f"1 mg ketamine iv at -{time}").time_h == pytest.approx(-hours)


@pytest.mark.parametrize(
    ("spelling", "route"),
    [
        *(("intravenous", "iv"), ("i.m.", "im"), ("intramuscular", "im"), ("subcutaneous", "sc")),
        *(("intranasal", "nasal"), ("nasal", "nasal"), ("insufflated", "insufflated")),
        *(("sl", "sublingual"), ("buccal", "buccal"), ("po", "oral"), ("by mouth", "oral")),
        *(("oral", "oral"), ("oral extended-release", "oral extended-release")),
        *(("oral  extended release", "oral extended-release"), ("rectal", "rectal")),
        *(("inhaled", "inhaled"), ("nebulised", "inhaled"), ("ip", "ip"), ("icv", "icv")),
        *(("intraperitoneal", "ip"), ("local", "local")),
    ],
)
def test_a_route_is_known_by_its_usual_spellings(spelling, route):
    assert only(f"5 mg ketamine {spelling}").route == route


@pytest.mark.parametrize(
    ("words", "compound", "salt"),
    [
        ("ketamine", "ketamine", "base"),
        ("ketamine hydrochloride", "ketamine", "hydrochloride"),
        ("S-ketamine HCl", "esketamine", "hydrochloride"),
        ("s(+)-ketamine base", "esketamine", "base"),
        ("R-ketamine", "arketamine", "base"),
        ("6β-naltrexol", "6b-naltrexol", "base"),
        ("nitrous  oxide", "nitrous-oxide", "base"),
    ],
)
def test_a_form_is_a_drug_and_a_salt(words, compound, salt):
    dose = only(f"5 mg {words} iv")
    assert (dose.compound, dose.salt) == (compound, salt)


def test_an_identifier_means_its_own_drug_and_a_shared_spelling_the_first():
    drugs = {
        "a": SimpleNamespace(id="a", names=("a", "b", "common")),
        "b": SimpleNamespace(id="b", names=("b", "common")),
    }
    assert parse_phrase("5 mg b iv", compounds=drugs).compounds == ("b",)
    assert parse_phrase("5 mg common iv", compounds=drugs).compounds == ("a",)


@pytest.mark.parametrize("text", ["5 mg ketamine iv", "5 mg ketamine im", "5 mg ketamine oral"])
def test_without_a_time_a_dose_is_given_at_once(text):
    assert only(text).duration_h == 0
    if "oral" not in text:
        assert only(f"{text} bolus") == only(text)


@pytest.mark.parametrize(
    ("words", "device"),
    [
        ("by device", "device"),
        ("by MAD", "atomiser"),
        ("by atomizer", "atomiser"),
        ("by Spray", "spray"),
        ("", "spray"),
    ],
)
def test_a_nasal_dose_has_a_device_by_default_a_hand_spray(words, device):
    assert only(f"56 mg ketamine {words} nasal").device == device


@pytest.mark.parametrize("route", sorted(set(ROUTES) - {"nasal"}))
def test_a_dose_by_another_route_has_no_device(route):
    assert only(f"5 mg ketamine {route}").device is None


@pytest.mark.parametrize("route", ["sublingual", "buccal"])
@pytest.mark.parametrize("words", ["held 10 min", "HELD for 600 s"])
def test_a_dose_may_be_held_in_the_mouth(route, words):
    assert only(f"50 mg ketamine {words} {route}").hold_h == pytest.approx(1 / 6)
    assert only(f"50 mg ketamine {route}").hold_h is None


def test_the_time_in_the_mouth_goes_with_its_route():
    text = "50 mg ketamine buccal held 10 min, then 50 mg at 1 h, then 50 mg buccal, then 5 mg oral"
    assert [dose.hold_h for dose in parse(text).administrations] == [1 / 6, None, 1 / 6, None]


def test_a_dose_of_zero_is_allowed():
    assert only("0 mg/kg saline iv over 40 min").amount == 0


def test_the_ceiling_of_an_infusion_holds_for_each_day_of_it():
    assert only("400 mg/kg/h propofol iv for 72 h").amount == pytest.approx(28_800)
    with pytest.raises(PhraseError, match="at most 10,000 mg/kg"):
        parse("417 mg/kg/h propofol iv for 72 h")


# Several doses


def test_plus_gives_two_doses_from_the_same_zero():
    doses = parse("0.5 mg/kg ketamine iv over 40 min + 5 mg midazolam iv").administrations
    assert [(dose.time_h, dose.compound) for dose in doses] == [(0, "ketamine"), (0, "midazolam")]


def test_a_plus_inside_the_name_of_a_drug_is_not_a_second_dose():
    assert only("5 mg s(+)-ketamine iv").compound == "esketamine"


def test_then_starts_when_the_infusion_before_ends_and_carries_drug_form_and_route():
    first, second = parse(
        "0.1 mg/kg esketamine hcl iv over 5 min, then 0.14 mg/kg/h for 60 min"
    ).administrations
    assert second.time_h == first.end_h
    assert (second.compound, second.salt, second.route) == ("esketamine", "hydrochloride", "iv")
    assert (second.amount, second.duration_h) == (0.14, 1.0)


def test_a_new_drug_after_then_is_base_and_keeps_only_the_route():
    _, second = parse("5 mg ketamine hcl iv bolus, then 5 mg midazolam at 1 h").administrations
    assert (second.compound, second.salt, second.route) == ("midazolam", "base", "iv")


def test_a_device_goes_with_its_route():
    carried, other = parse(
        "28 mg esketamine nasal by spray, then 28 mg at 1 h, then 28 mg oral at 2 h"
    ).administrations[1:]
    assert (carried.device, other.device) == ("spray", None)


def test_then_waits_for_all_doses_given_together():
    text = "5 mg ketamine iv over 60 min + 5 mg midazolam iv, then 5 mg propofol iv"
    assert times(text) == [0, 0, 1]


def test_a_semicolon_starts_a_chain_of_its_own_at_zero():
    text = "5 mg ketamine iv over 60 min, then 5 mg propofol; 5 mg midazolam iv"
    assert [(d.time_h, d.compound) for d in parse(text).administrations] == [
        *((0, "ketamine"), (0, "midazolam"), (1, "propofol")),
    ]


def test_then_after_a_course_starts_at_the_end_of_its_last_interval():
    text = "56 mg esketamine nasal twice weekly for 4 weeks, then weekly for 4 weeks"
    assert times(text) == [84.0 * k for k in range(8)] + [672 + 168.0 * k for k in range(4)]
    assert times(text.replace("twice weekly for 4 weeks", "twice weekly x 8")) == times(text)
    assert times("5 mg ketamine im every 3 d for 1 week, then 5 mg")[-1] == 168


def test_a_step_that_says_only_when_repeats_the_whole_dose():
    doses = parse("0.5 mg/kg ketamine iv over 40 min, then at 24 h").administrations
    assert [dose.time_h for dose in doses] == [0, 24]
    assert doses[1].key[1:] == doses[0].key[1:]


def test_zero_is_the_first_dose_without_an_offset():
    text = "0.5 mg/kg ketamine iv over 40 min + 50 mg naltrexone oral at -45 min"
    assert times(text) == [-0.75, 0]
    assert times("50 mg naltrexone oral at -45 min, then 0.5 mg/kg ketamine iv") == [-0.75, 0]
    assert times("50 mg naltrexone oral at − 45 min") == [-0.75]
    assert times("50 mg naltrexone oral at –45 min") == [-0.75]


def test_an_offset_is_from_zero_also_after_then():
    assert times("5 mg ketamine iv over 40 min, then 5 mg at +24 h, then 5 mg") == [0, 24, 24]


def test_simultaneous_doses_have_one_order_however_written():
    a, b = "5 mg midazolam iv", "5 mg ketamine im"
    assert parse(f"{a} + {b}").administrations == parse(f"{b} + {a}").administrations


# Repeats


@pytest.mark.parametrize(
    ("schedule", "interval", "count"),
    [
        ("twice weekly for 4 weeks", 84, 8),
        ("every 84 h x 8", 84, 8),
        ("every 84 h x8", 84, 8),
        ("x 8 every 84 h", 84, 8),
        ("every 84 h × 8", 84, 8),
        ("three times weekly for 2 weeks", 56, 6),
        ("3 times a week x 6", 56, 6),
        ("thrice weekly x 6", 56, 6),
        ("once weekly for 4 weeks", 168, 4),
        ("weekly x 4", 168, 4),
        ("WEEKLY for 28 d", 168, 4),
        ("once daily x 5", 24, 5),
        ("daily x 5", 24, 5),
        ("twice daily for 1 week", 12, 14),
        ("twice a day for 1 week", 12, 14),
        ("every 2 weeks x 3", 336, 3),
        ("every day x 3", 24, 3),
        ("every other day x 3", 48, 3),
        ("every 3 d for 1 week", 72, 3),
        ("every 40 min for 2 h", 2 / 3, 3),
        ("every 5 min for 25 min", 1 / 12, 5),
        ("daily for 1 h", 24, 1),
    ],
)
def test_a_schedule_gives_evenly_spaced_doses(schedule, interval, count):
    found = times(f"5 mg ketamine im {schedule}")
    assert found == pytest.approx([interval * k for k in range(count)])


def test_a_repeat_with_an_offset_starts_at_the_offset():
    assert times("50 mg naltrexone oral at -45 min weekly x 2") == [-0.75, 167.25]


def test_for_is_the_time_of_a_rate_and_after_a_schedule_the_length_of_the_course():
    doses = parse("0.1 mg/kg/h ketamine iv for 2 h daily for 3 d").administrations
    assert [(dose.time_h, dose.duration_h) for dose in doses] == [(0, 2), (24, 2), (48, 2)]
    turned = parse("0.1 mg/kg/h ketamine iv daily for 3 d for 2 h")
    assert turned.administrations == doses


def test_a_schedule_without_an_end_goes_on_to_the_horizon_and_its_text_says_how_often():
    treatment = parse("56 mg ketamine nasal weekly by spray", horizon_h=28 * 24)
    assert [dose.time_h for dose in treatment.administrations] == [0, 168, 336, 504]
    assert treatment.text == "56 mg ketamine nasal weekly x 4 by spray"
    assert parse(treatment.text) == treatment
    both = parse("5 mg ketamine im weekly + 5 mg midazolam im at 1 d daily", horizon_h=14 * 24)
    assert both.text == "5 mg ketamine im weekly x 2 + 5 mg midazolam im at 1 d daily x 13"
    with pytest.raises(PhraseError, match="how long does the schedule go on"):
        parse("5 mg ketamine im weekly")
    with pytest.raises(PhraseError, match="how long does the schedule go on"):
        parse("5 mg ketamine im weekly, then 5 mg", horizon_h=28 * 24)


def test_a_horizon_changes_nothing_where_the_phrase_says_an_end():
    assert times("5 mg ketamine im weekly x 4", horizon_h=24.0) == [0, 168, 336, 504]


def test_an_infusion_may_fill_its_interval_but_not_outlast_it():
    assert times("5 mg ketamine iv over 24 h daily x 2") == [0, 24]
    with pytest.raises(PhraseError, match="overlaps itself"):
        parse("5 mg ketamine iv over 25 h daily x 2")


# Mixes and titration


def test_a_flexible_dose_is_a_mix_in_equal_shares():
    treatment = parse("flexible 84 or 56 mg esketamine nasal by device twice weekly for 4 weeks")
    assert [variant.weight for variant in treatment.variants] == [0.5, 0.5]
    assert [{d.amount for d in v.administrations} for v in treatment.variants] == [{56.0}, {84.0}]
    assert all(len(variant.administrations) == 8 for variant in treatment.variants)


@pytest.mark.parametrize(
    "amounts",
    ["28, 56 or 84 mg", "28 or 56 or 84 mg", "28 mg, 56 mg or 84 mg", "28 mg, 56 mg, or 0.084 g"],
)
def test_a_flexible_dose_may_have_three_amounts(amounts):
    treatment = parse(f"flexible {amounts} esketamine nasal")
    assert [v.administrations[0].amount for v in treatment.variants] == pytest.approx([28, 56, 84])
    assert [variant.weight for variant in treatment.variants] == pytest.approx([1 / 3] * 3)


def test_a_flexible_dose_carried_over_keeps_the_choice_and_two_flexible_doses_multiply():
    course = "flexible 56 or 84 mg esketamine nasal twice weekly for 4 weeks"
    carried = parse(f"{course}, then weekly for 4 weeks")
    assert [{d.amount for d in v.administrations} for v in carried.variants] == [{56.0}, {84.0}]
    both = parse(f"{course} + flexible 1 or 2 mg midazolam oral")
    assert [variant.weight for variant in both.variants] == [0.25] * 4


def test_a_titrated_dose_rises_linearly_from_the_first_to_the_last_repeat():
    doses = parse("titrated 0.5 to 0.9 mg/kg ketamine sc twice weekly x 5").administrations
    assert [dose.amount for dose in doses] == pytest.approx([0.5, 0.6, 0.7, 0.8, 0.9])
    # 0.01 + (0.11 - 0.01) is not 0.11; the last repeat is the stated amount all the same.
    assert (
        parse("titrated 0.01 to 0.11 mg ketamine sc daily x 4").administrations[-1].amount == 0.11
    )
    rates = parse("titrated from 0.1 to 0.3 mg/kg/h ketamine iv for 2 h daily x 3").administrations
    assert [dose.amount for dose in rates] == pytest.approx([0.2, 0.4, 0.6])
