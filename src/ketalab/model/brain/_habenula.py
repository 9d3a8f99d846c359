"""The lateral habenula: shares of neurons that burst, fire tonically, or are silent, and ketamine that stays trapped.

The shares are a closed form of what is left of NMDA and of T-type currents and of the resting potential, fitted to a
population of spiking neurons; hyperpolarisation follows the depressed state and
astrocytic Kir4.1 (Cui 2018): ``stress + gain (Kir4.1 - 1)``.

Ketamine that is trapped in closed channels leaves with activity, in hours to a day: where ``lhb_trapping`` holds
(Ma 2023), it goes on blocking when plasma has lost the drug; where it does not (Zhou 2021), the block ends with it.
"""

from __future__ import annotations

from math import prod
from typing import Any

from ketalab.model.brain._receptors import Blocks
from ketalab.model.brain._section import Section, activities
from ketalab.model.contract import Equations, Input, Maths, Output, Parameter, State, Values

_ACTIVITIES, _TARGETS = activities(
    CaV3="T-type calcium channels that are left",
    Kir4_1="astrocytic Kir4.1 of the lateral habenula, 1 as it is",
    LHb_burst="odds of bursting over what the cells do themselves, 1 unchanged",
    trapping="ketamine that stays in closed channels of the lateral habenula, 1 as it is",
)

#: Monomials of the log-odds of the two kinds against tonic firing; the empty word is the constant.
_WORDS = ("", "s", "ss", "x", "xs", "xx", "xxx", "xy", "y", "ys", "yy")
_TERMS = {"burst": _WORDS, "silent": _WORDS}

HABENULA = Section(
    inputs=(
        Input("stress", "fraction", "depressed state: 0 healthy, 1 depressed", default=1.0),
        *_ACTIVITIES,
    ),
    targets={**_TARGETS, "stress": "stress"},
    states=(
        State("trapped", "fraction", "NMDA receptors of the habenula that hold trapped ketamine"),
    ),
    outputs=(
        Output("circuit:LHb:burst", "fraction", "neurons of the lateral habenula that burst"),
        Output(
            "circuit:LHb:tonic", "fraction", "neurons of the lateral habenula that fire tonically"
        ),
        Output("circuit:LHb:silent", "fraction", "neurons of the lateral habenula that are silent"),
        Output(
            "lhb:blocked", "fraction", "NMDA current of the habenula that is gone", public=False
        ),
        Output("lhb:strained", "fraction", "hyperpolarisation of the habenula", public=False),
    ),
    parameters=(
        Parameter("kir_gain", "fraction", "lhb_kir_gain"),
        Parameter("trapping_rate", "1/hour", "lhb_trapping_rate"),
        Parameter("untrapping_time", "h", "lhb_untrapping_time"),
        Parameter("lhb_trapping", "dimensionless", "hypothesis_lhb_trapping"),
        *(
            Parameter(f"lhb_{kind}_{word or 0}", "dimensionless", f"lhb_fit_{kind}_{word or 0}")
            for kind, words in _TERMS.items()
            for word in words
        ),
    ),
)


def habenula(m: Maths, v: Values, blocks: Blocks) -> tuple[Equations, Any, Any]:
    """Shares of the three kinds of neuron; also returns the share that bursts, and that of healthy animals at
    rest.
    """
    held = v.lhb_trapping * v["activity:trapping"] * v.trapped
    left = blocks.habenula_left * (1 - held)
    strained = m.minimum(m.maximum(v.stress + v.kir_gain * (v["activity:Kir4.1"] - 1), 0), 1)
    gone = 1 - left
    burst, silent = _shares(m, v, gone, v["activity:CaV3"], strained, v["activity:LHb burst"])
    healthy, _ = _shares(m, v, 0, 1, 0, 1)
    caught = v.trapping_rate * v.trapped_ketamine * blocks.habenula * (1 - v.trapped)
    return (
        Equations(
            rates={"trapped": caught - v.trapped / v.untrapping_time},
            outputs={
                "circuit:LHb:burst": burst,
                "circuit:LHb:tonic": 1 - burst - silent,
                "circuit:LHb:silent": silent,
                "lhb:blocked": gone,
                "lhb:strained": strained,
            },
        ),
        burst,
        healthy,
    )


def _shares(
    m: Maths, v: Values, gone: Any, t_type: Any, strained: Any, evoked: Any
) -> tuple[Any, Any]:
    """Shares of neurons that burst and that are silent: a multinomial logit against tonic firing.

    The log-odds are polynomials in the hyperpolarisation ``s`` and in what is blocked, ``x`` of NMDA and ``y``
    of T-type currents; ``evoked`` multiplies the odds of bursting.
    """
    at = {"s": strained, "x": gone, "y": 1 - t_type}
    burst, silent = (
        m.exp(sum(v[f"lhb_{kind}_{word or 0}"] * prod(at[one] for one in word) for word in words))
        for kind, words in _TERMS.items()
    )
    whole = 1 + evoked * burst + silent
    return evoked * burst / whole, silent / whole
