"""Linear layers as they are traced: inputs that move the matrix, coefficients, and the code that is made."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp

from ketalab.errors import TraceError
from ketalab.model import Equations, Input, Maths, Values, join
from ketalab.model._symbols import run_layers
from ketalab.model.tracing import trace

make_layer = runpy.run_path(str(Path(__file__).with_name("test_model_contract.py")))["make_layer"]


def test_a_free_input_may_move_a_body_state_and_what_another_layer_feeds_may_not() -> None:
    driven = replace(
        make_layer(lambda m, v: {"x": -v.k * v.gate * v.x}, "x", linear=True),
        inputs=(Input("gate", "fraction", default=1.0), Input("other", "h", default=2.0)),
    )
    model = trace(join([driven]))
    assert model.inputs == ("gate", "other")
    assert model.movers == ("gate",)
    assert model.defaults == {"gate": 1.0, "other": 2.0}
    places, entries = model.matrix_function
    assert places == ((0, 0),)
    assert entries([0.5], [70.0], [0.3, 2.0]) == [-0.15]
    outer = replace(
        make_layer(lambda m, v: {"y": 1 - v.y}, "y", outputs={"gate": "fraction"}),
        equations=lambda m, v: Equations({"y": 1 - v.y}, {"gate": v.y}),
        name="outer",
    )
    with pytest.raises(TraceError, match=r"state 'x': the term .*y.* is not linear in the drug"):
        trace(join([driven, outer]))


def test_a_free_input_is_not_added_to_a_body_state() -> None:
    driven = replace(
        make_layer(lambda m, v: {"x": v.gate - v.k * v.x}, "x", linear=True),
        inputs=(Input("gate", "fraction", default=0.0),),
    )
    with pytest.raises(TraceError, match=r"state 'x': the term gate does not come from a state"):
        trace(join([driven]))


@pytest.mark.parametrize(
    "rate",
    [
        lambda v: (v.x + 2 * v.z) * (1 - v.k) - v.x / (2 * v.k + v.k**2) + 0 * v.z,
        lambda v: v.k * (v.z - v.x / v.k) / 3 + (v.x - v.z) ** 1,
        lambda v: (
            v.k * (v.x - v.z) + v.x * (v.x + v.k) - v.x**2
        ),  # squares that leave when it is worked out
    ],
    ids=["sums", "quotients", "squares"],
)
def test_coefficients_are_partial_derivatives_however_a_linear_rate_is_written(
    rate: Callable[[Values], Any],
) -> None:
    layer = make_layer(lambda m, v: {"x": rate(v), "z": -v.z}, "x", "z", linear=True)
    model = trace(join([layer]))
    made = run_layers(join([layer]))[1]["x"]
    for place, name in enumerate("xz"):
        difference = sp.simplify(sp.diff(made, model.symbols[name]) - model.matrix[0, place])
        assert difference == 0


def test_no_name_of_a_layer_is_taken_for_one_of_the_code_that_is_made() -> None:
    names = ("t0", "a0", "x0", "t_1")

    def seen(m: Maths, v: Values) -> dict[str, Any]:
        total = v["a0"] * v["x0"] + v.k  # shared, and t0 is another
        return {"seen": m.exp(total) + total**2 - v["t_1"]}

    layer = make_layer(
        lambda m, v: {name: 1 - v[name] for name in names},
        *names,
        outputs={"seen": "h"},
        give=seen,
    )
    states = [0.5, 0.25, 2.0, 3.0]
    made = trace(join([layer])).output_function("seen")([], states, [0.5], [70.0], [])
    assert made == pytest.approx(np.exp(1.0) + 1.0 - 3.0, rel=1e-15)
    assert states == [0.5, 0.25, 2.0, 3.0]
