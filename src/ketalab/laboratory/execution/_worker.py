"""What a worker does: make its process ready once, compute a chunk, write it, say what became of it."""

from __future__ import annotations

import contextvars
import ctypes
import json
import os
import resource
import socket
import sys
import threading
import time
from dataclasses import dataclass
from functools import cache, lru_cache
from multiprocessing import parent_process
from pathlib import Path
from typing import Any

from ketalab.errors import InputError, OutputError
from ketalab.laboratory._guard import Account, by_number
from ketalab.laboratory._ranges import Part, Ready, Typical, make_ready, simulate_range
from ketalab.laboratory._result import plain
from ketalab.laboratory._run import BATCH
from ketalab.laboratory._scenario import Scenario
from ketalab.laboratory.execution._durable import digest, write_durably, write_json
from ketalab.laboratory.execution._folder import Folder, scenario_of, versions
from ketalab.laboratory.execution._table import encode, frame_of

#: Environment of a worker: one thread for each library, as there is a worker for each processor.
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "POLARS_MAX_THREADS": "1",
}
#: Patients at once are fewer where each takes more, so that a worker stays below half a gigabyte: two to three times
#: these numbers are in memory at the worst moment, beside 140 MB of program.
_BATCH_NUMBERS = 8_000_000
_BATCH_LEAST, _BATCH_MOST = 4, BATCH
#: glibc's options, and the values up to which it would adapt by itself.
_TRIM, _MMAP = (-1, 64 << 20), (-3, 32 << 20)


@dataclass(frozen=True)
class Task:
    """One chunk of a run, in plain values: where, of which scenario (JSON) with which hash, and which patients."""

    folder: str
    scenario: str
    hash: str
    versions: tuple[tuple[str, str], ...]
    number: int
    begin: int
    end: int


def watch_parent() -> None:
    """End with the process that started this one, however that ended: nobody would hear what is computed."""
    parent = parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


@cache
def keep_memory() -> bool:
    """Undo a setting that makes the allocator hand back memory after each array, only to fault it in again.

    Workers of Dask are started with ``MALLOC_TRIM_THRESHOLD_`` at 64 KiB, which also stops glibc from adapting the size
    from which on memory is mapped anew. Returns whether there was anything to undo.
    """
    if "MALLOC_TRIM_THRESHOLD_" not in os.environ or not sys.platform.startswith("linux"):
        return False
    try:
        library = ctypes.CDLL(None)
        return all(library.mallopt(*option) == 1 for option in (_MMAP, _TRIM))
    except (AttributeError, OSError):
        return False


def peak_mb() -> float:
    """Largest resident memory of this process so far, MB.

    The kernel's account of a process begins with what its parent had, so that of the memory map comes first.
    """
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


@lru_cache(maxsize=1)
def _ready(document: str) -> tuple[Scenario, Ready]:
    scenario = scenario_of(json.loads(document))
    return scenario, make_ready(scenario)


def _check(task: Task, scenario: Scenario) -> None:
    """A worker elsewhere must be the same laboratory, and see the same disk."""
    where = f"worker on {socket.gethostname()}"
    here = versions()
    for name, was in task.versions:
        if here.get(name) != was:
            raise InputError(f"{where}: has {name} {here.get(name)}, and the run {was}")
    if scenario.hash() != task.hash:
        raise InputError(f"{where}: its constants are others than those of the run")
    if not Folder(Path(task.folder)).manifest.is_file():
        raise OutputError(
            f"{where}: does not see {task.folder}; the folder must be on a disk that all workers share"
        )


def _typical(found: Typical) -> dict[str, Any]:
    return {
        "values": {name: [plain(x) for x in course] for name, course in found.values.items()},
        "figures": {
            name: {figure: plain(x) for figure, x in figures.items()}
            for name, figures in found.figures.items()
        },
    }


def _accounted(account: Account) -> dict[str, Any]:
    """What became of the patients of a chunk. The error is text, for infinity is no number in JSON."""
    check = account.check()
    return {
        "failed": by_number(account.failed),
        "retried": dict(check.retried),
        "checked": check.checked,
        "above": check.above,
        "error": None if check.error is None else repr(float(check.error)),
    }


def compute(scenario: Scenario, ready: Ready, begin: int, end: int) -> list[Part]:
    """The patients of a range, part by part; the typical one beside the first of all."""
    at_once = min(max(_BATCH_NUMBERS // ready.samples, _BATCH_LEAST), _BATCH_MOST)
    return [
        simulate_range(scenario, ready, at, min(at + at_once, end), typical=at == 0)
        for at in range(begin, end, at_once)
    ]


def run_chunk(task: Task) -> dict[str, Any]:
    """Compute and write one chunk; what is returned is also in its record.

    Raises
    ------
    InputError
        This process is another version of the laboratory.
    OutputError
        The folder is not there, or its disk is full.
    """
    # What a caller has put in the place of facts in this thread is not part of a run.
    return contextvars.Context().run(_run_chunk, task)


def _run_chunk(task: Task) -> dict[str, Any]:
    keep_memory()
    begun = time.monotonic()
    scenario, ready = _ready(task.scenario)
    _check(task, scenario)
    parts = compute(scenario, ready, task.begin, task.end)
    account = Account()
    for part in parts:
        account.merge(part.account)
    content = encode(frame_of(scenario, ready.times, parts))
    folder = Folder(Path(task.folder))
    path = folder.chunk(task.number)
    path.parent.mkdir(parents=True, exist_ok=True)
    record = {
        "hash": task.hash,
        "begin": task.begin,
        "end": task.end,
        "sha256": digest(content),
        **_accounted(account),
    }
    if parts[0].typical is not None:
        record["typical"] = _typical(parts[0].typical)
        record["times"] = ready.times.tolist()
    # The record comes last: a chunk without one is not there.
    write_durably(path, content)
    write_json(folder.record(task.number), record)
    worker = f"{socket.gethostname()}:{os.getpid()}"
    spent = time.monotonic() - begun
    return {**record, "number": task.number, "worker": worker, "peak_mb": peak_mb(), "s": spent}
