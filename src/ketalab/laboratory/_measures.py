"""Figures computed from a course after it is simulated: exposure of a concentration, peak and values of the rest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Terminal half-life: regression of log concentration on time over the samples after the peak between these
#: shares of the peak, the range that a usual assay sees.
_TERMINAL_TOP, _TERMINAL_BOTTOM = 0.2, 0.005
_TERMINAL_POINTS = 3
#: Hours at which the value of a course is reported, where they lie within it.
REPORT_HOURS = (1, 2, 4, 24, 72, 168, 336, 672)

CONCENTRATION = ("cmax", "tmax", "auc_0_inf", "auc_0_t", "half_life")


def exposure(times: Array, values: Array) -> dict[str, Array]:
    """Non-compartmental figures of concentrations ``values`` (T, N) at ``times`` (T,).

    Area by the linear rule while rising and the logarithmic rule while falling; extrapolated with the terminal
    slope. Without a usable terminal phase the half-life and the extrapolated area are NaN.
    """
    peak = values.argmax(axis=0)
    cmax = values.max(axis=0)
    step = np.diff(times)[:, None]
    first, second = values[:-1], values[1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(first / second)
        falling = (second < first) & (second > 0) & (ratio > 1e-9)
        area = np.where(falling, step * (first - second) / ratio, step * (first + second) / 2)
    auc = _total(area)
    slope, last = _terminal_slope(times, values, peak, cmax), values[-1]
    return {
        "cmax": cmax,
        "tmax": np.where(cmax > 0, times[peak], np.nan),
        "auc_0_inf": np.where(cmax > 0, auc + last / slope, 0.0),
        "auc_0_t": auc,
        "half_life": np.log(2) / slope,
    }


def _total(rows: Array) -> Array:
    """Sum over time (T, N) -> (N,), row after row: ``sum`` may add in another order for few patients."""
    return np.asarray(np.cumsum(rows, axis=0)[-1])


def _terminal_slope(times: Array, values: Array, peak: Array, cmax: Array) -> Array:
    """Rate constant of the terminal phase (N,), by least squares of log concentration on time."""
    after = np.arange(len(times))[:, None] > peak
    inside = after & (values > _TERMINAL_BOTTOM * cmax) & (values < _TERMINAL_TOP * cmax)
    count = inside.sum(axis=0)
    enough = count >= _TERMINAL_POINTS
    divisor = np.where(enough, count, 1)
    logs = np.log(np.where(inside, values, 1.0))
    t = np.where(inside, times[:, None], 0.0)
    middle = np.where(inside, t - _total(t) / divisor, 0.0)
    square = _total(middle**2)
    slope = -_total(middle * logs) / np.where(square > 0, square, 1.0)
    return np.where(enough & (square > 0) & (slope > 0), slope, np.nan)


def course_figures(times: Array, values: Array) -> dict[str, Array]:
    """Peak (value farthest from the first) and its time, of courses (T, N)."""
    away = np.abs(values - values[0])
    place = away.argmax(axis=0)
    return {
        "peak": np.take_along_axis(values, place[None], axis=0)[0],
        "time_of_peak_h": times[place],
    }
