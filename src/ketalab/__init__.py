"""Ketalab, a virtual laboratory for ketamine.

>>> from ketalab import Scenario, simulate
>>> scenario = Scenario.parse("0.5 mg/kg ketamine iv over 40 min", patients=20, days=1)
>>> result = simulate(scenario)
>>> result.scenario.patients
20

What needs science is imported when it is first used, so that ``import ketalab`` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ketalab.errors import (
    FactError,
    InputError,
    JoinError,
    KetalabError,
    ModelError,
    OutputError,
    PhraseError,
    ScenarioError,
    SolutionError,
    StudyError,
    TraceError,
    UnitError,
)

if TYPE_CHECKING:
    from ketalab.laboratory import Result, Scenario, simulate
    from ketalab.people import Population
    from ketalab.studies import load_study, replay

__version__ = "0.1.0"

_HOMES = {
    "Population": "ketalab.people",
    "Result": "ketalab.laboratory",
    "Scenario": "ketalab.laboratory",
    "load_study": "ketalab.studies",
    "replay": "ketalab.studies",
    "simulate": "ketalab.laboratory",
}

__all__ = [
    "FactError",
    "InputError",
    "JoinError",
    "KetalabError",
    "ModelError",
    "OutputError",
    "PhraseError",
    "Population",
    "Result",
    "Scenario",
    "ScenarioError",
    "SolutionError",
    "StudyError",
    "TraceError",
    "UnitError",
    "__version__",
    "load_study",
    "replay",
    "simulate",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'ketalab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
