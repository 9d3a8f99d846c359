"""People who were drawn: one array a property."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from ketalab.people._sizes import ADULT_AGE
from ketalab.people._streams import Streams

Array = NDArray[np.float64]
#: What people have in common: fields that hold no array.
SHARED = ("streams", "differs_by")


@dataclass(frozen=True)
class People:
    """People (or animals) drawn: one array a property, shape (person,).

    A person is number ``index`` of a ``replicate``. Units: ``weight`` kg, ``height`` cm (NaN for animals), ``age``
    years; ``female`` is 0 or 1; ``bdnf_met`` and ``cyp2b6_star6`` count alleles; ``severity`` is a standard normal
    rank of baseline severity, the same on every scale. ``differs_by`` are the condition and the ages that all of them
    share and in which they differ from adults with major depression.
    """

    replicate: NDArray[np.int64]
    index: NDArray[np.int64]
    weight: Array
    height: Array
    age: Array
    female: Array
    bdnf_met: Array
    cyp2b6_star6: Array
    severity: Array
    streams: Streams = field(default_factory=Streams)
    differs_by: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.weight)

    def normal(self, purpose: str) -> Array:
        """One standard normal number a person for a purpose, shape (person,)."""
        return np.asarray(ndtri(self.uniform(purpose)))

    def uniform(self, purpose: str) -> Array:
        """One uniform number a person for a purpose, shape (person,)."""
        return self.streams.of_people(purpose, self.replicate, self.index)

    def take(self, members: NDArray[np.int64]) -> People:
        """Some of the people; each keeps its number and so its draws."""
        return replace(
            self,
            **{
                item.name: getattr(self, item.name)[members]
                for item in fields(self)
                if item.name not in SHARED
            },
        )

    def covariates(self) -> dict[str, Array]:
        """What the layers may read by name; ``bdnf_met`` is 1 for carriers of one or two Met alleles."""
        return {
            "weight": self.weight,
            "height": self.height,
            "age": self.age,
            "female": self.female,
            "bdnf_met": np.minimum(self.bdnf_met, 1.0),
            "cyp2b6_star6": self.cyp2b6_star6,
            "child": np.where(self.age < ADULT_AGE, 1.0, 0.0),
        }
