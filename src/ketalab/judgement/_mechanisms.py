"""The mechanisms of the brain and the facts that switch each off (``data/ablations.yaml``)."""

from __future__ import annotations

import fnmatch
import math
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ketalab._files import BlockDumper, read_yaml, write_text
from ketalab._problems import first_problem
from ketalab.errors import FactError, InputError, closest
from ketalab.facts import fact, facts
from ketalab.judgement._frozen import frozen
from ketalab.studies import Study

FILE = Path(__file__).parent.parent / "data" / "ablations.yaml"
Id = Annotated[str, Field(strict=True, pattern=r"^[a-z][a-z0-9_]*$")]
Text = Annotated[str, Field(strict=True, min_length=1, max_length=500)]
Number = Annotated[float, Field(strict=True, ge=-math.inf)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Mechanism(_Part):
    """One mechanism: what it does, the facts that switch it off, and the rows that then break.

    ``facts`` are values at which it does nothing, by name or by a pattern that stands for many facts (``off`` has
    them all). ``needs`` is a word (pattern) of the arms in which it acts at all: a drug, a target, a gene.
    ``parts`` are facts (patterns) that belong to it and say nothing once it is off; ``kept_because`` is why it is
    there although no row breaks without it.
    """

    id: Id
    what: Text
    facts: Annotated[dict[Text, Number], Field(min_length=1)]
    needs: Text | None = None
    parts: tuple[Text, ...] = ()
    kept_because: Text | None = None
    breaks: tuple[Text, ...] = ()

    @property
    def off(self) -> dict[str, float]:
        """Every fact that switches the mechanism off, and its value there."""
        return {
            name: value
            for key, value in self.facts.items()
            for name in (fnmatch.filter(facts(), key) if "*" in key else (key,))
        }

    @property
    def unexplained(self) -> bool:
        """Whether no row breaks without it, and nothing says why it is kept."""
        return not self.breaks and self.kept_because is None

    def acts_in(self, study: Study) -> bool:
        """Whether the mechanism can act in any arm or scenario of a study."""
        if self.needs is None:
            return True
        said = [arm.model_dump_json() for arm in study.arms]
        said += [row.model_dump_json() for row in study.outcomes if row.scenario is not None]
        return any(re.search(self.needs, text, re.IGNORECASE) for text in said)

    def owns(self, name: str) -> bool:
        """Whether a fact belongs to the mechanism."""
        return any(fnmatch.fnmatchcase(name, part) for part in (*self.facts, *self.parts))


class Ablations(_Part):
    """The file: mechanisms, and how the rows that break were found.

    ``scales`` are facts (patterns) of the layers that turn a mechanism's result into what is measured.
    """

    schema_version: Annotated[int, Field(alias="schema", ge=1, le=1)]
    replicates: Annotated[int, Field(ge=1, le=100_000)]
    seed: Annotated[int, Field(ge=0)]
    scales: tuple[Text, ...] = ()
    mechanisms: Annotated[tuple[Mechanism, ...], Field(min_length=1)]

    @property
    def by_id(self) -> Mapping[str, Mechanism]:
        """Mechanisms by id."""
        return {one.id: one for one in self.mechanisms}

    def without_mechanism(self, names: Iterable[str]) -> list[str]:
        """Facts that belong to no mechanism and are no scale."""
        return [
            name
            for name in names
            if not any(fnmatch.fnmatchcase(name, scale) for scale in self.scales)
            and not any(one.owns(name) for one in self.mechanisms)
        ]


def read_ablations(path: Path | str) -> Ablations:
    """Read a file of mechanisms.

    Raises
    ------
    FactError
        The file breaks its form, a mechanism stands twice, or it names a fact or a row that does not exist.
    """
    content, name = read_yaml(path), Path(path).name
    try:
        made = Ablations.model_validate(content)
    except ValidationError as error:
        line = first_problem(error, content, Ablations.model_json_schema(by_alias=True))
        raise FactError(f"{name}: {line}", content) from None
    rows = frozen().by_id
    seen: set[str] = set()
    for one in made.mechanisms:
        where = f"{name}: {one.id}"
        if one.id in seen:
            raise FactError(f"{where}: stands twice; each mechanism has its own id", one.id)
        seen.add(one.id)
        try:
            re.compile(one.needs or "")
        except re.error as error:
            raise FactError(f"{where}: needs: {one.needs!r} is no pattern: {error}") from None
        for key in one.facts:
            if "*" in key:
                if not fnmatch.filter(facts(), key):
                    raise FactError(f"{where}: facts: no fact is named like {key!r}", key)
                continue
            try:
                fact(key)
            except InputError as error:
                raise FactError(f"{where}: facts: {error}", key) from None
        for row in one.breaks:
            if row not in rows:
                raise FactError(
                    f"{where}: breaks: no frozen row {row!r}{closest(row, rows)}; "
                    "a row is study:measure:arm:hours",
                    row,
                )
    return made


@cache
def ablations() -> Ablations:
    """The packaged file."""
    return read_ablations(FILE)


def write_ablations(content: Ablations, path: Path | str = FILE) -> Path:
    """Write mechanisms with the rows that break, over the same file; the lines of comment at its head stay."""
    import yaml

    path = Path(path)
    head = ""
    if path.exists():
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        count = next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))
        head = "".join(lines[:count])
    plain = content.model_dump(mode="python", by_alias=True, exclude_defaults=True)
    for one in plain["mechanisms"]:
        one.update({key: list(value) for key, value in one.items() if isinstance(value, tuple)})
    plain["mechanisms"] = list(plain["mechanisms"])
    plain["scales"] = list(plain.get("scales", ()))
    text = yaml.dump(plain, Dumper=BlockDumper, sort_keys=False, width=110, allow_unicode=True)
    write_text(path, head + text)
    ablations.cache_clear()
    return path
