"""The lockstep scheme on small problems of our own: grids, events, one loop, and what happens when it fails."""

from __future__ import annotations

import runpy
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ketalab.engine import (
    Problem,
    Schedule,
    Segment,
    _grid,
    _lockstep,
    build_grid,
    check,
    grid_times,
    solve,
)
from ketalab.errors import KetalabError, SolutionError

Array = NDArray[np.float64]
Function = Callable[..., Any]
texts = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("_equations.py"))))


def make_problem(
    gains: Sequence[Function],
    rates: Sequence[Function],
    constant: Sequence[bool],
    parameters: Array,
    *,
    matrix: Array | None = None,
    initial: Sequence[float] | None = None,
    loop: bool = False,
    inputs: tuple[str, ...] = (),
    text: str | None = None,
) -> Problem:
    """States in cascade order behind the last linear state (by default one that decays); ``text`` says all of it."""
    n = parameters.shape[1]
    matrix = np.full((n, 1, 1), -1.0) if matrix is None else matrix
    driver = matrix.shape[1] - 1
    return Problem(
        linear_names=tuple(f"x{i}" for i in range(driver + 1)),
        state_names=tuple(f"y{i}" for i in range(len(gains))),
        matrix=matrix,
        initial=np.array(initial if initial is not None else [0.0] * len(gains)),
        gains=tuple(gains),
        rates=tuple(rates),
        constant_rate=tuple(constant),
        drivers=(driver,),
        order=tuple(range(len(gains))),
        loop=loop,
        parameters=parameters,
        covariates=np.zeros((0, n)),
        input_names=inputs,
        source=None if text is None else lambda: text,
    )


def follower(rates: Sequence[float], constant: bool = True, initial: float = 0.0) -> Problem:
    """``dy/dt = x - k y``, one patient a rate."""
    return make_problem(
        [lambda d, y, p, c, i: d[0]],
        [lambda d, y, p, c, i: p[0]],
        [constant],
        np.array([rates]),
        initial=[initial],
    )


def bolus(*patients: float) -> tuple[tuple[int, Array], ...]:
    return ((0, np.array(patients if len(patients) > 1 else patients[0])),)


def one_bolus(hours: float) -> Schedule:
    return (Segment(0.0, hours, bolus(1.0)),)


def looped(count: int, seed: int = 0) -> Problem:
    """Three states in a loop, the second with a rate that the third moves, behind two linear states."""
    p = np.exp(np.random.default_rng(seed).normal(0, 0.4, (4, count)))
    matrix = np.zeros((count, 2, 2))
    matrix[:, 0, 0], matrix[:, 1, 0], matrix[:, 1, 1] = -p[3], p[3], -0.5
    return make_problem(
        [
            lambda d, y, p, c, i: d[0] + p[0] * y[2] / (1 + y[2]),
            lambda d, y, p, c, i: y[0],
            lambda d, y, p, c, i: p[2] * y[1],
        ],
        [
            lambda d, y, p, c, i: 1.0,
            lambda d, y, p, c, i: p[1] * (1 + y[2]),
            lambda d, y, p, c, i: 0.3 + 0 * p[0],
        ],
        [True, False, True],
        p,
        matrix=matrix,
        initial=[0.0, 0.2, 0.0],
        loop=True,
        text=texts.LOOPED,
    )


LOOPED = (
    Segment(0.0, 1.0, bolus(1.0)),
    Segment(1.0, 1.5, (), bolus(4.0)),
    Segment(1.5, 30.0),
)


# --- the grid -------------------------------------------------------------------------------------


def test_the_steps_of_a_segment_fill_it_and_each_begins_at_a_multiple_of_itself() -> None:
    schedule = (*LOOPED, Segment(30.0, 31.0, bolus(2.0)), Segment(31.0, 32.0, bolus(2.0)))
    grid = build_grid(looped(5), schedule)
    assert len(grid) == len(schedule)
    for levels in grid:
        places = np.cumsum([0.0, *(2.0**-level for level in levels)])
        assert places[-1] == 1.0
        for place, level in zip(places[:-1], levels, strict=True):
            assert (place * 2**level) % 1 == 0
    assert grid[3] == grid[4]
    times = grid_times(grid, schedule)
    assert {0.0, 1.0, 1.5, 30.0, 31.0, 32.0} <= set(times.tolist())
    assert np.all(np.diff(times) > 0)


@st.composite
def dyadic(draw: st.DrawFn) -> tuple[int, ...]:
    """Steps of a segment, by halving some of them again and again."""
    levels = [0]
    for _ in range(draw(st.integers(0, 6))):
        place = draw(st.integers(0, len(levels) - 1))
        levels[place : place + 1] = [levels[place] + 1] * 2
    return tuple(levels)


@given(dyadic(), dyadic())
def test_merged_steps_refine_both(one: tuple[int, ...], two: tuple[int, ...]) -> None:
    def edges(levels: tuple[int, ...]) -> set[float]:
        return set(np.cumsum([2.0**-level for level in levels]).tolist())

    merged = _grid._merge(one, two)
    assert edges(merged) == edges(one) | edges(two)


@pytest.mark.parametrize("rate", [0.01, 1.5, 40.0, 2000.0])
def test_a_pilot_grid_reaches_its_accuracy(rate: float) -> None:
    problem, schedule = follower([rate, rate * 1.3]), one_bolus(24.0)
    times = np.linspace(0, 24, 97)
    states = solve(problem, schedule, build_grid(problem, schedule), times).states[:, 0]
    for n, k in enumerate((rate, rate * 1.3)):
        expected = (np.exp(-times) - np.exp(-k * times)) / (k - 1)
        size = np.maximum(expected, 1e-3 * expected.max())
        assert np.max(np.abs(states[:, n] - expected) / size) < 1e-4


def count_stages(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Fail a test whose engine works on and on."""
    calls = [0]
    stages = _lockstep.Stepper.stages

    def counted(*arguments: Any) -> Array:
        calls[0] += 1
        if calls[0] > most:
            pytest.fail("the grid is refined for ever")
        return stages(*arguments)

    monkeypatch.setattr(_lockstep.Stepper, "stages", counted)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_model_at_rest_asks_for_no_steps_on_account_of_rounding(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    varied = np.exp(np.random.default_rng(seed).normal(0, 0.4, (3, 8)))
    problem = make_problem(
        [
            lambda d, y, p, c, i: (1 + 0.6 * d[0]) / p[0],
            lambda d, y, p, c, i: (1 + 4 * (y[0] - 1)) / p[1],
            lambda d, y, p, c, i: (y[1] - 1) / 2.4,
        ],
        [lambda d, y, p, c, i, n=n: 1 / p[n] for n in range(3)],
        [True] * 3,
        varied * np.array([[0.5], [2.0], [76.0]]),
        initial=[1.0, 1.0, 0.0],
    )
    count_stages(monkeypatch, 2000)
    (levels,) = build_grid(problem, (Segment(0.0, 168.0),))
    assert len(levels) < 40


# --- events ---------------------------------------------------------------------------------------


def test_at_the_time_of_an_event_the_value_is_that_after_it() -> None:
    problem = follower([0.5, 2.0])
    schedule = (
        Segment(0.0, 1.0),
        Segment(1.0, 3.0, bolus(2.0, 4.0)),
        Segment(3.0, 4.0, bolus(1.0)),
    )
    times = np.array([0.0, 1.0, 1.0, 3.0, 4.0])
    solution = solve(problem, schedule, ((3,) * 8,) * 3, times)
    after = 2 * np.exp(-2.0) + 1
    np.testing.assert_allclose(solution.linear[:, 0, 0], [0, 2, 2, after, after / np.e], rtol=1e-14)
    np.testing.assert_array_equal(solution.linear[1, 0], [2.0, 4.0])
    np.testing.assert_array_equal(solution.states[:3], 0.0)
    assert np.all(solution.states[3:] > 0)


def test_boluses_at_one_instant_add_up_and_infusions_overlap() -> None:
    problem = follower([1.5])
    twice = (Segment(0.0, 2.0, bolus(1.0) + bolus(2.0), bolus(0.5) + bolus(1.5)),)
    once = (Segment(0.0, 2.0, bolus(3.0), bolus(2.0)),)
    times = np.linspace(0, 2, 9)
    one, two = (solve(problem, s, ((3,) * 8,), times) for s in (once, twice))
    np.testing.assert_array_equal(one.linear, two.linear)
    np.testing.assert_allclose(
        one.linear[:, 0, 0], 3 * np.exp(-times) + 2 * -np.expm1(-times), rtol=1e-14
    )


@pytest.mark.parametrize("solver", ["solve", "check"])
def test_inputs_change_from_segment_to_segment(solver: str) -> None:
    problem = make_problem(
        [lambda d, y, p, c, i: i[0] * p[0]],
        [lambda d, y, p, c, i: p[0] + i[1]],
        [False],
        np.array([[0.5, 2.0]]),
        inputs=("drive", "drain"),
        text=texts.INPUTS,
    )
    schedule = (
        Segment(0.0, 2.0, inputs={"drive": np.array([1.0, 3.0]), "drain": 0.0}),
        Segment(2.0, 5.0, inputs={"drive": 0.0, "drain": np.array([0.25, 0.0])}),
    )
    times = np.array([2.0, 5.0])
    if solver == "check":
        states = check(problem, schedule, times).states[:, 0]
    else:
        states = solve(problem, schedule, ((4,) * 16,) * 2, times).states[:, 0]
    first = np.array([1.0, 3.0]) * -np.expm1(-2 * np.array([0.5, 2.0]))
    np.testing.assert_allclose(states[0], first, rtol=1e-6)
    np.testing.assert_allclose(states[1], first * np.exp([-3 * 0.75, -3 * 2.0]), rtol=1e-6)


@pytest.mark.parametrize("time", [-0.5, 2.5])
def test_a_time_outside_the_schedule_is_not_answered(time: float) -> None:
    with pytest.raises((ValueError, KetalabError)):
        solve(follower([1.0]), one_bolus(2.0), ((2,) * 4,), np.sort(np.array([1.0, time])))


# --- one feedback loop ----------------------------------------------------------------------------


def test_a_loop_with_a_rate_that_moves_agrees_with_the_checker() -> None:
    grid = build_grid(looped(6), LOOPED)
    times = np.unique(np.concatenate([np.linspace(0, 30, 31), [1.5]]))
    problem = looped(3, seed=7)
    made = solve(problem, LOOPED, grid, times)
    reference = check(problem, LOOPED, times)
    assert not made.failed
    assert not reference.failed
    np.testing.assert_allclose(made.linear, reference.linear, rtol=1e-6, atol=1e-9)
    size = np.maximum(np.abs(reference.states), 1e-3 * np.abs(reference.states).max(axis=0))
    assert np.max(np.abs(made.states - reference.states) / size) < 2e-5


def test_a_loop_is_swept_until_it_no_longer_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    grid = tuple((2,) * 4 for _ in LOOPED)  # steps so long that the sweeps have work to do
    times = np.array([1.5, 4.0, 30.0])
    made = solve(looped(6), LOOPED, grid, times).states
    monkeypatch.setattr(_lockstep, "_SETTLED", 1e-14)
    monkeypatch.setattr(_lockstep, "_SWEEPS", 200)
    longer = solve(looped(6), LOOPED, grid, times).states
    np.testing.assert_allclose(made, longer, rtol=1e-7)


@pytest.mark.parametrize("constant", [True, False])
def test_a_rate_declared_constant_or_not_gives_the_same_course(constant: bool) -> None:
    times = np.linspace(0, 10, 21)
    states = solve(follower([0.2, 5.0], constant), one_bolus(10.0), ((5,) * 32,), times).states
    other = solve(follower([0.2, 5.0], not constant), one_bolus(10.0), ((5,) * 32,), times).states
    np.testing.assert_allclose(states, other, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("members", [[0], [5], [0, 1], [3, 9, 4], list(range(17))])
def test_a_patient_in_a_loop_has_the_same_bytes_alone_and_among_others(members: list[int]) -> None:
    problem, times = looped(20), np.linspace(0, 30, 31)
    grid = build_grid(looped(4, seed=9), LOOPED)
    together = solve(problem, LOOPED, grid, times)
    alone = solve(problem.take(members), LOOPED, grid, times)
    np.testing.assert_array_equal(alone.linear, together.linear[:, :, members])
    np.testing.assert_array_equal(alone.states, together.states[:, :, members])


# --- failures -------------------------------------------------------------------------------------


def runaway() -> Problem:
    """Two states that feed each other; the second patient's grow without bound at about 0.9 h."""
    return make_problem(
        [lambda d, y, p, c, i: 0 * y[0], lambda d, y, p, c, i: p[0] * y[0]],
        [lambda d, y, p, c, i: -p[0] * y[1], lambda d, y, p, c, i: 0.5 + 0 * y[1]],
        [False, False],
        np.array([[0.01, 1.5, 0.02]]),
        initial=[1.0, 1.0],
        loop=True,
        text=texts.RUNAWAY,
    )


def broken(value: float, where: str) -> Problem:
    """Three patients, of whom the second has a number that is none."""
    numbers = np.array([1.0, value, 1.0])
    matrix = np.full((3, 1, 1), -1.0)
    if where == "matrix":
        matrix[1] = value
    rows = ("gain", "rate", "matrix")
    parameters = np.stack([numbers if where == name else np.ones(3) for name in rows])
    return make_problem(
        [lambda d, y, p, c, i: d[0] * p[0]],
        [lambda d, y, p, c, i: p[1]],
        [True],
        parameters,
        matrix=matrix,
        initial=[0.5],
        text=texts.BROKEN,
    )


@pytest.mark.parametrize("solver", ["solve", "check"])
def test_a_patient_that_blows_up_fails_with_a_reason_and_the_others_do_not(solver: str) -> None:
    problem, schedule, times = runaway(), (Segment(0.0, 2.0),), np.array([0.0, 0.25, 1.5, 2.0])
    grid = build_grid(problem.take([0, 2]), schedule)
    made = (
        check(problem, schedule, times)
        if solver == "check"
        else solve(problem, schedule, grid, times)
    )
    assert set(made.failed) == {1}
    assert made.failed[1]
    good = solve(problem.take([0, 2]), schedule, grid, times)
    assert not good.failed
    np.testing.assert_allclose(made.states[:, :, [0, 2]], good.states, rtol=1e-5)


@pytest.mark.parametrize("solver", ["solve", "check"])
@pytest.mark.parametrize("where", ["gain", "rate", "matrix"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_number_that_is_none_fails_its_own_patient_only(
    where: str, value: float, solver: str
) -> None:
    problem, schedule, times = broken(value, where), one_bolus(3.0), np.array([0.0, 1.0, 3.0])
    if solver == "check":
        made = check(problem, schedule, times)
    else:
        made = solve(problem, schedule, ((4,) * 16,), times)
    assert set(made.failed) == {1}
    assert made.failed[1]
    assert np.all(np.isfinite(made.states[:, :, [0, 2]]))


@pytest.mark.parametrize("where", ["gain", "matrix"])
def test_a_pilot_that_is_no_number_is_refused_and_not_refined_for_ever(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    count_stages(monkeypatch, 200_000)
    with pytest.raises(SolutionError):
        build_grid(broken(np.nan, where), one_bolus(3.0))


def test_a_patient_too_fast_for_the_grid_is_not_answered_with_a_wrong_number() -> None:
    """Growth at 80 an hour on steps of 22 minutes: the scheme alone would let it decay."""
    problem, schedule = follower([1.0, -80.0], initial=1.0), one_bolus(24.0)
    grid = build_grid(problem.take([0]), schedule)
    made = solve(problem, schedule, grid, np.array([0.0, 4.0]))
    assert 1 in made.failed or made.states[1, 0, 1] == pytest.approx(np.exp(320.0), rel=0.01)


def test_a_patient_with_rates_far_faster_than_the_others_is_exact() -> None:
    problem = follower([1.0, 1.0])
    problem.matrix[1] = -5000.0
    made = solve(problem, one_bolus(3.0), ((4,) * 16,), np.array([0.0, 1e-3, 3.0]))
    assert not made.failed
    first = made.linear[0, 0, 1]
    np.testing.assert_allclose(made.linear[1, 0, 1], first * np.exp(-5.0), rtol=1e-9)
