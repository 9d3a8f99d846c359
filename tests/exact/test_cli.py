"""The command line keeps the contract: what it prints, how it exits, and what it leaves behind."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from ketalab.cli import main
from ketalab.cli._main import spread_outputs
from ketalab.cli._shared import parse_times
from ketalab.errors import ScenarioError

FEW = ["--patients", "6", "--days", "1"]


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one command."""
    code = main(list(words))
    said = capsys.readouterr()
    return code, said.out, said.err


def refuse(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one line with which bad input is refused."""
    code, out, err = run(capsys, *words)
    assert code == 2, (out, err)
    assert out == ""
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return err


def test_simulate_prints_one_json_document_and_nothing_else(capsys) -> None:
    code, out, _ = run(capsys, "simulate", *FEW, "--json")
    document = json.loads(out)
    assert code == 0
    keys = {
        "schema",
        "scenario",
        "hash",
        "seed",
        "engine",
        "patients",
        "failed",
        "check",
        "statuses",
        "facts",
        "outputs",
        "warnings",
        "deepest",
        "timeline",
        "too_thin",
    }
    assert set(document) == keys
    assert document["schema"] == 1
    assert document["failed"] == 0
    first = document["outputs"][0]
    assert {"name", "unit", "layer", "grade", "typical", "median", "p05", "p95"} == set(first)
    figures = {"cmax", "tmax", "auc_0_inf", "auc_0_t", "half_life"}
    by_name = {o["name"]: o for o in document["outputs"]}
    for kind in ("typical", "median", "p05", "p95"):
        assert set(by_name["plasma:venous:S-ketamine"][kind]) == figures
        other = by_name["occupancy:NMDA:interneuron"][kind]
        assert set(other) == {"peak", "time_of_peak_h", "at"}
        assert "24" in other["at"]


def test_defaults_are_those_of_the_contract(capsys) -> None:
    _, out, _ = run(capsys, "simulate", "--output", "occupancy:NMDA:cortical", "--json")
    scenario = json.loads(out)["scenario"]
    assert scenario["phrase"] == "0.5 mg/kg ketamine iv over 40 min"
    assert (scenario["patients"], scenario["days"], scenario["seed"]) == (200, 7.0, 0)
    assert scenario["species"] == "human"


def test_a_course_comes_with_times_only(capsys) -> None:
    name = "plasma:venous:ketamine"
    _, out, _ = run(capsys, "simulate", *FEW, "--output", name, "--times", "0:2:0.5", "--json")
    course = json.loads(out)["course"]
    assert course["time_h"] == [0, 0.5, 1, 1.5, 2]
    band = course["values"][name]
    assert set(band) == {"typical", "p05", "median", "p95"}
    assert all(low <= high for low, high in zip(band["p05"], band["p95"], strict=True))


def test_several_outputs_may_follow_one_flag(capsys) -> None:
    names = ["occupancy:NMDA:cortical", "score:MADRS"]
    phrase = "10 mg esketamine iv bolus"
    for words in (["--output", *names, phrase], [phrase, "--output", *names]):
        _, out, _ = run(capsys, "simulate", *FEW, *words, "--json")
        document = json.loads(out)
        assert [o["name"] for o in document["outputs"]] == names
        assert document["scenario"]["phrase"] == phrase
    assert spread_outputs(["a", "--output", "b", "c", "--json"]) == [
        "a", "--output", "b", "--output", "c", "--json",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["simulate", "0.5 mg/kg ketmine iv"], "did you mean 'ketamine'"),
        (["simulate", "0.5 mg/kg ketamine by mouthwash"], "column"),
        (["simulate", "0.5 mg/kg ketamine ip"], "'ip' has no model yet; modelled: iv"),
        (["simulate", "5 mg norketamine iv bolus"], "has no model yet"),
        (["simulate", "0.5 furlong ketamine iv"], "furlong"),
        (["simulate", "-0.5 mg/kg ketamine iv"], "-0.5"),
        (["simulate", "50000 mg/kg ketamine iv"], "10,000"),
        (["simulate", ""], "empty"),
        (["simulate", "nonsense"], "column 1"),
        (["simulate", "--patients", "0"], "1 to 1,000,000"),
        (["simulate", "--patients", "many"], "--patients"),
        (["simulate", "--days", "-1"], "days"),
        (["simulate", "--days", "nan"], "days"),
        (["simulate", "--days", "1e-9"], "at least a millisecond"),
        (["simulate", "--engine", "warp"], "lockstep"),
        (
            ["simulate", "--species", "rat", "--output", "score:MADRS"],
            "no model of it in rats",
        ),
        (["simulate", "--species", "rat", "--age", "3"], "age: not allowed for species 'rat'"),
        (["simulate", "--age", "0.05"], "age: 0.05 is not allowed; 0.1 to 100"),
        (["simulate", "--age", "9", "--output", "score:MADRS"], "no model of it in children"),
        (["simulate", "--species", "unicorn"], "human, rat, mouse"),
        (["simulate", "--seed", "-1"], "seed"),
        (["simulate", "--output", "occupancy:NMDA:cortex"], "did you mean"),
        (["simulate", "--times", "0:1"], "start:stop:step"),
        (["simulate", "--times", "0:1e9:0.001"], "at most 10,000"),
        (["simulate", "--times", "0:1:5e-324"], "at most 10,000"),
        (["simulate", "--times", "500"], "outside"),
        (["simulate", "--weight", "1000"], "300"),
        (["simulate", "--sex", "x"], "f, m"),
        (["simulate", "--genotype", "bdnf=met"], "val/met"),
        (["simulate", "--population", "missing.yaml"], "no such file"),
        (["simulate", "--hypotheses", "h.yaml"], "h.yaml: no such file"),
        (["simulate", "--out", "x.docx"], ".parquet, .csv, .nc, .json"),
        (["simulate", "--out", "nowhere/x.csv"], "does not exist"),
        (["simulate", "--nonsense"], "--nonsense"),
        (["replay"], "name studies"),
        (["replay", "berman1999"], "berman2000"),
        (["replay", "missing.yaml"], "missing.yaml"),
        (["replay", "berman2000", "--use", "sometimes"], "build, calibrate, validate"),
        (["replay", "berman2000", "--replicates", "0"], "1 to 100,000"),
        (["replay", "berman2000", "--seed", "-1"], "0 to 2**63 - 1"),
        (["replay", "berman2000", "--report", "x.pdf"], ".html"),
        (["studies", "show", "nobody"], "nobody"),
        (["studies", "convert", "missing.yaml"], "no such file"),
        (["evidence", "show", "ketamine_cl"], "did you mean"),
        (["evidence", "list", "--kind", "rumour"], "compound, fact"),
        (["cite", "missing.json"], "no such file"),
        (["cite", "x.json", "--format", "mla"], "bibtex"),
        (["walk"], "walk"),
    ],
)
def test_bad_input_is_one_line_that_names_the_value_and_what_is_allowed(
    words: list[str], hint: str, capsys, tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert hint in refuse(capsys, *words)
    assert list(tmp_path.iterdir()) == []


MALFORMED = {
    "wrong field": (
        "population: {condition: MDD}",
        "population: {condition: MDD, mood: low}",
        "mood",
    ),
    "missing spread kind": ("source: x}", "source: x, spread: {value: 3}}", "spread.kind"),
    "unit that does not fit": (
        "kind: change, arm: a",
        "kind: auc, arm: a, analyte: ketamine, unit: kg",
        "kg",
    ),
    "unknown use": ("use: validate", "use: admire", "build"),
    "unknown arm": ("arm: a,", "arm: b,", "'b'"),
    "bad phrase": ("10 mg ketamine iv bolus", "10 mg kétamine iv", "arms.0.doses"),
    "not a number": ("value: -3", "value: .nan", "value"),
    "alias": ("citation: {title: t}", "citation: &c {title: *c}", "alias"),
}
GOOD = """\
schema: 1
id: s
use: validate
species: human
citation: {title: t}
design: {kind: parallel}
population: {condition: MDD}
arms:
  - {id: a, n: 3, doses: ["10 mg ketamine iv bolus"]}
outcomes:
  - {measure: MADRS, kind: change, arm: a, time_h: 24, value: -3, verified: true, source: x}
"""


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_study_file_is_refused_by_field(name: str, capsys, tmp_path) -> None:
    old, new, hint = MALFORMED[name]
    assert old in GOOD
    path = tmp_path / "study.yaml"
    text = GOOD.replace(old, new)
    path.write_text(text.replace("value: -3", "value: 3") if "kg" in new else text)
    line = refuse(capsys, "replay", str(path), "--replicates", "2")
    assert str(path) in line
    assert hint in line


def test_the_good_study_file_of_these_tests_is_good(capsys, tmp_path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(GOOD)
    code, out, _ = run(capsys, "replay", str(path), "--replicates", "2", "--json")
    assert code == 0
    assert json.loads(out)[0]["study"] == "s"


def test_a_yaml_bomb_and_a_million_arms_are_refused_at_once(capsys, tmp_path) -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(20)
    )
    (tmp_path / "bomb.yaml").write_text(bomb)
    assert "alias" in refuse(capsys, "replay", str(tmp_path / "bomb.yaml"))
    arms = "".join(f"  - {{id: a{i}, n: 3, doses: []}}\n" for i in range(10**6))
    (tmp_path / "arms.yaml").write_text(GOOD.split("arms:")[0] + "arms:\n" + arms)
    assert "bytes" in refuse(capsys, "replay", str(tmp_path / "arms.yaml"))
    few = "".join(f"  - {{id: a{i}, n: 3, doses: []}}\n" for i in range(200))
    (tmp_path / "few.yaml").write_text(GOOD.replace("outcomes:", few + "outcomes:"))
    assert "100" in refuse(capsys, "replay", str(tmp_path / "few.yaml"))


def test_a_folder_that_cannot_be_written_is_refused_before_work(
    capsys, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    path = tmp_path / "x.csv"
    assert "cannot be written" in refuse(
        capsys, "simulate", "--patients", "100000", "--out", str(path)
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", ["json", "csv", "parquet", "nc"])
def test_a_disk_that_fills_leaves_the_old_file_and_nothing_half_written(
    ending: str, capsys, tmp_path, monkeypatch
) -> None:
    path = tmp_path / f"x.{ending}"
    path.write_text("the old result")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    code, _, err = run(capsys, "simulate", *FEW, "--output", "score:MADRS", "--out", str(path))
    assert code == 2
    assert "No space left" in err
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert path.read_text() == "the old result"


def test_outputs_facts_and_evidence_are_listed_as_json(capsys) -> None:
    _, out, _ = run(capsys, "outputs", "--json")
    assert {"name", "unit", "layer", "grade", "meaning", "card"} == set(json.loads(out)[0])
    _, out, _ = run(capsys, "facts", "--assumed", "--json")
    assumed = json.loads(out)
    assert assumed
    assert all(one["assumed"] and one["spread"] for one in assumed)
    _, out, _ = run(capsys, "evidence", "list", "--json")
    assert {one["kind"] for one in json.loads(out)} == {
        "fact", "study", "scale", "compound", "reference",
    }  # fmt: skip
    _, out, _ = run(capsys, "evidence", "show", "ketamine_cl_s", "--json")
    assert json.loads(out)["reference"]["DOI"] == "10.3389/fpain.2022.946486"


def test_evidence_check_passes_on_what_is_shipped(capsys) -> None:
    code, out, _ = run(capsys, "evidence", "check", "--json")
    assert json.loads(out) == {"problems": [], "passed": True}
    assert code == 0


@pytest.mark.parametrize("ending", ["json", "csv", "parquet", "nc"])
def test_a_saved_result_can_be_cited(ending: str, capsys, tmp_path) -> None:
    path = tmp_path / f"run.{ending}"
    words = ["simulate", *FEW, "--output", "plasma:venous:S-ketamine", "--out", str(path)]
    assert run(capsys, *words)[0] == 0
    for style, mark in (("text", "Simons"), ("bibtex", "@article"), ("ris", "TY  - JOUR")):
        code, out, _ = run(capsys, "cite", str(path), "--format", style)
        assert code == 0
        assert mark in out
    _, out, _ = run(capsys, "cite", str(path), "--json")
    assert "simons2022" in {one["id"] for one in json.loads(out)}


def test_strict_exits_1_only_where_a_counted_row_lies_outside(capsys, tmp_path) -> None:
    path = tmp_path / "study.yaml"
    for value, verified, code in (("-3", "true", 0), ("55", "true", 1), ("55", "false", 0)):
        text = GOOD.replace("value: -3", f"value: {value}")
        path.write_text(text.replace("verified: true", f"verified: {verified}"))
        words = ("replay", str(path), "--replicates", "30", "--strict", "--json")
        assert run(capsys, *words)[0] == code


def test_convert_writes_files_that_replay_reads(capsys, tmp_path) -> None:
    record = """\
- id: someone2001
  citation: {authors: "Someone A", year: 2001, title: t, journal: j, volume: "", pages: "", doi: "", pmid: ""}
  in_episode_list: false
  species: human
  design: randomised double-blind parallel, saline control
  population: {condition: MDD, n: 10, notes: ""}
  baseline: []
  arms:
    - id: ketamine
      n: 5
      treatments:
        - {compound: racemic ketamine, route: iv, dose: 0.5, unit: mg/kg, duration_min: 40, times_h: [0]}
  outcomes:
    - {measure: MADRS, kind: change, arm: ketamine, time_h: 24, mean: -14, sd: 10, n: 5, verified: true,
    source: made up}
    - {measure: MADRS, kind: p_value, arm: ketamine, time_h: 24, p: 0.03, verified: true, source: made up}
  finding: made up
"""
    path = tmp_path / "record.yaml"
    path.write_text(record)
    words = ("studies", "convert", str(path), "--out", str(tmp_path / "out"), "--json")
    code, out, _ = run(capsys, *words)
    made = json.loads(out)
    assert code == 0
    assert made["studies"] == ["someone2001"]
    assert len(made["not_expressed"]) == 1
    code, out, _ = run(
        capsys, "replay", str(tmp_path / "out" / "someone2001.yaml"), "--replicates", "5", "--json"
    )
    assert json.loads(out)[0]["observed"] == -14


def test_times_are_read_as_ranges_and_lists() -> None:
    assert parse_times("0:24:0.5")[-1] == 24
    assert len(parse_times("0:24:0.5")) == 49
    assert parse_times("0:1:0.1") == tuple(i / 10 for i in range(11))
    assert parse_times("24,1,2,2") == (1, 2, 24)
    for text in ("", "a:b:c", "0:1:0", "0:1:-1", "5:1:1", "inf", "0:nan:1"):
        with pytest.raises(ScenarioError):
            parse_times(text)


def test_an_interrupted_run_exits_130_and_leaves_nothing(tmp_path) -> None:
    """A real second process, interrupted as Ctrl-C does."""
    words = ["simulate", "--patients", "200000", "--days", "28", "--out", str(tmp_path / "run.csv")]
    with subprocess.Popen(
        [sys.executable, "-m", "ketalab", *words], stderr=subprocess.PIPE, text=True
    ) as process:
        time.sleep(5)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in err.splitlines()[-1]
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_long_work_says_percent_and_time_left_on_standard_error() -> None:
    words = ["simulate", "--patients", "60000", "--output", "score:MADRS", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "ketalab", *words], capture_output=True, text=True, check=True
    )
    json.loads(done.stdout)
    assert "%" in done.stderr
    assert "left" in done.stderr


def test_a_reader_that_goes_away_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m ketalab outputs --json | head -1",
        shell=True,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Traceback" not in done.stderr
