"""From what is given to what the engine integrates: doses into compartments, segments between events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ketalab.engine import Problem, Schedule, Segment
from ketalab.errors import ScenarioError
from ketalab.facts import compounds, fact
from ketalab.laboratory._individuals import Individuals
from ketalab.model.tracing import Traced
from ketalab.protocol import Administration, Intervention

Array = NDArray[np.float64]

#: Two events closer than this (hours; a millisecond) are one.
_SAME_TIME = 3e-7


@dataclass(frozen=True)
class Course:
    """What happens to a group in time, apart from who they are.

    ``sessions`` are the times of treatment sessions (with drug or control), which keep up the relief that a
    setting gives; ``settings`` are values of free inputs (numbers or one a person).
    """

    administrations: tuple[Administration, ...]
    horizon_h: float
    interventions: tuple[Intervention, ...] = ()
    sessions: tuple[float, ...] = ()
    settings: Mapping[str, Array | float] = field(default_factory=dict)

    @property
    def start_h(self) -> float:
        """First event or 0, whichever is earlier."""
        times = [a.time_h for a in self.administrations] + [
            i.from_h for i in self.interventions if np.isfinite(i.from_h)
        ]
        return min([0.0, *times, *self.sessions])


def micromoles(administration: Administration) -> dict[str, float]:
    """Amount of each molecule, micromoles (or per kilogram where the dose is).

    Raises
    ------
    ScenarioError
        The compound has no kinetics in the model yet.
    """
    compound = compounds()[administration.compound]
    if compound.inert:
        return {}
    if not compound.molecules or compound.molar_mass is None:
        modelled = ", ".join(c.id for c in compounds().values() if c.molecules or c.inert)
        raise ScenarioError(
            f"{compound.id!r} has no model of its kinetics yet; modelled: {modelled}", compound.id
        )
    mass = fact(compound.molar_mass).to("mg/umol")
    if administration.salt == "hydrochloride":
        if compound.hydrochloride is None:
            raise ScenarioError(f"{compound.id!r} has no hydrochloride on record; give it as base")
        mass += fact(compound.hydrochloride).to("mg/umol")
    return {
        molecule: administration.amount / mass * share
        for molecule, share in compound.molecules.items()
    }


def facts_of_doses(administrations: Sequence[Administration]) -> tuple[str, ...]:
    """Ids of the facts that turn these doses into moles."""
    used: list[str | None] = []
    for a in administrations:
        compound = compounds()[a.compound]
        used.append(compound.molar_mass)
        if a.salt == "hydrochloride":
            used.append(compound.hydrochloride)
    return tuple(dict.fromkeys(name for name in used if name is not None))


def entry_states(model: Traced) -> dict[tuple[str, str], int]:
    """(route, molecule) -> index of the linear state that it enters."""
    places = {name: i for i, name in enumerate(model.linear)}
    return {
        (entry.route, entry.molecule): places[entry.state]
        for layer in model.joined.layers
        for entry in layer.entries
    }


def check_modelled(model: Traced, administrations: Sequence[Administration]) -> None:
    """Raise :class:`~ketalab.errors.ScenarioError` for a drug or a route that has no model yet."""
    entries = entry_states(model)
    for administration in administrations:
        for molecule in micromoles(administration):
            if (administration.route, molecule) not in entries:
                known = sorted({route for route, m in entries if m == molecule})
                raise ScenarioError(
                    f"{administration.compound!r} by route {administration.route!r} has no model yet; "
                    f"modelled: {', '.join(known) or 'none'}",
                    administration.route,
                )


def intervention_inputs(model: Traced, interventions: Sequence[Intervention]) -> list[str]:
    """The free inputs that interventions scale; an unknown target is refused with the known ones."""
    targets = {t: port for layer in model.joined.layers for t, port in layer.targets.items()}
    for intervention in interventions:
        if intervention.target not in targets:
            raise ScenarioError(
                f"intervention on {intervention.target!r} has no model yet; "
                f"modelled: {', '.join(sorted(targets))}",
                intervention.target,
            )
    return [targets[i.target] for i in interventions]


def _edges(course: Course, session_window: tuple[float, float] | None) -> list[float]:
    start, stop = course.start_h, course.horizon_h
    times = [start, stop, 0.0, *(session_window or ())]
    for a in course.administrations:
        times += [a.time_h, a.time_h + a.duration_h]
    for i in course.interventions:
        times += [i.from_h, i.to_h]
    kept: list[float] = []
    for time in sorted(t for t in times if start <= t <= stop):
        if not kept or time - kept[-1] > _SAME_TIME:
            kept.append(time)
    if stop - kept[-1] <= _SAME_TIME:
        kept[-1] = stop
    if len(kept) < 2:
        raise ScenarioError(f"a course of {stop - start:g} h is too short; at least a millisecond")
    return kept


def _give(
    model: Traced, course: Course, weights: Array, edges: list[float]
) -> tuple[dict[int, list[tuple[int, Array]]], list[tuple[int, int, int, Array]]]:
    """Boluses by the number of their edge, and inflows as (first edge, last edge, state, amount per hour).

    An event within a millisecond of an edge is at that edge, and an infusion's rate is its amount over the time
    between its edges, so that the whole dose is given whatever was joined.
    """
    entries = entry_states(model)
    places = np.array(edges)
    boluses: dict[int, list[tuple[int, Array]]] = {}
    inflows = []
    for a in course.administrations:
        if a.time_h > course.horizon_h:
            continue
        first = int(np.argmin(np.abs(places - a.time_h)))
        last = int(np.argmin(np.abs(places - a.end_h)))
        cut = a.end_h > course.horizon_h + _SAME_TIME
        for molecule, amount in micromoles(a).items():
            state = entries[a.route, molecule]
            given = (weights if a.per_kg else np.ones_like(weights)) * amount
            if last == first:
                boluses.setdefault(first, []).append((state, given))
            else:
                hours = a.duration_h if cut else edges[last] - edges[first]
                inflows.append((first, last, state, given / hours))
    return boluses, inflows


def build_schedule(model: Traced, course: Course, weights: Array) -> Schedule:
    """Cut a course into segments without events inside.

    Amounts are micromoles, one a person where doses go by weight; ``weights`` (N,) kg.

    Raises
    ------
    ScenarioError
        A drug, route or intervention without a model, or a course shorter than a millisecond.
    """
    check_modelled(model, course.administrations)
    scaled = intervention_inputs(model, course.interventions)
    window = None
    if course.sessions:
        lasts = fact("expectation_lasts").to("h")
        window = (min(course.sessions), max(course.sessions) + lasts)
    defaults = {port.name: port.default or 0.0 for _, port in model.joined.free_inputs}
    constant: dict[str, Array | float] = {**defaults, **course.settings}
    edges = _edges(course, window)
    boluses, inflows = _give(model, course, weights, edges)
    segments = []
    for number, (start, stop) in enumerate(pairwise(edges)):
        inflow = tuple(
            (state, rate) for first, last, state, rate in inflows if first <= number < last
        )
        inputs = dict(constant)
        if window is not None:
            inputs["session"] = 1.0 if window[0] - _SAME_TIME <= start < window[1] else 0.0
        for intervention, port in zip(course.interventions, scaled, strict=True):
            if intervention.from_h - _SAME_TIME <= start < intervention.to_h - _SAME_TIME:
                inputs[port] = inputs[port] * intervention.factor
        segments.append(Segment(start, stop, tuple(boluses.get(number, ())), inflow, inputs))
    return tuple(segments)


def build_matrices(model: Traced, individuals: Individuals) -> Array:
    """A of the linear states for given people, (N, n, n), per hour."""
    places, entries = model.matrix_function
    n, count = len(model.linear), individuals.parameters.shape[1]
    matrix = np.zeros((count, n, n))
    values = entries(list(individuals.parameters), list(individuals.covariates))
    for (i, j), value in zip(places, values, strict=True):
        matrix[:, i, j] = value
    return matrix


def make_problem(model: Traced, individuals: Individuals) -> Problem:
    """The engine's view of the model for given people."""
    gains, rates = zip(*model.state_functions, strict=True)
    return Problem(
        linear_names=model.linear,
        state_names=model.states,
        matrix=build_matrices(model, individuals),
        initial=np.array(model.initial),
        gains=gains,
        rates=rates,
        constant_rate=tuple(model.constant_rate(i) for i in range(len(model.states))),
        drivers=model.drivers,
        order=model.order,
        loop=model.loop is not None,
        parameters=individuals.parameters,
        covariates=individuals.covariates,
        input_names=model.inputs,
        source=lambda: model.source,
    )
