"""The lockstep scheme for lanes of patients: loops over segments, steps and nodes, compiled by numba.

What a step does to a lane is in :mod:`ketalab.engine._lanes`, whose parts are put in the place of the names below; so
are the slots of :mod:`ketalab.engine._layout`. Rows are flat, one number a lane, because the compiler is quickest with
one buffer and plain offsets.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from typing import Any

import numpy as np

# What :func:`ketalab.engine._kernel.load_kernel` puts here: parts, slots, and how many of what.
prepare: Any = None
evaluate: Any = None
factor: Any = None
advance: Any = None
scale_nodes: Any = None
solve_still: Any = None
solve_moving: Any = None
exponential: Any = None
ramp: Any = None
grow: Any = None
dot: Any = None
blend: Any = None
dot_nodes: Any = None
LANES = SLOTS = RANKS = STATES = DRIVERS_COUNT = HOURS = LOWEST = BEGIN = STAGES = DRIVERS = (
    FIRST_GIVEN
) = 0
NODE = np.zeros(4)
STARTS = np.zeros(1, np.int64)
SOLVES = np.zeros((0, 6), np.int64)
MADE = np.zeros((0, 2), np.int64)
CONSTANTS = np.zeros((0, 2))

#: Functions of this file that the two entries call, in the order in which they are compiled.
HELPERS = (
    "fill", "copy_row", "start_block", "set_step", "cascade", "exponents", "decay", "gather", "to_modes",
    "grow_by_inflow",
)  # fmt: skip


def fill(w, row, value):
    """Every lane of a row."""
    for lane in range(LANES):
        w[row * LANES + lane] = value


def copy_row(w, row, table, line, at):
    """A row from a table (rows, patients)."""
    for lane in range(LANES):
        w[row * LANES + lane] = table[line, at + lane]


def start_block(w, given, at):
    """Constants of the program and parameters of a block's patients."""
    for i in range(len(CONSTANTS)):
        fill(w, int(CONSTANTS[i, 0]), CONSTANTS[i, 1])
    for i in range(given.shape[0]):
        copy_row(w, FIRST_GIVEN + i, given, i, at)
    fill(w, LOWEST, 0.0)


def set_step(w, hours):
    """What steps of a length share until the next event."""
    fill(w, HOURS, hours)
    for i in range(len(MADE)):
        factor(w, MADE[i, 0], MADE[i, 1])


def cascade(w):
    """The states at the nodes of a step, rank by rank; drivers and first values stand in their rows."""
    for rank in range(RANKS):
        for node in range(4):
            evaluate(w, rank, node)
        for i in range(STARTS[rank], STARTS[rank + 1]):
            if SOLVES[i, 3]:
                solve_moving(
                    w, SOLVES[i, 0], SOLVES[i, 1], SOLVES[i, 2], SOLVES[i, 4], SOLVES[i, 5]
                )
            else:
                solve_still(w, SOLVES[i, 0], SOLVES[i, 1], SOLVES[i, 2], SOLVES[i, 4], SOLVES[i, 5])


def exponents(e, rates, hours, n):
    """What each mode decays by until the nodes of a step, as the exponent."""
    size = n * LANES
    for node in range(4):
        for i in range(size):
            e[node * size + i] = -rates[i] * (NODE[node] * hours)


def decay(e, rates, hours, n):
    """What is left of each mode at the nodes of a step."""
    exponents(e, rates, hours, n)
    exponential(e, 4 * n)


def gather(f, rates, hours, n):
    """What comes into each mode at a rate of one, of which some decays again, at the nodes of a step."""
    exponents(f, rates, hours, n)
    ramp(f, 4 * n)
    size = n * LANES
    for node in range(4):
        for i in range(size):
            f[node * size + i] *= NODE[node] * hours


def to_modes(z, x, rest, weights, inverse, n, starts, modes, modes_at, own_at):
    """Modes from states, group by group down the cascade."""
    for group in range(len(starts) - 1):
        first, end = starts[group], starts[group + 1]
        for i in range(first, end):
            dot(rest, i, weights, i * n, z, 0, modes, modes_at[i], own_at[i])
            for lane in range(LANES):
                rest[i * LANES + lane] = x[i * LANES + lane] - rest[i * LANES + lane]
        for k in range(first, end):
            dot(z, k, inverse, k * n, rest, 0, modes, own_at[k], modes_at[k + 1])


def grow_by_inflow(to, at, f, e, rates, growth, pair, past, u, of):
    """What a mode gets from an equal one that is fed: ``c u (f - t e) / lambda``."""
    for lane in range(LANES):
        c = growth[pair * LANES + lane]
        if c != 0.0:
            here = at * LANES + lane
            share = (f[here] - past * e[here]) / rates[of * LANES + lane]
            to[here] += c * share * u[of * LANES + lane]


def march(
    given, changing, initial, variant, which, hours, kinds, first_step, bolus_at, bolus_state, bolus,
    inflow_at, inflow_state, inflow, rates, weights, inverse, growth, pairs, starts, watch, modes, modes_at, own_at,
    output_at, output_after, output_weights, found, lowest, shown,
):  # fmt: skip
    """Solve blocks of patients through a schedule; :mod:`ketalab.engine._packed` lays out the arguments."""
    blocks, n = rates.shape[1], rates.shape[2]
    size = n * LANES
    w = np.zeros(SLOTS * LANES)
    z, e, ze = np.zeros(size), np.zeros(4 * size), np.zeros(4 * size)
    x, now, decays = np.zeros(size), np.zeros(size), np.zeros(size)
    s, u, f, ramps = np.zeros(size), np.zeros(size), np.zeros(4 * size), np.zeros(size)
    outputs, width = len(output_after), len(shown) + STATES
    # Rows that no state of the cascade fills keep their first values.
    for block in range(blocks):
        for i in range(outputs):
            for k in range(STATES):
                fill(found, (block * outputs + i) * width + len(shown) + k, initial[k])
    segments = len(first_step) - 1
    changes = changing.shape[1]
    fixed_rows = given.shape[0]
    for block in range(blocks):
        at = block * LANES
        start_block(w, given, at)
        for i in range(STATES):
            fill(w, BEGIN + i, initial[i])
            for node in range(4):
                fill(w, STAGES + 4 * i + node, initial[i])
        for i in range(DRIVERS_COUNT):
            for node in range(4):
                fill(w, DRIVERS + 4 * i + node, 0.0)
        x[:] = 0.0
        for segment in range(segments):
            of = variant[segment]
            flat_rate = rates[of, block].reshape(size)
            flat_weight = weights[of, block].reshape(n * size)
            flat_back = inverse[of, block].reshape(n * size)
            flat_growth = growth[of, block].reshape(len(pairs) * LANES)
            # Doses and rates of infusions, in states and then in modes.
            for i in range(bolus_at[segment], bolus_at[segment + 1]):
                row = bolus_state[i]
                for lane in range(LANES):
                    x[row * LANES + lane] += bolus[i, at + lane]
            to_modes(z, x, now, flat_weight, flat_back, n, starts, modes, modes_at, own_at)
            fed = inflow_at[segment + 1] > inflow_at[segment]
            if fed:
                s[:] = 0.0
                for i in range(inflow_at[segment], inflow_at[segment + 1]):
                    row = inflow_state[i]
                    for lane in range(LANES):
                        s[row * LANES + lane] += inflow[i, at + lane]
                to_modes(u, s, now, flat_weight, flat_back, n, starts, modes, modes_at, own_at)
            for i in range(changes):
                copy_row(w, FIRST_GIVEN + fixed_rows + i, changing[which[segment]], i, at)
            prepare(w)
            for step in range(first_step[segment], first_step[segment + 1]):
                kind = kinds[step]
                if kind == 2:
                    decay(e, flat_rate, hours[step], n)
                    if fed:
                        gather(f, flat_rate, hours[step], n)
                elif kind == 1:
                    if fed:
                        for i in range(4 * size):
                            f[i] += f[i] * e[i]
                    for i in range(4 * size):
                        e[i] *= e[i]
                if kind:
                    set_step(w, hours[step])
                scale_nodes(ze, e, z, n)
                if fed:
                    for node in range(4):
                        for i in range(size):
                            ze[node * size + i] += f[node * size + i] * u[i]
                for i in range(len(pairs)):
                    for node in range(4):
                        past, to = NODE[node] * hours[step], node * n + pairs[i, 0]
                        grow(ze, to, e, flat_growth, i, past, z, pairs[i, 1])
                        if fed:
                            grow_by_inflow(
                                ze, to, f, e, flat_rate, flat_growth, i, past, u, pairs[i, 1]
                            )
                for i in range(len(watch)):
                    row = watch[i, 1]
                    dot_nodes(
                        w, DRIVERS + 4 * watch[i, 0], flat_weight, row * n, ze, n, modes,
                        modes_at[row], modes_at[row + 1],
                    )  # fmt: skip
                cascade(w)
                for i in range(output_at[step], output_at[step + 1]):
                    # Between nodes: modes decay by the time since the step began, states follow the polynomial.
                    for k in range(size):
                        now[k] = -flat_rate[k] * output_after[i]
                    exponential(now, n)
                    decays[:] = now
                    for k in range(size):
                        now[k] *= z[k]
                    past = output_after[i]
                    if fed:
                        for k in range(size):
                            ramps[k] = -flat_rate[k] * past
                        ramp(ramps, n)
                        for k in range(size):
                            ramps[k] *= past
                            now[k] += ramps[k] * u[k]
                    for k in range(len(pairs)):
                        grow(now, pairs[k, 0], decays, flat_growth, k, past, z, pairs[k, 1])
                        if fed:
                            grow_by_inflow(
                                now, pairs[k, 0], ramps, decays, flat_rate, flat_growth, k, past, u, pairs[k, 1],
                            )  # fmt: skip
                    base = (block * outputs + i) * width
                    for k in range(len(shown)):
                        row = shown[k]
                        dot(
                            found, base + k, flat_weight, row * n, now, 0, modes,
                            modes_at[row], modes_at[row + 1],
                        )  # fmt: skip
                    blend(found, base + len(shown), w, output_weights[i])
                for i in range(size):
                    z[i] = ze[3 * size + i]
                advance(w)
            for i in range(n):
                dot(x, i, flat_weight, i * n, z, 0, modes, modes_at[i], modes_at[i + 1])
        for lane in range(LANES):
            lowest[at + lane] = w[LOWEST * LANES + lane]


def stages(given, drivers, begin, hours, out, lowest):
    """The other states at the nodes of one step: ``drivers`` (d, 4, N), ``begin`` (m, N), ``out`` (m, 4, N)."""
    w = np.zeros(SLOTS * LANES)
    for block in range(given.shape[1] // LANES):
        at = block * LANES
        start_block(w, given, at)
        prepare(w)
        for i in range(drivers.shape[0]):
            for node in range(4):
                for lane in range(LANES):
                    w[(DRIVERS + 4 * i + node) * LANES + lane] = drivers[i, node, at + lane]
        for i in range(STATES):
            copy_row(w, BEGIN + i, begin, i, at)
            for node in range(4):
                copy_row(w, STAGES + 4 * i + node, begin, i, at)
        set_step(w, hours)
        cascade(w)
        for i in range(STATES):
            for node in range(4):
                for lane in range(LANES):
                    out[i, node, at + lane] = w[(STAGES + 4 * i + node) * LANES + lane]
        for lane in range(LANES):
            lowest[at + lane] = w[LOWEST * LANES + lane]
