"""What is known: constants with their sources, units, citations, compounds and scales."""

from ketalab.facts._cards import (
    CARD_GRADES,
    NOT_MEASURED,
    Card,
    card_of,
    cards,
    cards_of,
)
from ketalab.facts._check import check_facts
from ketalab.facts._cite import csl_from_record, render
from ketalab.facts._compound import Block, Compound, Exposure
from ketalab.facts._conditions import Condition, conditions, harms_to_watch, modifiers_of
from ketalab.facts._harms import ThinHarm, thin_harms
from ketalab.facts._kinetics import COVARIATES, Kinetics, Observed, Quantity
from ketalab.facts._load import (
    DATA,
    Scale,
    citations,
    compounds,
    fact,
    facts,
    scales,
)
from ketalab.facts._product import read_product
from ketalab.facts._pumps import Pump, pumps
from ketalab.facts._quote import quote, quoted_facts
from ketalab.facts._record import Fact, Spread
from ketalab.facts._units import check_unit, conversion_factor, convert, parse_unit

__all__ = [
    "CARD_GRADES",
    "COVARIATES",
    "DATA",
    "NOT_MEASURED",
    "Block",
    "Card",
    "Compound",
    "Condition",
    "Exposure",
    "Fact",
    "Kinetics",
    "Observed",
    "Pump",
    "Quantity",
    "Scale",
    "Spread",
    "ThinHarm",
    "card_of",
    "cards",
    "cards_of",
    "check_facts",
    "check_unit",
    "citations",
    "compounds",
    "conditions",
    "conversion_factor",
    "convert",
    "csl_from_record",
    "fact",
    "facts",
    "harms_to_watch",
    "modifiers_of",
    "parse_unit",
    "pumps",
    "quote",
    "quoted_facts",
    "read_product",
    "render",
    "scales",
    "thin_harms",
]
