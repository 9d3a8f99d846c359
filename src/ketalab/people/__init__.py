"""To whom: populations, people, and independent random streams."""

from ketalab.people._population import FACTS as PEOPLE_FACTS
from ketalab.people._population import (
    GENOTYPES,
    Baseline,
    People,
    Population,
    Spread,
    draw,
    typical_people,
)
from ketalab.people._streams import Streams

__all__ = [
    "GENOTYPES",
    "PEOPLE_FACTS",
    "Baseline",
    "People",
    "Population",
    "Spread",
    "Streams",
    "draw",
    "typical_people",
]
