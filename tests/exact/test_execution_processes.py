"""Large runs among real processes: workers and leaders are killed, disks are full, two go on at once."""

from __future__ import annotations

import json
import os
import resource
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from ketalab.laboratory import Scenario

from ._large import quick, table_of

KETALAB = Path(sys.executable).with_name("ketalab")
PATIENTS = 1500
WORDS = ["--patients", str(PATIENTS), "--days", "1", "--age", "9", "--seed", "5", "--output"]
WORDS += ["plasma:venous:ketamine", "plasma:venous:norketamine"]
PATIENCE_S = 120.0


def scenario() -> Scenario:
    return quick(PATIENTS)


@pytest.fixture(autouse=True)
def _own_list_of_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KETALAB_DATA", str(tmp_path / "data"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The table of an undisturbed run, in this process."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KETALAB_DATA", str(folder / "data"))
        return table_of(scenario(), folder / "run")


def begin(folder: Path, *more: str, limit: int | None = None) -> subprocess.Popen[str]:
    """A run from the command line, in a process group of its own."""

    def small_files() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.Popen(
        [KETALAB, "simulate", *WORDS, "--out", f"{folder.name}/", "--workers", "2", *more],
        cwd=folder.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=small_files,
    )


def kill(run: subprocess.Popen[str]) -> None:
    """End the leader alone; its workers hold the other end of the pipe until they notice."""
    run.kill()
    run.communicate(timeout=PATIENCE_S)


def go_on(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [KETALAB, "simulate", "--resume", str(folder), *more]
    return subprocess.run(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
    )


def workers_of(run: subprocess.Popen[str]) -> list[psutil.Process]:
    inner = psutil.Process(run.pid).children(recursive=True)
    return [p for p in inner if "spawn_main" in " ".join(p.cmdline())]


def wait_for_chunks(run: subprocess.Popen[str], folder: Path, count: int) -> None:
    """Wait until some chunks are written and the run is not over."""
    until = time.monotonic() + PATIENCE_S
    while len(list(folder.glob("chunks/*/*.json"))) < count:
        assert run.poll() is None, run.communicate()
        assert time.monotonic() < until
        time.sleep(0.005)


def wait_until_gone(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=20)
    assert not alive


def status_of(folder: Path) -> str:
    (row,) = json.loads(subprocess.check_output([KETALAB, "runs", "--json"], text=True))
    assert row["folder"] == str(folder)
    return row["status"]


def test_a_killed_run_goes_on_to_the_same_bytes(whole: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run = begin(folder)
    wait_for_chunks(run, folder, 2)
    workers = workers_of(run)
    kill(run)
    wait_until_gone(workers)
    assert not (folder / "result.parquet").exists()
    assert status_of(folder) == "interrupted"
    kept = {path: path.stat().st_mtime_ns for path in folder.glob("chunks/*/*.json")}
    done = go_on(folder)
    assert done.returncode == 0, done.stderr
    assert f"{len(kept)} of 24 chunks are there; {24 - len(kept)} missing" in done.stderr
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert (folder / "result.parquet").read_bytes() == whole
    assert status_of(folder) == "done"


def test_a_killed_worker_costs_the_run_nothing_but_time(whole: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run = begin(folder)
    wait_for_chunks(run, folder, 2)
    workers_of(run)[0].kill()
    _, said = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 0, said
    assert "Traceback" not in said
    assert (folder / "result.parquet").read_bytes() == whole


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "a request"])
def test_a_request_to_end_says_how_to_go_on(whole: bytes, tmp_path: Path, number: int) -> None:
    folder = tmp_path / "run"
    run = begin(folder)
    wait_for_chunks(run, folder, 2)
    workers = workers_of(run)
    # A terminal sends Ctrl-C to everybody in the foreground.
    (os.killpg if number == signal.SIGINT else os.kill)(run.pid, number)
    _, said = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 130
    line = said.splitlines()[-1]
    assert "Traceback" not in said
    assert line.startswith("ketalab: interrupted; ")
    wait_until_gone(workers)
    command = shlex.split(line.partition("go on with: ")[2])
    assert command[0] == "ketalab"
    done = subprocess.run(
        [KETALAB, *command[1:]], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (folder / "result.parquet").read_bytes() == whole


@pytest.mark.slow
def test_a_request_to_end_before_anything_is_computed_is_heard(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run = begin(folder)
    until = time.monotonic() + PATIENCE_S
    while not (folder / "manifest.json").exists():
        assert time.monotonic() < until
        time.sleep(0.005)
    os.killpg(run.pid, signal.SIGINT)
    _, said = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 130
    assert said.splitlines()[-1].startswith("ketalab: interrupted; 0 of 24 chunks are kept")
    assert "Traceback" not in said


@pytest.mark.slow
def test_a_full_disk_ends_the_run_in_one_line_and_it_goes_on(whole: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run = begin(folder, limit=6000)
    _, said = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 2
    assert "cannot be written: File too large; 0 of 24 chunks are kept; go on with" in said
    assert "Traceback" not in said
    assert not list(folder.rglob(".part-*"))
    assert go_on(folder).returncode == 0
    assert (folder / "result.parquet").read_bytes() == whole


@pytest.mark.slow
def test_a_disk_that_is_full_at_the_end_ends_the_run_in_one_line(whole, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    # Chunks fit below the limit, and the whole does not.
    run = begin(folder, limit=40_000)
    _, said = run.communicate(timeout=PATIENCE_S)
    assert len(whole) > 40_000
    assert run.returncode == 2, said
    assert "result.parquet: cannot be written: File too large; 24 of 24 chunks are kept" in said
    assert "Traceback" not in said
    assert not list(folder.rglob(".part-*"))
    assert not (folder / "result.parquet").exists()
    assert go_on(folder).returncode == 0
    assert (folder / "result.parquet").read_bytes() == whole


@pytest.mark.slow
def test_of_two_that_go_on_at_once_one_does_and_one_says_why_not(whole, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run = begin(folder)
    wait_for_chunks(run, folder, 1)
    kill(run)
    both = [
        subprocess.Popen(
            [KETALAB, "simulate", "--resume", str(folder)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = [one.communicate(timeout=PATIENCE_S)[1] for one in both]
    codes = sorted(one.returncode for one in both)
    assert codes == [0, 2], said
    refused = said[0] if both[0].returncode == 2 else said[1]
    assert "another run works in this folder (process " in refused
    assert refused.count("\n") == 1
    assert (folder / "result.parquet").read_bytes() == whole


@pytest.mark.slow
def test_a_chunk_spoiled_after_a_kill_is_computed_again(whole: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run = begin(folder)
    wait_for_chunks(run, folder, 3)
    kill(run)
    first = sorted(folder.glob("chunks/*/*.json"))[0].with_suffix(".parquet")
    first.write_bytes(first.read_bytes()[:100])
    done = go_on(folder, "--workers", "1")
    assert done.returncode == 0, done.stderr
    assert "and 1 damaged are computed" in done.stderr
    assert (folder / "result.parquet").read_bytes() == whole
