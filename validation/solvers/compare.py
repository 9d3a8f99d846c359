"""The laboratory against libRoadRunner: random patients on five schedules, every output of every layer.

The SBML export of each patient is integrated by libRoadRunner (CVODE, which knows nothing of this package), and set
against the adaptive checker and against the lockstep engine. The measure is that of the manual's page on the engine:
``|y - reference| / max(|reference|, 1e-3 of its peak in that patient)``, the largest over times, patients and outputs.

    .venv/bin/python validation/solvers/compare.py [--patients N] [--schedule WORDS ...] [--seed S]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version

import numpy as np
import roadrunner
from numpy.typing import NDArray

from ketalab.exchange.sbml import sbml_model
from ketalab.laboratory import Course, Individuals, Person, human_model, individuals, prepare, run
from ketalab.people import Population, Streams, draw
from ketalab.protocol import Intervention, parse_phrase

Array = NDArray[np.float64]

# Rules that refer to rules are written out where they are used: machine code made without optimising takes 2 s for 26.
roadrunner.Config.setValue(roadrunner.Config.LLVM_BACKEND, roadrunner.Config.LLJIT)
roadrunner.Config.setValue(roadrunner.Config.LLJIT_OPTIMIZATION_LEVEL, roadrunner.Config.NONE)

PATIENTS = 20
#: With this seed the first patients respond to drug and setting, so that two are enough to move every output.
SEED = 2018
#: The checker and CVODE share no code: they must agree to what both can promise.
ALLOWED = 1e-6
#: The lockstep engine promises this much on its own page.
ALLOWED_LOCKSTEP = 1e-4
FLOOR = 1e-3
#: CVODE's tolerances: relative, and absolute in the unit of each state (micromoles, hours, shares), whose peaks
#: are between 1e-3 and 1e3.
RELATIVE, ABSOLUTE = 1e-11, 1e-14
#: A patient whom CVODE refuses at that is tried again with a tolerance so many times as wide.
WIDER = (1, 10, 100)


def _course(phrase: str, days: float) -> Course:
    return Course(parse_phrase(phrase).administrations, 24 * days)


#: Name -> course. Between them: one and many doses, bolus and infusion, salt and base, both enantiomers, a dose by
#: weight and one that is not, a dose before t = 0, interventions, sessions, the setting and the study's own effects.
SCHEDULES: Mapping[str, Course] = {
    "one infusion": _course("0.5 mg/kg ketamine iv over 40 min", 7),
    "infusions twice weekly": replace(
        _course("0.5 mg/kg ketamine iv over 40 min twice weekly for 2 weeks", 16),
        sessions=(0.0, 300.0),
        settings={"setting:midazolam": 1.0, "study:control": 0.05, "study:drug": -0.1},
    ),
    "bolus, then infusion": _course(
        "0.25 mg/kg ketamine hydrochloride iv bolus, then 0.5 mg/kg ketamine hydrochloride iv over 2 h",
        3,
    ),
    "esketamine bolus, targets changed": replace(
        _course("0.4 mg/kg esketamine iv bolus", 3),
        interventions=(
            Intervention("AMPA", 0.1, "systemic", 0.5, 3.0),
            Intervention("BDNF", 2.0, "mPFC", 2.0, 30.0),
            Intervention("mTORC1", 0.0, "systemic", 20.0, 44.0),
        ),
    ),
    "mixture from 45 min before": replace(
        _course(
            "20 mg esketamine iv over 40 min at -45 min + 0.5 mg/kg arketamine iv over 2 h; "
            "30 mg ketamine iv bolus at 24 h",
            5,
        ),
        sessions=(0.0,),
        settings={
            "setting:open": 1.0,
            "setting:masked": 0.5,
            "setting:site_doublings": 2.0,
            "behaviour": 1.0,
        },
        interventions=(
            Intervention("SERT", 0.2, "systemic", 0.0, 72.0),
            Intervention("Kir4.1", 0.8, "systemic", 1.0, 24.0),
        ),
    ),
}


@dataclass(frozen=True)
class Row:
    """Largest errors of one layer on one schedule, each with the output at which it is."""

    schedule: str
    layer: str
    outputs: int
    patients: int
    checker: float
    checker_at: str
    lockstep: float
    lockstep_at: str

    @property
    def agrees(self) -> bool:
        """Whether libRoadRunner and the checker agree: what must hold. What is no number does not."""
        return self.checker <= ALLOWED

    @property
    def lockstep_agrees(self) -> bool:
        """Whether the lockstep engine keeps its promise."""
        return self.lockstep <= ALLOWED_LOCKSTEP


def draw_patients(course: Course, count: int, seed: int = SEED) -> list[Person]:
    """Patients with all of their uncertainty and variability."""
    model, streams = human_model(), Streams(seed)
    people = draw(Population(), streams, count)
    drawn = individuals(model, people, streams, "person")
    return [
        Person(
            model,
            people.take(np.array([i])),
            Individuals(drawn.parameters[:, [i]], drawn.covariates[:, [i]]),
            course,
            i,
        )
        for i in range(count)
    ]


def integrate(person: Person, times: Array, names: tuple[str, ...]) -> dict[str, Array]:
    """Outputs at times (hours of the laboratory) as libRoadRunner has them, (T,)."""
    model = sbml_model(person)
    runner = roadrunner.RoadRunner(model.text)
    runner.integrator.absolute_tolerance = ABSOLUTE
    runner.integrator.maximum_num_steps = 1_000_000
    runner.timeCourseSelections = ["time", *(model.outputs[name] for name in names)]
    for wider in WIDER:
        runner.integrator.relative_tolerance = wider * RELATIVE
        runner.resetAll()
        try:
            table = np.array(runner.simulate(times=list(times + model.before_h)))
            break
        except RuntimeError:
            if wider == WIDER[-1]:
                raise
    assert np.allclose(table[:, 0], times + model.before_h, rtol=0, atol=1e-9)
    return {name: table[:, i + 1] for i, name in enumerate(names)}


def largest_error(made: Array, reference: Array) -> float:
    """The measure of the module's docstring for one patient and output, (T,) each."""
    size = np.maximum(np.abs(reference), FLOOR * np.max(np.abs(reference)))
    difference = np.abs(made - reference)
    if not np.isfinite(difference).all():
        return float("inf")
    # An output that is zero throughout has no scale: only zero agrees with it.
    ratio = np.divide(difference, size, out=np.where(difference > 0, np.inf, 0.0), where=size > 0)
    return float(ratio.max())


def watch(edges: Array) -> Array:
    """Every edge of the engine's steps and a time within each; the value at an event is that just after it."""
    return np.unique(np.concatenate([edges, edges[:-1] + 0.37 * np.diff(edges)]))


def compare(name: str, course: Course, patients: int, seed: int = SEED) -> Iterator[Row]:
    """One row a layer: the largest errors over patients, times and the layer's outputs."""
    prepared = prepare(course, solver="lockstep")
    times = watch(prepared.edges)
    layers = {out.name: layer.name for layer, out in prepared.model.joined.outputs}
    names = tuple(layers)
    checker, lockstep = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0)
    for person in draw_patients(course, patients, seed):
        weight = person.people.weight
        outside = integrate(person, times, names)
        checked, _ = run(prepared, person.drawn, weight, times, names, engine="checker")
        stepped, _ = run(prepared, person.drawn, weight, times, names, engine="lockstep")
        for output in names:
            one = largest_error(outside[output], checked[output][:, 0])
            two = largest_error(stepped[output][:, 0], outside[output])
            checker[output] = max(checker[output], one)
            lockstep[output] = max(lockstep[output], two)
    for layer in dict.fromkeys(layers.values()):
        own = [output for output in names if layers[output] == layer]
        one, two = max(own, key=lambda o: checker[o]), max(own, key=lambda o: lockstep[o])
        yield Row(name, layer, len(own), patients, checker[one], one, lockstep[two], two)


def _error(error: float, fine: bool) -> str:
    return f"{error:.1e}" if fine else f"**{error:.1e}**"


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 1 where libRoadRunner and the checker do not agree."""
    parser = argparse.ArgumentParser(description="The laboratory against libRoadRunner.")
    parser.add_argument("--patients", type=int, default=PATIENTS)
    parser.add_argument("--schedule", action="append", choices=list(SCHEDULES))
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args(arguments)
    packages = ("ketalab", "libroadrunner", "python-libsbml", "numpy", "scipy", "numba", "sympy")
    print(", ".join(f"{package} {version(package)}" for package in packages))
    print(f"{given.patients} patients, seed {given.seed}\n")
    print("| schedule | layer | outputs | checker | at | lockstep | at |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    fine = True
    for name in given.schedule or SCHEDULES:
        for row in compare(name, SCHEDULES[name], given.patients, given.seed):
            fine &= row.agrees
            cells = (
                row.schedule,
                row.layer,
                str(row.outputs),
                _error(row.checker, row.agrees),
                f"`{row.checker_at}`",
                _error(row.lockstep, row.lockstep_agrees),
                f"`{row.lockstep_at}`",
            )
            print(f"| {' | '.join(cells)} |", flush=True)
    print(
        f"\nlargest error allowed: checker {ALLOWED:g} (must), lockstep {ALLOWED_LOCKSTEP:g}; misses in bold"
    )
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
