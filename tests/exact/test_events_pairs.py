"""Every pair of the things that can be done to a dose, against closed forms.

A pair is tried on one dose, where one dose can have both, and as two doses that overlap in either
order: one while the other lags or still flows in, and one when an additional dose of the other
falls due. Expected values come from ``_event_records.predict``.
"""

from __future__ import annotations

import runpy
from collections.abc import Mapping, Sequence
from itertools import combinations, combinations_with_replacement
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ketalab.cli import main

doses = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("_event_modifiers.py"))))
made = doses.made
Record = made.Record

#: What the specification lists, written out here so that a name cannot be lost.
REQUIRED = {
    *("bolus", "infusion", "RATE -1", "RATE -2", "ADDL", "SS 1", "SS 2", "constant at SS"),
    *("shorter than II at SS", "equal to II at SS", "longer than II at SS"),
    *("lag", "F below 1", "F above 1", "EVID 3", "EVID 4", "simultaneous"),
    *("at an observation", "other compartment", "varying parameters"),
}
PAIRS = list(combinations_with_replacement(doses.FIXES, 2))
FORMS = ("bolus", "infusion", "RATE -1", "RATE -2", "constant at SS")
SHAPES = ("shorter than II at SS", "equal to II at SS", "longer than II at SS")
#: The pairs that one dose cannot have; all others are tried on one dose too.
APART = {
    *map(frozenset, combinations(FORMS, 2)),
    *map(frozenset, combinations(SHAPES, 2)),
    *(frozenset((form, shape)) for form in ("bolus", "constant at SS") for shape in SHAPES),
    *map(frozenset, [("SS 1", "SS 2"), ("F below 1", "F above 1"), ("constant at SS", "ADDL")]),
}
MODELS = list(made.MODELS)


def write_people(first: str, second: str) -> dict[str, list[Any]]:
    """The people in whom a pair is tried, by what they are."""
    people = {}
    if first != second and doses.can_join((first, second)):
        plan = doses.make_plan((first, second))
        for reset in doses.RESETS if plan.reset else doses.RESETS[:1]:
            name = f"one dose reset after {reset}" if plan.reset else "one dose"
            people[name] = doses.join_records(doses.write_doses(plan, 0.0, reset))
    ways = ((first, second), (second, first)) if first != second else ((first, second),)
    for one, other in ways:
        for gap in (0.4, 1.7, doses.II):
            parts = (
                doses.write_doses(doses.make_plan([one]), 0.0, doses.RESETS[1]),
                doses.write_doses(doses.make_plan([other]), gap, doses.RESETS[0]),
            )
            people[f"{one} then {other} after {gap}"] = doses.join_records(*parts)
    return people


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, list[float]]]:
    """What the command predicts for all pairs, by model: one table each, since that is quick."""
    everyone = {
        f"{' x '.join(pair)}: {name}": records
        for pair in PAIRS
        for name, records in write_people(*pair).items()
    }
    folder = tmp_path_factory.mktemp("pairs")
    (folder / "table.csv").write_text(made.write_table(everyone), encoding="utf-8")
    answers = {}
    for name, model in made.MODELS.items():
        (folder / "model.yaml").write_text(made.write_model(model), encoding="utf-8")
        paths = [str(folder / file) for file in ("table.csv", "model.yaml", "out.csv")]
        assert main(["events", paths[0], "--model", paths[1], "--out", paths[2]]) == 0
        answers[name] = made.read_predictions(Path(paths[2]).read_text(encoding="utf-8"))
        assert list(answers[name]) == list(everyone)
    return answers


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("pair", PAIRS, ids=[" x ".join(pair) for pair in PAIRS])
def test_a_pair_is_predicted(
    pair: tuple[str, str], model: str, found: dict[str, dict[str, list[float]]]
) -> None:
    wrong = {
        name: made.difference(
            found[model][f"{' x '.join(pair)}: {name}"], made.predict(made.MODELS[model], records)
        )
        for name, records in write_people(*pair).items()
    }
    assert not {name: what for name, what in wrong.items() if what}


def test_the_grid_of_pairs_is_complete() -> None:
    assert set(doses.FIXES) == REQUIRED
    assert len(PAIRS) == len(set(map(frozenset, PAIRS))) == 20 * 21 / 2
    assert {name for pair in PAIRS for name in pair} == REQUIRED
    apart = {frozenset(pair) for pair in PAIRS if pair[0] != pair[1] and not doses.can_join(pair)}
    assert apart == APART
    for first, second in PAIRS:
        people = write_people(first, second)
        assert len(people) >= (6 if first != second else 3)
        if first != second and {first, second} not in APART:
            assert any(name.startswith("one dose") for name in people)


def test_every_modifier_changes_what_is_expected() -> None:
    """A modifier that the reference did not see would test nothing."""
    model = made.MODELS["two compartments"]
    for name in doses.FIXES:
        near = ["infusion"] if name != "infusion" and doses.can_join((name, "infusion")) else []
        plain = "RATE -1" if name in ("bolus", "RATE -2", "constant at SS") else "bolus"
        with_it = made.predict(
            model, doses.join_records(doses.write_doses(doses.make_plan([name, *near]), 0.0))
        )
        without = made.predict(
            model, doses.join_records(doses.write_doses(doses.make_plan(near or [plain]), 0.0))
        )
        if name == "at an observation":
            assert len(with_it) == len(without) + 2
        elif name not in ("bolus", "RATE -2", "RATE -1"):
            assert with_it != without, name
        if name not in ("at an observation", "bolus", "infusion"):
            assert with_it[-1] > 0


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("size", "step", "least"), [(3, 1, 600), (4, 19, 95)])
def test_all_that_one_dose_can_have_is_predicted_together(
    size: int, step: int, least: int, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every triple that can be; of the fours, every nineteenth."""
    sets = [names for names in combinations(doses.FIXES, size) if doses.can_join(names)][::step]
    assert len(sets) > least
    people = {
        " x ".join(names): doses.join_records(
            doses.write_doses(doses.make_plan(names), 0.0, doses.RESETS[i % 3])
        )
        for i, names in enumerate(sets)
    }
    assert not made.compare(tmp_path, capsys, made.MODELS[model], people)


WATCH = [0.5, 1.0, 3.0, 5.9, 6.0, 8.5, 9.0, 12.0, 14.5, 18.0, 20.0, 30.0]


def watch(*records: Any, times: Sequence[float] = WATCH) -> list[Any]:
    """Records among observations, by time."""
    return sorted([*records, *map(Record, times)], key=lambda r: r.time)


#: lag and bioavailability of the depot, on the record that orders a dose
LATE = {"ALAG1": 8.5, "F1": 0.6}
CASES: Mapping[str, list[Any]] = {
    "SS x longer than II x lag beyond II x F": watch(
        Record(0, 1, 90, 4, 1, 6, 0, 1, LATE), times=[0.0, 2.5, *WATCH]
    ),
    "SS x bolus x lag of exactly two II": watch(
        Record(0, 1, 90, 0, 2, 6, 0, 1, {"ALAG2": 12.0}), times=[0.0, *WATCH]
    ),
    "SS x bolus x lag of exactly II, off the binary grid": watch(
        Record(0.3, 1, 90, 0, 2, 0.1, 0, 1, {"ALAG2": 0.1}), times=[0.3, 0.4, 0.5, 0.8, 2.0]
    ),
    "ADDL x lag beyond II x reset": watch(
        Record(0, 1, 90, 0, 1, 6, 4, 0, LATE), Record(15.0, 3), Record(15.0, 1, 10, cmt=2)
    ),
    "ADDL x lag beyond II x reset as one arrives": watch(
        Record(0, 1, 90, 0, 2, 6, 4, 0, {"ALAG2": 8.5}), Record(14.5), Record(14.5, 3)
    ),
    "SS 2 x running infusion x ADDL": watch(
        Record(0, 1, 90, 9, 2), Record(4.0, 1, 50, 20, 1, 6, 3, 2)
    ),
    "SS 1 x running infusion x additional and lagged doses still to come": watch(
        Record(0, 1, 90, 9, 2, 6, 5),
        Record(0, 1, 70, 0, 1, 0, 0, 0, {"ALAG1": 9.0}),
        Record(5.0, 1, 50, 20, 1, 6, 0, 1, {"ALAG1": 0.0}),
    ),
    "SS 1 x SS 2 at one time": watch(
        Record(1.0, 1, 50, 0, 1, 6, 0, 1), Record(1.0, 1, 40, 8, 2, 8, 2, 2)
    ),
    "RATE -2 x F x lag x ADDL": watch(
        Record(0, 1, 90, -2, 1, 6, 4, 0, LATE | {"D1": 7.0}), Record(0.5, 2, values={"D1": 1.0})
    ),
    "RATE -1 x SS x equal to II x F x other compartment": watch(
        Record(1.0, 1, 60, -1, 2, 6, 0, 1, {"F2": 1.5, "R2": 15.0, "ALAG2": 0.0})
    ),
    "RATE -1 x constant at SS x F x lag": watch(
        Record(1.0, 1, 0, -1, 1, 0, 0, 1, LATE | {"R1": 15.0})
    ),
    "constant at SS 2 x running infusion x clearance that changes": watch(
        Record(0, 1, 90, 9, 2), Record(3.0, 1, 0, 12, 2, 0, 0, 2), Record(8.0, values={"CL": 2.0})
    ),
    "clearance that changes x longer than II at SS x lag beyond II": watch(
        Record(0, 1, 90, 4, 1, 6, 2, 1, LATE),
        *(Record(t, values={"CL": cl}) for t, cl in [(2.0, 3.0), (7.0, 15.0), (11.0, 1.0)]),
    ),
    "clearance that changes at the record of a steady state": watch(
        Record(0, 1, 90, 0, 1, 0, 0, 0, {"CL": 2.0}),
        Record(6.0, 1, 90, 0, 1, 6, 0, 1, {"CL": 14.0}),
        Record(9.0, 2, values={"CL": 5.0}),
    ),
    "time goes back at a reset, twice": [
        *watch(Record(0, 1, 90, 9, 1, 6, 3)),
        Record(2.0, 3, values={"CL": 3.0}),
        *(Record(t) for t in (2.0, 4.0)),
        Record(0.0, 4, 80, 0, 2, 6, 2, 1),
        *(Record(t) for t in (0.0, 3.0, 6.0, 12.0, 13.0)),
    ],
    "EVID 4 x SS 2 x longer than II": watch(
        Record(0, 1, 90, 9, 1, 6, 3), Record(7.0, 4, 90, 5, 2, 6, 1, 2)
    ),
    "two infusions into one compartment, two into another, a bolus into each": watch(
        *(Record(0.5 * i, 1, 40 + i, 11 * (i % 3), 1 + i % 2) for i in range(6))
    ),
    "an additional dose at 3 x 0.1 h is there at 0.3 h": watch(
        Record(0, 1, 5, 0, 2, 0.1, 9, 0, {"ALAG2": 0.0}),
        Record(0.3, 2),
        times=[0.1, 0.2, 0.3, 0.6, 0.7, 0.9, 2.0],
    ),
    "a reset at 0.3 h takes the dose that falls due at 3 x 0.1 h": watch(
        Record(0, 1, 5, 0, 2, 0.1, 9, 0, {"ALAG2": 0.0}), Record(0.3, 3), times=[0.3, 0.6]
    ),
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("case", CASES)
def test_a_case_of_three_or_more_is_predicted(
    case: str, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not made.compare(tmp_path, capsys, made.MODELS[model], {"1": CASES[case]})


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("length", [0.0, 2.0, 6.0, 15.0])
@pytest.mark.parametrize("lag", [0.0, 0.7, 6.0, 14.0])
def test_the_series_of_the_reference_is_the_sum_of_thousands_of_doses(
    length: float, lag: float, model: str
) -> None:
    """The expected values themselves: no steady state, but 2,000 doses each on its own."""
    build, params = made.MODELS[model].responses, made.MODELS[model].defaults
    rate = 12.0 if length else 0.0
    amount = rate * length if length else 50.0
    values = {"F1": 1.0, "ALAG1": lag}
    times = [0.0, 0.5, 3.0, 6.0, 9.3, 20.0]
    steady = [Record(0, 1, amount, rate, 1, 6, 0, 1, values), *map(Record, times)]
    terms = build(params)[made.forms.DEPOT, made.forms.CENTRAL]

    def leave(u: float) -> float:
        if u < 0:
            return 0.0
        if not rate:
            return amount * float(made.forms.decay(terms, u))
        running = made.forms.fill(terms, min(u, length))
        ended = made.forms.decay(made.forms.end_infusion(terms, length), u - length)
        return rate * float(running if u <= length else ended)

    summed = [sum(leave(t + 6 * k - lag) for k in range(2000)) / params["V1"] for t in times]
    assert not made.difference(made.predict(made.MODELS[model], steady)[1:], summed)
