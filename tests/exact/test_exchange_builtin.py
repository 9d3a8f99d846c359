"""The laboratory's body as the model of an event table."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from ketalab.errors import TableError
from ketalab.exchange.tables import predict
from ketalab.laboratory import Scenario, simulate
from ketalab.people import Population

HOURS = (0.25, 0.5, 2 / 3, 1.0, 4.0, 24.0, 48.0)


def run(folder: Path, rows: list[dict[str, float]], model: str) -> list[float]:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with (folder / "table.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, restval=".")
        writer.writeheader()
        writer.writerows(rows)
    (folder / "model.yaml").write_text(model)
    return [value for _, value in predict(folder / "table.csv", folder / "model.yaml")]


def infusion(milligrams: float, **more: float) -> list[dict[str, float]]:
    dose = {"ID": 1, "TIME": 0.0, "AMT": milligrams, "RATE": milligrams * 1.5, **more}
    return [dose, *({"ID": 1, "TIME": hour} for hour in HOURS)]


@pytest.mark.parametrize("output", ["plasma:venous:ketamine", "plasma:arterial:S-norketamine"])
def test_it_is_the_body_of_a_simulation(tmp_path: Path, output: str) -> None:
    made = run(
        tmp_path,
        infusion(40.0),
        f"builtin: human_ketamine\nobserve: {output}\nparameters: {{weight: 80}}",
    )
    scenario = Scenario.parse(
        "0.5 mg/kg ketamine iv over 40 min",
        patients=1,
        days=2,
        outputs=(output,),
        times=HOURS,
        population=Population(weight_kg=80),
    )
    assert made[1:] == pytest.approx(list(simulate(scenario).typical[output]), rel=1e-9)


def test_what_is_swallowed_enters_the_second_compartment(tmp_path: Path) -> None:
    dose = {"ID": 1, "TIME": 0.0, "AMT": 50.0, "CMT": 2}
    model = "builtin: human_ketamine\nparameters: {weight: 80}"
    made = run(tmp_path, [dose, *({"ID": 1, "TIME": hour} for hour in HOURS)], model)
    scenario = Scenario.parse(
        "50 mg ketamine oral",
        patients=1,
        days=2,
        outputs=("plasma:venous:ketamine",),
        times=HOURS,
        population=Population(weight_kg=80),
    )
    expected = list(simulate(scenario).typical["plasma:venous:ketamine"])
    assert made[1:] == pytest.approx(expected, rel=1e-9)


def test_a_route_of_which_only_a_share_arrives_is_no_compartment(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="3 is no compartment; allowed: 1 to 2"):
        run(tmp_path, infusion(40.0, CMT=3), "builtin: human_ketamine")


def test_what_may_be_zero_in_a_person_is_taken_at_zero(tmp_path: Path) -> None:
    fast = run(tmp_path, infusion(40.0), "builtin: human_ketamine")
    slow = run(tmp_path, infusion(40.0, cyp2b6_star6=2.0), "builtin: human_ketamine")
    zero = run(tmp_path, infusion(40.0, cyp2b6_star6=0.0), "builtin: human_ketamine")
    assert zero == fast
    assert slow[-3] > fast[-3]


def test_a_column_gives_each_person_their_weight(tmp_path: Path) -> None:
    rows = [
        *infusion(40.0, weight=80.0),
        *({**row, "ID": 2} for row in infusion(40.0, weight=50.0)),
    ]
    both = run(tmp_path, rows, "builtin: human_ketamine")
    light = run(tmp_path, infusion(40.0), "builtin: human_ketamine\nparameters: {weight: 50}")
    assert both[len(both) // 2 :] == light
    assert max(light) > max(both[: len(both) // 2])


def test_an_enantiomer_alone_is_half_of_the_mixture(tmp_path: Path) -> None:
    mixture = run(
        tmp_path, infusion(40.0), "builtin: human_ketamine\nobserve: plasma:venous:S-ketamine"
    )
    alone = run(tmp_path, infusion(20.0), "builtin: human_ketamine\ncompound: esketamine")
    assert alone == pytest.approx(mixture, rel=1e-12)


def test_steady_state_is_what_a_hundred_doses_come_to(tmp_path: Path) -> None:
    steady = {"ID": 1, "TIME": 0.0, "AMT": 40.0, "RATE": 60.0, "SS": 1, "II": 12.0}
    series = {"ID": 1, "TIME": 0.0, "AMT": 40.0, "RATE": 60.0, "ADDL": 199, "II": 12.0}
    end = 199 * 12.0
    one = run(tmp_path, [steady, *({"ID": 1, "TIME": t} for t in HOURS)], "builtin: human_ketamine")
    many = run(
        tmp_path, [series, *({"ID": 1, "TIME": end + t} for t in HOURS)], "builtin: human_ketamine"
    )
    assert one[1:] == pytest.approx(many[1:], rel=1e-9)


def test_nothing_is_negative_two_years_later(tmp_path: Path) -> None:
    rows = [{"ID": 1, "TIME": 0.0, "AMT": 40.0}, *({"ID": 1, "TIME": t} for t in (200.0, 17_520.0))]
    made = np.array(run(tmp_path, rows, "builtin: human_ketamine"))
    assert np.all(made >= 0)
    assert 0 < made[1] < 1e-6 * made.max()


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (
            "builtin: mouse_ketamine",
            "builtin: 'mouse_ketamine' is not allowed; one of human_ketamine",
        ),
        (
            "builtin: human_ketamine\nobserve: plasma:venous:ketamin",
            "did you mean 'plasma:venous:ketamine'",
        ),
        ("builtin: human_ketamine\nparameters: {wieght: 80}", "did you mean 'weight'"),
        ("builtin: human_ketamine\ncompound: midazolam", "one of ketamine, esketamine, arketamine"),
        ("builtin: human_ketamine\nflows: []", "flows: unknown key"),
    ],
)
def test_a_wrong_model_is_told_what_is_allowed(tmp_path: Path, model: str, words: str) -> None:
    with pytest.raises(TableError) as caught:
        run(tmp_path, infusion(40.0), model)
    assert words in str(caught.value)


def test_a_weight_of_nothing_is_refused_by_row_and_column(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="row 2, column weight: weight is 0; allowed"):
        run(tmp_path, infusion(40.0, weight=0.0), "builtin: human_ketamine")
