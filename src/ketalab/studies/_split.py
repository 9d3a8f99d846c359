"""Which study builds, calibrates or validates, and which records are the same study: split.yaml."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from ketalab._files import read_yaml
from ketalab.errors import StudyError
from ketalab.studies._record import EvidenceRecord
from ketalab.studies._schema import USES, Id, Text, Use

__all__ = ["Duplicate", "Split", "Vote", "split", "use_of"]

DATA = Path(__file__).parent.parent / "data"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Entry(_Part):
    """A study's use, and why."""

    use: Use
    why: Text


class Duplicate(_Part):
    """Records of one study or of overlapping people: only ``keep`` is counted, never two of them."""

    keep: tuple[Id, ...]
    with_: tuple[Id, ...]
    why: Text


class Vote(_Part):
    """Records that are one source's output and have one vote together."""

    records: tuple[Id, ...]
    why: Text


class Split(_Part):
    """The split: uses by study id, duplicates, and groups with one vote."""

    studies: dict[Id, Entry]
    duplicates: tuple[Duplicate, ...] = ()
    one_vote: tuple[Vote, ...] = ()


@cache
def split() -> Split:
    """Return the packaged split."""
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
