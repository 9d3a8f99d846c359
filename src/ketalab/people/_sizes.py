"""Of what size and age anyone may be, and the sizes of children and rodents where none is stated.

A child's default weight and height run in straight lines between facts at a few ages; all of them are assumed.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ketalab.facts import fact

Array = NDArray[np.float64]

#: Below this age (years) people are children, with a body model of their own.
ADULT_AGE = 18.0
#: From this age (years) on states and symptoms are modelled, as those of adults.
MIND_AGE = 12.0
#: From this age (years) on people are elderly.
ELDERLY_AGE = 65.0
#: Youngest and oldest (years).
AGES = (0.1, 100.0)
#: Shortest and tallest (cm).
HEIGHTS = (40.0, 250.0)
#: Lightest and heaviest (kg), by species.
WEIGHTS: Mapping[str, tuple[float, float]] = {
    "human": (3.0, 300.0),
    "rat": (0.05, 0.8),
    "mouse": (0.01, 0.06),
    "in_vitro": (1.0, 1.0),
}
#: Ages (years) at which facts hold a child's size.
_KNOTS = (0, 1, 5, 10, 18)

RODENT_FACTS = ("rodent_weight_cv",)
CHILD_FACTS = (
    *(f"child_{size}_{age}" for size in ("weight", "height") for age in _KNOTS),
    "child_weight_cv",
    "child_height_cv",
)


def _at(size: str, age: Array) -> Array:
    values = [fact(f"child_{size}_{knot}").value for knot in _KNOTS]
    return np.asarray(np.interp(age, _KNOTS, values))


def child_weight(age: Array) -> Array:
    """Mean weight (kg) of children by age (years)."""
    return _at("weight", age)


def child_height(age: Array) -> Array:
    """Mean height (cm) of children by age (years)."""
    return _at("height", age)


def rodent_weight(species: str) -> float:
    """Mean weight (kg) of an adult animal; a bath has the weight 1, so that nothing is scaled by it."""
    if species == "in_vitro":
        return 1.0
    return fact(f"{species}_weight").to("kg")
