"""Coverage of the 90% intervals, and how sharp they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from ketalab.judgement._points import Point


@dataclass(frozen=True)
class Coverage:
    """How often the intervals hold what was observed.

    ``rows`` is the share over rows, ``records`` the mean over records of each one's share, so that a record of many
    rows weighs no more than another. ``width`` is the median of log(high / low), ``fold`` what that is as a factor.
    """

    count: int
    record_count: int
    rows: float
    records: float
    width: float

    @property
    def fold(self) -> float:
        """The upper end over the lower, at the median."""
        return math.exp(self.width)


def cover(points: Sequence[Point], together: Sequence[frozenset[str]] = ()) -> Coverage:
    """Coverage and sharpness of the counted concentrations among the points; NaN where there are none.

    Records of one set of ``together`` are one record.
    """
    groups = {record: members for members in together for record in members}
    judged = [p for p in points if p.judged]
    if not judged:
        return Coverage(0, 0, math.nan, math.nan, math.nan)
    records: dict[frozenset[str], list[bool]] = {}
    for point in judged:
        record = groups.get(point.study, frozenset([point.study]))
        records.setdefault(record, []).append(bool(point.inside))
    widths = [
        math.log(p.high / p.low)
        for p in judged
        if p.low is not None and p.high is not None and 0 < p.low <= p.high < math.inf
    ]
    return Coverage(
        count=len(judged),
        record_count=len(records),
        rows=fmean(bool(p.inside) for p in judged),
        records=fmean(fmean(inside) for inside in records.values()),
        width=median(widths) if widths else math.nan,
    )
