"""The case that all solvers integrate: the full model, 28 days, eight infusions, patients with all their variability.

Asked for are what a blood sample shows of eight molecules (states of the body) and every state outside the body: all
of them states, so that nobody computes outputs. States that nothing asked for reads are left out for everyone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ketalab.engine import Grid, Problem, Schedule, Solution, check
from ketalab.engine._links import reach
from ketalab.laboratory import Course, Individuals, Scenario, human_model, individuals, prepare
from ketalab.laboratory._course import build_schedule, make_problem
from ketalab.laboratory._individuals import spread_apart
from ketalab.model._source import write_source
from ketalab.model.tracing import Traced
from ketalab.people import People, Population, Streams, draw

Array = NDArray[np.float64]

PHRASE = "0.5 mg/kg ketamine iv over 40 min every 84 h x 8"
DAYS, TIMES, SEED = 28.0, 60, 1
#: What is read of the body: blood from the arm, by molecule and hand.
BLOOD = tuple(
    f"{hand}_arm_{molecule}"
    for hand in "SR"
    for molecule in ("ketamine", "norketamine", "hydroxynorketamine", "dehydronorketamine")
)
#: Patients solved by one call of an engine of the laboratory.
BATCH = 1024


@dataclass(frozen=True)
class Case:
    """A course, its time grid and the people who take it; results are (T, outputs, N)."""

    model: Traced
    course: Course
    grid: Grid
    steps: int
    times: Array
    people: People
    drawn: Individuals
    schedule: Schedule
    problem: Problem

    @property
    def patients(self) -> int:
        return self.problem.patients

    @property
    def varied(self) -> int:
        """How many parameters and properties differ between the patients."""
        rows = np.concatenate([self.drawn.parameters, self.drawn.covariates])
        return int(np.count_nonzero(np.ptp(rows, axis=1) > 0))

    @cached_property
    def shown(self) -> tuple[int, ...]:
        """The linear states that are asked for."""
        return tuple(self.model.linear.index(name) for name in BLOOD)

    @cached_property
    def linear(self) -> tuple[int, ...]:
        """The linear states that doses reach and that something asked for reads, itself or through others."""
        given = {i for s in self.schedule for i, _ in (*s.boluses, *s.inflow)}
        wanted = [*self.shown, *self.problem.drivers]
        links, every = self.problem.links, np.arange(len(self.model.linear))
        met = reach(links, np.isin(every, list(given))) & reach(links.T, np.isin(every, wanted))
        return tuple(int(i) for i in np.nonzero(met)[0])

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the states that solvers integrate, those of the body first."""
        return (*(self.model.linear[i] for i in self.linear), *self.model.states)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of what is asked for."""
        return (*BLOOD, *self.model.states)

    @cached_property
    def columns(self) -> NDArray[np.int64]:
        """Where the outputs are among the states."""
        return np.array([self.states.index(name) for name in self.outputs])

    @cached_property
    def start(self) -> Array:
        """All states before anything is given."""
        return np.concatenate([np.zeros(len(self.linear)), self.problem.initial])

    @property
    def source(self) -> str:
        """The text of the rates of these states alone; see :mod:`ketalab.model._source`."""
        model, kept = self.model, list(self.linear)
        symbols = model.symbols
        absent = {symbols[n]: 0 for i, n in enumerate(model.linear) if i not in self.linear}
        states = [symbols[name] for name in self.states]
        others = [
            (g - k * symbols[name]).xreplace(absent)
            for g, k, name in zip(model.gain, model.rate, model.states, strict=True)
        ]
        given = [symbols[n] for n in (*model.parameters, *model.covariates, *model.inputs)]
        return write_source(states, others, given, model.matrix.extract(kept, kept))

    def take(self, patients: slice) -> Case:
        """The same case for some of the patients."""
        return replace(
            self,
            people=self.people.take(np.arange(self.patients)[patients]),
            drawn=Individuals(
                self.drawn.parameters[:, patients], self.drawn.covariates[:, patients]
            ),
            schedule=tuple(segment.take(patients) for segment in self.schedule),
            problem=self.problem.take(patients),
        )

    def batches(self) -> list[Case]:
        """The case in pieces, as the laboratory cuts it."""
        return [
            self.take(slice(i, min(i + BATCH, self.patients)))
            for i in range(0, self.patients, BATCH)
        ]

    def given(self, patient: int) -> tuple[Array, Array]:
        """What a patient's equations hold still (S, g), and what flows into each state (S, n), by segment."""
        problem, place = self.problem, {i: row for row, i in enumerate(self.linear)}

        def own(value: Array | float) -> float:
            values = np.ravel(value)
            return float(values[patient] if len(values) > 1 else values[0])

        still = np.concatenate([problem.parameters[:, patient], problem.covariates[:, patient]])
        rows, flows = [], np.zeros((len(self.schedule), len(self.states)))
        for number, segment in enumerate(self.schedule):
            inputs = [own(segment.inputs[name]) for name in problem.input_names]
            rows.append(np.concatenate([still, inputs]))
            for state, amount in segment.inflow:
                flows[number, place[state]] += own(amount)
        return np.array(rows), flows

    def spans(self) -> list[tuple[float, float, slice]]:
        """Start and end of each segment, and which of the asked times are in it: at its end only in the last."""
        ends = [segment.stop for segment in self.schedule]
        cuts = [0, *np.searchsorted(self.times, ends[:-1]), len(self.times)]
        return [
            (segment.start, segment.stop, slice(int(cuts[i]), int(cuts[i + 1])))
            for i, segment in enumerate(self.schedule)
        ]


def make_case(
    patients: int,
    *,
    days: float = DAYS,
    phrase: str = PHRASE,
    times: int = TIMES,
    start: int = 0,
    like: Case | None = None,
    factor: float = 1.0,
) -> Case:
    """Draw patients and make a course ready; ``like`` lends its model and grid, which do not depend on people.

    What differs between people log-normally differs by the power ``factor``: 2 doubles all variability.
    """
    if like is None:
        doses = Scenario.parse(phrase, days=days).treatment().administrations
        course = Course(doses, horizon_h=24 * days)
        prepared = prepare(course, solver="lockstep")
        model, grid, steps = prepared.model, prepared.grid, len(prepared.edges) - 1
        asked = np.linspace(0, 24 * days, times)
    else:
        model, course, grid, steps, asked = (
            human_model(), like.course, like.grid, like.steps, like.times,
        )  # fmt: skip
    streams = Streams(SEED)
    people = draw(Population(), streams, patients, start=start)
    drawn = individuals(model, people, streams, "person")
    if factor != 1.0:
        middle = individuals(model, people, streams, "none", vary=False)
        drawn = spread_apart(model, drawn, middle, factor)
    schedule = build_schedule(model, course, drawn)
    if any(segment.boluses for segment in schedule):
        raise ValueError("the other solvers are set up for infusions alone")
    problem = make_problem(model, drawn)
    return Case(model, course, grid, steps, asked, people, drawn, schedule, problem)


def outputs_of(case: Case, made: Solution) -> Array:
    """What is asked for (T, outputs, N)."""
    linear = made.linear if made.shown == case.shown else made.linear[:, list(case.shown)]
    return np.concatenate([linear, made.states], axis=1)


def solve_reference(case: Case, rtol: float = 1e-12) -> Array:
    """The checker at its tightest: what errors are measured against."""
    solution = check(case.problem, case.schedule, case.times, rtol=rtol, atol=rtol * 1e-2)
    if solution.failed:
        raise ValueError(f"the reference cannot be solved: {solution.failed}")
    return outputs_of(case, solution)
