"""Scores of one depression scale as scores of another.

No table that links the scales is on record. So a severity is held to be the same where the scores are in the ratio of
the scales' usual baselines: ``score = value x (points per point of the 17-item Hamilton scale)``, a straight line
through zero, kept within the range and on the steps of the scale. The interval is the range of those ratios, both ways.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ketalab.errors import ScenarioError, closest
from ketalab.facts import fact, scales
from ketalab.laboratory._scores import scale

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Converted:
    """Scores on another scale, points: the value, and the ends of its interval; ``facts`` behind them."""

    value: Array
    low: Array
    high: Array
    facts: tuple[str, ...]


def convertible() -> tuple[str, ...]:
    """Ids of the scales that can be converted into each other."""
    return tuple(name for name, record in scales().items() if record.per_hdrs17 is not None)


def _ratio(name: str) -> tuple[str, float, float, float]:
    known = convertible()
    if name not in known:
        raise ScenarioError(
            f"scale {name!r} cannot be converted; allowed: {', '.join(known)}{closest(name, known)}",
            name,
        )
    record = fact(scales()[name].per_hdrs17 or "")
    low, high = (
        record.spread.interval if record.spread and record.spread.interval else (record.value,) * 2
    )
    return record.id, record.value, low, high


def convert_score(value: Array | float, from_: str, to: str) -> Converted:
    """Convert scores (any shape) from one depression scale to another.

    Raises
    ------
    ScenarioError
        A scale that is unknown or cannot be converted, or a score outside its range.
    """
    first, second = _ratio(from_), _ratio(to)
    given, old, new = np.asarray(value, dtype=float), scale(from_), scale(to)
    if not np.all((given >= 0) & (given <= old.maximum)):
        worst = given.ravel()[~((given.ravel() >= 0) & (given.ravel() <= old.maximum))][0]
        raise ScenarioError(
            f"{from_} {worst:g} is not allowed; allowed: 0 to {old.maximum:g} points", float(worst)
        )
    if from_ == to:
        return Converted(given, given, given, (first[0],))
    ends = [given * b / a for a, b in product(first[2:], second[2:])]
    middle = new.score(given * second[1] / first[1])
    return Converted(
        middle,
        np.minimum(new.score(np.minimum.reduce(ends)), middle),
        np.maximum(new.score(np.maximum.reduce(ends)), middle),
        (first[0], second[0]),
    )
