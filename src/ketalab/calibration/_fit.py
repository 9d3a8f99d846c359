"""Maximum a posteriori by damped Gauss-Newton, and the covariance of the Laplace approximation.

Residuals are in units of their standard deviations, so that minus twice the log posterior is ``r r + p p``, where p are
the distances from the prior in its standard deviations. All derivatives are asked for at once, as columns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ketalab.errors import SolutionError

Array = NDArray[np.float64]
#: (n, K) points -> (m, K) residuals.
Residuals = Callable[[Array], Array]
#: Hears how many of the most rounds are done.
Tell = Callable[[int, int], None]

#: Difference for derivatives, in standard deviations of the prior: courses are exact to 1e-10, figures to 1e-6.
_STEP = 1e-2
#: A step moves no constant by more than this many standard deviations of its prior.
_FARTHEST = 1.5
ROUNDS = 25
#: The fit has settled when a round gains less than this.
_SETTLED = 5e-4


@dataclass(frozen=True)
class Fit:
    """The mode (n,), the covariance (n, n), residuals at the mode, and how the fit went."""

    mode: Array
    covariance: Array
    residuals: Array
    cost_data: float
    cost_prior: float
    rounds: int
    settled: bool


def fit_map(
    residuals: Residuals,
    mean: Array,
    sd: Array,
    *,
    start: Array | None = None,
    rounds: int = ROUNDS,
    tell: Tell | None = None,
) -> Fit:
    """Find the mode.

    Parameters
    ----------
    residuals : (n, K) points -> (m, K), in standard deviations.
    mean, sd : (n,) the normal prior.
    start : (n,) where to begin; the prior's mean where not given.

    Raises
    ------
    SolutionError
        The residuals at the start are no numbers.
    """
    point = mean.copy() if start is None else start.copy()
    r, slope = _differences(residuals, point, sd)
    if not np.isfinite(r).all():
        raise SolutionError("the fit cannot begin: a prediction at the start is no number")
    damping, settled, done = 1e-3, False, 0
    cost = _cost(r, point, mean, sd)
    for done in range(1, rounds + 1):
        curvature = slope.T @ slope + np.diag(1 / sd**2)
        gradient = slope.T @ r + (point - mean) / sd**2
        damped = curvature + damping * np.diag(np.diag(curvature))
        move = np.clip(-np.linalg.solve(damped, gradient), -_FARTHEST * sd, _FARTHEST * sd)
        tried, tried_slope = _differences(residuals, point + move, sd)
        better = _cost(tried, point + move, mean, sd) if np.isfinite(tried).all() else np.inf
        if tell is not None:
            tell(done, rounds)
        if better < cost:
            settled = cost - better < _SETTLED
            point, r, slope, cost = point + move, tried, tried_slope, better
            damping = max(damping / 5, 1e-8)
        else:
            damping *= 8
            settled = damping > 1e4
        if settled:
            break
    covariance: Array = np.asarray(np.linalg.inv(slope.T @ slope + np.diag(1 / sd**2)), float)
    prior = float(np.sum(((point - mean) / sd) ** 2))
    return Fit(point, covariance, r, float(r @ r), prior, done, settled)


def _cost(r: Array, point: Array, mean: Array, sd: Array) -> float:
    return float(r @ r + np.sum(((point - mean) / sd) ** 2))


def _differences(residuals: Residuals, point: Array, sd: Array) -> tuple[Array, Array]:
    """Residuals (m,) at a point, and their central differences (m, n)."""
    n = len(point)
    points = np.repeat(point[:, None], 2 * n + 1, axis=1)
    points[np.arange(n), np.arange(1, n + 1)] += _STEP * sd
    points[np.arange(n), np.arange(n + 1, 2 * n + 1)] -= _STEP * sd
    made = residuals(points)
    slope = (made[:, 1 : n + 1] - made[:, n + 1 :]) / (2 * _STEP * sd)
    return made[:, 0], np.where(np.isfinite(slope), slope, 0.0)
