"""Rhythms: band powers as closed forms of the blocks, fitted to a cortical population.

Every rhythm is a polynomial of third degree without a constant in the blocked shares of interneurons (i) and
pyramidal cells (c), of HCN1 (h), and in the effect of propofol (p), so that it is zero at rest; powers are in
decibels, coherences the exponential of such a polynomial. ``HCN1`` is blocked by ``1 - 1 / (1 + C / IC50)`` of
unbound ketamine; propofol acts by ``C**2 / (C**2 + half**2)`` of its unbound concentration.
"""

from __future__ import annotations

from itertools import combinations_with_replacement
from math import prod
from typing import Any

from ketalab.model.brain._receptors import Blocks
from ketalab.model.brain._section import Section, activities
from ketalab.model.contract import Equations, Input, Maths, Output, Parameter, Values

#: Bands in decibels and their ranges in words.
BANDS = {
    "delta": "1 to 4 Hz",
    "theta": "4 to 8 Hz",
    "alpha": "8 to 12 Hz",
    "beta": "13 to 30 Hz",
    "gamma": "30 to 80 Hz",
    "HFO": "100 to 170 Hz",
}
COHERENCES = {
    "coupling": "coherence of deep posteromedial cortex and subcortical relay",
    "connectivity": "coherence of two cortical areas in alpha and beta",
}
_DEEP = "posteromedial"
#: What HCN1 moves.
_OF_HCN1 = (_DEEP, "coupling")
_DEGREES = ("linear", "quadratic", "cubic")


def _words(name: str) -> list[str]:
    letters = "ichp" if name in _OF_HCN1 else "icp"
    return [
        "".join(word)
        for d, _ in enumerate(_DEGREES, 1)
        for word in combinations_with_replacement(letters, d)
    ]


_NAMES = (*BANDS, _DEEP, *COHERENCES)

_ACTIVITIES, _TARGETS = activities(HCN1="HCN1 channels that are left")

RHYTHMS = Section(
    inputs=(
        Input("unbound:propofol", "micromolar", "unbound propofol in the brain", default=0.0),
        *_ACTIVITIES,
    ),
    targets=_TARGETS,
    outputs=(
        *(
            Output(f"rhythm:{name}", "dimensionless", f"power at {range_}, dB against rest")
            for name, range_ in BANDS.items()
        ),
        Output(
            "rhythm:posteromedial",
            "dimensionless",
            "posteromedial power at 2 to 4 Hz, dB against rest",
        ),
        *(
            Output(f"rhythm:{name}", "fold", f"{says}, 1 at rest")
            for name, says in COHERENCES.items()
        ),
    ),
    parameters=(
        Parameter("hcn1", "micromolar", "hcn1_ic50"),
        Parameter("propofol_half", "micromolar", "propofol_half_effective"),
        *(
            Parameter(f"rhythm_{name}_{word}", "dimensionless", f"rhythm_{name.lower()}_{word}")
            for name in _NAMES
            for word in _words(name)
        ),
    ),
)


def rhythms(m: Maths, v: Values, blocks: Blocks) -> Equations:
    """Band powers and coherences; nothing here has a state."""
    c = v["unbound:S-ketamine"] + v["unbound:R-ketamine"]
    propofol = v["unbound:propofol"] ** 2
    at: dict[str, Any] = {
        "i": blocks.interneuron,
        "c": blocks.cortical,
        "h": 1 - v["activity:HCN1"] / (1 + c / v.hcn1),
        "p": propofol / (propofol + v.propofol_half**2),
    }
    sums = {
        name: sum(
            v[f"rhythm_{name}_{word}"] * prod(at[letter] for letter in word)
            for word in _words(name)
        )
        for name in _NAMES
    }
    outputs = {f"rhythm:{name}": sums[name] for name in (*BANDS, _DEEP)}
    outputs |= {f"rhythm:{name}": m.exp(sums[name]) for name in COHERENCES}
    return Equations({}, outputs)
