"""Replay: a published study simulated in its own design, each row observed against predicted.

A replicate is one draw of the constants, one study effect, and as many people as the study had. The observed values
are read only after the prediction is made.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ketalab.errors import ScenarioError
from ketalab.laboratory import (
    ENGINES,
    Account,
    Check,
    Engine,
    Prepared,
    facts_of_conditions,
    facts_of_doses,
    facts_of_settings,
    individuals,
    integrate,
    outputs,
    prepare,
    score_effects,
    solver_of,
    study_settings,
)
from ketalab.people import PEOPLE_FACTS, SHARED, People, Streams, draw
from ketalab.studies._compare import make_row, reason_of
from ketalab.studies._gather import FIGURE_OUTPUTS, Gathered
from ketalab.studies._kinetics import unit_factor
from ketalab.studies._measurement import assay_factors, facts_of_measurement, reading_errors
from ketalab.studies._observe import Observer, Seen, against_itself, needed, statistic
from ketalab.studies._plan import Group, Plan, make_plan
from ketalab.studies._scatter import draw_scatter, facts_of_scatter, scatter_of
from ketalab.studies._schema import Outcome, Study
from ketalab.studies._statements import statement_studies
from ketalab.studies._times import hours_of, times_of
from ketalab.studies._timing import ask_rows

Array = NDArray[np.float64]
Progress = Callable[[int, int], None]

#: Simulated people at once, over replicates; bounds the memory of a large trial.
_AT_ONCE = 4096


@dataclass(frozen=True)
class Replay:
    """A study replayed: its rows, and what a report draws.

    ``draws[i]`` are the replicates (R,) behind ``rows[i]`` (None where skipped); ``courses[arm][output]``
    are quantiles (3, T) over people and replicates (5, 50 and 95%) at ``hours[arm]``; ``scores[arm][scale]``
    quantiles over replicates of the arm's mean score; ``check`` tells how large the error of the solutions is.
    """

    study: Study
    rows: list[dict[str, Any]]
    draws: list[Array | None]
    hours: Mapping[str, Array]
    courses: Mapping[str, Mapping[str, Array]]
    scores: Mapping[str, Mapping[str, Array]]
    assumed: tuple[str, ...]
    facts: tuple[str, ...]
    replicates: int
    seed: int
    check: Check = field(default_factory=Check)


@dataclass
class _Work:
    """What is gathered while groups run: per arm, blocks of (T, R, n) per output and the people."""

    times: dict[str, Array]
    values: dict[str, list[dict[str, Array]]] = field(default_factory=dict)
    people: dict[str, list[People]] = field(default_factory=dict)
    account: Account = field(default_factory=Account)


def _seen_until(plan: Plan) -> dict[str, float]:
    """Hours for which every group simulates each arm."""
    until: dict[str, float] = {}
    for group in plan.groups:
        for visit in group.visits:
            left = group.course.horizon_h - visit.start_h
            until[visit.arm] = min(left, until.get(visit.arm, math.inf))
    return until


def work_times(plan: Plan, rows: list[Outcome]) -> dict[str, Array]:
    """Hours at which each arm is looked at; the course behind a bioavailability like its arm."""
    named = {reference: arm for arm, reference in plan.references.items()}
    return {
        name: times_of((named.get(name, name),), rows, plan.doses.get(name, ()), stop)
        for name, stop in _seen_until(plan).items()
    }


def _effects(plan: Plan, streams: Streams, replicates: int) -> dict[str, Array]:
    """Effects on scores of each replicate, where the model has any."""
    effects = score_effects(streams, replicates)
    return {name: effect for name, effect in effects.items() if name in plan.model.inputs}


def _run_group(
    group: Group,
    plan: Plan,
    prepared: Prepared,
    names: tuple[str, ...],
    work: _Work,
    streams: Streams,
    effects: Mapping[str, Array],
    replicates: range,
    engine: Engine,
) -> None:
    first = sum(plan.sizes[: group.pool])
    pool = plan.sizes[group.pool]
    people = draw(
        group.population or plan.population, streams, pool, replicates=replicates, start=first
    )
    # Who of the pool is in this group is drawn anew in each replicate.
    ranks = people.uniform("allocation").reshape(len(replicates), pool).argsort(axis=1)
    chosen = np.sort(ranks[:, group.first : group.first + group.count], axis=1)
    people = people.take((chosen + np.arange(len(replicates))[:, None] * pool).ravel())
    drawn = individuals(prepared.model, people, streams, "replicate")
    settings = {name: effect[people.replicate] for name, effect in effects.items()}
    settings |= study_settings(prepared.model, people, streams, "replicate")
    offsets = {visit.arm: visit.start_h for visit in group.visits}
    asked = {arm: work.times[arm] + start for arm, start in offsets.items()}
    stop = group.course.horizon_h
    times = np.unique(np.concatenate([np.minimum(t, stop) for t in asked.values()]))
    solved = integrate(
        prepared,
        drawn,
        people.weight,
        times,
        names,
        engine=engine,
        settings=settings,
        numbers=people.index + people.replicate,
    )
    values = solved.values
    everyone = list(zip(people.replicate.tolist(), people.index.tolist(), strict=True))
    work.account.add(solved.account, everyone)
    shape = (len(replicates), group.count)
    for arm, hours in asked.items():
        places = np.searchsorted(times, np.minimum(hours, stop))
        block = {name: value[places].reshape(len(hours), *shape) for name, value in values.items()}
        work.values.setdefault(arm, []).append(block)
        work.people.setdefault(arm, []).append(people)


def _join_people(blocks: list[People], replicates: int) -> People:
    """People of several groups of one arm, replicate by replicate."""
    arrays = {}
    for name in blocks[0].__dataclass_fields__:
        if name not in SHARED:
            parts = [getattr(block, name).reshape(replicates, -1) for block in blocks]
            arrays[name] = np.concatenate(parts, axis=1).ravel()
    return People(**arrays, streams=blocks[0].streams, differs_by=blocks[0].differs_by)


def _seen(work: _Work, plan: Plan, replicates: int) -> dict[str, Seen]:
    seen = {}
    for arm, blocks in work.values.items():
        values = {name: np.concatenate([b[name] for b in blocks], axis=2) for name in blocks[0]}
        people = _join_people(work.people[arm], replicates)
        n = len(people) // replicates
        boluses = plan.boluses.get(arm, ())
        seen[arm] = Seen(arm, work.times[arm], values, people, (replicates, n), boluses)
    return seen


def replay_study(
    study: Study,
    replicates: int = 1000,
    seed: int = 0,
    *,
    engine: Engine = "auto",
    progress: Progress | None = None,
) -> Replay:
    """Replay a study and keep what a report needs; see :func:`replay` for the rows.

    Raises
    ------
    ScenarioError
        A number of replicates or a seed out of range, or an unknown engine.
    SolutionError
        A patient's solution failed, or many of the checked patients miss the allowed error.
    """
    if engine not in ENGINES:
        raise ScenarioError(f"engine: {engine!r} is not allowed; allowed: {', '.join(ENGINES)}")
    if not 1 <= replicates <= 100_000:
        raise ScenarioError(f"replicates: {replicates!r} is not allowed; allowed: 1 to 100,000")
    if not 0 <= seed < 2**63:
        raise ScenarioError(f"seed: {seed!r} is not allowed; allowed: 0 to 2**63 - 1", seed)
    made = _replay_arms(study, replicates, seed, engine, progress)
    for experiment, places in statement_studies(study):
        apart = _replay_arms(experiment, replicates, seed, engine, None)
        made = _with_statements(made, apart, places)
    return made


def _with_statements(whole: Replay, apart: Replay, places: tuple[int, ...]) -> Replay:
    """A replay with the rows of statements, which were simulated as an experiment of their own."""
    rows, draws = list(whole.rows), list(whole.draws)
    for place, row, values in zip(places, apart.rows, apart.draws, strict=True):
        outcome = whole.study.outcomes[place]
        rows[place] = make_row(whole.study, outcome, values, None, row["skipped"])
        draws[place] = values
    return replace(
        whole,
        rows=rows,
        draws=draws,
        assumed=tuple(dict.fromkeys((*whole.assumed, *apart.assumed))),
        facts=tuple(dict.fromkeys((*whole.facts, *apart.facts))),
        check=whole.check if whole.facts else apart.check,
    )


def _replay_arms(
    study: Study, replicates: int, seed: int, engine: Engine, progress: Progress | None
) -> Replay:
    """Replay the rows about a study's arms."""
    streams = Streams(seed)
    given, (study, filled) = study, ask_rows(study)
    try:
        plan: Plan | None = make_plan(study)
        whole = None
    except ScenarioError as error:
        plan, whole = None, str(error)
    reasons = [whole or reason_of(study, plan, row) for row in study.outcomes]
    if plan is None or not plan.groups or all(reasons):
        rows = [
            make_row(given, row, None, None, reason or "no arm can be simulated")
            for row, reason in zip(given.outcomes, reasons, strict=True)
        ]
        return Replay(given, rows, [None] * len(rows), {}, {}, {}, (), (), replicates, seed)

    live = [row for row, reason in zip(study.outcomes, reasons, strict=True) if reason is None]
    known = tuple(plan.model.reads.outputs)
    asked = [name for row in live for name in needed(study, row, known)]
    names = tuple(dict.fromkeys([*asked, *(name for name in FIGURE_OUTPUTS if name in known)]))
    effects = _effects(plan, streams, replicates)
    assays = assay_factors(study.outcomes, streams, replicates)
    scatter = draw_scatter(live, streams, replicates)
    species = plan.population.species
    solver = solver_of(engine)
    prepared = [
        prepare(group.course, model=plan.model, species=species, solver=solver)
        for group in plan.groups
    ]
    looked = work_times(plan, live)
    observer = Observer(study, plan.population, known)
    batch = max(1, _AT_ONCE // max(sum(plan.sizes), 1))
    draws: list[list[Array]] = [[] for _ in study.outcomes]
    persons_sd: list[list[Array]] = [[] for _ in study.outcomes]
    figures = Gathered(observer, study)
    account = Account()
    for begin in range(0, replicates, batch):
        part = range(begin, min(begin + batch, replicates))
        work = _Work(looked, account=account)
        for group, ready in zip(plan.groups, prepared, strict=True):
            _run_group(group, plan, ready, names, work, streams, effects, part, engine)
        done = part.stop * sum(group.count for group in plan.groups)
        account.refuse_failed(f"the first {done}", engine, keep=False)
        seen = _seen(work, plan, len(part))
        for i, (row, reason) in enumerate(zip(study.outcomes, reasons, strict=True)):
            if reason is None:
                drawn = {name: x[part.start : part.stop] for name, x in scatter.items()}
                value, sd = predict_row(observer, seen, plan, row, drawn)
                if i in assays:
                    factor = assays[i][part.start : part.stop]
                    value, sd = value * factor, sd * factor
                draws[i].append(value)
                persons_sd[i].append(sd)
        figures.add({arm: one for arm, one in seen.items() if arm not in plan.references.values()})
        if progress is not None:
            progress(part.stop, replicates)
    account.refuse_many_above()
    rows, kept = [], []
    whole_draws = {i: np.concatenate(parts) for i, parts in enumerate(draws) if parts}
    errors = reading_errors(study.outcomes, whole_draws, streams)
    for i, (row, reason) in enumerate(zip(given.outcomes, reasons, strict=True)):
        value_all = whole_draws.get(i)
        if value_all is not None and i in errors:
            value_all = value_all + errors[i]
        sd_all = np.concatenate(persons_sd[i]) if persons_sd[i] else None
        rows.append(make_row(given, row, value_all, sd_all, reason))
        kept.append(value_all)
    courses, scores = figures.quantiles()
    used = _facts_used(plan, names, figures.scales)
    return Replay(
        given,
        rows,
        kept,
        {arm: times for arm, times in looked.items() if arm in courses},
        courses,
        scores,
        (*plan.assumed, *filled),
        used,
        replicates,
        seed,
        account.check(),
    )


def _facts_used(plan: Plan, names: tuple[str, ...], scales: tuple[str, ...]) -> tuple[str, ...]:
    """Facts behind a replay: those of its outputs, of its people, of its doses and of the effects between studies."""
    known = outputs(plan.study.species)
    used = dict.fromkeys(f for name in names if name in known for f in known[name].facts)
    used |= dict.fromkeys(PEOPLE_FACTS)
    used |= dict.fromkeys(facts_of_conditions(plan.population.differs_by))
    if "session" in plan.model.inputs:
        used |= dict.fromkeys(("between_study_control", "between_study_drug", "expectation_lasts"))
    used |= dict.fromkeys(facts_of_settings(plan.model.inputs))
    used |= dict.fromkeys(facts_of_measurement(plan.study.outcomes))
    used |= dict.fromkeys(facts_of_scatter(plan.study.outcomes))
    for group in plan.groups:
        used |= dict.fromkeys(facts_of_doses(group.course.administrations))
    for scale in scales:
        if f"score:{scale}" in known:
            used |= dict.fromkeys(known[f"score:{scale}"].facts)
    return tuple(used)


def replay(study: Study, replicates: int = 1000, seed: int = 0) -> list[dict[str, Any]]:
    """Replay a study: one dictionary a row, in the order of the file.

    Keys: study, outcome, measure, kind, arms, time_h, observed, predicted (mean, sd, pi90, pi90_sampling),
    inside, z, use, counted, skipped; directions and statements also carry ``probability`` and ``dose`` (stated,
    recalled or assumed).

    Raises
    ------
    ScenarioError
        A number of replicates or a seed out of range.
    SolutionError
        A patient's solution failed, or many of the checked patients miss the allowed error.
    """
    return replay_study(study, replicates, seed).rows


def predict_row(
    observer: Observer,
    seen: Mapping[str, Seen],
    plan: Plan,
    row: Outcome,
    scatter: Mapping[str, Array] | None = None,
) -> tuple[Array, Array]:
    """The row's number in each replicate, and the spread between persons of its arm; ``scatter`` is by fact."""
    assert row.arm is not None
    hours = hours_of(row)

    def persons(arm: str) -> Array:
        reference = seen[plan.references[arm]] if arm in plan.references else None
        return observer.persons(seen[arm], row, hours, reference)

    mine = persons(row.arm)
    other = persons(row.than) if row.than else None
    if other is None and against_itself(row):
        other = observer.before(seen[row.arm], row)
    added = scatter_of(row, mine, other, scatter) if other is not None and scatter else None
    value = statistic(row, mine, other, added)
    spread = mine.std(axis=1, ddof=1) if mine.shape[1] > 1 else np.full(len(mine), np.nan)
    factor = unit_factor(row)
    return value * factor, spread * factor
