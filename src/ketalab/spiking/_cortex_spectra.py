"""Spectra of the states that the manual shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ketalab.spiking._cortex import Array, Condition, Tell, simulate_cortex
from ketalab.spiking._cortex_bands import spectrum
from ketalab.spiking._cortex_plan import CortexPlan, cortex_plan

_DB = 10


@dataclass(frozen=True)
class CortexSpectra:
    """Power density over frequency (hertz) by state, decibels against one arbitrary unit.

    ``cortex`` is of the posterior field, ``deep`` of the posteromedial population's activity;
    each (states x frequencies).
    """

    names: tuple[str, ...]
    hertz: Array
    cortex: Array
    deep: Array


def cortex_spectra(
    seed: int = 1, plan: CortexPlan | None = None, tell: Tell | None = None
) -> CortexSpectra:
    """Run the states of the figure and return their spectra.

    Raises
    ------
    ScenarioError
        Brian2 is not installed.
    """
    plan = plan or cortex_plan()
    names = tuple(state.name for state in plan.shown)
    at: Sequence[Condition] = [state.at for state in plan.shown]
    traces = simulate_cortex(at, plan.schedule(seed), tell)
    f, field = spectrum(traces.posterior[list(traces.of)], traces.rate_hz, plan.window_s)
    _, deep = spectrum(traces.deep, traces.rate_hz, plan.window_s)
    seen = f > 0
    cortex, below = (_DB * np.log10(x.mean(axis=1)[:, seen]) for x in (field, deep))
    return CortexSpectra(names, f[seen], cortex, below)
