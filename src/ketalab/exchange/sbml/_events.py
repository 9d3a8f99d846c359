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
    model = parts.model
    defaults = {port.name: port.default or 0.0 for _, port in model.joined.free_inputs}
    held = dict.fromkeys(parts.inflows.values(), 0.0) | {
        identifier: defaults[name] for name, identifier in parts.inputs.items()
    }
    units = {s.name: s.unit for layer in model.joined.layers for s in layer.states}
    free = {port.name: port.unit for _, port in model.joined.free_inputs}
    unit_of = {i: parts.units.id_of(f"{units[n]}/h") for n, i in parts.inflows.items()}
    unit_of |= {i: parts.units.id_of(free[n]) for n, i in parts.inputs.items()}
    made: list[Element] = []
    times: list[float] = []
    for segment in schedule:
        wanted = _held_in(parts, segment)
        changes = {name: value for name, value in wanted.items() if value != held[name]}
        held = wanted
        boluses: dict[str, float] = {}
        for state, amount in segment.boluses:
            name = model.linear[state]
            boluses[name] = boluses.get(name, 0.0) + _one(amount)
        if not changes and not boluses:
            continue
        time = segment.start - schedule[0].start
        sets = [
            _assign(
                parts.states[n],
                apply("plus", ci(parts.states[n]), cn(v, parts.units.id_of(units[n]))),
            )
            for n, v in boluses.items()
        ]
        sets += [_assign(name, cn(value, unit_of[name])) for name, value in changes.items()]
        what = ["bolus"] * bool(boluses) + [*dict.fromkeys(_word(parts, name) for name in changes)]
        made.append(
            element(
                "event",
                element(
                    "trigger",
                    maths(apply("geq", time_symbol(), cn(time, parts.units.id_of("h")))),
                    initialValue=False,
                    persistent=True,
                ),
                element("listOfEventAssignments", *sets),
                id=parts.ids.give(f"event {len(made) + 1}"),
                name=f"{segment.start:g} h: {', '.join(what)}",
                useValuesFromTriggerTime=True,
            )
        )
        times.append(time)
    return made, tuple(times)


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
