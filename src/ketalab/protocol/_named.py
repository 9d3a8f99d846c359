"""Named regimens: what is given in clinics, in trials, in theatres and elsewhere, with sources and hazards.

A recreational pattern is there to be understood and not to be followed: it has hazards, or it does not load.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ketalab._files import read_yaml
from ketalab._problems import first_problem
from ketalab.errors import InputError, ScenarioError, closest
from ketalab.facts import DATA, citations, facts, quote, quoted_facts
from ketalab.protocol._phrase import parse_phrase

Kind = Literal["clinical", "anaesthesia", "low-dose", "recreational"]
#: What stands behind a regimen at best; *assumed* where its schedule is nobody's.
Grade = Literal[
    "controlled trial", "label", "open study", "secondary", "grey literature", "assumed"
]
#: Said below the hazards of a recreational pattern.
HELP = "If you or someone near you is in danger, call your local emergency number."
#: Facts that are there for regimens alone begin so.
_OWN_FACTS = "regimen_"
#: A sentence that quotes no fact ends with its source, as ``[muetzelfeldt2008]``.
_NAMED_SOURCE = re.compile(r"\[([A-Za-z0-9_]+)\]$")


class Phase(BaseModel):
    """A step of a regimen that goes by response: what is given, and what decides the next."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    phrase: str
    until: str


class Regimen(BaseModel):
    """A named regimen. ``phrase`` and ``with_phrase`` are dosing phrases; texts quote facts as ``{id}``.

    ``sources`` are references or studies; ``assumed`` says what the sources do not, with its range. A hazard quotes a
    fact, or ends with the source that tells of it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    name: str
    kind: Kind
    phrase: str
    with_phrase: str | None = Field(default=None, alias="with")
    days: float = Field(gt=0, le=731)
    studied_in: str
    rule: str | None = None
    phases: tuple[Phase, ...] = ()
    monitoring: tuple[str, ...] = ()
    hazards: tuple[str, ...] = Field(min_length=1)
    sources: tuple[str, ...] = Field(min_length=1)
    grade: Grade
    assumed: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _hazards_first(self) -> Regimen:
        if self.kind == "recreational" and len(self.hazards) < 2:
            raise ValueError("hazards: a recreational pattern needs two at least")
        if self.kind == "recreational" and self.monitoring:
            raise ValueError("monitoring: nobody watches a recreational pattern; leave it out")
        return self

    @property
    def texts(self) -> tuple[str, ...]:
        """Everything that may quote facts."""
        return (*self.monitoring, *self.hazards, *self.assumed)

    @property
    def fact_ids(self) -> tuple[str, ...]:
        """Ids of the facts that its texts quote, without repeats."""
        return tuple(dict.fromkeys(name for text in self.texts for name in quoted_facts(text)))

    def document(self) -> dict[str, Any]:
        """The regimen as plain values, with the numbers of its facts and their ids."""
        content = self.model_dump(mode="json", by_alias=True)
        for name in ("monitoring", "hazards", "assumed"):
            content[name] = [quote(text) for text in getattr(self, name)]
        content["facts"] = list(self.fact_ids)
        if self.kind == "recreational":
            content["help"] = HELP
        return content


def regimen_schema() -> dict[str, Any]:
    """The JSON Schema of a regimen's file."""
    return Regimen.model_json_schema(by_alias=True)


def read_regimen(path: Path) -> Regimen:
    """Read and check one regimen.

    Raises
    ------
    ScenarioError
        A wrong field, a phrase that cannot be read, a dose after the last day, a source or a fact that is not there,
        a hazard without a source; one line that names the file and the field.
    """
    content = read_yaml(path)
    try:
        made = Regimen.model_validate(content)
    except ValidationError as error:
        line = first_problem(error, content, regimen_schema())
        raise ScenarioError(f"{path.name}: {line}", content) from None
    for problem in _problems(made):
        raise ScenarioError(f"{path.name}: {problem}", content)
    return made


def _problems(made: Regimen) -> Iterator[str]:
    """What is wrong with a regimen beyond the form of its fields, a line each."""
    phrases = {"phrase": made.phrase, "with": made.with_phrase}
    phrases |= {f"phases.{number}.phrase": step.phrase for number, step in enumerate(made.phases)}
    for field, phrase in phrases.items():
        if phrase is None:
            continue
        try:
            given = parse_phrase(phrase)
        except InputError as error:
            yield f"{field}: {error}"
            continue
        last_h = max(
            (dose.time_h for variant in given.variants for dose in variant.administrations),
            default=0.0,
        )
        if last_h > made.days * 24:
            yield f"{field}: its last dose at {last_h:g} h is after {made.days:g} days"
    for number, source in enumerate(made.sources):
        if not _is_source(source):
            yield f"sources.{number}: no reference or study {source!r}{closest(source, citations())}"
    for name in made.fact_ids:
        if name not in facts():
            yield f"no fact {name!r}{closest(name, facts())}"
    for number, hazard in enumerate(made.hazards):
        named = _NAMED_SOURCE.search(hazard)
        if not quoted_facts(hazard) and not (named and _is_source(named[1])):
            yield f"hazards.{number}: quotes no fact and ends with no source in brackets"


def _is_source(name: str) -> bool:
    """Whether a reference or a packaged study has this name."""
    return name in citations() or (DATA / "studies" / f"{name}.yaml").is_file()


@cache
def regimens() -> Mapping[str, Regimen]:
    """All named regimens by id: clinical first, recreational last."""
    order = ("clinical", "low-dose", "anaesthesia", "recreational")
    found = [read_regimen(path) for path in sorted((DATA / "protocols").glob("*.yaml"))]
    found.sort(key=lambda one: order.index(one.kind))
    return MappingProxyType({one.id: one for one in found})


def regimen(name: str) -> Regimen:
    """One regimen by its id; :class:`~ketalab.errors.ScenarioError` names the nearest and all."""
    known = regimens()
    if name not in known:
        raise ScenarioError(
            f"protocol {name!r} is unknown{closest(name, known)}; known: {', '.join(known)}", name
        )
    return known[name]


def check_regimens() -> list[str]:
    """Return one line per problem: files that do not load, names that are not ids, facts that none quotes."""
    problems, used = [], set()
    for path in sorted((DATA / "protocols").glob("*.yaml")):
        try:
            found = read_regimen(path)
        except InputError as error:
            problems.append(f"regimen {error}")
            continue
        used |= set(found.fact_ids)
        if found.id != path.stem:
            problems.append(f"regimen {path.name}: the file's name is not the id {found.id!r}")
    own = (name for name in facts() if name.startswith(_OWN_FACTS))
    problems += [f"fact {name}: no regimen quotes it" for name in own if name not in used]
    return problems
