"""Modes of lanes of patients as they go on in time: plain loops, compiled by numba for :mod:`ketalab.engine._march`."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from typing import Any

import numpy as np

# What :mod:`ketalab.engine._kernel` puts here.
exponential: Any = None
ramp: Any = None
grow: Any = None
dot: Any = None
LANES = 0
NODE = np.zeros(4)

#: All functions of this file, in the order in which they are compiled.
HELPERS = ("exponents", "decay", "gather", "to_modes", "late", "grow_by_inflow", "after")


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


def to_modes(z, x, left, weights, inverse, starts, modes, modes_at, own_at, back_at):
    """Modes from states, group by group down the cascade."""
    for group in range(len(starts) - 1):
        first, end = starts[group], starts[group + 1]
        for i in range(first, end):
            dot(left, i, weights, 0, z, modes, modes_at[i], own_at[i])
            for lane in range(LANES):
                left[i * LANES + lane] = x[i * LANES + lane] - left[i * LANES + lane]
        for k in range(first, end):
            for lane in range(LANES):
                z[k * LANES + lane] = 0.0
            for i in range(first, end):
                share = (back_at[k] + i - first) * LANES
                for lane in range(LANES):
                    z[k * LANES + lane] += inverse[share + lane] * left[i * LANES + lane]


def late(f, e, rate, past):
    """The integral of ``t exp(-rate t)`` up to ``past``, of which e and f are the decay and the gathering."""
    safe = 1.0 if rate == 0.0 else rate
    made = (f - past * e) / safe
    return 0.5 * past * past if rate == 0.0 else made


def grow_by_inflow(to, at, f, e, rates, growth, pair, past, u, of):
    """What a mode gets from an equal one that is fed: ``c u (f - t e) / lambda``."""
    for lane in range(LANES):
        c = growth[pair * LANES + lane]
        if c != 0.0:
            here = at * LANES + lane
            to[here] += (
                c * late(f[here], e[here], rates[of * LANES + lane], past) * u[of * LANES + lane]
            )


def after(now, e, f, z, u, fed, rates, growth, pairs, past):
    """All modes some hours after they were ``z``, fed at rates ``u`` since."""
    size = len(z)
    for k in range(size):
        e[k] = -rates[k] * past
    if fed:
        f[:] = e
        ramp(f, size // LANES)
        for k in range(size):
            f[k] *= past
    exponential(e, size // LANES)
    for k in range(size):
        now[k] = e[k] * z[k]
    if fed:
        for k in range(size):
            now[k] += f[k] * u[k]
    for k in range(len(pairs)):
        grow(now, pairs[k, 0], e, growth, k, past, z, pairs[k, 1])
        if fed:
            grow_by_inflow(now, pairs[k, 0], f, e, rates, growth, k, past, u, pairs[k, 1])
