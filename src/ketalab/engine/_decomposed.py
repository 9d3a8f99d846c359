"""Modes of all patients of a problem: what :func:`ketalab.engine._modes.decompose` is given, and what it makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ketalab.engine._groups import Groups, Whole, entries_of, mode_tables
from ketalab.engine._kernel import load_decompose
from ketalab.engine._problem import Array, Problem, Segment


def pad(values: Array, patients: int, lanes: int) -> Array:
    """A table (..., N) with its last patient repeated until the lanes are full."""
    made = np.empty((*values.shape[:-1], patients + -patients % lanes))
    made[..., :patients] = values
    made[..., patients:] = made[..., patients - 1 : patients]
    return made


@dataclass(frozen=True)
class Modes:
    """What :func:`ketalab.engine._modes.decompose` makes of each variant of the linear part (V, B, ..., L).

    ``growth`` and ``pairs`` (which mode from which) are those that grow in anybody; ``least`` (N,) is what no
    concentration of a person is below: nothing where the linear part is one of compartments.
    """

    rates: Array
    weights: Array
    inverse: Array
    growth: Array
    pairs: Whole
    least: Array
    failed: NDArray[np.bool_]
    no_number: NDArray[np.bool_]


def find_modes(
    problem: Problem, segments: Sequence[Segment], groups: Groups, padded: int, lanes: int
) -> Modes:
    """Modes of each of some segments, for so many patients as fill the lanes."""
    count, m, blocks = problem.patients, len(groups.states), padded // lanes
    failed, no_number = np.zeros(padded, dtype=bool), np.zeros(count, dtype=bool)
    compartments = np.ones(padded, dtype=bool)
    head = (len(segments), blocks)
    rates = np.empty((*head, m, lanes))
    weights = np.empty((*head, len(groups.modes), lanes))
    inverse = np.empty((*head, groups.back_at[-1], lanes))
    growth, grows = np.zeros_like(weights), np.zeros(len(groups.modes), dtype=bool)
    for number, segment in enumerate(segments):
        places, values = entries_of(problem, segment, groups)
        values = pad(values, count, lanes)
        bad = ~np.isfinite(values.sum(axis=0))
        no_number |= bad[:count]
        values[:, bad] = 0.0
        beside = places[:, 0] != places[:, 1]
        compartments &= (values[beside] >= 0).all(axis=0)
        decompose_all(
            groups,
            values,
            places,
            rates[number],
            weights[number],
            inverse[number],
            growth[number],
            grows,
            failed,
        )
    places_of = np.flatnonzero(grows)
    to = np.searchsorted(groups.modes_at, places_of, side="right") - 1
    return Modes(
        rates,
        weights,
        inverse,
        np.ascontiguousarray(growth[:, :, places_of]),
        np.stack([to, groups.modes[places_of]], axis=-1).astype(np.int64),
        np.where(compartments, 0.0, -np.inf),
        failed,
        no_number,
    )


def decompose_all(
    groups: Groups, values: Array, places: Whole, rates: Array, weights: Array, inverse: Array, growth: Array,
    grows: NDArray[np.bool_], failed: NDArray[np.bool_],
) -> None:  # fmt: skip
    """:func:`ketalab.engine._modes.decompose` with its tables and room to work in."""
    widest = int(np.diff(groups.starts).max(initial=1))
    rooms = np.empty((2, widest, widest)), np.empty((2 + widest, max(widest, rates.shape[2])))
    load_decompose()(
        values, places, groups.starts, groups.parents, groups.feeds, groups.modes, groups.modes_at,
        *mode_tables(groups, places), groups.back_at, rates, weights, inverse, growth, grows, failed, *rooms,
        np.empty((2, len(groups.modes)), np.int64),
    )  # fmt: skip
