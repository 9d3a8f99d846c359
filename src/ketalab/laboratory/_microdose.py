"""Low doses against the usual one: the effect, its interval, and how wide that interval is, in one unit.

The effect is what a dose does beyond the same sessions without a drug, a day after the last of them, in points of a
scale. The interval runs over draws of the constants: dose is barely informed by trials, and its width says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ketalab.laboratory._arms import (
    Progress,
    control_arm,
    course_of,
    courses_of,
    sessions_of,
    simulate_arms,
)
from ketalab.laboratory._hypotheses import under_hypotheses
from ketalab.laboratory._scenario import DEFAULT_PHRASE, Scenario
from ketalab.laboratory._scores import baseline, severity_of
from ketalab.protocol import parse_phrase

Array = NDArray[np.float64]

#: Low doses that are talked about, each by itself and repeated.
LOW_DOSES = (
    "0.05 mg/kg ketamine iv over 40 min",
    "0.1 mg/kg ketamine iv over 40 min",
    "0.1 mg/kg ketamine iv over 40 min every 72 h x 5",
    "10 mg ketamine sublingual",
    "10 mg ketamine sublingual every 72 h x 5",
)
_AFTER_H = 24.0
#: A reference that does less than this, share of baseline, is none to take a share of.
_LEAST = 0.02


def _band(values: Array) -> dict[str, float]:
    low, high = np.quantile(values, (0.05, 0.95))
    return {"mean": float(values.mean()), "p05": float(low), "p95": float(high)}


def _share(effect: Array, of: Array, least: float) -> dict[str, float | None]:
    """Share of a reference's effect: that of the means, and the middle 90% of draws in which it has an effect."""
    known = -of > least
    if not known.any() or -of.mean() <= least:
        return {"mean": None, "p05": None, "p95": None}
    low, high = np.quantile(effect[known] / of[known], (0.05, 0.95))
    return {"mean": float(effect.mean() / of.mean()), "p05": float(low), "p95": float(high)}


@under_hypotheses
def microdose(
    scenario: Scenario,
    phrases: Sequence[str] = LOW_DOSES,
    *,
    reference: str = DEFAULT_PHRASE,
    control: str = "saline",
    measure: str = "MADRS",
    replicates: int = 60,
    persons: int = 60,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Compare low doses with a reference; the scenario gives people, seed and hypotheses.

    Returns
    -------
    ``rows``, the reference first: ``effect`` in points (mean, 90% interval, negative is relief), ``width`` of that
    interval in points, ``share`` of the reference's effect with its interval (None where the reference has none),
    ``dissociated`` of 100 people.

    Raises
    ------
    ScenarioError
        A phrase that cannot be read, or an unknown control or scale.
    """
    chosen, rows, effects = control_arm(control), [], {}
    every = [reference, *phrases]
    for number, phrase in enumerate(every):
        treatment = parse_phrase(phrase)
        sessions = sessions_of(treatment.variants[0].administrations)
        judged = max(sessions, default=0.0) + _AFTER_H
        looks = [0.1, 0.25, 0.5, 2 / 3, 1.0, 1.5]
        arms = simulate_arms(
            {
                "drug": courses_of(treatment, chosen, sessions, judged),
                "control": course_of(None, chosen, sessions, judged),
            },
            (severity_of(measure), "p:ordinary"),
            np.unique([0.0, *looks, judged]),
            population=scenario.population,
            replicates=replicates,
            persons=persons,
            seed=scenario.seed,
        )
        base = baseline(measure, scenario.population, arms.people, "replicate")
        left = [arms.at(arm, severity_of(measure), judged) for arm in ("drug", "control")]
        points = base.severity.reshape(arms.shape) * (left[0] - left[1])
        effects[phrase] = points.mean(axis=1)
        effect = _band(effects[phrase])
        least = _LEAST * float(base.severity.mean())
        away = (1 - arms.values["drug"]["p:ordinary"]).max(axis=0)
        rows.append(
            {
                "phrase": phrase,
                "judged_h": judged,
                "effect": {**effect, "unit": f"points of {measure}"},
                "width": effect["p95"] - effect["p05"],
                "share": _share(effects[phrase], effects[reference], least),
                "dissociated": _band(100 * (away >= 0.5).mean(axis=1)),
            }
        )
        if progress is not None:
            progress(number + 1, len(every))
    return {
        "schema": 1,
        "control": {"id": control, "says": chosen.says},
        "measure": measure,
        "rows": rows,
        "replicates": replicates,
        "persons": persons,
        "seed": scenario.seed,
    }
