"""What a list of event records means: the moves of a linear system, one after the other.

The meanings follow NONMEM; the manual's page on event tables holds the table and each deliberate difference.
Compartments are those that doses enter, by number. Nothing here knows a matrix: moves name the system that rules.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable
from dataclasses import dataclass, field

#: Two times are the same if they differ by less than this share of their size (or of 1 where they are smaller).
SAME_TIME = 1e-10
#: Infusions of one steady state that may run at the same time.
MOST_AT_ONCE = 10_000
#: What can arrive: a bolus, or the start or the end of an infusion.
_BOLUS, _START, _STOP = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Dose:
    """A dose as it enters: after bioavailability, with its rate known.

    ``amount`` is what enters (a bolus), or ``rate`` runs for ``duration`` hours (an infusion). The dose is
    ``lag`` hours late, repeated ``additional`` times ``interval`` hours apart. ``steady`` 1 or 2 puts an
    infinite past of the same doses before it; ``constant`` is an infusion since ever that ends now.
    """

    compartment: int
    amount: float = 0.0
    rate: float = 0.0
    duration: float = 0.0
    lag: float = 0.0
    interval: float = 0.0
    additional: int = 0
    steady: int = 0
    constant: bool = False

    @property
    def what(self) -> tuple[int, float]:
        """How it enters, and how much: a bolus and its amount, or an infusion and its rate."""
        return (_START, self.rate) if self.rate > 0 else (_BOLUS, self.amount)


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a person's table: ``system`` rules from here on; a reset comes before the dose."""

    time: float
    system: int = 0
    reset: bool = False
    dose: Dose | None = None


@dataclass(frozen=True, slots=True)
class Steady:
    """A steady state to be added: of doses every ``interval``, the last ``since`` hours ago, or of a constant rate.

    An infusion of ``duration`` that began ``since`` ago may still run, and so may ``running - 1`` before it.
    """

    system: int
    compartment: int
    amount: float
    rate: float
    duration: float
    interval: float
    since: float
    running: int
    constant: bool


@dataclass(slots=True)
class Move:
    """Advance ``hours`` under ``system`` with the inflows ``flow`` (compartment -> per hour).

    Then, in this order: empty everything (``clear``), add steady states, add ``jump`` (compartment -> amount), and
    answer record ``record``, whose own system is ``after``.
    """

    hours: float
    system: int
    flow: dict[int, float]
    clear: bool = False
    steady: tuple[Steady, ...] = ()
    jump: dict[int, float] = field(default_factory=dict)
    record: int | None = None
    after: int = 0


def _margin(time: float) -> float:
    return SAME_TIME * max(1.0, abs(time))


def falls(before: float, after: float) -> bool:
    """Whether a time lies before another, and is not the same."""
    return after < before - _margin(before)


class _Walk:
    """A person on the way through the records: the clock, what runs, and what is still to come."""

    def __init__(self, first: Record) -> None:
        self.now, self.system = first.time, first.system
        self.moves: list[Move] = []
        self.running: dict[int, list[float]] = {}
        # (time, order, kind, compartment, size, hours, interval, left): order keeps ties as they were made.
        self.coming: list[tuple[float, int, int, int, float, float, float, int]] = []
        self.count = 0

    def schedule(
        self,
        time: float,
        kind: int,
        compartment: int,
        size: float,
        hours: float = 0.0,
        interval: float = 0.0,
        left: int = 0,
    ) -> None:
        self.count += 1
        heapq.heappush(
            self.coming, (time, self.count, kind, compartment, size, hours, interval, left)
        )

    def flow(self) -> dict[int, float]:
        """Inflow by compartment; summed anew each time, so that nothing is left when the last infusion stops."""
        return {compartment: sum(rates) for compartment, rates in self.running.items() if rates}

    def advance(self, time: float) -> Move:
        """Go on to a time; a move that has gone nowhere and answered nothing is used again."""
        hours = max(time - self.now, 0.0)
        self.now = max(time, self.now)
        if hours == 0 and self.moves and self.moves[-1].record is None:
            return self.moves[-1]
        self.moves.append(Move(hours, self.system, self.flow()))
        return self.moves[-1]

    def enter(self, kind: int, compartment: int, size: float, hours: float, move: Move) -> None:
        """A bolus, or the start of an infusion, now."""
        if kind == _BOLUS:
            move.jump[compartment] = move.jump.get(compartment, 0.0) + size
        elif hours > 0:
            self.running.setdefault(compartment, []).append(size)
            self.schedule(self.now + hours, _STOP, compartment, size)

    def pass_until(self, time: float) -> None:
        """Everything that arrives before a record, or at its time."""
        while self.coming and self.coming[0][0] <= time + _margin(time):
            due, _, kind, compartment, size, hours, interval, left = heapq.heappop(self.coming)
            move = self.advance(min(due, time))
            if kind == _STOP:
                self.running[compartment].remove(size)
                # Stopped early, because its end is at the time of the record: the rest is given at once.
                self.enter(_BOLUS, compartment, size * max(due - self.now, 0.0), 0.0, move)
                continue
            self.enter(kind, compartment, size, hours, move)
            if left:
                self.schedule(due + interval, kind, compartment, size, hours, interval, left - 1)

    def forget(self, move: Move) -> None:
        """Cancel amounts, infusions that run, and all that is still to come."""
        self.running.clear()
        self.coming.clear()
        move.clear = True
        move.jump.clear()
        move.steady = ()

    def give(self, time: float, dose: Dose, move: Move) -> None:
        """Order a dose at ``time``."""
        if dose.steady:
            if dose.steady == 1:
                self.forget(move)
            self.settle(time, dose, move)
        if dose.constant:
            return
        kind, size = dose.what
        if dose.lag <= _margin(time):
            self.enter(kind, dose.compartment, size, dose.duration, move)
        else:
            self.schedule(time + dose.lag, kind, dose.compartment, size, dose.duration)
        if dose.additional:
            # One entry for the whole series: each dose calls the next.
            first = time + dose.lag + dose.interval
            left = dose.additional - 1
            self.schedule(first, kind, dose.compartment, size, dose.duration, dose.interval, left)

    def settle(self, time: float, dose: Dose, move: Move) -> None:
        """An infinite past of a dose: those that arrived make a steady state, those still on the way will come."""
        kind, size = dose.what
        late = 0
        while not dose.constant and dose.lag - (late + 1) * dose.interval > _margin(time):
            late += 1
            arrives = time + dose.lag - late * dose.interval
            self.schedule(arrives, kind, dose.compartment, size, dose.duration)
        since = max((late + 1) * dose.interval - dose.lag, 0.0)
        running = 0
        if dose.rate > 0 and not dose.constant and dose.duration > 0:
            # Earlier infusions that still run stop in their own time.
            running = max(0, math.ceil((dose.duration - since - _margin(time)) / dose.interval))
            for k in range(running):
                self.running.setdefault(dose.compartment, []).append(dose.rate)
                left = dose.duration - since - k * dose.interval
                self.schedule(time + left, _STOP, dose.compartment, dose.rate)
        move.steady += (
            Steady(
                self.system,
                dose.compartment,
                dose.amount,
                dose.rate,
                dose.duration,
                dose.interval,
                since,
                running,
                dose.constant,
            ),
        )


def moves_of(records: Iterable[Record]) -> list[Move]:
    """The moves of one person's records, in order; each record is answered by one move."""
    walk: _Walk | None = None
    for number, record in enumerate(records):
        if walk is None:
            walk = _Walk(record)
        if record.reset:
            walk.now = record.time
            walk.running.clear()
            walk.coming.clear()
        else:
            walk.pass_until(record.time)
        move = walk.advance(record.time)
        walk.system = record.system
        if record.reset:
            walk.forget(move)
        if record.dose is not None:
            walk.give(record.time, record.dose, move)
        move.record, move.after = number, record.system
    return walk.moves if walk else []
