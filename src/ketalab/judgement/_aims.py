"""Whether the aims of a layer are met."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ketalab.judgement._arms import NOT_SAID
from ketalab.judgement._compare import Beside
from ketalab.judgement._coverage import cover
from ketalab.judgement._layer import Aim
from ketalab.judgement._points import ADULTS, Point
from ketalab.judgement._votes import Vote, sum_up

UNSEEN = ("validate", "left out")


@dataclass(frozen=True)
class Verdict:
    """An aim, the number found, and how many votes (rows, comparators) are behind it.

    Without any, ``value`` is NaN and the aim is not met: what was not looked at is not shown to hold.
    """

    aim: Aim
    value: float
    count: int

    @property
    def met(self) -> bool:
        """Whether the aim is met."""
        if not self.count or not math.isfinite(self.value):
            return False
        if self.aim.at_most is not None:
            return self.value <= self.aim.at_most + 1e-12
        assert self.aim.at_least is not None
        return self.value >= self.aim.at_least - 1e-12

    @property
    def bound(self) -> str:
        """The bound in words."""
        if self.aim.at_most is not None:
            return f"at most {self.aim.at_most:g}"
        return f"at least {self.aim.at_least:g}"


def judge_aims(
    aims: Sequence[Aim],
    points: Sequence[Point],
    votes: Sequence[Vote],
    beside: Sequence[Beside],
    together: Sequence[frozenset[str]] = (),
) -> list[Verdict]:
    """Hold each aim against unseen adults with a complete design.

    ``beside`` must be made of the same rows, without the comparators' own records.
    """
    unseen = [p for p in points if p.use in UNSEEN and p.cohort == ADULTS]
    mine = [v for v in votes if v.use in UNSEEN and v.cohort == ADULTS]
    return [_judge(aim, unseen, mine, beside, together) for aim in aims]


def _judge(
    aim: Aim,
    points: Sequence[Point],
    votes: Sequence[Vote],
    beside: Sequence[Beside],
    together: Sequence[frozenset[str]],
) -> Verdict:
    if aim.statistic == "better_comparators":
        shared = [b for b in beside if b.other.votes]
        return Verdict(aim, float(sum(b.better for b in shared)), len(shared))
    if aim.statistic in ("coverage_rows", "coverage_records"):
        found = cover([p for p in points if _takes(aim, p)], together)
        value = found.rows if aim.statistic == "coverage_rows" else found.records
        return Verdict(aim, value, found.count)
    figures = sum_up([v for v in votes if _takes(aim, v)])
    value = {
        "gmfe": figures.gmfe,
        "within_1.5": figures.within[1],
        "within_2": figures.within[2],
    }[aim.statistic]
    return Verdict(aim, value, figures.votes)


def _takes(aim: Aim, one: Point | Vote) -> bool:
    return (
        one.quantity in aim.quantities
        and (not aim.molecules or one.molecule in aim.molecules)
        and (not aim.routes or one.route in aim.routes)
        and not (aim.named_assay and one.assay == NOT_SAID)
    )
