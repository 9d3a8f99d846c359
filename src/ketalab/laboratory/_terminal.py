"""The terminal phase of one profile: which samples belong to it, and the line through them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ketalab.errors import InputError
from ketalab.laboratory._measures import LEVEL, TERMINAL_POINTS, Array, terminal_weights

#: Where to look for the terminal phase: the house's range of concentrations, the best line, or hours from and to.
Window = Literal["best"] | tuple[float, float] | None

#: Lines whose adjusted r2 is within this of the best one are as good; of those the longest is taken.
_AS_GOOD = 1e-4


@dataclass(frozen=True)
class TerminalPhase:
    """The regression of log concentration on time, over samples from ``first_h`` to ``last_h``.

    ``rate`` is in 1/h; ``r2_adjusted`` is 1 - (1 - r2) (n - 1) / (n - 2) with n ``points``.
    """

    first_h: float
    last_h: float
    points: int
    r2_adjusted: float
    rate: float

    @property
    def half_life(self) -> float:
        """Terminal half-life (h)."""
        return float(np.log(2) / self.rate)


def as_floats(name: str, given: ArrayLike) -> Array:
    """A list of numbers as an array, or the one line that says what else it is."""
    try:
        values = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name}: {given!r} is no list of numbers", given) from None
    if values.ndim != 1:
        raise InputError(f"{name}: {values.ndim} dimensions; allowed: one, a single profile", given)
    return values


def _fit(hours: Array, values: Array, weights: Array | None = None) -> TerminalPhase:
    """Line of log concentration on time; a rate of 0 where it does not decline."""
    w = np.ones_like(hours) if weights is None else weights
    logs = np.log(values)
    t, y = hours - np.average(hours, weights=w), logs - np.average(logs, weights=w)
    tt, ty, yy = (float(np.sum(w * product)) for product in (t * t, t * y, y * y))
    r2 = ty**2 / (tt * yy) if yy > 0 else 0.0
    n = len(hours)
    adjusted = 1 - (1 - min(r2, 1.0)) * (n - 1) / (n - 2)
    rate, first, last = -ty / tt, float(hours[0]), float(hours[-1])
    return TerminalPhase(first, last, n, adjusted, rate if rate * (last - first) > LEVEL else 0.0)


def _find_best(hours: Array, values: Array) -> TerminalPhase | None:
    """The best line through the last samples above zero, three or more of those after the peak."""
    place = np.nonzero(values > 0)[0]
    place = place[place > values.argmax()]
    lines = [
        _fit(hours[place[i:]], values[place[i:]]) for i in range(len(place) - TERMINAL_POINTS + 1)
    ]
    lines = [line for line in lines if line.rate > 0]
    best = max((line.r2_adjusted for line in lines), default=0.0)
    # The lines are in order of length, longest first.
    return next((line for line in lines if line.r2_adjusted > best - _AS_GOOD), None)


def _find_between(hours: Array, values: Array, window: tuple[float, float]) -> TerminalPhase | None:
    """The line through the samples above zero in a window that was asked for."""
    first, last = window
    inside = (hours >= first) & (hours <= last) & (values > 0)
    if inside.sum() < TERMINAL_POINTS:
        raise InputError(
            f"window: {inside.sum()} samples above zero between {first:g} and {last:g} h; "
            f"allowed: {TERMINAL_POINTS} or more",
            window,
        )
    return _fit(hours[inside], values[inside])


def find_terminal(hours: Array, values: Array, window: Window) -> TerminalPhase | None:
    """The terminal phase by the asked rule, None where the profile has none."""
    found: TerminalPhase | None
    if window is None:
        weights = terminal_weights(hours, values[:, None])[:, 0]
        inside = weights > 0
        found = _fit(hours[inside], values[inside], weights[inside]) if inside.any() else None
    elif isinstance(window, str):
        if window != "best":
            raise InputError(
                f"window: '{window}' is not allowed; allowed: best, or two hours", window
            )
        found = _find_best(hours, values)
    else:
        ends = as_floats("window", window)
        if len(ends) != 2 or not ends[0] < ends[1]:
            raise InputError(
                f"window: {tuple(window)} is not allowed; allowed: best, or two hours, the earlier first",
                window,
            )
        found = _find_between(hours, values, (float(ends[0]), float(ends[1])))
    return found if found is not None and found.rate > 0 else None
