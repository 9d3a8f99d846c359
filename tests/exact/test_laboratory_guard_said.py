"""What is said of a guarded run: on the command line, in the hash, in a replay."""

from __future__ import annotations

import runpy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ketalab.cli import main
from ketalab.errors import SolutionError
from ketalab.laboratory import ALLOWED, human_model, individuals
from ketalab.studies import _replay, load_study, replay_study

_guarded = runpy.run_path(str(Path(__file__).with_name("_guarded.py")))
check_nobody, spoil = _guarded["check_nobody"], _guarded["spoil"]
scenario, simulate_one = _guarded["scenario"], _guarded["simulate_one"]


def test_simulate_prints_the_check_and_whom_it_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["simulate", "--patients", "9", "--days", "1", "--output", "symptom:relief"]
    assert main(words) == 0
    assert "Checked on half the steps: 8 patients; largest error " in capsys.readouterr().out
    spoil(monkeypatch, 2)
    assert main(words) == 1
    assert "--failed keep" in capsys.readouterr().err
    assert main([*words, "--failed", "keep"]) == 0
    said = capsys.readouterr().out
    assert "Left out, without a solution: 1 of 9 patients (2: " in said
    assert main([*words, "--failed", "ignore"]) == 2
    assert "allowed: raise, keep" in capsys.readouterr().err


def test_with_the_checker_there_is_nothing_to_estimate() -> None:
    made = simulate_one(patients=2, engine="checker", outputs=("symptom:relief",))
    assert made.document()["check"] == {
        "checked": 0, "error": None, "allowed": ALLOWED, "above": 0, "retried": {},
    }  # fmt: skip
    assert "the checker controls its own error" in made.check.line()


def test_the_hash_knows_whether_patients_may_be_retried_and_not_what_becomes_of_the_failed() -> (
    None
):
    assert scenario().hash() == scenario(failed="keep").hash()
    assert scenario().hash() != scenario(engine="numpy").hash()
    assert scenario(engine="numpy").hash() != scenario(engine="lockstep").hash()
    assert scenario().to_dict()["failed"] == "raise"


def test_a_replay_is_guarded_and_its_rows_stay_as_they_were(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study = load_study("berman2000")
    made = replay_study(study, 20)
    assert made.check.checked >= 20
    assert made.check.error is not None
    assert made.check.error < 1e-5
    check_nobody(monkeypatch)
    assert replay_study(study, 20).rows == made.rows


def test_a_replay_with_a_failed_patient_is_refused_by_replicate_and_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = human_model().parameters.index("mind.relief_maximum")

    def spoiled(model: Any, people: Any, streams: Any, kind: Any) -> Any:
        made = individuals(model, people, streams, kind)
        parameters = made.parameters.copy()
        parameters[row, (people.replicate == 2) & (people.index == 4)] = np.nan
        return replace(made, parameters=parameters)

    monkeypatch.setattr(_replay, "individuals", spoiled)
    with pytest.raises(SolutionError, match=r"1 of .* \(patient 4 of replicate 2: ") as caught:
        replay_study(load_study("berman2000"), 3)
    assert "--failed" not in str(caught.value)
