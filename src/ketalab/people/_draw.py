"""Drawing people from a population: each property by a stream of its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from ketalab.errors import ScenarioError
from ketalab.facts import fact
from ketalab.people._people import People
from ketalab.people._population import GENOTYPES, Population, Spread, middle
from ketalab.people._sizes import (
    ADULT_AGE,
    AGES,
    CHILD_FACTS,
    HEIGHTS,
    RODENT_FACTS,
    WEIGHTS,
    child_height,
    child_weight,
    rodent_weight,
)
from ketalab.people._streams import Streams

Array = NDArray[np.float64]
Uniform = Callable[[str], Array]

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
#: Facts that any people read, of whatever age.
_OF_ALL = ("female_share", "bdnf_met_frequency", "cyp2b6_star6_frequency")
#: A standard deviation below this share of the mean is none: the limits are too many of it away to count.
_NO_SPREAD = 1e-12
#: The greatest age (years) that is still a child's.
_OLDEST_CHILD = float(np.nextafter(ADULT_AGE, 0.0))
#: Nothing depends on an animal's age; a full-grown person's loses nothing of the flow of the liver.
_RODENT_AGE = 30.0


def population_facts(population: Population) -> tuple[str, ...]:
    """Ids of the facts that a population may read where it states nothing."""
    if population.species == "in_vitro":
        return ()
    if population.species != "human":
        return (f"{population.species}_weight", *RODENT_FACTS)
    return (*_OF_ALL, *CHILD_FACTS) if population.children else FACTS


def _alleles(frequency: float, uniform: Array) -> Array:
    """Allele count 0, 1 or 2 in Hardy-Weinberg proportions."""
    none, one = (1 - frequency) ** 2, 2 * frequency * (1 - frequency)
    return np.where(uniform < none, 0.0, np.where(uniform < none + one, 1.0, 2.0))


def _within(mean: float, sd: float, low: float, high: float, uniform: Array) -> Array:
    """A normal distribution cut at ``low`` and ``high``."""
    if sd < _NO_SPREAD * mean:
        return np.full_like(uniform, np.clip(mean, low, high))
    edges = ndtr((np.array([low, high]) - mean) / sd)
    return np.clip(mean + sd * ndtri(edges[0] + uniform * (edges[1] - edges[0])), low, high)


def _log_normal(mean: Array | float, cv: Array | float, uniform: Array, species: str) -> Array:
    """Weights with a mean and a coefficient of variation, within the limits of the species."""
    sigma = np.sqrt(np.log1p(np.square(cv)))
    return np.clip(mean * np.exp(sigma * ndtri(uniform) - sigma**2 / 2), *WEIGHTS[species])


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

    if population.species != "human":
        weight = _rodent_weights(population, uniform)
        return _rodents(population, weight, replicate, index, streams)
    share = fact("female_share").value
    if population.female_percent is not None:
        share = population.female_percent / 100
    female = np.where(uniform("sex") < share, 1.0, 0.0)
    age = _ages(population, uniform)
    if population.children:
        weight, height = _child_sizes(population, age, uniform)
    else:
        weight = _weights(population, female, share, uniform("weight"))
        height = _heights(population, female, share, uniform)
    genes = {}
    for gene, frequency in (("bdnf", "bdnf_met_frequency"), ("cyp2b6", "cyp2b6_star6_frequency")):
        fixed = population.genotype.get(gene)  # type: ignore[call-overload]
        genes[gene] = (
            np.full(len(index), float(GENOTYPES[gene][fixed.lower()]))
            if fixed
            else _alleles(fact(frequency).value, uniform(f"genotype:{gene}"))
        )
    return People(
        replicate=replicate,
        index=index,
        weight=weight,
        height=height,
        age=age,
        female=female,
        bdnf_met=genes["bdnf"],
        cyp2b6_star6=genes["cyp2b6"],
        severity=np.asarray(ndtri(uniform("severity"))),
        streams=streams,
        differs_by=population.differs_by,
    )


def _ages(population: Population, uniform: Uniform) -> Array:
    """Ages; nobody crosses 18 years, whatever the standard deviation."""
    age, drawn = population.age, uniform("age")
    if age is None:
        age = Spread(mean=fact("adult_age").value, sd=fact("adult_age_sd").value)
    if not isinstance(age, Spread):
        return np.full_like(drawn, float(age))
    if population.children:
        return _within(age.mean, age.sd, AGES[0], _OLDEST_CHILD, drawn)
    low = fact("adult_age_low").value
    high = min(max(fact("adult_age_high").value, age.mean + 2 * age.sd), AGES[1])
    return _within(age.mean, age.sd, low, high, drawn)


def _heights(population: Population, female: Array, share: float, uniform: Uniform) -> Array:
    """Normal height with the stated mean over both sexes."""
    shift = np.where(female == 1, -(1 - share), share) * fact("height_sex_difference").value
    height = population.height_cm or Spread(
        mean=fact("adult_height").value, sd=fact("adult_height_sd").value
    )
    if not isinstance(height, Spread):
        return np.full_like(female, float(height))
    # A stated standard deviation is that of everybody; what the sexes differ by is part of it.
    within = height.sd
    if population.height_cm is not None:
        between = share * (1 - share) * fact("height_sex_difference").value ** 2
        within = np.sqrt(max(height.sd**2 - between, 0.0))
    return np.clip(height.mean + shift + within * ndtri(uniform("height")), *HEIGHTS)


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
    low, high = WEIGHTS["human"]
    return np.clip(typical * np.exp(sigma * ndtri(uniform) - sigma**2 / 2), low, high)


def _child_sizes(population: Population, age: Array, uniform: Uniform) -> tuple[Array, Array]:
    """Weights and heights of children: as stated, else around the mean of each child's own age, alike for the sexes."""
    weight, height = population.weight_kg, population.height_cm
    if weight is None:
        cv = fact("child_weight_cv").value
        weights = _log_normal(child_weight(age), cv, uniform("weight"), "human")
    elif isinstance(weight, Spread):
        weights = _log_normal(weight.mean, weight.sd / weight.mean, uniform("weight"), "human")
    else:
        weights = np.full_like(age, float(weight))
    if height is None:
        mean = child_height(age)
        heights = mean * (1 + fact("child_height_cv").value * ndtri(uniform("height")))
    elif isinstance(height, Spread):
        heights = height.mean + height.sd * ndtri(uniform("height"))
    else:
        heights = np.full_like(age, float(height))
    return weights, np.clip(heights, *HEIGHTS)


def _rodent_weights(population: Population, uniform: Uniform) -> Array:
    weight, drawn = population.weight_kg, uniform("weight")
    if population.species == "in_vitro":
        return np.full_like(drawn, rodent_weight(population.species))
    if weight is None:
        mean, cv = rodent_weight(population.species), fact("rodent_weight_cv").value
    elif isinstance(weight, Spread):
        mean, cv = weight.mean, weight.sd / weight.mean
    else:
        return np.full_like(drawn, float(weight))
    return _log_normal(mean, cv, drawn, population.species)


def _rodents(
    population: Population,
    weight: Array,
    replicate: NDArray[np.int64],
    index: NDArray[np.int64],
    streams: Streams,
) -> People:
    """Animals have a weight and nothing else; they carry none of the alleles of people."""
    none = np.zeros_like(weight)
    return People(
        replicate=replicate,
        index=index,
        weight=weight,
        height=np.full_like(weight, np.nan),
        age=np.full_like(weight, _RODENT_AGE),
        female=none,
        bdnf_met=none,
        cyp2b6_star6=none,
        severity=none,
        streams=streams,
    )


def typical_people(population: Population) -> People:
    """One person with the middle of every property: the *typical* patient of a summary."""
    zero, first = np.zeros(1), np.zeros(1, dtype=np.int64)

    def stated(value: float | Spread | None, default: Callable[[], float]) -> Array:
        return np.array([default() if value is None else middle(value)])

    if population.species != "human":
        weight = stated(population.weight_kg, lambda: rodent_weight(population.species))
        return _rodents(population, weight, first, first, Streams())
    age = stated(population.age, lambda: fact("adult_age").value)
    child = population.children
    weight = stated(
        population.weight_kg,
        lambda: child_weight(age)[0] if child else fact("adult_weight").value,
    )
    height = stated(
        population.height_cm,
        lambda: child_height(age)[0] if child else fact("adult_height").value,
    )
    share = population.female_percent
    genes = {
        gene: np.array([float(GENOTYPES[gene][name.lower()])])
        for gene, name in population.genotype.items()
    }
    return People(
        replicate=first,
        index=first,
        weight=weight,
        height=height,
        age=age,
        female=np.array([1.0 if (share if share is not None else 50) >= 50 else 0.0]),
        bdnf_met=genes.get("bdnf", zero),
        cyp2b6_star6=genes.get("cyp2b6", zero),
        severity=zero,
        differs_by=population.differs_by,
    )
