"""Tool compounds and enzyme modifiers: a dose is a window, a background lasts for the whole course."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketalab.errors import ScenarioError
from ketalab.facts import compounds, fact
from ketalab.laboratory import body_model, intervention_inputs, using_facts
from ketalab.laboratory._windows import facts_of_windows, standing, windows_of
from ketalab.protocol import Administration, Intervention, parse_phrase

ENZYMES = ("CYP3A4:gut", "CYP3A4:liver", "CYP2B6:liver", "CYP2B6:gut", "other:liver")


def windows(phrase: str) -> tuple[Intervention, ...]:
    return windows_of(parse_phrase(phrase).administrations)


def hours(name: str) -> float:
    return fact(name).to("h")


def test_a_dose_of_a_blocker_is_a_window_after_it() -> None:
    (block,) = windows("10 mg/kg nbqx ip at -10 min + 0.5 mg/kg ketamine iv over 40 min")
    assert (block.target, block.factor) == ("AMPA", fact("nbqx_remaining").value)
    assert block.from_h == pytest.approx(-1 / 6 + hours("nbqx_from"))
    assert block.to_h == pytest.approx(-1 / 6 + hours("nbqx_to"))


def test_a_window_after_an_infusion_counts_from_its_start_and_its_end() -> None:
    (block,) = windows("10 mg/kg nbqx iv over 60 min")
    assert (block.from_h, block.to_h) == (hours("nbqx_from"), 1 + hours("nbqx_to"))


def test_drugs_with_kinetics_and_doses_of_nothing_give_no_window() -> None:
    assert windows("0.5 mg/kg ketamine iv over 40 min + 50 mg naltrexone oral") == ()
    assert windows("0 mg/kg nbqx ip") == ()
    assert windows_of(()) == ()


def test_repeated_doses_make_one_window_and_never_multiply() -> None:
    gut, liver = windows("500 mg clarithromycin oral twice daily for 4 days")
    assert (gut.target, gut.factor) == ("CYP3A4:gut", fact("clarithromycin_gut").value)
    assert gut.from_h == hours("clarithromycin_gut_from")
    assert liver.from_h == hours("clarithromycin_liver_from")
    assert gut.to_h == liver.to_h == 84 + hours("clarithromycin_to")


def test_doses_far_apart_make_two_windows() -> None:
    first, second = windows("10 mg/kg nbqx ip every 24 h x 2")
    assert second.from_h == 24 + first.from_h
    assert second.to_h == 24 + first.to_h


# --- what a dose by mouth leaves ------------------------------------------------------------------


def oral(dose: float, unit: str = "mg") -> float:
    """mTORC1 of the brain that rapamycin by mouth leaves, over the usual."""
    made = windows(f"{dose:.9f} {unit} rapamycin oral at -2 h")
    return made[0].factor if made else 1.0


def half_dose() -> float:
    """Milligrams at which the brain has the half-blocking concentration."""
    area, reaches = (fact(f"rapamycin_{name}").value for name in ("oral_area", "brain_over_blood"))
    return fact("rapamycin_half_blocking").value * hours("rapamycin_to") / (area * reaches)


def test_the_half_blocking_dose_has_half_of_the_full_effect() -> None:
    full = fact("rapamycin_remaining").value
    assert oral(half_dose()) == pytest.approx((1 + full) / 2, abs=1e-6)
    assert oral(1e4) == pytest.approx(full, abs=0.01)


def test_nothing_swallowed_blocks_nothing() -> None:
    assert oral(0) == 1
    assert oral(1e-6) == pytest.approx(1, abs=1e-6)


@given(st.floats(0.001, 1000), st.floats(1.01, 100))
def test_more_by_mouth_leaves_less_and_never_less_than_a_full_block(
    dose: float, times: float
) -> None:
    assert 1 > oral(dose) > oral(min(dose * times, 9999.0)) > fact("rapamycin_remaining").value


def test_a_dose_by_mouth_by_the_kilogram_is_that_of_the_people_who_were_measured() -> None:
    weight = fact("reference_weight").to("kg")
    assert oral(0.1, "mg/kg") == pytest.approx(oral(0.1 * weight))


@pytest.mark.parametrize(
    ("name", "worse"),
    [("oral_area", 2.0), ("brain_over_blood", 2.0), ("half_blocking", 0.5)],
)
def test_each_constant_of_the_exposure_counts(name: str, worse: float) -> None:
    once, twice = oral(6), oral(12)
    with using_facts({f"rapamycin_{name}": fact(f"rapamycin_{name}").value * worse}):
        assert oral(6) == pytest.approx(twice)
    assert twice < once


def test_without_potency_a_dose_by_mouth_gives_no_window() -> None:
    with using_facts({"rapamycin_half_blocking": math.inf}):
        assert windows("6 mg rapamycin oral") == ()


@pytest.mark.parametrize("route", ["icv", "local", "ip", "iv"])
def test_rapamycin_by_another_way_is_a_full_block_at_any_dose(route: str) -> None:
    for dose in (0.001, 6):
        (block,) = windows(f"{dose} mg rapamycin {route} at -2 h")
        assert (block.target, block.factor) == ("mTORC1", fact("rapamycin_remaining").value)


def test_the_strongest_of_doses_that_meet_tells_what_remains() -> None:
    for phrase in (
        "6 mg rapamycin oral + 1 mg rapamycin icv at 3 h",
        "1 mg rapamycin icv + 6 mg rapamycin oral at 3 h",
    ):
        (block,) = windows(phrase)
        assert block.factor == fact("rapamycin_remaining").value
        assert block.to_h == 3 + hours("rapamycin_to")
    weak, strong = windows("6 mg rapamycin oral + 1 mg rapamycin icv at 300 h")
    assert weak.factor == oral(6)
    assert strong.factor == fact("rapamycin_remaining").value


def test_a_dose_that_leaves_all_as_it_was_gives_no_window() -> None:
    remaining = {
        block.remaining
        for compound in ("nbqx", "rapamycin", "fluoxetine")
        for block in compounds()[compound].blocks
    }
    with using_facts(dict.fromkeys(remaining, 1.0)):
        assert windows("10 mg/kg nbqx ip + 6 mg rapamycin oral") == ()
        assert standing("fluoxetine for 4 weeks") == ()
    assert len(windows("10 mg/kg nbqx ip + 6 mg rapamycin oral")) == 2


@pytest.mark.parametrize(
    ("compound", "target"),
    [
        ("cnqx", "AMPA"),
        ("muscimol", "pyramidal"),
        ("rottlerin", "eEF2K"),
        ("NH125", "eEF2K"),
        ("Ro25-6981", "GluN1"),
        ("anisomycin", "translation"),
        ("fluoxetine", "SERT"),
        ("citalopram", "SERT"),
    ],
)
def test_a_tool_compound_lowers_its_target(compound: str, target: str) -> None:
    (block,) = windows(f"1 mg {compound} local")
    assert block.target == target
    assert 0 < block.factor < 0.6


def test_an_inducer_needs_days() -> None:
    assert windows("600 mg st john's wort oral") == ()
    gut, *_ = windows("600 mg st john's wort oral daily for 14 days")
    assert gut.from_h == hours("st_johns_wort_from")
    assert gut.to_h == 13 * 24 + hours("st_johns_wort_to")
    assert gut.factor > 1


def test_two_compounds_on_one_target_stay_two() -> None:
    both = windows("500 mg clarithromycin oral + 200 mg itraconazole oral")
    assert [block.target for block in both].count("CYP3A4:gut") == 2


@given(
    st.lists(
        st.tuples(st.floats(0, 200), st.floats(0, 5), st.sampled_from(["nbqx", "rifampicin"])),
        max_size=12,
    )
)
def test_windows_of_a_compound_on_a_target_never_overlap(
    doses: list[tuple[float, float, str]],
) -> None:
    given_doses = [
        Administration(time, 1.0, False, 0.0 if length < 0.01 else length, compound)
        for time, length, compound in doses
    ]
    made = windows_of(given_doses)
    for target in {block.target for block in made}:
        ordered = sorted((b.from_h, b.to_h) for b in made if b.target == target)
        assert all(a[1] <= b[0] for a, b in pairwise(ordered))
    assert windows_of(given_doses[::-1]) == made
    # Wherever a dose of the blocker has begun and not gone, there is a window.
    for dose in given_doses:
        if dose.compound == "nbqx":
            middle = (dose.time_h + hours("nbqx_from") + dose.end_h + hours("nbqx_to")) / 2
            assert any(b.target == "AMPA" and b.from_h <= middle <= b.to_h for b in made)


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("clarithromycin 4 days", ["CYP3A4:gut", "CYP3A4:liver"]),
        ("grapefruit juice 200 mL tid 5 days", ["CYP3A4:gut"]),
        ("rifampicin 600 mg 6 days", ["CYP3A4:gut", "CYP3A4:liver", "CYP2B6:liver"]),
        ("St John\u2019s wort 14 days", ["CYP3A4:gut", "CYP3A4:liver", "CYP2B6:liver"]),
        ("ticlopidine 250 mg bid (CYP2B6) for 6 days", ["CYP2B6:liver"]),
        ("itraconazole 200 mg qd (CYP3A) for 6 days", ["CYP3A4:gut", "CYP3A4:liver"]),
        ("ticlopidine and grapefruit, grapefruit juice", ["CYP2B6:liver", "CYP3A4:gut"]),
        ("new oral antidepressant", []),
        ("no clarithromycin", []),
        ("after wash-out of fluoxetine", []),
        ("ketamine", []),
        ("", []),
    ],
)
def test_a_background_acts_for_the_whole_course(text: str, targets: list[str]) -> None:
    made = standing(text)
    assert [block.target for block in made] == targets
    assert all((block.from_h, block.to_h) == (-math.inf, math.inf) for block in made)


def test_a_target_without_a_model_is_named() -> None:
    (block,) = windows("10 mg/kg anisomycin ip")
    with pytest.raises(ScenarioError, match="intervention on 'translation' has no model yet"):
        intervention_inputs(body_model(), [block])


def test_inhibitors_lower_and_inducers_raise() -> None:
    for name in ("clarithromycin", "itraconazole", "grapefruit-juice", "ticlopidine"):
        assert all(fact(b.remaining).value < 1 for b in compounds()[name].blocks)
    for name in ("rifampicin", "st-johns-wort"):
        gut, *others = (fact(b.remaining).value for b in compounds()[name].blocks)
        assert gut > max(others)
        assert min(others) > 1


def test_every_block_is_of_an_enzyme_or_names_a_plain_target() -> None:
    for compound in compounds().values():
        for block in compound.blocks:
            assert block.target in ENZYMES or ":" not in block.target
            assert not compound.molecules


def test_what_a_block_rests_on_can_be_cited() -> None:
    assert facts_of_windows(["nbqx", "ketamine"]) == ("nbqx_remaining", "nbqx_from", "nbqx_to")
    exposure = {"rapamycin_oral_area", "rapamycin_brain_over_blood", "rapamycin_half_blocking"}
    assert exposure < set(facts_of_windows(["rapamycin"]))
