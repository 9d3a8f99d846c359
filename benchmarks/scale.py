"""Large runs, measured: patients a second by workers, and the largest memory of a worker and of the leader.

    .venv/bin/python benchmarks/scale.py [--patients 4096] [--days 1] [--workers 1 2] [--all] [--json FILE]

Each run goes into a folder of its own that is removed at the end. What is printed for ten million patients is an
extrapolation of what was measured, and says so: a worker's memory does not depend on the number of patients (a chunk
and its batches), that of the leader grows by a column of the table while the summary is made.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from ketalab.laboratory import Scenario
from ketalab.laboratory.execution import Folder, ProcessRoom, start

OUTPUTS = ("plasma:venous:ketamine", "state:dissociation")
TARGET = 10_000_000


def measure(scenario: Scenario, workers: int, size: int | None, place: Path) -> dict[str, Any]:
    """One run: seconds until the first chunk, patients a second after it, peaks in MB, bytes a patient."""
    begun, first = time.monotonic(), [0.0, 0.0]

    def hear(done: float, total: int) -> None:
        if done and not first[0]:
            first[:] = [time.monotonic(), done]

    room = ProcessRoom(workers)
    try:
        made = start(scenario, place / f"workers-{workers}", room, size=size, progress=hear)
    finally:
        room.close()
    manifest = Folder(made.folder).read_manifest()
    spent = time.monotonic() - first[0]
    return {
        "workers": workers,
        "chunks": manifest.count,
        "first_chunk_s": round(first[0] - begun, 1),
        "patients_per_s": round((scenario.patients - first[1]) / spent, 1) if spent > 0 else None,
        "worker_peak_mb": max(manifest.workers["peak_mb"].values()),
        "leader_peak_mb": manifest.workers["leader_peak_mb"],
        "bytes_per_patient": round(made.table.stat().st_size / scenario.patients, 1),
        "sha256": manifest.result_sha256,
    }


def extrapolate(row: dict[str, Any], patients: int) -> str:
    """What the measured rate would make of ten million patients; an extrapolation where fewer were run."""
    if patients >= TARGET:
        return f"{patients:,} patients were run, and nothing is extrapolated"
    hours = TARGET / row["patients_per_s"] / 3600
    disk = TARGET * row["bytes_per_patient"] / 1e9
    return (
        f"extrapolated, not measured: {TARGET:,} patients on {row['workers']} workers take {hours:.1f} h and "
        f"2 x {disk:.1f} GB of disk; a worker stays at its peak of {row['worker_peak_mb']:.0f} MB"
    )


def main() -> None:
    """Measure and print."""
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reader.add_argument("--patients", type=int, default=4096)
    reader.add_argument("--days", type=float, default=1.0)
    reader.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    reader.add_argument("--all", action="store_true", help="all outputs, not two")
    reader.add_argument("--size", type=int, help="patients of a chunk")
    reader.add_argument("--json", type=Path, metavar="FILE")
    asked = reader.parse_args()
    outputs = () if asked.all else OUTPUTS
    scenario = Scenario.parse(patients=asked.patients, days=asked.days, outputs=outputs)
    with tempfile.TemporaryDirectory(prefix="ketalab-scale-") as place:
        os.environ["KETALAB_DATA"] = f"{place}/data"
        rows = [measure(scenario, n, asked.size, Path(place)) for n in asked.workers]
    print(f"{asked.patients:,} patients, {asked.days:g} days, {len(outputs) or 'all'} outputs")
    for row in rows:
        print(
            f"{row['workers']} workers: {row['patients_per_s']} patients/s after {row['first_chunk_s']} s; peak "
            f"{row['worker_peak_mb']} MB a worker, {row['leader_peak_mb']} MB the leader; "
            f"{row['bytes_per_patient']} bytes a patient"
        )
        print(f"  {extrapolate(row, asked.patients)}")
    same = len({row["sha256"] for row in rows}) == 1
    print(f"bytes of the results: {'the same' if same else 'NOT the same'}")
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
