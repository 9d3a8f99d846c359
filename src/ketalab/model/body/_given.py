"""Metabolites of ketamine that are given themselves, in animals: norketamine, and hydroxynorketamine under the skin.

What is not absorbed joins what was not absorbed of ketamine. A dose into the peritoneal cavity is absorbed by a share
that holds the first pass through the liver: what is lost on the way is not followed further.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ketalab.model.contract import Entry, Equations, Layer, Maths, Parameter, State, Values

#: Depot of each enantiomer -> (what it holds, the parameter at whose rate it empties, where it empties into).
_DEPOTS = {
    "norketamine_peritoneum": (
        "norketamine given into the peritoneal cavity",
        "ip_rate",
        "norketamine_central",
    ),
    "norketamine_subcutis": ("norketamine given under the skin", "sc_rate", "norketamine_central"),
    "hydroxynorketamine_subcutis": (
        "hydroxynorketamine given under the skin",
        "sc_rate",
        "hydroxynorketamine_central",
    ),
}
#: (molecule, route) -> the states that it enters, with the name of the share.
_PLACES: dict[tuple[str, str], dict[str, str | None]] = {
    ("norketamine", "iv"): {"norketamine_central": None},
    ("norketamine", "ip"): {
        "norketamine_peritoneum": "given_norketamine",
        "unabsorbed": "given_norketamine_lost",
    },
    ("norketamine", "sc"): {"norketamine_subcutis": "sc", "unabsorbed": "sc_lost"},
    ("hydroxynorketamine", "sc"): {"hydroxynorketamine_subcutis": "sc", "unabsorbed": "sc_lost"},
}
_SHARE = Parameter("given_norketamine_absorbed", "fraction", "given_norketamine_share")


def with_given_metabolites(layer: Layer, enantiomers: tuple[str, ...] = ("S", "R")) -> Layer:
    """Return the layer of ketamine with depots for metabolites that are given themselves."""
    computed = layer.shares
    assert computed is not None

    def equations(m: Maths, v: Values) -> Equations:
        made = layer.equations(m, v)
        rates: dict[str, Any] = dict(made.rates)
        for e in enantiomers:
            for depot, (_, rate, into) in _DEPOTS.items():
                out = v[rate] * v[f"{e}_{depot}"]
                rates[f"{e}_{depot}"] = -out
                rates[f"{e}_{into}"] += out
        return Equations(rates, made.outputs)

    def shares(m: Maths, v: Values) -> dict[str, Any]:
        absorbed = v[_SHARE.name]
        own = {"given_norketamine": absorbed, "given_norketamine_lost": 1 - absorbed}
        return {**computed(m, v), **own}

    states = tuple(
        State(f"{e}_{depot}", "umol", f"{e}-{text}", mole=True)
        for e in enantiomers
        for depot, (text, _, _) in _DEPOTS.items()
    )
    entries = tuple(
        Entry(route, f"{e}-{molecule}", f"{e}_{state}", share)
        for e in enantiomers
        for (molecule, route), places in _PLACES.items()
        for state, share in places.items()
    )
    return replace(
        layer,
        equations=equations,
        states=(*layer.states, *states),
        parameters=(*layer.parameters, _SHARE),
        entries=(*layer.entries, *entries),
        shares=shares,
    )
