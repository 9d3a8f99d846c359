"""A bank of patients: the same people in every arm, whoever else is in it, and replicates taken from it."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from ketalab.errors import ScenarioError, SolutionError
from ketalab.laboratory import (
    Course,
    PatientBank,
    Prepared,
    _bank,
    body_model,
    build_bank,
    individuals,
    prepare,
    run,
    score_effects,
    study_settings,
)
from ketalab.people import Population, Streams, draw
from ketalab.protocol import parse_phrase

OUTPUTS = ("plasma:venous:ketamine", "symptom:depression")
TIMES = np.array([0.0, 1.0, 24.0])
PHRASES = {
    "half": "0.5 mg/kg ketamine iv over 40 min",
    "tenth": "0.1 mg/kg ketamine iv over 40 min",
}


@cache
def arms() -> dict[str, Prepared]:
    return {
        arm: prepare(Course(parse_phrase(phrase).administrations, 24.0), solver="lockstep")
        for arm, phrase in PHRASES.items()
    }


@cache
def bank() -> PatientBank:
    return build_bank(arms(), OUTPUTS, TIMES, draws=4, patients=6, seed=3)


def same(one: PatientBank, two: PatientBank) -> bool:
    """Whether two banks hold the same bytes in the arms of the first."""
    return all(
        one.values[arm][name].tobytes() == two.values[arm][name].tobytes()
        for arm in one.values
        for name in OUTPUTS
    )


# --- what is in it --------------------------------------------------------------------------------


def test_a_bank_holds_what_a_run_of_those_people_gives() -> None:
    streams, ready = Streams(3), arms()["half"]
    people = draw(Population(), streams, 6, replicates=range(4))
    drawn = individuals(ready.model, people, streams, "replicate")
    settings = study_settings(ready.model, people, streams, "replicate")
    settings |= {k: x[people.replicate] for k, x in score_effects(streams, 4).items()}
    made, _ = run(ready, drawn, people.weight, TIMES, OUTPUTS, settings=settings)
    for name in OUTPUTS:
        course = bank().values["half"][name]
        assert course.shape == (3, 4, 6)
        assert course.tobytes() == made[name].tobytes()


def test_patients_of_a_draw_share_constants_and_setting_and_are_different_people() -> None:
    depression = bank().values["half"]["symptom:depression"][-1]
    assert len(np.unique(depression)) == depression.size
    fixed = Population(weight_kg=70.0)
    ready = arms()["half"]
    people = draw(fixed, Streams(3), 2, replicates=range(2))
    constants = individuals(ready.model, people, Streams(3), "replicate", vary=False).parameters
    np.testing.assert_array_equal(constants[:, 0], constants[:, 1])
    assert (constants[:, 0] != constants[:, 2]).sum() > 50


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    again = build_bank(arms(), OUTPUTS, TIMES, draws=4, patients=6, seed=3)
    other = build_bank(arms(), OUTPUTS, TIMES, draws=4, patients=6, seed=4)
    assert same(again, bank())
    assert not same(other, bank())


def test_the_order_of_arms_and_what_other_arms_there_are_move_no_byte() -> None:
    turned = dict(reversed(arms().items()))
    assert same(build_bank(turned, OUTPUTS, TIMES, draws=4, patients=6, seed=3), bank())
    alone = build_bank({"tenth": arms()["tenth"]}, OUTPUTS, TIMES, draws=4, patients=6, seed=3)
    assert same(alone, bank())
    assert same(bank().take(["tenth"]), alone)
    assert bank().take(["tenth"]).checks == alone.checks


def test_a_larger_bank_begins_with_the_smaller() -> None:
    larger = build_bank(arms(), OUTPUTS, TIMES, draws=5, patients=8, seed=3)
    for name in OUTPUTS:
        part = larger.values["half"][name][:, :4, :6]
        assert part.tobytes() == bank().values["half"][name].tobytes()


def test_the_work_may_be_cut_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_bank, "_AT_ONCE", 7)
    heard: list[float] = []
    cut = build_bank(arms(), OUTPUTS, TIMES, draws=4, patients=6, seed=3, tell=heard.append)
    assert same(cut, bank())
    assert cut.checks == bank().checks
    assert heard == sorted(heard)
    assert heard[-1] == pytest.approx(1.0)


def test_without_effects_relief_does_not_differ_from_study_to_study() -> None:
    plain = build_bank(arms(), OUTPUTS, TIMES, draws=4, patients=6, seed=3, effects=False)
    relief, plasma = "symptom:depression", "plasma:venous:ketamine"
    assert not np.array_equal(plain.values["half"][relief], bank().values["half"][relief])
    assert np.array_equal(plain.values["half"][plasma], bank().values["half"][plasma])


# --- what is taken from it ------------------------------------------------------------------------


def test_a_replicate_has_distinct_patients_of_one_draw() -> None:
    chosen = bank().resample(5, 40, seed=1)
    assert chosen.draws.shape == (40,)
    for arm in PHRASES:
        who = chosen.patients[arm]
        assert who.shape == (40, 5)
        assert all(len(set(row)) == 5 for row in who.tolist())
        assert who.min() == 0
        assert who.max() == 5
    # Each draw as often as the others.
    assert np.bincount(chosen.draws, minlength=4).tolist() == [10, 10, 10, 10]


def test_with_a_draw_for_each_replicate_none_is_used_twice() -> None:
    for seed in range(5):
        assert sorted(bank().resample(2, 4, seed).draws.tolist()) == [0, 1, 2, 3]


def test_gathered_courses_are_those_of_the_chosen() -> None:
    chosen = bank().resample(3, 7, seed=2)
    made = bank().gather("half", "symptom:depression", chosen)
    course = bank().values["half"]["symptom:depression"]
    assert made.shape == (3, 7, 3)
    for replicate in range(7):
        for place in range(3):
            who = chosen.patients["half"][replicate, place]
            expected = course[:, chosen.draws[replicate], who]
            np.testing.assert_array_equal(made[:, replicate, place], expected)


def test_a_larger_n_contains_the_smaller_and_more_replicates_begin_with_the_fewer() -> None:
    few, many = bank().resample(2, 6, seed=9), bank().resample(5, 30, seed=9)
    np.testing.assert_array_equal(many.patients["half"][:6, :2], few.patients["half"])
    np.testing.assert_array_equal(many.draws[:6], few.draws)


def test_every_arm_has_the_same_patients_of_one_number_and_others_in_parallel_groups() -> None:
    crossed = bank().resample(4, 9)
    np.testing.assert_array_equal(crossed.patients["half"], crossed.patients["tenth"])
    parallel = bank().resample({"tenth": 2, "half": 4}, 9)
    turned = bank().resample({"half": 4, "tenth": 2}, 9)
    for arm, n in (("half", 4), ("tenth", 2)):
        assert parallel.patients[arm].shape == (9, n)
        np.testing.assert_array_equal(parallel.patients[arm], turned.patients[arm])
    both = np.concatenate([parallel.patients["half"], parallel.patients["tenth"]], axis=1)
    assert all(len(set(row)) == 6 for row in both.tolist())


def test_the_choice_is_that_of_its_seed() -> None:
    one, again, other = (bank().resample(3, 20, seed) for seed in (1, 1, 2))
    assert one.draws.tobytes() == again.draws.tobytes()
    assert one.patients["half"].tobytes() == again.patients["half"].tobytes()
    assert one.patients["half"].tobytes() != other.patients["half"].tobytes()
    assert one.draws.tobytes() != other.draws.tobytes()


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "replicates", "says"),
    [
        (7, 1, "n: 7 patients are more than the 6 that the bank has in each draw"),
        ({"half": 4, "tenth": 3}, 1, "n: 7 patients are more than the 6"),
        (0, 1, "n: 0 is not allowed; allowed: at least 1 patient"),
        ({"half": 2, "tenth": 0}, 1, "n: {'half': 2, 'tenth': 0} is not allowed"),
        ({}, 1, "n: {} is not allowed"),
        (
            {"halt": 2},
            1,
            "arm 'halt' is not in the bank; there are half, tenth; did you mean 'half",
        ),
        (2, 0, "replicates: 0 is not allowed; allowed: at least 1"),
    ],
)
def test_a_choice_that_cannot_be_made_is_refused_in_one_line(
    n: int | dict[str, int], replicates: int, says: str
) -> None:
    with pytest.raises(ScenarioError) as caught:
        bank().resample(n, replicates)
    assert str(caught.value).startswith(says)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"arms": {}}, "arms: none is given"),
        (
            {"outputs": ("symptom:depresion",)},
            "output 'symptom:depresion' is unknown; did you mean",
        ),
        ({"draws": 0}, "draws: 0 is not allowed; allowed: at least 1"),
        ({"patients": -1}, "patients: -1 is not allowed; allowed: at least 1"),
        (
            {"draws": 10**5, "patients": 10**4},
            "a bank of 2 arms, 2 outputs, 3 times and 100000 draws",
        ),
    ],
)
def test_a_bank_that_cannot_be_built_is_refused_in_one_line(
    options: dict[str, object], says: str
) -> None:
    given = {"arms": arms(), "outputs": OUTPUTS, "draws": 2, "patients": 2, **options}
    with pytest.raises(ScenarioError) as caught:
        build_bank(times=TIMES, **given)  # type: ignore[arg-type]
    assert str(caught.value).startswith(says)
    assert "\n" not in str(caught.value)


def test_arms_of_two_models_are_refused() -> None:
    body = prepare(arms()["half"].course, model=body_model())
    with pytest.raises(ScenarioError, match="arms: they are prepared for several models"):
        build_bank({**arms(), "body": body}, OUTPUTS[:1], TIMES, draws=1, patients=1)


def test_a_patient_without_a_solution_is_named_with_the_arm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    integrate = _bank.integrate

    def failing(*arguments: object, **options: object) -> object:
        made = integrate(*arguments, **options)  # type: ignore[arg-type]
        made.account.failed[1] = "no reason"
        return made

    monkeypatch.setattr(_bank, "integrate", failing)
    with pytest.raises(SolutionError, match=r"arm 'half': .*patient 1 of replicate 0: no reason"):
        build_bank(arms(), OUTPUTS, TIMES, draws=1, patients=2)
