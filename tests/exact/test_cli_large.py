"""The options of large runs: what they refuse in one line, and that nothing is left behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ketalab.cli import main

from ._large import quick, table_of


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KETALAB_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--workers", "2"], "name it: --out DIR/"),
        (["--cluster", "local"], "name it: --out DIR/"),
        (["--workers", "2", "--out", "x.csv"], "workers write into a folder"),
        (["--workers", "0", "--out", "run/"], "workers: 0 is not allowed; allowed: 1 to 1024"),
        (["--out", "no/run/"], "the folder 'no' does not exist"),
        (["--out", "run/", "--output", "plasma:x"], "output 'plasma:x' is unknown"),
        (["--out", "run/", "50 mg ketamine ip"], "by route 'ip' has no model yet"),
        (["--resume", "run"], "run: no such folder"),
        (["--resume", "."], "holds no run"),
        (["--patients", "2000000"], "more go into a folder"),
    ],
)
def test_what_is_refused_is_one_line_and_leaves_nothing(capsys, words, says) -> None:
    assert main(["simulate", *words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert says in said.err
    assert not list(Path().iterdir())


def test_an_option_that_says_otherwise_than_the_run_is_refused(capsys) -> None:
    table_of(quick(30), Path("run"))
    for words, option in (
        (["--patients", "31"], "--patients"),
        (["--age", "10"], "--age"),
        (["--output", "plasma:venous:ketamine"], "--output"),
        (["--with", "1 mg midazolam iv"], "--with"),
        (["0.6 mg/kg ketamine iv over 40 min"], "the phrase"),
        (["--out", "other/"], "--out"),
        (["--protocol", "six-infusions"], "--protocol"),
    ):
        assert main(["simulate", "--resume", "run", *words]) == 2
        assert f"ketalab: {option} is not what the run in run" in capsys.readouterr().err


def test_a_run_that_is_done_is_told_again_without_computing(capsys) -> None:
    table_of(quick(30), Path("run"))
    words = ["--patients", "30", "--age", "9", "--seed", "5", "--days", "1", "--json"]
    assert main(["simulate", "--resume", "run", *words]) == 0
    said = capsys.readouterr()
    document = json.loads(said.out)
    del document["warnings"]
    assert document == json.loads(Path("run/summary.json").read_text())
    assert "1 of 1 chunks are there" in said.err


def test_runs_lists_them(capsys) -> None:
    assert main(["runs"]) == 0
    table_of(quick(30), Path("run"))
    capsys.readouterr()
    assert main(["runs", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    keys = {"folder", "hash", "phrase", "patients", "versions", "status", "begun", "changed"}
    assert set(row) == keys
    assert (row["status"], row["patients"]) == ("done", 30)
