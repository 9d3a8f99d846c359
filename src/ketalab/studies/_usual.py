"""What is usual where a source does not say: doses, times of looking, and how much an act changes its target.

The numbers are data (``data/usual.yaml``), each with its range and its reason.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from ketalab._files import read_yaml
from ketalab._problems import first_problem
from ketalab.errors import StudyError
from ketalab.studies._record import Row
from ketalab.studies._terms import NotNegative, Number, Positive, Species, Text

__all__ = [
    "Usual",
    "UsualDose",
    "UsualTime",
    "act_of",
    "factor_of",
    "usual",
    "usual_dose",
    "usual_time",
]

FILE = Path(__file__).parent.parent / "data" / "usual.yaml"
#: Stands for any compound that only blocks.
_ANY = "*"
_PHRASE = re.compile(
    r"(?P<amount>[\d.]+) (?P<unit>\S+) (?P<compound>\S+) (?P<route>\S+)(?: (?P<length>over .+))?"
)
_SITES = (
    ("LHb", r"habenul|\bLHb\b"),
    ("mPFC", r"\bm?PFC\b|prefrontal|\bIL\b|infralimbic|prelimbic"),
)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class UsualDose(_Part):
    """A dose in the place of one that is not told; ``range`` is of its amount, in the phrase's unit."""

    compound: Text
    species: tuple[Species, ...]
    phrase: Text
    range: tuple[Positive, Positive]
    why: Text

    def part(self, name: str) -> str:
        """Return amount, unit, compound, route or length of the phrase."""
        found = _PHRASE.fullmatch(self.phrase)
        return (found[name] or "") if found else ""


class UsualTime(_Part):
    """When an output is looked at: hours after the start of the last dose."""

    output: Text
    time_h: Positive
    range: tuple[NotNegative, Positive]
    why: Text


class UsualFactor(_Part):
    """An act that is no systemic drug: ``words`` (a pattern) of it, its target, and what it leaves or makes."""

    target: Text
    words: Text
    factor: NotNegative
    range: tuple[NotNegative, Positive]
    site: Text | None = None
    hours: tuple[Number, Number] | None = None
    why: Text


class Usual(_Part):
    """All of ``data/usual.yaml``."""

    doses: tuple[UsualDose, ...]
    times: tuple[UsualTime, ...]
    factors: tuple[UsualFactor, ...]


def parse_usual(content: Any, where: str) -> Usual:
    """Check what was read; raises :class:`~ketalab.errors.StudyError`, one line that names the field."""
    try:
        return Usual.model_validate(content)
    except ValidationError as error:
        line = first_problem(error, content, Usual.model_json_schema())
        raise StudyError(f"{where}: {line}", content) from None


@cache
def usual() -> Usual:
    """Return the usual doses, times and factors, read once."""
    return parse_usual(read_yaml(FILE), FILE.name)


def usual_dose(compound: str, species: str) -> UsualDose | None:
    """Return the usual dose of a compound (by its id in the house's list), None where none is recorded."""
    from ketalab.facts import compounds

    mine = [dose for dose in usual().doses if species in dose.species]
    for dose in mine:
        if dose.compound == compound:
            return dose
    record = compounds().get(compound)
    tool = record is not None and bool(record.blocks) and not record.molecules
    for dose in mine if tool else ():
        if dose.compound == _ANY:
            phrase = dose.phrase.replace(_ANY, compound)
            return dose.model_copy(update={"compound": compound, "phrase": phrase})
    return None


def usual_time(output: str) -> UsualTime | None:
    """Return when an output is usually looked at, None where nothing is recorded."""
    return next((time for time in usual().times if fnmatchcase(output, time.output)), None)


def factor_of(target: str, words: str) -> UsualFactor | None:
    """Return the usual factor of an act on a target by what is said of it; the first of the target where none fits."""
    mine = [item for item in usual().factors if item.target == target]
    fits = [item for item in mine if re.search(item.words, f"{target} {words}", re.IGNORECASE)]
    return next(iter(fits or mine[:1]), None)


def act_of(text: str, route: str) -> tuple[Row, UsualFactor] | None:
    """Return an intervention for a virus, light or a local infusion, read off its words and where it is given."""
    where = next(
        (site for site, words in _SITES if re.search(words, f"{route} {text}", re.I)), None
    )
    for item in usual().factors:
        if not re.search(item.words, text, re.IGNORECASE):
            continue
        site = item.site or where
        if site is None:
            return None
        row: Row = {"target": item.target, "factor": item.factor, "site": site, "note": text[:200]}
        if item.hours is not None:
            row |= {"from_h": item.hours[0], "to_h": item.hours[1]}
        return row, item
    return None
