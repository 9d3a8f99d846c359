"""Populations and the people drawn from them: weight, height, age, sex, genotype, baseline severity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from scipy.special import ndtr, ndtri

from ketalab._files import read_yaml
from ketalab._problems import first_problem
from ketalab.errors import ScenarioError, closest
from ketalab.facts import fact, scales
from ketalab.people._streams import Streams

Array = NDArray[np.float64]

GENOTYPES: Mapping[str, Mapping[str, int]] = {
    "bdnf": {"val/val": 0, "val/met": 1, "met/met": 2},
    "cyp2b6": {"*1/*1": 0, "*1/*6": 1, "*6/*6": 2},
}
#: Facts that the default population reads.
FACTS = (
    "adult_weight",
    "adult_weight_cv",
    "weight_sex_ratio",
    "adult_height",
    "adult_height_sd",
    "height_sex_difference",
    "adult_age",
    "adult_age_sd",
    "adult_age_low",
    "adult_age_high",
    "female_share",
    "bdnf_met_frequency",
    "cyp2b6_star6_frequency",
)

#: What a mean may be; the same as for a single person.
_LIMITS = {"weight_kg": (3, 300), "height_cm": (40, 250), "age": (18, 100)}

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
    """Whom to draw. What is left out is the default adult of the facts (all of them assumed).

    ``weight_kg``, ``height_cm`` and ``age`` are a number (everybody alike) or ``{mean, sd}``; ``genotype``
    fixes a gene, as in ``{bdnf: val/met}``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    weight_kg: Annotated[float, Field(ge=3, le=300)] | Spread | None = None
    height_cm: Annotated[float, Field(ge=40, le=250)] | Spread | None = None
    age: Annotated[float, Field(ge=18, le=100)] | Spread | None = None
    female_percent: Annotated[float, Field(ge=0, le=100)] | None = None
    genotype: dict[Literal["bdnf", "cyp2b6"], str] = {}
    baseline: tuple[Baseline, ...] = ()

    @classmethod
    def read(cls, path: Path | str) -> Population:
        """Read a population file; one clear line for a wrong field."""
        return cls.parse(read_yaml(path), str(path))

    @classmethod
    def parse(cls, content: Any, where: str = "population") -> Population:
        """Check a population given as a mapping."""
        try:
            population = cls.model_validate(content)
        except ValidationError as error:
            raise ScenarioError(
                f"{where}: {first_problem(error, content, cls.model_json_schema())}", content
            ) from None
        for name, (low, high) in _LIMITS.items():
            value = getattr(population, name)
            if isinstance(value, Spread) and not low <= value.mean <= high:
                raise ScenarioError(
                    f"{where}: {name}.mean: {value.mean:g} is not allowed; {low} to {high}"
                )
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


@dataclass(frozen=True)
class People:
    """People drawn: one array a property, shape (person,).

    A person is number ``index`` of a ``replicate``. Units: ``weight`` kg, ``height`` cm, ``age`` years;
    ``female`` is 0 or 1; ``bdnf_met`` and ``cyp2b6_star6`` count alleles; ``severity`` is a standard normal
    rank of baseline severity, the same on every scale.
    """

    replicate: NDArray[np.int64]
    index: NDArray[np.int64]
    weight: Array
    height: Array
    age: Array
    female: Array
    bdnf_met: Array
    cyp2b6_star6: Array
    severity: Array
    streams: Streams = field(default_factory=Streams)

    def __len__(self) -> int:
        return len(self.weight)

    def normal(self, purpose: str) -> Array:
        """One standard normal number a person for a purpose, shape (person,)."""
        return np.asarray(ndtri(self.uniform(purpose)))

    def uniform(self, purpose: str) -> Array:
        """One uniform number a person for a purpose, shape (person,)."""
        return self.streams.of_people(purpose, self.replicate, self.index)

    def take(self, members: NDArray[np.int64]) -> People:
        """Some of the people; each keeps its number and so its draws."""
        return replace(
            self,
            **{
                item.name: getattr(self, item.name)[members]
                for item in fields(self)
                if item.name != "streams"
            },
        )

    def covariates(self) -> dict[str, Array]:
        """What the layers may read by name; ``bdnf_met`` is 1 for carriers of one or two Met alleles."""
        return {
            "weight": self.weight,
            "height": self.height,
            "age": self.age,
            "female": self.female,
            "bdnf_met": np.minimum(self.bdnf_met, 1.0),
            "cyp2b6_star6": self.cyp2b6_star6,
        }


def _alleles(frequency: float, uniform: Array) -> Array:
    """Allele count 0, 1 or 2 in Hardy-Weinberg proportions."""
    none, one = (1 - frequency) ** 2, 2 * frequency * (1 - frequency)
    return np.where(uniform < none, 0.0, np.where(uniform < none + one, 1.0, 2.0))


def _within(mean: float, sd: float, low: float, high: float, uniform: Array) -> Array:
    """A normal distribution cut at ``low`` and ``high``."""
    if sd == 0:
        return np.full_like(uniform, np.clip(mean, low, high))
    edges = ndtr((np.array([low, high]) - mean) / sd)
    return np.clip(mean + sd * ndtri(edges[0] + uniform * (edges[1] - edges[0])), low, high)


def draw(
    population: Population,
    streams: Streams,
    count: int,
    *,
    replicates: range = range(1),
    start: int = 0,
) -> People:
    """Draw ``count`` people in each of the replicates, one replicate after the other.

    Person ``start + i`` of a replicate is the same whoever else is drawn.
    """
    if count < 1 or len(replicates) < 1:
        raise ScenarioError(
            f"people: {count} in {len(replicates)} replicates; at least 1 is needed"
        )
    replicate = np.repeat(np.array(replicates, dtype=np.int64), count)
    index = np.tile(np.arange(start, start + count, dtype=np.int64), len(replicates))

    def uniform(purpose: str) -> Array:
        return streams.of_people(f"people:{purpose}", replicate, index)

    def value(name: str) -> float:
        return fact(name).value

    share = value("female_share")
    if population.female_percent is not None:
        share = population.female_percent / 100
    female = np.where(uniform("sex") < share, 1.0, 0.0)

    weight = _weights(population, female, share, uniform("weight"))
    shift = np.where(female == 1, -(1 - share), share) * value("height_sex_difference")
    height = population.height_cm or Spread(mean=value("adult_height"), sd=value("adult_height_sd"))
    if isinstance(height, Spread):
        # A stated standard deviation is that of everybody; what the sexes differ by is part of it.
        within = height.sd
        if population.height_cm is not None:
            between = share * (1 - share) * value("height_sex_difference") ** 2
            within = np.sqrt(max(height.sd**2 - between, 0.0))
        tall = height.mean + shift + within * ndtri(uniform("height"))
        heights = np.clip(tall, 40.0, 250.0)
    else:
        heights = np.full(len(index), float(height))

    age = population.age or Spread(mean=value("adult_age"), sd=value("adult_age_sd"))
    if isinstance(age, Spread):
        low = min(value("adult_age_low"), age.mean)
        high = max(value("adult_age_high"), age.mean + 2 * age.sd)
        ages = _within(age.mean, age.sd, low, high, uniform("age"))
    else:
        ages = np.full(len(index), float(age))

    genes = {}
    for gene, frequency in (("bdnf", "bdnf_met_frequency"), ("cyp2b6", "cyp2b6_star6_frequency")):
        fixed = population.genotype.get(gene)  # type: ignore[call-overload]
        genes[gene] = (
            np.full(len(index), float(GENOTYPES[gene][fixed.lower()]))
            if fixed
            else _alleles(value(frequency), uniform(f"genotype:{gene}"))
        )
    return People(
        replicate=replicate,
        index=index,
        weight=weight,
        height=heights,
        age=ages,
        female=female,
        bdnf_met=genes["bdnf"],
        cyp2b6_star6=genes["cyp2b6"],
        severity=np.asarray(ndtri(uniform("severity"))),
        streams=streams,
    )


def _weights(population: Population, female: Array, share: float, uniform: Array) -> Array:
    """Log-normal weight with the stated mean over both sexes."""
    weight = population.weight_kg
    if isinstance(weight, float | int):
        return np.full(len(female), float(weight))
    if isinstance(weight, Spread):
        mean, sd = weight.mean, weight.sd
    else:
        mean = fact("adult_weight").value
        sd = mean * fact("adult_weight_cv").value
    ratio = fact("weight_sex_ratio").value
    woman = mean / (share + (1 - share) * ratio)
    typical = np.where(female == 1, woman, woman * ratio)
    # The standard deviation is that of everybody; what the sexes differ by is part of it.
    between = share * (1 - share) * (woman * (ratio - 1)) ** 2
    squares = share * woman**2 + (1 - share) * (woman * ratio) ** 2
    sigma = np.sqrt(np.log1p(max(sd**2 - between, 0.0) / squares))
    return np.clip(typical * np.exp(sigma * ndtri(uniform) - sigma**2 / 2), 3.0, 300.0)


def typical_people(population: Population) -> People:
    """One person with the middle of every property: the *typical* patient of a summary."""

    def middle(value: float | Spread | None, default: str) -> Array:
        if value is None:
            return np.array([fact(default).value])
        return np.array([value.mean if isinstance(value, Spread) else float(value)])

    share = population.female_percent
    zero = np.zeros(1)
    genes = {
        gene: np.array([float(GENOTYPES[gene][name.lower()])])
        for gene, name in population.genotype.items()
    }
    return People(
        replicate=np.zeros(1, dtype=np.int64),
        index=np.zeros(1, dtype=np.int64),
        weight=middle(population.weight_kg, "adult_weight"),
        height=middle(population.height_cm, "adult_height"),
        age=middle(population.age, "adult_age"),
        female=np.array([1.0 if (share if share is not None else 50) >= 50 else 0.0]),
        bdnf_met=genes.get("bdnf", zero),
        cyp2b6_star6=genes.get("cyp2b6", zero),
        severity=zero,
    )
