"""A small scenario, and ways to meddle with it, for the tests of the guard."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ketalab.laboratory import (
    Result,
    Scenario,
    _ranges,
    _run,
    human_model,
    individuals,
    simulate,
    typical_individual,
)

INFUSION = "0.5 mg/kg ketamine iv over 40 min"
ASKED = ("plasma:venous:ketamine", "symptom:relief", "score:MADRS")
PATIENTS = 70


def scenario(**options: Any) -> Scenario:
    given = {"patients": PATIENTS, "days": 1.0, "seed": 3, "outputs": ASKED, **options}
    return Scenario.parse(given.pop("phrase", INFUSION), **given)


def simulate_one(**options: Any) -> Result:
    return simulate(scenario(**options))


def check_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_run, "choose_checked", lambda numbers: np.array([], dtype=int))


def spoil(monkeypatch: pytest.MonkeyPatch, number: int | None) -> None:
    """Give patient ``number`` (None: the typical one) a constant that is no number."""
    row = human_model().parameters.index("mind.relief_maximum")

    def spoiled(model: Any, people: Any, streams: Any, kind: Any) -> Any:
        made = individuals(model, people, streams, kind)
        parameters = made.parameters.copy()
        parameters[row, people.index == number] = np.nan
        return replace(made, parameters=parameters)

    def spoiled_typical(model: Any, population: Any) -> Any:
        person, made = typical_individual(model, population)
        parameters = made.parameters.copy()
        parameters[row] = np.nan
        return person, replace(made, parameters=parameters)

    if number is None:
        monkeypatch.setattr(_ranges, "typical_individual", spoiled_typical)
    else:
        monkeypatch.setattr(_ranges, "individuals", spoiled)
