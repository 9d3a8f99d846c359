"""A check that needs another program is counted where it is missing, or fails if it is required."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def run_checks_of_r(root: Path, required: str, *more: str) -> subprocess.CompletedProcess[str]:
    """Run the checks that need R, on a path without any program."""
    env = os.environ | {"PATH": "", "KETALAB_REQUIRE": required}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "tests/agreement/test_r.py",
        *more,
    ]
    return subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("processes", ["0", "2"])
def test_checks_without_their_program_are_skipped_and_counted_in_one_line(
    repo_root: Path, processes: str
) -> None:
    done = run_checks_of_r(repo_root, "", "--numprocesses", processes)
    assert done.returncode == 0, done.stdout
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("not run here: ")]
    assert line.endswith("checks need R")


def test_checks_without_their_program_fail_where_it_is_required(repo_root: Path) -> None:
    done = run_checks_of_r(repo_root, "browser,r")
    assert done.returncode == 1
    assert "needs R (one of Rscript), which is required here" in done.stdout
    assert "not run here" not in done.stdout


@pytest.mark.parametrize("required", ["browsers", "r,java"])
def test_an_unknown_program_is_named_with_the_known_ones(repo_root: Path, required: str) -> None:
    done = run_checks_of_r(repo_root, required)
    assert done.returncode == 4
    assert "is not one of browser, r" in done.stderr
