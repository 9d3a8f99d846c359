"""The text of the equations: what it computes, that it hides no number that is none, and that it never varies."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sympy as sp
from numpy.typing import NDArray

from ketalab.errors import TraceError
from ketalab.laboratory import human_model
from ketalab.model._source import write_source

Array = NDArray[np.float64]


def run_text(text: str) -> SimpleNamespace:
    """The functions of a text, uncompiled."""
    names: dict[str, Any] = {"np": np}
    exec(text, names)
    return SimpleNamespace(**names)


def evaluate(text: str, z: Array, given: Array) -> tuple[Array, Array]:
    """Rates and Jacobian."""
    made = run_text(text)
    fixed, rates, slopes = np.zeros(made.FIXED), np.zeros(len(z)), np.zeros((len(z), len(z)))
    made.prepare(given, fixed)
    made.rates(z, fixed, rates)
    made.jacobian(z, fixed, slopes)
    return rates, slopes


def differences(text: str, z: Array, given: Array) -> Array:
    """The Jacobian by central differences."""
    columns = []
    for i, value in enumerate(z):
        step = 1e-6 * max(1.0, abs(value))
        up, down = z.copy(), z.copy()
        up[i] += step
        down[i] -= step
        columns.append((evaluate(text, up, given)[0] - evaluate(text, down, given)[0]) / (2 * step))
    return np.stack(columns, axis=1)


def sample(seed: int) -> tuple[Array, Array]:
    """States and constants of nobody in particular; all positive."""
    model, rng = human_model(), np.random.default_rng(seed)
    z = rng.uniform(0.2, 2.0, len(model.linear) + len(model.states))
    count = len(model.parameters) + len(model.covariates) + len(model.inputs)
    return z, rng.uniform(0.3, 0.9, count)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_rates_of_the_model_are_those_of_its_matrix_and_its_states(seed: int) -> None:
    model = human_model()
    z, given = sample(seed)
    n, p = len(model.linear), len(model.parameters)
    c = p + len(model.covariates)
    made = evaluate(model.source, z, given)[0]
    places, entries = model.matrix_function
    matrix = np.zeros((n, n))
    for place, value in zip(places, entries(given[:p], given[p:c], given[c:]), strict=True):
        matrix[place] = value
    np.testing.assert_allclose(made[:n], matrix @ z[:n], rtol=1e-12)
    others = model.rhs_function(z[:n], z[n:], given[:p], given[p:c], given[c:])
    np.testing.assert_allclose(made[n:], others, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_jacobian_of_the_model_is_that_of_its_rates(seed: int) -> None:
    z, given = sample(seed)
    text = human_model().source
    slopes = evaluate(text, z, given)[1]
    np.testing.assert_allclose(slopes, differences(text, z, given), atol=1e-7)
    assert np.count_nonzero(slopes) > len(z)


x, y, a, b = (sp.Symbol(name, real=True) for name in ("a state", "y", "a", "layer.b"))


@pytest.mark.parametrize(
    ("rate", "value"),
    [
        (sp.exp(-a * x) * y / b, np.exp(-0.5) * 2.0 / 3.0),
        (sp.log(x + b) * sp.sqrt(y) ** a, np.log(4.0) * 2.0**0.25),
        (sp.Max(0, x - y, a), 0.5),
        (sp.Min(x, y) * sp.Max(x, b), 3.0),
        (sp.sqrt(x * a) + 1 / y**2 + x**a, 0.5**0.5 + 0.25 + 1.0),
        (sp.Integer(0), 0.0),
        (a, 0.5),
        (-x, -1.0),
    ],
)
def test_every_function_of_the_contract_is_written(rate: sp.Expr, value: float) -> None:
    text = write_source([x, y], [rate, -y], [a, b])
    z, given = np.array([1.0, 2.0]), np.array([0.5, 3.0])
    rates, slopes = evaluate(text, z, given)
    np.testing.assert_allclose(rates, [value, -2.0], rtol=1e-14)
    np.testing.assert_allclose(slopes, differences(text, z, given), atol=1e-8)


@pytest.mark.parametrize("rate", [sp.Max(0, x), sp.Min(x, 1), sp.Max(0, a)])
def test_a_number_that_is_none_is_not_hidden(rate: sp.Expr) -> None:
    text = write_source([x], [rate + x], [a])
    assert np.isnan(evaluate(text, np.array([np.nan]), np.array([1.0]))[0][0])
    if a in rate.free_symbols:
        assert np.isnan(evaluate(text, np.array([1.0]), np.array([np.nan]))[0][0])


def test_what_no_state_moves_is_computed_once_a_segment() -> None:
    text = write_source([x, y], [-sp.exp(a) * b * x + a**b, x * sp.log(b) - y], [a, b])
    moving = text[text.index("def rates") :]
    assert "given" not in moving
    assert "exp" not in moving
    assert "log" not in moving
    assert "**" not in moving


def test_a_function_without_code_is_refused() -> None:
    with pytest.raises(TraceError, match="cannot be written"):
        write_source([x], [sp.Function("unheard_of")(x)], [])


def test_the_text_is_the_same_in_every_process() -> None:
    ask = "from ketalab.laboratory import human_model; print(human_model().source, end='')"
    texts = {
        subprocess.run(
            [sys.executable, "-c", ask],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert texts == {human_model().source}
