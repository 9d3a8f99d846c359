"""What a report draws of a replay, gathered batch by batch: bands over people, and mean scores over virtual trials."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ketalab.laboratory import outputs, severity_of
from ketalab.studies._observe import Observer, Seen
from ketalab.studies._schema import Study

Array = NDArray[np.float64]

#: Outputs kept for figures and the hours at which they are kept, beside those that the rows need.
FIGURE_OUTPUTS = (
    *(
        f"plasma:venous:{analyte}"
        for analyte in ("S-ketamine", "R-ketamine", "S-norketamine", "R-norketamine")
    ),
    "occupancy:NMDA:cortical",
    "occupancy:NMDA:interneuron",
    "state:dissociation",
    "harm:systolic",
    "symptom:depression",
)
FIGURE_HOURS = (0, 0.1, 0.2, 0.35, 0.5, 2 / 3, 0.8, 1, 1.25, 1.5, 2, 3, 4, 6, 8, 12, 24)


class Gathered:
    """Quantiles for figures: a few people of each replicate, and each replicate's mean score."""

    def __init__(self, observer: Observer, study: Study) -> None:
        self.observer = observer
        names = [b.measure for b in study.population.baseline] + [o.measure for o in study.outcomes]
        self.scales = tuple(dict.fromkeys(n for n in names if f"score:{n}" in outputs()))
        self._courses: dict[str, dict[str, list[Array]]] = {}
        self._scores: dict[str, dict[str, list[Array]]] = {}

    def add(self, seen: Mapping[str, Seen]) -> None:
        """Keep a few people of each replicate for the bands, and each replicate's mean score."""
        for arm, one in seen.items():
            courses = self._courses.setdefault(arm, {})
            for name in FIGURE_OUTPUTS:
                if name not in one.values:
                    continue
                kept = one.values[name][:, :, :4].reshape(len(one.times), -1)
                courses.setdefault(name, []).append(kept.astype(np.float32))
            scores = self._scores.setdefault(arm, {})
            for scale in self.scales:
                if severity_of(scale) not in one.values:
                    continue
                means = [self.observer.score(one, scale, h)[1].mean(axis=1) for h in one.times]
                scores.setdefault(scale, []).append(np.stack(means))

    def quantiles(self) -> tuple[dict[str, dict[str, Array]], dict[str, dict[str, Array]]]:
        """Quantiles (5, 50, 95%) over what was kept, (3, T)."""
        levels = [0.05, 0.5, 0.95]

        def over(table: dict[str, dict[str, list[Array]]]) -> dict[str, dict[str, Array]]:
            return {
                arm: {
                    name: np.quantile(np.concatenate(parts, axis=1), levels, axis=1)
                    for name, parts in names.items()
                }
                for arm, names in table.items()
            }

        return over(self._courses), over(self._scores)
