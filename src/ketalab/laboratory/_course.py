"""From what is given to what the engine integrates: doses into compartments, segments between events."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ketalab.engine import Problem, Schedule, Segment
from ketalab.errors import ScenarioError
from ketalab.facts import compounds, fact, pumps
from ketalab.laboratory._individuals import Individuals
from ketalab.laboratory._kept import source_of
from ketalab.laboratory._windows import facts_of_windows, windows_of
from ketalab.model.contract import Values
from ketalab.model.tracing import Traced
from ketalab.protocol import ROUTES, Administration, Intervention

Array = NDArray[np.float64]

#: Two events closer than this (hours; a millisecond) are one.
_SAME_TIME = 3e-7
#: What a phrase calls the marketed nasal device.
MARKETED = "device"
#: The free input that holds on how many days a ketamine was given.
USE = "use:days"
#: The free input that says whether the illness takes its course; it does from the first session on.
ILLNESS = "illness:course"
_DAY_H = 24.0


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
    if compound.inert or compound.blocks:
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
        if a.program is not None:
            used += pumps()[a.program.pump].facts
    used += facts_of_windows([a.compound for a in administrations])
    return tuple(dict.fromkeys(name for name in used if name is not None))


def entry_points(model: Traced) -> dict[tuple[str, str], list[tuple[int, str | None]]]:
    """(route, molecule) -> the linear states that it enters, each with the name of its share (None: all of it)."""
    places = {name: i for i, name in enumerate(model.linear)}
    points: dict[tuple[str, str], list[tuple[int, str | None]]] = {}
    for layer in model.joined.layers:
        for entry in layer.entries:
            found = points.setdefault((entry.route, entry.molecule), [])
            found.append((places[entry.state], entry.share))
    return points


def check_modelled(model: Traced, administrations: Sequence[Administration]) -> None:
    """Raise :class:`~ketalab.errors.ScenarioError` for a drug or a route that has no model yet."""
    entries = entry_points(model)
    for administration in administrations:
        for molecule in micromoles(administration):
            if (administration.route, molecule) not in entries:
                known = [route for route in ROUTES if (route, molecule) in entries]
                raise ScenarioError(
                    f"{administration.compound!r} by route {administration.route!r} has no model yet; "
                    f"modelled: {', '.join(known) or 'none'}",
                    administration.route,
                )


def intervention_inputs(model: Traced, interventions: Sequence[Intervention]) -> list[str]:
    """The free inputs that interventions scale; an unknown target is refused with the known ones.

    An act at a site is on the target there, where the model has it apart (``GluN1:LHb``), else on the target.
    """
    targets = {t: port for layer in model.joined.layers for t, port in layer.targets.items()}
    found = []
    for intervention in interventions:
        name = f"{intervention.target}:{intervention.site}"
        name = name if name in targets else intervention.target
        if name not in targets:
            raise ScenarioError(
                f"intervention on {intervention.target!r} has no model yet; "
                f"modelled: {', '.join(sorted(targets))}",
                intervention.target,
            )
        found.append(targets[name])
    return found


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


class _NumericMaths:
    """The mathematics namespace for arrays."""

    exp = staticmethod(np.exp)
    log = staticmethod(np.log)
    sqrt = staticmethod(np.sqrt)
    maximum = staticmethod(np.maximum)
    minimum = staticmethod(np.minimum)


def dose_parts(
    model: Traced, course: Course, people: Individuals, dose: Mapping[str, Array | float]
) -> dict[str, Array]:
    """The parts of a dose that enter each state, by name, one a person, as the layers compute them."""
    rows = dict(zip(model.parameters, people.parameters, strict=True))
    known = dict(zip(model.covariates, people.covariates, strict=True))
    constants = {**model.defaults, **course.settings}
    made: dict[str, Array] = {}
    for layer in model.joined.layers:
        if layer.shares is not None:
            own = {p.name: rows[f"{layer.name}.{p.name}"] for p in layer.parameters}
            ports = {port.name: constants[port.name] for port in layer.inputs}
            values = Values({**ports, **own, **known, **dose})
            made |= {k: np.asarray(x) for k, x in layer.shares(_NumericMaths(), values).items()}
    return made


def amounts_given(
    a: Administration, weights: Array
) -> tuple[dict[str, Array], dict[str, Array | float]]:
    """Micromoles of each molecule, one a person, and what shares read of the dose."""
    amounts = {
        molecule: (weights if a.per_kg else np.ones_like(weights)) * amount
        for molecule, amount in micromoles(a).items()
    }
    mass = compounds()[a.compound].molar_mass
    base = fact(mass).to("mg/umol") if mass is not None else 0.0
    about: dict[str, Array | float] = {
        "dose_mg": base * sum(amounts.values(), np.zeros_like(weights)),
        "device": 1.0 if a.device == MARKETED else 0.0,
        "hold": a.hold_h or 0.0,
        "held": 0.0 if a.hold_h is None else 1.0,
    }
    return amounts, about


def _give(
    model: Traced, course: Course, people: Individuals, edges: list[float]
) -> tuple[dict[int, list[tuple[int, Array]]], list[tuple[int, int, int, Array]]]:
    """Boluses by the number of their edge, and inflows as (first edge, last edge, state, amount per hour).

    An event within a millisecond of an edge is at that edge, and an infusion's rate is its amount over the time
    between its edges, so that the whole dose is given whatever was joined.
    """
    if not course.administrations:
        return {}, []
    entries = entry_points(model)
    weights = people.covariates[model.covariates.index("weight")]
    places = np.array(edges)
    boluses: dict[int, list[tuple[int, Array]]] = {}
    inflows = []
    for a in course.administrations:
        if a.time_h > course.horizon_h:
            continue
        first = int(np.argmin(np.abs(places - a.time_h)))
        last = int(np.argmin(np.abs(places - a.end_h)))
        cut = a.end_h > course.horizon_h + _SAME_TIME
        amounts, about = amounts_given(a, weights)
        points = [
            (point, x) for molecule, x in amounts.items() for point in entries[a.route, molecule]
        ]
        shared = any(share is not None for (_, share), _ in points)
        shares = dose_parts(model, course, people, about) if shared else {}
        for (state, share), amount in points:
            given = amount if share is None else amount * shares[share]
            if last == first:
                boluses.setdefault(first, []).append((state, given))
            else:
                hours = a.duration_h if cut else edges[last] - edges[first]
                inflows.append((first, last, state, given / hours))
    return boluses, inflows


def days_of_use(administrations: Sequence[Administration], now_h: float) -> float:
    """Days on which a ketamine was given within the last half year, up to and with now (hours)."""
    first = now_h - fact("urinary_window").to("h")
    return float(
        len(
            {
                math.floor(a.time_h / _DAY_H)
                for a in administrations
                if "ketamine" in a.compound
                and a.amount > 0
                and first < a.time_h <= now_h + _SAME_TIME
            }
        )
    )


def build_schedule(model: Traced, course: Course, people: Individuals) -> Schedule:
    """Cut a course into segments without events inside.

    Amounts are micromoles, one a person: doses go by weight, and what of them enters where by the person's parameters.

    Raises
    ------
    ScenarioError
        A drug, route or intervention without a model, or a course shorter than a millisecond.
    """
    check_modelled(model, course.administrations)
    course = replace(
        course, interventions=(*course.interventions, *windows_of(course.administrations))
    )
    scaled = intervention_inputs(model, course.interventions)
    window = None
    if course.sessions:
        lasts = fact("expectation_lasts").to("h")
        window = (min(course.sessions), max(course.sessions) + lasts)
    constant: dict[str, Array | float] = {**model.defaults, **course.settings}
    edges = _edges(course, window)
    boluses, inflows = _give(model, course, people, edges)
    segments = []
    for number, (start, stop) in enumerate(pairwise(edges)):
        inflow = tuple(
            (state, rate) for first, last, state, rate in inflows if first <= number < last
        )
        inputs = dict(constant)
        if window is not None:
            begun = start >= window[0] - _SAME_TIME
            inputs["session"] = 1.0 if begun and start < window[1] else 0.0
            inputs[ILLNESS] = 1.0 if begun else 0.0
        if USE in constant:
            inputs[USE] = days_of_use(course.administrations, start)
        for intervention, port in zip(course.interventions, scaled, strict=True):
            if intervention.from_h - _SAME_TIME <= start < intervention.to_h - _SAME_TIME:
                inputs[port] = inputs[port] * intervention.factor
        segments.append(Segment(start, stop, tuple(boluses.get(number, ())), inflow, inputs))
    return tuple(segments)


def _fill_matrices(
    model: Traced, parameters: Array, covariates: Array, inputs: Sequence[Array | float]
) -> Array:
    """A of the linear states, (N, n, n), per hour; ``inputs`` in the order of the model."""
    n = len(model.linear)
    matrix = np.zeros((parameters.shape[1], n, n))
    values = _entries(model, parameters, covariates, inputs)
    for (i, j), value in zip(model.places, values, strict=True):
        matrix[:, i, j] = value
    return matrix


def _entries(
    model: Traced, parameters: Array, covariates: Array, inputs: Sequence[Array | float]
) -> list[Array]:
    """The entries of A that may differ from zero, in the order of their places."""
    _, entries = model.matrix_function
    made: list[Array] = entries(list(parameters), list(covariates), list(inputs))
    return made


def build_matrices(model: Traced, individuals: Individuals) -> Array:
    """A of the linear states for given people, (N, n, n), per hour, with every input at its default."""
    inputs = [model.defaults[name] for name in model.inputs]
    return _fill_matrices(model, individuals.parameters, individuals.covariates, inputs)


def make_problem(model: Traced, individuals: Individuals) -> Problem:
    """The engine's view of the model for given people."""
    n, count = len(model.linear), individuals.parameters.shape[1]
    links = np.zeros((n, n), dtype=bool)
    for place in model.places:
        links[place] = True
    return Problem(
        linear_names=model.linear,
        state_names=model.states,
        # Where inputs move it the matrix is asked for segment by segment, and this one by nobody.
        matrix=np.broadcast_to(np.zeros((n, n)), (count, n, n))
        if model.movers
        else build_matrices(model, individuals),
        initial=np.array(model.initial),
        gains=tuple(gain for gain, _ in model.state_functions),
        rates=tuple(rate for _, rate in model.state_functions),
        constant_rate=model.constant_rates,
        drivers=model.drivers,
        order=model.order,
        loop=model.loop is not None,
        parameters=individuals.parameters,
        covariates=individuals.covariates,
        input_names=model.inputs,
        source=lambda: source_of(model),
        program=lambda: model.program,
        links=links,
        movers=model.movers,
        moved=partial(_fill_matrices, model) if model.movers else None,
        places=model.places,
        entries=partial(_entries, model),
        idle=model.idle,
    )
