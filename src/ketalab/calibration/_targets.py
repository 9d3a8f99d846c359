"""What the body is fitted to: rows of study files, one vote a record, route and analyte, and published models.

A digitised curve of sixteen points and a single peak weigh the same: the rows of one record, route and analyte
share one vote. Only rows that are verified and counted enter, and only of studies whose use is ``calibrate``. The time
of a peak does not enter: it moves in steps of the times that are looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from ketalab.errors import InputError
from ketalab.laboratory import Course, body_model, individuals_at, integrate, prepare
from ketalab.people import Population, typical_people
from ketalab.protocol import parse_phrase
from ketalab.studies import Outcome, Study, TypicalStudy, replay_study, split

Array = NDArray[np.float64]

KINDS = ("concentration", "cmax", "auc", "bioavailability", "ratio", "half_life")
#: Concentrations below this (in the unit of the row) say nothing about a fold error.
_NOTHING = 1e-9
_Positive = Annotated[float, Field(gt=0)]


class Curve(BaseModel):
    """Concentrations (ng/mL) that a published model gives its typical person of ``weight_kg``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    phrase: str
    weight_kg: _Positive
    age: _Positive = 30.0
    output: str
    hours: tuple[float, ...]
    values: tuple[float, ...]
    log_sd: _Positive
    why: str


@dataclass(frozen=True)
class Target:
    """Residuals of one record for many sets of constants, in standard deviations."""

    record: str
    ask: Any
    labels: tuple[str, ...]
    sd: Array
    study: Study | None = None
    rows: tuple[int, ...] = ()

    def residuals(
        self, values: Mapping[str, Array], count: int, correction: Array | None = None
    ) -> Array:
        """(rows, count); ``correction`` (rows,) is the log of a mean over people over the typical person."""
        log_ratio = np.asarray(self.ask(values, count))
        if correction is not None:
            log_ratio = log_ratio + correction[:, None]
        return log_ratio / self.sd[:, None]

    def mean_correction(self, replicates: int) -> Array | None:
        """Log of the mean over virtual trials over the typical person's number (rows,), as the constants are in use.

        What is published is a mean over people, and most of what varies between people does so unevenly. None for
        the curve of a model, which is that of its typical person.
        """
        if self.study is None:
            return None
        replayed = replay_study(self.study, replicates).rows
        means = np.array([replayed[i]["predicted"]["mean"] for i in self.rows])
        typical = TypicalStudy(self.study).rows({}, 1)
        return np.log(means / np.array([float(typical[i][0]) for i in self.rows]))


def _routes(study: Study, row: Outcome) -> tuple[str, ...]:
    """Routes of a row's arm; the marketed nasal device is a route of its own."""
    doses = [
        dose
        for phrase in (study.arm(row.arm).doses if row.arm else ())
        for variant in parse_phrase(phrase).variants
        for dose in variant.administrations
    ]
    return tuple(sorted({"device" if dose.device == "device" else dose.route for dose in doses}))


def _spread(study: Study, row: Outcome, spreads: Mapping[str, float]) -> float:
    """Standard deviation of a row's log error: by what is measured, or by route where absorption decides."""
    if row.kind in ("half_life", "ratio"):
        return spreads[row.kind]
    analyte = (row.analyte or "").split("-")[-1]
    found = [spreads.get(analyte, spreads["other"])]
    return max(found + [spreads.get(f"route:{route}", 0.0) for route in _routes(study, row)])


def study_target(study: Study, spreads: Mapping[str, float], votes: float = 1.0) -> Target | None:
    """The rows of a study that can enter; None where there is none. ``votes`` is what the record has in all."""
    typical = TypicalStudy(study)
    if typical.plan is None or typical.plan.population.children:
        # Children have models of their own, of which nothing is fitted.
        return None
    entered = [
        i
        for i in typical.live
        if (row := study.outcomes[i]).kind in KINDS
        and row.verified
        and row.counted
        and row.observed is not None
        and row.observed > _NOTHING
    ]
    if not entered:
        return None
    group = [(_routes(study, study.outcomes[i]), study.outcomes[i].analyte) for i in entered]
    share = np.array([group.count(one) for one in group]) / votes
    sd = np.array([_spread(study, study.outcomes[i], spreads) for i in entered]) * np.sqrt(share)
    observed = np.array([float(study.outcomes[i].observed or np.nan) for i in entered])

    def ask(values: Mapping[str, Array], count: int) -> Array:
        made = typical.rows(values, count)
        predicted = np.stack([made[i] for i in entered])
        return np.log(predicted) - np.log(observed)[:, None]

    labels = tuple(f"{study.id}:{i}" for i in entered)
    return Target(study.id, ask, labels, sd, study, tuple(entered))


def curve_target(curve: Curve) -> Target:
    """A published model's curve: one vote."""
    model = body_model()
    if curve.output not in model.reads.outputs:
        raise InputError(f"curve of {curve.model}: {curve.output!r} is no output of the body")
    doses = parse_phrase(curve.phrase).administrations
    prepared = prepare(Course(doses, max(curve.hours) + 1.0), model=model)
    person = typical_people(Population(weight_kg=curve.weight_kg, age=curve.age)).covariates()
    known = {name: float(person[name][0]) for name in model.covariates}
    sd = np.full(len(curve.hours), curve.log_sd * np.sqrt(len(curve.hours)))

    def ask(values: Mapping[str, Array], count: int) -> Array:
        people = individuals_at(model, values, known, count)
        hours = np.array(curve.hours)
        weights = np.full(count, curve.weight_kg)
        made = integrate(prepared, people, weights, hours, (curve.output,)).values[curve.output]
        return np.log(made) - np.log(np.array(curve.values))[:, None]

    labels = tuple(f"{curve.model}:{hour:g}" for hour in curve.hours)
    return Target(f"model:{curve.model}", ask, labels, sd)


def shared_votes(records: Sequence[str]) -> dict[str, float]:
    """Votes of each record: one, or its part of the one vote of records that hold one model's output."""
    votes = dict.fromkeys(records, 1.0)
    for group in split().same_study:
        if group.one_vote:
            members = [name for name in group.records if name in votes]
            votes |= dict.fromkeys(members, 1.0 / max(len(members), 1))
    return votes
