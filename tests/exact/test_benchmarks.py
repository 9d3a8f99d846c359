"""The benchmark harness calls its cases in turn; whether they are quick is not asked here."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

Imported = Callable[[str], ModuleType]


@pytest.fixture(scope="module")
def bench(repo_root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_run", repo_root / "benchmarks" / "run.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "bench_run", module)
        spec.loader.exec_module(module)
    return module


def test_cases_take_turns_and_the_first_round_does_not_count(bench: ModuleType) -> None:
    calls: list[str] = []
    rows = bench.interleave({name: lambda n=name: calls.append(n) for name in "abc"}, 2)
    assert "".join(calls) == "abc" + "bca" + "cab"
    assert [(row.case, row.rounds) for row in rows] == [("a", 2), ("b", 2), ("c", 2)]


def test_the_first_case_is_what_others_are_compared_with(
    bench: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(bench.time, "perf_counter", lambda: clock[0])

    def lasting(seconds: float) -> None:
        clock[0] += seconds

    rows = bench.interleave({"one": lambda: lasting(2.0), "two": lambda: lasting(6.0)}, 3)
    assert [(row.median_s, row.ratio) for row in rows] == [(2.0, 1.0), (6.0, 3.0)]


def test_no_cases_and_no_rounds_are_refused(bench: ModuleType) -> None:
    with pytest.raises(ValueError, match="0 cases"):
        bench.interleave({}, 1)
    with pytest.raises(ValueError, match="0 rounds"):
        bench.interleave({"a": int}, 0)


def test_the_result_says_on_what_it_was_measured(
    bench: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "list_groups", lambda: {"counting": {"to 10": lambda: range(10)}})
    bench.main(["--rounds", "1", "--json", str(tmp_path / "bench.json"), "counting"])
    text = (tmp_path / "bench.json").read_text(encoding="utf-8")
    assert '"python"' in text
    assert '"ratio": 1.0' in text


# --- other solvers beside it ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def comparison(repo_root: Path) -> Iterator[Callable[[str], ModuleType]]:
    """Imports a module of ``benchmarks/comparison`` by name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(repo_root / "benchmarks"))
        yield lambda name: importlib.import_module(f"comparison.{name}")


def test_an_error_is_relative_with_a_floor_below_the_peak(comparison: Imported) -> None:
    largest_error = comparison("metric").largest_error
    reference = np.array([1.0, 0.1, 1e-6])[:, None, None]
    assert largest_error(reference * [[[1]], [[1.01]], [[1]]], reference) == pytest.approx(0.01)
    # 1e-6 lies below a thousandth of the peak, which is what it is held against.
    assert largest_error(
        reference + np.array([[[0]], [[0]], [[1e-6]]]), reference
    ) == pytest.approx(1e-3)


def test_only_zero_agrees_with_zero_and_no_number_with_nothing(comparison: Imported) -> None:
    largest_error = comparison("metric").largest_error
    zero = np.zeros((2, 1, 1))
    assert largest_error(zero, zero) == 0
    assert largest_error(zero + 1e-300, zero) == np.inf
    assert largest_error(zero + np.nan, zero + 1) == np.inf


def test_the_peak_is_that_of_the_patient_and_the_output(comparison: Imported) -> None:
    largest_error = comparison("metric").largest_error
    reference = np.array([[[1.0, 100.0]], [[1e-4, 1e-4]]])
    made = reference + np.array([[[0.0, 0.0]], [[1e-3, 0.0]]])
    assert largest_error(made, reference) == pytest.approx(1.0)


def test_the_search_finds_the_loosest_half_decade(comparison: Imported) -> None:
    found = comparison("metric").search_tolerance(lambda tolerance: 20 * tolerance)
    assert found.tolerance == pytest.approx(10**-5.5)
    assert found.meets


def test_a_tolerance_that_passes_by_luck_is_not_taken(comparison: Imported) -> None:
    lucky = comparison("metric").search_tolerance(lambda t: 0.0 if t == 1e-4 else 20 * t)
    assert lucky.tolerance == pytest.approx(10**-5.5)
    never = comparison("metric").search_tolerance(lambda t: 1.0)
    assert not never.meets


def test_a_table_says_what_was_not_run_and_marks_a_miss(comparison: Imported) -> None:
    metric = comparison("metric")
    slow = metric.Measured("slow", "plain", 10, 1e-6, 5e-5, cpu_s=[1.0, 2.0], wall_s=[2.0, 4.0])
    fast = metric.Measured("fast", "tuned", 100, None, 2e-4, cpu_s=[1.0, 1.0], wall_s=[1.0, 1.0])
    none = metric.Measured("none", note="not installed")
    assert metric.ratio_to(fast, slow) == pytest.approx(15)
    lines = metric.format_rows([slow, fast, none], slow).splitlines()
    assert lines[2].startswith("| slow | plain | 10 | 1.0e-06 | 5.0e-05 | 6.67 | 3.33 | 1 |")
    assert "**2.0e-04**" in lines[3]
    assert lines[4].startswith("| none | not installed | - |")
    assert metric.format_table([{"n": 1000, "x": 0.5, "y": "z"}]).endswith("| 1,000 | 0.5 | z |")


def test_the_text_of_rates_becomes_formulas(comparison: Imported) -> None:
    text = comparison("text")
    source = (
        "def rates(z, fixed, out):\n    t0 = fixed[2]*z[1]\n"
        "    out[0] = np.maximum(0, t0)**2 - np.exp(-z[0])\n"
        "    out[1] = (1.0 if t0 > 0.0 else 0.0)\n"
    )
    made = text.read_formulas(source)
    assert made.shared == {"t0": "(f2*z1)"}
    assert made.rates[1] == "piecewise(1.0, t0 > 0.0, 0.0)"
    assert text.read_formulas(source, inline=True).rates[1].count("f2*z1") == 1
    space: dict[str, Any] = {"np": np}
    exec(text.array_text(source), space)
    out: list[Any] = [0, 0]
    space["rates"]([np.zeros(2), np.array([-1.0, 2.0])], [0, 0, 1.0], out)
    assert np.allclose(out, [[-1, 3], [0, 1]])


def test_a_polynomial_of_the_degree_is_one_piece(comparison: Imported) -> None:
    limit = comparison("limit")

    def nodes(course: Callable[[Any], Any], stop: float) -> int:
        return int(limit.count_nodes(lambda t: course(t)[:, None], 0.0, stop, np.zeros(1)))

    assert nodes(lambda t: 1 + t**limit.DEGREE, 3.0) == 1 + limit.DEGREE
    # Ten times as long an oscillation asks for about ten times as many.
    one, ten = (nodes(lambda t: 2 + np.sin(t), 2 * np.pi * turns) for turns in (1, 10))
    assert 8 < (ten - 1) / (one - 1) < 12


def test_all_solvers_deliver_the_same_numbers(comparison: Imported) -> None:
    cases, ours = comparison("case"), comparison("ours")
    equations, rules = comparison("equations"), comparison("with_roadrunner")
    case = cases.make_case(2, days=1, times=5)
    assert case.varied > 15
    assert set(case.outputs) <= set(case.states)
    shared = equations.Equations(case)
    solvers = [
        ours.Lockstep(case, "kernel", ""),
        ours.Lockstep(case, "lockstep", ""),
        comparison("with_scipy").Scipy(case, shared),
        *(
            rules.Lean(case, shared, rules.Way(comparison("lean_sbml").Form(reactions=r, events=e)))
            for r, e in ((False, True), (True, False))
        ),
    ]
    reference = cases.solve_reference(case, 1e-10)
    for solver in solvers:
        solver.load()
        solver.run()
        made = solver.outputs(case)
        assert made.shape == (5, len(case.outputs), 2)
        assert comparison("metric").largest_error(made, reference) < 1e-3, solver.setting


def test_cutting_states_leaves_the_others_as_they_are(comparison: Imported) -> None:
    cases, ours = comparison("case"), comparison("ours")
    case = cases.make_case(1, days=1, times=3)
    cut = ours.cut_states(case, 0.5)
    assert 0 < len(cut.problem.order) < len(case.problem.order)
    kept = [len(case.shown) + i for i in cut.problem.order]
    whole, part = (ours.Lockstep(c, "lockstep", "").outputs(c) for c in (case, cut))
    assert np.array_equal(whole[:, kept], part[:, kept])


def test_the_machine_is_described(comparison: Imported) -> None:
    known = comparison("machine").describe()
    assert known["bits of a vector"] >= 128
    assert {"processor", "numba", "libroadrunner"} <= known.keys()
