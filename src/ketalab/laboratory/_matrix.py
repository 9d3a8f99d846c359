"""The table of form and route: how much of a dose arrives, how soon, with how much norketamine, and who had what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from ketalab.errors import ScenarioError, closest
from ketalab.facts import compounds
from ketalab.laboratory._course import amounts_given, entry_points
from ketalab.laboratory._model import body_model, grade
from ketalab.laboratory._responses import (
    Array,
    Group,
    area,
    dose_shares,
    gather,
    respond,
    sample_times,
)
from ketalab.laboratory._result import plain
from ketalab.laboratory._run import BATCH
from ketalab.laboratory._scenario import Scenario
from ketalab.laboratory._studied import (
    FORMS,
    NO_HUMAN_DATA,
    QuotedDose,
    StudiedDose,
    records_of,
    studied,
    studied_doses,
)
from ketalab.model.tracing import Traced
from ketalab.people import Population
from ketalab.protocol import ROUTES, Administration

_KETAMINE, _NORKETAMINE = "plasma:venous:{}ketamine", "plasma:venous:{}norketamine"
_SIDES = ("S-", "R-")


@dataclass(frozen=True)
class Cell:
    """One form by one route; figures are None where the body has no such entry.

    ``f`` is the bioavailability against the same dose into a vein, ``tmax_h`` the time of the peak of ketamine in
    venous plasma (hours), ``norketamine_ratio`` the area of norketamine over that of ketamine (both ng/mL): of the
    typical person, and the 5th and 95th percentile of patients, after ``dose_mg`` of base at once, by ``device``.
    """

    form: str
    route: str
    device: str | None
    dose_mg: float
    studied: tuple[StudiedDose, ...]
    grade: str | None = None
    f: float | None = None
    f_p05: float | None = None
    f_p95: float | None = None
    tmax_h: float | None = None
    tmax_p05: float | None = None
    tmax_p95: float | None = None
    norketamine_ratio: float | None = None
    norketamine_p05: float | None = None
    norketamine_p95: float | None = None

    @property
    def studied_text(self) -> str:
        """What people were given, or that nothing is known."""
        return "; ".join(entry.text() for entry in self.studied) or NO_HUMAN_DATA

    def to_dict(self) -> dict[str, Any]:
        """Plain values; without human data the studied range says so."""
        main = self._main_range()
        return {
            "form": self.form,
            "route": self.route,
            "device": self.device,
            "dose_mg": self.dose_mg,
            **{
                name: getattr(self, name)
                for name in (
                    *("f", "f_p05", "f_p95", "tmax_h", "tmax_p05", "tmax_p95"),
                    *("norketamine_ratio", "norketamine_p05", "norketamine_p95"),
                )
            },
            "studied_range": [main[0], main[1]] if main else NO_HUMAN_DATA,
            "unit": main[2] if main else None,
            "studied": [entry.text() for entry in self.studied],
            "grade": self.grade,
            "human_data": bool(self.studied),
            "records": list(records_of(self.studied)),
        }

    def _main_range(self) -> tuple[float, float, str] | None:
        """Lowest and highest dose as recorded: of adults before children, in mg where any record says so."""
        for people in ("adults", "children"):
            for unit in ("mg", "mg/kg"):
                found = [e for e in self.studied if (e.people, e.unit) == (people, unit)]
                if found:
                    low = min(e.lowest.dose for e in found)
                    return low, max(e.highest.dose for e in found), unit
        return None


def find_form(name: str) -> str:
    """Return the form of ketamine that a name stands for.

    Raises
    ------
    ScenarioError
        No form of ketamine has this name; names those that there are.
    """
    for form in FORMS:
        if name.strip().lower() in (form, *compounds()[form].names):
            return form
    raise ScenarioError(
        f"form: {name!r} is not allowed; allowed: {', '.join(FORMS)}{closest(name, FORMS)}", name
    )


def matrix(
    *,
    form: str | None = None,
    patients: int = 200,
    seed: int = 0,
    population: Population | None = None,
) -> tuple[Cell, ...]:
    """Return the table of every form of ketamine (or one) by every route.

    Raises
    ------
    ScenarioError
        An unknown form, animals, or patients or a seed out of range.
    """
    # The limits of any scenario hold: seed, patients, and people and no animals.
    about = Scenario(patients=patients, seed=seed, population=population or Population())
    if not 2 <= patients <= BATCH:
        raise ScenarioError(f"patients: {patients!r} is not allowed; allowed: 2 to {BATCH}")
    forms = FORMS if form is None else (find_form(form),)
    group = gather(body_model(), about.population, about.seed, about.patients)
    places = _Places(group)
    return tuple(_cell(places, form, route) for form in forms for route in ROUTES)


class _Places:
    """Courses after a micromole of each enantiomer into a place, computed once for all forms and routes."""

    def __init__(self, group: Group) -> None:
        self.group, self.entries = group, entry_points(group.model)
        self.times = sample_times(0.0)
        self._known: dict[tuple[int, ...], dict[str, tuple[Array, Array]]] = {}

    def parts(self, route: str) -> list[tuple[str | None, tuple[int, ...]]]:
        """(share, the states of S and R) that a dose by a route enters; empty where there is no such entry."""
        sides = [self.entries.get((route, f"{side}ketamine"), []) for side in _SIDES]
        return [
            (s_share, (s_state, r_state))
            for (s_state, s_share), (r_state, _) in zip(*sides, strict=True)
        ]

    def after(self, states: tuple[int, ...]) -> dict[str, tuple[Array, Array]]:
        """Output -> course (T, N) and area (N,), of each enantiomer after a micromole of it."""
        if states not in self._known:
            names = [kind.format(side) for kind in (_KETAMINE, _NORKETAMINE) for side in _SIDES]
            if self._stays(states):
                shape = (len(self.times), self.group.count)
                made = dict.fromkeys(names, np.zeros(shape))
            else:
                made = respond(self.group, dict.fromkeys(states, 1.0), 0.0, names)
            self._known[states] = {
                name: (course, area(self.times, course)) for name, course in made.items()
            }
        return self._known[states]

    def _stays(self, states: tuple[int, ...]) -> bool:
        """Whether nothing leaves these states: what was not absorbed."""
        return not any(j in states for _, j in self.group.model.places)


def _quoted(form: str, route: str) -> QuotedDose:
    """The dose at which a cell is computed."""
    table = studied().quoted
    for apart in table.apart:
        if (apart.form, apart.route) == (form, route):
            return apart
    return QuotedDose(form=form, route=route, dose_mg=table.dose_mg)


def _cell(places: _Places, form: str, route: str) -> Cell:
    quoted = _quoted(form, route)
    entries = studied_doses(form, route)
    empty = Cell(form, route, quoted.device, quoted.dose_mg, entries)
    parts = places.parts(route)
    if not parts:
        return empty
    dose = Administration(0.0, quoted.dose_mg, False, 0.0, form, route=route, device=quoted.device)
    amounts, _ = amounts_given(dose, np.ones(1))
    of_side = {side: float(amounts.get(f"{side}ketamine", np.zeros(1))[0]) for side in _SIDES}
    milligrams = np.full(places.group.count, quoted.dose_mg)
    shares = dose_shares(places.group, dose, milligrams)
    entering = [(1.0 if share is None else shares[share], states) for share, states in parts]

    def total(kind: str, which: int, into: list[tuple[Any, tuple[int, ...]]]) -> Array:
        """Course (which 0) or area (1) of both enantiomers together."""
        return np.asarray(
            sum(
                of_side[side] * share * places.after(states)[kind.format(side)][which]
                for share, states in into
                for side in _SIDES
                if of_side[side]
            )
        )

    course, auc = total(_KETAMINE, 0, entering), total(_KETAMINE, 1, entering)
    in_vein = [(1.0, states) for _, states in places.parts("iv")]
    figures = {
        "f": auc / total(_KETAMINE, 1, in_vein),
        "tmax": places.times[course.argmax(axis=0)],
        "norketamine": total(_NORKETAMINE, 1, entering) / auc,
    }
    values: dict[str, Any] = {}
    for name, figure in figures.items():
        typical = {"tmax": "tmax_h", "norketamine": "norketamine_ratio"}.get(name, name)
        values[typical] = plain(figure[-1])
        low, high = np.quantile(figure[:-1], (0.05, 0.95))
        values |= {f"{name}_p05": plain(low), f"{name}_p95": plain(high)}
    facts = route_facts(places.group.model, parts, [side for side in _SIDES if of_side[side]])
    return Cell(form, route, quoted.device, quoted.dose_mg, entries, grade=grade(facts), **values)


def route_facts(
    model: Traced, parts: list[tuple[str | None, tuple[int, ...]]], sides: list[str]
) -> tuple[str, ...]:
    """Ids of the facts behind the plasma concentrations after a dose that enters at these places."""
    wanted: set[str] = set()
    for side in sides:
        names = (_KETAMINE.format(side), _NORKETAMINE.format(side))
        wanted |= set().union(*(model.reads.outputs[name] for name in names))
        reached = _downstream(model, {states[_SIDES.index(side)] for _, states in parts})
        for j in reached:
            for i in reached:
                wanted |= model.reads.entries.get((i, j), frozenset())
    named = _share_names(model)
    for share, _ in parts:
        wanted |= named.get(share, set()) if share is not None else set()
    return tuple(
        dict.fromkeys(
            fact
            for layer in model.joined.layers
            for p in layer.parameters
            if f"{layer.name}.{p.name}" in wanted
            for fact in (p.fact, p.spread)
            if fact is not None
        )
    )


def _downstream(model: Traced, states: set[int]) -> set[int]:
    """All linear states that something in these ones comes to."""
    seen: set[int] = set()
    edge = set(states)
    while edge:
        seen |= edge
        edge = {i for i, j in model.places if j in edge} - seen
    return seen


@cache
def _share_names(model: Traced) -> Mapping[str, frozenset[str]]:
    """Names that each share reads; those of the dose itself stand for no constant."""
    from ketalab.model._symbols import share_names

    found: dict[str, frozenset[str]] = {}
    for layer in model.joined.layers:
        found |= share_names(layer)
    return found
