"""What a process of its own pays: compiling with an empty cache, starting with a full one, memory of a large run.

Run as a program, this module is that process: ``fresh.py start`` or ``fresh.py memory N`` prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

_HERE = Path(__file__).resolve()


def ask(cache: Path, *arguments: str) -> dict[str, Any]:
    """Run this module with a folder for compiled code, and read what it says; ``process_s`` is from call to end."""
    environment = {**os.environ, "KETALAB_CACHE": str(cache)}
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, str(_HERE), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return {**json.loads(done.stdout), "process_s": time.perf_counter() - begin}


def measure_fresh(rounds: int, patients: int) -> list[dict[str, object]]:
    """Rows: an empty cache (once), a full one (median of some), memory of a run."""
    with tempfile.TemporaryDirectory(prefix="ketalab-bench-") as folder:
        cache = Path(folder) / "cache"
        cold = ask(cache, "start")
        warm = [ask(cache, "start") for _ in range(rounds)]
        memory = ask(cache, "memory", str(patients))
    middle = sorted(warm, key=lambda row: row["kernel_s"])[len(warm) // 2]
    process = sorted(row["process_s"] for row in warm)[len(warm) // 2]
    name = "seconds or MB"
    return [
        {"what": "kernel compiled, empty cache: traced model to ready", name: cold["kernel_s"]},
        {"what": "whole process of that", name: cold["process_s"]},
        {"what": "largest memory of that, MB", name: cold["peak_mb"]},
        {"what": "kernel read back, full cache: traced model to ready", name: middle["kernel_s"]},
        {"what": "program of the kernel written from the traced model", name: middle["program_s"]},
        {"what": "whole process of that", name: process},
        {"what": f"largest memory of {memory['patients']:,} patients, MB", name: memory["peak_mb"]},
    ]


def _peak_mb() -> float:
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def _start() -> dict[str, float]:
    from ketalab.engine._kernel import load_decompose, load_kernel, wanted_states
    from ketalab.laboratory import human_model

    model = human_model()
    begin = time.perf_counter()
    program = model.program
    written = time.perf_counter()
    load_kernel(program, wanted_states(model.order))
    load_decompose()
    ready = time.perf_counter()
    return {"program_s": written - begin, "kernel_s": ready - begin, "peak_mb": _peak_mb()}


def _memory(patients: int) -> dict[str, float]:
    sys.path.insert(0, str(_HERE.parents[1]))
    from comparison.case import BATCH, make_case
    from comparison.ours import Lockstep

    first = make_case(min(BATCH, patients))
    for start in range(0, patients, BATCH):
        case = make_case(min(BATCH, patients - start), start=start, like=first)
        engine = Lockstep(case, "kernel", "")
        engine.load()
        engine.run()
    return {"patients": patients, "peak_mb": _peak_mb()}


if __name__ == "__main__":
    print(json.dumps(_start() if sys.argv[1] == "start" else _memory(int(sys.argv[2]))))
