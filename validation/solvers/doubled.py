"""The lockstep engine against the checker in people whose variability is doubled, and at extreme doses.

Prints one line a schedule: the largest error of any output of any layer, by the measure of the manual, in all people
and at every edge of the steps and between; ends with 1 if one is above 1e-4.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
from numpy.typing import NDArray

from ketalab.laboratory import Course, Individuals, human_model, individuals, prepare, run
from ketalab.laboratory._individuals import spread_apart
from ketalab.laboratory._prepare import Solver
from ketalab.people import Population, Streams, draw
from ketalab.protocol import parse_phrase

ALLOWED = 1e-4
#: Differences relative to the value, to this share of its peak, or to this much of its unit.
FLOOR, REST = 1e-3, 1e-12
#: What is given, days, and by how much differences between people are multiplied.
SCHEDULES = (
    ("0.5 mg/kg ketamine iv over 40 min", 7.0, 2.0),
    ("0.5 mg/kg ketamine iv over 40 min every 84 h x 4", 12.0, 2.0),
    ("2 mg/kg esketamine iv bolus", 3.0, 2.0),
    ("0.25 mg/kg ketamine iv bolus, then 0.5 mg/kg ketamine iv over 2 h", 3.0, 2.0),
    ("0.5 mg/kg ketamine iv over 40 min twice weekly for 4 weeks", 35.0, 2.0),
    ("5000 mg/kg ketamine iv over 40 min", 7.0, 1.0),
    ("5000 mg/kg ketamine iv bolus", 7.0, 1.0),
    ("500 mg/kg ketamine iv over 1 s", 7.0, 1.0),
)


def drawn_people(
    count: int, seed: int, factor: float = 1.0
) -> tuple[Individuals, NDArray[np.float64]]:
    """People with all of their uncertainty; their differences from the middle are taken to the power ``factor``."""
    model, streams = human_model(), Streams(seed)
    people = draw(Population(), streams, count)
    drawn = individuals(model, people, streams, "person")
    middle = individuals(model, people, streams, "none", vary=False)
    return spread_apart(model, drawn, middle, factor), people.weight


def errors(
    course: Course,
    people: Individuals,
    weights: NDArray[np.float64],
    solver: Solver = "lockstep",
) -> dict[str, float]:
    """Largest error of each output of the layers, over people and times; NaN where lockstep has no number."""
    prepared = prepare(course, solver=solver)
    edges = prepared.edges
    times = np.unique(np.concatenate([edges, edges[:-1] + 0.37 * np.diff(edges)]))
    times = times[times >= 0]
    names = tuple(out.name for _, out in human_model().joined.outputs)
    # Whom the guard finds wrong is NaN here, and counts as a miss.
    made, _ = run(prepared, people, weights, times, names, engine="lockstep", keep_failed=True)
    exact, failed = run(prepared, people, weights, times, names, engine="checker")
    assert not failed
    found = {}
    for name in names:
        peak = np.abs(exact[name]).max(axis=0)
        size = np.maximum(np.abs(exact[name]), np.maximum(FLOOR * peak, REST))
        found[name] = float(np.max(np.abs(made[name] - exact[name]) / size))
    return found


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=200)
    parser.add_argument("--seed", type=int, default=77)
    options = parser.parse_args()
    print(f"{options.patients} people, seed {options.seed}\n")
    print("| schedule | days | variability | largest error | at |\n| --- | --- | --- | --- | --- |")
    worst = 0.0
    for phrase, days, factor in SCHEDULES:
        course = Course(parse_phrase(phrase).administrations, 24 * days)
        found = errors(course, *drawn_people(options.patients, options.seed, factor))
        name = max(found, key=lambda key: np.inf if np.isnan(found[key]) else found[key])
        worst = max(worst, np.inf if np.isnan(found[name]) else found[name])
        print(f"| {phrase} | {days:g} | x {factor:g} | {found[name]:.1e} | `{name}` |", flush=True)
    print(f"\nallowed: {ALLOWED:g}")
    return int(not worst <= ALLOWED)


if __name__ == "__main__":
    sys.exit(main())
