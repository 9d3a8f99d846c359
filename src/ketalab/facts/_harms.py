"""Harms for which data are too thin for a number: what is known, and why none is given."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ketalab._files import read_yaml
from ketalab._problems import first_problem
from ketalab.errors import FactError
from ketalab.facts._load import DATA, fact
from ketalab.facts._quote import quote, quoted_facts


class ThinHarm(BaseModel):
    """A harm without a number. ``known`` quotes facts as ``{id}``, or ``{id:%}`` for a percentage."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^harm:[a-z]+$")
    name: str
    known: str
    why: str

    @property
    def facts(self) -> tuple[str, ...]:
        """Ids of the facts that are quoted."""
        return quoted_facts(self.known)

    @property
    def text(self) -> str:
        """What is known, with the numbers of the facts."""
        return quote(self.known)

    def document(self) -> dict[str, Any]:
        """The harm as plain values."""
        sources = [fact(name).citation for name in self.facts]
        return {
            "name": self.id,
            "meaning": self.name,
            "known": self.text,
            "why": self.why,
            "facts": list(self.facts),
            "sources": list(dict.fromkeys(key for key in sources if key)),
        }


@cache
def thin_harms() -> Mapping[str, ThinHarm]:
    """All harms without a number, by the name that an output of it would have.

    Raises
    ------
    FactError
        A record that is not valid, or that quotes a fact that is not there.
    """
    table = {}
    for item in read_yaml(DATA / "harms.yaml"):
        try:
            record = ThinHarm.model_validate(item)
        except ValidationError as error:
            line = first_problem(error, item, ThinHarm.model_json_schema())
            raise FactError(f"harms.yaml: {item.get('id', '?')}: {line}", item) from None
        for name in record.facts:
            fact(name)
        table[record.id] = record
    return MappingProxyType(table)
