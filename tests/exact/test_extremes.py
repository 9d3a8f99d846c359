"""Far outside what anyone gives: nothing overflows, nothing is negative, and what must be proportional is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ketalab.exchange.tables import predict
from ketalab.laboratory import Result, Scenario, simulate
from ketalab.people import Population

PLASMA = "plasma:venous:ketamine"
ALLOWED = 1e-4
YEARS_2 = 17_520.0


def run(phrase: str, **options: object) -> Result:
    options = {"patients": 12, "days": 2.0, "times": (1e-9, 0.5, 1.0, 24.0), **options}
    return simulate(Scenario.parse(phrase, **options))


def is_sound(result: Result, allowed: float = ALLOWED) -> None:
    """No patient failed, all values are numbers, and the checked error is small."""
    assert not result.failed
    assert result.check.error is not None
    assert result.check.error <= allowed
    for name, course in result.values.items():
        assert np.isfinite(course).all(), name
        assert np.isfinite(result.typical[name]).all(), name
        if name.split(":")[0] in ("plasma", "occupancy", "harm"):
            assert (course >= 0).all(), name


def test_no_drug_changes_nothing() -> None:
    result = run("0 mg/kg ketamine iv over 40 min")
    is_sound(result)
    assert not result.values[PLASMA].any()
    assert not result.values["harm:systolic"].any()
    still = result.values["symptom:depression"]
    # States that count from one leave rounding errors behind, which some hours of full drive gather.
    assert still == pytest.approx(np.ones_like(still), abs=1e-11)


@pytest.mark.parametrize("how", ["over 40 min", "bolus", "over 1 s"])
def test_ten_thousand_times_the_dose_is_ten_thousand_times_the_plasma(how: str) -> None:
    usual, large = run(f"0.5 mg/kg ketamine iv {how}"), run(f"5000 mg/kg ketamine iv {how}")
    # Where receptors are full, what is left of one is the rounding of single numbers: such people go to the checker.
    is_sound(large, 2 * ALLOWED)
    assert large.values[PLASMA] == pytest.approx(1e4 * usual.values[PLASMA], rel=1e-9)
    assert large.values["occupancy:NMDA:cortical"].max() <= 1


@pytest.mark.parametrize("weight", [3.0, 300.0])
def test_the_lightest_and_the_heaviest_are_solved(weight: float) -> None:
    result = run("0.5 mg/kg ketamine iv over 40 min", population=Population(weight_kg=weight))
    is_sound(result)
    assert result.typical[PLASMA].max() > 10


def test_an_infusion_of_a_second_is_all_but_a_bolus() -> None:
    second, bolus = run("0.5 mg/kg ketamine iv over 1 s"), run("0.5 mg/kg ketamine iv bolus")
    is_sound(second)
    assert second.values[PLASMA][1:] == pytest.approx(bolus.values[PLASMA][1:], rel=1e-3)


def test_a_nanohour_and_two_years_are_times_like_others() -> None:
    result = run("0.5 mg/kg ketamine iv over 40 min", days=730.0, times=(1e-9, 2e-9, 1.0, YEARS_2))
    is_sound(result)
    first, second, _, last = result.values[PLASMA]
    # All of the fast share of venous blood is there at once, so the course begins in proportion to time.
    assert second == pytest.approx(2 * first, rel=1e-6)
    assert np.all(first > 0)
    assert np.all(last < 1e-100)
    relief = result.values["symptom:relief"][-1]
    assert np.all(np.abs(relief) < 1e-3)


def steady_state(folder: Path, milligrams: float, hours: float) -> float:
    """What the typical person of 80 kg has just after the last of an infinite series of boluses."""
    (folder / "table.csv").write_text(f"ID,TIME,AMT,II,SS\n1,0,{milligrams},{hours},1\n")
    (folder / "model.yaml").write_text("builtin: human_ketamine\nparameters: {weight: 80}\n")
    ((_, value),) = predict(folder / "table.csv", folder / "model.yaml")
    return value


def series_of(count: int, **options: object) -> Result:
    return run(
        f"0.01 mg/kg ketamine iv bolus every 1 h x {count}",
        patients=2,
        days=(count + 4) / 24,
        times=(count - 1.0,),
        population=Population(weight_kg=80),
        **options,
    )


def test_three_hundred_doses_come_to_the_steady_state(tmp_path: Path) -> None:
    result = series_of(300, outputs=(PLASMA,))
    assert result.typical[PLASMA][0] == pytest.approx(steady_state(tmp_path, 0.8, 1.0), rel=1e-9)


@pytest.mark.slow
def test_ten_thousand_doses_come_to_the_steady_state(tmp_path: Path) -> None:
    result = series_of(10_000)
    is_sound(result)
    assert result.typical[PLASMA][0] == pytest.approx(steady_state(tmp_path, 0.8, 1.0), rel=1e-9)
