"""Steps of lanes of patients: loops over states, ranks and nodes, compiled by numba for
:mod:`ketalab.engine._march`."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from typing import Any

import numpy as np

# What :mod:`ketalab.engine._kernel` puts here: parts (:mod:`ketalab.engine._lanes`), slots, and how many of what.
evaluate: Any = None
factor: Any = None
solve_still: Any = None
solve_moving: Any = None
LANES = SLOTS = RANKS = STATES = HOURS = LOWEST = ROUGH = BEGIN = STAGES = MOVED = SLOPE = BEND = (
    FACTORS
) = 0
#: Lengths of steps whose factors are kept: what fits into the cache beside a processor.
KEPT = 24
STARTS = np.zeros(1, np.int64)
SOLVES = np.zeros((0, 6), np.int64)
#: Rates that serve for many steps.
MADE = np.zeros(0, np.int64)
CONSTANTS = np.zeros((0, 2))
#: States that each of ``SOLVES`` reads, and where each one's begin.
READ, READ_AT = np.zeros(0, np.int64), np.zeros(1, np.int64)

#: All functions of this file, in the order in which they are compiled.
HELPERS = ("fill", "copy_rows", "start_block", "rest", "set_step", "cascade")


def fill(w, row, value):
    """Every lane of a row."""
    for lane in range(LANES):
        w[row * LANES + lane] = value


def copy_rows(to, row, table, at):
    """A table (rows, patients) into rows of a buffer."""
    for i in range(table.shape[0]):
        for lane in range(LANES):
            to[(row + i) * LANES + lane] = table[i, at + lane]


def start_block(w, y):
    """Constants of the program, and states from their first values."""
    for i in range(len(CONSTANTS)):
        fill(w, int(CONSTANTS[i, 0]), CONSTANTS[i, 1])
    for i in range(STATES):
        for lane in range(LANES):
            value = y[i * LANES + lane]
            w[(BEGIN + i) * LANES + lane] = value
            for node in range(4):
                w[(STAGES + 4 * i + node) * LANES + lane] = value
            # Nothing times the slope of who stood here before is only nothing if that was a number.
            w[(SLOPE + i) * LANES + lane] = 0.0
    fill(w, LOWEST, 0.0)
    fill(w, ROUGH, 0.0)


def rest(w, quiet, live, live_at, made, moving):
    """Which states and factors steps are to solve: all but ``quiet`` ones whose slope is nothing in every lane.

    No driver that moves reaches a quiet state. Where its slope is nothing, and the states that it reads are themselves
    at rest, it stays where it is until an input changes, and solving it would change no bit. Written: the live ones
    of ``SOLVES``, where each rank begins among them, and whether each of ``MADE`` is read.
    """
    some_quiet = False
    for i in range(len(quiet)):
        some_quiet = some_quiet or quiet[i]
    for i in range(len(SOLVES)):
        if quiet[i]:
            state = SOLVES[i, 5]
            for lane in range(LANES):
                value = w[(BEGIN + state) * LANES + lane]
                for node in range(4):
                    w[(STAGES + 4 * state + node) * LANES + lane] = value
                w[(MOVED + state) * LANES + lane] = 0.0
                w[(BEND + state) * LANES + lane] = 0.0
    for m in range(len(made)):
        made[m] = False
    count = 0
    for rank in range(RANKS):
        live_at[rank] = count
        if some_quiet:
            evaluate(w, rank, 0)
        for i in range(STARTS[rank], STARTS[rank + 1]):
            state = SOLVES[i, 5]
            moves = not quiet[i]
            for j in range(READ_AT[i], READ_AT[i + 1]):
                moves = moves or moving[READ[j]]
            if not moves:
                g, k = SOLVES[i, 0], SOLVES[i, 2]
                for lane in range(LANES):
                    lost = w[k * LANES + lane] * w[(BEGIN + state) * LANES + lane]
                    if w[g * LANES + lane] != lost:
                        moves = True
            moving[state] = moves
            if moves:
                live[count] = i
                count += 1
                for m in range(len(MADE)):
                    if not SOLVES[i, 3] and m == SOLVES[i, 4]:
                        made[m] = True
    live_at[RANKS] = count


def set_step(w, hours, made, length, known):
    """What steps of a length share until the next event, behind the slots; the row where it begins.

    It is kept for the length's next time, because cycles of doses repeat their steps; all lengths for which there is
    no room share the last place.
    """
    place = min(length, KEPT)
    first = SLOTS + place * len(MADE) * FACTORS
    fill(w, HOURS, hours)
    if place == KEPT or not known[place]:
        for i in range(len(MADE)):
            if made[i]:
                factor(w, MADE[i], first + i * FACTORS)
        known[place] = True
    return first


def cascade(w, live, live_at, factors):
    """The states at the nodes of a step, rank by rank; drivers and first values stand in their rows."""
    for rank in range(RANKS):
        for node in range(4):
            evaluate(w, rank, node)
        for place in range(live_at[rank], live_at[rank + 1]):
            i = live[place]
            if SOLVES[i, 3]:
                solve_moving(
                    w, SOLVES[i, 0], SOLVES[i, 1], SOLVES[i, 2], SOLVES[i, 3], SOLVES[i, 5]
                )
            else:
                solve_still(
                    w, SOLVES[i, 0], SOLVES[i, 1], SOLVES[i, 2], factors + SOLVES[i, 4] * FACTORS, SOLVES[i, 5],
                )  # fmt: skip
