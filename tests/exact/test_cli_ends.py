"""How the command line ends when the world outside goes away: a closed pipe, a full disk, a request to end."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

KETALAB = Path(sys.executable).with_name("ketalab")


def test_a_reader_who_goes_away_is_no_failure() -> None:
    made = subprocess.Popen(
        [KETALAB, "outputs"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert made.stdout is not None
    made.stdout.close()
    _, said = made.communicate(timeout=60)
    assert (made.returncode, said) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_under_standard_output_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        made = subprocess.run(
            [KETALAB, "outputs"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert made.returncode == 2
    assert made.stderr == ("ketalab: standard output: cannot be written: No space left on device\n")


def test_a_request_to_end_leaves_nothing_behind(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    lines = [f"{i},0,100,1,400\n{i},500,.,.,." for i in range(3000)]
    table.write_text("\n".join(["ID,TIME,AMT,II,ADDL", *lines, ""]))
    (tmp_path / "model.yaml").write_text(
        "compartments: [c]\nflows: [{from: c, to: out, rate: 0.5}]\nobserve: {compartment: c}\n"
    )
    out = tmp_path / "made"
    out.mkdir()
    command = [KETALAB, "events", "table.csv", "--model", "model.yaml", "--out", "made/x.csv"]
    made = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    for _ in range(600):
        if list(out.iterdir()) or made.poll() is not None:
            break
        time.sleep(0.05)
    assert made.poll() is None, "the run was over before it could be ended"
    made.send_signal(signal.SIGTERM)
    _, said = made.communicate(timeout=60)
    assert made.returncode == 130
    assert said.endswith("interrupted; nothing was left half-written\n")
    assert not list(out.iterdir())
