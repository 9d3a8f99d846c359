"""The tables that ``ketalab events`` refuses: exit code 2, one line, and nothing written anywhere.

The line names the file, the row (the header is row 1) and the column.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from ketalab.cli import main

MODEL = """
parameters: {KA: 1.2, CL: 10, V1: 20, Q: 5, V2: 50, F1: 0.8, ALAG1: 0.5, R2: 4, D1: 3}
compartments: [depot, central, peripheral]
flows:
  - {from: depot, to: central, rate: KA}
  - {from: central, to: peripheral, clearance: Q, volume: V1}
  - {from: peripheral, to: central, clearance: Q, volume: V2}
  - {from: central, to: out, clearance: CL, volume: V1}
bioavailability: {depot: F1}
lag: {depot: ALAG1}
rate: {central: R2}
duration: {depot: D1}
observe: {compartment: central, scale: V1}
"""
TABLE = "ID,TIME,AMT\n1,0,100\n1,1,.\n"


def refuse(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    table: str | bytes,
    model: str | bytes,
    *more: str,
) -> str:
    """The one line that says why; nothing goes to standard output and no file is left behind."""
    for name, text in (("table.csv", table), ("model.yaml", model)):
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    before = sorted(folder.iterdir())
    words = ["events", str(folder / "table.csv"), "--model", str(folder / "model.yaml")]
    lines = set()
    for options in ([*more], ["--out", str(folder / "out.csv")]):
        capsys.readouterr()
        code = main([*words, *options])
        out, err = capsys.readouterr()
        assert code == 2, (out, err)
        assert out == ""
        assert sorted(folder.iterdir()) == before
        lines.add(err)
    assert len(lines) == 1
    line = lines.pop()
    assert line.startswith("ketalab: ")
    assert line.endswith("\n")
    assert line.count("\n") == 1
    assert "Traceback" not in line
    return line


def assert_refused(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    table: str | bytes,
    row: int,
    column: str | None,
    model: str = MODEL,
) -> str:
    line = refuse(folder, capsys, table, model)
    place = f"{folder / 'table.csv'}: row {row}" + (f", column {column}: " if column else ": ")
    assert place in line, line
    return line


#: What is wrong: the header, the rows, the row and the column that must be named.
FULL = "ID,TIME,AMT,RATE,EVID,CMT,II,ADDL,SS"
ROWS: Mapping[str, tuple[str, str, int, str]] = {
    "time goes back": ("ID,TIME,AMT", "1,0,100 1,2,. 1,1,.", 4, "TIME"),
    "time goes back at a dose": ("ID,TIME,AMT", "1,2,. 1,1,100", 3, "TIME"),
    "time goes back at EVID 2": ("ID,TIME,EVID", "1,2,0 1,1,2", 3, "TIME"),
    "time goes back for another": ("ID,TIME,AMT", "1,0,9 1,5,. 2,2,9 2,1,.", 5, "TIME"),
    "time goes back a little": ("ID,TIME,AMT", "1,1,9 1,0.999999999,.", 3, "TIME"),
    "time is missing": ("ID,TIME,AMT", "1,0,100 1,.,.", 3, "TIME"),
    "time is empty": ("ID,TIME,AMT", "1,0,100 1,,.", 3, "TIME"),
    "time is a word": ("ID,TIME,AMT", "1,noon,100", 2, "TIME"),
    "time on a clock": ("ID,TIME,AMT", "1,10:30,100", 2, "TIME"),
    "time without end": ("ID,TIME,AMT", "1,inf,100", 2, "TIME"),
    "time is not a number": ("ID,TIME,AMT", "1,nan,100", 2, "TIME"),
    "time too large": ("ID,TIME,AMT", "1,1e400,100", 2, "TIME"),
    "time with an underscore": ("ID,TIME,AMT", "1,1_0,100", 2, "TIME"),
    "no person": ("ID,TIME,AMT", "1,0,100 .,1,.", 3, "ID"),
    "empty person": ("ID,TIME,AMT", "1,0,100 ,1,.", 3, "ID"),
    "a person comes back": ("ID,TIME,AMT", "1,0,100 2,0,100 1,1,.", 4, "ID"),
    "negative amount": ("ID,TIME,AMT", "1,0,-100", 2, "AMT"),
    "amount is a word": ("ID,TIME,AMT", "1,0,much", 2, "AMT"),
    "amount with a unit": ("ID,TIME,AMT", "1,0,100mg", 2, "AMT"),
    "amount without end": ("ID,TIME,AMT", "1,0,inf", 2, "AMT"),
    "amount is not a number": ("ID,TIME,AMT", "1,0,NaN", 2, "AMT"),
    "amount too large": ("ID,TIME,AMT", "1,0,1e400", 2, "AMT"),
    "amount is code": ("ID,TIME,AMT", "1,0,2**9", 2, "AMT"),
    "amount in the sixteens": ("ID,TIME,AMT", "1,0,0x10", 2, "AMT"),
    "amount on an observation": (FULL, "1,0,100,.,0,.,.,.,.", 2, "AMT"),
    "amount at EVID 2": (FULL, "1,0,100,.,2,.,.,.,.", 2, "AMT"),
    "amount at a reset": (FULL, "1,0,100,.,3,.,.,.,.", 2, "AMT"),
    "rate on an observation": (FULL, "1,0,.,5,0,.,.,.,.", 2, "RATE"),
    "rate at a reset": (FULL, "1,0,.,5,3,.,.,.,.", 2, "RATE"),
    "interval on an observation": (FULL, "1,0,.,.,0,.,12,.,.", 2, "II"),
    "additional doses of an observation": (FULL, "1,0,.,.,0,.,.,2,.", 2, "ADDL"),
    "steady state of an observation": (FULL, "1,0,.,.,0,.,.,.,1", 2, "SS"),
    "steady state of a reset": (FULL, "1,0,.,.,3,.,.,.,1", 2, "SS"),
    "rate of -3": (FULL, "1,0,100,-3,1,1,.,.,.", 2, "RATE"),
    "rate of -0.5": (FULL, "1,0,100,-0.5,1,1,.,.,.", 2, "RATE"),
    "rate is a word": (FULL, "1,0,100,fast,1,1,.,.,.", 2, "RATE"),
    "rate is not a number": (FULL, "1,0,100,nan,1,1,.,.,.", 2, "RATE"),
    "rate without end": (FULL, "1,0,100,inf,1,1,.,.,.", 2, "RATE"),
    "no rate in the model": (FULL, "1,0,100,-1,1,1,.,.,.", 2, "RATE"),
    "no duration in the model": (FULL, "1,0,100,-2,1,2,.,.,.", 2, "RATE"),
    "negative interval": (FULL, "1,0,100,.,1,1,-12,2,.", 2, "II"),
    "negative interval for nothing": (FULL, "1,0,100,.,1,1,-12,.,.", 2, "II"),
    "interval is a word": (FULL, "1,0,100,.,1,1,daily,2,.", 2, "II"),
    "interval without end": (FULL, "1,0,100,.,1,1,inf,2,.", 2, "II"),
    "an infusion without end": ("ID,TIME,AMT,RATE,II,SS", "1,0,1e300,1e-300,1e305,1", 2, "II"),
    "negative additional doses": (FULL, "1,0,100,.,1,1,12,-1,.", 2, "ADDL"),
    "half a dose more": (FULL, "1,0,100,.,1,1,12,2.5,.", 2, "ADDL"),
    "additional doses without end": (FULL, "1,0,100,.,1,1,12,inf,.", 2, "ADDL"),
    "unknown event": (FULL, "1,0,100,.,5,1,.,.,.", 2, "EVID"),
    "negative event": (FULL, "1,0,100,.,-1,1,.,.,.", 2, "EVID"),
    "half an event": (FULL, "1,0,100,.,1.5,1,.,.,.", 2, "EVID"),
    "event is a word": (FULL, "1,0,100,.,dose,1,.,.,.", 2, "EVID"),
    "steady state of another kind": (FULL, "1,0,100,.,1,1,12,.,3", 2, "SS"),
    "negative steady state": (FULL, "1,0,100,.,1,1,12,.,-1", 2, "SS"),
    "half a steady state": (FULL, "1,0,100,.,1,1,12,.,0.5", 2, "SS"),
    "unknown compartment": (FULL, "1,0,100,.,1,4,.,.,.", 2, "CMT"),
    "negative compartment": (FULL, "1,0,100,.,1,-1,.,.,.", 2, "CMT"),
    "half a compartment": (FULL, "1,0,100,.,1,1.5,.,.,.", 2, "CMT"),
    "compartment by name": (FULL, "1,0,100,.,1,central,.,.,.", 2, "CMT"),
    "parameter is a word": ("ID,TIME,AMT,CL", "1,0,100,10 1,1,.,high", 3, "CL"),
    "parameter is code": ("ID,TIME,AMT,CL", "1,0,100,__import__('os')", 2, "CL"),
    "parameter is a product": ("ID,TIME,AMT,CL", "1,0,100,2*V1", 2, "CL"),
    "parameter is not a number": ("ID,TIME,AMT,CL", "1,0,100,nan", 2, "CL"),
    "parameter without end": ("ID,TIME,AMT,V1", "1,0,100,inf", 2, "V1"),
    "parameter too large": ("ID,TIME,AMT,V1", "1,0,100,1e400", 2, "V1"),
    "negative lag": ("ID,TIME,AMT,ALAG1", "1,0,100,-0.5", 2, "ALAG1"),
    "negative bioavailability": ("ID,TIME,AMT,F1", "1,0,100,-0.1", 2, "F1"),
    "rate from the model of 0": ("ID,TIME,AMT,RATE,CMT,R2", "1,0,100,-1,2,0", 2, "R2"),
    "negative rate from the model": ("ID,TIME,AMT,RATE,CMT,R2", "1,0,100,-1,2,-3", 2, "R2"),
    "duration from the model of 0": ("ID,TIME,AMT,RATE,CMT,D1", "1,0,100,-2,1,0", 2, "D1"),
    "negative duration": ("ID,TIME,AMT,RATE,CMT,D1", "1,0,100,-2,1,-1", 2, "D1"),
    "volume of 0": ("ID,TIME,AMT,V1", "1,0,100,0", 2, "V1"),
    "negative clearance": ("ID,TIME,AMT,CL", "1,0,100,10 1,1,.,-2", 3, "CL"),
    "negative absorption": ("ID,TIME,AMT,KA", "1,0,100,-1", 2, "KA"),
    "a column twice": ("ID,TIME,AMT,TIME", "1,0,100,0", 1, "TIME"),
    "a column twice, in another case": ("ID,TIME,AMT,amt", "1,0,100,0", 1, "amt"),
    "a parameter twice": ("ID,TIME,AMT,CL,CL", "1,0,100,9,9", 1, "CL"),
    "no column of persons": ("TIME,AMT", "0,100", 1, "ID"),
    "no column of times": ("ID,AMT", "1,100", 1, "TIME"),
}


@pytest.mark.parametrize("case", ROWS)
def test_a_row_is_refused_by_its_number_and_column(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head, rows, row, column = ROWS[case]
    table = "\n".join((head, *rows.split(" "))) + "\n"
    assert_refused(tmp_path, capsys, table, row, column)


@pytest.mark.parametrize(
    ("row", "columns"),
    [
        ("1,0,100,.,1,1,.,2,.", ("II", "ADDL")),
        ("1,0,100,.,1,1,.,.,1", ("II", "SS")),
        ("1,0,100,.,1,1,0,.,2", ("II", "SS")),
        ("1,0,100,20,1,1,.,.,1", ("II", "SS")),
        ("1,0,.,20,1,1,12,.,1", ("II", "AMT")),
        ("1,0,.,20,1,1,.,2,1", ("II", "ADDL")),
        ("1,0,.,20,1,1,12,2,1", ("II", "ADDL", "AMT")),
        ("1,0,.,-2,1,1,.,.,1", ("RATE", "AMT", "II")),
    ],
)
def test_two_cells_that_do_not_fit_are_refused_by_one_of_them(
    row: str, columns: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refuse(tmp_path, capsys, f"{FULL}\n{row}\n", MODEL)
    assert any(f"table.csv: row 2, column {name}: " in line for name in columns), line


@pytest.mark.parametrize("text", ["-7.125", "nan", "noon", "1e999"])
def test_the_value_is_told(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = assert_refused(tmp_path, capsys, f"ID,TIME,AMT\n1,0,{text}\n", 2, "AMT")
    assert text in line.split("column AMT: ")[1]


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("ID,TIME,AMT\n1,0,100\n1,1\n", 3),
        ("ID,TIME,AMT\n1,0,100,5\n1,1,.\n", 2),
        ("ID,TIME,AMT\n1,0,100\n1,1,.,.\n", 3),
        ("ID;TIME;AMT\n1;0;100\n", 1),
    ],
    ids=["short", "long", "long at the end", "semicolons"],
)
def test_a_ragged_row_is_refused_by_its_number(
    table: str, row: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_refused(tmp_path, capsys, table, row, None if row > 1 else "ID")


@pytest.mark.parametrize(
    "table",
    [
        b"",
        b"\n\n",
        b"\xef\xbb\xbf",
        b"ID,TIME,AMT\n\xff,0,1\n",
        b'ID,TIME,NOTE\n1,0,"open\n1,1,.\n',
    ],
    ids=["empty", "blank", "mark alone", "not text", "a quote that is never closed"],
)
def test_a_file_that_is_no_table_is_refused_by_name(
    table: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert str(tmp_path / "table.csv") in refuse(tmp_path, capsys, table, MODEL)


def test_a_null_in_the_table_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "table.csv" in refuse(tmp_path, capsys, b"ID,TIME,AMT\n1,0,1\x000\n", MODEL)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_a_pipe_is_refused_because_a_table_is_read_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "model.yaml").write_text(MODEL)
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    writer = os.open(pipe, os.O_RDWR)  # holds it open, so that nobody waits for the other end
    try:
        assert main(["events", str(pipe), "--model", str(tmp_path / "model.yaml")]) == 2
    finally:
        os.close(writer)
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"ketalab: {pipe}: is no file on disk; a table is read twice\n"


@pytest.mark.parametrize("rate", ["0", "1e300"])
def test_numbers_that_round_to_nothing_are_told_at_their_record(
    rate: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Clearance times interval is below the smallest number, so nothing is lost between doses."""
    table, model, out = tmp_path / "table.csv", tmp_path / "model.yaml", tmp_path / "out.csv"
    table.write_text(f"ID,TIME,AMT,RATE,II,SS,CL\n1,0,100,{rate},1e-300,1,1e-100\n")
    model.write_text(
        "parameters: {CL: 10}\ncompartments: [central]\nobserve: {compartment: central}\n"
        "flows: [{from: central, to: out, rate: CL}]\n"
    )
    assert main(["events", str(table), "--model", str(model), "--out", str(out)]) == 2
    assert "table.csv: row 2, column AMT: PRED is not a finite number" in capsys.readouterr().err
    assert not out.exists()


def test_a_model_that_is_no_mapping_is_refused_in_plain_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for model in ("[1, 2]\n", "CL\n"):
        assert "must be a mapping\n" in refuse(tmp_path, capsys, TABLE, model)


def test_a_header_alone_is_a_table_without_records(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "table.csv").write_text("ID,TIME,AMT\n")
    (tmp_path / "model.yaml").write_text(MODEL)
    words = ["events", str(tmp_path / "table.csv"), "--model", str(tmp_path / "model.yaml")]
    assert main(words) == 0
    assert capsys.readouterr().out == "ID,TIME,PRED\n"


@pytest.mark.parametrize("rows", [3, 3000])
def test_the_last_row_is_checked_before_the_first_is_written(
    rows: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = "".join(f"{person},{t},{'.' if t else 100}\n" for person in range(rows) for t in (0, 1))
    table = f"ID,TIME,AMT\n{good}last,0,-1\n"
    assert_refused(tmp_path, capsys, table, 2 * rows + 2, "AMT")


def test_json_is_refused_alike(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = "ID,TIME,AMT\n1,0,100\n1,1,-1\n"
    assert "row 3, column AMT: " in refuse(tmp_path, capsys, table, MODEL, "--json")


def test_rows_are_counted_as_an_editor_counts_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_refused(tmp_path, capsys, "ID,TIME,AMT\r\n1,0,9\r\n1,1,-1\r\n", 3, "AMT")
    assert_refused(tmp_path, capsys, "\ufeffID,TIME,AMT\n1,0,9\n1,1,-1\n", 3, "AMT")
    assert_refused(tmp_path, capsys, "ID,TIME,AMT\n1,0,9\n\n1,1,-1\n", 4, "AMT")


#: What comes into two and three stays in the third; the first empties.
CLOSED = """
parameters: {K: 1.0}
compartments: [open, shut, far]
flows:
  - {from: open, to: out, rate: K}
  - {from: shut, to: far, rate: K}
observe: {compartment: far}
"""


@pytest.mark.parametrize("row", ["1,0,9,.,1,2,6,.,1", "1,0,9,.,1,3,6,.,2", "1,0,.,9,1,2,.,.,1"])
def test_no_steady_state_is_made_up_where_there_is_none(
    row: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refuse(tmp_path, capsys, f"{FULL}\n1,0,.,.,0,.,.,.,.\n{row}\n", CLOSED)
    assert "table.csv: row 3" in line
    assert "far" in line


def test_a_compartment_that_never_empties_hinders_no_other_dose(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "table.csv").write_text(f"{FULL}\n1,0,9,.,1,2,.,.,.\n1,0,9,.,1,1,6,.,1\n")
    (tmp_path / "model.yaml").write_text(CLOSED.replace("compartment: far", "compartment: open"))
    words = ["events", str(tmp_path / "table.csv"), "--model", str(tmp_path / "model.yaml")]
    assert main(words) == 0
    assert capsys.readouterr().out.splitlines()[2].startswith("1,0,9.02")
