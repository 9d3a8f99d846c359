"""Maximum a posteriori: exact where the problem is linear, and sound where it is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ketalab.calibration import fit_map
from ketalab.errors import SolutionError

Array = NDArray[np.float64]


@settings(max_examples=25)
@given(st.integers(0, 2**31), st.integers(1, 6), st.integers(1, 12))
def test_a_linear_problem_gives_the_exact_posterior(seed: int, n: int, m: int) -> None:
    random = np.random.default_rng(seed)
    slope, shift = random.normal(size=(m, n)), random.normal(size=(m, 1))
    mean, sd = random.normal(size=n), random.uniform(0.5, 2.0, n)
    fit = fit_map(lambda x: slope @ x + shift, mean, sd, rounds=60)
    precision = slope.T @ slope + np.diag(1 / sd**2)
    exact = np.linalg.solve(precision, mean / sd**2 - slope.T @ shift[:, 0])
    np.testing.assert_allclose(fit.covariance, np.linalg.inv(precision), rtol=1e-6, atol=1e-9)
    away = np.abs(fit.mode - exact) / np.sqrt(np.diag(fit.covariance))
    assert away.max() < 0.02
    assert fit.settled


def test_without_data_the_posterior_is_the_prior() -> None:
    mean, sd = np.array([1.0, -2.0]), np.array([0.3, 4.0])
    fit = fit_map(lambda x: np.zeros((3, x.shape[1])), mean, sd)
    np.testing.assert_array_equal(fit.mode, mean)
    np.testing.assert_allclose(fit.covariance, np.diag(sd**2), rtol=1e-12)
    assert fit.cost_data == fit.cost_prior == 0


def test_a_curved_problem_settles_where_the_gradient_is_nothing() -> None:
    def residuals(x: Array) -> Array:
        return np.stack([np.exp(x[0]) - 3.0, 2.0 * (x[0] * x[1] - 1.0), np.sin(x[1]) / 0.1])

    mean, sd = np.array([0.0, 0.5]), np.array([1.0, 1.0])
    fit = fit_map(residuals, mean, sd, rounds=100)

    def cost(point: Array) -> float:
        r = residuals(point[:, None])[:, 0]
        return float(r @ r + np.sum(((point - mean) / sd) ** 2))

    best = cost(fit.mode)
    assert fit.cost_data + fit.cost_prior == pytest.approx(best)
    for direction in np.random.default_rng(1).normal(size=(50, 2)):
        assert cost(fit.mode + 0.02 * direction) > best - 1e-3


def test_a_start_without_numbers_is_refused() -> None:
    with pytest.raises(SolutionError, match="no number"):
        fit_map(lambda x: np.full((2, x.shape[1]), np.nan), np.zeros(1), np.ones(1))


def test_progress_is_told_every_round() -> None:
    told: list[tuple[int, int]] = []
    fit = fit_map(lambda x: x - 1.0, np.zeros(2), np.ones(2), tell=lambda a, b: told.append((a, b)))
    assert [done for done, _ in told] == list(range(1, fit.rounds + 1))
