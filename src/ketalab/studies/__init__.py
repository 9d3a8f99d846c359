"""Published studies as files: schema, reading, conversion of evidence records."""

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

__all__ = [
    "Arm",
    "Assumption",
    "Baseline",
    "Design",
    "Intervention",
    "Outcome",
    "Population",
    "Spread",
    "Study",
    "dump_study",
    "list_studies",
    "load_study",
    "parse_study",
    "study_schema",
]
