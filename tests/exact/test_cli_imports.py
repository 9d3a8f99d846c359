"""Help is quick because it loads no numerics: asked of every command that there is."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

import ketalab.cli

HEAVY = {"numpy", "scipy", "numba", "xarray", "pandas", "polars", "jax"}
ASK = """
import json, sys
from ketalab.cli import main
sys.argv = ["ketalab", *sys.argv[1:], "--help"]
try:
    code = main()
except SystemExit as end:
    code = end.code
print()
modules = sorted({name.partition(".")[0] for name in sys.modules})
print(json.dumps({"code": code, "modules": modules}))
"""


def list_commands() -> list[tuple[str, ...]]:
    """Every command and sub-command, found by asking the application."""
    app = getattr(ketalab.cli, "app", None)
    if app is None:
        return []
    if not hasattr(app, "commands"):
        import typer

        app = typer.main.get_command(app)

    def walk(command: Any, path: tuple[str, ...]) -> list[tuple[str, ...]]:
        inner = getattr(command, "commands", {})
        return [path] + [found for name in inner for found in walk(inner[name], (*path, name))]

    return walk(app, ())


@pytest.mark.skipif(not list_commands(), reason="ketalab.cli has no app")
@pytest.mark.parametrize("path", list_commands(), ids=lambda path: " ".join(["ketalab", *path]))
def test_help_loads_nothing_heavy(path: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", ASK, *path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    assert not answer["code"]
    assert "ketalab" in answer["modules"]
    assert not HEAVY & set(answer["modules"])
