"""Writing: the JSON Schema of the study file, and studies as canonical YAML."""

from __future__ import annotations

import copy
from functools import lru_cache
from typing import Any

import yaml

from ketalab._files import BlockDumper
from ketalab.studies._citation import CITATION_ALIASES
from ketalab.studies._schema import Study

DRAFT = "https://json-schema.org/draft/2020-12/schema"


@lru_cache(maxsize=1)
def _schema() -> dict[str, Any]:
    schema = Study.model_json_schema(by_alias=True)
    citation = next(part for name, part in schema["$defs"].items() if "itation" in name)
    for alias, name in CITATION_ALIASES.items():
        citation["properties"][alias] = citation["properties"][name]
    return {
        "$schema": DRAFT,
        "title": "Ketalab study file",
        "description": "One published study as data: arms, doses, what was observed.",
    } | {key: part for key, part in schema.items() if key not in ("title", "description")}


def study_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the study file."""
    return copy.deepcopy(_schema())


def _plain(value: Any) -> Any:
    """Whole numbers without a decimal point, tuples as lists."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return value


def dump_yaml(data: Any) -> str:
    """Write plain data as block-style YAML in the order of its keys."""
    return yaml.dump(
        _plain(data),
        Dumper=BlockDumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=100,
    )


def dump_study(study: Study) -> str:
    """Write a study as canonical YAML: the schema's order, defaults left out; loads back equal."""
    data = study.model_dump(mode="python", by_alias=True, exclude_defaults=True)
    return dump_yaml(data)
