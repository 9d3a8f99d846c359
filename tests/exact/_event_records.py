"""A record list, the table that says it, and what it means by the rules of ``docs/events.md``.

``predict`` interprets records with closed forms alone: every dose becomes a short list of arrivals
(a load, or an inflow from one time to another), and the prediction is the plain sum over them.
It is written from the specification and knows nothing of the laboratory's own code, which is
called through the command line only.
"""

import csv
import io
import runpy
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from math import inf
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple

from ketalab.cli import main

forms = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("_closed_forms.py"))))

Values = Mapping[str, float]
NONE: Values = MappingProxyType({})


class Record(NamedTuple):
    """One line of a table; what is None or 0 is written as a dot."""

    time: float
    evid: int = 0
    amt: float = 0.0
    rate: float = 0.0
    cmt: int = 0
    ii: float = 0.0
    addl: int = 0
    ss: int = 0
    values: Values = NONE


class Model(NamedTuple):
    """A model as text, and its closed form."""

    compartments: tuple[str, ...]
    flows: tuple[str, ...]
    responses: Callable[[Values], Any]
    defaults: Values


SHARED = {"KA": 1.1, "CL": 9.0, "V1": 20.0, "Q": 6.0, "V2": 35.0} | {
    f"{name}{cmt}": value + 0.01 * cmt
    for cmt in (1, 2, 3)
    for name, value in {"F": 0.85, "ALAG": 0.25, "R": 31.0, "D": 1.7}.items()
}
KINETIC = ("KA", "CL", "V1", "Q", "V2")
ONE_FLOWS = (
    "{from: depot, to: central, rate: KA}",
    "{from: central, to: out, clearance: CL, volume: V1}",
)
TWO_FLOWS = (
    *ONE_FLOWS,
    "{from: central, to: peripheral, clearance: Q, volume: V1}",
    "{from: peripheral, to: central, clearance: Q, volume: V2}",
)
MODELS = {
    "one compartment": Model(("depot", "central"), ONE_FLOWS, forms.one_compartment, SHARED),
    "absorption as fast as elimination": Model(
        ("depot", "central"), ONE_FLOWS, forms.one_compartment, SHARED | {"KA": 9.0 / 20.0}
    ),
    "two compartments": Model(
        ("depot", "central", "peripheral"), TWO_FLOWS, forms.two_compartments, SHARED
    ),
}
KEYS = {"bioavailability": "F", "lag": "ALAG", "rate": "R", "duration": "D"}


def write_model(model: Model, names: Sequence[str] | None = None) -> str:
    """MODEL.yaml of a model; with other names for its compartments where they are given."""
    names = names or model.compartments
    renamed = dict(zip(model.compartments, names, strict=True))
    lines = ["parameters:"]
    lines += [f"  {name}: {value!r}" for name, value in model.defaults.items()]
    lines += [f"compartments: [{', '.join(names)}]", "flows:"]
    for flow in model.flows:
        for old in model.compartments:
            flow = flow.replace(f": {old},", f": <{old}>,")
        for old, new in renamed.items():
            flow = flow.replace(f"<{old}>", new)
        lines.append(f"  - {flow}")
    for key, letter in KEYS.items():
        inside = ", ".join(f"{name}: {letter}{i}" for i, name in enumerate(names, start=1))
        lines.append(f"{key}: {{{inside}}}")
    lines.append(f"observe: {{compartment: {renamed['central']}, scale: V1}}")
    return "\n".join(lines) + "\n"


HEAD = ("ID", "TIME", "AMT", "RATE", "EVID", "CMT", "II", "ADDL", "SS")


def write_table(people: Mapping[str, Sequence[Record]]) -> str:
    """The table of these people, with a column for every parameter that a record sets."""
    named = {name for records in people.values() for r in records for name in r.values}
    columns = sorted(named)
    lines = [",".join((*HEAD, *columns))]
    for person, records in people.items():
        for r in records:
            cells = [repr(x) if x else "." for x in (r.amt, r.rate)]
            cells.append(str(r.evid))
            cells += [repr(x) if x else "." for x in (r.cmt, r.ii, r.addl, r.ss)]
            cells += [repr(r.values[name]) if name in r.values else "." for name in columns]
            lines.append(",".join((person, repr(r.time), *cells)))
    return "\n".join(lines) + "\n"


def run_text(folder: Path, capsys: Any, table: str, model: str, *options: str) -> str:
    """Standard output of ``ketalab events`` on these two texts; it must succeed and be silent."""
    (folder / "table.csv").write_text(table, encoding="utf-8", newline="")
    (folder / "model.yaml").write_text(model, encoding="utf-8")
    capsys.readouterr()
    code = main(
        ["events", str(folder / "table.csv"), "--model", str(folder / "model.yaml"), *options]
    )
    out, err = capsys.readouterr()
    assert code == 0, err
    return str(out)


def read_predictions(out: str) -> dict[str, list[float]]:
    """PRED of every person, in the order of the table."""
    lines = list(csv.reader(io.StringIO(out)))
    assert lines[0] == ["ID", "TIME", "PRED"]
    found: dict[str, list[float]] = {}
    for person, _, value in lines[1:]:
        found.setdefault(person, []).append(float(value))
    return found


def run(
    folder: Path, capsys: Any, model: Model, people: Mapping[str, Sequence[Record]]
) -> dict[str, list[float]]:
    """What the command predicts for these people."""
    return read_predictions(run_text(folder, capsys, write_table(people), write_model(model)))


class Arrival(NamedTuple):
    """Amounts that are there from a time on, or an inflow into one compartment between two times."""

    start: float
    loads: tuple[float, ...]
    cmt: int = 0
    rate: float = 0.0
    stop: float = inf


def same_time(a: float, b: float) -> bool:
    """Equal to less than 1e-10 of their size, or of 1."""
    return abs(a - b) < 1e-10 * max(1.0, abs(a), abs(b))


def _one_dose(start: float, cmt: int, size: int, load: float, rate: float, stop: float) -> Arrival:
    if rate:
        return Arrival(start, (0.0,) * size, cmt, rate, stop)
    return Arrival(start, tuple(load if i == cmt else 0.0 for i in range(size)))


def _dose(record: Record, params: Values) -> tuple[int, float, float, float, float]:
    """Compartment, load, rate, duration and lag of a dose record."""
    label = record.cmt or 1
    amount = params[f"F{label}"] * record.amt
    lag = params[f"ALAG{label}"]
    if record.rate == -2:
        duration = params[f"D{label}"]
        return label - 1, 0.0, amount / duration, duration, lag
    rate = params[f"R{label}"] if record.rate == -1 else record.rate
    if rate and amount:
        return label - 1, 0.0, rate, amount / rate, lag
    return label - 1, 0.0 if rate else amount, 0.0, 0.0, lag


def is_constant(record: Record) -> bool:
    """An infusion that has run for ever."""
    return bool(record.ss and not record.amt and not record.ii and record.rate)


def implied_doses(record: Record, params: Values, responses: Any) -> list[Arrival]:
    """What the doses before the record's own have left, by the geometric series."""
    size, now = forms.size_of(responses), record.time
    if is_constant(record):
        cmt = (record.cmt or 1) - 1
        rate = params[f"R{cmt + 1}"] if record.rate == -1 else record.rate
        return [Arrival(now, tuple(rate * forms.endless(responses[cmt, i]) for i in range(size)))]
    cmt, load, rate, duration, lag = _dose(record, params)
    if not (load or rate):
        return []
    left = [0.0] * size
    arrivals: list[Arrival] = []
    start = now - record.ii + lag
    while start + duration > now:  # on its way, or still running
        if start > now:
            arrivals.append(_one_dose(start, cmt, size, load, rate, start + duration))
        else:
            arrivals.append(Arrival(now, (0.0,) * size, cmt, rate, start + duration))
            for i in range(size):
                left[i] += rate * forms.fill(responses[cmt, i], now - start)
        start -= record.ii
    for i in range(size):  # all others have ended
        terms = responses[cmt, i]
        ended = forms.end_infusion(terms, duration) if rate else terms
        series = forms.repeat(ended, record.ii)
        left[i] += (rate or load) * forms.decay(series, now - start - duration)
    return [*arrivals, Arrival(now, tuple(left))]


def own_doses(record: Record, params: Values, size: int) -> list[Arrival]:
    """The dose of the record and its additional ones."""
    cmt, load, rate, duration, lag = _dose(record, params)
    if not (load or rate) or is_constant(record):
        return []
    starts = [record.time + lag + j * record.ii for j in range(record.addl + 1)]
    return [_one_dose(s, cmt, size, load, rate, s + duration) for s in starts]


def amounts_from(
    arrival: Arrival, history: Sequence[tuple[float, Any]], now: float
) -> tuple[float, ...]:
    """What one arrival has left by now, walking through the spans of constant rates."""
    inner = {t for t in (arrival.stop, *(t for t, _ in history)) if arrival.start < t < now}
    state = arrival.loads
    for a, b in pairwise(sorted({arrival.start, *inner, now})):
        responses = [kinetics for t, kinetics in history if t <= a or same_time(t, a)][-1]
        rate = arrival.rate if a < arrival.stop else 0.0
        state = forms.advance(responses, state, arrival.cmt, rate, b - a)
    return state


def predict(model: Model, records: Iterable[Record]) -> list[float]:
    """PRED of one person's records, by the rules of the specification and closed forms."""
    params = dict(model.defaults)
    history: list[tuple[float, Any]] = []
    kinetics: tuple[float, ...] = ()
    arrivals: list[Arrival] = []
    found = []
    for record in records:
        if record.evid in (3, 4):
            arrivals, history, kinetics = [], [], ()
        params |= record.values
        if kinetics != (kinetics := tuple(params[name] for name in KINETIC)):
            history.append((record.time, model.responses(params)))
        responses = history[-1][1]
        if record.evid in (1, 4):
            if record.ss == 1:
                arrivals = []
            if record.ss:
                arrivals += implied_doses(record, params, responses)
            arrivals += own_doses(record, params, forms.size_of(responses))
        amount = sum(
            amounts_from(one, history, max(record.time, one.start))[forms.CENTRAL]
            for one in arrivals
            if one.start <= record.time or same_time(one.start, record.time)
        )
        found.append(amount / params["V1"])
    return found


def difference(
    found: Sequence[float], expected: Sequence[float], rel: float = 1e-9
) -> tuple[int, float, float] | None:
    """The worst value off by more than ``rel``, above a floor of 1e-12 of the peak; else None."""
    assert len(found) == len(expected)
    floor = 1e-12 * max(map(abs, expected), default=0.0)
    off = [
        (abs(a - b) / max(rel * abs(b), floor, 5e-324), i)
        for i, (a, b) in enumerate(zip(found, expected, strict=True))
    ]
    worst, at = max(off, default=(0.0, 0))
    return (at, found[at], expected[at]) if not worst <= 1 else None


def compare(
    folder: Path,
    capsys: Any,
    model: Model,
    people: Mapping[str, Sequence[Record]],
    rel: float = 1e-9,
) -> dict[str, tuple[int, float, float]]:
    """Every person predicted wrongly, with the record, what was found and what is right."""
    found = run(folder, capsys, model, people)
    assert list(found) == list(people)
    wrong = {
        name: difference(found[name], predict(model, records), rel)
        for name, records in people.items()
    }
    return {name: what for name, what in wrong.items() if what}
