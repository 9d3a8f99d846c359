"""The lockstep scheme for lanes of patients: loops over segments, steps and nodes, compiled by numba.

What a step does to a lane is in :mod:`ketalab.engine._lanes`, whose parts are put in the place of the names below; so
are the slots of :mod:`ketalab.engine._layout`. Rows are flat, one number a lane, because the compiler is quickest with
one buffer and plain offsets.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from typing import Any

import numpy as np

# What :mod:`ketalab.engine._kernel` puts here: parts, slots, and how many of what.
prepare: Any = None
evaluate: Any = None
factor: Any = None
advance: Any = None
solve_still: Any = None
solve_moving: Any = None
dot: Any = None
blend: Any = None
# Of :mod:`ketalab.engine._mode_loops`.
decay: Any = None
gather: Any = None
to_modes: Any = None
after: Any = None
drive: Any = None
move_rows: Any = None
LANES = SLOTS = RANKS = STATES = DRIVERS_COUNT = HOURS = LOWEST = BEGIN = STAGES = MOVED = SLOPE = (
    BEND
) = BENT = DRIVERS = FACTORS = SHARES = 0
#: Lengths of steps whose factors are kept: what fits into the cache beside a processor.
KEPT = 24
#: The type of the slots' numbers.
REAL: Any = np.float64
NODE = np.zeros(4)
STARTS = np.zeros(1, np.int64)
SOLVES = np.zeros((0, 6), np.int64)
MADE = np.zeros((0, 2), np.int64)
CONSTANTS = np.zeros((0, 2))
#: States that each of ``SOLVES`` reads, and where each one's begin.
READ, READ_AT = np.zeros(0, np.int64), np.zeros(1, np.int64)
#: What states count from.
REST = np.zeros(0)
#: States that the kernel solves, and those that it leaves as they begin.
ORDER = np.zeros(0, np.int64)
IDLE = np.zeros(0, np.int64)

#: Functions of this file that the two entries call, in the order in which they are compiled.
HELPERS = (
    "fill", "copy_rows", "start_block", "rest", "set_step", "keep_step", "cascade",
)  # fmt: skip


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


def rest(w, quiet, live, live_at, made):
    """Which states and factors steps are to solve: all but ``quiet`` ones whose slope is nothing in every lane.

    No driver that moves reaches a quiet state. Where its slope is nothing, and the states that it reads are themselves
    at rest, it stays where it is until an input changes, and solving it would change no bit. Written: the live ones
    of ``SOLVES``, where each rank begins among them, and whether each of ``MADE`` is read.
    """
    moving, some_quiet = np.zeros(STATES, np.bool_), quiet.any()
    for i in range(len(SOLVES)):
        if quiet[i]:
            state = SOLVES[i, 5]
            for lane in range(LANES):
                value = w[(BEGIN + state) * LANES + lane]
                for node in range(4):
                    w[(STAGES + 4 * state + node) * LANES + lane] = value
                w[(MOVED + state) * LANES + lane] = 0.0
                w[(BEND + state) * LANES + lane] = 0.0
    made[:] = False
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
                    if not SOLVES[i, 3] and MADE[m, 1] == SOLVES[i, 4]:
                        made[m] = True
    live_at[RANKS] = count


def set_step(w, hours, made):
    """What steps of a length share until the next event."""
    fill(w, HOURS, hours)
    for i in range(len(MADE)):
        if made[i]:
            factor(w, MADE[i, 0], MADE[i, 1])


def keep_step(w, hours, made, length, kept, known):
    """The same from what was kept of the length, or kept for its next time: cycles of doses repeat their steps."""
    keeps = length < len(known)
    first = length * len(MADE)
    if keeps and known[length]:
        fill(w, HOURS, hours)
        for i in range(len(MADE)):
            if made[i]:
                move_rows(w, MADE[i, 1], kept, (first + i) * FACTORS, FACTORS)
        return
    set_step(w, hours, made)
    if keeps:
        known[length] = True
        for i in range(len(MADE)):
            if made[i]:
                move_rows(kept, (first + i) * FACTORS, w, MADE[i, 1], FACTORS)


def cascade(w, live, live_at):
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
                solve_still(w, SOLVES[i, 0], SOLVES[i, 1], SOLVES[i, 2], SOLVES[i, 4], SOLVES[i, 5])


def march(
    given, changing, initial, variant, which, hours, kinds, lengths_of, first_step, lengths, bolus_at, bolus_state,
    bolus, inflow_at, inflow_state, inflow, rates, weights, inverse, growth, pairs, starts, modes, modes_at, own_at,
    back_at, marched, watch, watch_modes, watch_at, given_parts, growing, growing_at, given_grown, quiet, output_at,
    output_after, output_weights, least, linear, states, lowest, sound, shown, show_at,
):  # fmt: skip
    """Solve blocks of patients through a schedule; :mod:`ketalab.engine._packed` lays out the arguments.

    Modes are followed from the beginning of their segment. A driver is a sum of parts that decay as modes do
    (``marched`` are those that any driver reads), and its parts are taken from step to step. ``given_parts`` says
    what each part begins with (part, share, weight, mode), ``given_grown`` the same of what grows from an equal
    mode (with the pair before the mode).
    """
    blocks, n, m = rates.shape[1], rates.shape[2], len(marched)
    size, some, width = n * LANES, m * LANES, len(watch_modes) * LANES
    w, y = np.zeros(SLOTS * LANES, REAL), np.zeros(STATES * LANES)
    numbers = np.zeros((given.shape[0] + changing.shape[1]) * LANES)
    x, z, u, s = np.zeros(size), np.zeros(size), np.zeros(size), np.zeros(size)
    now, decays, ramps = np.zeros(size), np.zeros(size), np.zeros(size)
    slow, e, f = np.zeros(some), np.zeros(4 * some), np.zeros(4 * some)
    parts, fed_parts = np.zeros(width), np.zeros(width)
    shares = np.zeros(SHARES * LANES)
    grown, fed_grown = np.zeros(len(growing) * LANES), np.zeros(len(growing) * LANES)
    inverse_rate = np.zeros(some)
    live, live_at = np.zeros(len(SOLVES), np.int64), np.zeros(RANKS + 1, np.int64)
    made = np.zeros(len(MADE), np.bool_)
    known = np.zeros(min(lengths_of.max() + 1, KEPT), np.bool_)
    kept = np.zeros(len(known) * len(MADE) * FACTORS * LANES, REAL)
    outputs, asked = len(output_after), len(shown) + STATES
    # What is asked for of a block, before it is written where each number lies a page from the next.
    found = np.zeros(outputs * asked * LANES)
    for i in range(outputs):
        for k in IDLE:
            fill(found, i * asked + len(shown) + k, initial[k])
    segments = len(first_step) - 1
    for block in range(blocks):
        at = block * LANES
        for i in range(STATES):
            fill(y, i, initial[i] - REST[i])
        start_block(w, y)
        copy_rows(numbers, 0, given, at)
        for i in range(4 * DRIVERS_COUNT):
            fill(w, DRIVERS + i, 0.0)
        x[:] = 0.0
        for segment in range(segments):
            of = variant[segment]
            flat_rate = rates[of, block].reshape(size)
            flat_weight = weights[of, block].reshape(-1)
            flat_back = inverse[of, block].reshape(-1)
            flat_growth = growth[of, block].reshape(-1)
            # Doses and rates of infusions, in states and then in modes.
            for i in range(bolus_at[segment], bolus_at[segment + 1]):
                row = bolus_state[i]
                for lane in range(LANES):
                    x[row * LANES + lane] += bolus[i, at + lane]
            to_modes(z, x, now, flat_weight, flat_back, starts, modes, modes_at, own_at, back_at)
            fed = inflow_at[segment + 1] > inflow_at[segment]
            if fed:
                s[:] = 0.0
                for i in range(inflow_at[segment], inflow_at[segment + 1]):
                    row = inflow_state[i]
                    for lane in range(LANES):
                        s[row * LANES + lane] += inflow[i, at + lane]
                to_modes(
                    u, s, now, flat_weight, flat_back, starts, modes, modes_at, own_at, back_at
                )
            if segment == 0 or which[segment] != which[segment - 1]:
                copy_rows(numbers, given.shape[0], changing[which[segment]], at)
                prepare(w, numbers, shares)
                rest(w, quiet, live, live_at, made)
                known[:] = False
            for i in range(m):
                for lane in range(LANES):
                    rate = flat_rate[marched[i] * LANES + lane]
                    slow[i * LANES + lane] = rate
                    inverse_rate[i * LANES + lane] = 0.0 if rate == 0.0 else 1.0 / rate
            parts[:] = 0.0
            fed_parts[:] = 0.0
            for i in range(len(given_parts)):
                part, share, row, mode = given_parts[i]
                for lane in range(LANES):
                    by = shares[share * LANES + lane] * flat_weight[row * LANES + lane]
                    parts[part * LANES + lane] += by * z[mode * LANES + lane]
                    fed_parts[part * LANES + lane] += by * u[mode * LANES + lane]
            grown[:] = 0.0
            fed_grown[:] = 0.0
            for i in range(len(given_grown)):
                number, share, row, pair, mode = given_grown[i]
                for lane in range(LANES):
                    by = shares[share * LANES + lane] * flat_weight[row * LANES + lane]
                    by *= flat_growth[pair * LANES + lane]
                    grown[number * LANES + lane] += by * z[mode * LANES + lane]
                    fed_grown[number * LANES + lane] += by * u[mode * LANES + lane]
            for step in range(first_step[segment], first_step[segment + 1]):
                kind = kinds[step]
                if kind == 2:
                    decay(e, slow, hours[step], m)
                    if fed:
                        gather(f, slow, hours[step], m)
                elif kind == 1:
                    if fed:
                        for i in range(4 * some):
                            f[i] += f[i] * e[i]
                    for i in range(4 * some):
                        e[i] *= e[i]
                if kind:
                    keep_step(w, hours[step], made, lengths_of[step], kept, known)
                for i in range(len(watch)):
                    drive(
                        w, DRIVERS + 4 * watch[i], hours[step], parts, e, m, watch_modes, watch_at[i], watch_at[i + 1],
                        grown, growing, growing_at[i], growing_at[i + 1], fed, fed_parts, f, fed_grown, inverse_rate,
                    )  # fmt: skip
                # The slope at the start is known where a step has ended, and an event has changed nothing since.
                if step - first_step[segment] < 2:
                    fill(w, BENT, float(step - first_step[segment]))
                cascade(w, live, live_at)
                for i in range(output_at[step], output_at[step + 1]):
                    # States between nodes follow the polynomial.
                    after(
                        now,
                        decays,
                        ramps,
                        z,
                        u,
                        fed,
                        flat_rate,
                        flat_growth,
                        pairs,
                        output_after[i],
                    )
                    base = i * asked
                    for k in range(len(shown)):
                        row = shown[k]
                        dot(
                            found, base + k, flat_weight, 0, now, modes, modes_at[row], modes_at[row + 1],
                        )  # fmt: skip
                        # What cancels to nothing must not come out below it.
                        for lane in range(LANES):
                            here = (base + k) * LANES + lane
                            if found[here] < least[at + lane]:
                                found[here] = least[at + lane]
                    for k in ORDER:
                        blend(found, base + len(shown) + k, w, y, REST[k], output_weights[i], k)
                for place in range(live_at[RANKS]):
                    advance(w, y, SOLVES[live[place], 5])
            after(now, decays, ramps, z, u, fed, flat_rate, flat_growth, pairs, lengths[segment])
            for i in range(n):
                dot(x, i, flat_weight, 0, now, modes, modes_at[i], modes_at[i + 1])
        # What is no number once is none at the end.
        for lane in range(LANES):
            lowest[at + lane] = w[LOWEST * LANES + lane]
            for i in range(STATES):
                sound[at + lane] += 0.0 * y[i * LANES + lane]
            for i in range(n):
                sound[at + lane] += 0.0 * x[i * LANES + lane]
        count = min(LANES, linear.shape[2] - at)
        for i in range(outputs):
            for k in range(len(shown)):
                for lane in range(count):
                    linear[i, show_at[k], at + lane] = found[(i * asked + k) * LANES + lane]
            for k in range(STATES):
                for lane in range(count):
                    states[i, k, at + lane] = found[(i * asked + len(shown) + k) * LANES + lane]


def stages(given, drivers, begin, slope, bent, hours, out, lowest):
    """The other states on one step: ``drivers`` (d, 4, N) at its nodes, ``begin`` (m, N) and ``slope`` at its
    start, the latter known where ``bent`` is 1. Written are states at the nodes, bend and slope at the end, ``out``
    (m, 6, N)."""
    w, y = np.zeros(SLOTS * LANES, REAL), np.zeros(STATES * LANES)
    numbers, shares = np.zeros(given.shape[0] * LANES), np.zeros(SHARES * LANES)
    live, live_at = np.zeros(len(SOLVES), np.int64), np.zeros(RANKS + 1, np.int64)
    quiet, made = np.zeros(len(SOLVES), np.bool_), np.zeros(len(MADE), np.bool_)
    for block in range(given.shape[1] // LANES):
        at = block * LANES
        copy_rows(numbers, 0, given, at)
        copy_rows(y, 0, begin, at)
        for i in range(STATES):
            for lane in range(LANES):
                y[i * LANES + lane] -= REST[i]
        start_block(w, y)
        prepare(w, numbers, shares)
        for i in range(drivers.shape[0]):
            copy_rows(w, DRIVERS + 4 * i, drivers[i], at)
        rest(w, quiet, live, live_at, made)
        set_step(w, hours, made)
        fill(w, BENT, bent)
        copy_rows(w, SLOPE, slope, at)
        cascade(w, live, live_at)
        for i in range(STATES):
            for node in range(4):
                for lane in range(LANES):
                    out[i, node, at + lane] = REST[i] + w[(STAGES + 4 * i + node) * LANES + lane]
            for lane in range(LANES):
                out[i, 4, at + lane] = w[(BEND + i) * LANES + lane]
                out[i, 5, at + lane] = w[(SLOPE + i) * LANES + lane]
        for lane in range(LANES):
            lowest[at + lane] = w[LOWEST * LANES + lane]
