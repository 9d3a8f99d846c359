"""A population of habenular neurons in many conditions at once: draws of cells, runs, times of spikes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ketalab.facts import fact
from ketalab.spiking._brian import load_brian, quietly
from ketalab.spiking._neuron import EQUATIONS, NOISE, symbols
from ketalab.spiking._plan import Condition

Array = NDArray[np.float64]
_REPORTS = 20


@dataclass(frozen=True)
class Cells:
    """What differs from cell to cell, mV: leak reversal in the healthy state, and threshold of spikes."""

    leak_reversal: Array
    threshold: Array


def draw_cells(count: int, seed: int) -> Cells:
    """Draw cells from normal distributions, evenly: each of ``count`` equal slices of both gives one.

    Parameters
    ----------
    count : number of cells.
    seed : of the draw; the same seed gives the same cells.
    """
    from scipy.special import ndtri

    draw = np.random.default_rng(np.random.SeedSequence([seed]))

    def spread(name: str) -> Array:
        middle, sd = fact(name).to("mV"), fact(f"{name}_sd").to("mV")
        rank = (draw.permutation(count) + draw.random(count)) / count
        return np.asarray(middle + sd * ndtri(rank))

    return Cells(spread("lhb_leak_reversal"), spread("lhb_threshold"))


@dataclass(frozen=True)
class Spikes:
    """Spikes of a run: condition and cell of each, and when, s from the end of the warm-up (before it negative)."""

    condition: NDArray[np.int64]
    cell: NDArray[np.int64]
    time_s: Array


def run_population(
    cells: Cells,
    conditions: Sequence[Condition],
    warm_up_s: float,
    window_s: float,
    step_ms: float,
    seed: int,
    tell: Callable[[float], None] | None = None,
) -> Spikes:
    """Run the same cells in each condition; they do not talk to one another.

    Parameters
    ----------
    cells : the population.
    conditions : what is left of the currents, and the depressed state.
    warm_up_s, window_s, step_ms : lengths of the part before the window, of the window, and of a step.
    seed : of the synaptic noise, which is each cell's own.
    tell : hears the share that is done.

    Raises
    ------
    ScenarioError
        Brian2 is not installed.
    """
    b = load_brian()
    per, shift = len(cells.threshold), fact("lhb_stress_shift").to("mV")
    space = symbols(b)
    with quietly():
        b.seed(seed)
        # No order of equations or of objects may depend on anything but this function.
        b.start_scope()
        group = b.NeuronGroup(
            per * len(conditions),
            EQUATIONS,
            threshold="v > v_T",
            reset="v = v_T - v_drop; k += k_step",
            refractory=space["refractory_time"],
            method="euler",
            dt=step_ms * b.ms,
            namespace=space,
        )
        group.E_L = (
            np.concatenate([cells.leak_reversal - shift * c.stress for c in conditions]) * b.mV
        )
        group.v_T = np.tile(cells.threshold, len(conditions)) * b.mV
        group.nmda = np.repeat([c.nmda for c in conditions], per)
        group.t_type = np.repeat([c.t_type for c in conditions], per)
        group.v = "E_L"
        group.h = "h_inf"
        for name in ("x_N", "x_A", "x_I"):
            setattr(group, name, "randn()")
        group.run_regularly(NOISE, dt=step_ms * b.ms)
        monitor = b.SpikeMonitor(group)
        network = b.Network(group, monitor)
        for part in range(_REPORTS):
            network.run((warm_up_s + window_s) / _REPORTS * b.second)
            if tell is not None:
                tell((part + 1) / _REPORTS)
        index, time = np.asarray(monitor.i, dtype=np.int64), np.asarray(monitor.t / b.second)
    return Spikes(index // per, index % per, time - warm_up_s)
