"""Figures computed from a course after it is simulated: exposure of a concentration, peak and values of the rest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Terminal half-life: regression of log concentration on time over the last decline, between these shares of the
#: peak that it comes down from, the range that a usual assay sees.
_TERMINAL_TOP, _TERMINAL_BOTTOM = 0.2, 0.005
TERMINAL_POINTS = 3
#: A line that falls by less than this (of the logarithm) from end to end does not fall but by rounding.
LEVEL = 1e-9
#: A fall by less than this (of the logarithm) is taken as a straight line: the logarithmic rule divides rounding
#: errors of 1e-16 by the fall, the linear one errs by a twelfth of its square, and both are below 2e-11 here.
_FLAT = 1e-5
#: Hours at which the value of a course is reported, where they lie within it.
REPORT_HOURS = (1, 2, 4, 24, 72, 168, 336, 672)

CONCENTRATION = ("cmax", "tmax", "auc_0_inf", "auc_0_t", "half_life")


def exposure(times: Array, values: Array) -> dict[str, Array]:
    """Non-compartmental figures of concentrations ``values`` (T, N) at ``times`` (T,).

    Area by the linear rule while rising and the logarithmic rule while falling; extrapolated with the terminal
    slope. Without a usable terminal phase the half-life and the extrapolated area are NaN.
    """
    cmax, last = values.max(axis=0), values[-1]
    auc = _total(areas(times, values))
    slope = _terminal_slope(times, values)
    with np.errstate(invalid="ignore"):
        infinite = auc + np.where(last > 0, last / slope, 0.0)
    return {
        "cmax": cmax,
        "tmax": np.where(cmax > 0, times[values.argmax(axis=0)], np.nan),
        "auc_0_inf": np.where(cmax > 0, infinite, 0.0),
        "auc_0_t": auc,
        "half_life": np.log(2) / slope,
    }


def areas(times: Array, values: Array) -> Array:
    """Area of each interval (T - 1, N) under ``values`` (T, N): linear while rising, logarithmic while falling."""
    step = np.diff(times)[:, None]
    first, second = values[:-1], values[1:]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        fall = np.log(first / second)
        falling = (second > 0) & (fall > _FLAT)
        return np.where(falling, step * (first - second) / fall, step * (first + second) / 2)


def _total(rows: Array) -> Array:
    """Sum over time (T, N) -> (N,), row after row: ``sum`` may add in another order for few patients."""
    return np.asarray(np.cumsum(rows, axis=0)[-1])


def terminal_weights(times: Array, values: Array) -> Array:
    """Weights (T, N) of the samples in the terminal regression: the hours each stands for, 0 outside.

    The last decline begins where the course rose last (rises within the lowest 0.5% of the whole are rounding).
    With the hours as weights the slope is that of the course, and not of where its samples happen to lie.
    """
    rising = (values[1:] > values[:-1]) & (values[1:] > _TERMINAL_BOTTOM * values.max(axis=0))
    start = np.where(rising.any(axis=0), len(times) - 1 - rising[::-1].argmax(axis=0), 0)
    top = np.take_along_axis(values, start[None], axis=0)[0]
    after = np.arange(len(times))[:, None] > start
    inside = after & (values > _TERMINAL_BOTTOM * top) & (values < _TERMINAL_TOP * top)
    step = np.diff(times)
    hours = (np.append(step, 0.0) + np.append(0.0, step)) / 2
    enough = inside.sum(axis=0) >= TERMINAL_POINTS
    return np.where(inside & enough, hours[:, None], 0.0)


def _terminal_slope(times: Array, values: Array) -> Array:
    """Rate constant of the terminal phase (N,), by least squares of log concentration on time; NaN without one."""
    weights = terminal_weights(times, values)
    total = _total(weights)
    logs = np.log(np.where(weights > 0, values, 1.0))
    middle = times[:, None] - _total(weights * times[:, None]) / np.where(total > 0, total, 1.0)
    square = _total(weights * middle**2)
    slope = -_total(weights * middle * logs) / np.where(square > 0, square, 1.0)
    return np.where(slope * total > LEVEL, slope, np.nan)


def course_figures(times: Array, values: Array, rest: Array | None = None) -> dict[str, Array]:
    """Peak and its time, of courses (T, N): the value farthest from that at rest (N,), else from the first.

    A bolus at the first moment moves some outputs at once, so that the first value need not be that at rest.
    """
    away = np.abs(values - (values[0] if rest is None else rest))
    place = away.argmax(axis=0)
    return {
        "peak": np.take_along_axis(values, place[None], axis=0)[0],
        "time_of_peak_h": times[place],
    }
