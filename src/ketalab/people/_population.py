"""Populations: whom to draw, by weight, height, age, sex, genotype, baseline severity."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ketalab._files import read_yaml
from ketalab._problems import first_problem
from ketalab.errors import ScenarioError, closest
from ketalab.facts import scales
from ketalab.people._sizes import (
    ADULT_AGE,
    AGES,
    ELDERLY_AGE,
    HEIGHTS,
    MIND_AGE,
    WEIGHTS,
)

Species = Literal["human", "rat", "mouse", "in_vitro"]
#: What people may suffer from; in what that moves constants and baselines is data (``conditions.yaml``).
Condition = Literal[
    "MDD",
    "TRD",
    "bipolar depression",
    "PTSD",
    "OCD",
    "suicidality",
    "substance use",
    "healthy",
]
_USUAL_CONDITION: Condition = "MDD"
GENOTYPES: Mapping[str, Mapping[str, int]] = {
    "bdnf": {"val/val": 0, "val/met": 1, "met/met": 2},
    "cyp2b6": {"*1/*1": 0, "*1/*6": 1, "*6/*6": 2},
}
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Spread(BaseModel):
    """A mean with its standard deviation between people."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mean: Positive
    sd: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Baseline(BaseModel):
    """Baseline severity on a scale, in points."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    measure: str
    mean: Positive
    sd: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


class Population(BaseModel):
    """Whom to draw. What is left out is the default of the facts (all of it assumed).

    ``weight_kg``, ``height_cm`` and ``age`` are a number (everybody alike) or ``{mean, sd}``; ``genotype``
    fixes a gene, as in ``{bdnf: val/met}``. A population with a mean age below 18 years is of children, every one
    of them below 18; any other of adults, and of the elderly where the mean age stated is 65 or more. Of rats and
    mice only the weight may be stated, and nothing of a bath (``in_vitro``), which is the same every time and has
    the weight 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    species: Species = "human"
    weight_kg: Positive | Spread | None = None
    height_cm: Positive | Spread | None = None
    age: Positive | Spread | None = None
    female_percent: Annotated[float, Field(ge=0, le=100)] | None = None
    genotype: dict[Literal["bdnf", "cyp2b6"], str] = {}
    baseline: tuple[Baseline, ...] = ()
    condition: Condition = _USUAL_CONDITION

    @property
    def children(self) -> bool:
        """Whether these are people below 18 years."""
        return self.age is not None and middle(self.age) < ADULT_AGE

    @property
    def adolescents(self) -> bool:
        """Whether these are people from 12 to below 18 years."""
        return self.children and self.age is not None and middle(self.age) >= MIND_AGE

    @property
    def elderly(self) -> bool:
        """Whether these are people of 65 years and more, by their stated mean age."""
        return self.age is not None and middle(self.age) >= ELDERLY_AGE

    @property
    def differs_by(self) -> tuple[str, ...]:
        """The condition and the ages in which these people differ from adults with major depression."""
        if self.species != "human":
            return ()
        condition = () if self.condition == _USUAL_CONDITION else (self.condition,)
        ages = {"adolescents": self.adolescents, "elderly": self.elderly}
        return (*condition, *(age for age, holds in ages.items() if holds))

    @model_validator(mode="after")
    def _possible(self) -> Population:
        if self.species != "human":
            allowed = () if self.species == "in_vitro" else ("weight_kg",)
            for name in type(self).model_fields:
                if name in ("species", *allowed):
                    continue
                if getattr(self, name) not in (None, {}, (), _USUAL_CONDITION):
                    raise ValueError(
                        f"{name}: not allowed for species {self.species!r}; "
                        f"allowed: {', '.join(allowed) or 'nothing'}"
                    )
        limits = {"weight_kg": WEIGHTS[self.species], "height_cm": HEIGHTS, "age": AGES}
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if value is not None and not low <= middle(value) <= high:
                where = f"{name}.mean" if isinstance(value, Spread) else name
                raise ValueError(
                    f"{where}: {middle(value):g} is not allowed; {low:g} to {high:g} "
                    f"for species {self.species!r}"
                )
        return self

    @classmethod
    def read(cls, path: Path | str, species: str = "human") -> Population:
        """Read a population file, of a species where it names none; one clear line for a wrong field."""
        content = read_yaml(path)
        if isinstance(content, dict):
            content = {"species": species, **content}
        return cls.parse(content, str(path))

    @classmethod
    def parse(cls, content: Any, where: str = "population") -> Population:
        """Check a population given as a mapping."""
        try:
            population = cls.model_validate(content)
        except ValidationError as error:
            raise ScenarioError(
                f"{where}: {first_problem(error, content, cls.model_json_schema())}", content
            ) from None
        for stated in population.baseline:
            if stated.measure not in scales():
                near = closest(stated.measure, scales())
                raise ScenarioError(
                    f"{where}: baseline: {stated.measure!r} is not a known scale; "
                    f"allowed: {', '.join(scales())}{near}",
                    stated.measure,
                )
        for gene, alleles in population.genotype.items():
            if alleles.lower() not in GENOTYPES[gene]:
                allowed = ", ".join(GENOTYPES[gene])
                raise ScenarioError(
                    f"{where}: genotype {gene}={alleles!r}; allowed: {allowed}", alleles
                )
        return population

    def of(self, species: str) -> Population:
        """The same population of another species.

        Raises
        ------
        ScenarioError
            Something is stated that the species does not have, or a weight beyond its limits.
        """
        stated = self.model_dump(exclude_defaults=True)
        return Population.parse({**stated, "species": species})


def middle(value: float | Spread) -> float:
    """The number, or the mean."""
    return value.mean if isinstance(value, Spread) else float(value)
