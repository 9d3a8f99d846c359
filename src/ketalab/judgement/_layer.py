"""What a layer's qualification is held against: aims, named differences, contradictions; read from a data file."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ketalab._files import read_yaml
from ketalab._problems import first_problem
from ketalab.errors import FactError, ScenarioError, closest

FOLDER = Path(__file__).parent.parent / "data" / "qualification"
Text = Annotated[str, Field(strict=True, min_length=1, max_length=2000)]
Id = Annotated[str, Field(strict=True, pattern=r"^[a-z][a-z0-9_]*$")]
#: Statistics of direction rows: share held of rows with stated design, of the others, and share expressed.
_OF_DIRECTIONS = ("held_stated", "held_assumed", "expressed")
Statistic = Literal[
    "gmfe",
    "within_1.5",
    "within_2",
    "coverage_rows",
    "coverage_records",
    "better_comparators",
    "held_stated",
    "held_assumed",
    "expressed",
]
Quantity = Literal["concentration", "bioavailability", "interaction", "metabolite ratio"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Aim(_Part):
    """A number that the votes of unseen adults with a complete design must not exceed, or must reach."""

    id: Id
    claim: Text
    statistic: Statistic
    at_most: Annotated[float, Field(ge=0)] | None = None
    at_least: Annotated[float, Field(ge=0)] | None = None
    molecules: tuple[Text, ...] = ()
    routes: tuple[Text, ...] = ()
    quantities: Annotated[tuple[Quantity, ...], Field(min_length=1)] = ("concentration",)
    named_assay: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.at_most is None) == (self.at_least is None):
            raise ValueError("give one of at_most and at_least")
        return self

    @property
    def of_directions(self) -> bool:
        """Whether the aim is about direction rows, not about concentrations."""
        return self.statistic in _OF_DIRECTIONS


class Contradiction(_Part):
    """Records that cannot all be right under one design, and what explains or carries that."""

    id: Id
    what: Text
    records: Annotated[tuple[Text, ...], Field(min_length=2)]
    because: Text


class LayerFile(_Part):
    """One layer's aims, named differences by record (or direction row), and contradictions."""

    schema_version: Literal[1] = Field(alias="schema")
    layer: Id
    aims: Annotated[tuple[Aim, ...], Field(min_length=1)]
    differences: dict[str, Text] = {}
    contradictions: tuple[Contradiction, ...] = ()


def read_layer(path: Path | str) -> LayerFile:
    """Read a layer's file; raises FactError with one line: the file, the field, what is allowed."""
    content = read_yaml(path)
    try:
        return LayerFile.model_validate(content)
    except ValidationError as error:
        line = first_problem(error, content, LayerFile.model_json_schema(by_alias=True))
        raise FactError(f"{Path(path).name}: {line}", content) from None


def layers() -> tuple[str, ...]:
    """Layers that can be qualified."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


@cache
def layer_file(layer: str) -> LayerFile:
    """The packaged file of a layer.

    Raises
    ------
    ScenarioError
        No such layer can be qualified; names those that can.
    """
    if layer not in layers():
        raise ScenarioError(
            f"--layer {layer!r} cannot be qualified yet; allowed: {', '.join(layers())}"
            f"{closest(layer, layers())}",
            layer,
        )
    return read_layer(FOLDER / f"{layer}.yaml")
