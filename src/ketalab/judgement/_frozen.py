"""The frozen list of direction rows (``data/directions.yaml``), and where each stands in the study files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ketalab._files import read_yaml
from ketalab._problems import first_problem
from ketalab.errors import FactError, InputError
from ketalab.studies import Outcome, Study

FILE = Path(__file__).parent.parent / "data" / "directions.yaml"
Text = Annotated[str, Field(strict=True, min_length=1, max_length=500)]
Hours = Annotated[float, Field(allow_inf_nan=False)]
_KINDS = ("direction", "statement")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DirectionRow(_Part):
    """What was compared with what, when (hours), and the sign; ``contested`` names a question."""

    study: Text
    species: Text
    measure: Text
    sign: Literal["+", "-", "0"]
    verified: bool
    arm: Text | None = None
    than: Text | None = None
    scenario: Text | None = None
    than_scenario: Text | None = None
    time_h: Hours | None = None
    window_h: tuple[Hours, Hours] | None = None
    subgroup: Text | None = None
    counted: bool = True
    contested: Text | None = None

    @property
    def compared(self) -> str:
        """Who is compared with whom, in words."""
        mine = self.arm or self.scenario or "nothing given"
        than = self.than or self.than_scenario
        return f"{mine} against {than or ('nothing given' if self.scenario else 'itself before')}"

    @property
    def when(self) -> str:
        """When it is looked at: ``24``, ``2-336``, or ``untimed``."""
        if self.window_h is not None:
            return f"{self.window_h[0]:g}-{self.window_h[1]:g}"
        return "untimed" if self.time_h is None else f"{self.time_h:g}"


class Frozen(_Part):
    """The file: rows, and the questions to which published results give opposite answers."""

    schema_version: Literal[1] = Field(alias="schema")
    contested: dict[str, Text]
    rows: Annotated[tuple[DirectionRow, ...], Field(min_length=1)]

    @property
    def by_id(self) -> Mapping[str, DirectionRow]:
        """Rows by id: study, measure, arm (or scenario) and time; the second of the same id ends in ``#2``."""
        seen: Counter[str] = Counter()
        table = {}
        for row in self.rows:
            name = f"{row.study}:{row.measure}:{row.arm or row.scenario or 'none'}:{row.when}"
            seen[name] += 1
            table[name if seen[name] == 1 else f"{name}#{seen[name]}"] = row
        return table


def read_frozen(path: Path | str) -> Frozen:
    """Read a list of rows.

    Raises
    ------
    FactError
        The file breaks its form, or a row names a question that is not listed.
    """
    content, name = read_yaml(path), Path(path).name
    try:
        made = Frozen.model_validate(content)
    except ValidationError as error:
        line = first_problem(error, content, Frozen.model_json_schema(by_alias=True))
        raise FactError(f"{name}: {line}", content) from None
    for row in made.rows:
        if row.contested is not None and row.contested not in made.contested:
            known = ", ".join(made.contested)
            raise FactError(f"{name}: contested {row.contested!r} is not allowed; allowed: {known}")
    return made


@cache
def frozen() -> Frozen:
    """The packaged list."""
    return read_frozen(FILE)


def _key(row: DirectionRow) -> tuple[object, ...]:
    return (
        *(row.measure, row.arm, row.than, row.scenario, row.than_scenario),
        *(row.time_h, row.window_h, row.subgroup, row.sign, row.verified),
    )


def _key_of(row: Outcome) -> tuple[object, ...]:
    measure = row.output if row.kind == "statement" else row.measure
    return (
        *(measure, row.arm, row.than, row.scenario, row.than_scenario),
        *(row.time_h, row.window_h, row.subgroup, row.sign, row.verified),
    )


def find_rows(study: Study, rows: Mapping[str, DirectionRow]) -> dict[str, int]:
    """Places in a study's outcomes of the rows that it holds, by id; of equal rows the first takes the first."""
    places: dict[tuple[object, ...], list[int]] = {}
    for place, outcome in enumerate(study.outcomes):
        if outcome.kind in _KINDS:
            places.setdefault(_key_of(outcome), []).append(place)
    found = {}
    for name, row in rows.items():
        if row.study == study.id and (left := places.get(_key(row))):
            found[name] = left.pop(0)
    return found


def layer_of(measure: str, species: str) -> str:
    """The layer of a row's measure: *brain*, *behaviour*, *mind*, *harm*, *body*, or *none* without an output."""
    from ketalab.laboratory import output

    if measure == "plasma":
        return "body"
    who = species if species in ("rat", "mouse", "in_vitro") else "human"
    for name in (measure, f"score:{measure}", f"p:{measure}"):
        for place in (who, "human", "mouse"):
            try:
                return output(name, place).layer
            except InputError:
                continue
    return "none"
