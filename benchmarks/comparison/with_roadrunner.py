"""libRoadRunner on the case: one lean document for all patients, and the laboratory's own export of each."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import libsbml
import numpy as np
import roadrunner

from ketalab.exchange.sbml import sbml_model
from ketalab.laboratory import Individuals, Person

from .case import Array, Case
from .equations import Equations, Numbers
from .lean_sbml import Form, write_lean
from .metric import FLOOR

MOST_STEPS = 1_000_000
_CONFIG = roadrunner.Config
#: Compilers: name, which of the two of LLVM, and how much it optimises.
BACKENDS = {
    "MCJIT": (_CONFIG.MCJIT, _CONFIG.DEFAULT),
    "LLJIT": (_CONFIG.LLJIT, _CONFIG.DEFAULT),
    "LLJIT aggressive": (_CONFIG.LLJIT, _CONFIG.AGGRESSIVE),
}
#: Absolute tolerances: one for all, or for each state a share of its peak.
ABSOLUTE = ("1e-3 of the relative one", "1e-3 of each peak")


@dataclass(frozen=True)
class Way:
    """One set-up: the form of the document, the compiler, the method of CVODE, absolute tolerances."""

    form: Form
    backend: str = "LLJIT aggressive"
    stiff: bool = True
    absolute: str = ABSOLUTE[0]

    def __str__(self) -> str:
        form = self.form
        return ", ".join(
            [
                "species and reactions" if form.reactions else "rate rules",
                "shared parts inlined" if form.inline else "shared parts as rules",
                "events" if form.events else "a call for each segment",
                self.backend,
                "BDF" if self.stiff else "Adams",
                f"absolute tolerance {self.absolute}",
            ]
        )


def list_ways() -> Iterator[Way]:
    """All forms with one compiler, then the other compilers, the other method, other absolute tolerances."""
    for inline, reactions, events in itertools.product((False, True), repeat=3):
        yield Way(Form(inline, reactions, events))
    best = Form(events=True)
    yield from (Way(best, backend) for backend in BACKENDS if backend != "LLJIT aggressive")
    yield Way(best, stiff=False)
    yield Way(best, absolute=ABSOLUTE[1])


def use_backend(name: str) -> None:
    """Choose the compiler of documents that are loaded from now on."""
    backend, level = BACKENDS[name]
    _CONFIG.setValue(_CONFIG.LLVM_BACKEND, backend)
    _CONFIG.setValue(_CONFIG.LLJIT_OPTIMIZATION_LEVEL, level)


@dataclass
class Lean:
    """One document, loaded once; a patient is a row of values of its parameters."""

    case: Case
    equations: Equations
    way: Way
    tolerance: float = 1e-6
    compile_s: float | None = None
    _own: Numbers | None = None
    _runner: Any = None

    @property
    def setting(self) -> str:
        return f"lean SBML: {self.way}"

    def load(self) -> None:
        """Write and load the document, find the places of its parameters, prepare what patients bring."""
        self._own = self.equations.numbers(self.case)
        fed = self._own.fed.tolist()
        starts = [segment.start for segment in self.case.schedule]
        form, fixed = self.way.form, self.equations.compiled.fixed
        begin = time.perf_counter()
        use_backend(self.way.backend)
        text = write_lean(self.equations.source, fixed, tuple(fed), starts, form)
        self._runner = roadrunner.RoadRunner(text)
        self.compile_s = time.perf_counter() - begin
        ids = list(self._runner.model.getGlobalParameterIds())
        states = [f"z{i}" for i in range(len(self.case.states))]
        among = list(self._runner.model.getFloatingSpeciesIds()) if form.reactions else ids
        self._states = [among.index(name) for name in states]
        self._fixed = [ids.index(f"f{i}") for i in range(fixed)]
        self._inflow = [ids.index(f"u{i}") for i in range(len(fed))]
        self._later = [
            [ids.index(f"v{k}_{i}") for i in range(len(fed))]
            for k in range(len(starts) if form.events else 0)
        ]
        self._runner.timeCourseSelections = [states[i] for i in self.case.columns]
        if (
            not form.events
        ):  # the end of a segment is the start of the next: every state, in their order
            self._runner.timeCourseSelections = states
        integrator = self._runner.integrator
        integrator.stiff = self.way.stiff
        integrator.variable_step_size = False
        integrator.maximum_num_steps = MOST_STEPS

    def _set_tolerance(self) -> None:
        integrator = self._runner.integrator
        integrator.relative_tolerance = self.tolerance
        if self.way.absolute == ABSOLUTE[0]:
            integrator.absolute_tolerance = FLOOR * self.tolerance
        else:
            for i, peak in enumerate(self.equations.peaks.tolist()):
                integrator.setIndividualTolerance(f"z{i}", FLOOR * self.tolerance * peak)

    def outputs(self, case: Case) -> Array:
        return self._solve(case, self.equations.numbers(case))

    def run(self) -> None:
        assert self._own is not None
        self._solve(self.case, self._own)

    def _solve(self, case: Case, numbers: Numbers) -> Array:
        self._set_tolerance()
        made = np.empty((len(case.times), len(case.outputs), case.patients))
        one = self._by_events if self.way.form.events else self._by_segments
        for patient in range(case.patients):
            try:
                made[:, :, patient] = one(case, numbers.fixed[patient], numbers.flows[patient])
            except RuntimeError:  # CVODE gave up
                made[:, :, patient] = np.nan
        return made

    def _begin(self, case: Case, fixed: Array, first: Array) -> Any:
        model = self._runner.model
        if self.way.form.events:
            self._runner.reset()  # events are ready to fire again
        else:
            model.setTime(0.0)
        model.setGlobalParameterValues(self._fixed, fixed)
        model.setGlobalParameterValues(self._inflow, first)
        write = model.setGlobalParameterValues
        if self.way.form.reactions:
            write = model.setFloatingSpeciesAmounts
        write(self._states, case.start)
        return model

    def _by_events(self, case: Case, fixed: Array, flows: Array) -> Array:
        model = self._begin(case, fixed, flows[0])
        for places, flow in zip(self._later, flows, strict=True):
            model.setGlobalParameterValues(places, flow)
        return np.asarray(self._runner.simulate(times=list(case.times)))

    def _by_segments(self, case: Case, fixed: Array, flows: Array) -> Array:
        model = self._begin(case, fixed, flows[0])
        made = np.empty((len(case.times), len(case.states)))
        for (begin, end, span), flow in zip(case.spans(), flows, strict=True):
            model.setGlobalParameterValues(self._inflow, flow)
            hours = case.times[span]
            points = np.unique(np.concatenate([[begin], hours, [end]]))
            table = np.asarray(self._runner.simulate(times=list(points)))
            made[span] = table[np.searchsorted(points, hours)]
        return made[:, case.columns]


@dataclass
class Export:
    """The laboratory's document of each patient, with all that it says; loading is not counted."""

    case: Case
    tolerance: float = 1e-6
    compile_s: float | None = None
    backend: str = "LLJIT"
    _runners: tuple[Any, ...] = ()

    @property
    def setting(self) -> str:
        return f"the laboratory's SBML of each patient, {self.backend}, BDF"

    def load(self) -> None:
        use_backend(self.backend)
        begin = time.perf_counter()
        self._runners = tuple(self._load(self.case, i) for i in range(self.case.patients))
        self.compile_s = (time.perf_counter() - begin) / self.case.patients

    def _load(self, case: Case, patient: int) -> Any:
        one = np.array([patient])
        drawn = Individuals(case.drawn.parameters[:, one], case.drawn.covariates[:, one])
        person = Person(case.model, case.people.take(one), drawn, case.course, patient)
        text = sbml_model(person).text
        document = libsbml.readSBMLFromString(text)  # its parts live as long as it does
        found = document.getModel().getListOfParameters()
        ids = {parameter.getName(): parameter.getId() for parameter in found}
        runner = roadrunner.RoadRunner(text)
        runner.timeCourseSelections = [ids[name] for name in case.outputs]
        runner.integrator.maximum_num_steps = MOST_STEPS
        return runner

    def outputs(self, case: Case) -> Array:
        """Of the first of its own patients: each has a document, so there is no other."""
        return self._solve(self._runners[: case.patients])

    def run(self) -> None:
        self._solve(self._runners)

    def _solve(self, runners: tuple[Any, ...]) -> Array:
        made = []
        for runner in runners:
            runner.integrator.relative_tolerance = self.tolerance
            runner.integrator.absolute_tolerance = FLOOR * self.tolerance
            runner.resetAll()
            made.append(np.array(runner.simulate(times=list(self.case.times))))
        return np.stack(made, axis=-1)
