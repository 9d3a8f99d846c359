"""What can be done to a dose, by name, and the records of a dose with some of it done.

A modifier fixes some fields of a ``Plan``. Two that fix the same field to different values cannot
both hold for one dose (a bolus is no infusion): they meet only as two doses that overlap.
"""

import runpy
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple

made = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("_event_records.py"))))
Record = made.Record

II = 6.0
AMOUNT = 100.0
ADDITIONAL = 3
LAG = 0.7
#: When a reset comes after a dose: while it lags, while an infusion runs, when the lag ends.
RESETS = (0.35, 1.5, LAG)


class Plan(NamedTuple):
    """One dose: its form, its duration as a part of II, and what else is done to it."""

    form: str = "bolus"
    length: float = 0.4
    ss: int = 0
    addl: int = 0
    cmt: int = 1
    lag: float = 0.0
    bio: float = 0.9
    evid: int = 1
    reset: bool = False
    twins: bool = False
    watched: bool = False
    varies: bool = False


#: What each modifier fixes.
FIXES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "bolus": {"form": "bolus"},
        "infusion": {"form": "rate"},
        "RATE -1": {"form": "modelled rate"},
        "RATE -2": {"form": "modelled duration"},
        "ADDL": {"addl": ADDITIONAL},
        "SS 1": {"ss": 1},
        "SS 2": {"ss": 2},
        "constant at SS": {"form": "constant"},
        "shorter than II at SS": {"length": 0.35},
        "equal to II at SS": {"length": 1.0},
        "longer than II at SS": {"length": 2.6},
        "lag": {"lag": LAG},
        "F below 1": {"bio": 0.6},
        "F above 1": {"bio": 1.5},
        "EVID 3": {"reset": True},
        "EVID 4": {"evid": 4},
        "simultaneous": {"twins": True},
        "at an observation": {"watched": True},
        "other compartment": {"cmt": 2},
        "varying parameters": {"varies": True},
    }
)
#: What a modifier needs beside, unless another says otherwise.
_NEEDS: Mapping[str, Mapping[str, Any]] = {
    "constant at SS": {"ss": 1},
    "shorter than II at SS": {"form": "rate", "ss": 1},
    "equal to II at SS": {"form": "rate", "ss": 1},
    "longer than II at SS": {"form": "rate", "ss": 1},
}
_SHAPES = {name for name in _NEEDS if "than II" in name or "to II" in name}


def can_join(names: Iterable[str]) -> bool:
    """Whether all of these can hold for one dose."""
    names = set(names)
    fixed: dict[str, Any] = {}
    for name in names:
        for field, value in FIXES[name].items():
            if fixed.setdefault(field, value) != value:
                return False
    if names & _SHAPES and names & {"bolus", "constant at SS"}:
        return False
    return not {"constant at SS", "ADDL"} <= names


def make_plan(names: Sequence[str]) -> Plan:
    """One dose with all of these."""
    assert can_join(names)
    fields: dict[str, Any] = {}
    for table in (_NEEDS, FIXES):
        for name in names:
            fields |= table.get(name, {})
    return Plan(**fields)


def _order(plan: Plan, at: float) -> Any:
    """The dose record of a plan."""
    duration = plan.length * II
    values = {f"F{plan.cmt}": plan.bio, f"ALAG{plan.cmt}": plan.lag}
    amount, rate = AMOUNT, 0.0
    every = II if plan.ss or plan.addl else 0.0
    if plan.form == "rate":
        rate = plan.bio * amount / duration
    elif plan.form == "modelled rate":
        rate = -1.0
        values[f"R{plan.cmt}"] = plan.bio * amount / duration
    elif plan.form == "modelled duration":
        rate = -2.0
        values[f"D{plan.cmt}"] = duration
    elif plan.form == "constant":
        amount, rate, every = 0.0, 13.0, 0.0
    return Record(at, plan.evid, amount, rate, plan.cmt, every, plan.addl, plan.ss, values)


#: Parameters of doses that nobody ordered: a dose must not read them after its own record.
_DECOYS = {
    f"{name}{cmt}": value
    for cmt in (1, 2)
    for name, value in {"F": 0.5, "ALAG": 2.0, "R": 5.0, "D": 9.0}.items()
}
_CHANGES = ((0.9, {"CL": 3.5}), (4.1, {"CL": 16.0, "V1": 28.0}), (7.7, {"KA": 0.45, "V1": 17.0}))


def write_doses(plan: Plan, at: float, reset_after: float = RESETS[0]) -> list[Any]:
    """The records that a plan makes of itself, first dose at this time."""
    dose = _order(plan, at)
    records = [dose]
    if plan.watched:
        records = [Record(at), dose, Record(at)]
        arrivals = [at + plan.lag + j * II for j in range(plan.addl + 1)]
        records += [Record(t) for t in arrivals if t > at]
    if plan.twins:
        other = 3 - plan.cmt
        records = [
            Record(at, 1, 30.0, cmt=other, values={f"F{other}": 1.1}),
            *records,
            Record(at, 1, 40.0, 16.0, plan.cmt),
            Record(at, 1, 25.0, cmt=plan.cmt, values={f"ALAG{plan.cmt}": 0.0}),
        ]
    if plan.varies:
        records.append(Record(at + 0.05, 2, values=_DECOYS))
        records += [Record(at + t, 2 * (i % 2), values=v) for i, (t, v) in enumerate(_CHANGES)]
    if plan.reset:
        gone = at + reset_after
        records += [Record(gone), Record(gone, 3), Record(gone)]
        records.append(Record(gone + 0.4, 1, 20.0, cmt=2, values={"F2": 1.0, "ALAG2": 0.0}))
    return records


#: Observations of everyone: one at the start, and some at times where doses or changes may fall.
TIMES = (0.0, 0.4, 1.1, 1.7, 2.4, 3.2, 6.0, 7.7, 8.9, 12.0, 15.6, 26.5)


def join_records(*parts: Iterable[Any]) -> list[Any]:
    """All records by time, those of one time in the order given, among observations of everyone.

    The table begins with a small bolus, so that there is something to be added to or cancelled.
    """
    before = [Record(0.0, 1, 15.0, cmt=2), Record(0.0, 1, 15.0)]
    watched = [Record(t) for t in TIMES]
    return sorted([*before, *(r for part in parts for r in part), *watched], key=lambda r: r.time)
