"""What is seen of the simulated people of one arm: scores, responses, outputs, concentrations, one number a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ketalab.errors import ScenarioError
from ketalab.laboratory import Baseline, output, outputs, severity_of
from ketalab.laboratory import baseline as scale_baseline
from ketalab.people import Baseline as StatedBaseline
from ketalab.people import People, Population
from ketalab.studies._kinetics import (
    about_concentrations,
    average,
    figure,
    output_names,
    quantity_of,
)
from ketalab.studies._schema import Outcome, Study

Array = NDArray[np.float64]

#: Kinds of rows that count people with an event.
_OF_EVENTS = ("proportion", "risk_ratio", "odds_ratio")


@dataclass(frozen=True)
class Seen:
    """One arm as simulated: ``values[output]`` (T, R, n) at ``times`` (T,) hours after the arm's start.

    ``boluses`` are the hours of its intravenous boluses.
    """

    arm: str
    times: Array
    values: Mapping[str, Array]
    people: People
    shape: tuple[int, int]
    boluses: tuple[float, ...] = ()

    def at(self, name: str, hours: float) -> Array:
        """An output at a time, (R, n)."""
        place = int(np.argmin(np.abs(self.times - hours)))
        if abs(self.times[place] - hours) > 1e-6:
            raise ScenarioError(f"{name} at {hours:g} h was not simulated")
        return self.values[name][place]

    def normal(self, purpose: str) -> Array:
        """A draw by name for each person, (R, n)."""
        return self.people.normal(purpose).reshape(self.shape)


#: Scales on which a severity without a name is read, by the condition treated; of all others the last.
_USUAL_SCALES = {"PTSD": "CAPS-5", "OCD": "Y-BOCS", "suicidality": "SSI", "": "MADRS"}
#: Measures that name what is rated and no scale.
_UNSCALED = {"depression severity": "", "antidepressant effect": "", "suicidal ideation": "SSI"}
#: Counts of people that name no scale, and the event on a scale that they are.
_EVENTS = {"suicidal ideation absent": ("remission", "SSI")}


def named_scale(study: Study) -> str | None:
    """The first scale that a study names in its baselines or rows, of those that have a model."""
    named = [b.measure for b in study.population.baseline] + [o.measure for o in study.outcomes]
    scales = [name for name in named if f"score:{name}" in outputs()]
    return scales[0] if scales else None


def usual_scale(study: Study) -> str:
    """The scale that a study of this condition would use, where it names none."""
    usual = _USUAL_SCALES.get(study.population.condition or "", _USUAL_SCALES[""])
    return usual if f"score:{usual}" in outputs() else _USUAL_SCALES[""]


def names_no_scale(row: Outcome) -> bool:
    """Whether a row tells a response, a remission or a severity, and not on which scale."""
    return row.measure in (*_UNSCALED, *_EVENTS, "response", "remission")


def scale_of(study: Study, row: Outcome) -> str:
    """The scale that a row of scores is read on."""
    name = row.measure.removeprefix("score:")
    if name not in _UNSCALED:
        return name
    return _UNSCALED[name] or named_scale(study) or usual_scale(study)


def event_scale(study: Study, row: Outcome) -> tuple[str, str] | None:
    """(response or remission, scale) of a proportion row, or None where it counts another event."""
    if row.measure in _EVENTS:
        return _EVENTS[row.measure]
    words = row.measure.removeprefix("p:").split(":")
    text = f"{row.measure} {row.definition or ''}".lower()
    if words[0] in ("response", "remission"):
        kind = words[0]
    elif f"score:{words[0]}" in outputs():
        kind = "remission" if "remission" in text else "response"
        words = [kind, words[0]]
    else:
        return None
    if len(words) > 1:
        return kind, words[1]
    return kind, named_scale(study) or usual_scale(study)


def is_score(row: Outcome) -> bool:
    """Whether a row's measure is a rating scale, or a severity on one that is not named."""
    return row.measure in _UNSCALED or f"score:{row.measure.removeprefix('score:')}" in outputs()


def about_event(row: Outcome) -> bool:
    """Whether a row's measure is a probability of response or remission, and not of a state."""
    return row.measure.startswith(("p:response", "p:remission"))


def against_itself(row: Outcome) -> bool:
    """Whether a row compares its arm with the arm's own baseline: no arm is named, and it is no concentration."""
    own = row.than is None and not about_concentrations(row)
    return own and row.kind in ("direction", "ratio", "band_power")


def needed(study: Study, row: Outcome, known: Sequence[str]) -> tuple[str, ...]:
    """The layer outputs behind a row, of those that the study's model has.

    Raises
    ------
    ScenarioError
        No model of the row's measure yet: the reason that the row is skipped.
    """
    if about_concentrations(row):
        return output_names(row, known)
    plain = row.measure in known and row.kind not in _OF_EVENTS
    names = (row.measure,) if plain else (_behind(study, row),)
    if names[0] not in known:
        raise ScenarioError(f"species {study.species!r} has no model yet of {row.measure!r}")
    return names


def _behind(study: Study, row: Outcome) -> str:
    if row.kind in _OF_EVENTS:
        event = event_scale(study, row)
        if event is None or f"p:{event[0]}:{event[1]}" not in outputs():
            raise ScenarioError(f"no model yet of the share with {row.measure!r}")
        return severity_of(event[1])
    if is_score(row):
        return severity_of(scale_of(study, row))
    if row.measure in outputs():
        name = output(row.measure).name
        return severity_of(name) if about_event(row) else name
    raise ScenarioError(f"no model yet of the measure {row.measure!r}")


class Observer:
    """Turns simulated arms into observed numbers, one a person, with the rater's fluctuation.

    ``known`` are the outputs of the study's model.
    """

    def __init__(self, study: Study, population: Population, known: Sequence[str] = ()) -> None:
        self.study, self.population = study, population
        self.known = tuple(known) or tuple(outputs())

    def _baseline(self, seen: Seen, scale: str) -> Baseline:
        """Baseline of one arm: as the study states it for the arm, for all, or the scale's usual one."""
        population = self.population
        stated = self.study.baseline(scale, seen.arm)
        if stated is not None and stated.mean is not None and stated.mean > 0:
            own = StatedBaseline(measure=scale, mean=stated.mean, sd=stated.sd)
            population = population.model_copy(update={"baseline": (own,)})
        return scale_baseline(scale, population, seen.people, "replicate")

    def score(self, seen: Seen, scale: str, hours: float) -> tuple[Array, Array]:
        """Baseline and written score at a time, both (R, n).

        The baseline is what was written when the arm began, whatever an earlier period left behind; the score
        follows what has changed since.
        """
        base, shown = self._baseline(seen, scale), severity_of(scale)
        first = base.severity.reshape(seen.shape)
        now, start = seen.at(shown, hours), seen.at(shown, 0.0)
        moved = base.fluctuation.reshape(seen.shape) * seen.normal(
            f"fluctuation:{scale}:{seen.arm}:{hours:.9g}"
        )
        severity = (
            first + now - start if base.scale.acute else first * now / np.maximum(start, 1e-6)
        )
        return base.scale.score(first), base.scale.score(severity, moved)

    def event(self, seen: Seen, row: Outcome, hours: list[float]) -> Array:
        """Whether each person responded or remitted at any of the times, (R, n) of 0 and 1."""
        found = event_scale(self.study, row)
        assert found is not None
        kind, scale = found
        base = self._baseline(seen, scale)
        happened = np.zeros(seen.shape, dtype=bool)
        for hour in hours:
            first, score = self.score(seen, scale, hour)
            if kind == "response":
                happened |= base.scale.is_response(first, score)
            else:
                happened |= base.scale.is_remission(score)
        return happened.astype(float)

    def concentrations(self, seen: Seen, row: Outcome, reference: Seen | None) -> Array:
        """The figure of concentrations that a row reads in each person, (R, n)."""
        quantity = quantity_of(row)

        def one(name: str, where: Seen, what: str) -> Array:
            flat = where.values[name].reshape(len(where.times), -1)
            made = figure(where.times, flat, what, row.window_h, where.boluses)
            return made.reshape(where.shape)

        names = output_names(row, self.known)
        if quantity == "concentration":
            hour = row.time_h if row.time_h is not None else np.mean(row.window_h or (np.nan,))
            made = [seen.at(name, float(hour)) for name in names]
        elif quantity == "bioavailability":
            assert reference is not None
            areas = (seen, reference)
            made = [one(names[0], where, "auc") for where in areas]
        else:
            made = [one(name, seen, quantity) for name in names]
        if len(made) == 1:
            return made[0]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(made[0] / made[1])

    def before(self, seen: Seen, row: Outcome) -> Array:
        """The number of each person before treatment, (R, n): at 0, or before a dose that precedes it."""
        if is_score(row):
            return self.score(seen, scale_of(self.study, row), 0.0)[0]
        if about_event(row):
            return np.zeros(seen.shape)
        return seen.values[row.measure][0]

    def persons(
        self, seen: Seen, row: Outcome, hours: list[float], reference: Seen | None = None
    ) -> Array:
        """The number of each person that a row averages, (R, n)."""
        if about_concentrations(row):
            return self.concentrations(seen, row, reference)
        if row.kind in _OF_EVENTS:
            return self.event(seen, row, hours if row.ever else hours[-1:])
        values = [self._value(seen, row, hour) for hour in hours]
        return np.asarray(np.mean(values, axis=0))

    def _value(self, seen: Seen, row: Outcome, hour: float) -> Array:
        name = scale_of(self.study, row)
        change = row.kind in ("change", "difference", "smd", "direction", "ratio")
        if is_score(row):
            change = change and not against_itself(row)
            first, score = self.score(seen, name, hour)
            return score - first if change else score
        if about_event(row):
            return self.event(seen, row, [hour])
        value = seen.at(row.measure, hour)
        return value - seen.at(row.measure, 0.0) if row.kind == "change" else value


def _odds(share: Array, n: int) -> Array:
    events = share * n
    return (events + 0.5) / (n - events + 0.5)


def statistic(
    row: Outcome, mine: Array, other: Array | None, scatter: Array | None = None
) -> Array:
    """The row's number in each replicate (R,), from persons (R, n) of the arm and its comparator.

    ``scatter`` (R,) is a standard deviation that measuring adds to the one between the people.
    """
    mean = average(row, mine)
    if other is None:
        return mean
    n, m = mine.shape[1], other.shape[1]
    versus = average(row, other)
    if row.kind == "risk_ratio":
        return np.asarray(((mean * n + 0.5) / (n + 1)) / ((versus * m + 0.5) / (m + 1)))
    if row.kind == "odds_ratio":
        return np.asarray(_odds(mean, n) / _odds(versus, m))
    if row.kind == "ratio":
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(mean / versus)
    difference = mean - versus
    if row.kind in ("smd", "direction"):
        added = 0.0 if scatter is None else scatter**2
        spread = np.sqrt((_variance(mine) + _variance(other)) / 2 + added)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(difference == 0, 0.0, difference / spread)
    return np.asarray(difference)


def _variance(persons: Array) -> Array:
    """Variance between the persons of each replicate; infinite where one person has none."""
    if persons.shape[1] < 2:
        return np.full(len(persons), np.inf)
    return np.asarray(persons.var(axis=1, ddof=1))
