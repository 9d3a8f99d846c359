"""The laboratory: the same scenario is the same bytes, and what cannot be simulated is refused in one line."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ketalab.engine._grid import _kinds
from ketalab.errors import InputError, ScenarioError, SolutionError
from ketalab.laboratory import (
    Course,
    Individuals,
    Prepared,
    Result,
    Scenario,
    _run,
    _simulate,
    find_person,
    human_model,
    individuals,
    outputs,
    prepare,
    run,
    simulate,
)
from ketalab.laboratory._course import build_schedule
from ketalab.people import People, Population, Streams, draw
from ketalab.protocol import parse_phrase

Array = NDArray[np.float64]
PATIENTS = 13


def scenario(phrase: str = "0.5 mg/kg ketamine iv over 40 min", **options: Any) -> Scenario:
    return Scenario.parse(phrase, **{"patients": PATIENTS, "days": 2.0, "seed": 3, **options})


@pytest.fixture(scope="module")
def result() -> Result:
    return simulate(scenario())


def pages(made: Result) -> tuple[str, bytes]:
    """What a result writes: the document and the courses."""
    return json.dumps(made.document(), allow_nan=False), made.frame().write_csv().encode()


def changed(one: Result, other: Result) -> list[str]:
    """Outputs that differ in any byte."""
    return [
        name
        for name in one.values
        if one.values[name].tobytes() != other.values[name].tobytes()
        or one.typical[name].tobytes() != other.typical[name].tobytes()
    ]


# --- bytes ----------------------------------------------------------------------------------------


def test_the_same_scenario_is_the_same_bytes(result: Result) -> None:
    again = simulate(scenario())
    assert not changed(result, again)
    assert pages(result) == pages(again)


@pytest.mark.parametrize("size", [1, 3, 8])
def test_the_bytes_do_not_depend_on_the_size_of_a_batch(
    result: Result, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_run, "BATCH", size)
    monkeypatch.setattr(_simulate, "BATCH", size)
    other = simulate(scenario())
    assert changed(result, other) == []
    assert pages(result) == pages(other)


def test_a_patient_is_the_same_whoever_else_is_simulated(result: Result) -> None:
    few = simulate(scenario(patients=5))
    assert [
        name
        for name in few.values
        if few.values[name].tobytes() != result.values[name][:, :5].tobytes()
    ] == []


@pytest.mark.parametrize(
    "asked",
    [
        ("plasma:venous:ketamine",),
        ("score:MADRS",),
        ("p:response:MADRS", "plasma:effect:ketamine"),
        ("harm:systolic", "synapse:spines", "symptom:relief"),
    ],
)
def test_the_bytes_of_an_output_do_not_depend_on_which_others_are_asked(
    result: Result, asked: tuple[str, ...]
) -> None:
    alone = simulate(scenario(outputs=asked))
    assert tuple(alone.values) == asked
    for name in asked:
        assert alone.values[name].tobytes() == result.values[name].tobytes()
        assert alone.typical[name].tobytes() == result.typical[name].tobytes()
        assert alone.figures[name].keys() == result.figures[name].keys()
    rows = {row["name"]: row for row in result.summary()}
    assert [rows[name] for name in asked] == alone.summary()


def test_the_kernel_solves_where_nothing_else_is_asked_for(result: Result) -> None:
    assert scenario().solver == "lockstep"
    assert not changed(result, simulate(scenario(engine="lockstep")))


def test_the_kernel_gives_the_results_of_numpy(result: Result) -> None:
    other = simulate(scenario(engine="numpy"))
    for name, values in result.values.items():
        size = np.maximum(np.abs(values), 1e-3 * np.abs(values).max(axis=0))
        error = np.abs(other.values[name] - values) / np.maximum(size, 1e-6)
        # Scores are whole points: a hair decides where one ends.
        assert np.quantile(error, 0.99) < 1e-4, name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "20 mg ketamine iv bolus + 10 mg esketamine iv bolus",
            "10 mg esketamine iv bolus + 20 mg ketamine iv bolus",
        ),
        (
            "0.5 mg/kg ketamine iv over 40 min + 10 mg arketamine iv over 2 h",
            "10 mg arketamine iv over 2 h + 0.5 mg/kg ketamine iv over 40 min",
        ),
        (
            "10 mg ketamine iv bolus at 1 h; 20 mg ketamine iv over 1 h",
            "20 mg ketamine iv over 1 h; 10 mg ketamine iv bolus at 1 h",
        ),
    ],
)
def test_the_order_in_which_doses_are_written_does_not_matter(one: str, other: str) -> None:
    first, second = (simulate(scenario(p, patients=3, days=1.0)) for p in (one, other))
    assert not changed(first, second)


def test_what_is_given_beside_is_given_too() -> None:
    one = simulate(scenario("10 mg ketamine iv bolus", patients=2, days=1.0))
    beside = simulate(
        scenario(
            "5 mg ketamine iv bolus", with_phrase="5 mg ketamine iv bolus", patients=2, days=1.0
        )
    )
    for name in ("plasma:venous:ketamine", "occupancy:NMDA:cortical"):
        np.testing.assert_allclose(beside.values[name], one.values[name], rtol=1e-12)


def test_another_seed_draws_other_people_but_the_same_typical_one(result: Result) -> None:
    other = simulate(scenario(seed=4))
    for name in ("plasma:venous:ketamine", "symptom:relief", "score:MADRS"):
        assert other.typical[name].tobytes() == result.typical[name].tobytes()
        assert other.values[name].tobytes() != result.values[name].tobytes()


def test_the_hash_moves_with_every_option_and_with_nothing_else() -> None:
    base = scenario()
    changes: list[dict[str, Any]] = [
        {"patients": 14},
        {"days": 3.0},
        {"population": Population(weight_kg=80)},
        {"with_phrase": "1 mg esketamine iv bolus"},
        {"outputs": ("score:MADRS",)},
        {"times": (0.0, 1.0)},
        {"engine": "checker"},
        {"seed": 4},
        {"uncertainty": False},
        {"phrase": "0.4 mg/kg ketamine iv over 40 min"},
    ]
    hashes = {base.hash(), *(base.replace(**change).hash() for change in changes)}
    assert len(hashes) == len(changes) + 1
    assert scenario().hash() == base.hash()
    assert all(len(value) == 64 for value in hashes)


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"patients": 0}, "patients: 0 is not allowed; allowed: 1 to 1,000,000"),
        ({"patients": 1_000_000_001}, "patients"),
        ({"patients": 2.5}, "patients"),
        ({"patients": "20"}, "patients"),
        ({"days": 0}, "days"),
        ({"days": -1}, "days"),
        ({"days": "two"}, "days"),
        ({"times": ("noon",)}, "times"),
        ({"days": float("nan")}, "days"),
        ({"days": 732}, "at most 731"),
        ({"engine": "magic"}, "allowed: auto, lockstep, numpy, checker"),
        ({"species": "cat"}, "allowed: human, rat, mouse"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**63}, "seed"),
        ({"seed": 0.5}, "seed"),
        ({"times": (49.0,)}, "times: 49 h lies outside 0 to 48 h"),
        ({"times": (-1.0,)}, "times"),
        ({"times": (float("nan"),)}, "times"),
        ({"times": tuple(np.linspace(0, 48, 10_001))}, "at most 10,000 times"),
        ({"patience": 3}, "patience"),
    ],
)
def test_an_option_out_of_range_is_refused_with_what_is_allowed(
    options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ScenarioError) as caught:
        scenario(**options)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("score:MADR", "did you mean 'score:MADRS'?"),
        ("plasma:venus:ketamine", "did you mean 'plasma:venous:ketamine'?"),
        ("unbound:S-ketamine", "output 'unbound:S-ketamine' is unknown"),
    ],
)
def test_an_unknown_output_is_refused_with_the_near_miss(asked: str, words: str) -> None:
    with pytest.raises(ScenarioError, match=words.replace("?", r"\?")):
        simulate(scenario(outputs=(asked,)))


@pytest.mark.parametrize(
    ("phrase", "words"),
    [
        (
            "20 mg norketamine iv bolus",
            ["'norketamine' by route 'iv'", "no model yet", "modelled: none"],
        ),
        (
            "5 mg midazolam sublingual",
            ["'midazolam' by route 'sublingual'", "modelled: iv, im, sc"],
        ),
        ("0.5 mg/kg ketamine ip", ["'ip'", "no model yet", "modelled: iv, im", "inhaled"]),
        ("10 mg hydroxynorketamine iv", ["'hydroxynorketamine' by route 'iv'", "no model yet"]),
    ],
)
def test_a_drug_or_a_route_without_a_model_is_refused_with_what_is_modelled(
    phrase: str, words: list[str]
) -> None:
    with pytest.raises(ScenarioError) as caught:
        simulate(scenario(phrase))
    for word in words:
        assert word in str(caught.value)


# --- failures -------------------------------------------------------------------------------------

COURSE = Course(parse_phrase("20 mg ketamine iv bolus").administrations, 24.0)
NAMES = ("plasma:venous:ketamine", "symptom:relief", "harm:systolic")
TIMES = np.array([0.0, 1.0, 12.0, 24.0])


@pytest.fixture(scope="module")
def ready() -> Prepared:
    return prepare(COURSE)


def three_people(parameter: str | None = None, value: float = np.nan) -> tuple[People, Individuals]:
    """Three people, of whom the second may have a constant that is no number."""
    people = draw(Population(), Streams(1), 3)
    drawn = individuals(human_model(), people, Streams(1), "none")
    parameters = drawn.parameters.copy()
    if parameter is not None:
        parameters[human_model().parameters.index(parameter), 1] = value
    return people, replace(drawn, parameters=parameters)


@pytest.mark.parametrize("engine", ["lockstep", "checker"])
@pytest.mark.parametrize(
    "parameter", ["body.cl", "mind.relief_time", "mind.relief_maximum", "harm.systolic"]
)
def test_a_failed_patient_is_an_error_that_counts_explains_and_names_the_option(
    ready: Prepared, parameter: str, engine: Any
) -> None:
    people, drawn = three_people(parameter)
    with pytest.raises(SolutionError) as caught:
        run(ready, drawn, people.weight, TIMES, NAMES, engine=engine)
    line = str(caught.value)
    assert "1 of 3 patients failed (patient 1: " in line
    assert engine == "checker" or "--engine checker" in line


def test_failed_patients_may_be_kept_as_no_number_with_their_reasons(ready: Prepared) -> None:
    people, drawn = three_people("mind.relief_maximum")
    values, failed = run(ready, drawn, people.weight, TIMES, NAMES, keep_failed=True)
    whole = three_people()
    good, none = run(ready, whole[1], people.weight, TIMES, NAMES)
    assert set(failed) == {1}
    assert "relief" in failed[1]
    assert none == {}
    for name in NAMES:
        assert np.all(np.isnan(values[name][:, 1]))
        np.testing.assert_array_equal(values[name][:, [0, 2]], good[name][:, [0, 2]])


@pytest.mark.parametrize("time", [-1.0, 25.0])
def test_a_time_outside_the_course_is_not_answered(ready: Prepared, time: float) -> None:
    people, drawn = three_people()
    with pytest.raises((ValueError, InputError)):
        run(ready, drawn, people.weight, np.sort(np.array([1.0, time])), NAMES)


def test_every_output_has_a_layer_a_grade_and_facts() -> None:
    layers = {layer.name for layer in human_model().joined.layers}
    for info in outputs().values():
        assert info.layer in layers
        assert info.grade in "ABCD"
        # The blocked share of transporters is what a window says, and no constant.
        assert info.facts or info.name == "occupancy:SERT"
        assert info.meaning


def test_an_input_that_nothing_integrated_reads_asks_for_no_steps_of_its_own() -> None:
    """Days of use differ from dose to dose, and doses that are otherwise alike share their steps."""
    model = human_model()
    assert "use:days" in model.idle
    assert not model.idle & {"activity:AMPA", "enzyme:liver:CYP2B6", "session"}
    text = "; ".join(f"0.5 mg/kg ketamine iv over 40 min at {72 * dose} h" for dose in range(4))
    course = find_person(Scenario.parse(text, days=12)).course
    people = draw(Population(), Streams(1), 2)
    schedule = build_schedule(model, course, individuals(model, people, Streams(1), "none"))
    assert [s.inputs["use:days"] for s in schedule if s.inflow] == [1, 2, 3, 4]
    kinds = _kinds(schedule, model.idle)
    infusions = [kind for s, kind in zip(schedule, kinds, strict=True) if s.inflow]
    assert len(infusions) == 4
    assert len(set(infusions)) == 1
