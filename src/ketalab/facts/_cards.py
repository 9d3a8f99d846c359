"""Credibility cards: of each group of outputs, what it is for, what it rests on, and how wrong it was found to be."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ketalab._files import read_text, read_yaml
from ketalab.errors import FactError, closest
from ketalab.facts._load import DATA, _by_id, _records

Text = Annotated[str, Field(strict=True, min_length=1, max_length=1000)]
Id = Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9][\w.+-]*$")]
Pattern = Annotated[str, Field(strict=True, pattern=r"^[^\s\[\]]+$")]
Level = Literal["low", "medium", "high"]
#: How sure the outputs of a card are, by what was held out; not the letter of an output.
CARD_GRADES = ("high", "moderate", "low", "very low")
#: What stands where no number is.
NOT_MEASURED = "not measured yet"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Rated(_Part):
    """A level, and why it is that one."""

    level: Level
    why: Text


class Sure(_Part):
    """How sure the outputs are, and why."""

    level: Literal["high", "moderate", "low", "very low"]
    why: Text


class DataUsed(_Part):
    """What chose structure or constants: studies of the split, references of constants, and constants by id."""

    studies: tuple[Id, ...] = ()
    citations: tuple[Id, ...] = ()
    facts: tuple[Id, ...] = ()


class Measured(_Part):
    """One figure of error; without ``value`` and ``read`` it was not measured yet.

    ``value`` was printed by ``command`` with ``version``, and stands in ``where`` in these ``words``; or ``read``
    names the packaged JSON file and key that hold it (``spiking/habenula.json error.rms``). ``aim`` names the layer
    and the id of an aim (``body ketamine_fold``), whose bound is read from ``data/qualification``.
    """

    what: Text
    value: float | None = None
    read: Annotated[str, Field(pattern=r"^[\w/]+\.json [\w.]+$")] | None = None
    unit: str = ""
    behind: str = ""
    aim: Annotated[str, Field(pattern=r"^\w+ \w+$")] | None = None
    command: Text | None = None
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")] | None = None
    where: Annotated[str, Field(pattern=r"^docs/[\w-]+\.md$")] | None = None
    words: Text | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.value is not None and self.read is not None:
            raise ValueError("give value or read, not both")
        if (self.where is None) != (self.words is None):
            raise ValueError("where and words stand together")
        if self.measured and (self.command is None or self.version is None):
            raise ValueError("a figure needs the command that prints it, and the version")
        if self.value is not None and self.where is None:
            raise ValueError("a value needs the page it stands in, and the words (where, words)")
        if not self.measured and (self.command or self.version or self.where or self.aim):
            raise ValueError("what was not measured has no command, version, page or aim")
        return self

    @property
    def measured(self) -> bool:
        """Whether there is a number."""
        return self.value is not None or self.read is not None

    @property
    def figure(self) -> float | None:
        """The number, read from its file where it has one; None where it was not measured yet."""
        return self.value if self.read is None else _read_number(self.read)

    @property
    def bound(self) -> tuple[Literal["at most", "at least"], float] | None:
        """The bound of the aim."""
        if self.aim is None:
            return None
        aim = _aims().get(self.aim)
        if aim is None:
            raise FactError(f"no aim {self.aim!r}{closest(self.aim, _aims())}", self.aim)
        if aim.get("at_most") is not None:
            return "at most", float(aim["at_most"])
        return "at least", float(aim["at_least"])

    @property
    def met(self) -> bool | None:
        """Whether the number keeps the bound; None without an aim."""
        if self.bound is None or self.figure is None:
            return None
        word, limit = self.bound
        return self.figure <= limit if word == "at most" else self.figure >= limit

    def said(self) -> str:
        """The number in words: ``1.31-fold (12 votes); aim at most 1.3, missed``."""
        if self.figure is None:
            return NOT_MEASURED
        joint = "" if self.unit in ("", "%") or self.unit.startswith("-") else " "
        text = f"{self.figure:.3g}{joint}{self.unit}"
        text += f" ({self.behind})" if self.behind else ""
        if self.bound is not None:
            word, limit = self.bound
            text += f"; aim {word} {limit:g}, {'met' if self.met else 'missed'}"
        return text


class Card(_Part):
    """The credibility card of a group of outputs; ``covers`` are their names, ``*`` standing for anything."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: Text
    covers: Annotated[tuple[Pattern, ...], Field(min_length=1)]
    question: Text
    context_of_use: Text
    must_not_inform: Annotated[tuple[Text, ...], Field(min_length=1)]
    influence: Rated
    consequence: Rated
    data_used: DataUsed
    data_held_out: tuple[Id, ...]
    error: Annotated[tuple[Measured, ...], Field(min_length=1)]
    grade: Sure

    @model_validator(mode="after")
    def _honest(self) -> Self:
        both = set(self.data_used.studies) & set(self.data_held_out)
        if both:
            raise ValueError(f"used and held out at once: {', '.join(sorted(both))}")
        seen = self.data_held_out and any(one.measured for one in self.error)
        if not seen and self.grade.level != "very low":
            raise ValueError("with nothing held out and measured the grade is 'very low'")
        if self.grade.level == "high" and not all(one.met for one in self.error):
            raise ValueError("the grade is 'high' only where every figure meets its aim")
        return self

    def document(self) -> dict[str, Any]:
        """The card as plain data, with the numbers and bounds that it names."""
        made = self.model_dump(mode="json", exclude={"error"})
        made["error"] = [
            {
                "what": one.what,
                "value": one.figure,
                "unit": one.unit,
                "said": one.said(),
                "met": one.met,
                "command": one.command,
                "version": one.version,
                "where": one.where or (f"data/{one.read.split()[0]}" if one.read else None),
            }
            for one in self.error
        ]
        return made


@cache
def _read_number(place: str) -> float:
    file, _, key = place.partition(" ")
    found: Any = json.loads(read_text(DATA / file))
    for step in key.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    if not isinstance(found, float):
        raise FactError(f"no number {key!r} in {file}", place)
    return found


@cache
def _aims() -> Mapping[str, dict[str, Any]]:
    files = (read_yaml(path) for path in sorted((DATA / "qualification").glob("*.yaml")))
    return {f"{file['layer']} {aim['id']}": aim for file in files for aim in file["aims"]}


@cache
def cards() -> Mapping[str, Card]:
    """All credibility cards by id, in the order of their files.

    Raises
    ------
    FactError
        A card breaks its form, contradicts itself, or is recorded twice.
    """
    table: Mapping[str, Card] = _by_id(_records("cards", Card), "card")
    return table


def _weight(pattern: str) -> int:
    """How much of a name a pattern spells out."""
    return sum(character not in "*?" for character in pattern)


def card_of(output: str) -> Card:
    """The card that covers an output: of those whose patterns fit, the one that spells out most of its name.

    Raises
    ------
    FactError
        No card covers it, or two do equally.
    """
    fits = [
        (_weight(pattern), card.id)
        for card in cards().values()
        for pattern in card.covers
        if fnmatchcase(output, pattern)
    ]
    if not fits:
        raise FactError(f"output {output!r}: no credibility card covers it", output)
    best = sorted({name for weight, name in fits if weight == max(fits)[0]})
    if len(best) > 1:
        raise FactError(f"output {output!r}: {' and '.join(best)} cover it equally", output)
    return cards()[best[0]]


def cards_of(outputs: Iterable[str]) -> tuple[tuple[Card, tuple[str, ...]], ...]:
    """The cards that cover these outputs, each with those that it covers, in the order in which they come."""
    groups: dict[str, list[str]] = {}
    for name in dict.fromkeys(outputs):
        groups.setdefault(card_of(name).id, []).append(name)
    return tuple((cards()[card], tuple(names)) for card, names in groups.items())
