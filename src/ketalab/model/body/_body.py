"""The body of a species: ketamine and every other drug that has kinetics in it, as one linear layer."""

from __future__ import annotations

from functools import cache

from ketalab.model.body._bath import bath
from ketalab.model.body._combine import combine
from ketalab.model.body._from_data import from_data
from ketalab.model.body._given import with_given_metabolites
from ketalab.model.body._ketamine import ketamine
from ketalab.model.contract import Layer

#: The species of experiments without a body.
IN_VITRO = "in_vitro"


@cache
def body(species: str = "human") -> Layer:
    """Return the body of a species: ketamine, and every drug whose file has kinetics in that species.

    Animals may also be given metabolites of ketamine; ``in_vitro`` has a bath for a body.
    """
    if species == IN_VITRO:
        return bath()
    given = ketamine(species)
    if species != "human":
        given = with_given_metabolites(given)
    return combine("body", (given, *from_data(species)))
