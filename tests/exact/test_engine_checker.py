"""The checker against what is known: order conditions, a stiff problem with a known solution, each way to fail."""

from __future__ import annotations

import runpy
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations_with_replacement
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ketalab.engine import Problem, Segment, Status, _checker, _lu, _rodas, _tableau, check
from ketalab.errors import ScenarioError, SolutionError

Array = NDArray[np.float64]
write = runpy.run_path(str(Path(__file__).with_name("_equations.py")))["write"]


def make_problem(
    text: str | None, states: int, parameters: Array, initial: Sequence[float], linear: int = 0
) -> Problem:
    """A problem that only the checker can solve."""
    count = parameters.shape[1]
    return Problem(
        linear_names=tuple(f"x{i}" for i in range(linear)),
        state_names=tuple(f"y{i}" for i in range(states)),
        matrix=np.zeros((count, linear, linear)),
        initial=np.array(initial, dtype=float),
        gains=(),
        rates=(),
        constant_rate=(),
        drivers=(),
        order=(),
        loop=False,
        parameters=parameters,
        covariates=np.zeros((0, count)),
        input_names=(),
        source=None if text is None else lambda: text,
    )


# --- the coefficients -----------------------------------------------------------------------------

Tree = tuple  # the trees below a vertex, themselves trees


def list_trees(vertices: int) -> list[Tree]:
    """Every rooted tree with so many vertices."""
    if vertices == 1:
        return [()]
    found = set()
    for sizes in partitions(vertices - 1):
        groups: list[list[Tree]] = [[]]
        for size in set(sizes):
            chosen = combinations_with_replacement(list_trees(size), sizes.count(size))
            groups = [[*g, *c] for c in chosen for g in groups]
        found |= {tuple(sorted(group)) for group in groups}
    return sorted(found)


def partitions(total: int, largest: int | None = None) -> list[list[int]]:
    if total == 0:
        return [[]]
    most = min(total, largest or total)
    return [[part, *rest] for part in range(most, 0, -1) for rest in partitions(total - part, part)]


def vertices(tree: Tree) -> int:
    return 1 + sum(map(vertices, tree))


def density(tree: Tree) -> int:
    """Gamma of a tree: how many vertices hang on each, itself counted, multiplied over all."""
    return int(vertices(tree) * np.prod([density(branch) for branch in tree], dtype=int))


def weights_of(tree: Tree, alpha: Array, beta: Array) -> Array:
    """Elementary weights of the stages: one branch goes by beta, several by alpha (Hairer and Wanner, IV.7)."""
    if len(tree) == 1:
        return beta @ weights_of(tree[0], alpha, beta)
    parts = [alpha @ weights_of(branch, alpha, beta) for branch in tree]
    return np.prod([np.ones(len(alpha)), *parts], axis=0)


def coefficients() -> tuple[Array, Array, Array, Array]:
    """alpha, beta and the weights of the result and of the embedded one, from the form without products with J."""
    a, c, gamma, _ = _tableau.rodas5p()
    big = np.linalg.inv(np.eye(len(a)) / gamma - c)
    alpha = a @ big
    result = a[-1].copy()
    result[-1] = 1.0
    return alpha, alpha + big, result @ big, a[-1] @ big


def misses(weights: Array, order: int) -> list[float]:
    alpha, beta, _, _ = coefficients()
    trees = [tree for size in range(1, order + 1) for tree in list_trees(size)]
    return [abs(weights @ weights_of(tree, alpha, beta) - 1 / density(tree)) for tree in trees]


def test_there_are_as_many_trees_as_in_the_book() -> None:
    assert [len(list_trees(size)) for size in range(1, 7)] == [1, 1, 2, 4, 9, 20]


def test_the_result_has_order_five_and_the_embedded_one_four() -> None:
    _, _, result, embedded = coefficients()
    assert max(misses(result, 5)) < 2e-13
    assert max(misses(embedded, 4)) < 2e-13
    assert max(misses(result, 6)) > 1e-5
    assert max(misses(embedded, 5)) > 1e-5
    assert _tableau.ORDER == 5


def test_the_method_is_stiffly_accurate_and_forgets_what_is_very_stiff() -> None:
    alpha, beta, result, embedded = coefficients()
    np.testing.assert_allclose(beta[-1], result, atol=1e-13)
    np.testing.assert_allclose(alpha[-1], embedded, atol=1e-13)
    np.testing.assert_allclose(alpha[-3:].sum(axis=1), 1.0, atol=1e-13)
    far = 1 - result @ np.linalg.solve(beta + np.eye(8) * 1e-12, np.ones(8))
    assert abs(far) < 1e-9


# --- one step -------------------------------------------------------------------------------------


class Kaps:
    """``y1' = -(1/e + 2) y1 + y2^2 / e``, ``y2' = y1 - y2 - y2^2``: exp(-2 t) and exp(-t) for every e (Kaps 1981)."""

    text = write(
        1,
        ["-(1 / g[0] + 2) * z[0] + z[1] ** 2 / g[0]", "z[0] - z[1] - z[1] ** 2"],
        {
            (0, 0): "-(1 / g[0] + 2)",
            (0, 1): "2 * z[1] / g[0]",
            (1, 0): "1.0",
            (1, 1): "-1 - 2 * z[1]",
        },
    )

    def __init__(self, stiffness: float) -> None:
        self.e = np.array([1 / stiffness])

    @staticmethod
    def rates(z: Array, g: Array, out: Array) -> None:
        out[:] = -(1 / g[0] + 2) * z[0] + z[1] ** 2 / g[0], z[0] - z[1] - z[1] ** 2

    def error(self, steps: int) -> float:
        """Of y2 after two hours in equal steps, by the plain functions, uncompiled."""
        z, method, h = np.ones(2), _tableau.rodas5p(), 2 / steps
        room = _rodas.make_room(2, 8)
        for _ in range(steps):
            self.rates(z, self.e, room[7][0])
            room[0][:] = [[-(1 / self.e[0] + 2), 2 * z[1] / self.e[0]], [1.0, -1 - 2 * z[1]]]
            assert _rodas.take_step(self.rates, self.e, np.zeros(2), method, h, z, room[7][0], room)
            z = room[7][1].copy()
        return float(abs(z[1] - np.exp(-2)))


@pytest.mark.parametrize(("stiffness", "steps"), [(1.0, 32), (10.0, 32), (1e7, 8)])
def test_half_the_step_has_the_error_of_the_order(stiffness: float, steps: int) -> None:
    problem = Kaps(stiffness)
    one, two = problem.error(steps), problem.error(2 * steps)
    assert np.log2(one / two) > 4.6
    assert two < 1e-10


@given(st.integers(1, 12), st.floats(0.05, 1), st.integers(0, 2**32 - 1))
def test_factors_solve_what_they_were_made_from(size: int, filled: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(size, size)) * (rng.uniform(size=(size, size)) < filled)
    matrix += (
        np.eye(size)[rng.permutation(size)] * 4
    )  # needs exchanges of rows, and is regular mostly
    if np.linalg.cond(matrix) > 1e8:
        return
    _, w, pivots, starts, rows, values, _, _ = _rodas.make_room(size, 8)
    w[:] = matrix.T
    assert _lu.factor(w, pivots)
    _lu.compress(w, starts, rows, values)
    x = rng.normal(size=size)
    solved = x.copy()
    _lu.substitute(w, pivots, starts, rows, values, solved)
    np.testing.assert_allclose(matrix @ solved, x, atol=1e-6)


def test_a_singular_matrix_has_no_factors() -> None:
    w = np.array([[1.0, 2.0], [2.0, 4.0]])
    assert not _lu.factor(w, np.zeros(2, dtype=int))
    assert not _lu.factor(np.full((2, 2), np.nan), np.zeros(2, dtype=int))


@pytest.mark.parametrize(
    ("new", "difference"), [(np.nan, 0.0), (np.inf, 0.0), (1.0, np.nan), (1.0, np.inf)]
)
def test_no_number_ever_counts_as_a_small_error(new: float, difference: float) -> None:
    states, differences = np.array([1.0, new, 1.0]), np.array([0.0, difference, 0.0])
    error, place = _rodas.measure(np.ones(3), states, differences, 1e-9, 1e-12)
    assert np.isnan(error)
    assert place == 1


# --- the integration ------------------------------------------------------------------------------


@pytest.mark.parametrize("rtol", [1e-5, 1e-7, 1e-9, 1e-11])
def test_the_error_follows_the_tolerance_however_stiff(rtol: float) -> None:
    stiffness = np.array([[1.0, 1e-3, 1e-6, 1e-9]])
    problem = make_problem(Kaps.text, 2, stiffness, [1.0, 1.0])
    times = np.linspace(0, 5, 21)
    made = check(problem, (Segment(0.0, 5.0),), times, rtol=rtol, atol=1e-3 * rtol)
    assert not made.failed
    expected = np.exp(-np.array([2.0, 1.0])[None, :, None] * times[:, None, None])
    error = np.max(np.abs(made.states / expected - 1))
    assert error < 10 * rtol
    assert error > 1e-16


def test_events_fall_where_they_should() -> None:
    text = write(1, ["-g[0] * z[0]"], {(0, 0): "-g[0]"})
    problem = make_problem(text, 0, np.array([[1.0, 3.0]]), [], linear=1)
    schedule = (
        Segment(-1.0, 1.0),
        Segment(1.0, 3.0, ((0, np.array([2.0, 4.0])), (0, np.array(1.0)))),
        Segment(3.0, 4.0, inflow=((0, np.array(5.0)),)),
    )
    times = np.array([-1.0, 1.0, 1.0, 2.0, 3.0, 4.0])
    made = check(problem, schedule, times).linear[:, 0]
    for patient, k in enumerate((1.0, 3.0)):
        start = (3.0, 5.0)[patient]
        end = start * np.exp(-2 * k)
        last = end * np.exp(-k) + 5 / k * -np.expm1(-k)
        expected = [0, start, start, start * np.exp(-k), end, last]
        np.testing.assert_allclose(made[:, patient], expected, rtol=1e-8)


def test_a_patient_has_the_same_bytes_alone_and_among_others() -> None:
    problem = make_problem(Kaps.text, 2, np.array([[1.0, 1e-2, 1e-4]]), [1.0, 1.0])
    times = np.linspace(0, 2, 5)
    together = check(problem, (Segment(0.0, 2.0),), times).states
    alone = check(problem.take([1]), (Segment(0.0, 2.0),), times).states
    assert alone.tobytes() == together[:, :, [1]].tobytes()


# --- failures -------------------------------------------------------------------------------------


def grower(power: int) -> str:
    """``y' = p y^power``; at a power of two it is infinite at 1 / p."""
    return write(1, [f"g[0] * z[0] ** {power}"], {(0, 0): f"{power} * g[0] * z[0] ** {power - 1}"})


def test_every_status_is_a_message_and_a_code_of_the_integrator() -> None:
    assert [getattr(_rodas, status.name) for status in Status] == list(range(len(Status)))
    assert [status for status in Status if not status.value] == [Status.OK]
    assert len({status.value for status in Status}) == len(Status)


def reason(problem: Problem, hours: float = 2.0) -> str:
    """Why the second of two patients fails; the first must not."""
    made = check(problem, (Segment(0.0, hours),), np.array([0.0, hours]))
    assert set(made.failed) == {1}
    assert np.isfinite(made.states[:, :, 0]).all()
    assert np.isnan(made.states[-1, :, 1]).all()
    return made.failed[1]


def test_a_patient_who_runs_away_fails_with_time_and_state() -> None:
    why = reason(make_problem(grower(2), 1, np.array([[0.1, 1.0]]), [1.0]))
    assert why.startswith((Status.NO_NUMBER.value, Status.STEP_TOO_SMALL.value))
    assert "at 1 h (y0)" in why


def test_growth_beyond_all_numbers_is_told() -> None:
    why = reason(make_problem(grower(1), 1, np.array([[0.1, 1000.0]]), [1.0]))
    assert why.startswith((Status.NO_NUMBER.value, Status.STEP_TOO_SMALL.value))
    assert (
        0.65 < float(why.split(" at ")[1].split()[0]) < 0.7098
    )  # where exp(1000 t) leaves the numbers


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_rate_that_is_no_number_is_told(value: float) -> None:
    why = reason(make_problem(grower(1), 1, np.array([[0.1, value]]), [1.0]))
    assert why == f"{Status.NO_NUMBER.value}, at 0 h (y0)"


def test_a_state_that_is_no_number_is_told_though_no_rate_reads_it() -> None:
    text = write(1, ["0.0", "-g[0] * z[1]"], {(1, 1): "-g[0]"})
    problem = make_problem(text, 1, np.ones((1, 2)), [1.0], linear=1)
    bolus = Segment(0.0, 1.0, ((0, np.array([1.0, np.nan])),))
    made = check(problem, (bolus,), np.array([0.0, 1.0]))
    assert set(made.failed) == {1}
    assert Status.NO_NUMBER.value in made.failed[1]
    assert "x0" in made.failed[1]


def test_steps_that_never_meet_the_tolerance_are_told() -> None:
    """A rate that is another at every call: no step, however short, agrees with the embedded one."""
    text = write(1, ["np.sin(1e30 * z[0]) * 1e20 if g[0] > 0.5 else 0.0"], {})
    why = reason(make_problem(text, 1, np.array([[0.1, 1.0]]), [1.0]))
    assert why.startswith(Status.STEP_TOO_SMALL.value)


def test_a_matrix_without_pivots_is_told() -> None:
    # Of 1/h beside 1e300 nothing is left, so that the rows are the same however short the step.
    far = {(i, j): ("-" if i == j else "") + "g[0]" for i in (0, 1) for j in (0, 1)}
    problem = make_problem(
        write(1, ["-z[0]", "-z[1]"], far), 2, np.array([[1.0, 1e300]]), [1.0, 2.0]
    )
    assert reason(problem).startswith(Status.SINGULAR.value)


def test_too_many_steps_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_checker, "MOST_STEPS", 50)
    text = write(
        1, ["g[0] * z[1]", "-g[0] * z[0]"], {(0, 1): "g[0]", (1, 0): "-g[0]"}
    )  # turns for ever
    why = reason(make_problem(text, 2, np.array([[0.1, 1000.0]]), [1.0, 0.0]))
    assert why.startswith(Status.TOO_MANY_STEPS.value)


def test_a_problem_without_text_is_not_checked() -> None:
    with pytest.raises(SolutionError, match="text of the equations"):
        check(make_problem(None, 1, np.ones((1, 1)), [1.0]), (Segment(0.0, 1.0),), np.zeros(1))


@pytest.mark.parametrize("rate", ["nothing_of_this_name(z)", "'text'"])
def test_a_text_that_cannot_be_compiled_is_one_clear_line(rate: str) -> None:
    problem = make_problem(write(1, [rate], {}), 1, np.ones((1, 1)), [1.0])
    with pytest.raises(SolutionError, match="the checker cannot be compiled: ") as raised:
        check(problem, (Segment(0.0, 1.0),), np.zeros(1))
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize("times", [[-0.5], [2.5], [1.0, 0.5], [np.nan]])
def test_times_outside_or_not_rising_are_refused(times: list[float]) -> None:
    problem = make_problem(grower(1), 1, np.ones((1, 1)), [1.0])
    with pytest.raises(ScenarioError):
        check(problem, (Segment(0.0, 2.0),), np.array(times))


def test_a_wrong_jacobian_costs_steps_and_not_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    right = make_problem(Kaps.text, 2, np.array([[1.0]]), [1.0, 1.0])
    text = write(1, ["-3 * z[0] + z[1] ** 2", "z[0] - z[1] - z[1] ** 2"], {})
    wrong = replace(right, source=lambda: text)
    times = np.array([0.0, 2.0])
    one, two = (check(p, (Segment(0.0, 2.0),), times).states for p in (right, wrong))
    np.testing.assert_allclose(one, two, rtol=1e-6)
