"""The direction rows of the evidence were written before the equations that must give them, and stay as they were."""

from __future__ import annotations

import hashlib
from pathlib import Path

import yaml

import ketalab

DATA = Path(ketalab.__file__).parent / "data"


def test_the_direction_rows_are_those_that_were_frozen() -> None:
    frozen, name = (DATA / "directions.sha256").read_text(encoding="utf-8").split()
    assert name == "directions.yaml"
    assert hashlib.sha256((DATA / name).read_bytes()).hexdigest() == frozen


def test_every_row_has_a_sign_and_every_contested_row_a_question() -> None:
    content = yaml.safe_load((DATA / "directions.yaml").read_text(encoding="utf-8"))
    assert len(content["rows"]) == 240
    for row in content["rows"]:
        assert row["sign"] in ("+", "-", "0")
        assert row.get("contested") is None or row["contested"] in content["contested"]
