"""What the tables of the spiking populations are made of: levels, cells, seeds. Read from a data file."""

from __future__ import annotations

from functools import cache
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ketalab._files import read_yaml
from ketalab._problems import first_problem
from ketalab.errors import FactError
from ketalab.facts import DATA

FOLDER = DATA / "spiking"
Kind = TypeVar("Kind", bound=BaseModel)


class Condition(BaseModel):
    """A state of the habenula: what is left of NMDA and T-type currents, and the depressed state."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = ""
    nmda: float = Field(ge=0, le=1)
    t_type: float = Field(ge=0, le=1)
    stress: float = Field(ge=0, le=1)


class Plan(BaseModel):
    """The grid of the habenula's table and the conditions of its raster.

    ``cells`` neurons are drawn for each of ``draws`` populations; each is run in every condition, ``warm_up_s``
    before ``window_s`` is looked at, in steps of ``step_ms``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    nmda: tuple[float, ...]
    t_type: tuple[float, ...]
    stress: tuple[float, ...]
    cells: int = Field(gt=0)
    draws: int = Field(gt=0)
    warm_up_s: float = Field(gt=0)
    window_s: float = Field(gt=0)
    step_ms: float = Field(gt=0)
    shown_cells: int = Field(gt=0)
    shown_s: float = Field(gt=0)
    shown: tuple[Condition, ...]

    def conditions(self, stress: float) -> list[Condition]:
        """Every condition of the grid at one level of stress."""
        return [Condition(nmda=n, t_type=t, stress=stress) for n in self.nmda for t in self.t_type]


def read_plan(kind: type[Kind], name: str) -> Kind:
    """Read the plan of a table from its file.

    Raises
    ------
    FactError
        The file does not say what such a plan needs.
    """
    content = read_yaml(FOLDER / name)
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        line = first_problem(error, content, kind.model_json_schema())
        raise FactError(f"{name}: {line}", content) from None


@cache
def habenula_plan() -> Plan:
    """The plan of the habenula's table; see :func:`read_plan`."""
    return read_plan(Plan, "habenula.yaml")
