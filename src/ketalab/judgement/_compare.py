"""The model beside comparators, on the same rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ketalab.judgement._comparator import Comparator, Mean, comparators
from ketalab.judgement._points import Point, log_ratio
from ketalab.judgement._votes import Figures, make_votes, sum_up

#: The fixed comparators of the body, in the order of the tables.
BESIDE = ("simons2022", "perezruixo2021", "published_mean")


@dataclass(frozen=True)
class Beside:
    """One comparator and the model on the rows that both predict.

    ``own`` says whether rows are left in that the comparator was fitted to, or that are its own output.
    """

    comparator: str
    name: str
    own: bool
    model: Figures
    other: Figures

    @property
    def better(self) -> bool:
        """Whether the comparator has the smaller error."""
        return self.other.votes > 0 and self.other.gmfe < self.model.gmfe


def own_records(name: str) -> frozenset[str]:
    """Records that a comparator was fitted to or that are its own output; those of its members for a mean."""
    found = comparators()[name]
    if isinstance(found, Mean):
        return frozenset().union(*(own_records(member) for member in found.mean_of))
    assert isinstance(found, Comparator)
    return frozenset(found.fitted_to)


def set_beside(
    name: str, points: Sequence[Point], together: Sequence[frozenset[str]], own: bool
) -> Beside:
    """A comparator beside the model; without ``own`` the comparator's own records are left out."""
    known = own_records(name)
    shared = [
        p
        for p in points
        if p.quantity == "concentration"
        and math.isfinite(log_ratio(p.said.get(name), p.observed))
        and (own or p.study not in known)
    ]
    mine = make_votes(shared, together)
    theirs = make_votes(shared, together, lambda p: log_ratio(p.said.get(name), p.observed))
    return Beside(name, comparators()[name].name, own, sum_up(mine), sum_up(theirs))
