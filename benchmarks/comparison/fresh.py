"""What a process of its own pays: compiling with an empty cache, starting with a full one, memory of a large run.

Run as a program, this module is that process: ``fresh.py kernel``, ``checker`` or ``memory N`` prints one line of
JSON.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

_HERE = Path(__file__).resolve()
TITLE = "A new process"
#: What the rows of first uses are called, by engine.
_COLD = {
    "kernel": "kernel, empty cache: from the traced model to ready",
    "checker": "checker, empty cache: from the traced model to ready",
}


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
        cold, checker = ask(cache, "kernel"), ask(cache, "checker")
        warm = [ask(cache, "kernel") for _ in range(rounds)]
        memory = ask(cache, "memory", str(patients))
    ready, program, process = (
        statistics.median(row[key] for row in warm) for key in ("ready_s", "text_s", "process_s")
    )
    made = {
        _COLD["kernel"]: cold["ready_s"],
        "the whole process": cold["process_s"],
        "its largest memory, MB": cold["peak_mb"],
        _COLD["checker"]: checker["ready_s"],
        "kernel, full cache: from the traced model to ready": ready,
        "of that, writing the program": program,
        "the whole process, kernel ready": process,
        f"largest memory of {memory['patients']:,} patients, MB": memory["peak_mb"],
    }
    return [{"what": what, "seconds or MB": value} for what, value in made.items()]


def compiled(rows: list[dict[str, object]]) -> dict[str, float]:
    """Seconds that an engine's first use takes with an empty cache, by its name."""
    known = {row.get("what"): row.get("seconds or MB") for row in rows}
    return {name: float(str(known[what])) for name, what in _COLD.items() if what in known}


def _peak_mb() -> float:
    """Largest memory of this process; what resources tell may be that of the process that started it."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = [s for s in status.read_text().splitlines() if s.startswith("VmHWM:")]
        return float(line.split()[1]) / 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def _start(engine: str) -> dict[str, float]:
    from ketalab.laboratory import human_model

    model = human_model()
    begin = time.perf_counter()
    text = model.program if engine == "kernel" else model.source
    written = time.perf_counter()
    if engine == "kernel":
        from ketalab.engine._packed import load_parts

        load_parts(text, model.order, model.initial)
    else:
        from ketalab.engine._compiled import compile_equations, compile_integrator

        compile_equations(text)
        compile_integrator()
    ready = time.perf_counter()
    return {"text_s": written - begin, "ready_s": ready - begin, "peak_mb": _peak_mb()}


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
    print(json.dumps(_memory(int(sys.argv[2])) if sys.argv[1] == "memory" else _start(sys.argv[1])))
