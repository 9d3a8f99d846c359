"""The benchmark harness calls its cases in turn; whether they are quick is not asked here."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


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
