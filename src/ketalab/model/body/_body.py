"""The body of a species: ketamine and every other drug that has kinetics in it, as one linear layer."""

from __future__ import annotations

from functools import cache

from ketalab.model.body._combine import combine
from ketalab.model.body._from_data import from_data
from ketalab.model.body._ketamine import ketamine
from ketalab.model.contract import Layer


@cache
def body(species: str = "human") -> Layer:
    """Return the body of a species: ketamine, and every drug whose file has kinetics in that species."""
    return combine("body", (ketamine(species), *from_data(species)))
