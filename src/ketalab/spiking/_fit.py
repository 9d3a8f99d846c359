"""The closed form fitted to the table, by weighted least squares of the shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ketalab.spiking._closed import FIT_FACTS, KINDS, TERMS, logit_shares, monomials, to_array
from ketalab.spiking._table import Table

Array = NDArray[np.float64]
#: Significant digits of a coefficient on record.
_DIGITS = 5
#: Points of the grid on which bursting may not fall: along NMDA and T-type, and along stress.
_FINE, _COARSE = 21, 5


@dataclass(frozen=True)
class Fit:
    """Coefficients by the name of their fact, and how far the closed form is from the table (share of cells)."""

    coefficients: dict[str, float]
    rms: float
    largest: float
    rms_burst: float
    largest_burst: float

    def errors(self) -> dict[str, float]:
        """The errors by name."""
        names = ("rms", "largest", "rms_burst", "largest_burst")
        return {name: round(getattr(self, name), 6) for name in names}


def errors_of(table: Table, coefficients: dict[str, float]) -> Fit:
    """How far the closed form with these coefficients is from a table."""
    apart = logit_shares(monomials(*table.grid()), to_array(coefficients)) - table.shares
    return Fit(
        coefficients,
        float(np.sqrt((apart**2).mean())),
        float(np.abs(apart).max()),
        float(np.sqrt((apart[:, 0] ** 2).mean())),
        float(np.abs(apart[:, 0]).max()),
    )


def _fine_grid() -> tuple[Array, Callable[[Array], Array]]:
    """Monomials on a fine grid of the whole box, and how fast bursting there falls from one point to the next."""
    fine, coarse = np.linspace(0, 1, _FINE), np.linspace(0, 1, _COARSE)
    mesh, step = np.meshgrid(fine, fine, coarse, indexing="ij"), fine[1]

    def falls(burst: Array) -> Array:
        on_grid = burst.reshape(mesh[0].shape)
        return -np.concatenate([np.diff(on_grid, axis=axis).ravel() / step for axis in (0, 1)])

    return monomials(*(axis.ravel() for axis in mesh)), falls


def fit_habenula(table: Table) -> Fit:
    """Fit the closed form to a table.

    Differences are weighed by their binomial standard error, so that the small shares of blocked conditions count;
    a cell is added to each kind, as no share is known to be zero. Bursting may nowhere fall where more NMDA or T-type
    current is left: what falls on a fine grid costs.
    """
    from scipy.optimize import least_squares

    fine, falls = _fine_grid()
    points, seen = monomials(*table.grid()), table.shares
    whole = table.cells * len(table.each)
    smooth = (seen * whole + 1) / (whole + len(seen[0]))
    weight = np.sqrt(whole / (smooth * (1 - smooth)))

    def apart(flat: Array) -> Any:
        known = flat.reshape(len(KINDS), -1)
        fell = np.maximum(falls(logit_shares(fine, known)[:, 0]), 0)
        off = (logit_shares(points, known) - seen) * weight
        return np.concatenate([off.ravel(), whole * fell])

    # T-type block alone never helps a burst: where the table is all but zero, nothing else says so.
    start = np.zeros((len(KINDS), len(TERMS)))
    highest = np.full(start.shape, np.inf)
    highest[KINDS.index("burst"), ["y" in term for term in TERMS]] = 0.0
    start[highest == 0] = -1
    found = least_squares(
        apart, start.ravel(), bounds=(-np.inf, highest.ravel()), method="trf", x_scale="jac"
    )
    known = {
        name: float(f"{value:.{_DIGITS}g}") for name, value in zip(FIT_FACTS, found.x, strict=True)
    }
    return errors_of(table, known)
