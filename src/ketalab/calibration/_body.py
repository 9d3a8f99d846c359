"""The joint fit of the body: published values as priors, concentration records and published models as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from ketalab._files import read_yaml
from ketalab.calibration._fit import ROUNDS, Fit, Tell, fit_map
from ketalab.calibration._targets import (
    Curve,
    Target,
    curve_target,
    shared_votes,
    study_target,
)
from ketalab.facts import fact
from ketalab.laboratory import Posterior, from_scale, using_posterior
from ketalab.studies import list_studies, load_study, split

Array = NDArray[np.float64]
#: Record -> log of the mean over people over the typical person, one a row that entered.
Corrections = Mapping[str, Array]

#: Virtual trials of each record behind the corrections: they are known to a percent or two.
_TRIALS = 200


class Plan(BaseModel):
    """What is fitted, to what, and how much each thing counts (``data/calibration/body.yaml``).

    ``facts`` are the constants; ``prior_sd`` the least standard deviation of a prior on the fact's scale, because a
    published standard error is that of one study; ``spreads`` standard deviations of the log error of a vote.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    facts: tuple[str, ...]
    prior_sd: Mapping[str, float]
    spreads: Mapping[str, float]
    curves: tuple[Curve, ...]


@cache
def body_plan() -> Plan:
    """The packaged plan of the body's fit."""
    place = Path(str(files("ketalab"))) / "data" / "calibration" / "body.yaml"
    return Plan.model_validate(read_yaml(place))


@cache
def _targets() -> tuple[Target, ...]:
    plan = body_plan()
    studies = [load_study(name) for name in list_studies()]
    used = [s for s in studies if s.use == "calibrate" and s.species == "human"]
    votes = shared_votes([study.id for study in used])
    found = [study_target(study, plan.spreads, votes[study.id]) for study in used]
    return (*(t for t in found if t is not None), *(curve_target(c) for c in plan.curves))


def _prior(plan: Plan) -> tuple[Array, Array]:
    records = [fact(name) for name in plan.facts]
    mean = np.array([record.scale(record.value) for record in records])
    sd = np.array([float(np.mean(record.uncertainty())) for record in records])
    least = np.array([plan.prior_sd.get(name, 0.0) for name in plan.facts])
    return mean, np.maximum(sd, least)


@dataclass(frozen=True)
class BodyFit:
    """The fit, the posterior that it gives, and the records that it saw."""

    fit: Fit
    posterior: Posterior
    records: tuple[str, ...]
    labels: tuple[str, ...]
    corrections: Corrections


def calibrate_body(tell: Tell | None = None) -> BodyFit:
    """Fit the body's constants jointly, in two passes.

    The first compares typical people with the published means; virtual trials then tell how far a mean over people
    lies from the typical person, row by row, and the second pass corrects for that. ``tell`` hears how many of the most
    rounds are done.
    """
    told = _Told(tell, 2 * ROUNDS)
    first = _fit((), None, {}, told.pass_of(0))
    with using_posterior(first.posterior):
        corrections = {
            target.record: found
            for target in _targets()
            if (found := target.mean_correction(_TRIALS)) is not None
        }
    return _fit((), first.posterior, corrections, told.pass_of(ROUNDS))


def _fit(
    without: Sequence[str], start: Posterior | None, corrections: Corrections, tell: Tell | None
) -> BodyFit:
    plan = body_plan()
    targets = [target for target in _targets() if target.record not in without]
    mean, sd = _prior(plan)
    records = [fact(name) for name in plan.facts]

    def residuals(points: Array) -> Array:
        values = {
            name: from_scale(record, points[i])
            for i, (name, record) in enumerate(zip(plan.facts, records, strict=True))
        }
        return np.concatenate(
            [t.residuals(values, points.shape[1], corrections.get(t.record)) for t in targets]
        )

    with using_posterior(None):
        fit = fit_map(residuals, mean, sd, start=None if start is None else start.mode, tell=tell)
    seen = tuple(target.record for target in targets)
    about = {
        "schema": 1,
        "layer": "body",
        "split": split().hash,
        "records": list(seen),
        "cost_data": round(fit.cost_data, 4),
        "cost_prior": round(fit.cost_prior, 4),
        "residuals": len(fit.residuals),
        "rounds": fit.rounds,
        "settled": fit.settled,
    }
    posterior = Posterior(plan.facts, fit.mode, fit.covariance, about)
    labels = tuple(label for target in targets for label in target.labels)
    return BodyFit(fit, posterior, seen, labels, corrections)


@dataclass(frozen=True)
class _Told:
    """Progress of fits that follow each other: each has its share of all rounds."""

    tell: Tell | None
    most: int

    def pass_of(self, before: int) -> Tell | None:
        tell = self.tell
        return None if tell is None else lambda done, _: tell(before + done, self.most)


def leave_one_out(
    whole: BodyFit, tell: Callable[[str, int, int], None] | None = None
) -> dict[str, Posterior]:
    """The posterior without each study that was fitted, by record; records of the same people are left out together."""
    names = [target.record for target in _targets() if not target.record.startswith("model:")]
    groups: list[tuple[str, ...]] = []
    for name in names:
        if not any(name in group for group in groups):
            same = [g.records for g in split().same_study if name in g.records]
            together = {name, *(member for records in same for member in records)}
            groups.append(tuple(n for n in names if n in together))
    made: dict[str, Posterior] = {}
    for number, group in enumerate(groups):
        fitted = _fit(group, whole.posterior, whole.corrections, None)
        made |= dict.fromkeys(group, fitted.posterior)
        if tell is not None:
            tell(group[0], number + 1, len(groups))
    return made


def shifts(posterior: Posterior) -> list[dict[str, Any]]:
    """How far each constant moved from its published value: a row a fact, farthest first."""
    plan = body_plan()
    mean, sd = _prior(plan)
    rows = []
    for i, name in enumerate(plan.facts):
        record = fact(name)
        rows.append(
            {
                "fact": name,
                "published": record.value,
                "posterior": float(from_scale(record, np.array(posterior.mode[i]))),
                "unit": record.unit,
                "shift_sd": float((posterior.mode[i] - mean[i]) / sd[i]),
                "sd_ratio": float(np.sqrt(posterior.covariance[i, i]) / sd[i]),
            }
        )
    return sorted(rows, key=lambda row: -abs(row["shift_sd"]))
