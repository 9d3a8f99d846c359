"""The guard of a run: some patients are solved again on half the steps, and nobody is NaN or wrong in silence."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ketalab.engine import Grid, Problem, Schedule, Segment, _grid, _lockstep, halve_grid, solve
from ketalab.errors import SolutionError
from ketalab.laboratory import (
    ALLOWED,
    Account,
    Course,
    Individuals,
    Result,
    _guard,
    _prepare,
    _run,
    _simulate,
    human_model,
    individuals,
    integrate,
    prepare,
    run,
)
from ketalab.laboratory._guard import TYPICAL, choose_checked, choose_marks, estimate_errors
from ketalab.people import People, Population, Streams, draw, typical_people
from ketalab.protocol import parse_phrase

Array = NDArray[np.float64]
NAMES = ("plasma:venous:ketamine", "synapse:potentiation", "symptom:relief")
_guarded = runpy.run_path(str(Path(__file__).with_name("_guarded.py")))
INFUSION, ASKED, PATIENTS = (_guarded[name] for name in ("INFUSION", "ASKED", "PATIENTS"))
scenario, simulate_one, spoil = (_guarded[name] for name in ("scenario", "simulate_one", "spoil"))

#: What single numbers leave of an estimate where the true error is smaller.
ROUNDING = 1e-6


@pytest.fixture(scope="module")
def whole() -> Result:
    """The run that nobody meddles with."""
    return simulate_one()


def course(phrase: str, days: float) -> Course:
    return Course(parse_phrase(phrase).administrations, days * 24)


def drawn_people(count: int, seed: int = 1) -> tuple[People, Individuals]:
    people = draw(Population(), Streams(seed), count)
    return people, individuals(human_model(), people, Streams(seed), "person")


def coarsen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take one step from event to event."""

    def one_step(pilots: Problem, schedule: Schedule, **_: object) -> Grid:
        return ((0,),) * len(schedule)

    monkeypatch.setattr(_prepare, "build_grid", one_step)


def same_but(one: Result, other: Result, number: int) -> None:
    """Every other patient and the typical one have the same bytes."""
    others = [i for i in range(PATIENTS) if i != number]
    for name in ASKED:
        assert one.values[name][:, others].tobytes() == other.values[name][:, others].tobytes()
        assert one.typical[name].tobytes() == other.typical[name].tobytes()
        for figure, values in one.figures[name].items():
            np.testing.assert_array_equal(values[others], other.figures[name][figure][others])


# --- who is checked, and when ---------------------------------------------------------------------


def test_the_checked_are_chosen_by_their_own_numbers() -> None:
    assert choose_checked(np.arange(200)).tolist() == [*range(8), 64, 128, 192]
    assert choose_checked(np.array([500, 512, 7, 63, 640])).tolist() == [1, 2, 4]


def test_the_checked_are_compared_where_the_steps_grow_and_at_the_end() -> None:
    assert choose_marks(np.array([0.0, 1, 2, 4, 6, 7, 8, 12])).tolist() == [0.5, 3, 10, 12]
    edges = prepare(course(INFUSION, 7.0)).edges
    marks = choose_marks(edges)
    assert set(marks[:-1]) <= set(edges[:-1] + np.diff(edges) / 2)
    assert marks[-1] == edges[-1]
    for start, stop in ((0, 0.1), (0.1, 2 / 3), (2 / 3, 1), (1, 24), (24, 168)):
        assert np.any((marks > start) & (marks < stop))


def test_a_run_says_how_many_were_checked_and_how_large_the_error_was(whole: Result) -> None:
    assert whole.check.checked == 9
    assert whole.check.error is not None
    assert 1e-9 < whole.check.error < 1e-5
    assert (whole.check.above, whole.check.retried, whole.statuses) == (0, {}, {})
    written = whole.document()["check"]
    assert written["checked"] == 9
    assert written["allowed"] == 1e-4
    assert written["error"] == pytest.approx(whole.check.error, rel=0.01)


@pytest.mark.parametrize("who", ["nobody", "everybody"])
def test_checking_changes_no_byte(whole: Result, who: str, monkeypatch: pytest.MonkeyPatch) -> None:
    count = PATIENTS if who == "everybody" else 0
    monkeypatch.setattr(_run, "choose_checked", lambda numbers: np.arange(min(count, len(numbers))))
    other = simulate_one()
    assert other.check.checked == count
    same_but(whole, other, -1)


def test_the_error_does_not_depend_on_batches_or_on_what_is_asked(
    whole: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert simulate_one(outputs=("symptom:relief",), times=(0.0, 5.0)).check == whole.check
    for size in (1, 9):
        monkeypatch.setattr(_simulate, "BATCH", size)
        monkeypatch.setattr(_run, "BATCH", size)
        assert simulate_one().check == whole.check


def test_the_last_digit_of_one_alone_is_that_among_others() -> None:
    """The typical patient has round exponents, for which NumPy takes a short cut with one person only."""
    ready, times = prepare(course(INFUSION, 7.0)), np.linspace(0, 168, 337)
    typical = typical_people(Population())
    middle = individuals(human_model(), typical, Streams(0), "none", vary=False)
    people, drawn = drawn_people(4)
    joined = Individuals(
        np.concatenate([middle.parameters, drawn.parameters], axis=1),
        np.concatenate([middle.covariates, drawn.covariates], axis=1),
    )
    weights = np.concatenate([typical.weight, people.weight])
    names = (*NAMES, "synapse:BDNF", "synapse:spines")
    alone, _ = run(ready, middle, typical.weight, times, names)
    among, _ = run(ready, joined, weights, times, names)
    for name in names:
        assert alone[name][:, 0].tobytes() == among[name][:, 0].tobytes()


# --- the estimate ---------------------------------------------------------------------------------


def test_an_error_is_relative_with_a_floor_of_a_thousandth_of_the_peak() -> None:
    halved = np.array([[[100.0, 1.0]], [[1e-6, 2.0]]])
    values = halved + np.array([[[1.0, 0.0]], [[1e-3, np.nan]]])
    errors, states = estimate_errors(values, halved)
    assert errors.tolist() == [pytest.approx(0.01), np.inf]
    assert states.tolist() == [0, 0]
    assert estimate_errors(halved * 0 + 1e-12, halved * 0)[0].max() < 1e-5


def test_a_halved_grid_has_every_edge_and_every_middle() -> None:
    assert halve_grid(((0,), (1, 2, 2))) == ((1, 1), (2, 2, 3, 3, 3, 3))


@pytest.mark.parametrize("tolerance", [3e-6, 1e-3])
@pytest.mark.parametrize(
    ("phrase", "days"),
    [(INFUSION, 7.0), ("1 mg/kg ketamine iv bolus at -1 h; 20 mg ketamine iv bolus at 30 h", 3.0)],
)
def test_the_estimate_is_near_the_true_error(
    phrase: str, days: float, tolerance: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_grid, "TOLERANCE", tolerance)
    monkeypatch.setattr(_run, "ALLOWED", 1.0)
    ready, (people, drawn) = prepare(course(phrase, days)), drawn_people(4)
    times = np.unique(np.concatenate([ready.edges + s * np.diff(ready.edges, append=ready.edges[-1])
                                      for s in (0, 0.37, 0.5)]))  # fmt: skip
    names = ("synapse:BDNF", "synapse:potentiation", "synapse:spines", "symptom:relief")
    names = (*names, "circuit:glutamate", "state:tolerance", "belief:experience")
    made = integrate(ready, drawn, people.weight, times, names, engine="lockstep")
    reference = integrate(ready, drawn, people.weight, times, names, engine="checker").values
    for place, estimate in made.account.errors.items():
        true = 0.0
        for name in names:
            exact, ours = reference[name][:, place], made.values[name][:, place]
            size = np.maximum(np.abs(exact), np.maximum(1e-3 * exact.max(), 1e-6))
            true = max(true, float(np.max(np.abs(ours - exact) / size)))
        # The estimate is of states, most of which none of these outputs shows.
        assert true / 20 < estimate < 10 * true + ROUNDING


# --- patients whose solution failed ---------------------------------------------------------------


def test_steps_that_are_too_long_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    coarsen(monkeypatch)
    with pytest.raises(SolutionError) as caught:
        simulate_one(engine="numpy")
    line = str(caught.value)
    assert "of 70 patients failed (patient " in line
    assert "the estimated error of " in line
    for option in ("--engine auto", "--engine checker", "--failed keep"):
        assert option in line
    assert "\n" not in line


@pytest.mark.parametrize("failed", ["raise", "keep"])
def test_a_run_whose_grid_suits_nobody_is_refused_even_if_the_checked_were_retried(
    failed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    coarsen(monkeypatch)
    with pytest.raises(SolutionError, match=r"\d of 8 checked patients .* --engine checker"):
        simulate_one(patients=8, failed=failed)


def test_one_patient_above_the_allowed_error_is_solved_by_the_checker(
    whole: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: dict[Any, float] = {}
    add = Account.add

    def spy(self: Account, other: Account, names: Any) -> None:
        add(self, other, names)
        found.update(self.errors)

    monkeypatch.setattr(Account, "add", spy)
    simulate_one()
    worst = max((n for n in found if n != TYPICAL), key=lambda name: found[name])
    second = max(error for name, error in found.items() if name != worst)
    assert second < found[worst]
    for module in (_run, _guard):
        monkeypatch.setattr(module, "ALLOWED", (second + found[worst]) / 2)
    made, slow = simulate_one(), simulate_one(engine="checker")
    same_but(whole, made, worst)
    assert made.check.above == 1
    assert list(made.check.retried) == [str(worst)]
    assert "estimated error" in made.check.retried[str(worst)]
    assert made.statuses == {}
    for name in ASKED:
        np.testing.assert_array_equal(made.values[name][:, worst], slow.values[name][:, worst])
        if not name.startswith("score") and slow.values[name][:, worst].any():
            assert made.values[name][:, worst].tobytes() != whole.values[name][:, worst].tobytes()
    assert "Solved again by the checker: 1." in made.check.line()
    with pytest.raises(SolutionError, match=f"1 of 70 patients failed \\(patient {worst}: "):
        simulate_one(engine="lockstep")


@pytest.mark.parametrize("engine", ["auto", "lockstep", "numpy", "checker"])
@pytest.mark.parametrize("number", [5, 30])
def test_a_patient_without_a_solution_stops_the_run_and_the_option_is_named(
    number: int, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, number)
    with pytest.raises(SolutionError) as caught:
        simulate_one(engine=engine, patients=33)
    line = str(caught.value)
    assert f"1 of 33 patients failed (patient {number}: " in line
    assert "not a finite number" in line
    assert "--failed keep" in line


@pytest.mark.parametrize("engine", ["auto", "lockstep"])
@pytest.mark.parametrize("number", [5, 30])
def test_a_patient_without_a_solution_may_be_kept_as_no_number_with_the_reason(
    whole: Result, number: int, engine: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spoil(monkeypatch, number)
    made = simulate_one(engine=engine, failed="keep")
    same_but(whole, made, number)
    for name in ASKED:
        assert np.isnan(made.values[name][:, number]).all()
        assert all(np.isnan(figure[number]) for figure in made.figures[name].values())
    document = json.loads(json.dumps(made.document(), allow_nan=False))
    assert document["failed"] == 1
    assert document["check"]["checked"] == whole.check.checked - (number == 5)
    assert list(document["statuses"]) == [str(number)]
    assert "not a finite number" in document["statuses"][str(number)]
    assert ("the checker: " in document["statuses"][str(number)]) == (engine == "auto")
    assert list(document["check"]["retried"]) == ([str(number)] if engine == "auto" else [])
    others = np.delete(whole.figures["symptom:relief"]["at 24"], number)
    median = document["outputs"][1]["median"]["at"]["24"]
    assert median == pytest.approx(np.median(others), rel=1e-12)
    assert json.loads(made.dataset.attrs["statuses"]) == document["statuses"]
    assert json.loads(made.dataset.attrs["check"]) == document["check"]
    made.save(tmp_path / "run.csv")
    meta = json.loads((tmp_path / "run.csv.meta.json").read_text(encoding="utf-8"))
    assert (meta["check"], meta["statuses"]) == (document["check"], document["statuses"])


def test_the_typical_patient_is_guarded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(monkeypatch, None)
    with pytest.raises(SolutionError, match="a patient failed \\(the typical patient: "):
        simulate_one(patients=3)
    made = simulate_one(patients=3, failed="keep")
    assert list(made.statuses) == [TYPICAL]
    assert made.document()["failed"] == 0
    assert made.document()["outputs"][0]["typical"]["cmax"] is None
    assert made.document()["outputs"][0]["median"]["cmax"] is not None


def test_a_checker_that_cannot_run_leaves_both_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise SolutionError("no compiler here")

    spoil(monkeypatch, 1)
    monkeypatch.setattr(_run, "check", broken)
    status = simulate_one(patients=3, failed="keep").statuses["1"]
    assert status.endswith("; the checker: no compiler here")
    assert "not a finite number" in status


def test_only_many_errors_above_the_allowed_one_condemn_a_run() -> None:
    def account(above: int, checked: int) -> Account:
        errors = {i: 2 * ALLOWED if i < above else 0.0 for i in range(checked)}
        return Account(errors=errors)

    for above, checked in ((0, 1), (1, 1), (1, 8), (3, 30), (2, 20)):
        account(above, checked).refuse_many_above()
    for above, checked in ((2, 2), (2, 19), (4, 30)):
        with pytest.raises(SolutionError, match=f"{above} of {checked} checked patients"):
            account(above, checked).refuse_many_above()


def test_a_failed_run_of_many_batches_says_how_far_it_came(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spoil(monkeypatch, 5)
    monkeypatch.setattr(_simulate, "BATCH", 10)
    with pytest.raises(SolutionError, match="1 of the first 10 patients failed \\(patient 5: "):
        simulate_one()


def loop(strength: float) -> Problem:
    """Two states that feed each other, and a third patient's pair that hardly does."""
    parameters = np.array([[strength, strength, 0.0]])

    def gain(other: int) -> Any:
        return lambda d, y, p, c, i: 1.0 + p[0] * y[other]

    return Problem(
        linear_names=("x",),
        state_names=("y0", "y1"),
        matrix=np.full((3, 1, 1), -1.0),
        initial=np.zeros(2),
        gains=(gain(1), gain(0)),
        rates=(lambda d, y, p, c, i: 5.0 + 0 * p[0],) * 2,
        constant_rate=(True, True),
        drivers=(0,),
        order=(0, 1),
        loop=True,
        parameters=parameters,
        covariates=np.zeros((0, 3)),
        input_names=(),
    )


def test_a_loop_that_does_not_settle_is_a_failure_with_its_reason() -> None:
    schedule, times = (Segment(0.0, 4.0),), np.array([0.0, 2.0, 4.0])
    made = solve(loop(4.0), schedule, ((0,),), times)
    assert set(made.failed) == {0, 1}
    assert set(made.failed.values()) == {
        f"a feedback loop did not settle in {_lockstep._SWEEPS} sweeps"
    }
    assert not solve(loop(4.0), schedule, ((5,) * 32,), times).failed


def test_hours_that_a_drug_leaves_ask_for_more_steps_than_hours_at_rest() -> None:
    """An inhibitor twice daily cuts the days before and after a dose into segments that look alike."""
    inhibitor = "500 mg clarithromycin oral twice daily for 4 days at -72 h"
    grid = prepare(course(f"{inhibitor} + 0.2 mg/kg esketamine oral", 1.0)).grid
    *before, _, after = map(len, grid)
    assert after > max(before[1:])
