"""The split: which study builds, calibrates or validates, and which records are not independent."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ketalab._files import read_yaml
from ketalab.errors import StudyError
from ketalab.studies._record import EvidenceRecord
from ketalab.studies._terms import USES, Id, Text, Use

__all__ = ["Duplicate", "SameStudy", "Split", "split", "use_of"]

DATA = Path(__file__).parent.parent / "data"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Entry(_Part):
    """A study's use, and why."""

    use: Use
    why: Text


class Duplicate(_Part):
    """Records that hold what other records hold: rows of ``drop`` are shown and never counted."""

    keep: tuple[Id, ...]
    drop: tuple[Id, ...]
    why: Text


class SameStudy(_Part):
    """Records of the same people, told apart by dose or measure: not independent of each other."""

    records: tuple[Id, ...]
    why: Text
    one_vote: bool = False


class Split(_Part):
    """Uses by study id, duplicates, and records of one study."""

    studies: dict[Id, Entry]
    duplicates: tuple[Duplicate, ...] = ()
    same_study: tuple[SameStudy, ...] = Field(default=())

    @property
    def hash(self) -> str:
        """SHA-256 of the split: a posterior names the one that it was made with."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    def dropped(self, study: str) -> str | None:
        """Return why a study's rows are never counted, None where they may be."""
        return next((item.why for item in self.duplicates if study in item.drop), None)

    def related(self, study: str, other: str) -> bool:
        """Whether two records are listed as the same study or as holding the same."""
        groups = [{*item.keep, *item.drop} for item in self.duplicates]
        groups += [set(item.records) for item in self.same_study]
        return any({study, other} <= group for group in groups)


@cache
def split() -> Split:
    """Return the packaged split; raises StudyError where it breaks its own form."""
    data: Any = read_yaml(DATA / "split.yaml")
    try:
        return Split.model_validate(data)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in problem["loc"])
        raise StudyError(f"split.yaml: {where}: {problem['msg']}") from None


def use_of(record: EvidenceRecord, decide: Callable[[str], None]) -> str:
    """Return a record's use: from the split, else what the record suggests, else ``validate``."""
    entry = split().studies.get(record.id)
    if entry is not None:
        return entry.use
    suggested = record.extra.get("suggested_use")
    if suggested in USES:
        return str(suggested)
    decide("not in the split: use validate")
    return "validate"
