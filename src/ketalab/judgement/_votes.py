"""Votes: one fold error for each record, analyte and route, and what many of them say together.

A digitised curve has many points and a table few; one vote each keeps a single article from speaking for all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from ketalab.judgement._points import Point

#: Limits of a fold error whose shares are told.
LIMITS = (1.25, 1.5, 2.0)
#: Where records that share one vote differ in use, the vote has the first of these that occurs.
_STRICTEST = ("build", "calibrate", "left out", "validate")


@dataclass(frozen=True)
class Vote:
    """One vote.

    ``log_fold`` is the median of |log(predicted / observed)| over its rows, ``log_bias`` the median with its sign.
    """

    records: tuple[str, ...]
    use: str
    cohort: str
    quantity: str
    analyte: str
    molecule: str
    route: str
    assay: str
    rows: int
    log_fold: float
    log_bias: float
    inside: float | None = None

    @property
    def fold(self) -> float:
        """Fold error, one or more."""
        return math.exp(self.log_fold)

    @property
    def bias(self) -> float:
        """Predicted over observed."""
        return math.exp(self.log_bias)

    @property
    def label(self) -> str:
        """Record, or the first of those that vote together and how many follow."""
        more = len(self.records) - 1
        return self.records[0] + (f" and {more} more" if more else "")


@dataclass(frozen=True)
class Figures:
    """What votes say together. ``within`` are the shares at most 1.25-, 1.5- and 2-fold; NaN without votes."""

    votes: int
    gmfe: float
    within: tuple[float, float, float]
    bias: float


def make_votes(
    points: Iterable[Point],
    together: Sequence[frozenset[str]] = (),
    error: Callable[[Point], float] | None = None,
) -> list[Vote]:
    """Votes of the scored points; ``together`` are sets of records that have one vote in all.

    Bioavailabilities and ratios vote only where the record has no concentration of that analyte after that route.
    ``error`` computes the log error of a point in place of the model's own; points without one do not vote.
    """
    scored = [p for p in points if p.scored]
    groups = {record: members for members in together for record in members}
    uses = _joint_uses(scored, groups)
    measured = {
        (p.study, p.use, p.analyte, p.route) for p in scored if p.quantity == "concentration"
    }
    found: dict[tuple[object, ...], list[tuple[Point, float]]] = {}
    for point in scored:
        place = (point.study, point.use, point.analyte, point.route)
        if point.quantity != "concentration" and place in measured:
            continue
        value = point.log_error if error is None else error(point)
        if not math.isfinite(value):
            continue
        members = groups.get(point.study, frozenset([point.study]))
        use = uses.get((members, point.use == "left out"), point.use)
        key = (
            members,
            use,
            point.cohort,
            point.quantity,
            point.analyte,
            point.molecule,
            point.route,
            point.assay,
        )
        found.setdefault(key, []).append((point, value))
    return [_vote(pairs, str(key[1])) for key, pairs in found.items()]


def _joint_uses(
    points: Sequence[Point], groups: dict[str, frozenset[str]]
) -> dict[tuple[frozenset[str], bool], str]:
    """The use of records that vote together: one whose rows set a constant makes the others no validation."""
    found: dict[tuple[frozenset[str], bool], set[str]] = {}
    for point in points:
        if point.study in groups:
            key = (groups[point.study], point.use == "left out")
            found.setdefault(key, set()).add(point.use)
    return {
        key: next((use for use in _STRICTEST if use in uses), min(uses))
        for key, uses in found.items()
    }


def _vote(pairs: Sequence[tuple[Point, float]], use: str) -> Vote:
    first = pairs[0][0]
    judged = [p.inside for p, _ in pairs if p.judged]
    return Vote(
        records=tuple(dict.fromkeys(p.study for p, _ in pairs)),
        use=use,
        cohort=first.cohort,
        quantity=first.quantity,
        analyte=first.analyte,
        molecule=first.molecule,
        route=first.route,
        assay=first.assay,
        rows=len(pairs),
        log_fold=median(abs(value) for _, value in pairs),
        log_bias=median(value for _, value in pairs),
        inside=fmean(map(bool, judged)) if judged else None,
    )


def sum_up(votes: Sequence[Vote]) -> Figures:
    """Geometric mean fold error, shares within the limits, and signed bias of votes."""
    if not votes:
        return Figures(0, math.nan, (math.nan, math.nan, math.nan), math.nan)
    folds = [vote.log_fold for vote in votes]

    def share(limit: float) -> float:
        return fmean(fold <= math.log(limit) + 1e-12 for fold in folds)

    within = (share(LIMITS[0]), share(LIMITS[1]), share(LIMITS[2]))
    return Figures(
        len(votes), math.exp(fmean(folds)), within, math.exp(fmean(v.log_bias for v in votes))
    )


def worst_first(votes: Iterable[Vote]) -> list[Vote]:
    """Votes with the largest fold errors first."""
    return sorted(votes, key=lambda v: (-v.log_fold, v.records, v.analyte, v.route, v.use))
