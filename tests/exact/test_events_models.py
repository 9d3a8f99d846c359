"""MODEL.yaml of ``ketalab events``: what a value may be, and what is refused; nothing is ever run.

A model is refused like any input: exit code 2, one line that names the file, nothing written.
"""

from __future__ import annotations

import csv
import io
import runpy
from math import exp
from pathlib import Path
from types import SimpleNamespace

import pytest

from ketalab.cli import main

shared = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("test_events_refused.py"))))
MODEL, TABLE = shared.MODEL, shared.TABLE

#: One compartment with a value to be written in; amount 100 at time 0, seen at 1.
VALUE = """
parameters: {{CL: 10, V1: 20, KA: 1.2, F1: 0.8}}
compartments: [central]
flows:
  - {{from: central, to: out, rate: {value}}}
observe: {{compartment: central}}
"""


def refuse_model(
    folder: Path, capsys: pytest.CaptureFixture[str], model: str | bytes, table: str = TABLE
) -> str:
    line = shared.refuse(folder, capsys, table, model)
    assert str(folder / "model.yaml") in line, line
    return str(line)


def predict_last(folder: Path, capsys: pytest.CaptureFixture[str], model: str, table: str) -> float:
    """The last PRED of a table that must be read."""
    (folder / "table.csv").write_text(table, encoding="utf-8")
    (folder / "model.yaml").write_text(model, encoding="utf-8")
    capsys.readouterr()
    code = main(["events", str(folder / "table.csv"), "--model", str(folder / "model.yaml")])
    out, err = capsys.readouterr()
    assert code == 0, err
    return float(list(csv.reader(io.StringIO(out)))[-1][2])


@pytest.mark.parametrize(
    ("value", "rate"),
    [
        ("0.5", 0.5),
        ("2", 2.0),
        ("5e-1", 0.5),
        (".5", 0.5),
        ("KA", 1.2),
        ("CL / V1", 0.5),
        ("CL/V1", 0.5),
        ("CL*KA/V1", 0.6),
        ("0.5 * KA", 0.6),
        ("KA * 0.5", 0.6),
        ("1 / V1", 0.05),
        ("CL / V1 / KA", 0.5 / 1.2),
        ("CL / V1 * KA", 0.6),
        ("F1 * CL / V1 * 2", 0.8),
        ("'CL / V1'", 0.5),
        ("1.5e-1 * KA", 0.18),
        ("0", 0.0),
    ],
)
def test_a_value_is_a_number_a_name_or_a_product_or_quotient(
    value: str, rate: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = predict_last(tmp_path, capsys, VALUE.format(value=value), TABLE)
    assert found == pytest.approx(100 * exp(-rate), rel=1e-9)


@pytest.mark.parametrize("value", ["CL / V1", "KA * CL / V1 / KA", "10 / V1"])
def test_a_column_acts_through_a_value(
    value: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = "ID,TIME,AMT,V1\n1,0,100,40\n1,1,.,.\n1,2,.,20\n"
    found = predict_last(tmp_path, capsys, VALUE.format(value=value), table)
    assert found == pytest.approx(100 * exp(-0.5), rel=1e-9)


@pytest.mark.parametrize(
    "value",
    [
        "\"__import__('os').system('touch CANARY')\"",
        "\"open('CANARY', 'w')\"",
        '"[c for c in ().__class__.__base__.__subclasses__()]"',
        '"CL + 1"',
        '"CL - V1"',
        '"-CL"',
        '"CL ** 2"',
        '"CL ^ 2"',
        '"2**99999"',
        '"9**9**9**9"',
        '"CL; V1"',
        '"CL V1"',
        '"CL, V1"',
        '"exp(1)"',
        '"max(CL, V1)"',
        '"CL // V1"',
        '"CL % V1"',
        '"CL /"',
        '"/ V1"',
        '"* CL"',
        '"CL * / V1"',
        '"CL.real"',
        '"CL[0]"',
        '"lambda: 1"',
        '"CL if V1 else KA"',
        '"CL == V1"',
        '"CL := 3"',
        "\"f'{CL}'\"",
        '"0x10"',
        '"1_0"',
        '"1j"',
        '"1e400"',
        '"nan"',
        '"inf"',
        '"1e400 * CL"',
        '"CL / 0"',
        '""',
        '" "',
        "null",
        "true",
        "[CL, V1]",
        "{CL: V1}",
        ".inf",
        ".nan",
        '"XX"',
        '"cl / v1"',
        '"CL # V1"',
        '"CL\\n/ exec"',
        '"ＣＬ / Ⅴ1 ＋ 1"',
        "-0.5",
        "1e999",
        "1" * 400,
        '"' + "CL * " * 20000 + 'CL"',
        '"' + "(" * 5000 + "CL" + ")" * 5000 + '"',
    ],
    ids=lambda value: value[:24],
)
def test_any_other_value_is_refused_and_nothing_is_run(
    value: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """``refuse`` sees a canary, too: the folder holds what it held before."""
    monkeypatch.chdir(tmp_path)
    refuse_model(tmp_path, capsys, VALUE.format(value=value))


SWAPS = {
    "unknown key": ("observe:", "colour: red\nobserve:", "colour"),
    "unknown key in a flow": ("rate: KA}", "rate: KA, via: air}", "via"),
    "unknown key in observe": ("scale: V1}", "scale: V1, unit: mg}", "unit"),
    "unknown parameter in a flow": ("rate: KA}", "rate: KX}", "KX"),
    "unknown parameter in a volume": (
        "clearance: CL, volume: V1",
        "clearance: CL, volume: VX",
        "VX",
    ),
    "unknown parameter in the scale": ("scale: V1", "scale: VX", "VX"),
    "unknown parameter in a lag": ("lag: {depot: ALAG1}", "lag: {depot: ALAGX}", "ALAGX"),
    "flow from nowhere": ("from: depot", "from: gut", "gut"),
    "flow to nowhere": ("to: peripheral", "to: fat", "fat"),
    "flow from outside": ("from: depot, to: central", "from: out, to: central", "out"),
    "flow into itself": ("from: depot, to: central", "from: depot, to: depot", "depot"),
    "flow without from": ("{from: depot, to", "{to", "from"),
    "flow without to": ("from: depot, to: central, rate", "from: depot, rate", "to"),
    "rate and clearance": ("rate: KA}", "rate: KA, clearance: CL, volume: V1}", "clearance"),
    "rate and volume": ("rate: KA}", "rate: KA, volume: V1}", "volume"),
    "clearance without volume": ("clearance: CL, volume: V1}", "clearance: CL}", "volume"),
    "volume without clearance": ("clearance: CL, volume: V1}", "volume: V1}", "clearance"),
    "neither rate nor clearance": (", rate: KA}", "}", "rate"),
    "lag of nothing": ("lag: {depot", "lag: {gut", "gut"),
    "bioavailability of nothing": ("bioavailability: {depot", "bioavailability: {gut", "gut"),
    "rate into nothing": ("rate: {central", "rate: {gut", "gut"),
    "duration into nothing": ("duration: {depot", "duration: {gut", "gut"),
    "observe nothing": ("compartment: central", "compartment: blood", "blood"),
    "observe outside": ("compartment: central", "compartment: out", "out"),
    "no observe": ("observe: {compartment: central, scale: V1}", "", "observe"),
    "observe without compartment": ("compartment: central, ", "", "compartment"),
    "a compartment twice": ("[depot, central, per", "[depot, central, central, per", "central"),
    "a compartment named out": ("[depot, central, per", "[depot, out, central, per", "out"),
    "a compartment that is no name": ("[depot,", "[1, depot,", "compartments"),
    "no compartments": ("[depot, central, peripheral]", "[]", "compartments"),
    "compartments are a word": ("[depot, central, peripheral]", "depot", "compartments"),
    "flows are a word": ("flows:", "flows: all\nobserve2:", ""),
    "parameters are a list": ("{KA: 1.2,", "[KA, 1.2,", ""),
    "parameter is a word": ("KA: 1.2", "KA: fast", "KA"),
    "parameter is a product": ("KA: 1.2", "KA: 2 * CL", "KA"),
    "parameter below 0": ("CL: 10", "CL: -10", "-10"),
    "volume of 0": ("V1: 20", "V1: 0", "V1"),
    "parameter is a truth": ("KA: 1.2", "KA: true", "KA"),
    "parameter is nothing": ("KA: 1.2", "KA: null", "KA"),
    "parameter is not a number": ("KA: 1.2", "KA: .nan", "KA"),
    "parameter without end": ("KA: 1.2", "KA: .inf", "KA"),
    "parameter too large": ("KA: 1.2", "KA: 1e999", "KA"),
    "parameter is code": ("KA: 1.2", "KA: exp(1)", "KA"),
    "parameter named as a column": ("KA: 1.2", "KA: 1.2, TIME: 3", "TIME"),
    "parameter that is no name": ("KA: 1.2", "KA: 1.2, K-1: 3", "K-1"),
    "a parameter twice": ("KA: 1.2", "KA: 1.2, KA: 3", "KA"),
    "an alias": ("flows:", "flows: &a\n  - *a\nx:", "alias"),
    "a tag that makes an object": ("KA: 1.2", "KA: !!python/object/apply:os.getcwd []", ""),
    "not YAML": ("flows:", "flows: [", ""),
    "builtin and compartments": ("flows:", "builtin: human_ketamine\nflows:", "builtin"),
}


@pytest.mark.parametrize("case", SWAPS)
def test_a_malformed_model_is_refused_by_what_is_wrong(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new, named = SWAPS[case]
    assert MODEL.count(old) >= 1
    line = refuse_model(tmp_path, capsys, MODEL.replace(old, new, 1))
    assert named in line.replace(str(tmp_path), ""), line


@pytest.mark.parametrize(
    "model",
    ["", "\n", "null", "42", "[]", "text", "{}", "builtin: rat_ketamine", "builtin: [1]", b"\xff"],
)
def test_a_file_that_is_no_model_is_refused(
    model: str | bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refuse_model(tmp_path, capsys, model)


@pytest.mark.parametrize(
    "text",
    [
        "compound: water",
        "observe: plasma:venous:water",
        "observe: {compartment: central}",
        "parameters: {no_such_parameter: 1}",
        "parameters: {weight: -70}",
        "parameters: {weight: heavy}",
        "compartments: [central]",
        "colour: red",
    ],
)
def test_a_malformed_model_of_the_built_in_body_is_refused(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refuse_model(tmp_path, capsys, f"builtin: human_ketamine\n{text}\n")


@pytest.mark.parametrize("missing", ["table.csv", "model.yaml"])
def test_a_missing_file_is_named(
    missing: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in (("table.csv", TABLE), ("model.yaml", MODEL)):
        if name != missing:
            (tmp_path / name).write_text(text, encoding="utf-8")
    words = ["events", str(tmp_path / "table.csv"), "--model", str(tmp_path / "model.yaml")]
    assert main([*words, "--out", str(tmp_path / "out.csv")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert missing in err
    assert err.count("\n") == 1
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    "target", ["out.txt", "out", "no_such_folder/out.csv", "table.csv/out.csv"]
)
def test_a_place_that_cannot_be_written_is_refused_before_any_work(
    target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "table.csv").write_text(TABLE, encoding="utf-8")
    (tmp_path / "model.yaml").write_text(MODEL, encoding="utf-8")
    words = ["events", str(tmp_path / "table.csv"), "--model", str(tmp_path / "model.yaml")]
    assert main([*words, "--out", str(tmp_path / target)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert Path(target).name in err
    assert err.count("\n") == 1
    assert len(list(tmp_path.iterdir())) == 2
