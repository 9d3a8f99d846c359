"""A scenario made ready, and any range of its patients computed apart.

Who a patient is, and what comes out for that patient, depends on the scenario and the patient's number alone: a range
has the same bytes whoever computes it and whatever ranges stand beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ketalab.engine import Tell
from ketalab.errors import ScenarioError
from ketalab.facts import thin_harms
from ketalab.laboratory._arms import choose
from ketalab.laboratory._between import facts_of_settings, study_settings
from ketalab.laboratory._course import Course, check_modelled, facts_of_doses
from ketalab.laboratory._guard import TYPICAL, Account, middles
from ketalab.laboratory._hypotheses import current_changes, under_hypotheses
from ketalab.laboratory._individuals import (
    Individuals,
    Uncertainty,
    facts_of_conditions,
    individuals,
    typical_individual,
)
from ketalab.laboratory._looks import looks
from ketalab.laboratory._measures import REPORT_HOURS, course_figures, exposure
from ketalab.laboratory._model import OutputInfo, model_for, output, outputs, rest_of, whom
from ketalab.laboratory._posterior import current_posterior
from ketalab.laboratory._prepare import Prepared, prepare, solver_of
from ketalab.laboratory._run import Integrated, integrate, rows_behind
from ketalab.laboratory._scenario import BEHAVIOURS, Scenario
from ketalab.laboratory._scores import (
    about_scale,
    baseline,
    fluctuation,
    remission_probability,
    response_probability,
    severity_at,
    severity_of,
)
from ketalab.laboratory._timeline import DEPTHS, KINDS, deepest, spells
from ketalab.model.tracing import Traced
from ketalab.people import People, Streams, draw, population_facts
from ketalab.protocol import Treatment, Variant

Array = NDArray[np.float64]
#: Figures of people: output -> figure -> (N,).
Figures = dict[str, dict[str, Array]]

#: Where no times are asked for, courses are kept at these (hours, then daily).
_DEFAULT_TIMES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)


#: Where all of these are asked for, the deepest state is told too.
_DEPTH_OUTPUTS = frozenset(f"p:{name}" for name in DEPTHS)


def _layer_outputs(infos: tuple[OutputInfo, ...]) -> tuple[str, ...]:
    """Outputs of the layers that are needed for the asked outputs."""
    names = [severity_of(i.name) if about_scale(i.name) else i.name for i in infos]
    return tuple(dict.fromkeys(names))


def _default_times(horizon: float) -> Array:
    daily = np.arange(24.0, horizon + 1e-9, 24.0)
    return np.unique(
        np.concatenate([[t for t in _DEFAULT_TIMES if t <= horizon], daily, [horizon]])
    )


def _scored(
    info: OutputInfo,
    remaining: Array,
    scenario: Scenario,
    people: People,
    times: Array,
    noise: bool,
) -> Array:
    """Score, response or remission (T, N) from the severity that a scale shows (T, N)."""
    *kind, scale = info.name.split(":")
    uncertainty: Uncertainty = "person" if noise and scenario.uncertainty else "none"
    base = baseline(scale, scenario.population, people, uncertainty)
    if kind == ["p", "response"]:
        return response_probability(base, remaining)
    if kind == ["p", "remission"]:
        return remission_probability(base, remaining)
    severity = severity_at(base, remaining)
    if not noise:
        return base.scale.expected(severity)
    moved = np.stack([fluctuation(base, people, f"{scale}:{t:.9g}") for t in times])
    return base.scale.score(severity, moved)


class _Group:
    """People on one variant of the treatment: runs them and keeps courses and figures."""

    def __init__(
        self, scenario: Scenario, infos: tuple[OutputInfo, ...], prepared: Prepared
    ) -> None:
        horizon = prepared.course.horizon_h
        self.scenario, self.infos, self.prepared = scenario, infos, prepared
        self.names = _layer_outputs(infos)
        self.kept = np.array(scenario.times) if scenario.times else _default_times(horizon)
        hours = [h for h in REPORT_HOURS if h <= horizon]
        edges = prepared.edges[prepared.edges >= 0]
        # Half-way points sharpen peaks and areas; they are rungs of the ladder, so they cost little. A body alone
        # has no steps, only events.
        close = middles(edges) if prepared.model.states else looks(edges)
        self.times = np.unique(np.concatenate([edges, close, self.kept, hours, [0.0]]))
        self.report = {h: int(np.searchsorted(self.times, h)) for h in hours}
        self.keep = np.searchsorted(self.times, self.kept)
        # A rater comes now and then: scores are written at the kept and the reported hours only.
        visits = np.unique(np.concatenate([[0.0], self.kept, hours]))
        self.visits = np.searchsorted(self.times, visits)

    def _figures(
        self, info: OutputInfo, course: Array, rated: bool, rest: Array | None
    ) -> dict[str, Array]:
        if info.measure == "concentration":
            return exposure(self.times, course)
        seen = self.visits if rated else slice(None)
        kind = next((k for k in KINDS if k.output == info.name), None)
        when = {} if kind is None else spells(self.times, course, kind)
        at = {f"at {hour}": course[place] for hour, place in self.report.items()}
        return {**course_figures(self.times[seen], course[seen], rest), **at, **when}

    def integrate(
        self,
        parts: Sequence[tuple[People, Individuals]],
        settings: Mapping[str, Array],
        tell: Tell | None,
    ) -> Integrated:
        """Solve several lists of people at once, one list after the other; ``settings`` are those of the first list.

        The others are in a setting like the average one, where every effect is zero.
        """
        drawn = Individuals(
            np.concatenate([one.parameters for _, one in parts], axis=1),
            np.concatenate([one.covariates for _, one in parts], axis=1),
        )
        weights = np.concatenate([people.weight for people, _ in parts])
        numbers = np.concatenate([people.index for people, _ in parts])
        return integrate(
            self.prepared,
            drawn,
            weights,
            self.times,
            self.names,
            engine=self.scenario.engine,
            settings={
                name: np.append(effect, np.zeros(len(numbers) - len(effect)))
                for name, effect in settings.items()
            },
            numbers=numbers,
            tell=tell,
        )

    def measure(
        self,
        people: People,
        values: dict[str, Array],
        rest: Mapping[str, Array],
        *,
        noise: bool,
    ) -> tuple[dict[str, Array], dict[str, dict[str, Array]]]:
        """Courses at the kept times, and figures; NaN for people whose solution failed."""
        failed = np.isnan(values[self.names[0]][0])
        courses, figures = {}, {}
        for info in self.infos:
            rated = noise and info.name.startswith("score:")
            if info.name in values:
                course = values[info.name]
            else:
                course = np.full((len(self.times), len(people)), np.nan)
                places = self.visits if rated else np.arange(len(self.times))
                remaining = values[severity_of(info.name)][places]
                course[places] = _scored(
                    info, remaining, self.scenario, people, self.times[places], noise
                )
            courses[info.name] = course[self.keep]
            figures[info.name] = {
                name: np.where(failed, np.nan, figure)
                for name, figure in self._figures(info, course, rated, rest.get(info.name)).items()
            }
        if not _DEPTH_OUTPUTS - values.keys():
            depth = deepest({name: values[name] for name in _DEPTH_OUTPUTS})
            for name, share in depth.items():
                figures[f"p:{name}"] = {
                    **figures.get(f"p:{name}", {}),
                    "deepest": np.where(failed, np.nan, share),
                }
        return courses, figures


def choose_variants(people: People, variants: tuple[Variant, ...]) -> NDArray[np.int64]:
    """Which variant of a stated mix each person gets, by a stream of its own."""
    return choose(people, [variant.weight for variant in variants])


@dataclass(frozen=True)
class Asked:
    """What a scenario asks for, known without computing anything: outputs, what is given, and the facts behind."""

    infos: tuple[OutputInfo, ...]
    treatment: Treatment
    facts: tuple[str, ...]


def look_up(scenario: Scenario) -> Asked:
    """Read what a scenario asks for, and refuse what has no model.

    Raises
    ------
    ScenarioError
        An unknown output, or a drug or route without a model.
    """
    who, model = whom(scenario), model_for(scenario)
    thin = thin_harms() if who == "human" else {}
    infos = tuple(output(n, who) for n in scenario.outputs if n not in thin)
    if not scenario.outputs:
        infos = tuple(outputs(who).values())
    treatment = scenario.treatment()
    used = dict.fromkeys(f for info in infos for f in info.facts)
    used |= dict.fromkeys(population_facts(scenario.population))
    used |= dict.fromkeys(facts_of_conditions(scenario.population.differs_by))
    if scenario.uncertainty:
        used |= dict.fromkeys(facts_of_settings(model.inputs))
    for variant in treatment.variants:
        check_modelled(model, variant.administrations)
        used |= dict.fromkeys(facts_of_doses(variant.administrations))
    return Asked(infos, treatment, tuple(used))


@dataclass(frozen=True)
class Ready:
    """A scenario whose time grids are chosen: ranges of its patients can be computed."""

    asked: Asked
    groups: tuple[_Group, ...]

    @property
    def times(self) -> Array:
        """Hours (T,) at which courses are kept."""
        return self.groups[0].kept

    @property
    def samples(self) -> int:
        """Numbers that one patient takes while being computed, about: outputs, and states that are read for them, at
        all times."""
        return max(
            len(group.times) * rows_behind(group.prepared, group.names) for group in self.groups
        )


#: Courses made ready, by all that their steps depend on.
Shelf = dict[Any, Prepared]


def _kind(model: Traced, species: str, solver: str, course: Course) -> Any:
    """All that the steps of a course depend on, whoever goes through it."""
    posterior = current_posterior()
    return (
        *(id(model), species, solver, course.administrations, course.horizon_h),
        *(course.interventions, course.sessions, tuple(sorted(course.settings.items()))),
        *(None if posterior is None else posterior.digest, repr(sorted(current_changes().items()))),
    )


@under_hypotheses
def make_ready(
    scenario: Scenario, *, tells: Sequence[Tell | None] = (), shelf: Shelf | None = None
) -> Ready:
    """Choose the time grid of each variant of a scenario; ``tells`` hear how far each is.

    A course that is on the ``shelf`` is taken from there, and any other put there.
    """
    shelf = {} if shelf is None else shelf
    asked, model = look_up(scenario), model_for(scenario)
    window = {"behaviour": BEHAVIOURS[scenario.behaviour]} if "behaviour" in model.inputs else {}
    window |= rest_of(scenario.population, model)
    groups = []
    for number, variant in enumerate(asked.treatment.variants):
        course = Course(variant.administrations, scenario.days * 24, settings=window)
        species, solver = scenario.population.species, solver_of(scenario.engine)
        kind = _kind(model, species, solver, course)
        if kind not in shelf:
            tell = tells[number] if tells else None
            shelf[kind] = prepare(course, model=model, species=species, solver=solver, tell=tell)
        groups.append(_Group(scenario, asked.infos, shelf[kind]))
    return Ready(asked, tuple(groups))


@dataclass(frozen=True)
class Typical:
    """The typical patient: courses output -> (T,), and figures output -> figure."""

    values: Mapping[str, Array]
    figures: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Part:
    """Patients ``begin`` to ``end``: courses output -> (T, N), figures output -> figure -> (N,), and their account.

    The account names patients by their own numbers. ``typical`` is there where it was asked for.
    """

    begin: int
    end: int
    values: dict[str, Array]
    figures: Figures
    account: Account = field(default_factory=Account)
    typical: Typical | None = None


@under_hypotheses
def simulate_range(
    scenario: Scenario,
    ready: Ready,
    begin: int,
    end: int,
    *,
    typical: bool = False,
    part: Callable[[float], Tell | None] = lambda share: None,
) -> Part:
    """Compute the patients with the numbers ``begin`` to ``end``, the last left out.

    Parameters
    ----------
    ready : what :func:`make_ready` gave for the same scenario.
    typical : solve the typical patient beside them, without fluctuation.
    part : gives the listener of the next piece of the work, for its share.
    """
    if not 0 <= begin < end <= scenario.patients:
        raise ScenarioError(f"patients {begin} to {end} are not among {scenario.patients}")
    model, variants, count = model_for(scenario), ready.asked.treatment.variants, end - begin
    streams = Streams(scenario.seed)
    uncertainty: Uncertainty = "person" if scenario.uncertainty else "none"
    infos = ready.asked.infos
    made = Part(
        begin,
        end,
        {i.name: np.empty((len(ready.times), count)) for i in infos},
        {i.name: {} for i in infos},
    )
    person, _ = middle = typical_individual(model, scenario.population)
    found: Typical | None = None
    people = draw(scenario.population, streams, count, start=begin)
    drawn = individuals(model, people, streams, uncertainty)
    settings = study_settings(model, people, streams) if scenario.uncertainty else {}
    chosen = choose_variants(people, variants)
    for number, group in enumerate(ready.groups):
        members = np.nonzero(chosen == number)[0]
        beside = [middle] if typical and number == 0 else []
        if not len(members) and not beside:
            continue
        own = Individuals(drawn.parameters[:, members], drawn.covariates[:, members])
        mine = {name: effect[members] for name, effect in settings.items()}
        some = people.take(members)
        solved = group.integrate([(some, own), *beside], mine, part(1 / len(variants)))
        made.account.add(solved.account, [*(begin + members).tolist(), TYPICAL])
        if beside:
            last = {name: course[:, -1:] for name, course in solved.values.items()}
            rest = {name: value[-1:] for name, value in solved.rest.items()}
            courses, figures = group.measure(person, last, rest, noise=False)
            found = Typical(
                {name: course[:, 0] for name, course in courses.items()},
                {n: {k: float(v[0]) for k, v in f.items()} for n, f in figures.items()},
            )
        if not len(members):
            continue
        first = {name: course[:, : len(members)] for name, course in solved.values.items()}
        rest = {name: value[: len(members)] for name, value in solved.rest.items()}
        courses, figures = group.measure(some, first, rest, noise=True)
        for name, course in courses.items():
            made.values[name][:, members] = course
            for figure, value in figures[name].items():
                made.figures[name].setdefault(figure, np.empty(count))[members] = value
    return Part(begin, end, made.values, made.figures, made.account, found)
