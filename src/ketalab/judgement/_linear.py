"""Compartment models of one person, solved exactly: bolus and constant inflows by matrix exponentials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Inflow:
    """So many micromoles into a compartment: at once at ``start_h``, or evenly over ``duration_h``."""

    place: int
    amount: float
    start_h: float
    duration_h: float = 0.0


@dataclass
class Linear:
    """Amounts x (µmol) with dx/dt = A x + u; u is constant between events. ``matrix`` is A (n, n), 1/h."""

    matrix: Array
    _made: dict[float, tuple[Array, Array]] = field(default_factory=dict, repr=False)

    def propagator(self, hours: float) -> tuple[Array, Array]:
        """``exp(A h)`` and its integral over (0, h), both (n, n)."""
        if hours not in self._made:
            from scipy.linalg import expm

            n = len(self.matrix)
            both = np.zeros((2 * n, 2 * n))
            both[:n, :n], both[:n, n:] = self.matrix * hours, np.eye(n) * hours
            power = expm(both)
            self._made[hours] = power[:n, :n], power[:n, n:]
        return self._made[hours]

    def amounts(self, inflows: Sequence[Inflow], times: Array) -> Array:
        """Amounts at ``times`` (T,), rising, from nothing: (T, n). At an event, what holds after it."""
        edges = {i.start_h for i in inflows} | {i.start_h + i.duration_h for i in inflows}
        n = len(self.matrix)
        found = np.zeros((len(times), n))
        x, now = np.zeros(n), min(edges, default=0.0)
        rate = np.zeros(n)
        for edge in [*sorted(edges), np.inf]:
            inside = np.nonzero((times >= now) & (times < edge))[0]
            for k in inside:
                step, forced = self.propagator(_round(times[k] - now))
                found[k] = step @ x + forced @ rate
            if np.isinf(edge):
                break
            step, forced = self.propagator(_round(edge - now))
            x, now = step @ x + forced @ rate, edge
            rate = np.zeros(n)
            for inflow in inflows:
                # Written as the edges were, so that an end meets its edge.
                end = inflow.start_h + inflow.duration_h
                if not inflow.duration_h:
                    x[inflow.place] += inflow.amount if inflow.start_h == edge else 0.0
                elif inflow.start_h <= edge < end:
                    rate[inflow.place] += inflow.amount / inflow.duration_h
        return found

    def area(self, inflows: Sequence[Inflow], first: float, last: float) -> Array:
        """Areas under the amounts (n,) from ``first`` to ``last`` (h), which may be infinite; µmol h.

        Exact: what came in less what is still there is A times the area.
        """
        return self._area_until(inflows, last) - self._area_until(inflows, first)

    def _area_until(self, inflows: Sequence[Inflow], stop: float) -> Array:
        given = np.zeros(len(self.matrix))
        for inflow in inflows:
            if not inflow.duration_h:
                share = 1.0 if inflow.start_h <= stop else 0.0
            else:
                share = min(max((stop - inflow.start_h) / inflow.duration_h, 0.0), 1.0)
            given[inflow.place] += inflow.amount * share
        left = 0.0 if np.isinf(stop) else self.amounts(inflows, np.array([stop]))[0]
        return np.asarray(np.linalg.solve(self.matrix, left - given))


def _round(hours: float) -> float:
    """Spans that differ by rounding alone share a propagator (a thousandth of a microsecond)."""
    return round(float(hours), 12)
