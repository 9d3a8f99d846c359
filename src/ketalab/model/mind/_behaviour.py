"""What a rat or a mouse does in tests of despair and anhedonia.

Despair is one quantity, ``despair = 1 - (1 - basal (1 - relief)) (1 - burst gain x share of habenula neurons that
burst)``, with ``relief = most (1 - (1 - early)(1 - late))`` of the two clocks of the synapse. Anhedonia is read
from relief and from the reward circuit. Each test shows it with its own scale and its own spread between animals:
immobility in the forced swim and the tail suspension test, failures to escape after helplessness, latency to feed
in a new place, and preference for sucrose. Nothing here knows a drug.
"""

from __future__ import annotations

from typing import Any

from ketalab.model.contract import Equations, Input, Layer, Maths, Output, Parameter, Values

#: Tests that show despair as a share, and of what.
SHARES = {
    "FST": "immobility in the forced swim test, share of the time",
    "TST": "immobility in the tail suspension test, share of the time",
    "LH": "failures to escape after learned helplessness, share of the trials",
}
_UNITS = {**dict.fromkeys(SHARES, "fraction"), "NSF": "min"}

_INPUTS = (
    Input("relief:early", "fraction", "early relief of despair"),
    Input("relief:late", "fraction", "late relief of despair"),
    Input("circuit:LHb:burst", "fraction", "neurons of the lateral habenula that burst"),
    Input("circuit:reward", "fold", "reward signal, 1 healthy"),
)

_OUTPUTS = (
    Output("behaviour:despair", "fraction", "despair that the tests share"),
    Output(
        "behaviour:relief",
        "fraction",
        "antidepressant-like effect: what is missing to full despair",
    ),
    *(Output(f"behaviour:{name}", "fraction", says) for name, says in SHARES.items()),
    Output("behaviour:NSF", "min", "latency to feed in a new place"),
    Output("behaviour:sucrose", "fraction", "preference for sucrose, share of what is drunk"),
)

_PARAMETERS = (
    Parameter("basal", "fraction", "despair_basal"),
    Parameter("relief_most", "fraction", "relief_most_rodent"),
    Parameter("burst_gain", "fraction", "despair_burst_gain"),
    Parameter("despair_person", "ratio", "unity", "lognormal", "despair_spread"),
    *(
        parameter
        for name, unit in _UNITS.items()
        for parameter in (
            Parameter(f"{name}_full", unit, f"{name.lower()}_at_full_despair"),
            Parameter(f"{name}_person", "ratio", "unity", "lognormal", f"{name.lower()}_spread"),
        )
    ),
    Parameter("anhedonia", "dimensionless", "anhedonia_basal"),
    Parameter("anhedonia_reward", "dimensionless", "anhedonia_reward"),
    Parameter("sucrose_odds", "ratio", "sucrose_odds"),
    Parameter("sucrose_person", "ratio", "unity", "lognormal", "sucrose_spread"),
)


def _shown(share: Any, person: Any) -> Any:
    """A share as one animal shows it: its odds times the animal's own factor, so that it stays between 0 and 1."""
    return share * person / (1 - share + share * person)


def _equations(m: Maths, v: Values) -> Equations:
    relief = v.relief_most * (1 - (1 - v["relief:early"]) * (1 - v["relief:late"]))
    common = 1 - (1 - v.basal * (1 - relief)) * (1 - v.burst_gain * v["circuit:LHb:burst"])
    despair = _shown(common, v.despair_person)
    lost = v.anhedonia * (1 - relief) + v.anhedonia_reward * (1 - v["circuit:reward"])
    sucrose = v.sucrose_odds * m.exp(-lost) * v.sucrose_person
    return Equations(
        rates={},
        outputs={
            "behaviour:despair": despair,
            "behaviour:relief": 1 - despair,
            **{
                f"behaviour:{name}": _shown(v[f"{name}_full"] * common, v[f"{name}_person"])
                for name in SHARES
            },
            "behaviour:NSF": v.NSF_full * common * v.NSF_person,
            "behaviour:sucrose": sucrose / (1 + sucrose),
        },
    )


def behaviour() -> Layer:
    """Return the layer of rodent behaviour: no states, shares of time, of trials, of what is drunk."""
    return Layer(
        name="behaviour",
        equations=_equations,
        inputs=_INPUTS,
        outputs=_OUTPUTS,
        parameters=_PARAMETERS,
    )
