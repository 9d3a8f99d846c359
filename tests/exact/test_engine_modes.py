"""Modes of the linear part: the solution of a cascade of compartments, equal rates in a row included."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.linalg import expm

from ketalab.engine._decomposed import decompose_all
from ketalab.engine._groups import Groups
from ketalab.engine._modes import rotate

Array = NDArray[np.float64]


def advance(
    matrix: Array, starts: list[int], parents: list[int], x: Array, hours: float
) -> tuple[Array, bool]:
    """States after some hours, by the modes of one patient; and whether it failed."""
    n = len(matrix)
    links = matrix != 0
    groups = len(starts) - 1
    feeds = np.zeros((groups, groups), dtype=bool)
    for a in range(groups):
        for b in range(a):
            if links[starts[a] : starts[a + 1], starts[b] : starts[b + 1]].any():
                feeds[a, b] = True
                feeds[a] |= feeds[b]
    g = Groups(tuple(range(n)), np.array(starts), np.array(parents), feeds)
    places = np.ascontiguousarray(np.argwhere(links | np.eye(n, dtype=bool)))
    rates, weights = np.zeros((1, n, 1)), np.zeros((1, len(g.modes), 1))
    inverse, growth = np.zeros((1, g.back_at[-1], 1)), np.zeros_like(weights)
    grows, failed = np.zeros(len(g.modes), bool), np.zeros(1, bool)
    values = matrix[tuple(places.T)][:, None].copy()
    decompose_all(g, values, places, rates, weights, inverse, growth, grows, failed)
    v, c, rate = np.zeros((n, n)), np.zeros((n, n)), rates[0, :, 0]
    back = np.zeros((n, n))
    for i in range(n):
        listed = g.modes_of(i)
        at = slice(g.modes_at[i], g.modes_at[i + 1])
        v[i, listed], c[i, listed] = weights[0, at, 0], growth[0, at, 0]
        own = g.modes[g.own_at[i] : g.modes_at[i + 1]]
        back[i, own] = inverse[0, g.back_at[i] : g.back_at[i + 1], 0]
    assert (c[:, :] != 0).any() == grows.any()
    z = np.zeros(n)
    for a in range(groups):
        own = slice(starts[a], starts[a + 1])
        z[own] = back[own, own] @ (x[own] - v[own, : starts[a]] @ z[: starts[a]])
    return v @ ((z + hours * (c @ z)) * np.exp(-rate * hours)), bool(failed[0])


def chain(*rates: float) -> Array:
    """Compartments in a row, each emptying into the next."""
    matrix = -np.diag(np.array(rates))
    for i in range(1, len(rates)):
        matrix[i, i - 1] = rates[i - 1]
    return matrix


@pytest.mark.parametrize(
    "rates",
    [
        (1.0, 2.0, 3.0),
        (2.0, 2.0),
        (0.7, 2.0, 2.0, 5.0, 0.1),
        (2.0, 1.0, 2.0),
        (3.0, 0.0),
        (0.0, 0.0),
    ],
    ids=str,
)
@pytest.mark.parametrize("hours", [1e-3, 0.3, 4.0, 50.0])
def test_a_chain_empties_as_its_exponential_says(rates: tuple[float, ...], hours: float) -> None:
    matrix = chain(*rates)
    n = len(rates)
    x = np.eye(n)[0]
    made, failed = advance(matrix, list(range(n + 1)), [-1] * n, x, hours)
    exact = expm(matrix * hours) @ x
    assert not failed
    np.testing.assert_allclose(made, exact, rtol=1e-10, atol=1e-12)


def test_what_runs_into_a_closed_compartment_grows_with_time() -> None:
    matrix = np.array([[0.0, 0.0], [1.0, 0.0]])
    made, failed = advance(matrix, [0, 1, 2], [-1, -1], np.array([3.0, 1.0]), 7.0)
    assert not failed
    np.testing.assert_allclose(made, [3.0, 22.0])


def test_three_equal_rates_in_a_row_are_refused() -> None:
    _, failed = advance(chain(2.0, 2.0, 2.0), [0, 1, 2, 3], [-1] * 3, np.eye(3)[0], 1.0)
    assert failed


def test_two_equal_branches_into_one_are_not_refused() -> None:
    matrix = np.array([[-1.0, 0, 0, 0], [0.5, -2, 0, 0], [0.5, 0, -2, 0], [0, 2, 2, -3.0]])
    made, failed = advance(matrix, [0, 1, 2, 3, 4], [-1] * 4, np.eye(4)[0], 1.3)
    assert not failed
    np.testing.assert_allclose(made, expm(1.3 * matrix)[:, 0], rtol=1e-12)


rate = st.floats(0.01, 50)


@given(st.lists(rate, min_size=7, max_size=7), st.floats(0.01, 30))
@settings(deadline=None)
def test_a_centre_with_two_peripheral_compartments_and_what_follows(
    k: list[float], hours: float
) -> None:
    # Centre, two that exchange with it, an effect site behind.
    matrix = np.zeros((4, 4))
    matrix[0, 0] = -(k[0] + k[1] + k[2])
    matrix[1, 0], matrix[0, 1], matrix[1, 1] = k[1], k[3], -k[3]
    matrix[2, 0], matrix[0, 2], matrix[2, 2] = k[2], k[4], -k[4]
    matrix[3, 0], matrix[3, 3] = k[5], -k[6]
    x = np.array([1.0, 0.2, 0.0, 0.0])
    made, failed = advance(matrix, [0, 3, 4], [-1, 0, 0, -1], x, hours)
    assert not failed
    np.testing.assert_allclose(made, expm(matrix * hours) @ x, rtol=1e-6, atol=1e-9)


@given(st.lists(st.floats(-10, 10), min_size=6, max_size=6))
def test_rotations_find_the_modes_of_a_symmetric_matrix(entries: list[float]) -> None:
    matrix = np.zeros((3, 3))
    matrix[np.triu_indices(3)] = entries
    matrix = matrix + np.triu(matrix, 1).T
    s, q = matrix.copy(), np.empty((3, 3))
    rotate(s, q, 3)
    np.testing.assert_allclose(np.sort(np.diag(s)), np.linalg.eigvalsh(matrix), atol=1e-12)
    np.testing.assert_allclose(q @ np.diag(np.diag(s)) @ q.T, matrix, atol=1e-12)
