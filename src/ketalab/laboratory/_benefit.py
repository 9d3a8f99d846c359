"""Benefit and risk side by side: out of 100 people like these, over this time, on the drug and on a control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ketalab.errors import ScenarioError
from ketalab.facts import harms_to_watch, thin_harms
from ketalab.laboratory._arms import (
    CONTROLS,
    Arms,
    Progress,
    control_arm,
    course_of,
    courses_of,
    sessions_of,
    simulate_arms,
)
from ketalab.laboratory._hypotheses import under_hypotheses
from ketalab.laboratory._model import outputs, whom
from ketalab.laboratory._scenario import Scenario
from ketalab.laboratory._scores import (
    baseline,
    remission_probability,
    response_probability,
    severity_of,
)

Array = NDArray[np.float64]

#: How sure, in a word, by the grade of the outputs behind a number.
CERTAINTY = {"A": "high", "B": "moderate", "C": "low", "D": "very low"}
#: Hours after the start of a session at which its states and harms are looked at, and how many sessions at most.
_LOOKS = (0.05, 0.1, 0.25, 0.5, 2 / 3, 1.0, 1.5, 2.0, 3.0, 4.0)
_MOST_SESSIONS = 12
#: Response is judged a day after the last session; relapse, of those who responded, at the end if that is later
#: by at least three days.
_JUDGED_AFTER_H, _RELAPSE_AFTER_H = 24.0, 72.0
#: Harms counted once a session, in words: the probabilities that the harm layer offers.
HARMS = {
    "p:pressure-high": "high blood pressure in a session",
    "p:nausea": "nausea",
    "p:vomiting": "vomiting",
    "p:dizziness": "dizziness",
    "p:sedation": "sedation (MOAA/S below 5)",
}
ARMS = ("drug", "control")


@dataclass(frozen=True)
class Benefit:
    """The view: ``rows`` with the shares of each arm, and where they come from; ``outputs`` are those behind them."""

    scenario: Scenario
    control: str
    measure: str
    rows: tuple[Mapping[str, Any], ...]
    replicates: int
    persons: int
    judged_h: float
    check: Any
    outputs: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """The view as one JSON document."""
        return {
            "schema": 1,
            "scenario": self.scenario.to_dict(),
            "hash": self.scenario.hash(),
            "control": {"id": self.control, "says": CONTROLS[self.control].says},
            "measure": self.measure,
            "judged_h": self.judged_h,
            "replicates": self.replicates,
            "persons": self.persons,
            "rows": list(self.rows),
            "check": self.check.to_dict(),
            **({"too_thin": watched} if (watched := self.watched()) else {}),
        }

    def watched(self) -> list[dict[str, Any]]:
        """Harms without a number that people of this condition are watched for: what is known of them."""
        names = harms_to_watch(self.scenario.population.differs_by)
        return [thin_harms()[name].document() for name in names]


def _of_100(shares: Array) -> dict[str, float]:
    """Mean and middle 90% over replicates (R,), out of 100 people."""
    low, high = np.quantile(100 * shares, (0.05, 0.95))
    return {"mean": float(100 * shares.mean()), "p05": float(low), "p95": float(high)}


def _row(
    outcome: str, definition: str, shares: Mapping[str, Array], names: Sequence[str]
) -> dict[str, Any]:
    known = outputs()
    worst = max((known[name].grade for name in names if name in known), default="D")
    return {
        "outcome": outcome,
        "definition": definition,
        **{arm: _of_100(shares[arm]) for arm in ARMS},
        "difference": _of_100(shares["drug"] - shares["control"]),
        "grade": worst,
        "certainty": CERTAINTY[worst],
    }


def _days(hours: float) -> str:
    days = f"{hours / 24:g}"
    return f"{days} day{'' if days == '1' else 's'}"


def _in_sessions(count: int) -> str:
    return "in the session" if count == 1 else f"in at least one of {count} sessions"


def _looked_at(sessions: Sequence[float]) -> list[float]:
    """The sessions whose hours are looked at: all of a few, the first and the last half of many."""
    if len(sessions) <= _MOST_SESSIONS:
        return list(sessions)
    half = _MOST_SESSIONS // 2
    return [*sessions[:half], *sessions[-half:]]


def _once(arms: Arms, arm: str, name: str, sessions: Sequence[float]) -> Array:
    """Share of people (R,) in whom something happens in at least one session, by its greatest probability in each."""
    spared = np.ones(arms.shape)
    for start in sessions:
        inside = (arms.times >= start) & (arms.times <= start + _LOOKS[-1] + 1e-9)
        spared *= 1 - arms.values[arm][name][inside].max(axis=0)
    return np.asarray((1 - spared).mean(axis=1))


def _ever(arms: Arms, arm: str) -> Array:
    """Share of people (R,) who are dissociated or deeper at some moment, by its greatest probability."""
    return np.asarray((1 - arms.values[arm]["p:ordinary"]).max(axis=0).mean(axis=1))


@under_hypotheses
def benefit(
    scenario: Scenario,
    *,
    control: str = "saline",
    measure: str = "MADRS",
    replicates: int = 50,
    persons: int = 100,
    progress: Progress | None = None,
) -> Benefit:
    """Compare a treatment with a control, out of 100 people, over the days of a scenario.

    Parameters
    ----------
    scenario : what is given, to whom, for how many days; its patients and outputs are not read.
    control : an id of :data:`CONTROLS`.
    measure : the rating scale by which response and remission are judged.
    replicates : draws of constants and setting, over which the intervals run; ``persons`` people in each.

    Raises
    ------
    ScenarioError
        An unknown control or scale, a species other than human, or a treatment that ends after the days.
    SolutionError
        A person's solution failed.
    """
    control_of = control_arm(control)
    if whom(scenario) != "human":
        raise ScenarioError(
            "benefit: symptoms are modelled in people from 12 years on alone", scenario.species
        )
    if f"p:response:{measure}" not in outputs():
        known = [n.rpartition(":")[2] for n in outputs() if n.startswith("p:response:")]
        raise ScenarioError(
            f"measure: {measure!r} is not allowed; allowed: {', '.join(known)}", measure
        )
    treatment, horizon = scenario.treatment(), scenario.days * 24
    sessions = sessions_of(treatment.variants[0].administrations)
    last = max(sessions, default=0.0)
    judged = min(last + _JUDGED_AFTER_H, horizon)
    if last >= horizon:
        raise ScenarioError(
            f"days: {scenario.days:g} is not allowed; allowed: more than {last / 24:g}, when the last dose is given",
            scenario.days,
        )
    seen = _looked_at(sessions)
    times = np.unique(
        [
            0.0,
            judged,
            horizon,
            *(s + h for s in seen for h in (0.0, *_LOOKS) if 0 <= s + h <= horizon),
        ]
    )
    harms = [name for name in HARMS if name in outputs()]
    names = (severity_of(measure), "p:ordinary", *harms)
    arms = simulate_arms(
        {
            "drug": courses_of(treatment, control_of, sessions, horizon),
            "control": course_of(None, control_of, sessions, horizon),
        },
        names,
        times,
        population=scenario.population,
        replicates=replicates,
        persons=persons,
        seed=scenario.seed,
        progress=progress,
    )
    rows = [*_relief_rows(arms, scenario, measure, judged, horizon)]
    rows.append(
        _row(
            "dissociation",
            "dissociated or deeper at some moment",
            {arm: _ever(arms, arm) for arm in ARMS},
            ("p:ordinary",),
        )
    )
    rows += [
        _row(
            HARMS[name],
            _in_sessions(len(seen)),
            {arm: _once(arms, arm, name, seen) for arm in ARMS},
            (name,),
        )
        for name in harms
    ]
    return Benefit(
        scenario,
        control,
        measure,
        tuple(rows),
        replicates,
        persons,
        judged,
        arms.account.check(),
        (f"score:{measure}", *names),
    )


def _relief_rows(
    arms: Arms, scenario: Scenario, measure: str, judged: float, horizon: float
) -> list[dict[str, Any]]:
    base = baseline(measure, scenario.population, arms.people, "replicate")

    def shares(hours: float, chance: Any) -> dict[str, Array]:
        return {
            arm: chance(base, arms.at(arm, severity_of(measure), hours).ravel()).reshape(arms.shape)
            for arm in ARMS
        }

    when = f"{_days(judged)} after the start"
    response = shares(judged, response_probability)
    rows = [
        _row(
            "response",
            f"{measure} fallen by {100 * (base.scale.response or 0):.0f}% or more, {when}",
            {arm: p.mean(axis=1) for arm, p in response.items()},
            (f"p:response:{measure}",),
        ),
    ]
    if base.scale.remission_at_most is not None:
        rows.append(
            _row(
                "remission",
                f"{measure} at most {base.scale.remission_at_most:g}, {when}",
                {arm: p.mean(axis=1) for arm, p in shares(judged, remission_probability).items()},
                (f"p:remission:{measure}",),
            )
        )
    if horizon - judged >= _RELAPSE_AFTER_H:
        later = shares(horizon, response_probability)
        rows.append(
            _row(
                "response at the end",
                f"{measure} fallen by {100 * (base.scale.response or 0):.0f}% or more, "
                f"{_days(horizon)} after the start",
                {arm: p.mean(axis=1) for arm, p in later.items()},
                (f"p:response:{measure}",),
            )
        )
        rows.append(
            _row(
                "relapse, of all",
                f"a response {when} that is lost {_days(horizon)} after the start",
                {
                    arm: (p * (1 - np.minimum(later[arm] / p, 1))).mean(axis=1)
                    for arm, p in response.items()
                },
                (f"p:response:{measure}",),
            )
        )
    return rows
