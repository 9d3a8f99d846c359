"""Events of the document: one at each start of a segment at which something changes."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.dom.minidom import Element

import numpy as np

from ketalab.engine import Schedule, Segment
from ketalab.exchange.sbml._xml import apply, ci, cn, element, maths, time_symbol

if TYPE_CHECKING:
    from ketalab.exchange.sbml._parts import Parts


def list_events(parts: Parts, schedule: Schedule) -> tuple[list[Element], tuple[float, ...]]:
    """Events and their times, hours from the first segment's start.

    What holds before the first segment is what the document starts with: no inflow, inputs at their defaults.
    The first event is at time 0 and fires there, because its trigger counts as false before.
    """
    free = {port.name: port for _, port in parts.model.joined.free_inputs}
    held = dict.fromkeys(parts.inflows.values(), 0.0) | {
        identifier: parts.model.defaults[name] for name, identifier in parts.inputs.items()
    }
    state_units = {s.name: s.unit for layer in parts.model.joined.layers for s in layer.states}
    units = {i: parts.units.id_of(f"{state_units[n]}/h") for n, i in parts.inflows.items()}
    units |= {i: parts.units.id_of(free[n].unit) for n, i in parts.inputs.items()}
    made: list[Element] = []
    times: list[float] = []
    for segment in schedule:
        wanted = _held_in(parts, segment)
        changes = {name: value for name, value in wanted.items() if value != held[name]}
        held = wanted
        boluses = _boluses_of(parts, segment)
        if not changes and not boluses:
            continue
        sets = []
        for name, amount in boluses.items():
            state = parts.states[name]
            more = cn(amount, parts.units.id_of(state_units[name]))
            sets.append(_assign(state, apply("plus", ci(state), more)))
        sets += [_assign(name, cn(value, units[name])) for name, value in changes.items()]
        what = ["bolus"] * bool(boluses) + [*dict.fromkeys(_word(parts, name) for name in changes)]
        times.append(segment.start - schedule[0].start)
        about = f"{segment.start:g} h: {', '.join(what)}"
        made.append(_event(parts, f"event {len(times)}", about, times[-1], sets))
    return made, tuple(times)


def _event(parts: Parts, name: str, about: str, time: float, sets: list[Element]) -> Element:
    """What is set at a time, hours."""
    when = apply("geq", time_symbol(), cn(time, parts.units.id_of("h")))
    return element(
        "event",
        element("trigger", maths(when), initialValue=False, persistent=True),
        element("listOfEventAssignments", *sets),
        id=parts.ids.give(name),
        name=about,
        useValuesFromTriggerTime=True,
    )


def _boluses_of(parts: Parts, segment: Segment) -> dict[str, float]:
    """What is added at the start of a segment, by state."""
    boluses: dict[str, float] = {}
    for state, amount in segment.boluses:
        name = parts.model.linear[state]
        boluses[name] = boluses.get(name, 0.0) + _one(amount)
    return boluses


def _one(value: object) -> float:
    return float(np.ravel(np.asarray(value, dtype=float))[0])


def _held_in(parts: Parts, segment: Segment) -> dict[str, float]:
    """Inflows and free inputs through a segment, by id."""
    held = dict.fromkeys(parts.inflows.values(), 0.0)
    for state, rate in segment.inflow:
        held[parts.inflows[parts.model.linear[state]]] += _one(rate)
    return held | {parts.inputs[n]: _one(segment.inputs[n]) for n in parts.model.inputs}


def _assign(identifier: str, value: Element) -> Element:
    return element("eventAssignment", maths(value), variable=identifier)


def _word(parts: Parts, identifier: str) -> str:
    return "infusion" if identifier in parts.inflows.values() else identifier
