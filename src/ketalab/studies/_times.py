"""When a simulated arm is looked at: the hours of its rows, and hours close enough for peaks and areas."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ketalab.studies._gather import FIGURE_HOURS
from ketalab.studies._kinetics import FIRST_SAMPLE_H, about_concentrations, is_figure
from ketalab.studies._observe import against_itself
from ketalab.studies._schema import Outcome

Array = NDArray[np.float64]

#: Hours after the begin and the end of a dose at which figures look: half a minute, then steps that grow with time.
_AFTER_DOSE = (
    *(m / 60 for m in (0.5, 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 12.5, 15, 17.5, 20, 22.5, 25, 27.5, 30)),
    *(m / 60 for m in (35, 40, 45, 50, 55, 60, 70, 80, 90, 105, 120, 135, 150, 165, 180, 210)),
    *(4, 4.5, 5, 5.5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 18, 20, 22, 24, 28, 32, 36, 42, 48, 60, 72),
)
#: Of a long series of doses, those at its two ends are looked at closely.
_CLOSELY = 12


def hours_of(row: Outcome) -> list[float]:
    """Hours at which a row looks, after the start of its arm."""
    if row.window_h is not None:
        first, last = row.window_h
        if row.ever:
            daily = [
                float(h) for h in np.arange(math.ceil(first / 24) * 24, last + 1e-9, 24) if h > 0
            ]
            return sorted({*daily, last})
        return [(first + last) / 2]
    if row.ever and row.time_h:
        return sorted({*(float(h) for h in np.arange(24, row.time_h, 24)), row.time_h})
    return [row.time_h if row.time_h is not None else math.nan]


def times_of(
    arms: Sequence[str], rows: Sequence[Outcome], doses: Sequence[float], horizon: float
) -> Array:
    """Hours at which an arm is simulated.

    Parameters
    ----------
    arms : the names under which rows speak of the arm (a reference course is looked at for its arm's rows).
    doses : hours at which doses begin and end.
    """
    mine = [row for row in rows if row.arm in arms or row.than in arms]
    times = {0.0, *(float(h) for h in FIGURE_HOURS if h <= horizon)}
    if not all(map(about_concentrations, rows)):
        times |= {float(h) for h in np.arange(24.0, horizon + 1e-9, 24.0)}
    # What is there before a dose that precedes 0 is looked at too.
    begin = min([0.0, *doses]) if any(map(against_itself, mine)) else 0.0
    times.add(begin)
    for row in mine:
        if not is_figure(row):
            times |= {h for h in hours_of(row) if not math.isnan(h)}
        elif row.window_h is not None:
            times |= set(row.window_h)
    if any(map(is_figure, mine)):
        times |= {horizon} | _around(doses)
    return np.array(sorted(t for t in times if begin - 1e-9 <= t <= horizon + 1e-9))


def _around(doses: Sequence[float]) -> set[float]:
    """Hours close after each of the first and last doses, and the doses themselves."""
    edges = sorted({*doses, 0.0})
    close = edges if len(edges) <= 2 * _CLOSELY else [*edges[:_CLOSELY], *edges[-_CLOSELY:]]
    found = {edge for edge in edges if edge >= 0}
    for edge in close:
        later = [e for e in edges if e > edge + FIRST_SAMPLE_H]
        end = later[0] if later else math.inf
        found |= {edge + after for after in _AFTER_DOSE if 0 <= edge + after < end}
    return {round(time, 9) for time in found}
