"""What a pump for target-controlled infusion gives: constant rates that bring its own plasma to the target.

The pump knows plasma only by its parameter set (:class:`ketalab.facts.Pump`). All sets are linear in body weight, so
that one schedule per kilogram is exact for everybody.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from ketalab.errors import ScenarioError, closest
from ketalab.protocol._limits import MIN_TIME_H
from ketalab.protocol._program import Program

#: Intervals of constant rate: 10 s, 20 s, 30 s, ... up to 5 min. Plasma then leaves a target by at most 1% between the
#: ends of intervals with every set on record (tested at 2%); doubling them instead would leave it by 5%.
_FIRST_H, _LONGEST_H = 10 / 3600, 300 / 3600
#: Relative; hides the rounding of a sum of intervals that just fills a step.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Infusion:
    """A constant rate over a time: start (h from the start of the program), length (h), amount (mg/kg)."""

    offset_h: float
    duration_h: float
    mg_per_kg: float


def count_infusions(duration_h: float) -> int:
    """Count the infusions of a step, with the pause that it begins with if the target falls."""
    return len(_divide(duration_h)) + 1


@lru_cache(maxsize=64)
def list_infusions(program: Program) -> tuple[Infusion, ...]:
    """Compute what the pump gives, per kilogram: constant rates that bring its plasma to the target.

    In the pump's model the concentration is a sum of decaying exponentials, one a mode, so that the rate which
    reaches the target at the end of an interval is a quotient. It is never negative: after infusions all amplitudes
    are positive, so that plasma at a target falls when nothing is given. When a target falls, the pump pauses (an
    infusion of 0) until plasma has fallen to it; below it, the first interval of 10 s is the bolus.

    Returns
    -------
    tuple of Infusion
        In order of time. Each step begins with one at its start; within a step they leave no gap.
    """
    modes = _Modes(program.pump)
    given: list[Infusion] = []
    now_h = 0.0
    for target in program.targets:
        aim = target.ng_ml * 1e-3  # mg/L
        modes.decay(target.start_h - now_h)
        now_h, left_h = target.start_h, target.duration_h
        pause_h = modes.time_to_fall(aim, left_h)
        if left_h - pause_h < MIN_TIME_H:
            pause_h = left_h
        if pause_h >= MIN_TIME_H:
            given.append(Infusion(now_h, pause_h, 0.0))
            modes.decay(pause_h)
            now_h += pause_h
            left_h -= pause_h
        for interval_h in _divide(left_h) if left_h > 0 else ():
            given.append(Infusion(now_h, interval_h, modes.infuse(aim, interval_h)))
            now_h += interval_h
        now_h = target.end_h
    return tuple(given)


def _divide(duration_h: float) -> list[float]:
    """Divide a step into intervals that grow, shrunk together so that they fill it."""
    intervals: list[float] = []
    total = 0.0
    while total < duration_h * (1 - _ROUNDING):
        intervals.append(min(_LONGEST_H, _FIRST_H * (len(intervals) + 1)))
        total += intervals[-1]
    return [interval * (duration_h / total) for interval in intervals]


@lru_cache(maxsize=16)
def _find_modes(pump: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Rates (1/h) and, of a dose of 1 mg/kg, concentrations at once (mg/L) of the modes of a set.

    The equations of compartments around a centre are similar to a symmetric matrix (scale each periphery by the root
    of its volume over the centre's), so that the modes are real, and the amplitudes squares.
    """
    import numpy as np

    from ketalab.facts import pumps

    if pump not in pumps():
        allowed = sorted(pumps())
        raise ScenarioError(
            f"pump {pump!r}: allowed: {', '.join(allowed)}{closest(pump, allowed)}", pump
        )
    v1, k10, peripheries = pumps()[pump].rate_constants()
    matrix = np.diag([k10 + sum(out for out, _ in peripheries), *(back for _, back in peripheries)])
    for place, (out, back) in enumerate(peripheries, start=1):
        matrix[0, place] = matrix[place, 0] = -math.sqrt(out * back)
    rates, vectors = np.linalg.eigh(matrix)
    return tuple(rates.tolist()), tuple((vectors[0] ** 2 / v1).tolist())


class _Modes:
    """Plasma in a pump's own model, as the amplitudes (mg/L) of its modes."""

    def __init__(self, pump: str) -> None:
        self.rates, self.of_dose = _find_modes(pump)
        self.amplitudes = [0.0] * len(self.rates)

    def plasma_after(self, hours: float) -> float:
        """Concentration (mg/L) after a time without infusion."""
        pairs = zip(self.rates, self.amplitudes, strict=True)
        return math.fsum(a * math.exp(-rate * hours) for rate, a in pairs)

    def decay(self, hours: float) -> None:
        """Let a time pass without infusion."""
        pairs = zip(self.rates, self.amplitudes, strict=True)
        self.amplitudes = [a * math.exp(-rate * hours) for rate, a in pairs]

    def infuse(self, aim: float, hours: float) -> float:
        """Infuse at the rate that ends at the aim (mg/L); return the amount, mg/kg."""
        # -expm1(-x) / x is 1 - exp(-x) over x, exact for small x too.
        gains = [
            of_dose * -math.expm1(-rate * hours) / (rate * hours)
            for rate, of_dose in zip(self.rates, self.of_dose, strict=True)
        ]
        amount = max(0.0, (aim - self.plasma_after(hours)) / math.fsum(gains))
        self.decay(hours)
        pairs = zip(self.amplitudes, gains, strict=True)
        self.amplitudes = [a + amount * gain for a, gain in pairs]
        return amount

    def time_to_fall(self, aim: float, longest_h: float) -> float:
        """Time (h) until plasma has fallen to the aim: 0 if it is not above, at most the longest.

        It never falls to 0, so that such an aim stops the pump for the whole step.
        """
        if aim == 0:
            return longest_h
        if self.plasma_after(0.0) <= aim:
            return 0.0
        low, high = 0.0, longest_h
        if self.plasma_after(high) >= aim:
            return high
        # Plasma falls all the time, so that halving finds the one root, to the last digit.
        while low < (middle := (low + high) / 2) < high:
            low, high = (middle, high) if self.plasma_after(middle) > aim else (low, middle)
        return high
