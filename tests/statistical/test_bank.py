"""Studies resampled from a bank are distributed as studies that are simulated for themselves.

200 replicates of each: the mean of depression a day after an infusion in n patients. From a bank of 200 draws every
replicate has a draw of its own, so the two are samples of one distribution. Seeds are fixed; each comparison would be
failed by chance once in a thousand (two-sample Kolmogorov-Smirnov, and two-sided tests of means and of variances).
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from ketalab.laboratory import (
    Course,
    PatientBank,
    Prepared,
    Resample,
    build_bank,
    individuals,
    integrate,
    prepare,
    score_effects,
    study_settings,
)
from ketalab.people import Population, Streams, draw
from ketalab.protocol import parse_phrase

Array = NDArray[np.float64]
REPLICATES, ODDS = 200, 1e-3
NAME, TIMES = "symptom:depression", np.array([24.0])


@cache
def ready() -> Prepared:
    given = parse_phrase("0.5 mg/kg ketamine iv over 40 min").administrations
    return prepare(Course(given, 24.0), solver="lockstep")


@cache
def bank() -> PatientBank:
    return build_bank({"drug": ready()}, (NAME,), TIMES, draws=REPLICATES, patients=50, seed=11)


@cache
def simulated(n: int) -> Array:
    """Trial-level means of studies of n patients, each simulated for itself."""
    streams, model = Streams(12), ready().model
    people = draw(Population(), streams, n, replicates=range(REPLICATES))
    drawn = individuals(model, people, streams, "replicate")
    settings = study_settings(model, people, streams, "replicate")
    effects = score_effects(streams, REPLICATES)
    settings |= {name: effect[people.replicate] for name, effect in effects.items()}
    made = integrate(ready(), drawn, people.weight, TIMES, (NAME,), settings=settings)
    return made.values[NAME].reshape(REPLICATES, n).mean(axis=1)


def means(chosen: Resample) -> Array:
    return bank().gather("drug", NAME, chosen)[0].mean(axis=1)


def chances(one: Array, two: Array) -> dict[str, float]:
    """The chance of a difference as large between two samples of one distribution: shape, mean, variance."""
    return {
        "shape": stats.ks_2samp(one, two).pvalue,
        "mean": stats.ttest_ind(one, two, equal_var=False).pvalue,
        # Of variances, by the distances from the median: the means are not normal.
        "variance": stats.levene(one, two, center="median").pvalue,
    }


@pytest.mark.parametrize("n", [10, 40])
@pytest.mark.parametrize("seed", [1, 2])
def test_resampled_studies_are_distributed_as_simulated_ones(n: int, seed: int) -> None:
    found = chances(means(bank().resample(n, REPLICATES, seed)), simulated(n))
    assert min(found.values()) > ODDS, found


@pytest.mark.parametrize("n", [10, 40])
def test_the_comparison_sees_one_draw_that_serves_every_replicate(n: int) -> None:
    right = bank().resample(n, REPLICATES, 1)
    wrong = Resample(np.zeros_like(right.draws), right.patients)
    found = chances(means(wrong), simulated(n))
    assert found["shape"] < ODDS
    assert found["variance"] < ODDS


@pytest.mark.parametrize("n", [10, 40])
def test_the_comparison_sees_patients_of_any_draw_in_one_replicate(n: int) -> None:
    # Were the draw of each patient another, constants would average out within a study.
    right = bank().resample(n, REPLICATES, 1)
    rng = np.random.default_rng(1)
    draws = rng.integers(0, REPLICATES, (REPLICATES, n))
    course = bank().values["drug"][NAME][0]
    wrong = course[draws, right.patients["drug"]].mean(axis=1)
    assert chances(wrong, simulated(n))["variance"] < ODDS


def test_the_comparison_sees_one_patient_in_place_of_many() -> None:
    right = bank().resample(10, REPLICATES, 1)
    wrong = Resample(right.draws, {"drug": np.repeat(right.patients["drug"][:, :1], 10, axis=1)})
    assert chances(means(wrong), simulated(10))["variance"] < ODDS


def test_more_replicates_than_draws_keep_the_mean_and_the_spread() -> None:
    many = means(bank().resample(10, 20 * REPLICATES, 3))
    one = simulated(10)
    # Draws are used twenty times each: the bank knows its mean no better than two hundred draws tell it.
    error = np.sqrt(2 * one.var(ddof=1) / REPLICATES)
    assert abs(many.mean() - one.mean()) < 3.3 * error
    assert 0.7 < many.std() / one.std() < 1.4
