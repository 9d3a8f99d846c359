"""Large runs on a Dask cluster: the same bytes, through killed workers and a killed scheduler."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from ketalab.errors import InputError
from ketalab.laboratory.execution import DaskRoom, StoppedError, resume, start

from ._large import Losing, quick, table_of

pytest.importorskip("distributed")

PATIENTS, SIZE = 1000, 25


@pytest.fixture(autouse=True)
def _own_list_of_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KETALAB_DATA", str(tmp_path / "data"))


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, psutil.Process, list[psutil.Process]]]:
    """A scheduler on the loopback and two workers with nannies, each a process: address, scheduler, workers."""
    file = tmp_path / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    common = ["--scheduler-file", str(file), "--no-dashboard"]
    run = [sys.executable, "-m"]
    scheduler = subprocess.Popen(
        [*run, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", *common],
        **quiet,
    )
    nannies = [
        subprocess.Popen(
            [
                *run,
                "distributed.cli.dask_worker",
                "--nthreads",
                "1",
                "--host",
                "127.0.0.1",
                *common,
            ],
            **quiet,
        )
        for _ in range(2)
    ]
    until = time.monotonic() + 60
    while not file.exists():
        assert time.monotonic() < until
        time.sleep(0.1)
    address = json.loads(file.read_text())["address"]
    inner = [psutil.Process(one.pid) for one in nannies]
    yield address, psutil.Process(scheduler.pid), inner
    for one in (*nannies, scheduler):
        for child in psutil.Process(one.pid).children(recursive=True) if one.poll() is None else ():
            child.kill()
        one.kill()
        one.wait()


def test_an_address_without_a_scheduler_is_refused_in_one_line() -> None:
    with pytest.raises(
        InputError, match=r"--cluster tcp://127.0.0.1:1: no scheduler answers"
    ) as no:
        DaskRoom("tcp://127.0.0.1:1")
    assert "\n" not in str(no.value)
    with pytest.raises(InputError, match="no scheduler answers"):
        DaskRoom("nonsense://x")


@pytest.mark.slow
def test_a_cluster_made_here_gives_the_same_bytes_and_listens_on_the_loopback(tmp_path) -> None:
    room = DaskRoom("local", 2)
    try:
        assert room._client.scheduler.address.startswith("tcp://127.0.0.1:")
        made = start(quick(PATIENTS), tmp_path / "run", room, size=SIZE)
        settings = room._client.run(_settings)
    finally:
        room.close()
    assert made.table.read_bytes() == table_of(quick(PATIENTS), tmp_path / "whole")
    assert set(settings.values()) == {("67108864", "1", "1")}


def _settings() -> tuple[str | None, ...]:
    names = ("MALLOC_TRIM_THRESHOLD_", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    return tuple(os.environ.get(name) for name in names)


@pytest.mark.slow
def test_a_killed_worker_of_a_cluster_costs_nothing_but_time(tmp_path: Path, cluster) -> None:
    address, _, nannies = cluster
    room, killed = DaskRoom(address), []

    def kill(done: float, total: int) -> None:
        if done >= 3 * SIZE and not killed:
            killed.extend(nannies[0].children(recursive=True))
            for process in killed:
                process.kill()

    try:
        made = start(quick(PATIENTS), tmp_path / "run", room, size=SIZE, progress=kill)
    finally:
        room.close()
    assert killed
    assert made.table.read_bytes() == table_of(quick(PATIENTS), tmp_path / "whole")


@pytest.mark.slow
def test_a_killed_scheduler_ends_the_run_which_goes_on_elsewhere(tmp_path: Path, cluster) -> None:
    address, scheduler, _ = cluster
    room = DaskRoom(address)
    begun = time.monotonic()

    def kill(done: float, total: int) -> None:
        if done >= 3 * SIZE and scheduler.is_running():
            scheduler.kill()

    try:
        with pytest.raises(StoppedError, match=r"the workers are gone; .* go on with"):
            start(quick(PATIENTS), tmp_path / "run", room, size=SIZE, progress=kill)
    finally:
        room.close()
    assert time.monotonic() - begun < 120
    rest = Losing({})
    made = resume(tmp_path / "run", rest)
    assert 0 < len(rest.computed) < PATIENTS // SIZE
    assert made.table.read_bytes() == table_of(quick(PATIENTS), tmp_path / "whole")
