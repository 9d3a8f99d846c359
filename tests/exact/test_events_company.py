"""A person's answer depends on nobody else, short infusions are whole, and odd tables are told what is odd."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from ketalab.cli import main
from ketalab.errors import TableError
from ketalab.exchange.tables import predict

ONE = """
parameters: {CL: 10, V: 20}
compartments: [central]
flows: [{from: central, to: out, clearance: CL, volume: V}]
observe: {compartment: central, scale: V}
"""
#: A tissue that gives nothing back where K21 is 0.
TWO = """
parameters: {K21: 0.1}
compartments: [central, tissue]
flows:
  - {from: central, to: out, rate: 0.1}
  - {from: central, to: tissue, rate: 0.2}
  - {from: tissue, to: central, rate: K21}
observe: {compartment: central}
"""


def run(folder: Path, table: str, model: str = ONE) -> list[float]:
    (folder / "table.csv").write_text(table)
    (folder / "model.yaml").write_text(model)
    return [value for _, value in predict(folder / "table.csv", folder / "model.yaml")]


HEADER = "ID,TIME,AMT,RATE,II,SS,K21\n"


@pytest.mark.parametrize("dose", ["100,0,12,1", "0,5,0,1"])
def test_who_stands_before_in_the_table_changes_nothing(tmp_path: Path, dose: str) -> None:
    other = f"1,0,{dose},0.1\n1,1,.,.,.,.,.\n"
    mine = f"2,0,{dose},0\n2,1,.,.,.,.,.\n"
    alone = run(tmp_path, HEADER + mine, TWO)
    assert run(tmp_path, HEADER + other + mine, TWO)[2:] == alone
    assert all(map(math.isfinite, alone))


def test_a_closed_compartment_that_a_later_parameter_opens_has_no_steady_state(
    tmp_path: Path,
) -> None:
    table = HEADER + "2,0,100,0,12,1,0\n2,2,.,.,.,.,0.1\n2,50,.,.,.,.,.\n"
    with pytest.raises(TableError, match="row 2, column SS: no steady state"):
        run(tmp_path, table, TWO)


@pytest.mark.parametrize(
    ("start", "rate"),
    [(0.0, 1e12), (1_000_000.0, 2e6), (1_000_000.0, 1e7), (0.0, 1e15)],
)
def test_an_infusion_that_ends_at_the_time_of_a_record_is_whole(
    tmp_path: Path, start: float, rate: float
) -> None:
    rows = [f"1,{start!r},100,{rate!r}", f"1,{start!r},.,.", f"1,{start + 1!r},.,."]
    made = run(tmp_path, "\n".join(["ID,TIME,AMT,RATE", *rows, ""]))
    assert made[2] == pytest.approx(100 / 20 * math.exp(-0.5), rel=1e-3)
    without = run(tmp_path, "\n".join(["ID,TIME,AMT,RATE", rows[0], rows[2], ""]))
    assert made[2] == pytest.approx(without[1], rel=1e-3)


def test_a_rate_divided_by_zero_is_refused(tmp_path: Path) -> None:
    model = ONE.replace("clearance: CL, volume: V}", 'rate: "1/0"}')
    with pytest.raises(TableError, match=r"model.yaml: flows.0: 1/0; allowed: finite, 0 or more"):
        run(tmp_path, "ID,TIME,AMT\n1,0,100\n", model)


def test_a_dose_of_nothing_needs_no_evid(tmp_path: Path) -> None:
    made = run(tmp_path, "ID,TIME,AMT,RATE,II,ADDL\n1,0,0,20,12,5\n1,30,.,.,.,.\n")
    assert made == [0.0, 0.0]


def test_a_column_one_letter_from_a_parameter_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("table.csv").write_text("ID,TIME,AMT,CLL,DV,MDV\n1,0,100,3,.,1\n")
    Path("model.yaml").write_text(ONE)
    assert main(["events", "table.csv", "--model", "model.yaml"]) == 0
    out, err = capsys.readouterr()
    assert out.count("\n") == 2
    assert err == (
        "ketalab: note: table.csv: column CLL is no parameter and is left alone; did you mean 'CL'?\n"
    )


def test_cells_that_are_not_separated_by_commas_are_told_so(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="cells are separated by commas"):
        run(tmp_path, "ID;TIME;AMT\n1;0;100\n")


def test_many_additional_doses_are_computed_a_few_people_at_a_time(tmp_path: Path) -> None:
    rows = [f"{i},0,10,1,30000\n{i},30000.5,.,.,." for i in range(3)]
    made = run(tmp_path, "\n".join(["ID,TIME,AMT,II,ADDL", *rows, ""]))
    steady = 10 / 20 / (1 - math.exp(-0.5)) * math.exp(-0.25)
    assert made[1::2] == pytest.approx([steady] * 3, rel=1e-9)
