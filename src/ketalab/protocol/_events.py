"""The event table of one regimen: when an infusion starts or stops, when a bolus is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ketalab.protocol._records import Administration, Variant

Kind = Literal["start", "stop", "bolus"]

#: At one instant what ends goes before what begins: back-to-back infusions never overlap, and a
#: bolus is in the body when the infusion beside it starts.
_ORDER: dict[Kind, int] = {"stop": 0, "bolus": 1, "start": 2}
#: Hours (4 microseconds). One instant reached by two sums (40 min + 40 min, 80 min) differs in the
#: last digits; times this close become one, so that no segment is a rounding error long.
_SAME_INSTANT = 1e-9


@dataclass(frozen=True, slots=True)
class Event:
    """One change of input at one instant, and the dose that makes it."""

    time_h: float
    kind: Kind
    administration: Administration


def events(variant: Variant) -> tuple[Event, ...]:
    """List the events of a regimen in the order in which they apply.

    A dose without duration is one ``bolus``; an infusion is a ``start`` and a ``stop``, at a rate
    of amount over duration between them. Order: by time; at one time stops, then boluses, then
    starts; among equals the canonical order of the doses. Times within 1e-9 h of each other are
    set to the first of them.

    Parameters
    ----------
    variant : Variant
        One regimen; take each variant of a mix in turn.

    Returns
    -------
    tuple of Event
        Hours from t = 0; lag, absorption and bioavailability are the model's.
    """
    table: list[Event] = []
    for dose in variant.administrations:
        if dose.duration_h == 0:
            table.append(Event(dose.time_h, "bolus", dose))
        else:
            table.append(Event(dose.time_h, "start", dose))
            table.append(Event(dose.end_h, "stop", dose))
    instants: dict[float, float] = {}
    instant = float("-inf")
    for time in sorted({event.time_h for event in table}):
        instant = instant if time - instant <= _SAME_INSTANT else time
        instants[time] = instant
    same = (Event(instants[event.time_h], event.kind, event.administration) for event in table)
    # A stable sort: among equals the doses keep the canonical order of the variant.
    return tuple(sorted(same, key=lambda event: (event.time_h, _ORDER[event.kind])))
