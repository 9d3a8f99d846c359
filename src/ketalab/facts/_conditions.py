"""Conditions and ages: in what people differ from the adult with major depression whom the constants are about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ketalab._files import read_yaml
from ketalab._problems import first_problem
from ketalab.errors import FactError
from ketalab.facts._harms import thin_harms
from ketalab.facts._load import DATA, fact


class Condition(BaseModel):
    """What differs in people of one condition, or of one age.

    ``modifiers`` names for a fact the fact that moves it: a fact that is a share has its odds multiplied, any other
    itself. ``sizes`` are facts that multiply usual baselines, of scales that measure *other* domains than ``own``, or
    of *all* scales of symptoms. ``watch`` are harms without a number that such people are watched for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    name: str
    kind: Literal["condition", "age"]
    own: str = "depression"
    modifiers: Mapping[str, str] = Field(default_factory=dict)
    sizes: Mapping[Literal["other", "all"], str] = Field(default_factory=dict)
    watch: tuple[str, ...] = ()
    known: str

    @property
    def facts(self) -> tuple[str, ...]:
        """Ids of the facts that modify."""
        return tuple(dict.fromkeys((*self.modifiers.values(), *self.sizes.values())))

    def size_of(self, domain: str) -> str | None:
        """The fact that multiplies usual baselines of a scale that measures a domain, or None."""
        return self.sizes.get("all") or (self.sizes.get("other") if domain != self.own else None)


@cache
def conditions() -> Mapping[str, Condition]:
    """All conditions and ages by their id.

    Raises
    ------
    FactError
        A record that is not valid, or that names a fact that is not there.
    """
    table = {}
    for item in read_yaml(DATA / "conditions.yaml"):
        try:
            record = Condition.model_validate(item)
        except ValidationError as error:
            line = first_problem(error, item, Condition.model_json_schema())
            raise FactError(f"conditions.yaml: {item.get('id', '?')}: {line}", item) from None
        for name in (*record.modifiers, *record.facts):
            fact(name)
        for name in record.watch:
            if name not in thin_harms():
                raise FactError(
                    f"conditions.yaml: {record.id}: {name!r} is no harm without a number"
                )
        table[record.id] = record
    return MappingProxyType(table)


def modifiers_of(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Fact -> the facts that move it, in people of these conditions and ages."""
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        for moved, by in conditions()[name].modifiers.items():
            found[moved] = (*found.get(moved, ()), by)
    return found


def harms_to_watch(names: Iterable[str]) -> tuple[str, ...]:
    """Harms without a number that people of these conditions and ages are watched for."""
    return tuple(dict.fromkeys(harm for name in names for harm in conditions()[name].watch))
