"""Spikes of a few cells of the habenula in the conditions that the manual shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ketalab.spiking._kinds import kinds
from ketalab.spiking._plan import Plan
from ketalab.spiking._population import draw_cells, run_population


@dataclass(frozen=True)
class Raster:
    """One condition: times (s) and rows of the spikes of the cells shown, and the kind of each row."""

    name: str
    time_s: NDArray[np.float64]
    row: NDArray[np.int64]
    kind: NDArray[np.int64]


def habenula_rasters(plan: Plan, seed: int = 0) -> list[Raster]:
    """Run the population in the plan's conditions and keep the same few cells of each.

    The cells shown are evenly spread over the population; the rows go from the most negative leak reversal
    potential, at the bottom, to the least.

    Raises
    ------
    ScenarioError
        Brian2 is not installed.
    """
    cells = draw_cells(plan.cells, seed)
    spikes = run_population(cells, plan.shown, plan.warm_up_s, plan.window_s, plan.step_ms, seed)
    found = kinds(spikes, len(plan.shown), plan.cells)
    order = np.argsort(cells.leak_reversal)
    shown = order[np.linspace(0, plan.cells - 1, plan.shown_cells).round().astype(int)]
    row_of = np.full(plan.cells, -1)
    row_of[shown] = np.arange(len(shown))
    rasters = []
    for place, condition in enumerate(plan.shown):
        row = row_of[spikes.cell]
        kept = (spikes.condition == place) & (row >= 0)
        kept &= (spikes.time_s >= 0) & (spikes.time_s < plan.shown_s)
        rasters.append(Raster(condition.name, spikes.time_s[kept], row[kept], found[place][shown]))
    return rasters
