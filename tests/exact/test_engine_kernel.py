"""The compiled kernel: the same states as the scheme in NumPy, whoever stands beside, in vectors and not in scalars."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp
from numpy.typing import NDArray

from ketalab.engine import (
    Problem,
    Schedule,
    Segment,
    _compiled,
    build_grid,
    check,
    kernel_stepper,
    solve,
)
from ketalab.engine._deviations import deviate
from ketalab.engine._kernel import LANES, load_march
from ketalab.engine._packed import solve_packed
from ketalab.laboratory import Course, Individuals, animal_model, human_model, individuals
from ketalab.laboratory._course import build_schedule, make_problem
from ketalab.model._symbols import SymbolicMaths
from ketalab.model.contract import (
    Entry,
    Equations,
    Input,
    Layer,
    Maths,
    Output,
    Parameter,
    State,
    Values,
)
from ketalab.model.joining import join
from ketalab.model.tracing import Traced, trace
from ketalab.people import Population, Streams, draw
from ketalab.protocol import Intervention, parse_phrase

Array = NDArray[np.float64]

COURSES: Mapping[str, tuple[str, float]] = {
    "one infusion": ("0.5 mg/kg ketamine iv over 40 min", 2.0),
    "bolus, then infusion": (
        "0.25 mg/kg ketamine iv bolus, then 0.5 mg/kg esketamine iv over 2 h",
        1.0,
    ),
    "by nose, mouth and muscle": (
        "56 mg esketamine nasal; 50 mg ketamine oral at 12 h; 25 mg ketamine im at 20 h",
        2.0,
    ),
    "with naltrexone and midazolam": (
        "0.5 mg/kg ketamine iv over 40 min + 50 mg naltrexone oral + 2 mg midazolam iv bolus",
        2.0,
    ),
    "under an enzyme inhibitor": (
        "200 mg itraconazole oral at -12 h + 50 mg ketamine oral",
        1.0,
    ),
}


def posed(
    phrase: str, days: float, people: int = 11, model: Traced | None = None, species: Any = "human"
) -> tuple[Problem, Schedule]:
    model = human_model() if model is None else model
    course = Course(
        parse_phrase(phrase).administrations,
        24 * days,
        interventions=(Intervention("AMPA", 0.4, "systemic", 3.0, 9.0),),
    )
    streams = Streams(4)
    drawn = individuals(
        model, draw(Population(species=species), streams, people), streams, "person"
    )
    return make_problem(model, drawn), build_schedule(model, course, drawn)


def largest(made: Array, reference: Array) -> float:
    """The metric of the manual, with a floor at rest."""
    size = np.maximum(np.abs(reference), 1e-3 * np.abs(reference).max(axis=0))
    return float((np.abs(made - reference) / np.maximum(size, 1e-6)).max())


def coarse(problem: Problem, schedule: Schedule) -> Any:
    """A grid of few steps, chosen by the kernel because that is quick."""
    stepper = kernel_stepper(problem, schedule)
    assert stepper is not None
    return build_grid(problem, schedule, tolerance=1e-4, stepper=stepper)


def packed(problem: Problem, schedule: Schedule, grid: Any, times: Array, **options: Any) -> Any:
    made = solve_packed(problem, schedule, grid, times, **options)
    assert made is not None
    return made


# --- the same as NumPy ----------------------------------------------------------------------------


#: How far the kernel's steps may be from NumPy's: by rounding of double numbers, and of single ones.
ROUNDING = {"double": 1e-8, "single": 2e-5}


@pytest.mark.parametrize("numbers", ROUNDING)
@pytest.mark.parametrize("name", COURSES)
def test_the_kernel_gives_the_states_that_numpy_gives(name: str, numbers: str) -> None:
    problem, schedule = posed(*COURSES[name])
    grid = coarse(problem, schedule)
    times = np.unique([*np.linspace(schedule[0].start, schedule[-1].stop, 37), schedule[0].stop])
    ours = packed(problem, schedule, grid, times, single=numbers == "single")
    theirs = solve(problem, schedule, grid, times)
    assert not ours.failed
    assert largest(ours.linear, theirs.linear) < 1e-7
    assert largest(ours.states, theirs.states) < ROUNDING[numbers]


@pytest.mark.parametrize("species", ["rat", "mouse"])
def test_animals_have_a_kernel_of_their_own(species: Any) -> None:
    problem, schedule = posed("10 mg/kg ketamine ip", 1.0, 5, animal_model(species), species)
    grid = coarse(problem, schedule)
    times = np.linspace(0, 24, 9)
    ours, theirs = packed(problem, schedule, grid, times), solve(problem, schedule, grid, times)
    assert largest(ours.states, theirs.states) < ROUNDING["single"]
    assert largest(ours.linear, theirs.linear) < 1e-7


def test_a_grid_chosen_by_the_kernel_serves_as_well_as_one_chosen_by_numpy() -> None:
    problem, schedule = posed(*COURSES["one infusion"])
    stepper = kernel_stepper(problem, schedule)
    assert stepper is not None
    ours, theirs = (
        build_grid(problem, schedule, stepper=stepper),
        build_grid(problem, schedule),
    )
    # Rounding may tip a single step.
    assert sum(map(len, ours)) == pytest.approx(sum(map(len, theirs)), rel=0.1)


def test_a_small_rise_above_rest_keeps_its_digits_in_single_numbers() -> None:
    # A thousandth of the usual dose moves states that rest at one by less than a single number shows of one.
    problem, schedule = posed("0.0005 mg/kg ketamine iv over 40 min", 1.0, 5)
    grid = coarse(problem, schedule)
    times = np.linspace(0, 24, 25)
    single, double = (
        packed(problem, schedule, grid, times, single=is_single).states - problem.initial[:, None]
        for is_single in (True, False)
    )
    peak = np.abs(double).max(axis=0)
    names = dict(zip(problem.state_names, peak.max(axis=1), strict=True))
    assert 1e-9 < names["translated"] < 1e-5
    moved = peak > 1e-12
    assert (np.abs(single - double).max(axis=0)[moved] < 2e-5 * peak[moved]).all()


# --- a patient's bytes ----------------------------------------------------------------------------


def test_a_patients_bytes_do_not_depend_on_the_company_or_the_lane() -> None:
    problem, schedule = posed(*COURSES["one infusion"], people=2 * LANES + 3)
    grid = coarse(problem, schedule)
    times = np.linspace(0, 48, 7)
    whole = packed(problem, schedule, grid, times)
    for members in ([5], [LANES, 2], list(range(2 * LANES + 3))[::-1]):
        part = packed(problem.take(members), tuple(s.take(members) for s in schedule), grid, times)
        np.testing.assert_array_equal(part.states, whole.states[:, :, members])
        np.testing.assert_array_equal(part.linear, whole.linear[:, :, members])


def test_states_that_are_not_asked_for_are_left_out_and_change_nothing() -> None:
    problem, schedule = posed(*COURSES["one infusion"], people=3)
    grid = coarse(problem, schedule)
    times = np.linspace(0, 48, 5)
    asked = problem.linear_names.index("S_arm_ketamine")
    whole, part = (
        packed(problem, schedule, grid, times),
        packed(problem, schedule, grid, times, shown=[asked]),
    )
    np.testing.assert_array_equal(part.states, whole.states)
    assert part.shown == (asked,)
    np.testing.assert_array_equal(part.linear, whole.linear[:, [asked]])
    rows = part.linear_rows(len(problem.linear_names))
    np.testing.assert_array_equal(rows.pop(asked), whole.linear[:, asked])
    assert not any(row.any() for row in rows)


# --- models of our own ----------------------------------------------------------------------------


BODY = Layer(
    name="body",
    equations=lambda m, v: Equations(
        {"depot": -v.ka * v.depot, "delay": v.ka * (v.depot - v.delay), "centre": v.ka * v.delay - v.ke * v.centre},
        {"level": v.centre / 10},
    ),
    outputs=(Output("level", "umol", "level"),),
    states=tuple(State(name, "umol", name) for name in ("depot", "delay", "centre")),
    parameters=(Parameter("ka", "1/h", "ka"), Parameter("ke", "1/h", "ke")),
    entries=(Entry("oral", "drug", "depot"),),
    linear=True,
)  # fmt: skip


def a_brain(rates: Callable[[Maths, Values], Mapping[str, Any]], *states: str) -> Layer:
    return Layer(
        name="brain",
        equations=lambda m, v: Equations(dict(rates(m, v)), {}),
        inputs=(Input("level", "umol"), Input("switch", "dimensionless", default=1.0)),
        states=tuple(State(name, "dimensionless", name, initial=0.1) for name in states),
        parameters=(Parameter("q", "1/h", "q"), Parameter("p", "dimensionless", "p")),
    )


RATES: Mapping[str, Callable[[Maths, Values], Mapping[str, Any]]] = {
    "one state": lambda m, v: {"a": v.q * (v.level - v.a)},
    "every function": lambda m, v: {
        "a": m.exp(-v.level) * v.switch - v.q * v.a,
        "b": m.log(1 + v.level) + m.sqrt(0.1 + v.a) - v.b * (1 + (0.1 + v.level) ** v.p),
        "c": m.maximum(v.a, v.b) + m.minimum(v.level, v.p) - v.q * v.c,
        "d": v.a**3 / (v.c**3 + 0.5) - v.d,
    },
}


def posed_of_our_own(name: str) -> tuple[Problem, Schedule]:
    names = ("level", "switch", "q", "p", *"abcd")
    states = list(RATES[name](SymbolicMaths(), Values({n: sp.Symbol(n) for n in names})))
    model = trace(join([BODY, a_brain(RATES[name], *states)]))
    drawn = Individuals(np.exp(np.random.default_rng(1).normal(0, 0.5, (4, 5))), np.zeros((0, 5)))
    problem = make_problem(model, drawn)
    on, off = {"switch": 1.0}, {"switch": np.linspace(0, 1, 5)}
    schedule = (
        Segment(0.0, 1.0, ((0, np.full(5, 20.0)),), (), on),
        Segment(1.0, 1.5, (), ((2, np.full(5, 7.0)),), off),
        Segment(1.5, 30.0, ((0, np.full(5, 1.0)),), (), on),
    )
    return problem, schedule


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("name", RATES)
def test_a_state_more_in_a_layer_needs_nothing_of_the_engine(name: str, single: bool) -> None:
    problem, schedule = posed_of_our_own(name)
    grid = build_grid(problem, schedule, tolerance=1e-8)
    times = np.linspace(0, 30, 41)
    ours = packed(problem, schedule, grid, times, single=single)
    exact = check(problem, schedule, times)
    assert not ours.failed
    assert largest(ours.linear, exact.linear) < 1e-6
    assert largest(ours.states, exact.states) < (1e-4 if single else 1e-6)


def test_a_failed_patient_is_named_and_spoils_no_other() -> None:
    problem, schedule = posed(*COURSES["one infusion"], people=10)
    parameters = problem.parameters.copy()
    row = human_model().parameters.index("brain.glutamate_gain")
    parameters[row, 4] = np.nan
    grid = coarse(problem, schedule)
    times = np.linspace(0, 48, 5)
    sound = packed(problem, schedule, grid, times)
    ill = packed(replace(problem, parameters=parameters), schedule, grid, times)
    assert list(ill.failed) == [4]
    assert "not a finite number" in ill.failed[4]
    others = [i for i in range(10) if i != 4]
    np.testing.assert_array_equal(ill.states[:, :, others], sound.states[:, :, others])


def test_a_failed_patient_spoils_nobody_who_stands_in_the_same_lane_after_it() -> None:
    problem, schedule = posed(*COURSES["one infusion"], people=LANES + 6)
    parameters = problem.parameters.copy()
    parameters[human_model().parameters.index("brain.glutamate_gain"), 4] = np.nan
    grid = coarse(problem, schedule)
    times = np.linspace(0, 48, 5)
    sound = packed(problem, schedule, grid, times)
    ill = packed(replace(problem, parameters=parameters), schedule, grid, times)
    assert list(ill.failed) == [4]
    np.testing.assert_array_equal(ill.states[:, :, LANES + 4], sound.states[:, :, LANES + 4])


def test_a_state_at_rest_follows_another_that_an_input_moves() -> None:
    # No dose reaches either; the second is at rest until the first, which the switch moves, leaves it.
    def rates(m: Maths, v: Values) -> dict[str, Any]:
        return {"a": v.switch - v.a, "b": v.a - v.b, "c": v.q * (v.level - v.c)}

    model = trace(join([BODY, a_brain(rates, *"abc")]))
    drawn = Individuals(np.exp(np.random.default_rng(1).normal(0, 0.5, (4, 5))), np.zeros((0, 5)))
    problem = make_problem(model, drawn)
    schedule = (
        Segment(0.0, 1.0, (), (), {"switch": 0.1}),
        Segment(1.0, 9.0, (), (), {"switch": 0.7}),
    )
    grid = build_grid(problem, schedule, tolerance=1e-8)
    times = np.linspace(0, 9, 19)
    ours, theirs = packed(problem, schedule, grid, times), solve(problem, schedule, grid, times)
    assert np.ptp(theirs.states[:, 1]) > 0.3
    assert largest(ours.states[:, :2], theirs.states[:, :2]) < ROUNDING["single"]


def test_a_rate_that_runs_away_fails_its_patient() -> None:
    problem, schedule = posed(*COURSES["one infusion"], people=3)
    parameters = problem.parameters.copy()
    row = human_model().parameters.index("brain.spine_formation")
    turnover = human_model().parameters.index("brain.turnover")
    parameters[turnover, 1], parameters[row, 1] = -50.0, 0.0
    grid = coarse(problem, schedule)
    ill = packed(replace(problem, parameters=parameters), schedule, grid, np.array([0.0, 1.0]))
    assert "grows faster" in ill.failed[1]


def test_a_model_with_a_loop_is_left_to_numpy() -> None:
    problem, schedule = posed(*COURSES["one infusion"], people=2)
    looped = replace(problem, loop=True)
    assert kernel_stepper(looped, schedule) is None
    assert solve_packed(looped, schedule, (), np.zeros(1)) is None


# --- vectors, compiled once -----------------------------------------------------------------------


def test_the_lane_loop_multiplies_in_vectors_ten_to_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_compiled, "cache_folder", lambda: None)
    load_march.cache_clear()
    model = human_model()
    march = load_march(deviate(model.program, model.initial), tuple(range(len(model.states))))
    load_march.cache_clear()
    (text,) = march.run.inspect_asm().values()  # type: ignore[attr-defined]
    found: Counter[str] = Counter()
    inside = False
    for line in text.splitlines():
        if match := re.match(r"([A-Za-z_][\w.$]*):", line):
            inside = any(part in match[1] for part in ("cascade", "lanes_"))
        word = line.split()[0] if line.split() else ""
        if inside and (match := re.fullmatch(r"v?(?:f\w*m(?:add|sub)\w*|mul)([ps])[ds]", word)):
            found[match[1]] += 1
    assert found["p"] > 300
    assert found["p"] >= 10 * found["s"]


ASK = """
import hashlib, json, numpy as np, sys
sys.path.insert(0, sys.argv[1])
import test_engine_kernel as t
from ketalab.engine._deviations import deviate
from ketalab.engine._kernel import load_march
if sys.argv[2] == "people":
    problem, schedule = t.posed("0.5 mg/kg ketamine iv bolus", 0.1, 3)
else:
    problem, schedule = t.posed_of_our_own("every function")
made = t.packed(problem, schedule, ((3,) * 8,) * len(schedule), np.linspace(0, 2.4, 4))
program = deviate(problem.program(), tuple(problem.initial.tolist()))
march = load_march(program, tuple(range(len(problem.state_names))))
hits = sum(march.run.stats.cache_hits.values())
print(json.dumps({"bytes": hashlib.sha256(made.states.tobytes()).hexdigest(), "hits": hits}))
"""


@pytest.mark.slow
def test_bytes_are_those_of_a_processor_without_wide_vectors_or_fused_sums(tmp_path: Path) -> None:
    def answer(**settings: str) -> str:
        environment = {**os.environ, "KETALAB_CACHE": str(tmp_path / "kept"), **settings}
        command = [sys.executable, "-W", "error", "-c", ASK, str(Path(__file__).parent), "people"]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=600, check=True
        )
        return str(json.loads(done.stdout)["bytes"])

    assert answer() == answer(NUMBA_CPU_NAME="x86-64", NUMBA_CPU_FEATURES="")


def test_two_processes_that_start_cold_at_once_agree_and_the_next_one_reads(tmp_path: Path) -> None:
    environment = {**os.environ, "KETALAB_CACHE": str(tmp_path / "kept")}
    command = [sys.executable, "-W", "error", "-c", ASK, str(Path(__file__).parent), "small"]

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def answer(process: subprocess.Popen[str]) -> dict[str, Any]:
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        return dict(json.loads(out))

    one, two = start(), start()
    first, second, third = answer(one), answer(two), answer(start())
    assert first["bytes"] == second["bytes"] == third["bytes"]
    assert third["hits"] == 1
