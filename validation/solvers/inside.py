"""Errors inside the steps of the kernel, of people who are no pilots, with and without steps of their own.

Prints one line a course and variability: how many people are solved again on shorter steps, the largest error of any
state (the manual's measure) and how many people are above 1e-4, before and after. Looked at are six places inside
each step, of long courses in the first hours and those after the third dose. What errors are measured against is the
kernel in double numbers on a quarter of the steps of a grid ten times as fine. Ends with 1 if anybody is above after.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial

import numpy as np
from doubled import ALLOWED, FLOOR, drawn_people

from ketalab.engine import Grid, halve_grid, solve_packed
from ketalab.laboratory import Course, prepare
from ketalab.laboratory._course import build_schedule, make_problem
from ketalab.laboratory._prepare import Choice
from ketalab.laboratory._refine import refine
from ketalab.protocol import parse_phrase

#: What is given, and days.
COURSES = (
    ("0.5 mg/kg ketamine iv over 40 min", 7.0),
    ("2 mg/kg esketamine iv bolus", 3.0),
    ("100 mg ketamine oral", 3.0),
    ("28 mg esketamine nasal", 3.0),
    ("50 mg naltrexone oral at -1 h; 0.5 mg/kg ketamine iv over 40 min", 3.0),
    ("0.5 mg/kg ketamine iv over 40 min every 84 h x 8", 28.0),
)
_PLACES = np.array([0.0, 0.1, 0.2, 0.37, 0.5, 0.8])
_MOST_TIMES, _FIRST, _LATER = 1500, 6.0, (165.0, 176.0)
_FINE = Choice(1e-7, 64, 0.3)
_BATCH = 256


def _times(edges: np.ndarray) -> np.ndarray:
    inside = (edges[:-1, None] + np.diff(edges)[:, None] * _PLACES).ravel()
    times = np.unique(np.append(inside, edges[-1]))
    if len(times) <= _MOST_TIMES:
        return times
    return times[(times < _FIRST) | ((times > _LATER[0]) & (times < _LATER[1]))]


def measure(
    phrase: str, days: float, count: int, seed: int, factor: float
) -> tuple[int, np.ndarray, np.ndarray]:
    """How many of the people are solved again, and everybody's largest error before and after that (N,)."""
    course = Course(parse_phrase(phrase).administrations, 24 * days)
    prepared = prepare(course, solver="lockstep")
    fine: Grid = halve_grid(halve_grid(prepare(course, solver="lockstep", choice=_FINE).grid))
    ask = partial(solve_packed, times=_times(prepared.edges), shown=())
    solve = partial(ask, floors=prepared.floors)
    drawn, _ = drawn_people(count, seed, factor)
    problem = make_problem(prepared.model, drawn)
    schedule = build_schedule(prepared.model, course, drawn)
    again, before, after = 0, [], []
    for begin in range(0, count, _BATCH):
        some = slice(begin, begin + _BATCH)
        part, spans = problem.take(some), tuple(segment.take(some) for segment in schedule)
        true = ask(part, spans, fine, single=False).states
        size = np.maximum(np.abs(true), FLOOR * np.abs(true).max(axis=0))
        size[size == 0] = 1.0
        made = solve(part, spans, prepared.grid)
        again += len(made.rough)
        before.append((np.abs(made.states - true) / size).max(axis=(0, 1)))
        made = refine(solve, part, spans, prepared.grid, made)
        after.append((np.abs(made.states - true) / size).max(axis=(0, 1)))
    return again, np.concatenate(before), np.concatenate(after)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=1024)
    parser.add_argument("--seed", type=int, default=300)
    options = parser.parse_args()
    print(f"{options.patients} people, seed {options.seed}\n")
    print(
        "| given | days | variability | solved again | largest error before (above) | after (above) |"
    )
    print("| --- | --- | --- | --- | --- | --- |")
    worst = 0.0
    for phrase, days in COURSES:
        for factor in (1.0, 2.0):
            again, *both = measure(phrase, days, options.patients, options.seed, factor)
            worst = max(worst, float(both[1].max()))
            shown = (f"{one.max():.1e} ({int((one > ALLOWED).sum())})" for one in both)
            print(
                f"| {phrase} | {days:g} | x {factor:g} | {again} | {' | '.join(shown)} |",
                flush=True,
            )
    print(f"\nallowed: {ALLOWED:g}")
    return int(not worst <= ALLOWED)


if __name__ == "__main__":
    sys.exit(main())
