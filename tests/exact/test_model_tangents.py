"""A model with tangents: how states and outputs move with one parameter, derived from the symbols."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import sympy as sp
from numpy.typing import NDArray

from ketalab.engine import Problem, Segment, check, solve, solve_packed
from ketalab.errors import TraceError
from ketalab.laboratory import Individuals, human_model
from ketalab.laboratory._course import make_problem
from ketalab.model._symbols import SymbolicMaths
from ketalab.model.contract import (
    Entry,
    Equations,
    Input,
    Layer,
    Maths,
    Output,
    Parameter,
    State,
    Values,
)
from ketalab.model.joining import join
from ketalab.model.tangents import _Slopes, tangent_name, with_tangent
from ketalab.model.tracing import Traced, trace

Array = NDArray[np.float64]
KA, KE, Q = 1.5, 0.3, 0.7

BODY = Layer(
    name="body",
    equations=lambda m, v: Equations(
        {"depot": -v.ka * v.depot, "centre": v.ka * v.depot - v.ke * v.centre},
        {"level": v.centre, "rate": v.ke * v.centre},
    ),
    outputs=(Output("level", "umol", "level"), Output("rate", "umol/h", "rate")),
    states=(State("depot", "umol", "depot"), State("centre", "umol", "centre")),
    parameters=(Parameter("ka", "1/h", "ka"), Parameter("ke", "1/h", "ke")),
    entries=(Entry("oral", "drug", "depot"),),
    linear=True,
)


def a_brain(rates: Callable[[Maths, Values], Mapping[str, Any]], *states: str) -> Traced:
    layer = Layer(
        name="brain",
        equations=lambda m, v: Equations(dict(rates(m, v)), {}),
        inputs=(Input("level", "umol"),),
        states=tuple(State(name, "umol", name) for name in states),
        parameters=(Parameter("q", "1/h", "q"),),
    )
    return trace(join([BODY, layer]))


def follower() -> Traced:
    """One state that follows the level, and one that follows its square."""
    return a_brain(
        lambda m, v: {"a": v.q * (v.level - v.a), "b": v.a**2 - (v.q + v.a) * v.b}, "a", "b"
    )


def posed(model: Traced, *, ka: float = KA, ke: float = KE, q: float = Q) -> Problem:
    return make_problem(model, Individuals(np.array([[ka], [ke], [q]]), np.zeros((0, 1))))


SCHEDULE = (Segment(0.0, 6.0, ((0, np.array([2.0])),)),)
GRID = ((6,) * 64,)
TIMES = np.linspace(0.0, 6.0, 13)


def test_tangents_of_a_depot_are_those_of_its_closed_form() -> None:
    ka, ke, t = sp.symbols("ka ke t", positive=True)
    centre = 2 * ka / (ka - ke) * (sp.exp(-ke * t) - sp.exp(-ka * t))
    for name, p in (("body.ka", ka), ("body.ke", ke)):
        model = with_tangent(follower(), name)
        made = solve(posed(model), SCHEDULE, GRID, TIMES)
        expected = [(p * sp.diff(centre, p)).subs({ka: KA, ke: KE, t: at}) for at in TIMES]
        place = model.linear.index(tangent_name("centre"))
        np.testing.assert_allclose(
            made.linear[:, place, 0], np.array(expected, float), rtol=1e-12, atol=1e-14
        )


@pytest.mark.parametrize("name", ["ka", "ke", "q"])
def test_tangents_are_what_moving_the_parameter_does(name: str) -> None:
    layer = "brain" if name == "q" else "body"
    model, step = with_tangent(follower(), f"{layer}.{name}"), 1e-4
    made = solve(posed(model), SCHEDULE, GRID, TIMES)
    value = {"ka": KA, "ke": KE, "q": Q}[name]
    up, down = (
        solve(posed(follower(), **{name: value * np.exp(h)}), SCHEDULE, GRID, TIMES)
        for h in (step, -step)
    )
    difference = (up.states - down.states) / (2 * step)
    assert model.states == ("a", "b", "tangent:a", "tangent:b")
    np.testing.assert_allclose(made.states[:, 2:], difference, rtol=1e-7, atol=1e-9)


def test_the_checker_gives_the_tangents_that_the_lockstep_gives() -> None:
    problem = posed(with_tangent(follower(), "body.ke"))
    ours, theirs = solve(problem, SCHEDULE, GRID, TIMES), check(problem, SCHEDULE, TIMES)
    # Between its nodes the lockstep is a polynomial of less order than at their ends.
    np.testing.assert_allclose(ours.states, theirs.states, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(ours.linear, theirs.linear, rtol=1e-8, atol=1e-10)


def test_the_kernel_gives_the_tangents_that_numpy_gives() -> None:
    problem = posed(with_tangent(follower(), "body.ke"))
    ours, theirs = (
        solve_packed(problem, SCHEDULE, GRID, TIMES, single=False),
        solve(problem, SCHEDULE, GRID, TIMES),
    )
    assert ours is not None
    assert not ours.failed
    np.testing.assert_allclose(ours.states, theirs.states, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(ours.linear, theirs.linear, rtol=1e-11, atol=1e-13)


def test_the_model_itself_is_as_it_was() -> None:
    plain = solve(posed(follower()), SCHEDULE, GRID, TIMES)
    made = solve(posed(with_tangent(follower(), "brain.q")), SCHEDULE, GRID, TIMES)
    assert made.linear.tobytes() == plain.linear.tobytes()
    assert made.states[:, :2].tobytes() == plain.states.tobytes()


def test_a_parameter_has_tangents_only_in_what_it_reaches() -> None:
    model = with_tangent(follower(), "brain.q")
    assert model.linear == ("depot", "centre")
    assert model.outputs["tangent:level"] == 0
    assert model.outputs["tangent:rate"] == 0
    reached = with_tangent(follower(), "body.ke")
    assert reached.linear == ("depot", "centre", "tangent:centre")


def test_an_output_has_the_tangent_of_its_own_parameter_too() -> None:
    model = with_tangent(follower(), "body.ke")
    ke, centre, dot = (model.symbols[x] for x in ("body.ke", "centre", "tangent:centre"))
    assert sp.expand(model.outputs["tangent:rate"] - ke * centre - ke * dot) == 0


# --- slopes ---------------------------------------------------------------------------------------

P, U, V = sp.symbols("p u v", positive=True)
DOT = sp.Symbol("dot")
EXPRESSIONS = [
    P * U**2 + 3,
    U**P / (1 + V),
    sp.exp(-P * U) * sp.log(1 + U),
    sp.sqrt(P + U) / (P - V * U) ** 2,
    (1 + U) ** (P * U),
]


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
def test_slopes_are_the_derivatives_that_the_rules_give(expression: sp.Expr) -> None:
    made = _Slopes({P: P, U: DOT}).of(expression)
    expected = P * sp.diff(expression, P) + DOT * sp.diff(expression, U)
    values = {P: sp.Rational(7, 5), U: sp.Rational(3, 4), V: sp.Rational(1, 3), DOT: 2}
    assert sp.N((made - expected).subs(values), 30) == pytest.approx(0, abs=1e-25)


@pytest.mark.parametrize(
    ("value", "larger", "smaller"), [(0.5, 0.0, 1.0), (2.0, 1.0, 0.0), (1.0, 0.5, 0.5)]
)
def test_a_corner_has_the_slope_of_its_side_and_at_the_corner_the_mean(
    value: float, larger: float, smaller: float
) -> None:
    slopes = _Slopes({U: DOT})
    for operation, expected in (
        (SymbolicMaths.maximum, larger),
        (SymbolicMaths.minimum, smaller),
    ):
        made = slopes.of(operation(U, V)).subs({U: value, V: 1.0, DOT: 1.0})
        assert float(made.doit()) == expected


# --- what is refused ------------------------------------------------------------------------------


def test_an_unknown_parameter_is_refused_with_the_nearest() -> None:
    with pytest.raises(TraceError, match=r"no parameter 'body.k'; did you mean 'body.k[ae]'\?"):
        with_tangent(follower(), "body.k")


def test_tangents_of_tangents_are_refused() -> None:
    with pytest.raises(TraceError, match="has tangents already"):
        with_tangent(with_tangent(follower(), "body.ke"), "body.ka")


def test_a_feedback_loop_is_refused_because_tangents_would_make_two() -> None:
    looped = a_brain(lambda m, v: {"a": v.level - v.q * v.a * v.b, "b": v.a - v.q * v.b}, "a", "b")
    assert looped.loop is not None
    with pytest.raises(TraceError, match="more than one feedback loop"):
        with_tangent(looped, "brain.q")


def test_every_equation_of_the_human_model_has_a_tangent() -> None:
    model = human_model()
    made = with_tangent(model, "body.cl")
    assert made.loop is None
    assert len(made.states) > 1.5 * len(model.states)
    assert made.outputs.keys() == {*model.outputs, *map(tangent_name, model.outputs)}
