"""Evidence records as they are read: their shape is checked here, their words elsewhere.

A record is a trial or experiment (it has ``outcomes``), a set of concentrations (``metrics`` or
``profiles``), or a parameter (neither). Keys that no rule reads are let through: a record may say
more than a study file can.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from ketalab._files import read_yaml
from ketalab.errors import StudyError

__all__ = ["ArmRecord", "EvidenceRecord", "Row", "number", "read_records", "text_of", "words"]

#: An outcome, a metric, a treatment: keys and plain values.
Row = dict[str, Any]

Word = Annotated[str, Field(strict=True, min_length=1)]


class _Lenient(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")


class ArmRecord(_Lenient):
    """An arm of a record: its id, its n, and every drug given."""

    id: Word
    n: Annotated[int, Field(strict=True, ge=0)] | None = None
    treatments: tuple[Row, ...] = ()


class OutcomeRecord(_Lenient):
    """The two keys that every outcome has."""

    measure: Word
    kind: Word


class EvidenceRecord(_Lenient):
    """A record of ``evidence/SCHEMA.md``; the citation is a mapping of plain words."""

    id: Word
    citation: Row = Field(default_factory=dict)
    species: str = "human"
    design: str = ""
    population: Row = Field(default_factory=dict)
    baseline: tuple[Row, ...] = ()
    arms: tuple[ArmRecord, ...] = ()
    outcomes: tuple[Annotated[OutcomeRecord, Field()], ...] | None = None
    metrics: tuple[Row, ...] | None = None
    profiles: tuple[Row, ...] | None = None
    treatment: Row = Field(default_factory=dict)
    sampling_site: str | None = None
    source: str = ""
    verified: bool = True
    notes: str = ""

    @property
    def rows(self) -> tuple[Row, ...]:
        """The outcomes as plain mappings."""
        return tuple(row.model_dump() for row in self.outcomes or ())

    @property
    def extra(self) -> Row:
        """Keys that the model does not name."""
        return dict(self.model_extra or {})


_RECORDS = TypeAdapter(tuple[EvidenceRecord, ...])


def read_records(path: Path | str) -> tuple[EvidenceRecord, ...]:
    """Read a file that holds one record or a list of them.

    Raises
    ------
    StudyError
        A record without id, a list where a mapping is due, two records of one id, ...; one line
        that names the record and the field.
    InputError
        The file is missing, not YAML, or too large.
    """
    data = read_yaml(path)
    items = data if isinstance(data, list) else [data]
    if not items or not all(isinstance(item, dict) for item in items):
        raise StudyError(f"{path}: holds no evidence record; it is a mapping, or a list of them")
    try:
        records = _RECORDS.validate_python(items)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        index, *loc = problem["loc"]
        name = items[int(index)].get("id", "without id")
        where = ".".join(str(step) for step in loc)
        raise StudyError(
            f"{path}: record {int(index) + 1} ({name}): {where}: {problem['msg']}, not"
            f" {str(problem['input'])[:60]!r}"
        ) from None
    ids = [record.id for record in records]
    for name in ids:
        if ids.count(name) > 1:
            raise StudyError(f"{path}: {name!r} names two records; each has its own id", name)
    return records


def number(row: Row, key: str) -> float | None:
    """Return the finite number under a key; None for a missing one, a text, or a truth value."""
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)


def arms_of(row: Row) -> list[Any]:
    """The list of arms that a row names; what is no list names none."""
    arms = row.get("arms")
    return list(arms) if isinstance(arms, (list, tuple)) else []


def text_of(row: Row, *keys: str) -> str:
    """Return the texts under the keys joined by '; ', empty where there are none."""
    found = (row.get(key) for key in keys)
    return "; ".join(" ".join(str(value).split()) for value in found if value not in (None, "", []))


def words(value: object) -> tuple[str, ...]:
    """Return a text or a list of texts as texts."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, (list, tuple)):
        return tuple(str(item) for item in value)
    return ()
