"""The dosing phrase: what holds of every phrase."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ketalab.errors import PhraseError
from ketalab.protocol import Program, Variant, parse_phrase

_AMOUNTS = ("0.5 mg/kg", "56 mg", "20 ug/kg", "flexible 56 or 84 mg", "0 mg", "1 g")
_WHERE = (
    *("iv", "iv bolus", "iv over 40 min", "im", "nasal by device", "oral", "sc over 2 h"),
    *("oral extended-release", "nasal", "nasal by atomiser", "buccal held 10 min", "sublingual"),
)
_DRUGS = ("ketamine", "s-ketamine", "(r)-ketamine", "midazolam", "naltrexone", "saline")
_WHEN = ("", "at -45 min", "daily x 5", "twice weekly for 2 weeks", "at 24 h every 3 d x 4")


@st.composite
def targets(draw: st.DrawFn) -> str:
    """One to three targets of one pump, at times with a pause between."""
    steps, reached = [], 0
    for index in range(draw(st.integers(1, 3))):
        start = reached + (draw(st.sampled_from([0, 0, 45])) if index else 0)
        minutes, aim = draw(st.sampled_from([1, 10, 30])), draw(st.integers(0, 400))
        at = f" at {start} min" if start > reached else ""
        steps.append(f"{aim} ng/mL{' ketamine iv' * (not index)} for {minutes} min{at}")
        reached = start + minutes
    return ", then ".join(steps)


@st.composite
def doses(draw: st.DrawFn) -> str:
    drug = draw(st.sampled_from(_DRUGS))
    salt = draw(st.sampled_from(["", "hydrochloride"]))
    what = (draw(st.sampled_from(_AMOUNTS)), drug, salt, draw(st.sampled_from(_WHERE)))
    return " ".join((*what, draw(st.sampled_from(_WHEN))))


@st.composite
def phrases(draw: st.DrawFn) -> str:
    parts = draw(st.lists(doses(), min_size=1, max_size=3))
    joint = draw(st.sampled_from([" + ", "; ", ", then "]))
    if draw(st.booleans()):
        parts.append(draw(targets()))
        joint = "; "
    if "then" in joint:
        # After a dose that ends past t = 0, the first one without an offset could not be at 0.
        parts = [part.replace("at 24 h", "").replace("over 2 h", "over 30 min") for part in parts]
    return joint.join(parts)


def same_programs(one: Program | None, other: Program | None) -> bool:
    if one is None or other is None:
        return one is other
    steps = zip(one.targets, other.targets, strict=True)
    return one.pump == other.pump and all(
        a.ng_ml == b.ng_ml
        and math.isclose(a.start_h, b.start_h, abs_tol=1e-9)
        and math.isclose(a.duration_h, b.duration_h, rel_tol=1e-9)
        for a, b in steps
    )


def same_doses(one: Variant, other: Variant) -> bool:
    # Twelve digits may turn the order of doses that are a rounding error apart.
    ordered = (
        sorted(variant.administrations, key=lambda dose: (round(dose.time_h, 6), dose.key[1:]))
        for variant in (one, other)
    )
    pairs = zip(*ordered, strict=True)
    return all(
        a.key[1:6] == b.key[1:6]
        and a.hold_h == b.hold_h
        and same_programs(a.program, b.program)
        and math.isclose(a.time_h, b.time_h, rel_tol=1e-9, abs_tol=1e-9)
        and math.isclose(a.amount, b.amount, rel_tol=1e-9)
        and math.isclose(a.duration_h, b.duration_h, rel_tol=1e-9)
        for a, b in pairs
    )


@given(phrases())
@settings(max_examples=150)
def test_the_text_of_a_treatment_reads_back_as_the_treatment(text):
    treatment = parse_phrase(text)
    assert parse_phrase(treatment.text) == treatment


@given(phrases().filter(lambda text: "flexible" not in text))
@settings(max_examples=150)
def test_the_description_of_a_single_regimen_reads_back_as_the_regimen(text):
    treatment = parse_phrase(text)
    (again,) = parse_phrase(treatment.describe()).variants
    assert same_doses(again, treatment.variants[0])


@given(phrases(), phrases())
@settings(max_examples=100)
def test_merging_is_the_phrase_with_both_and_does_not_depend_on_the_order(one, other):
    merged = parse_phrase(one).merge(parse_phrase(other))
    assert parse_phrase(merged.text) == merged
    assert parse_phrase(f"{one}; {other}") == merged
    assert parse_phrase(other).merge(parse_phrase(one)) == merged
    assert math.fsum(variant.weight for variant in merged.variants) == pytest.approx(1)


@given(phrases(), st.randoms(use_true_random=False))
@settings(max_examples=50)
def test_case_and_white_space_change_nothing(text, random):
    changed = "".join(c.upper() if random.random() < 0.5 else c for c in text)
    changed = "  ".join(changed.split(" ")) + "\n"
    assert parse_phrase(changed) == parse_phrase(text)


@given(phrases())
@settings(max_examples=50)
def test_doses_are_in_order_of_time(text):
    for variant in parse_phrase(text).variants:
        assert list(variant.administrations) == sorted(variant.administrations, key=lambda d: d.key)


@given(
    rate=st.decimals("0.001", "500", places=3),
    minutes=st.integers(1, 1440),
    per=st.sampled_from(["min", "h"]),
    kg=st.sampled_from(["", "/kg"]),
    unit=st.sampled_from(["ug", "mg"]),
)
@settings(max_examples=60)
def test_the_amount_of_a_rate_is_rate_times_time(rate, minutes, per, kg, unit):
    total = float(rate) * (minutes if per == "min" else minutes / 60)
    total *= 1e-3 if unit == "ug" else 1
    text = f"{rate} {unit}{kg}/{per} ketamine iv for {minutes} min"
    if total > (10_000 if kg else 1_000_000):
        with pytest.raises(PhraseError, match="absurd"):
            parse_phrase(text)
    else:
        (dose,) = parse_phrase(text).administrations
        assert dose.amount == pytest.approx(total, rel=1e-12)
        assert dose.per_kg == bool(kg)
