"""Where model and engine meet: a course, people and their parameters in; outputs over time back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ketalab.engine import (
    Grid,
    Problem,
    Schedule,
    Solution,
    Tell,
    check,
    halve_grid,
    solve,
    solve_packed,
)
from ketalab.errors import SolutionError
from ketalab.laboratory._course import build_schedule, make_problem
from ketalab.laboratory._guard import (
    ALLOWED,
    Account,
    choose_checked,
    choose_marks,
    estimate_errors,
)
from ketalab.laboratory._individuals import Individuals
from ketalab.laboratory._prepare import Prepared
from ketalab.laboratory._refine import refine
from ketalab.laboratory._scenario import Engine
from ketalab.laboratory._work import within
from ketalab.model.tracing import Traced

Array = NDArray[np.float64]

#: Patients integrated at once: enough to fill the arrays, few enough for the cache and the memory.
BATCH = 1024
#: Numbers in the courses of a batch (32 MB): many times ask for fewer patients at once. The kernel alone heeds it.
_MOST_NUMBERS = 2**22


@cache
def cached_output(model: Traced, name: str) -> Callable[..., Any]:
    """One function an output, so that asking for another never changes its bytes."""
    return model.output_function(name)


@cache
def _needed(model: Traced, names: tuple[str, ...]) -> tuple[tuple[int, ...], frozenset[str]]:
    return model.needed(names)


def _inputs_at(
    schedule: Schedule, names: Sequence[str], read: Set[str], times: Array, count: int
) -> list[Array]:
    """Values of the free inputs at times, (T, N) each; nothing for those that are not read."""
    starts = np.array([segment.start for segment in schedule])
    where = np.clip(np.searchsorted(starts, times, side="right") - 1, 0, None)
    rows = []
    for name in names:
        if name not in read:
            rows.append(starts[:0])
            continue
        table = np.stack([np.broadcast_to(s.inputs[name], (count,)) for s in schedule])
        rows.append(table[where])
    return rows


@cache
def _shown(model: Traced, names: tuple[str, ...]) -> tuple[int, ...]:
    return model.linear_behind(names)


@dataclass(frozen=True)
class Integrated:
    """Outputs over time, name -> (T, N), NaN for who failed; ``rest`` holds them before anything is given, (N,).

    The account names people by their places.
    """

    values: dict[str, Array]
    account: Account = field(default_factory=Account)
    rest: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class _Task:
    """People on a course, and what is asked of them."""

    prepared: Prepared
    people: Individuals
    weights: Array
    names: tuple[str, ...]
    settings: Mapping[str, Array | float]
    exact: bool = False

    def pose(self, members: NDArray[np.int64]) -> tuple[Problem, Schedule]:
        """What the engine is asked for some of the people.

        One alone is posed twice: NumPy takes a short cut for a power whose exponent is one number and no list, and
        the last digit of a person must not depend on who stands beside.
        """
        members = np.repeat(members, 2) if len(members) == 1 else members
        settings = {
            name: value[members] if isinstance(value, np.ndarray) and value.ndim else value
            for name, value in {**self.prepared.course.settings, **self.settings}.items()
        }
        people = Individuals(self.people.parameters[:, members], self.people.covariates[:, members])
        model, course = self.prepared.model, replace(self.prepared.course, settings=settings)
        schedule = build_schedule(model, course, people)
        problem = make_problem(model, people)
        if self.prepared.solver == "lockstep":
            return problem, schedule  # one kernel serves whatever is asked
        # States that nothing asked for reads are left at their start: the others do not know of them.
        order, _ = _needed(model, self.names)
        return replace(problem, order=order), schedule

    def solve(
        self,
        problem: Problem,
        schedule: Schedule,
        grid: Grid,
        times: Array,
        tell: Tell | None,
        *,
        whole: bool = False,
    ) -> Solution:
        """States at times, by the form of the scheme that the course was prepared for; ``whole``: all linear ones."""
        if self.prepared.solver == "lockstep":
            shown = None if whole else _shown(self.prepared.model, self.names)
            ask = partial(solve_packed, times=times, shown=shown, single=not self.exact)
            if not whole and not self.exact:
                # Differences of courses need the same steps for both, and a check those of all.
                ask = partial(ask, floors=self.prepared.floors)
            made = ask(problem, schedule, grid, tell=tell)
            if made is not None:
                return refine(ask, problem, schedule, grid, made) if made.rough else made
        return solve(problem, schedule, grid, times, tell=tell)

    def outputs(
        self, problem: Problem, schedule: Schedule, solution: Solution, count: int
    ) -> tuple[dict[str, Array], dict[int, str]]:
        """Outputs of the first ``count`` people solved, at the solution's times (T, N), and who failed and why."""
        model = self.prepared.model
        failed = {place: reason for place, reason in solution.failed.items() if place < count}
        _, read = _needed(model, self.names)
        arguments = (
            solution.linear_rows(len(model.linear)),
            list(np.moveaxis(solution.states, 1, 0)),
            list(problem.parameters),
            list(problem.covariates),
            _inputs_at(schedule, model.inputs, read, solution.times, problem.patients),
        )
        values = {}
        with np.errstate(all="ignore"):
            for name in self.names:
                value = np.asarray(cached_output(model, name)(*arguments))
                shape = (len(solution.times), problem.patients)
                values[name] = np.broadcast_to(value, shape)[:, :count]
                for patient in np.nonzero(~np.isfinite(values[name]).all(axis=0))[0]:
                    failed.setdefault(int(patient), f"{name} is not a finite number")
        return values, failed


def at_rest(prepared: Prepared, people: Individuals, names: Sequence[str]) -> dict[str, Array]:
    """Outputs before anything is given, name -> (N,): every state at its start, every input at its default."""
    model, count = prepared.model, people.parameters.shape[1]
    arguments = (
        [np.zeros(count)] * len(model.linear),
        [np.full(count, start) for start in model.initial],
        list(people.parameters),
        list(people.covariates),
        [np.full(count, model.defaults[name]) for name in model.inputs],
    )
    with np.errstate(all="ignore"):
        return {
            name: np.broadcast_to(np.asarray(cached_output(model, name)(*arguments)), (count,))
            for name in names
        }


def integrate(
    prepared: Prepared,
    people: Individuals,
    weights: Array,
    times: Array,
    names: tuple[str, ...],
    *,
    engine: Engine = "auto",
    settings: Mapping[str, Array | float] | None = None,
    numbers: NDArray[np.int64] | None = None,
    exact: bool = False,
    tell: Tell | None = None,
) -> Integrated:
    """Integrate people through a course, and check some of them; nothing is raised for who fails.

    Nobody is checked where there is nothing to estimate: by the checker itself, and in a model of linear states alone,
    which is exact.

    Parameters
    ----------
    times : (T,) hours, sorted.
    names : outputs of the layers, hidden ones included.
    settings : free inputs per person, in place of those of the course.
    numbers : (N,) the people's own numbers, by which the checked are chosen; their places where not given.
    exact : steps in double numbers, where differences of courses are asked for and not courses.
    tell : hears how far it is, 0 to 1.
    """
    count = people.parameters.shape[1]
    task = _Task(prepared, people, weights, names, settings or {}, exact)
    made = Integrated(
        {name: np.empty((len(times), count)) for name in names},
        rest=at_rest(prepared, people, names),
    )
    alone = engine == "checker"
    checked = choose_checked(np.arange(count) if numbers is None else numbers)
    guarded = not alone and bool(prepared.model.states)
    marks = choose_marks(prepared.edges) if guarded else times[:0]
    # The kernel solves the checked again, which is cheaper than to keep everyone's states at the marks.
    packed = prepared.solver == "lockstep"
    every = np.union1d(times, marks) if guarded and not packed else times
    asked, marked = np.searchsorted(every, times), np.searchsorted(every, marks)
    kept = []
    batch = _batch(prepared, names, len(times)) if packed else BATCH
    for begin in range(0, count, batch):
        members = np.arange(begin, min(begin + batch, count))
        problem, schedule = task.pose(members)
        ends = 0.5 if guarded else 1.0
        told = within(tell, ends * begin / count, ends * (begin + len(members)) / count)
        if alone:
            solution = check(problem, schedule, times, tell=told)
        else:
            solution = task.solve(problem, schedule, prepared.grid, every, told)
            mine = checked[(checked >= begin) & (checked < members[-1] + 1)] - begin
            if guarded and not packed:
                kept.append(_states(solution, marked)[:, :, mine])
            if not np.array_equal(every, times):
                solution = replace(
                    solution,
                    times=times,
                    linear=solution.linear[asked],
                    states=solution.states[asked],
                )
        values, failed = task.outputs(problem, schedule, solution, len(members))
        for name in names:
            made.values[name][:, members] = values[name]
        made.account.failed |= {begin + place: reason for place, reason in failed.items()}
    if guarded:
        told = within(tell, 0.5, 1.0)
        states = None if packed else np.concatenate(kept, axis=2)
        _check_sample(task, checked, marks, states, made.account, told)
    if made.account.failed and engine == "auto":
        _retry(task, times, made)
    for place in made.account.failed:
        for course in made.values.values():
            course[:, place] = np.nan
    return made


def rows_behind(prepared: Prepared, names: tuple[str, ...]) -> int:
    """Outputs, and states that an engine gives for them, NumPy all of the body's."""
    model, packed = prepared.model, prepared.solver == "lockstep"
    linear = len(_shown(model, names)) if packed else len(model.linear)
    return linear + len(model.states) + len(names)


def _batch(prepared: Prepared, names: tuple[str, ...], times: int) -> int:
    """Patients at once, so that their courses fit into memory whatever is asked."""
    rows = rows_behind(prepared, names)
    return max(min(BATCH, _MOST_NUMBERS // (max(times, 1) * rows) // 16 * 16), 16)


def _states(solution: Solution, times: NDArray[np.int64] | slice = slice(None)) -> Array:
    """All states at some of the times, (T, n + m, N)."""
    return np.concatenate([solution.linear[times], solution.states[times]], axis=1)


def _check_sample(
    task: _Task,
    checked: NDArray[np.int64],
    marks: Array,
    states: Array | None,
    account: Account,
    tell: Tell | None,
) -> None:
    """Solve the checked people again on half the steps; who misses the allowed error has failed.

    ``states`` are theirs at the marks; those of the kernel are solved for here, and its linear ones held against the
    ladder of exponentials, which knows nothing of modes.
    """
    sound = [i for i, place in enumerate(checked) if int(place) not in account.failed]
    if not sound:
        return
    checked = checked[sound]
    problem, schedule = task.pose(checked)
    grid = task.prepared.grid
    halved = task.solve(problem, schedule, halve_grid(grid), marks, tell, whole=True)
    if states is None:
        states = _states(task.solve(problem, schedule, grid, marks, None, whole=True))
        alone = replace(problem, state_names=(), order=(), initial=problem.initial[:0])
        halved = replace(halved, linear=solve(alone, schedule, grid, marks).linear)
        states = states[:, :, : len(checked)]
    else:
        states = states[:, :, sound]
    names = (*problem.linear_names, *problem.state_names)
    errors, worst = estimate_errors(states, _states(halved)[:, :, : len(checked)])
    for i, place in enumerate(checked.tolist()):
        error = np.inf if i in halved.failed else float(errors[i])
        account.errors[place] = error
        if i in halved.failed:
            account.failed[place] = f"on half the steps {halved.failed[i]}"
        elif not error <= ALLOWED:
            account.failed[place] = (
                f"the estimated error of {names[worst[i]]} is {error:.1e}, above {ALLOWED:.0e}"
            )


def _retry(task: _Task, times: Array, made: Integrated) -> None:
    """Let the checker solve those who failed; who fails again has both reasons."""
    account = made.account
    places = np.array(sorted(account.failed))
    account.retried |= {place: account.failed[place] for place in places.tolist()}
    problem, schedule = task.pose(places)
    try:
        values, failed = task.outputs(
            problem, schedule, check(problem, schedule, times), len(places)
        )
    except SolutionError as error:
        values, failed = {}, dict.fromkeys(range(len(places)), str(error))
    for name, value in values.items():
        made.values[name][:, places] = value
    for i, place in enumerate(places.tolist()):
        if i in failed:
            account.failed[place] += f"; the checker: {failed[i]}"
        else:
            del account.failed[place]


def run(
    prepared: Prepared,
    people: Individuals,
    weights: Array,
    times: Array,
    names: tuple[str, ...],
    *,
    engine: Engine = "auto",
    settings: Mapping[str, Array | float] | None = None,
    keep_failed: bool = False,
) -> tuple[dict[str, Array], dict[int, str]]:
    """Integrate people through a course, as :func:`integrate` does, and raise for who fails.

    Parameters
    ----------
    keep_failed : return failed patients as NaN with their reasons instead of raising.

    Returns
    -------
    outputs : name -> (T, N) in the output's unit
    failed : patient -> reason

    Raises
    ------
    SolutionError
        A patient's solution failed, or many of the checked miss the allowed error.
    """
    made = integrate(prepared, people, weights, times, names, engine=engine, settings=settings)
    if not keep_failed:
        made.account.refuse_failed(str(people.parameters.shape[1]), engine)
        made.account.refuse_many_above()
    return made.values, made.account.failed
