"""R, with nothing but its base packages, agrees on quantiles and on the linear body.

Numbers travel as hexadecimal floating point, so nothing is lost on the way. Tolerances: R and SciPy
give normal quantiles to a few units in the last place; an eigendecomposition loses a few more
digits to the condition of its vectors than our squared exponentials do.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable

import numpy as np
import pytest

from ketalab.engine import Ladder, split_blocks
from ketalab.facts import fact
from ketalab.people import Population, Streams, draw

pytestmark = pytest.mark.r
COUNT = 2000
ULPS = 1e-13


def ask_r(rscript: str, code: str, numbers: Iterable[float]) -> np.ndarray:
    """Run R code that finds the numbers as ``v`` and answers with the vector ``answer``."""
    code = f"""
        v <- as.numeric(readLines(file("stdin")))
        {code}
        cat(sprintf("%a", answer), sep = "\\n")
    """
    given = "\n".join(float(number).hex() for number in numbers)
    done = subprocess.run(
        [rscript, "--vanilla", "-e", code],
        input=given + "\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return np.array([float.fromhex(word) for word in done.stdout.split()])


def test_standard_normal_numbers_are_rs_quantiles_of_the_uniform_ones(rscript: str) -> None:
    streams = Streams(11)
    uniform = streams.uniform("agreement", COUNT)
    theirs = ask_r(rscript, "answer <- qnorm(v)", uniform)
    np.testing.assert_allclose(streams.normal("agreement", COUNT), theirs, rtol=ULPS, atol=1e-16)


def test_weights_are_rs_log_normal_quantiles(rscript: str) -> None:
    streams, mean, sd = Streams(12), 62.0, 11.0
    women = Population.parse({"weight_kg": {"mean": mean, "sd": sd}, "female_percent": 100})
    code = """
        m <- v[1]; s <- sqrt(log1p((v[2] / m)^2))
        answer <- qlnorm(v[-(1:2)], meanlog = log(m) - s^2 / 2, sdlog = s)
    """
    theirs = ask_r(rscript, code, [mean, sd, *streams.uniform("people:weight", COUNT)])
    np.testing.assert_allclose(draw(women, streams, COUNT).weight, theirs, rtol=ULPS)


def test_ages_are_rs_quantiles_of_a_normal_distribution_that_is_cut(rscript: str) -> None:
    streams, mean, sd = Streams(13), 37.0, 10.0
    adults = Population.parse({"age": {"mean": mean, "sd": sd}})
    low = fact("adult_age_low").value
    high = max(fact("adult_age_high").value, mean + 2 * sd)
    code = """
        p <- pnorm(v[3:4], v[1], v[2])
        answer <- qnorm(p[1] + v[-(1:4)] * (p[2] - p[1]), v[1], v[2])
    """
    theirs = ask_r(rscript, code, [mean, sd, low, high, *streams.uniform("people:age", COUNT)])
    np.testing.assert_allclose(draw(adults, streams, COUNT).age, theirs, rtol=ULPS)


def test_an_infusion_into_linear_compartments_is_rs_eigenvector_solution(rscript: str) -> None:
    # A depot, a central, a shallow and a deep compartment, and a metabolite; rates per hour.
    rates = np.zeros((5, 5))
    for source, target, rate in [(0, 1, 1.3), (1, 2, 4.1), (2, 1, 2.7), (1, 3, 1.9), (3, 1, 0.21)]:
        rates[target, source] += rate
        rates[source, source] -= rate
    rates[1, 1] -= 1.1  # what is metabolised, half of it to the metabolite
    rates[4, 1] += 0.55
    rates[4, 4] -= 0.35
    start = np.array([20.0, 3.0, 0.5, 0.0, 0.1])
    inflow = np.array([0.0, 40.0, 0.0, 0.0, 0.0])
    hours = [0.01, 0.3, 2.0 / 3.0]
    (block,) = split_blocks(rates[None], {1})
    ladder = Ladder(block, hours[-1], np.array([1.0]), (), 3)
    state = np.concatenate([start[list(block.index)], [inflow[1]]])[None]
    ours = [ladder.advance(state, hour)[0, :5] for hour in hours]
    code = """
        n <- v[1]; v <- v[-1]
        A <- matrix(v[1:(n * n)], n, byrow = TRUE); v <- v[-(1:(n * n))]
        e <- eigen(A); resting <- solve(A, v[n + 1:n])
        modes <- solve(e$vectors, v[1:n] + resting)
        at <- function(h) Re(as.vector(e$vectors %*% (exp(e$values * h) * modes))) - resting
        answer <- as.vector(sapply(v[-(1:(2 * n))], at))
    """
    theirs = ask_r(rscript, code, [5, *rates.ravel(), *start, *inflow, *hours])
    np.testing.assert_allclose(np.concatenate(ours), theirs, rtol=1e-11)
