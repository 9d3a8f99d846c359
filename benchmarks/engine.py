"""Cases of the engine: the lockstep scheme against the adaptive checker on one schedule of eight infusions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ketalab.laboratory import Course, Scenario, individuals, prepare, run, simulate
from ketalab.people import Population, Streams, draw

PHRASE = "0.5 mg/kg ketamine iv over 40 min every 84 h x 8"
NAMES = ("plasma:venous:S-ketamine", "synapse:potentiation", "symptom:depression")
DAYS = 28


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
