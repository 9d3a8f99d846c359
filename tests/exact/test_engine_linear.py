"""Linear states alone, states that no dose reaches, and inputs that move the matrix."""

from __future__ import annotations

import runpy
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ketalab.engine import (
    Ladder,
    Problem,
    Schedule,
    Segment,
    build_grid,
    check,
    halve_grid,
    radau,
    solve,
    split_blocks,
)
from ketalab.engine import _flow as flow_module
from ketalab.engine._flow import Flow

Array = NDArray[np.float64]
enzymes = runpy.run_path(str(Path(__file__).with_name("_enzymes.py")))
integrate = runpy.run_path(str(Path(__file__).parents[1].joinpath("agreement", "_scipy_radau.py")))[
    "integrate"
]
STATES = enzymes["STATES"]
DEPOT, CENTRAL, OTHER = STATES.index("depot"), STATES.index("central"), STATES.index("other_depot")
MINE = slice(0, 5)
NODES = radau(4).nodes


def one(value: float) -> Array:
    return np.array(value)


def course(*activities: Array | float, count: int = 3) -> Schedule:
    """A bolus into the depot, an infusion until 2 h; the activity changes at 2, 5, ... h."""
    edges = [0.0, 2.0, 5.0, 12.0, 24.0][: len(activities) + 1]
    dose = np.linspace(1.0, 2.0, count)
    return tuple(
        Segment(
            edges[i],
            edges[i + 1],
            ((DEPOT, dose),) if i == 0 else (),
            ((CENTRAL, one(0.7)),) if i == 0 else (),
            {"activity": activity, "shift": 0.0},
        )
        for i, activity in enumerate(activities)
    )


def coarse(schedule: Schedule) -> tuple[tuple[int, ...], ...]:
    return ((0,),) * len(schedule)


def answer(problem: Problem, schedule: Schedule, times: Array) -> Array:
    return solve(problem, schedule, coarse(schedule), times).linear


# --- linear states alone --------------------------------------------------------------------------


def exact(schedule: Schedule, patient: int, rates: Array, time: float) -> Array:
    """States of one person at a time, by exponentials with many digits."""
    with mpmath.workdps(50):
        x = mpmath.zeros(9, 1)
        for segment in schedule:
            part = segment.take([patient])
            for state, amount in part.boluses:
                x[state] += float(np.ravel(amount)[0])
            full = np.zeros((9, 9))
            full[:8, :8] = enzymes["matrix"](rates, float(np.ravel(part.inputs["activity"])[0]))
            for state, rate in part.inflow:
                full[state, 8] += float(np.ravel(rate)[0])
            x[8] = 1
            hours = mpmath.mpf(min(time, segment.stop)) - mpmath.mpf(segment.start)
            x = mpmath.expm(mpmath.matrix(full.tolist()) * hours) * x
            if time <= segment.stop:
                break
        return np.array([float(value) for value in x][:8])


def test_linear_states_alone_are_exact_at_any_time() -> None:
    problem, schedule = enzymes["problem"](3), course(1.0, 1.0, 1.0)
    times = np.array([0.0, 1e-6, 0.4, 1.999, 2.0, 3.3, 7.0, 11.9, 12.0])
    made = answer(problem, schedule, times)
    assert made.shape == (9, 8, 3)
    for patient in range(3):
        for number, time in enumerate(times):
            expected = exact(schedule, patient, problem.parameters[:, patient], time)
            np.testing.assert_allclose(made[number, :, patient], expected, rtol=2e-14, atol=1e-28)


def test_the_grid_of_linear_states_alone_is_that_of_the_segments_and_any_other_gives_the_same() -> (
    None
):
    problem, schedule = enzymes["problem"](3), course(1.0, 0.3, 1.0)
    grid = build_grid(problem, schedule)
    assert grid == ((0,), (0,), (0,))
    times, heard = np.linspace(0, 12, 7), list[float]()
    first = solve(problem, schedule, grid, times, tell=heard.append)
    assert solve(problem, schedule, halve_grid(grid), times).linear.tobytes() == (
        first.linear.tobytes()
    )
    assert first.states.shape == (7, 0, 3)
    assert not first.failed
    assert heard == [1 / 3, 2 / 3, 1.0]


def test_a_time_has_the_same_bytes_whatever_else_is_asked() -> None:
    problem, schedule = enzymes["problem"](3), course(1.0, 0.3, 1.0)
    times = np.unique(np.append(np.random.default_rng(0).uniform(0, 12, 50), [0, 2, 12]))
    every = answer(problem, schedule, times)
    for some in ([0], [17], [3, 4, 5, 40], list(range(1, 53, 2))):
        assert answer(problem, schedule, times[some]).tobytes() == every[some].tobytes()


@settings(max_examples=30)
@given(st.floats(1e-3, 800), st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_times_together_are_as_one_after_the_other(length: float, shares: list[float]) -> None:
    a = np.stack([enzymes["matrix"](rates, 1.0) for rates in enzymes["people"](4).parameters.T])
    a[1] *= 300.0  # one far faster than the others
    (block, _) = split_blocks(a, {CENTRAL})
    ladder = Ladder(block, length, NODES, (), 3)
    x = np.random.default_rng(0).uniform(size=block.matrix.shape[:2])
    hours = np.sort(shares) * length
    together = ladder.sample(x, hours)
    for made, time in zip(together, hours, strict=True):
        alone = ladder.advance(x, float(time))
        np.testing.assert_allclose(made, alone, rtol=1e-12, atol=1e-28)


def test_who_has_no_numbers_fails_alone() -> None:
    problem, schedule = enzymes["problem"](3), course(1.0, 1.0, 1.0)
    times = np.linspace(0, 12, 5)
    well = answer(problem, schedule, times)
    parameters = problem.parameters.copy()
    parameters[2, 1] = np.nan
    broken = replace(problem, parameters=parameters)
    made = solve(broken, schedule, coarse(schedule), times)
    assert made.failed == {1: "its linear part is not a finite number"}
    assert made.linear[:, :, [0, 2]].tobytes() == well[:, :, [0, 2]].tobytes()
    # The same from an input, which may be one a person.
    bad = course(1.0, np.array([1.0, np.nan, 1.0]), 1.0)
    made = solve(problem, bad, coarse(bad), times)
    assert made.failed == {1: "its linear part is not a finite number"}
    assert made.linear[:, :, [0, 2]].tobytes() == well[:, :, [0, 2]].tobytes()


# --- what no dose reaches -------------------------------------------------------------------------


def test_what_no_dose_reaches_is_left_out_and_exactly_zero() -> None:
    problem, schedule = enzymes["problem"](3), course(1.0, 0.3, 1.0)
    flow = Flow(problem, schedule, NODES)
    assert [block.index for block in flow.blocks] == [(0, 1, 2, 3, 4)]
    made = answer(problem, schedule, np.linspace(0, 12, 9))
    assert not made[:, 5:].any()
    assert made[1:, MINE].all()
    # Into the central compartment the depot is upstream, and left out too.
    inside = tuple(replace(s, boluses=((CENTRAL, one(1.0)),)) for s in schedule)
    assert [b.index for b in Flow(problem, inside, NODES).blocks] == [(1, 2, 3, 4)]
    both = (replace(schedule[0], boluses=((OTHER, one(1.0)), *schedule[0].boluses)),)
    assert [b.index for b in Flow(problem, both, NODES).blocks] == [(0, 1, 2, 3, 4), (5, 6, 7)]
    nothing = (Segment(0.0, 1.0, (), (), schedule[0].inputs),)
    assert Flow(problem, nothing, NODES).blocks == ()
    assert not answer(problem, nothing, np.array([0.0, 0.5, 1.0])).any()


def test_an_amount_of_zero_still_reaches() -> None:
    """Who gets how much is no reason to leave a state out: another person may get more."""
    problem, schedule = enzymes["problem"](3), course(1.0)
    zero = (replace(schedule[0], boluses=((OTHER, np.zeros(3)),)),)
    assert [b.index for b in Flow(problem, zero, NODES).blocks] == [(1, 2, 3, 4), (5, 6, 7)]


def test_what_is_left_out_does_not_depend_on_who_is_simulated() -> None:
    # A person without metabolism: the entries are zero, the places are not left out.
    problem, schedule = enzymes["problem"](3), course(1.0, 0.3, 1.0)
    parameters = problem.parameters.copy()
    parameters[2, 1] = 0.0
    problem, times = replace(problem, parameters=parameters), np.linspace(0, 12, 9)
    every = answer(problem, schedule, times)
    alone = tuple(segment.take([1, 1]) for segment in schedule)
    assert [b.index for b in Flow(problem.take([1, 1]), alone, NODES).blocks] == [(0, 1, 2, 3, 4)]
    made = answer(problem.take([1, 1]), alone, times)
    assert made[:, :, 0].tobytes() == every[:, :, 1].tobytes()
    assert not every[:, [3, 4], 1].any()


def test_a_state_that_reads_what_is_never_reached_reads_zero() -> None:
    n = 3
    problem = replace(
        enzymes["problem"](n),
        state_names=("y",),
        initial=np.array([2.0]),
        gains=(lambda d, y, p, c, i: d[0] + 3 * d[1],),
        rates=(lambda d, y, p, c, i: 0 * d[1] + 1.0,),
        constant_rate=(False,),
        drivers=(STATES.index("other"), STATES.index("deep")),
        order=(0,),
    )
    schedule = course(1.0, 0.3, 1.0)
    times = np.linspace(0, 12, 13)
    grid = build_grid(problem, schedule)
    made = solve(problem, schedule, grid, times)
    swapped = replace(
        problem,
        drivers=problem.drivers[::-1],
        gains=(lambda d, y, p, c, i: d[1] + 3 * d[0],),
        rates=(lambda d, y, p, c, i: 0 * d[0] + 1.0,),
    )
    assert solve(swapped, schedule, grid, times).states.tobytes() == made.states.tobytes()
    nothing = (Segment(0.0, 12.0, (), (), schedule[0].inputs),)
    rest = solve(problem, nothing, build_grid(problem, nothing), times).states[:, 0]
    np.testing.assert_allclose(rest, 2 * np.exp(-times)[:, None] * np.ones(n), atol=1e-6)
    assert (made.states[1:, 0] > rest[1:]).all()


# --- inputs that move the matrix ------------------------------------------------------------------

STEPS = (1.0, 0.3, 1.0)
PERSONAL = (1.0, np.array([0.3, 1.0, 0.05]), np.array([1.0, 1.0, 2.0]))


@pytest.mark.parametrize("activities", [STEPS, PERSONAL], ids=["alike", "one a person"])
def test_an_activity_that_steps_is_followed_exactly(
    activities: tuple[Array | float, ...],
) -> None:
    problem, schedule = enzymes["problem"](3), course(*activities)
    times = np.array([0.5, 2.0, 2.001, 4.0, 5.0, 8.0, 12.0])
    made = answer(problem, schedule, times)
    for patient in range(3):
        for number, time in enumerate(times):
            expected = exact(schedule, patient, problem.parameters[:, patient], time)
            np.testing.assert_allclose(made[number, :, patient], expected, rtol=2e-14, atol=1e-28)
    # Nothing is lost or made.
    given_mass = np.linspace(1, 2, 3) + 0.7 * np.minimum(times, 2.0)[:, None]
    np.testing.assert_allclose(made.sum(axis=1), given_mass, rtol=1e-12)


@pytest.mark.parametrize("activities", [STEPS, PERSONAL], ids=["alike", "one a person"])
def test_the_checker_and_scipy_follow_it_too(activities: tuple[Array | float, ...]) -> None:
    problem, schedule = enzymes["problem"](3), course(*activities)
    times = np.linspace(0.25, 12, 12)
    made = answer(problem, schedule, times)
    checked = check(problem, schedule, times).linear
    reference = integrate(problem, lambda *_: [], schedule, times, rtol=1e-11, atol=1e-14)
    for other in (checked, reference):
        np.testing.assert_allclose(made, other, rtol=1e-8, atol=1e-12)
    still = answer(problem, course(1.0, 1.0, 1.0), times)
    assert np.abs(still[6:, MINE, 0] / made[6:, MINE, 0] - 1).max() > 0.1


def test_a_person_has_the_same_bytes_whoever_else_has_an_inhibitor() -> None:
    """Nobody's ladders are made again, or for another length, because somebody else's matrix moves."""
    problem = enzymes["problem"](3)
    edges = np.append(np.cumsum([0.1] * 8) - 0.1, 2.0)  # lengths that differ in the last digits
    assert len(set(np.diff(edges)[:7])) > 1
    activity = [np.array([1.0, 1.0 - 0.1 * i, 1.0]) for i in range(8)]
    schedule = tuple(
        Segment(a, b, ((DEPOT, np.ones(3)),), (), {"activity": activity[i], "shift": 0.0})
        for i, (a, b) in enumerate(pairwise(edges))
    )
    times = np.linspace(0, 2, 33)
    every = answer(problem, schedule, times)
    for patient in range(3):
        alone = tuple(segment.take([patient, patient]) for segment in schedule)
        made = answer(problem.take([patient, patient]), alone, times)
        assert made[:, :, 0].tobytes() == every[:, :, patient].tobytes()
    # Lengths that differ by rounding share a ladder: who has the usual matrix has one for the first seven.
    flow = Flow(problem.take([0]), tuple(segment.take([0]) for segment in schedule), NODES)
    made = {id(flow.propagators(segment.take([0]), 2).ladders[0]) for segment in schedule}
    assert len(made) == 2


def test_matrices_and_ladders_that_are_alike_are_made_once() -> None:
    problem, asked = enzymes["problem"](3), list[Array]()
    moved = problem.moved
    assert moved is not None

    def counted(parameters: Array, covariates: Array, inputs: list[Array]) -> Array:
        asked.append(inputs[0])
        return np.asarray(moved(parameters, covariates, inputs))

    problem = replace(problem, moved=counted)
    # Values given as a number, or one a person, are alike; the shift moves no rate.
    segments = [
        Segment(
            float(i),
            i + 1.0,
            ((DEPOT, one(1.0)), (OTHER, one(1.0))),
            (),
            {"activity": activity, "shift": float(i)},
        )
        for i, activity in enumerate([1.0, 0.3, np.ones(3), 0.3, np.full(3, 0.3)])
    ]
    flow = Flow(problem, tuple(segments), NODES)
    assert len(asked) == len(flow.variants) == 2
    made = [flow.propagators(segment, 2).ladders for segment in segments]
    assert made[0][0] is made[2][0]
    assert made[1][0] is made[3][0] is made[4][0]
    assert made[0][0] is not made[1][0]
    # The other hand is moved by nothing.
    assert len({id(ladders[1]) for ladders in made}) == 1
    assert flow.propagators(segments[0], 3).ladders[0] is not made[0][0]


def test_ladders_that_are_forgotten_are_made_again_with_the_same_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem, schedule = enzymes["problem"](3), course(1.0, 0.3, 1.0, 0.3)
    times = np.linspace(0, 24, 33)
    kept = answer(problem, schedule, times)
    monkeypatch.setattr(flow_module, "_MOST_KEPT", 0)
    assert answer(problem, schedule, times).tobytes() == kept.tobytes()
    flow = Flow(problem, schedule, NODES)
    for segment in (*schedule, *schedule):
        flow.propagators(segment, 1)
    assert len(flow._ladders) == 1


def test_states_that_nothing_drives_have_steps_of_their_own() -> None:
    alone = Problem(
        linear_names=(),
        state_names=("y",),
        matrix=np.zeros((2, 0, 0)),
        initial=np.zeros(1),
        gains=(lambda d, y, p, c, i: p[0],),
        rates=(lambda d, y, p, c, i: p[0],),
        constant_rate=(True,),
        drivers=(),
        order=(0,),
        loop=False,
        parameters=np.array([[0.5, 1.0]]),
        covariates=np.zeros((0, 2)),
        input_names=(),
    )
    schedule, times = (Segment(0.0, 10.0),), np.array([0.0, 1.0, 10.0])
    made = solve(alone, schedule, build_grid(alone, schedule), times)
    expected = 1 - np.exp(-alone.parameters * times[:, None])
    np.testing.assert_allclose(made.states[:, 0], expected, rtol=1e-5)
