"""Comparators: published models as data files, in the form of the event tables' MODEL.yaml with sources.

A comparator is fixed: nothing of it is ever fitted here. Text of a value is a product or a quotient of numbers and
parameter names, taken apart by a pattern and never run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ketalab._files import read_yaml
from ketalab._problems import first_problem
from ketalab.errors import FactError, UnitError, closest
from ketalab.facts import convert

FOLDER = Path(__file__).parent.parent / "data" / "comparators"
OUT = "out"

Name = Annotated[str, Field(strict=True, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Id = Annotated[str, Field(strict=True, pattern=r"^[a-z][a-z0-9_]*$")]
Text = Annotated[str, Field(strict=True, min_length=1, max_length=2000)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
#: A number, or a product or quotient of numbers and names.
Value = Number | Text

_FACTOR = re.compile(r"(?:[A-Za-z_]\w*|\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+)", re.ASCII)
#: Units inside: hours, litres, milligrams; what a constant per kilogram becomes is one of these too.
_INSIDE = ("L", "L/h", "1/h", "h", "mg", "dimensionless")
_PER_KG = ("L/kg", "L/h/kg")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Constant(_Part):
    """One published constant; times (weight / reference weight) ** ``weight_power`` where that is given."""

    name: Name
    quantity: Text
    value: Number
    unit: Text
    weight_power: Number | None = None
    grade: Literal["measured", "secondary", "derived", "assumed"]
    source: Text


class Flow(_Part):
    """A first-order flow: ``rate`` (1/h), or ``clearance`` over ``volume``."""

    source: Name = Field(alias="from")
    to: Name
    rate: Value | None = None
    clearance: Value | None = None
    volume: Value | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = [w for w in ("rate", "clearance", "volume") if getattr(self, w) is not None]
        if given not in (["rate"], ["clearance", "volume"]):
            raise ValueError(
                f"gives {' and '.join(given) or 'nothing'}; allowed: rate, or clearance and volume"
            )
        return self


class Portion(_Part):
    """A part of a dose: into a compartment, at once or evenly over ``duration``.

    ``share`` is of the dose, or of what the other parts leave (``of: rest``). With ``each_mg`` and ``later`` it is the
    share of the first unit of so many milligrams, and ``later`` times that of every further one.
    """

    into: Name
    share: Value = 1.0
    of: Literal["dose", "rest"] = "dose"
    duration: Value | None = None
    each_mg: Value | None = None
    later: Value | None = None


class Entry(_Part):
    """How a dose by a route, with this device only where one is named, comes in."""

    route: Text
    device: Text | None = None
    parts: Annotated[tuple[Portion, ...], Field(min_length=1)]


class Observed(_Part):
    """A molecule that is seen: amount of a compartment over a volume; ``molar_mass`` names a fact."""

    molecule: Text
    compartment: Name
    volume: Value
    molar_mass: Id


class Comparator(_Part):
    """A published model. ``describes`` says what it was fitted to: the racemate, S-ketamine, or both."""

    schema_version: Literal[1] = Field(alias="schema")
    id: Id
    name: Text
    citation: dict[str, Any]
    describes: Annotated[tuple[Literal["racemate", "S"], ...], Field(min_length=1)]
    site: Literal["arterial", "venous"]
    reference_weight_kg: Annotated[float, Field(gt=0)] = 70.0
    fitted_to: tuple[Text, ...] = ()
    note: Text | None = None
    parameters: tuple[Constant, ...]
    compartments: Annotated[tuple[Name, ...], Field(min_length=1)]
    flows: tuple[Flow, ...]
    entries: Annotated[tuple[Entry, ...], Field(min_length=1)]
    observe: Annotated[tuple[Observed, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _check(self) -> Self:
        places = set(self.compartments)
        if len(places) < len(self.compartments) or OUT in places:
            raise ValueError(f"compartments: named twice, or called {OUT!r}")
        used = [f.source for f in self.flows] + [f.to for f in self.flows if f.to != OUT]
        used += [p.into for e in self.entries for p in e.parts]
        used += [o.compartment for o in self.observe]
        for name in used:
            if name not in places:
                raise ValueError(f"{name!r} is no compartment{closest(name, places)}")
        drained = {OUT}
        while more := {f.source for f in self.flows if f.to in drained} - drained:
            drained |= more
        if kept := places - drained:
            raise ValueError(f"nothing ever leaves {', '.join(sorted(kept))}")
        values = self.values(self.reference_weight_kg)
        for content in self._contents():
            read_value(content, values)
        return self

    def _contents(self) -> list[Value]:
        """Every text or number that must be a value."""
        found: list[Value | None] = []
        for flow in self.flows:
            found += [flow.rate, flow.clearance, flow.volume]
        for part in (p for entry in self.entries for p in entry.parts):
            found += [part.share, part.duration, part.each_mg, part.later]
        found += [seen.volume for seen in self.observe]
        return [content for content in found if content is not None]

    def values(self, weight_kg: float) -> dict[str, float]:
        """Constants of a person of this weight in hours, litres and milligrams."""
        found: dict[str, float] = {}
        for constant in self.parameters:
            if constant.name in found:
                raise ValueError(f"parameters: {constant.name!r} is named twice")
            value, per_kg = _inside(constant)
            if per_kg:
                value *= weight_kg
            if constant.weight_power is not None:
                value *= (weight_kg / self.reference_weight_kg) ** constant.weight_power
            found[constant.name] = value
        return found


class Mean(_Part):
    """The log-mean of other comparators; it abstains where fewer than ``at_least`` of them predict."""

    schema_version: Literal[1] = Field(alias="schema")
    id: Id
    name: Text
    mean_of: Annotated[tuple[Id, ...], Field(min_length=1)]
    at_least: Annotated[int, Field(ge=1)] = 2
    note: Text | None = None


def _inside(constant: Constant) -> tuple[float, bool]:
    """The value in the unit used inside, and whether that is per kilogram."""
    for unit in (*_INSIDE, *_PER_KG):
        try:
            return convert(constant.value, constant.unit, unit), unit in _PER_KG
        except UnitError:
            continue
    allowed = ", ".join((*_INSIDE, *_PER_KG))
    raise ValueError(f"parameters: {constant.name}: unit {constant.unit!r} fits none of {allowed}")


def read_value(content: Value, values: Mapping[str, float]) -> float:
    """A number, a name, or a product or quotient of these, such as ``2 * FM / MTT``.

    Raises
    ------
    ValueError
        Anything else, or a name that is no parameter.
    """
    if isinstance(content, float | int):
        return float(content)
    result, sign = 1.0, "*"
    for place, token in enumerate(re.split(r"\s*([*/])\s*", content.strip())):
        if place % 2:
            sign = token
            continue
        if not _FACTOR.fullmatch(token):
            raise ValueError(f"{content!r} is no product or quotient of numbers and parameters")
        if token[0].isdigit() or token[0] == ".":
            factor = float(token)
        elif token in values:
            factor = values[token]
        else:
            raise ValueError(
                f"{token!r} in {content!r} is no parameter{closest(token, list(values))}"
            )
        result = result * factor if sign == "*" else result / factor
    return result


def read_comparator(path: Path | str) -> Comparator | Mean:
    """Read one comparator file.

    Raises
    ------
    FactError
        It breaks its form: one line with the file, the field and what is allowed.
    """
    content = read_yaml(path)
    form = Mean if isinstance(content, dict) and "mean_of" in content else Comparator
    try:
        return form.model_validate(content)
    except ValidationError as error:
        line = first_problem(error, content, form.model_json_schema(by_alias=True))
        raise FactError(f"{Path(path).name}: {line}", content) from None


@cache
def comparators() -> Mapping[str, Comparator | Mean]:
    """All packaged comparators by id, the means last."""
    read = [read_comparator(path) for path in sorted(FOLDER.glob("*.yaml"))]
    models = {c.id: c for c in read if isinstance(c, Comparator)}
    means = {m.id: m for m in read if isinstance(m, Mean)}
    for mean in means.values():
        for member in mean.mean_of:
            if member not in models:
                raise FactError(f"{mean.id}: mean_of: {member!r} is no comparator", member)
    return {**models, **means}
