"""What share of a trial's effect expectancy explains, under two rules by which it can be told from the drug.

Rule *belief*: what people believe moves their symptoms, arm by arm, and the difference between an active control and
saline tells how much. Rule *setting*: the kind of trial moves all its arms alike, and nothing of the difference between
them is expectancy. The trials so far do not say which; so both are reported, and the mixture by their weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ketalab.laboratory._arms import (
    Arms,
    Progress,
    control_arm,
    course_of,
    courses_of,
    sessions_of,
    simulate_arms,
)
from ketalab.laboratory._hypotheses import hypotheses, under_hypotheses, using_hypotheses
from ketalab.laboratory._scenario import Scenario

Array = NDArray[np.float64]

RULES = {
    "belief": (1.0, "belief moves symptoms, arm by arm; an active control tells how much"),
    "setting": (0.0, "the kind of trial moves all its arms alike"),
}
_PARTS = (
    "symptom:depression",
    "symptom:relief",
    "symptom:setting",
    "symptom:treatment",
    "symptom:natural",
)
#: An effect below this share of baseline is none to be explained.
_LEAST = 0.02


def _left(relief: Array, setting: Array, arms: Arms, hours: float) -> Array:
    """What remains in the drug arm with a given relief by the setting, (R, n)."""
    others = (1 - arms.at("drug", "symptom:treatment", hours)) * (
        1 - arms.at("drug", "symptom:natural", hours)
    )
    return np.asarray((1 - relief) * (1 - setting) * others)


def _shares(arms: Arms, hours: float) -> dict[str, Array]:
    """Shares (R,) of the difference between the arms and of the drug arm's change; NaN where there is no effect."""
    drug, control = (arms.at(arm, "symptom:depression", hours) for arm in ("drug", "control"))
    relief = arms.at("drug", "symptom:relief", hours)
    like_control = _left(relief, arms.at("control", "symptom:setting", hours), arms, hours)
    alone = _left(relief, np.zeros(arms.shape), arms, hours)
    between = (control - drug).mean(axis=1)
    change = (1 - drug).mean(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        of_difference = 1 - (control - like_control).mean(axis=1) / between
        of_change = 1 - (1 - alone).mean(axis=1) / change
    return {
        "of_difference": np.where(between > _LEAST, of_difference, np.nan),
        "of_change": np.where(change > _LEAST, of_change, np.nan),
        "effect": between,
        "change": change,
    }


def _band(values: Array) -> dict[str, float | None]:
    known = values[np.isfinite(values)]
    if not len(known):
        return {"mean": None, "p05": None, "p95": None}
    low, high = np.quantile(known, (0.05, 0.95))
    return {"mean": float(known.mean()), "p05": float(low), "p95": float(high)}


@under_hypotheses
def expectancy_share(
    scenario: Scenario,
    *,
    control: str = "saline",
    time_h: float = 24.0,
    replicates: int = 60,
    persons: int = 60,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Return the share of the effect, and of the drug arm's change, that expectancy explains under each rule.

    Parameters
    ----------
    scenario : what is given, to whom; seed.
    control : an id of :data:`~ketalab.laboratory.CONTROLS`.
    time_h : when the arms are compared, hours after the first dose.

    Returns
    -------
    Per rule ``of_difference``, ``of_change`` (fractions), ``effect`` and ``change`` (shares of baseline), each with
    mean and 90% interval over draws of constants and setting; under ``mixture`` both rules by their prior weight.
    """
    treatment = scenario.treatment()
    sessions = sessions_of(treatment.variants[0].administrations)
    chosen = control_arm(control)
    horizon = max(time_h, scenario.days * 24)
    found: dict[str, dict[str, Array]] = {}
    for number, (rule, (weight, _)) in enumerate(RULES.items()):
        with using_hypotheses({"expectancy": weight}):
            arms = simulate_arms(
                {
                    "drug": courses_of(treatment, chosen, sessions, horizon),
                    "control": course_of(None, chosen, sessions, horizon),
                },
                _PARTS,
                np.unique([0.0, time_h, horizon]),
                population=scenario.population,
                replicates=replicates,
                persons=persons,
                seed=scenario.seed,
                progress=None
                if progress is None
                else lambda done, all_, base=number: progress(base * all_ + done, 2 * all_),  # type: ignore[misc]
            )
        found[rule] = _shares(arms, time_h)
    prior = hypotheses()["expectancy"].weight
    cut = round(prior * replicates)
    mixture = {
        key: np.concatenate([found["belief"][key][:cut], found["setting"][key][cut:]])
        for key in found["belief"]
    }
    return {
        "schema": 1,
        "scenario": scenario.to_dict(),
        "control": {"id": control, "says": chosen.says},
        "time_h": time_h,
        "rules": {
            rule: {"says": RULES[rule][1], **{key: _band(x) for key, x in shares.items()}}
            for rule, shares in found.items()
        },
        "mixture": {
            "weight_of_belief": prior,
            "weight_is": "prior",
            **{key: _band(x) for key, x in mixture.items()},
        },
        "replicates": replicates,
        "persons": persons,
    }
