"""A small linear layer whose rates an enzyme's activity moves: two depots, two hands, a metabolite, a bypass."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ketalab.engine import Problem
from ketalab.laboratory import Individuals
from ketalab.laboratory._course import make_problem
from ketalab.model import Equations, Input, Layer, Output, Parameter, State, join
from ketalab.model.tracing import Traced, trace

Array = NDArray[np.float64]
STATES = ("depot", "central", "deep", "metabolite", "cleared", "other_depot", "other", "other_gone")
#: Per hour: absorption, exchange, metabolism, what clears the metabolite.
RATES = np.array([1.3, 0.8, 0.6, 0.25])


def layer() -> Layer:
    """The activity multiplies metabolism, within a well-stirred organ so that no rate is linear in it."""

    def equations(m, v):
        made = v.activity * v.metabolism / (1 + v.activity * v.metabolism) * v.central
        deep = v.exchange * (v.central - v.deep / 2)
        return Equations(
            {
                "depot": -v.absorption * v.depot,
                "central": v.absorption * v.depot - made - deep,
                "deep": deep,
                "metabolite": made - v.loss * v.metabolite,
                "cleared": v.loss * v.metabolite,
                "other_depot": -v.absorption * v.other_depot,
                "other": v.absorption * v.other_depot - v.loss * v.other,
                "other_gone": v.loss * v.other,
            },
            {"plasma:drug": (1 + v.shift) * v.central},
        )

    names = ("absorption", "exchange", "metabolism", "loss")
    return Layer(
        "body",
        equations,
        inputs=(Input("activity", "1", "", 1.0), Input("shift", "1", "", 0.0)),
        outputs=(Output("plasma:drug", "umol", ""),),
        states=tuple(State(name, "umol", "", mole=True) for name in STATES),
        parameters=tuple(Parameter(name, "1/h", "") for name in names),
        linear=True,
    )


def model() -> Traced:
    return trace(join([layer()]))


def people(count: int, seed: int = 3) -> Individuals:
    """Rates of some people, an hour's to a day's."""
    spread = np.random.default_rng(seed).lognormal(0, 0.3, (4, count))
    return Individuals(RATES[:, None] * spread, np.zeros((0, count)))


def problem(count: int) -> Problem:
    return make_problem(model(), people(count))


def matrix(rates: Array, activity: float) -> Array:
    """A of one person, written by hand."""
    absorption, exchange, metabolism, loss = rates
    made = activity * metabolism / (1 + activity * metabolism)
    a = np.zeros((8, 8))
    a[0, 0], a[1, 0] = -absorption, absorption
    a[1, 1], a[1, 2], a[2, 1], a[2, 2] = -made - exchange, exchange / 2, exchange, -exchange / 2
    a[3, 1], a[3, 3], a[4, 3] = made, -loss, loss
    a[5, 5], a[6, 5] = -absorption, absorption
    a[6, 6], a[7, 6] = -loss, loss
    return a
