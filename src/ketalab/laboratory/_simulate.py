"""simulate(scenario) -> Result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ketalab.engine import Tell
from ketalab.facts import thin_harms
from ketalab.laboratory._arms import choose
from ketalab.laboratory._between import facts_of_settings, study_settings
from ketalab.laboratory._course import Course, facts_of_doses
from ketalab.laboratory._guard import TYPICAL, Account, middles
from ketalab.laboratory._hypotheses import under_hypotheses
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
from ketalab.laboratory._prepare import Prepared, prepare
from ketalab.laboratory._result import Result
from ketalab.laboratory._run import BATCH, Integrated, integrate
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
from ketalab.laboratory._work import Progress, Work
from ketalab.people import People, Streams, draw, population_facts
from ketalab.protocol import Variant

Array = NDArray[np.float64]

#: What the parts of a run weigh in its time: the choice of the steps, and a batch with its check.
_PREPARATION, _BATCH_OF_WORK = 1.0, 3.0
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


@under_hypotheses
def simulate(scenario: Scenario, *, progress: Progress | None = None) -> Result:
    """Simulate a scenario.

    Parameters
    ----------
    scenario : Scenario
    progress : callable(done, total), in patients; the preparation counts as some, so that done is no whole number.

    Raises
    ------
    ScenarioError
        An unknown output, or a drug or route without a model.
    SolutionError
        A patient's solution failed and the scenario does not keep such patients, or many of the checked
        patients miss the allowed error.
    """
    who, model = whom(scenario), model_for(scenario)
    thin = thin_harms() if who == "human" else {}
    asked = [name for name in scenario.outputs if name not in thin]
    infos = tuple(output(n, who) for n in asked)
    if not scenario.outputs:
        infos = tuple(outputs(who).values())
    if not infos:
        # Nothing that has a number was asked for.
        return Result(scenario, (), np.array(scenario.times), {}, {}, {}, {}, ())
    treatment = scenario.treatment()
    streams = Streams(scenario.seed)
    uncertainty: Uncertainty = "person" if scenario.uncertainty else "none"
    batches = -(-scenario.patients // BATCH)
    work = Work(progress, scenario.patients, _PREPARATION + _BATCH_OF_WORK * batches)
    share = 1 / len(treatment.variants)
    horizon = scenario.days * 24
    window = {"behaviour": BEHAVIOURS[scenario.behaviour]} if "behaviour" in model.inputs else {}
    window |= rest_of(scenario.population, model)
    groups = [
        _Group(
            scenario,
            infos,
            prepare(
                Course(variant.administrations, horizon, settings=window),
                model=model,
                species=scenario.population.species,
                tell=work.part(_PREPARATION * share),
            ),
        )
        for variant in treatment.variants
    ]
    n, kept = scenario.patients, groups[0].kept
    values = {i.name: np.empty((len(kept), n)) for i in infos}
    figures: dict[str, dict[str, Array]] = {i.name: {} for i in infos}
    account = Account()
    # The typical patient is solved with the first batch, without fluctuation.
    person, _ = middle = typical_individual(model, scenario.population)
    for begin in range(0, n, BATCH):
        people = draw(scenario.population, streams, min(BATCH, n - begin), start=begin)
        drawn = individuals(model, people, streams, uncertainty)
        settings = study_settings(model, people, streams) if scenario.uncertainty else {}
        chosen = choose_variants(people, treatment.variants)
        for number, group in enumerate(groups):
            members = np.nonzero(chosen == number)[0]
            beside = [middle] if begin == number == 0 else []
            if not len(members) and not beside:
                continue
            part = Individuals(drawn.parameters[:, members], drawn.covariates[:, members])
            mine = {name: effect[members] for name, effect in settings.items()}
            some, where = people.take(members), begin + members
            told = work.part(_BATCH_OF_WORK * share)
            solved = group.integrate([(some, part), *beside], mine, told)
            account.add(solved.account, [*where.tolist(), TYPICAL])
            if beside:
                last = {name: course[:, -1:] for name, course in solved.values.items()}
                rest = {name: value[-1:] for name, value in solved.rest.items()}
                typical, typical_figures = group.measure(person, last, rest, noise=False)
            if not len(members):
                continue
            first = {name: course[:, : len(members)] for name, course in solved.values.items()}
            rest = {name: value[: len(members)] for name, value in solved.rest.items()}
            courses, made = group.measure(some, first, rest, noise=True)
            for name, course in courses.items():
                values[name][:, where] = course
                for figure, value in made[name].items():
                    figures[name].setdefault(figure, np.empty(n))[where] = value
        done = begin + len(people)
        if scenario.failed == "raise":
            account.refuse_failed(str(n) if done == n else f"the first {done}", scenario.engine)
    if progress is not None:
        progress(n, n)
    account.refuse_many_above()
    used = dict.fromkeys(f for info in infos for f in info.facts)
    used |= dict.fromkeys(population_facts(scenario.population))
    used |= dict.fromkeys(facts_of_conditions(scenario.population.differs_by))
    if scenario.uncertainty:
        used |= dict.fromkeys(facts_of_settings(model.inputs))
    for variant in treatment.variants:
        used |= dict.fromkeys(facts_of_doses(variant.administrations))
    return Result(
        scenario,
        infos,
        kept,
        values,
        {name: course[:, 0] for name, course in typical.items()},
        figures,
        {name: {k: float(v[0]) for k, v in made.items()} for name, made in typical_figures.items()},
        tuple(used),
        account.check(),
        {name: reason for name, reason in account.failed.items() if name != TYPICAL},
        account.failed.get(TYPICAL),
    )
