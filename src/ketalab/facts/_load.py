"""Fact records, compounds, scales and citations, loaded from the data folder and validated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ketalab._files import read_yaml
from ketalab._problems import first_problem
from ketalab.errors import FactError, closest
from ketalab.facts._compound import Compound
from ketalab.facts._record import Fact

#: What a scale measures.
Domain = Literal[
    "depression",
    "suicidality",
    "anxiety",
    "ptsd",
    "ocd",
    "substance",
    "dissociation",
    "psychosis",
]
DATA = Path(__file__).parent.parent / "data"


class Scale(BaseModel):
    """A rating scale: range, granularity, floor and rules, each the id of a fact. Never the wording of its items.

    ``measures`` is the domain whose severity it shows. ``response`` and ``remission_at_most`` are missing where the
    scale has no such rule; ``per_hdrs17`` are its points for one of the 17-item Hamilton scale, where known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[A-Z][A-Za-z0-9-]*$")
    name: str
    measures: Domain
    maximum: str
    granularity: str
    baseline_mean: str
    baseline_sd: str
    fluctuation: str
    remission_at_most: str | None = None
    response: str | None = None
    per_hdrs17: str | None = None

    def uses(self) -> tuple[tuple[str, str], ...]:
        """(fact, unit) of everything that the scale reads; the unit of the fluctuation is its own."""
        points = ("maximum", "granularity", "baseline_mean", "baseline_sd", "remission_at_most")
        named = [(getattr(self, field), "points") for field in points]
        named += [(self.response, "fraction"), (self.per_hdrs17, "ratio")]
        return tuple((name, unit) for name, unit in named if name is not None)


Record = TypeVar("Record", bound=BaseModel)


def _records(folder: str, kind: type[Record]) -> Iterator[Record]:
    for path in sorted((DATA / folder).glob("*.yaml")):
        content = read_yaml(path)
        for item in content if isinstance(content, list) else [content]:
            try:
                yield kind.model_validate(item)
            except ValidationError as error:
                name = item.get("id", "?") if isinstance(item, dict) else item
                line = first_problem(error, item, kind.model_json_schema())
                raise FactError(f"{path.name}: record {name!r}: {line}", item) from None


def _by_id(records: Iterator[Any], what: str) -> Mapping[str, Any]:
    table: dict[str, Any] = {}
    for record in records:
        if record.id in table:
            raise FactError(f"{what} {record.id!r} is recorded twice", record.id)
        table[record.id] = record
    return MappingProxyType(table)


@cache
def facts() -> Mapping[str, Fact]:
    """All facts by id, those that a compound's file holds among them."""
    own = (record for compound in compounds().values() for record in compound.facts)
    return _by_id(chain(_records("facts", Fact), own), "fact")


@cache
def compounds() -> Mapping[str, Compound]:
    """All compounds by id."""
    return _by_id(_records("compounds", Compound), "compound")


@cache
def scales() -> Mapping[str, Scale]:
    """All rating scales by id."""
    return _by_id(_records("scales", Scale), "scale")


@cache
def citations() -> Mapping[str, dict[str, Any]]:
    """All references that facts cite, as CSL-JSON by key."""
    table = read_yaml(DATA / "citations.yaml")
    return MappingProxyType({key: {"id": key, **item} for key, item in table.items()})


def fact(name: str) -> Fact:
    """Return one fact.

    Raises
    ------
    FactError
        No fact has this id; names the nearest.
    """
    try:
        return facts()[name]
    except KeyError:
        raise FactError(f"no fact {name!r}{closest(name, facts())}", name) from None
