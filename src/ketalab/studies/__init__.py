"""Published studies as files: schema, reading, conversion of evidence records."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ketalab.studies._convert import Conversion, convert_records, join_conversions
from ketalab.studies._evidence import check_evidence, convert_packaged, evidence_records
from ketalab.studies._ledger import ledger, write_conversion
from ketalab.studies._load import list_studies, load_study, parse_study
from ketalab.studies._low_dose import low_dose_studies
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
from ketalab.studies._split import Split, split
from ketalab.studies._write import dump_study, study_schema

if TYPE_CHECKING:
    from ketalab.studies._replay import Replay, replay, replay_study
    from ketalab.studies._typical import TypicalStudy

__all__ = [
    "Arm",
    "Assumption",
    "Baseline",
    "Conversion",
    "Design",
    "Intervention",
    "Outcome",
    "Population",
    "Replay",
    "Split",
    "Spread",
    "Study",
    "TypicalStudy",
    "check_evidence",
    "convert_packaged",
    "convert_records",
    "dump_study",
    "evidence_records",
    "join_conversions",
    "ledger",
    "list_studies",
    "load_study",
    "low_dose_studies",
    "parse_study",
    "replay",
    "replay_study",
    "split",
    "study_schema",
    "write_conversion",
]


def __getattr__(name: str) -> Any:
    """Import replay, and with it the laboratory, when it is first used."""
    if name in ("Replay", "replay", "replay_study"):
        return getattr(import_module("ketalab.studies._replay"), name)
    if name == "TypicalStudy":
        return import_module("ketalab.studies._typical").TypicalStudy
    raise AttributeError(f"module 'ketalab.studies' has no attribute {name!r}")
