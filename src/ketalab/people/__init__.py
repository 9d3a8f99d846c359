"""To whom: populations, people, and independent random streams."""

from ketalab.people._draw import FACTS as PEOPLE_FACTS
from ketalab.people._draw import draw, population_facts, typical_people
from ketalab.people._people import SHARED, People
from ketalab.people._population import GENOTYPES, Baseline, Condition, Population, Species, Spread
from ketalab.people._sizes import ADULT_AGE, MIND_AGE
from ketalab.people._streams import Streams

__all__ = [
    "ADULT_AGE",
    "GENOTYPES",
    "MIND_AGE",
    "PEOPLE_FACTS",
    "SHARED",
    "Baseline",
    "Condition",
    "People",
    "Population",
    "Species",
    "Spread",
    "Streams",
    "draw",
    "population_facts",
    "typical_people",
]
