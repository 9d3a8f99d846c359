"""Cases of the engine: the lockstep scheme and the adaptive checker on eight infusions; whole runs; event tables."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ketalab.exchange.tables import predict
from ketalab.laboratory import Course, Scenario, individuals, prepare, run, simulate
from ketalab.people import Population, Streams, draw

PHRASE = "0.5 mg/kg ketamine iv over 40 min every 84 h x 8"
NAMES = ("plasma:venous:S-ketamine", "synapse:potentiation", "symptom:depression")
DAYS = 28


MODEL = """
parameters: {CL: 10, V1: 20, Q: 5, V2: 50}
compartments: [central, peripheral]
flows:
  - {from: central, to: peripheral, clearance: Q, volume: V1}
  - {from: peripheral, to: central, clearance: Q, volume: V2}
  - {from: central, to: out, clearance: CL, volume: V1}
observe: {compartment: central, scale: V1}
"""


def engine_cases() -> dict[str, Callable[[], object]]:
    """28 days, 8 infusions, 60 output times: 1,000 patients in lockstep, 200 patients, 1 patient in the checker."""
    treatment = Scenario.parse(PHRASE, days=DAYS).treatment()
    prepared = prepare(Course(treatment.administrations, DAYS * 24.0))
    streams = Streams(1)
    people = draw(Population(), streams, 1000)
    drawn = individuals(prepared.model, people, streams, "person")
    times = np.linspace(0, DAYS * 24, 60)

    def solve(count: int, engine: str) -> Callable[[], object]:
        from dataclasses import replace

        group = replace(
            drawn, parameters=drawn.parameters[:, :count], covariates=drawn.covariates[:, :count]
        )
        weights = people.weight[:count]
        return lambda: run(prepared, group, weights, times, NAMES, engine=engine)  # type: ignore[arg-type]

    return {
        "lockstep, 1,000 patients": solve(1000, "lockstep"),
        "lockstep, 200 patients": solve(200, "lockstep"),
        "lockstep, 1 patient": solve(1, "lockstep"),
        "checker, 1 patient": solve(1, "checker"),
    }


def laboratory_cases() -> dict[str, Callable[[], object]]:
    """The default scenario as a user runs it, warm, and with half and five times the patients."""
    return {
        f"simulate, {patients} patients": lambda patients=patients: simulate(
            Scenario(patients=patients)
        )
        for patients in (200, 100, 1000)
    }


def table_cases() -> dict[str, Callable[[], object]]:
    """Event tables of 1,000 people with 10 records each: two compartments, steady state, the human body."""
    folder = Path(tempfile.mkdtemp(prefix="ketalab-bench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    model, human = folder / "model.yaml", folder / "human.yaml"
    model.write_text(MODEL, encoding="utf-8")
    human.write_text("builtin: human_ketamine\n", encoding="utf-8")
    clearances = np.random.default_rng(0).lognormal(np.log(10), 0.3, 1000)

    def table(name: str, dose: str) -> Path:
        lines = ["ID,TIME,AMT,RATE,II,ADDL,SS,CL"]
        for person, clearance in enumerate(clearances):
            lines.append(f"{person},0,{dose},{clearance}")
            lines += [
                f"{person},{t},.,.,.,.,.,{clearance}" for t in (1, 2, 4, 8, 12, 24, 30, 36, 48)
            ]
        path = folder / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    plain, steady = table("plain.csv", "100,.,12,3,."), table("steady.csv", "100,20,12,3,1")

    def all_of(path: Path, through: Path) -> Callable[[], object]:
        return lambda: sum(value for _, value in predict(path, through))

    return {
        "table, two compartments": all_of(plain, model),
        "table, steady state": all_of(steady, model),
        "table, human body": all_of(plain, human),
    }
