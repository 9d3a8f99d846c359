"""Which neurons burst, fire tonically or are silent, from the times of their spikes.

A burst begins where two spikes follow one another within ``lhb_burst_first_interval`` and lasts as long as
intervals stay within ``lhb_burst_last_interval``. A neuron bursts if it has at least two bursts in the window and
at least ``lhb_burst_share`` of its spikes are in bursts; it is silent with fewer than two spikes in the window;
else it is tonic.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ketalab.facts import fact
from ketalab.spiking._population import Spikes

SILENT, TONIC, BURST = range(3)
#: Shares that are on record for normal rats and depression models; they chose the neurons' constants.
RECORD_FACTS = ("lhb_burst_normal", "lhb_silent_normal", "lhb_burst_depressed")
KINDS_FACTS = ("lhb_burst_first_interval", "lhb_burst_last_interval", "lhb_burst_share")


def describe_record() -> str:
    """What is on record of the shares, in one line."""
    most, silent, fold = map(fact, RECORD_FACTS)
    assert silent.spread is not None
    assert silent.spread.interval is not None
    assert fold.spread is not None
    assert fold.spread.interval is not None
    return (
        f"on record: below {most.to('percent'):g}% burst, {silent.spread.interval[0]:g} to "
        f"{silent.spread.interval[1]:g}% silent in normal rats; {fold.spread.interval[0]:g} to "
        f"{fold.spread.interval[1]:g} times as many burst in depression models"
    )


@dataclass(frozen=True)
class Rule:
    """The criterion of bursts: longest first interval, longest interval within (s), share of spikes in bursts."""

    first_s: float
    last_s: float
    share: float

    @classmethod
    def of_facts(cls) -> Rule:
        first, last, share = map(fact, KINDS_FACTS)
        return cls(first.to("s"), last.to("s"), share.to("dimensionless"))

    def bursts(self, times_s: NDArray[np.float64]) -> list[tuple[int, int]]:
        """First and last spike of every burst, as places in the sorted times."""
        close = np.diff(times_s)
        found, place = [], 0
        while place < len(close):
            if close[place] <= self.first_s:
                end = place
                while end < len(close) and close[end] <= self.last_s:
                    end += 1
                found.append((place, end))
                place = end
            place += 1
        return found

    def kind(self, times_s: NDArray[np.float64]) -> int:
        """``SILENT``, ``TONIC`` or ``BURST``."""
        if len(times_s) < 2:
            return SILENT
        found = self.bursts(times_s)
        inside = sum(end - begin + 1 for begin, end in found)
        return BURST if len(found) >= 2 and inside >= self.share * len(times_s) else TONIC


def kinds(spikes: Spikes, conditions: int, cells: int) -> NDArray[np.int64]:
    """The kind of every cell in every condition, from the spikes after the warm-up (conditions x cells)."""
    rule = Rule.of_facts()
    seen = spikes.time_s >= 0
    place = (spikes.condition * cells + spikes.cell)[seen]
    order = np.lexsort((spikes.time_s[seen], place))
    place, times = place[order], spikes.time_s[seen][order]
    ends = np.searchsorted(place, np.arange(conditions * cells + 1))
    found = [rule.kind(times[a:b]) for a, b in pairwise(ends)]
    return np.array(found, dtype=np.int64).reshape(conditions, cells)
