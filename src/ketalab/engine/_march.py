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
advance: Any = None
blend: Any = None
drive: Any = None
# Of :mod:`ketalab.engine._lane_modes`.
dot: Any = None
add_lanes: Any = None
add_share: Any = None
decay: Any = None
gather: Any = None
put: Any = None
# Of :mod:`ketalab.engine._mode_loops`.
to_modes: Any = None
after: Any = None
# Of :mod:`ketalab.engine._step_loops`.
fill: Any = None
copy_rows: Any = None
start_block: Any = None
rest: Any = None
set_step: Any = None
cascade: Any = None
LANES = RANKS = STATES = DRIVERS_COUNT = LOWEST = ROUGH = STAGES = SLOPE = BEND = BENT = DRIVERS = 0
SOLVES = np.zeros((0, 6), np.int64)
#: What states count from.
REST = np.zeros(0)
#: States that the kernel solves, and those that it leaves as they begin.
ORDER = np.zeros(0, np.int64)
IDLE = np.zeros(0, np.int64)


def march(
    given, changing, initial, variant, which, hours, kinds, lengths_of, first_step, lengths, bolus_at, bolus_state,
    bolus, inflow_at, inflow_state, inflow, rates, weights, inverse, growth, pairs, starts, modes, modes_at, own_at,
    back_at, every, seen, marched, watch, watch_modes, watch_at, given_parts, growing, growing_at, given_grown, quiet,
    output_at, output_after, output_weights, least, floors, linear, states, lowest, sound, rough, shown, show_at, w,
    buffers, wholes, flags,
):  # fmt: skip
    """Solve blocks of patients through a schedule; :mod:`ketalab.engine._packed` lays out the arguments.

    Modes are followed from the beginning of their segment. A driver is a sum of parts that decay as modes do
    (``marched`` are those that any driver reads), and its parts are taken from step to step. ``given_parts`` says
    what each part begins with (part, share, weight, mode), ``given_grown`` the same of what grows from an equal
    mode (with the pair before the mode). ``seen`` are the modes of states that are ``shown``, ``every`` are all.
    """
    y, numbers, shares, x, z, u, now, decays, ramps, slow, back, e, f, parts, fed_parts, grown, fed_grown, found = (
        buffers
    )  # fmt: skip
    live, live_at = wholes
    made, moving, known = flags
    n, m, factors = len(every), len(marched), 0
    segments, outputs, asked = len(first_step) - 1, len(output_after), len(shown) + STATES
    for i in range(outputs):
        for k in IDLE:
            fill(found, i * asked + len(shown) + k, initial[k])
    for block in range(rates.shape[1]):
        at = block * LANES
        for i in range(STATES):
            fill(y, i, initial[i] - REST[i])
        start_block(w, y)
        copy_rows(numbers, 0, given, at)
        for i in range(4 * DRIVERS_COUNT):
            fill(w, DRIVERS + i, 0.0)
        for segment in range(segments):
            of = variant[segment]
            flat_rate, flat_weight = rates[of, block], weights[of, block]
            flat_back, flat_growth = inverse[of, block], growth[of, block]
            # Doses and rates of infusions, in states and then in modes. Modes themselves go on where none is new.
            new = segment == 0 or of != variant[segment - 1]
            dosed = bolus_at[segment + 1] > bolus_at[segment]
            for i in range(n):
                fill(x, i, 0.0)
            if segment and new:
                before = weights[variant[segment - 1], block]
                for i in range(n):
                    dot(x, i, before, 0, now, modes, modes_at[i], modes_at[i + 1])
            for i in range(bolus_at[segment], bolus_at[segment + 1]):
                add_lanes(x, bolus_state[i], bolus[i], at)
            if new or dosed:
                to_modes(
                    z, x, decays, flat_weight, flat_back, starts, modes, modes_at, own_at, back_at, every,
                )  # fmt: skip
            if not new:
                for i in range(n):
                    if not dosed:
                        fill(z, i, 0.0)
                    add_lanes(z, i, now, i * LANES)
            fed = inflow_at[segment + 1] > inflow_at[segment]
            if fed:
                for i in range(n):
                    fill(x, i, 0.0)
                for i in range(inflow_at[segment], inflow_at[segment + 1]):
                    add_lanes(x, inflow_state[i], inflow[i], at)
                to_modes(
                    u, x, decays, flat_weight, flat_back, starts, modes, modes_at, own_at, back_at, every,
                )  # fmt: skip
            if segment == 0 or which[segment] != which[segment - 1]:
                copy_rows(numbers, given.shape[0], changing[which[segment]], at)
                prepare(w, numbers, shares)
                rest(w, quiet, live, live_at, made, moving)
                for i in range(len(known)):
                    known[i] = False
            for i in range(m):
                for lane in range(LANES):
                    rate = flat_rate[marched[i] * LANES + lane]
                    slow[i * LANES + lane] = rate
                    back[i * LANES + lane] = 0.0 if rate == 0.0 else 1.0 / rate
            for i in range(len(watch_modes)):
                fill(parts, i, 0.0)
                fill(fed_parts, i, 0.0)
            for i in range(len(given_parts)):
                part, share, row, mode = given_parts[i]
                add_share(parts, part, shares, share, flat_weight, row, z, mode)
                if fed:
                    add_share(fed_parts, part, shares, share, flat_weight, row, u, mode)
            for i in range(len(growing)):
                fill(grown, i, 0.0)
                fill(fed_grown, i, 0.0)
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
                        for i in range(4 * m * LANES):
                            f[i] += f[i] * e[i]
                    for i in range(4 * m * LANES):
                        e[i] *= e[i]
                if kind:
                    factors = set_step(w, hours[step], made, lengths_of[step], known)
                for i in range(len(watch)):
                    drive(
                        w, DRIVERS + 4 * watch[i], hours[step], parts, e, m, watch_modes, watch_at[i], watch_at[i + 1],
                        grown, growing, growing_at[i], growing_at[i + 1], fed, fed_parts, f, fed_grown, back,
                    )  # fmt: skip
                # The slope at the start is known where a step has ended, and an event has changed nothing since.
                if step - first_step[segment] < 2:
                    fill(w, BENT, float(step - first_step[segment]))
                cascade(w, live, live_at, factors)
                for i in range(output_at[step], output_at[step + 1]):
                    # States between nodes follow the polynomial.
                    after(
                        now, decays, ramps, z, u, fed, flat_rate, flat_growth, pairs, output_after[i], seen,
                    )  # fmt: skip
                    base = i * asked
                    for k in range(len(shown)):
                        row = shown[k]
                        dot(
                            found,
                            base + k,
                            flat_weight,
                            0,
                            now,
                            modes,
                            modes_at[row],
                            modes_at[row + 1],
                        )
                        # What cancels to nothing must not come out below it.
                        for lane in range(LANES):
                            here = (base + k) * LANES + lane
                            if found[here] < least[at + lane]:
                                found[here] = least[at + lane]
                    for k in ORDER:
                        blend(found, base + len(shown) + k, w, y, REST[k], output_weights[i], k)
                for place in range(live_at[RANKS]):
                    state = SOLVES[live[place], 5]
                    advance(w, y, REST[state], floors[state], state)
            after(
                now, decays, ramps, z, u, fed, flat_rate, flat_growth, pairs, lengths[segment], every,
            )  # fmt: skip
        # What is no number once is none at the end.
        for lane in range(LANES):
            lowest[at + lane] = w[LOWEST * LANES + lane]
            rough[at + lane] = w[ROUGH * LANES + lane]
            for i in range(STATES):
                sound[at + lane] += 0.0 * y[i * LANES + lane]
            for i in range(n):
                sound[at + lane] += 0.0 * now[i * LANES + lane]
        count = min(LANES, linear.shape[2] - at)
        for i in range(outputs):
            for k in range(len(shown)):
                put(linear[i, show_at[k]], at, found, i * asked + k, count)
            for k in range(STATES):
                put(states[i, k], at, found, i * asked + len(shown) + k, count)


def stages(
    given, drivers, begin, slope, bent, hours, quiet, out, lowest, w, buffers, wholes, flags
):
    """The other states on one step: ``drivers`` (d, 4, N) at its nodes, ``begin`` (m, N) and ``slope`` at its
    start, the latter known where ``bent`` is 1. Written are states at the nodes, bend and slope at the end, ``out``
    (m, 6, N)."""
    y, numbers, shares = buffers
    live, live_at = wholes
    made, moving, known = flags
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
        rest(w, quiet, live, live_at, made, moving)
        known[0] = False
        factors = set_step(w, hours, made, 0, known)
        fill(w, BENT, bent)
        copy_rows(w, SLOPE, slope, at)
        cascade(w, live, live_at, factors)
        for i in range(STATES):
            for node in range(4):
                for lane in range(LANES):
                    out[i, node, at + lane] = REST[i] + w[(STAGES + 4 * i + node) * LANES + lane]
            for lane in range(LANES):
                out[i, 4, at + lane] = w[(BEND + i) * LANES + lane]
                out[i, 5, at + lane] = w[(SLOPE + i) * LANES + lane]
        for lane in range(LANES):
            lowest[at + lane] = w[LOWEST * LANES + lane]
