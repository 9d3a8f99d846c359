"""Modes of lanes of patients as they go on in time: plain loops, compiled by numba for :mod:`ketalab.engine._march`."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from typing import Any

# What :mod:`ketalab.engine._kernel` puts here, of :mod:`ketalab.engine._lane_modes`.
dot: Any = None
take: Any = None
go_on: Any = None
grow: Any = None

#: All functions of this file, in the order in which they are compiled.
HELPERS = ("to_modes", "after")


def to_modes(z, x, left, weights, inverse, starts, modes, modes_at, own_at, back_at, every):
    """Modes from states, group by group down the cascade."""
    for group in range(len(starts) - 1):
        first, end = starts[group], starts[group + 1]
        for i in range(first, end):
            dot(left, i, weights, 0, z, modes, modes_at[i], own_at[i])
            take(left, i, x)
        for k in range(first, end):
            dot(z, k, inverse, back_at[k] - first, left, every, first, end)


def after(now, e, f, z, u, fed, rates, growth, pairs, past, listed):
    """The modes that are listed some hours after they were ``z``, fed at rates ``u`` since; ``e`` and ``f`` are
    their decays and gatherings."""
    go_on(now, e, f, z, u, fed, rates, past, listed, len(listed))
    for k in range(len(pairs)):
        grow(now, pairs[k, 0], e, f, z, u, fed, rates, growth, k, past, pairs[k, 1])
