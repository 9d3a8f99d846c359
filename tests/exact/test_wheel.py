"""The wheel holds what the package needs, and works where nothing else is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

import ketalab


def run(*command: str | Path, cwd: Path) -> str:
    """Run a program that sees nothing of the sources; its output if it succeeds."""
    hidden = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    env = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(repo_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=repo_root)
    (made,) = folder.iterdir()
    return made


def test_the_wheel_holds_every_module_and_every_data_file(repo_root: Path, wheel: Path) -> None:
    source = repo_root / "src"
    wanted = {
        path.relative_to(source).as_posix()
        for path in (source / "ketalab").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    packed = set(zipfile.ZipFile(wheel).namelist())
    assert not wanted - packed
    assert {name.partition("/")[0] for name in packed - wanted} == {
        wheel.name.removesuffix("-py3-none-any.whl") + ".dist-info"
    }


def test_the_wheel_carries_its_licence_and_its_command(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        names = {
            name.partition("/")[2]: name for name in packed.namelist() if ".dist-info/" in name
        }
        assert "Apache License" in packed.read(names["licenses/LICENSE"]).decode()
        assert "ketalab = ketalab.cli:main" in packed.read(names["entry_points.txt"]).decode()
        assert f"Version: {ketalab.__version__}" in packed.read(names["METADATA"]).decode()


@pytest.mark.slow
def test_the_wheel_works_in_an_empty_environment(
    repo_root: Path, wheel: Path, tmp_path: Path
) -> None:
    home = tmp_path / "env"
    venv.create(home, with_pip=True)
    scripts = home / ("Scripts" if os.name == "nt" else "bin")
    pip = [scripts / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run(*pip, "--require-hashes", "-r", repo_root / "requirements" / "core.txt", cwd=tmp_path)
    run(*pip, "--no-deps", wheel, cwd=tmp_path)
    command = scripts / "ketalab"
    assert ketalab.__version__ in run(command, "--version", cwd=tmp_path)
    assert "plasma:venous:S-ketamine" in run(command, "outputs", cwd=tmp_path)
    answer = json.loads(run(command, "simulate", "--patients", "5", "--json", cwd=tmp_path))
    assert answer["patients"] == 5
    assert answer["failed"] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["env"], "it left files behind"
