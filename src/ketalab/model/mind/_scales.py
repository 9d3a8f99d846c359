"""Rating scales as measurement models: what a rater writes down for a given severity.

``score = severity + fluctuation``, rounded to the scale's granularity and kept within its range. The fluctuation is
what severity and rater do between two visits without a cause in the model: a share of baseline, or points for an
acute scale, whose severity is counted from nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ketalab.facts import Scale, fact, scales

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Measurement:
    """A scale with the numbers of its facts, in points.

    ``fluctuation`` is a share of baseline, or points where ``acute``; ``response`` the share of baseline by which a
    score falls that counts as response; that and ``remission_at_most`` are None where the scale has no such rule.
    """

    scale: str
    maximum: float
    granularity: float
    baseline_mean: float
    baseline_sd: float
    fluctuation: float
    remission_at_most: float | None
    response: float | None
    acute: bool
    facts: tuple[str, ...]

    def score(self, severity: Array, fluctuation: Array | float = 0.0) -> Array:
        """Return the written score for a true ``severity`` in points and a fluctuation in points."""
        written = np.round((severity + fluctuation) / self.granularity) * self.granularity
        return np.clip(written, 0.0, self.maximum)

    def expected(self, severity: Array) -> Array:
        """Return the score without fluctuation or rounding, within the range of the scale."""
        return np.clip(severity, 0.0, self.maximum)

    def is_response(self, baseline: Array, score: Array) -> NDArray[np.bool_]:
        """Whether the score fell by at least the share of baseline that counts as response."""
        assert self.response is not None
        return np.asarray((score <= (1 - self.response) * baseline) & (baseline > 0))

    def is_remission(self, score: Array) -> NDArray[np.bool_]:
        """Whether the score is low enough to count as remission."""
        assert self.remission_at_most is not None
        return np.asarray(score <= self.remission_at_most)


def measurement(name: str) -> Measurement | None:
    """Return the measurement model of a scale by its id, or None where the scale is unknown."""
    scale: Scale | None = scales().get(name)
    if scale is None:
        return None

    def number(named: str | None) -> float | None:
        return None if named is None else fact(named).value

    used = (
        *(named for named, unit in scale.uses() if unit != "ratio"),
        scale.fluctuation,
    )
    return Measurement(
        scale=name,
        maximum=fact(scale.maximum).value,
        granularity=fact(scale.granularity).value,
        baseline_mean=fact(scale.baseline_mean).value,
        baseline_sd=fact(scale.baseline_sd).value,
        fluctuation=fact(scale.fluctuation).value,
        remission_at_most=number(scale.remission_at_most),
        response=number(scale.response),
        acute=fact(scale.fluctuation).unit == "points",
        facts=used,
    )
