"""Large runs: the same bytes however the work is split, the figures of a run in memory, nothing lost once written."""

from __future__ import annotations

import json
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from ketalab.errors import InputError, OutputError, ScenarioError, SolutionError
from ketalab.laboratory import Scenario, _ranges, simulate, using_facts
from ketalab.laboratory.execution import (
    Folder,
    GivenRoom,
    InUseError,
    StoppedError,
    list_runs,
    resume,
    start,
)
from ketalab.laboratory.execution._chunks import CHUNK_BYTES, choose_size, group_rows
from ketalab.laboratory.execution._durable import PART
from ketalab.laboratory.execution._folder import scenario_of
from ketalab.laboratory.execution._lock import hold
from ketalab.laboratory.execution._worker import keep_memory, peak_mb
from ketalab.people import Population

from ._large import OUTPUTS, Inline, Losing, quick, table_of

DEPTHS = ("p:ordinary", "p:dissociated", "p:khole", "p:unresponsive")


@pytest.fixture(autouse=True)
def _own_list_of_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KETALAB_DATA", str(tmp_path / "data"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The table of an undisturbed run of one chunk."""
    return table_of(quick(), tmp_path_factory.mktemp("whole") / "run", 30)


# --- the same bytes and figures -------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 7, 16, None])
def test_no_byte_depends_on_the_size_of_chunks(whole: bytes, tmp_path: Path, size) -> None:
    assert table_of(quick(), tmp_path / "run", size) == whole


def test_no_byte_depends_on_the_executor_or_the_order(whole: bytes, tmp_path: Path) -> None:
    with ThreadPoolExecutor(3) as pool:
        made = start(quick(), tmp_path / "run", GivenRoom(pool, 3), size=4)
    assert made.table.read_bytes() == whole
    assert Path(made.folder / "summary.json").exists()


def test_the_groups_of_rows_depend_on_the_width_alone(tmp_path: Path, monkeypatch) -> None:
    from ketalab.laboratory.execution import _table

    monkeypatch.setattr(_table, "group_rows", lambda columns: 8)
    tables = {table_of(quick(), tmp_path / f"run{size}", size) for size in (3, 8, 11, 30)}
    assert len(tables) == 1
    person = pl.read_parquet(tables.pop())["person"]
    assert person.to_list() == list(range(30))


@pytest.mark.parametrize(
    "options",
    [
        {"outputs": (*DEPTHS, "state:dissociation", "score:MADRS"), "times": (0, 1, 24)},
        {"phrase": "flexible 56 or 84 mg esketamine nasal", "outputs": OUTPUTS},
    ],
    ids=["adults with courses and states", "a mix of regimens"],
)
def test_the_document_is_that_of_the_run_in_memory(tmp_path: Path, options: dict[str, Any]) -> None:
    scenario = Scenario.parse(**{"patients": 20, "days": 1, "seed": 2, **options})
    made = start(scenario, tmp_path / "run", GivenRoom(Inline()), size=9)
    expected = simulate(scenario)
    assert made.result.document() == expected.document()
    assert json.loads((tmp_path / "run/summary.json").read_text()) == expected.document()
    table = pl.read_parquet(made.table)
    for name, figures in expected.figures.items():
        for figure, values in figures.items():
            assert np.array_equal(table[f"{name} {figure}"].to_numpy(), values, equal_nan=True)
    for name in expected.values if scenario.times else ():
        for hour, values in zip(expected.times, expected.values[name], strict=True):
            assert np.array_equal(table[f"{name} t={hour:g}"].to_numpy(), values)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"population": Population(age=9.0, weight_kg=30.0)},
        {"species": "rat", "phrase": "10 mg/kg ketamine ip"},
        {"with_phrase": "50 mg naltrexone oral", "times": (1, 2), "behaviour": "reinforcing"},
        {"hypotheses": {"opioid_gate": 1}, "failed": "keep", "engine": "checker"},
        {
            "population": Population.parse(
                {"age": {"mean": 40, "sd": 5}, "genotype": {"bdnf": "val/met"}}
            )
        },
    ],
)
def test_a_scenario_comes_back_from_its_document(options: dict[str, Any]) -> None:
    scenario = Scenario.parse(**options)
    back = scenario_of(json.loads(json.dumps(scenario.to_dict())))
    assert back == scenario
    assert back.hash() == scenario.hash()


# --- nothing is lost ------------------------------------------------------------------------------


def spoil(path: Path, how: str) -> None:
    content = path.read_bytes()
    if how == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif how == "one bit":
        path.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    elif how == "empty":
        path.write_bytes(b"")
    else:
        path.unlink()


@pytest.mark.parametrize("how", ["truncated", "one bit", "empty", "missing"])
@pytest.mark.parametrize("ending", [".parquet", ".json"])
def test_a_spoiled_chunk_is_computed_again_and_no_other(
    whole: bytes, tmp_path: Path, how: str, ending: str
) -> None:
    folder = tmp_path / "run"
    start(quick(), folder, GivenRoom(Inline()), size=10)
    if ending == ".json" and how == "one bit":
        record = Folder(folder).record(1)
        record.write_text(record.read_text().replace('"sha256": "', '"sha256": "0'))
    else:
        spoil(Folder(folder).chunk(1).with_suffix(ending), how)
    Folder(folder).result.unlink()
    room, said = Losing({}), []
    made = resume(folder, room, say=said.append)
    assert room.computed == [1]
    assert said[0].startswith("2 of 3 chunks are there; ")
    assert made.table.read_bytes() == whole
    assert not list(folder.rglob(f"{PART}*"))


def test_a_spoiled_result_is_put_together_again_without_computing(whole: bytes, tmp_path) -> None:
    folder = tmp_path / "run"
    start(quick(), folder, GivenRoom(Inline()), size=10)
    spoil(Folder(folder).result, "one bit")
    room = Losing({})
    assert resume(folder, room).table.read_bytes() == whole
    assert room.computed == []


def test_a_chunk_that_is_spoiled_while_others_are_computed_is_found(whole, tmp_path) -> None:
    folder = tmp_path / "run"

    class Spoiling(Losing):
        def submit(self, task):
            if task.number == 2:
                spoil(Folder(folder).chunk(0), "one bit")
            return super().submit(task)

    room = Spoiling({})
    assert start(quick(), folder, room, size=10).table.read_bytes() == whole
    assert sorted(room.computed) == [0, 0, 1, 2]


def test_what_a_crash_left_half_written_is_swept(whole: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    start(quick(), folder, GivenRoom(Inline()), size=10)
    left = Folder(folder).chunk(0).with_name(f"{PART}x")
    left.write_bytes(b"half")
    resume(folder, Losing({}))
    assert not left.exists()


def test_lost_chunks_are_handed_out_again(whole: bytes, tmp_path: Path) -> None:
    room = Losing({0: 2, 2: 1})
    assert start(quick(), tmp_path / "run", room, size=10).table.read_bytes() == whole
    assert sorted(room.computed) == [0, 1, 2]


def test_a_chunk_that_kills_its_workers_ends_the_run_which_can_go_on(whole, tmp_path) -> None:
    folder = tmp_path / "run"
    with pytest.raises(
        StoppedError, match=r"lost with their worker 3 times; . of 3 chunks are kept"
    ):
        start(quick(), folder, Losing({1: 99}), size=10)
    assert Folder(folder).read_manifest().status == "failed"
    room = Losing({})
    assert resume(folder, room).table.read_bytes() == whole
    assert 0 not in room.computed


def test_a_room_that_cannot_be_made_anew_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(StoppedError, match="go on with: ketalab simulate --resume"):
        start(quick(), tmp_path / "run", Losing({1: 1}, renews=False), size=10)


def test_a_request_to_end_keeps_what_is_written(whole: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "run"

    def interrupt(done: float, total: int) -> None:
        if done >= 10:
            raise KeyboardInterrupt

    with pytest.raises(StoppedError, match=r"^interrupted; . of 3 chunks are kept; go on") as stop:
        start(quick(), folder, GivenRoom(Inline()), size=10, progress=interrupt)
    assert stop.value.code == 130
    assert [run["status"] for run in list_runs()] == ["interrupted"]
    assert resume(folder, Losing({})).table.read_bytes() == whole
    assert [run["status"] for run in list_runs()] == ["done"]


# --- refusals -------------------------------------------------------------------------------------


def test_what_cannot_be_simulated_leaves_no_folder(tmp_path: Path) -> None:
    for options in ({"outputs": ("plasma:x",)}, {"phrase": "50 mg ketamine ip"}):
        with pytest.raises(ScenarioError):
            start(quick(**options), tmp_path / "run", Losing({}))
    assert not (tmp_path / "run").exists()


def test_a_folder_that_holds_something_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="it is not empty"):
        start(quick(), tmp_path, Losing({}))
    table_of(quick(), tmp_path / "run", 30)
    with pytest.raises(OutputError, match="goes on with it"):
        start(quick(), tmp_path / "run", Losing({}))
    with pytest.raises(OutputError, match="does not exist"):
        start(quick(), tmp_path / "no" / "run", Losing({}))
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_two_runs_in_one_folder_are_refused(tmp_path: Path) -> None:
    table_of(quick(), tmp_path / "run", 30)
    with hold(tmp_path / "run"):
        with pytest.raises(InUseError, match=rf"another run works in .*process {os.getpid()}"):
            resume(tmp_path / "run", Losing({}))
        assert list_runs()[0]["status"] == "done"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"hash": "0" * 64}, "its scenario and its hash differ"),
        ({"versions": {"numpy": "1.0"}}, "begun with numpy 1.0, and here is"),
        ({"size": 0}, "chunks of 0 patients"),
        ({"size": "many"}, "chunks of 'many' patients"),
        ({"scenario": {}}, "not a manifest"),
        ({"schema": 2}, "schema 1"),
        ({"extra": 1}, "not a manifest"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused_in_one_line(tmp_path, change, words) -> None:
    table_of(quick(), tmp_path / "run", 30)
    manifest = Folder(tmp_path / "run").manifest
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), **change}))
    with pytest.raises(InputError, match=words) as refused:
        resume(tmp_path / "run", Losing({}))
    assert "\n" not in str(refused.value)


def test_constants_that_only_this_process_knows_are_refused(tmp_path: Path) -> None:
    with (
        using_facts({"adult_weight": 80.0}),
        pytest.raises(ScenarioError, match="as they are packaged"),
    ):
        start(quick(), tmp_path / "run", Losing({}))


def test_more_patients_than_memory_holds_go_into_a_folder() -> None:
    with pytest.raises(ScenarioError, match="more go into a folder"):
        simulate(quick(10_000_000))


def test_a_patient_without_a_solution_stops_the_run_or_is_left_out(tmp_path, monkeypatch) -> None:
    made = _ranges.individuals

    def spoiled(model: Any, people: Any, streams: Any, kind: Any) -> Any:
        drawn = made(model, people, streams, kind)
        drawn.parameters[:, people.index == 13] = np.nan
        return drawn

    monkeypatch.setattr(_ranges, "individuals", spoiled)
    with pytest.raises(SolutionError, match="patient 13 failed"):
        start(quick(engine="numpy"), tmp_path / "run", Losing({}), size=10)
    kept = quick(failed="keep", engine="numpy")
    result = start(kept, tmp_path / "kept", Losing({}), size=10).result
    expected = simulate(kept)
    assert list(result.failed) == [13]
    assert result.document() == expected.document()


# --- sizes, memory, the list of runs --------------------------------------------------------------


@pytest.mark.parametrize("patients", [1, 64, 1000, 10**5, 10**7, 10**9])
@pytest.mark.parametrize("workers", [1, 2, 64])
@pytest.mark.parametrize("columns", [3, 30, 2500])
def test_a_chunk_fits_memory_and_there_are_enough_of_them(patients, workers, columns) -> None:
    size = choose_size(patients, workers, columns)
    assert size >= 1
    assert size * columns * 8 <= CHUNK_BYTES or size == 64
    if patients >= 10**5:
        assert -(-patients // size) >= 8 * workers or columns == 2500
    if columns == 3:
        assert -(-patients // size) <= 22_000


def test_a_group_of_rows_is_a_power_of_two_that_shrinks_with_the_width() -> None:
    sizes = [group_rows(columns) for columns in (1, 10, 100, 1000, 10_000)]
    assert sizes == sorted(sizes, reverse=True)
    assert all(size & (size - 1) == 0 for size in sizes)


def test_the_memory_of_workers_is_on_record(tmp_path: Path) -> None:
    table_of(quick(), tmp_path / "run", 10)
    measured = Folder(tmp_path / "run").read_manifest().workers
    (peak,) = measured["peak_mb"].values()
    assert 20 < peak <= peak_mb() + 1


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="a setting of glibc")
def test_the_allocator_of_a_cluster_is_set_right(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_memory.cache_clear()
    monkeypatch.delenv("MALLOC_TRIM_THRESHOLD_", raising=False)
    assert not keep_memory()
    keep_memory.cache_clear()
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "65536")
    assert keep_memory()
    keep_memory.cache_clear()


def test_a_list_of_runs_that_cannot_be_written_is_said_once_and_stops_nothing(
    whole: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv("KETALAB_DATA", str(blocked / "data"))
    assert table_of(quick(), tmp_path / "run", 30) == whole
    said = capsys.readouterr().err
    assert said.count("warning: the list of runs") == 1


def test_a_list_of_runs_that_is_none_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/runs.sqlite").write_text("no database" * 100)
    with pytest.raises(InputError, match="cannot be read"):
        list_runs()


def test_a_run_that_nobody_works_on_is_interrupted_and_one_without_a_folder_missing(
    tmp_path,
) -> None:
    table_of(quick(), tmp_path / "run", 30)
    with sqlite3.connect(tmp_path / "data/runs.sqlite") as table:
        table.execute("update runs set status = 'running'")
    assert [run["status"] for run in list_runs()] == ["interrupted"]
    with hold(tmp_path / "run"):
        assert [run["status"] for run in list_runs()] == ["running"]
    Folder(tmp_path / "run").manifest.unlink()
    assert [run["status"] for run in list_runs()] == ["missing"]
