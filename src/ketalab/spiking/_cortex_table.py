"""The table of the cortex over a grid of blocks, and its closed forms: polynomials fitted by least squares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from ketalab.spiking._cortex import Array, Condition, Tell, simulate_cortex
from ketalab.spiking._cortex_bands import DEEP, OUTPUTS, RATIOS, measure
from ketalab.spiking._cortex_plan import CortexPlan, cortex_plan

#: The letters of a condition in a term's name: interneurons, cortical pyramidal cells, HCN1, propofol.
LETTERS = "ichp"


@dataclass(frozen=True)
class CortexTable:
    """Each output over the conditions: mean over the draws of the noise and its standard error.

    Powers are in decibels against rest, coherences natural logarithms of their ratio to rest.
    """

    seed: int
    conditions: tuple[Condition, ...]
    mean: Mapping[str, Array]
    error: Mapping[str, Array]


@dataclass(frozen=True)
class CortexFit:
    """Coefficients by output and term, and what each closed form misses of the table.

    ``rms`` and ``largest`` are over what a drug can make (weight 1), ``small`` is the rms over its small blocks without
    propofol; decibels, natural logarithms for the coherences.
    """

    coefficients: Mapping[str, Mapping[str, float]]
    rms: Mapping[str, float]
    largest: Mapping[str, float]
    small: Mapping[str, float]


def make_cortex_table(
    seed: int = 1, plan: CortexPlan | None = None, tell: Tell | None = None
) -> CortexTable:
    """Run the grid; the same seed gives the same table.

    Raises
    ------
    ScenarioError
        Brian2 is not installed.
    """
    plan = plan or cortex_plan()
    conditions = plan.conditions()
    found = measure(simulate_cortex(conditions, plan.schedule(seed), tell), plan.window_s)
    root = np.sqrt(max(plan.replicates - 1, 1))
    mean = {name: values.mean(axis=1) for name, values in found.items()}
    error = {name: values.std(axis=1) / root for name, values in found.items()}
    return CortexTable(seed, tuple(conditions), mean, error)


def terms(name: str, degree: int) -> list[str]:
    """Names of the terms of an output: letters repeated for powers, such as ``icc``; no constant."""
    letters = LETTERS if name in DEEP else LETTERS.replace("h", "")
    words = (combinations_with_replacement(letters, d + 1) for d in range(degree))
    return ["".join(word) for some in words for word in some]


def design(conditions: Array, words: list[str]) -> Array:
    """Value of each term (columns) at each condition (rows)."""
    at = [[LETTERS.index(letter) for letter in word] for word in words]
    return np.stack([conditions[:, columns].prod(axis=1) for columns in at], axis=1)


def fit_cortex(table: CortexTable) -> CortexFit:
    """Fit every output by weighted least squares, as the plan says.

    A polynomial without a constant is exactly 0 at rest. The weight of a condition is one over a tolerance plus
    a share of the value itself, so that the closed forms hold the small effects of small blocks.
    """
    plan = cortex_plan()
    conditions = np.array(table.conditions, dtype=float)
    given = np.array([plan.weight(condition) for condition in table.conditions])
    full = given == 1
    small = full & (conditions[:, 1] <= plan.small_block) & (conditions[:, 3] == 0)
    coefficients: dict[str, dict[str, float]] = {}
    rms, largest, near = {}, {}, {}
    for name in OUTPUTS:
        words, value = terms(name, plan.degree), table.mean[name]
        columns = design(conditions, words)
        weight = given / (_tolerance(name, plan) + plan.share * np.abs(value))
        found, *_ = np.linalg.lstsq(columns * weight[:, None], value * weight, rcond=None)
        coefficients[name] = {w: _round(float(c)) for w, c in zip(words, found, strict=True)}
        missed = closed_form(coefficients[name], conditions) - value
        rms[name] = float(np.sqrt((missed[full] ** 2).mean()))
        near[name] = float(np.sqrt((missed[small] ** 2).mean()))
        largest[name] = float(np.abs(missed[full]).max())
    return CortexFit(coefficients, rms, largest, near)


def closed_form(coefficients: Mapping[str, float], conditions: Array) -> Array:
    """Value of a fitted polynomial at conditions (rows: i, c, h, p)."""
    values = np.array(list(coefficients.values()))
    return np.asarray(design(np.asarray(conditions, float), list(coefficients)) @ values)


def _tolerance(name: str, plan: CortexPlan) -> float:
    if name in RATIOS:
        return plan.tolerance["ratio"]
    return plan.tolerance.get(name, plan.tolerance["band"])


def _round(value: float) -> float:
    return float(f"{value:.5g}")
