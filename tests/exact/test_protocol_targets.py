"""Target-controlled infusion: what a pump gives, against an integration of its own model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from ketalab.errors import FactError, ScenarioError
from ketalab.facts import Pump, check_facts, citations, facts, pumps
from ketalab.protocol import Administration, Program, Target, Treatment, Variant, parse_phrase

PUMPS = sorted(pumps())
STEPS = (
    "150 ng/mL ketamine iv for 30 min by {}, then 300 ng/mL for 20 min, then 250 ng/mL for 90 min"
)
#: (L/kg, then 1/min) as printed by the sources; Kamp's from litres and litres an hour at 70 kg.
PRINTED = {
    "clements": (1.7522, 0.0109, [(0.0186, 0.0137)]),
    "domino": (0.063, 0.4381, [(0.5921, 0.247), (0.59, 0.0146)]),
    "hijazi": (1.08, 0.0333, [(0.0088, 0.003)]),
    "kamp": (
        25 / 70,
        84 / 25 / 60,
        [(161 / 25 / 60, 161 / 56 / 60), (79 / 25 / 60, 79 / 157 / 60)],
    ),
}


def doses_of(text: str) -> tuple[Administration, ...]:
    return parse_phrase(text).administrations


def integrate(
    pump: str, doses: tuple[Administration, ...], points: int = 9
) -> Iterator[tuple[Administration, np.ndarray, np.ndarray]]:
    """Plasma (ng/mL) in the printed model, dose by dose: an integration that shares no code with the pump."""
    v1, k10, peripheries = PRINTED[pump]

    def slopes(rate: float) -> Callable[[float, np.ndarray], np.ndarray]:
        def of(_: float, c: np.ndarray) -> np.ndarray:
            moved = [out * c[0] - back * c[i] for i, (out, back) in enumerate(peripheries, 1)]
            return np.array([rate / v1 - k10 * c[0] - sum(moved), *moved])

        return of

    # Peripheral amounts are carried over the central volume, so that all states are mg/L.
    state, now = np.zeros(1 + len(peripheries)), doses[0].time_h
    for dose in doses:
        if dose.time_h - now > 1e-9:
            span = (0.0, 60 * (dose.time_h - now))
            state = solve_ivp(slopes(0), span, state, "LSODA", rtol=1e-10, atol=1e-12).y[:, -1]
        minutes = 60 * dose.duration_h
        times = np.linspace(0, minutes, points)
        rate = dose.amount / minutes
        solved = solve_ivp(
            slopes(rate), (0, minutes), state, "LSODA", times, rtol=1e-10, atol=1e-12
        )
        yield dose, dose.time_h + times / 60, 1000 * solved.y[0]
        state, now = solved.y[:, -1], dose.end_h


# What the pump gives


@pytest.mark.parametrize("pump", PUMPS)
def test_plasma_is_at_the_target_at_the_end_of_each_interval_and_within_2_percent_between(pump):
    aims = [(0.5, 150.0), (5 / 6, 300.0), (7 / 3, 250.0)]
    starts = {0.0, 0.5, 5 / 6}
    fallen = False
    for dose, times, plasma in integrate(pump, doses_of(STEPS.format(pump))):
        aim = next(aim for end_h, aim in aims if times[-1] <= end_h + 1e-6)
        if dose.amount == 0:
            assert np.all(np.diff(plasma) < 0)
            fallen = plasma[-1] == pytest.approx(250, rel=1e-6)
            continue
        assert plasma[-1] == pytest.approx(aim, rel=1e-6)
        if not any(abs(dose.time_h - start) < 1e-9 for start in starts):
            assert plasma == pytest.approx(np.full(plasma.shape, aim), rel=0.02)
    assert fallen


@pytest.mark.parametrize("pump", PUMPS)
@settings(max_examples=15)
@given(
    st.lists(
        st.tuples(st.sampled_from([0.5, 3, 20, 61]), st.floats(0, 2000)), min_size=1, max_size=4
    )
)
def test_no_rate_is_negative_and_a_step_leaves_no_gap_whatever_the_targets(pump, steps):
    reached, targets = 0.0, []
    for minutes, ng_ml in steps:
        targets.append(Target(reached, minutes / 60, ng_ml))
        reached = targets[-1].end_h
    text = ", then ".join(
        f"{t.ng_ml!r} ng/mL ketamine iv for {60 * t.duration_h!r} min" for t in targets
    )
    doses = doses_of(text.replace(" iv", f" iv by {pump}"))
    assert all(dose.amount >= 0 for dose in doses)
    assert all(b.time_h == pytest.approx(a.end_h, abs=1e-9) for a, b in pairwise(doses))
    assert (doses[0].time_h, doses[-1].end_h) == (0, pytest.approx(reached))
    above = 0.0
    for dose, _, plasma in integrate(pump, doses, points=2):
        (aim,) = (t.ng_ml for t in targets if t.start_h - 1e-9 <= dose.time_h < t.end_h - 1e-9)
        if dose.amount > 0:
            assert plasma[-1] == pytest.approx(aim, rel=1e-5, abs=1e-5)
        above = max(above, aim)
        assert plasma[-1] <= above * (1 + 1e-5) + 1e-5


def test_an_hour_takes_at_most_forty_infusions_and_the_first_lasts_at_most_ten_seconds():
    doses = doses_of("150 ng/mL ketamine iv for 1 h")
    assert len(doses) <= 40
    assert 8 / 3600 < doses[0].duration_h <= 10 / 3600
    assert max(dose.duration_h for dose in doses_of("150 ng/mL ketamine iv for 1 d")) <= 5 / 60


@pytest.mark.parametrize("seconds", [1, 9, 10, 10.5, 29.9, 30, 31, 60])
def test_a_short_step_is_filled_and_no_infusion_is_shorter_than_a_second(seconds):
    doses = doses_of(f"150 ng/mL ketamine iv for {seconds} s")
    assert doses[-1].end_h == pytest.approx(seconds / 3600)
    assert min(dose.duration_h for dose in doses) >= 1 / 3600


def test_the_infusions_are_of_base_per_kilogram_into_a_vein():
    for dose in doses_of("150 ng/mL ketamine iv for 30 min"):
        assert (dose.compound, dose.salt, dose.route) == ("ketamine", "base", "iv")
        assert (dose.per_kg, dose.device) == (True, None)
        assert dose.program == Program("domino", (Target(0.0, 0.5, 150.0),))


def test_a_small_fall_needs_no_pause_and_a_fall_too_deep_is_a_pause_for_the_whole_step():
    down = doses_of("150 ng/mL ketamine iv for 30 min, then 149.999 ng/mL for 30 min")
    assert all(dose.amount > 0 for dose in down)
    stop = doses_of("150 ng/mL ketamine iv for 30 min, then 1 ng/mL for 10 min")
    assert [dose.duration_h for dose in stop if dose.amount == 0] == [pytest.approx(1 / 6)]
    assert [dose.amount for dose in doses_of("0 mg/L ketamine iv for 5 min")] == [0]


def test_a_fall_that_ends_within_the_last_second_of_its_step_is_a_pause_to_the_end():
    text = "150 ng/mL ketamine iv for 30 min, then 100 ng/mL for {} s"
    (fall_h,) = [dose.duration_h for dose in doses_of(text.format(1200)) if dose.amount == 0]
    for more in (0.5, 1.5):
        later = [d for d in doses_of(text.format(fall_h * 3600 + more)) if d.time_h > 0.5 - 1e-9]
        assert [dose.amount == 0 for dose in later] == ([True] if more < 1 else [True, False])


# Which steps one pump is told


def programs(text: str) -> set[Program]:
    return {dose.program for dose in doses_of(text) if dose.program is not None}


def test_the_usual_pump_of_ketamine_is_domino_and_of_esketamine_kamp_and_the_description_says_so():
    assert parse_phrase("150 ng/mL ketamine iv for 30 min").describe().endswith("by domino")
    assert parse_phrase("150 ng/mL s-ketamine iv for 30 min").describe().endswith("by kamp")


@pytest.mark.parametrize(
    "words", ["150 ng/mL", "0.15 ug/mL", "0.15 µg / ml", "150 mcg per L", "0.15 mg/L"]
)
def test_a_target_is_in_mass_per_volume(words):
    same = parse_phrase("150 ng/mL ketamine iv for 30 min by domino")
    assert parse_phrase(f"for 30 min by domino ketamine {words} iv") == same


def test_after_then_a_target_goes_on_with_the_pump_before_it():
    (program,) = programs("150 ng/mL ketamine iv for 30 min by kamp, then 300 ng/mL for 20 min")
    assert program.pump == "kamp"
    assert [(t.start_h, t.ng_ml) for t in program.targets] == [(0, 150), (0.5, 300)]
    fresh = doses_of("300 ng/mL ketamine iv for 20 min by kamp")
    later = doses_of("150 ng/mL ketamine iv for 30 min by kamp, then 300 ng/mL for 20 min")
    (step,) = (dose for dose in later if dose.time_h == pytest.approx(0.5))
    # The bolus that lifts plasma by half of the new target is half of the bolus from nothing, and what is lost.
    assert 0.5 * fresh[0].amount < step.amount < 0.75 * fresh[0].amount


def test_a_pump_goes_on_computing_while_it_pauses_and_while_another_drug_is_given():
    waited = "150 ng/mL ketamine iv for 30 min, then {}200 ng/mL ketamine for 30 min at 1 h"
    (program,) = programs(waited.format(""))
    assert program.targets[1].start_h == 1
    assert programs(waited.format("2 mg midazolam iv bolus at 45 min, then ")) == {program}
    for _, times, plasma in integrate("domino", doses_of(waited.format(""))):
        if times[0] > 1 - 1e-9:
            assert plasma[-1] == pytest.approx(200, rel=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        "150 ng/mL ketamine iv for 30 min by domino, then 300 ng/mL for 30 min by kamp",
        "150 ng/mL ketamine iv for 30 min; 300 ng/mL ketamine iv for 30 min at 30 min",
        "150 ng/mL ketamine iv for 30 min + 300 ng/mL ketamine iv for 30 min at 30 min",
        "150 ng/mL ketamine iv for 30 min, then 300 ng/mL esketamine for 30 min",
        "150 ng/mL ketamine iv for 30 min daily x 2, then 300 ng/mL for 30 min",
        "150 ng/mL ketamine iv for 30 min, then 300 ng/mL for 30 min daily x 2",
    ],
)
def test_another_pump_a_drug_a_chain_or_a_repeat_begins_anew(text):
    assert len(programs(text)) == 2
    assert parse_phrase(parse_phrase(text).describe()) == parse_phrase(text)


def test_each_repeat_begins_with_a_new_pump():
    once = doses_of("150 ng/mL ketamine iv for 30 min")
    twice = doses_of("150 ng/mL ketamine iv for 30 min daily x 2")
    assert [dose.amount for dose in twice] == 2 * [dose.amount for dose in once]
    again = doses_of("150 ng/mL ketamine iv for 30 min, then at 24 h")
    assert [d.amount for d in again[len(once) :]] != [dose.amount for dose in once]


def test_a_program_is_the_same_whenever_it_starts():
    steps = "150 ng/mL ketamine iv for 7 min{}, then 300 ng/mL for 7 min, then 100 ng/mL for 7 min"
    (at_once,) = programs(steps.format(""))
    (later,) = programs("5 mg midazolam im, then " + steps.format(" at 100 d"))
    assert later == at_once


def test_a_target_is_of_base_whatever_form_went_before():
    text = "5 mg ketamine hcl iv bolus, then 150 ng/mL for 1 min, then 5 mg over 1 min"
    salts = {dose.salt: dose.duration_h for dose in doses_of(text) if dose.program is None}
    assert salts == {"hydrochloride": 0, "base": 1 / 60}


# Describing


@pytest.mark.parametrize(
    ("text", "description"),
    [
        (
            "0.15 ug/mL ketamine iv for 30 min, then 300 ng/mL for 1800 s",
            "150 ng/mL ketamine iv for 30 min by domino, then 300 ng/mL for 30 min",
        ),
        (
            "150 ng/mL ketamine iv for 3 h weekly for 2 weeks + 5 mg midazolam im",
            "150 ng/mL ketamine iv for 3 h by domino weekly x 2 + 5 mg midazolam im",
        ),
        (
            "150 ng/mL ketamine iv for 30 min by kamp, then 0 ng/mL for 1 min at 2 h; 5 mg midazolam im",
            "150 ng/mL ketamine iv for 30 min by kamp, then 0 ng/mL for 1 min at 2 h; 5 mg midazolam im",
        ),
        (
            "5 mg midazolam im; 40 ng/mL esketamine iv for 15 min at -1 h, then 80 ng/mL for 15 min at -45 min",
            "40 ng/mL esketamine iv for 15 min by kamp at -60 min, then 80 ng/mL for 15 min at -45 min"
            "; 5 mg midazolam im",
        ),
        (
            "flexible 56 or 84 mg esketamine nasal by device + 150 ng/mL ketamine iv for 5 min",
            "flexible 56 or 84 mg esketamine nasal by device + 150 ng/mL ketamine iv for 5 min by domino",
        ),
    ],
)
def test_a_program_is_described_in_the_words_that_it_was_told(text, description):
    treatment = parse_phrase(text)
    assert treatment.describe() == description
    assert parse_phrase(description) == treatment


def test_the_same_program_twice_is_described_twice():
    treatment = parse_phrase("150 ng/mL ketamine iv for 30 min by domino")
    twice = treatment.merge(treatment)
    assert twice.describe() == f"{treatment.text} + {treatment.text}"
    chain = parse_phrase(STEPS.format("domino"))
    both = chain.merge(chain)
    assert both.describe() == f"{chain.text}; {chain.text}"
    assert parse_phrase(both.describe()) == both


def test_a_chain_of_targets_on_two_days_is_described_twice():
    first = "150 ng/mL ketamine iv for 5 min by domino{}, then 300 ng/mL for 5 min{}"
    text = f"{first.format('', '')}; {first.format(' at 24 h', ' at 1445 min')}"
    treatment = parse_phrase(text)
    assert treatment.describe().count(", then ") == 2
    assert parse_phrase(treatment.describe()).describe() == treatment.describe()


def test_a_program_that_was_not_given_whole_is_described_by_its_infusions():
    doses = doses_of("150 ng/mL ketamine iv for 1 min")
    part = Treatment("by hand", (Variant(1.0, doses[1:]),))
    assert "ng/mL" not in part.describe()
    assert (
        part.describe().count(" mg/kg ketamine iv over ") + part.describe().count(" ug/kg")
        == len(doses) - 1
    )


# Programs and pumps as values


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        ((), "must begin with a step at 0"),
        ((Target(1.0, 1.0, 5.0),), "must begin with a step at 0"),
        ((Target(0.0, 1.0, -5.0),), "must be 0 to 20,000"),
        ((Target(0.0, 1.0, float("nan")),), "must be 0 to 20,000"),
        ((Target(0.0, 1e-6, 5.0),), "at least 1 s"),
        ((Target(0.0, float("inf"), 5.0),), "at least 1 s"),
        ((Target(0.0, 1.0, 5.0), Target(0.5, 1.0, 5.0)), "before the step before it ends"),
    ],
)
def test_a_program_out_of_range_is_refused(targets, words):
    with pytest.raises(ScenarioError) as caught:
        Program("domino", targets)
    assert words in str(caught.value)


@pytest.mark.parametrize("pump", PUMPS)
def test_a_pump_has_the_constants_that_its_source_prints(pump):
    v1, k10, peripheries = pumps()[pump].rate_constants()
    printed_v1, printed_k10, printed = PRINTED[pump]
    assert (v1, k10 / 60) == pytest.approx((printed_v1, printed_k10))
    assert [rate / 60 for pair in peripheries for rate in pair] == pytest.approx(
        [rate for pair in printed for rate in pair]
    )


@pytest.mark.parametrize("pump", PUMPS)
def test_a_pump_is_made_of_facts_that_cite_its_source(pump):
    record = pumps()[pump]
    assert record.citation in citations()
    assert {facts()[name].citation for name in record.facts} == {record.citation}
    assert {facts()[name].grade for name in record.facts} == {"secondary"}
    assert not [line for line in check_facts() if "pump" in line]


def test_no_drug_has_two_usual_pumps():
    usual = [drug for pump in pumps().values() for drug in pump.default_for]
    assert sorted(usual) == ["esketamine", "ketamine"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"constants": {"v1": "pump_domino_v1"}}, "must be, in order"),
        ({"reference_weight": "reference_weight"}, "rate constants must have none"),
        ({"default_for": ("midazolam",)}, "must be among the drugs"),
    ],
)
def test_a_pump_that_is_not_whole_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        Pump.model_validate({**pumps()["domino"].model_dump(), **change})


def test_an_unknown_pump_of_a_program_made_by_hand_is_named_with_the_allowed_ones():
    doses = (
        Administration(
            0.0, 1.0, True, 1.0, "ketamine", program=Program("dominos", (Target(0, 1, 5),))
        ),
    )
    with pytest.raises(ScenarioError, match="pump 'dominos': allowed: clements, domino"):
        Treatment("by hand", (Variant(1.0, doses),)).describe()


def test_a_malformed_pump_file_is_one_line(tmp_path, monkeypatch):
    import ketalab.facts._load as load
    import ketalab.facts._pumps as room

    (tmp_path / "pumps").mkdir()
    (tmp_path / "pumps" / "made.yaml").write_text("id: made\ndrugs: []\n")
    monkeypatch.setattr(load, "DATA", tmp_path)
    with pytest.raises(FactError, match=r"made\.yaml: record 'made'"):
        room.pumps.__wrapped__()
