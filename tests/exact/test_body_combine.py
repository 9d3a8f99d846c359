"""Several drugs make one body: each goes on as if it were alone, and a clash is refused by name."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ketalab.errors import JoinError
from ketalab.model import (
    Covariate,
    Entry,
    Equations,
    Input,
    Layer,
    Output,
    Parameter,
    State,
    Values,
    join,
)
from ketalab.model.body import ketamine
from ketalab.model.body._combine import combine
from ketalab.model.body._from_data import from_data
from ketalab.model.tracing import trace

_helpers = runpy.run_path(str(Path(__file__).with_name("_linear_body.py")))
Plain, Run = _helpers["Plain"], _helpers["Run"]
KETAMINE = {"child": 0.0, "cyp2b6_star6": 0.0}


def make(name: str, fact: str = "adult_weight", **own: Any) -> Layer:
    """A drug in one compartment that loses ``k`` per hour; half of a dose by mouth enters."""

    def equations(m: Any, v: Values) -> Equations:
        amount = v[f"{name}_amount"]
        return Equations(
            rates={f"{name}_amount": -v.k * amount, f"{name}_lost": v.k * amount},
            outputs={f"plasma:venous:{name}": amount},
        )

    layer = Layer(
        name=name,
        equations=equations,
        outputs=(Output(f"plasma:venous:{name}", "umol", "amount"),),
        states=(
            State(f"{name}_amount", "umol", "amount", mole=True),
            State(f"{name}_lost", "umol", "lost", mole=True),
        ),
        parameters=(Parameter("k", "kg", fact),),
        entries=(
            Entry("oral", name, f"{name}_amount", "in"),
            Entry("oral", name, f"{name}_lost", "out"),
        ),
        shares=lambda m, v: {"in": v.k / (1 + v.k), "out": 1 / (1 + v.k)},
        linear=True,
    )
    return replace(layer, **own)


def test_the_body_of_all_drugs_is_linear_and_has_all_outputs() -> None:
    layers = (ketamine("human"), *from_data("human"))
    body = combine("body", layers)
    traced = trace(join((body,)))
    assert set(traced.outputs) == {out.name for layer in layers for out in layer.outputs}
    assert traced.linear == tuple(state.name for layer in layers for state in layer.states)


@pytest.mark.parametrize("number", range(5))
def test_a_drug_in_company_is_the_drug_alone(number: int) -> None:
    layers = (ketamine("human"), *from_data("human"))
    alone, together = Run(layers[number], **KETAMINE), Run(combine("body", layers), **KETAMINE)
    places = [together.names.index(name) for name in alone.names]
    assert (together.matrix[np.ix_(places, places)] == alone.matrix).all()
    others = np.delete(np.arange(len(together.names)), places)
    assert not together.matrix[np.ix_(places, others)].any()
    for entry in layers[number].entries:
        # Ketamine's shares want a dose to say how much it is.
        mine, ours = (
            run.entering(entry.route, entry.molecule, dose_mg=56.0) for run in (alone, together)
        )
        assert (ours[places] == mine).all()
        assert ours.sum() == pytest.approx(1, rel=1e-12)


def test_drugs_that_call_two_constants_alike_keep_both() -> None:
    body = combine("body", (make("one"), make("two", "adult_height", parameters=(
        Parameter("k", "cm", "adult_height"),))))  # fmt: skip
    assert [p.name for p in body.parameters] == ["k", "two_k"]
    run = Run(body, k=0.5, two_k=3.0)
    assert run.matrix[run.names.index("one_amount"), run.names.index("one_amount")] == -0.5
    assert run.matrix[run.names.index("two_amount"), run.names.index("two_amount")] == -3.0
    assert run.entering("oral", "one").tolist() == [1 / 3, 2 / 3, 0, 0]
    assert run.entering("oral", "two").tolist() == [0, 0, 3 / 4, 1 / 4]


def test_drugs_that_read_the_same_constant_share_it() -> None:
    body = combine("body", (make("one"), make("two")))
    assert [p.name for p in body.parameters] == ["k"]


def test_what_is_said_of_a_dose_reaches_the_shares() -> None:
    seen = []

    def shares(m: Any, v: Values) -> dict[str, Any]:
        seen.append((v.dose_mg, v["held"], set(v)))
        return {"in": 1, "out": 0}

    body = combine("body", (make("one", shares=shares), make("two")))
    assert body.shares is not None
    body.shares(Plain(), Values({"k": 1.0, "dose_mg": 7.0, "held": 1.0, "two_amount": 0.0}))
    assert seen == [(7.0, 1.0, {"k", "dose_mg", "held"})]


def test_inputs_targets_and_covariates_are_the_union() -> None:
    port = Input("enzyme:liver:CYP3A4", "ratio", "activity", 1.0)
    one = make("one", inputs=(port,), targets={"CYP3A4:liver": port.name})
    two = make("two", inputs=(replace(port, meaning="told otherwise"),),
               covariates=(Covariate("weight", "kg"),))  # fmt: skip
    body = combine("body", (one, two))
    assert body.inputs == (port,)
    assert body.targets == {"CYP3A4:liver": port.name}
    assert [c.name for c in body.covariates] == ["weight"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda: make("one"), "state 'one_amount' is declared by both"),
        (
            lambda: make("two", outputs=(Output("plasma:venous:one", "umol", "amount"),)),
            "output 'plasma:venous:one' is declared by both 'one' and 'two'",
        ),
        (
            lambda: make("two", covariates=(Covariate("weight", "g"),)),
            "covariate 'weight' differs between 'one' and 'two': [kg] against [g]",
        ),
        (
            lambda: make("two", targets={"CYP3A4:liver": "elsewhere"}),
            "target 'CYP3A4:liver' scales both",
        ),
        (
            lambda: make("two", covariates=(Covariate("k", "kg"),)),
            "'k' is the name of two things",
        ),
        (lambda: make("two", linear=False), "layer 'two' is not linear"),
    ],
)
def test_a_clash_is_refused_by_name(change: Callable[[], Layer], said: str) -> None:
    one = make("one", covariates=(Covariate("weight", "kg"),), targets={"CYP3A4:liver": "here"})
    other = change()
    if other.name == "one":
        other = replace(other, name="two")
    with pytest.raises(JoinError) as caught:
        combine("body", (one, other))
    assert said in str(caught.value)
