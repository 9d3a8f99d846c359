"""Rating scales as measurement models: what a rater writes down for a given severity.

``score = baseline * remaining + fluctuation``, rounded to the scale's granularity and kept within its range. The
fluctuation is what severity and rater do between two visits without a cause in the model, as a share of baseline.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ketalab.facts import Scale, fact, scales

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Measurement:
    """A scale with the numbers of its facts: points, except ``fluctuation`` and ``response``."""

    scale: str
    maximum: float
    granularity: float
    baseline_mean: float
    baseline_sd: float
    fluctuation: float
    remission_at_most: float
    response: float
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
        return np.asarray((score <= (1 - self.response) * baseline) & (baseline > 0))

    def is_remission(self, score: Array) -> NDArray[np.bool_]:
        """Whether the score is low enough to count as remission."""
        return np.asarray(score <= self.remission_at_most)


def measurement(name: str) -> Measurement | None:
    """Return the measurement model of a scale by its id, or None where the scale is unknown."""
    scale: Scale | None = scales().get(name)
    if scale is None:
        return None
    numbers: dict[str, Any] = {
        field: fact(getattr(scale, field)).value
        for field in (
            "maximum",
            "granularity",
            "baseline_mean",
            "baseline_sd",
            "fluctuation",
            "remission_at_most",
        )
    }
    used = (*(getattr(scale, field) for field in numbers), "response_share")
    return Measurement(
        scale=name, response=fact("response_share").value, facts=tuple(used), **numbers
    )
