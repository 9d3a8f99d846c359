"""A model that was kept is the model that was traced, and needs no algebra."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ketalab.laboratory import _kept, body_model
from ketalab.laboratory._kept import kept, source_of
from ketalab.model import join
from ketalab.model.body import body
from ketalab.model.joining import Joined
from ketalab.model.tracing import Traced, restore, trace

RUN = """
import sys
from ketalab.laboratory import Scenario, simulate
simulate(Scenario(patients=2, days=1))
print("sympy" in sys.modules)
"""


def rat() -> Joined:
    return join((body("rat"),))


@pytest.fixture(scope="module")
def traced() -> Traced:
    return trace(rat())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(_kept, "cache_folder", lambda: tmp_path)
    return tmp_path


def test_a_document_is_plain_and_gives_the_model_back(traced: Traced) -> None:
    document = json.loads(json.dumps(traced.document()))
    made = restore(traced.joined, document)
    assert json.loads(json.dumps(made.document())) == document
    assert made.reads == traced.reads
    for name in ("linear", "states", "parameters", "covariates", "inputs", "initial", "order"):
        assert getattr(made, name) == getattr(traced, name), name
    for name in ("drivers", "movers", "idle", "places", "defaults", "constant_rates"):
        assert getattr(made, name) == getattr(traced, name), name
    name = "plasma:venous:S-ketamine"
    assert made.needed([name]) == traced.needed([name])
    assert made.linear_behind([name]) == traced.linear_behind([name])
    draw = np.random.default_rng(1)
    read = (made.parameters, made.covariates, made.inputs)
    groups = [draw.uniform(0.1, 1, len(group)) for group in read]
    assert made.matrix_function[1](*groups) == traced.matrix_function[1](*groups)


def test_a_restored_model_is_traced_when_its_symbols_are_asked_for(traced: Traced) -> None:
    made = restore(traced.joined, traced.document())
    assert "matrix" not in vars(made)
    assert made.matrix == traced.matrix
    assert made.outputs.keys() == traced.outputs.keys()
    with pytest.raises(AttributeError, match="colour"):
        _ = made.colour


def test_a_document_of_other_layers_is_no_model(traced: Traced) -> None:
    with pytest.raises(ValueError, match="other layers"):
        restore(traced.joined, {**traced.document(), "layers": ["body", "brain"]})


def test_a_model_is_written_once_and_read_afterwards(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = kept("rat", rat)
    (path,) = folder.iterdir()
    before = path.read_bytes()

    def no_tracing(*_: object) -> Traced:
        raise AssertionError("traced again")

    monkeypatch.setattr(_kept, "trace", no_tracing)
    two = kept("rat", rat)
    assert path.read_bytes() == before
    assert two.reads == one.reads


@pytest.mark.parametrize("text", ["", "{}", '{"linear": [', "[]", '{"entries": 3}'])
def test_a_file_that_is_no_model_is_written_anew(folder: Path, text: str) -> None:
    kept("rat", rat)
    (path,) = folder.iterdir()
    before = path.read_bytes()
    path.write_text(text)
    assert kept("rat", rat).linear == body_model("rat").linear
    assert path.read_bytes() == before


def test_without_a_folder_or_on_a_full_disk_a_model_is_traced(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    assert kept("rat", rat).linear == body_model("rat").linear
    assert list(folder.iterdir()) == []
    monkeypatch.setattr(_kept, "cache_folder", lambda: None)
    assert kept("rat", rat).linear == body_model("rat").linear


def test_a_file_belongs_to_the_code_and_the_data_behind_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept("rat", rat)
    monkeypatch.setattr(_kept, "_digest", lambda: "of other code")
    kept("rat", rat)
    assert len(list(folder.iterdir())) == 2


def test_equations_are_written_once_and_read_afterwards(folder: Path) -> None:
    one = kept("rat", rat)
    text = source_of(one)
    two = kept("rat", rat)
    assert source_of(two) == text
    assert "matrix" not in vars(two)  # which the algebra would have left there
    (path,) = folder.glob("*.equations")
    for damage in ("", "FIXED = 1\n", text.replace("np.exp(", "open(", 1), text[:1000]):
        path.write_text(damage)
        assert source_of(kept("rat", rat)) == text
        assert path.read_text() == text


def test_equations_of_a_model_that_is_not_kept_are_its_own(folder: Path, traced: Traced) -> None:
    assert source_of(traced) == traced.source
    assert list(folder.iterdir()) == []


def test_a_run_that_finds_its_model_loads_no_algebra() -> None:
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", RUN], capture_output=True, text=True, check=True
        )
    assert done.stdout.strip() == "False"
