"""Layers meet by name and unit, and tracing lets through only the form that the engine integrates."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import sympy as sp

from ketalab.errors import JoinError, TraceError
from ketalab.laboratory import human_model
from ketalab.model import (
    Covariate,
    Entry,
    Equations,
    Input,
    Layer,
    Maths,
    Output,
    Parameter,
    State,
    Values,
    join,
)
from ketalab.model._symbols import SymbolicMaths
from ketalab.model.contract import DOSE
from ketalab.model.tracing import Traced, trace

Rates = Callable[[Maths, Values], Mapping[str, Any]]
K = Parameter("k", "1/h", "a_rate")


def make_layer(
    rates: Rates | None = None,
    *states: str,
    name: str = "room",
    outputs: Mapping[str, str] | None = None,
    give: Rates | None = None,
    inputs: tuple[Input, ...] = (),
    linear: bool = False,
) -> Layer:
    """A layer of nothing but states, outputs (name and unit), and equations."""

    def equations(m: Maths, v: Values) -> Equations:
        return Equations(rates(m, v) if rates else {}, give(m, v) if give else {})

    return Layer(
        name=name,
        equations=equations,
        inputs=inputs,
        outputs=tuple(Output(n, unit, n) for n, unit in (outputs or {}).items()),
        states=tuple(State(n, "umol", n) for n in states),
        parameters=(K,),
        covariates=(Covariate("weight", "kg"),),
        linear=linear,
    )


def source(unit: str = "ng/mL", name: str = "plasma") -> Layer:
    return make_layer(
        lambda m, v: {"a": -v.k * v.a},
        "a",
        name="giver",
        outputs={name: unit},
        give=lambda m, v: {name: v.a},
        linear=True,
    )


def reader(unit: str, name: str = "plasma", default: float | None = None) -> Layer:
    return make_layer(
        lambda m, v: {"y": v[name] - v.k * v.y},
        "y",
        name="taker",
        inputs=(Input(name, unit, default=default),),
    )


def refusal_of_body(rates: Rates, *states: str) -> str:
    with pytest.raises(TraceError) as caught:
        trace(join([make_layer(rates, *states, linear=True)]))
    return str(caught.value)


def refusal_of_state(rates: Rates, *states: str) -> str:
    with pytest.raises(TraceError) as caught:
        trace(join([make_layer(rates, *states)]))
    return str(caught.value)


# --- joining --------------------------------------------------------------------------------------


def test_units_that_do_not_fit_fail_naming_both_layers_and_both_units() -> None:
    with pytest.raises(JoinError) as caught:
        join([source("ng/mL"), reader("kg")])
    for word in ("'giver'", "'taker'", "[ng/mL]", "[kg]", "'plasma'"):
        assert word in str(caught.value)


def test_an_input_that_nobody_offers_names_the_near_miss() -> None:
    with pytest.raises(JoinError) as caught:
        join([source(name="plasma:venous"), reader("ng/mL", name="plasma:venus")])
    line = str(caught.value)
    for word in ("'taker'", "'plasma:venus'", "[ng/mL]", "did you mean 'plasma:venous'?"):
        assert word in line


def test_a_state_an_output_or_a_layer_is_declared_once() -> None:
    with pytest.raises(JoinError, match="state 'a' is declared by both 'giver' and 'other'"):
        join([source(), replace(source(name="x"), name="other")])
    twice = replace(source(), name="other", states=(State("b", "umol", "b"),))
    with pytest.raises(JoinError, match="output 'plasma' is declared by both 'giver' and 'other'"):
        join([source(), twice])
    with pytest.raises(JoinError, match="a layer is named twice"):
        join([reader("h", default=0.0), replace(reader("h", default=0.0), states=())])


@pytest.mark.parametrize(
    ("given", "read", "factor"),
    [
        ("ng/mL", "ug/L", 1.0),
        ("ng/mL", "mg/L", 1e-3),
        ("L/min", "L/h", 60.0),
        ("umol/L", "nanomolar", 1e3),
        ("fraction", "percent", 100.0),
    ],
)
def test_what_is_read_in_another_unit_is_converted(given: str, read: str, factor: float) -> None:
    model = trace(join([source(given), reader(read)]))
    gain, _ = model.state_functions[0]
    value = gain([np.array([3.0])], [np.array([0.0])], [0.1, 0.1], [70.0], [])
    assert float(value[0]) == pytest.approx(3.0 * factor, rel=1e-14)


def test_a_chain_of_layers_converts_at_each_step() -> None:
    middle = make_layer(
        name="middle",
        inputs=(Input("plasma", "ug/L"),),
        outputs={"tissue": "mg/L"},
        give=lambda m, v: {"tissue": v.plasma / 2},
    )
    model = trace(join([source("mg/L"), middle, reader("ug/L", "tissue")]))
    gain, _ = model.state_functions[0]
    value = gain([np.array([1.0])], [np.array([0.0])], [0.1] * 3, [70.0], [])
    assert float(value[0]) == pytest.approx(1000.0 / 2 * 1000.0, rel=1e-14)


def test_an_input_with_a_default_may_stay_open() -> None:
    joined = join([source(), reader("h", "session", default=0.0)])
    assert [port.name for _, port in joined.free_inputs] == ["session"]
    assert trace(joined).inputs == ("session",)


def test_values_are_read_by_name_and_an_undeclared_one_is_named() -> None:
    values = Values({"weight": 70.0, "plasma:S": 1.0})
    assert values.weight == values["weight"] == 70.0
    assert sorted(values) == ["plasma:S", "weight"]
    with pytest.raises(AttributeError, match="the layer declares no 'volume'"):
        _ = values.volume


# --- the body is linear in the drug ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("rates", "state", "term"),
    [
        (lambda m, v: {"x": -v.k * v.x**2, "z": v.x}, "'x'", "x**2"),
        (lambda m, v: {"x": -v.k * v.x, "z": v.k * v.x * v.z}, "'z'", "x*z"),
        (lambda m, v: {"x": v.k * 3 - v.x, "z": v.x}, "'x'", "3*room.k"),
        (lambda m, v: {"x": -v.x, "z": m.exp(v.z)}, "'z'", "exp(z)"),
        (lambda m, v: {"x": -v.k * v.x / (1 + v.x), "z": v.x}, "'x'", "x/(x + 1)"),
        (lambda m, v: {"x": m.maximum(v.x, 0), "z": v.x}, "'x'", "Max(0, x)"),
    ],
    ids=["square", "product", "source", "exponential", "saturation", "maximum"],
)
def test_a_body_state_that_is_not_linear_is_named_with_its_term(
    rates: Rates, state: str, term: str
) -> None:
    line = refusal_of_body(rates, "x", "z")
    assert state in line
    assert term in line


def test_a_linear_body_is_taken_and_its_matrix_is_that_of_the_equations() -> None:
    layer = make_layer(
        lambda m, v: {"x": v.z - v.k * v.x * v.weight, "z": (v.x - v.z) / (2 * v.k)},
        "x",
        "z",
        linear=True,
    )
    model = trace(join([layer]))
    places, entries = model.matrix_function
    matrix = np.zeros((2, 2))
    for (i, j), value in zip(places, entries([0.5], [70.0], []), strict=True):
        matrix[i, j] = value
    np.testing.assert_array_equal(matrix, [[-35.0, 1.0], [1.0, -1.0]])


def test_a_body_state_cannot_start_with_an_amount_that_nobody_gave() -> None:
    layer = make_layer(lambda m, v: {"x": -v.k * v.x}, "x", linear=True)
    full = replace(layer, states=(State("x", "umol", "x", initial=5.0),))
    with pytest.raises(TraceError, match="'x'"):
        trace(join([full]))


# --- every other state is linear in itself --------------------------------------------------------


@pytest.mark.parametrize(
    ("rates", "state", "term"),
    [
        (lambda m, v: {"y": 1 - v.k * v.y**2}, "'y'", "y**2"),
        (lambda m, v: {"y": 1 - v.k * m.exp(v.y)}, "'y'", "exp(y)"),
        (lambda m, v: {"y": 1 - v.y / (1 + v.y)}, "'y'", "y/(y + 1)"),
        (lambda m, v: {"y": v.k - v.y * m.sqrt(v.y)}, "'y'", "y**(3/2)"),
    ],
    ids=["square", "exponential", "saturation", "root"],
)
def test_a_state_that_is_not_linear_in_itself_is_named_with_its_term(
    rates: Rates, state: str, term: str
) -> None:
    line = refusal_of_state(rates, "y")
    assert state in line
    assert term in line
    assert "not linear in 'y' itself" in line


@pytest.mark.parametrize(
    "rates",
    [
        lambda m, v: {"y": m.maximum(v.y, 0) - v.k},
        lambda m, v: {"y": 1 - m.minimum(v.y, 1)},
    ],
    ids=["maximum", "minimum"],
)
def test_a_state_with_a_bend_in_itself_is_refused(rates: Rates) -> None:
    assert "'y'" in refusal_of_state(rates, "y")


def test_gain_and_rate_give_back_the_equation() -> None:
    layer = make_layer(
        lambda m, v: {"y": (2 - v.y) * v.k + v.weight * v.z * (1 - v.y), "z": m.exp(-v.y) - v.z},
        "y",
        "z",
    )
    model = trace(join([layer]))
    y, z, k, weight = 0.3, 0.7, 0.25, 70.0
    arguments = ([], [y, z], [k], [weight], [])
    rhs = model.rhs_function([], *arguments[1:])
    made = [
        g(*arguments) - r(*arguments) * s
        for (g, r), s in zip(model.state_functions, (y, z), strict=True)
    ]
    expected = [(2 - y) * k + weight * z * (1 - y), np.exp(-y) - z]
    np.testing.assert_allclose(made, expected, rtol=1e-14)
    np.testing.assert_allclose(rhs, expected, rtol=1e-14)
    assert [model.constant_rate(i) for i in range(2)] == [False, True]


# --- the cascade and its one loop -----------------------------------------------------------------


def ring(*names: str) -> Rates:
    """Each state is driven by the one before it, the first by the last."""

    def rates(m: Maths, v: Values) -> Mapping[str, Any]:
        pairs = zip(names, (names[-1], *names[:-1]), strict=True)
        return {name: v[before] - v.k * v[name] for name, before in pairs}

    return rates


def check_order(model: Traced) -> None:
    """States come after those that they read, but for reads of the cut state."""
    place = {state: n for n, state in enumerate(model.order)}
    assert sorted(model.order) == list(range(len(model.states)))
    for i, (g, k) in enumerate(zip(model.gain, model.rate, strict=True)):
        for j, other in enumerate(model.states):
            if model.symbols[other] in g.free_symbols | k.free_symbols and other != model.loop:
                assert place[j] < place[i]


def test_a_cascade_is_ordered_whatever_the_order_of_its_declaration() -> None:
    def rates(m: Maths, v: Values) -> Mapping[str, Any]:
        return {"c": v.b - v.c, "b": v.a * v.k - v.b, "a": v.k - v.a, "d": v.a * v.c - v.d}

    model = trace(join([make_layer(rates, "d", "c", "b", "a")]))
    assert model.loop is None
    check_order(model)


@pytest.mark.parametrize("size", [2, 3, 5])
def test_one_feedback_loop_is_taken(size: int) -> None:
    names = [f"y{i}" for i in range(size)]
    model = trace(join([make_layer(ring(*names), *names)]))
    assert model.loop in names
    check_order(model)


def test_two_loops_through_one_state_are_one_cut() -> None:
    def rates(m: Maths, v: Values) -> Mapping[str, Any]:
        return {"a": v.b + v.c - v.a, "b": v.a - v.b, "c": v.a - v.c}

    model = trace(join([make_layer(rates, "c", "b", "a")]))
    assert model.loop == "a"
    check_order(model)


def test_two_feedback_loops_are_refused_by_the_names_of_their_states() -> None:
    def rates(m: Maths, v: Values) -> Mapping[str, Any]:
        return {**ring("a", "b")(m, v), **ring("c", "d")(m, v)}

    line = refusal_of_state(rates, "a", "b", "c", "d")
    assert "more than one feedback loop" in line
    for name in "abcd":
        assert f"'{name}'" in line


def test_outputs_in_a_circle_are_refused_by_name() -> None:
    one = make_layer(
        name="one",
        inputs=(Input("p", "h"),),
        outputs={"q": "h"},
        give=lambda m, v: {"q": v.p + 1},
    )
    other = make_layer(
        name="other",
        inputs=(Input("q", "h"),),
        outputs={"p": "h"},
        give=lambda m, v: {"p": 2 * v.q},
    )
    with pytest.raises(TraceError, match=r"in a circle without a state: (p|q)"):
        trace(join([one, other]))


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (make_layer(outputs={"p": "h"}), "output of 'p' is declared but not given"),
        (make_layer(give=lambda m, v: {"p": 1}), "output of 'p' is given but not declared"),
        (make_layer(lambda m, v: {}, "x"), "rate of 'x' is declared but not given"),
        (make_layer(lambda m, v: {"x": 1}), "rate of 'x' is given but not declared"),
    ],
)
def test_what_is_declared_is_given_and_what_is_given_is_declared(layer: Layer, words: str) -> None:
    with pytest.raises(TraceError, match=re.escape(f"layer 'room': {words}")):
        trace(join([layer]))


def test_the_human_model_reads_every_parameter_and_has_no_dead_state() -> None:
    model = human_model()
    read = set().union(
        *(e.free_symbols for e in (*model.gain, *model.rate, *model.outputs.values()))
    )
    read |= set().union(*(entry.free_symbols for entry in model.matrix))
    for layer in model.joined.layers:
        if layer.shares is not None:
            named = {p.name: model.symbols[f"{layer.name}.{p.name}"] for p in layer.parameters}
            others = (*layer.covariates, *layer.inputs)
            named |= {other.name: model.symbols[other.name] for other in others}
            named |= {name: sp.Symbol(name, positive=True) for name in DOSE}
            made = layer.shares(SymbolicMaths(), Values(named))
            read |= set().union(*(sp.sympify(share).free_symbols for share in made.values()))
    unread = [name for name in model.parameters if model.symbols[name] not in read]
    assert not unread
    check_order(model)


def test_an_entry_that_leads_nowhere_is_refused_by_name() -> None:
    layer = make_layer(lambda m, v: {"x": -v.k * v.x}, "x", linear=True)
    lost = replace(layer, entries=(Entry("iv", "S-ketamine", "y"),))
    with pytest.raises(TraceError, match="'y', which is no state"):
        trace(join([lost]))
