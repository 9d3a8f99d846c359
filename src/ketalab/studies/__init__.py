"""Published studies as files: schema, reading, conversion of evidence records."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ketalab.studies._load import list_studies, load_study, parse_study
from ketalab.studies._schema import (
    Arm,
    Assumption,
    Baseline,
    Design,
    Intervention,
    Outcome,
    Population,
    Spread,
    Study,
)
from ketalab.studies._write import dump_study, study_schema

if TYPE_CHECKING:
    from ketalab.studies._replay import Replay, replay, replay_study

__all__ = [
    "Arm",
    "Assumption",
    "Baseline",
    "Design",
    "Intervention",
    "Outcome",
    "Population",
    "Replay",
    "Spread",
    "Study",
    "dump_study",
    "list_studies",
    "load_study",
    "parse_study",
    "replay",
    "replay_study",
    "study_schema",
]


def __getattr__(name: str) -> Any:
    """Import replay, and with it the laboratory, when it is first used."""
    if name in ("Replay", "replay", "replay_study"):
        return getattr(import_module("ketalab.studies._replay"), name)
    raise AttributeError(f"module 'ketalab.studies' has no attribute {name!r}")
