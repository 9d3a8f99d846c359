"""Compiled code: where it is kept, that it is compiled once, and that no file decides what runs."""

from __future__ import annotations

import json
import os
import runpy
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest

from ketalab.engine import _compiled
from ketalab.engine._compiled import Equations, cache_folder, compile_equations, compile_integrator
from ketalab.errors import SolutionError

write = runpy.run_path(str(Path(__file__).with_name("_equations.py")))["write"]
TEXT = write(1, ["-g[0] * z[0]"], {(0, 0): "-g[0]"})
#: Compile, use, and say how often code was read from the cache and from which folder.
ASK = """
import json, sys
import numpy as np
from ketalab.engine import _compiled
made = _compiled.compile_equations(sys.argv[1])
out = np.zeros(1)
made.rates(np.array([3.0]), np.array([2.0]), out)
functions = [made.prepare, made.rates, made.jacobian]
if sys.argv[2:]:
    functions = [_compiled.compile_integrator()]
hits = [sum(function.stats.cache_hits.values()) for function in functions]
print(json.dumps({"rate": out[0], "hits": hits}))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of a test's own, not yet made."""
    monkeypatch.setenv("KETALAB_CACHE", str(tmp_path / "kept"))
    compile_equations.cache_clear()
    return tmp_path / "kept"


def ask(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-c", ASK, TEXT, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def answer(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert not err
    assert len(out.splitlines()) == 1
    return dict(json.loads(out))


def rate(made: Equations) -> float:
    out = np.zeros(1)
    made.rates(np.array([3.0]), np.array([2.0]), out)
    return float(out[0])


def modules(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.py"))


# --- where ----------------------------------------------------------------------------------------


def test_the_folder_is_the_named_one_or_in_the_users_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("KETALAB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert cache_folder() == tmp_path / ".cache" / "ketalab"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "shared"))
    assert cache_folder() == tmp_path / "shared" / "ketalab"
    monkeypatch.setenv("KETALAB_CACHE", str(tmp_path / "a" / "own"))
    assert cache_folder() == tmp_path / "a" / "own"


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
def test_the_folder_is_for_its_owner_only(folder: Path) -> None:
    assert cache_folder() == folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
@pytest.mark.parametrize("mode", [0o770, 0o702, 0o777])
def test_a_folder_that_others_can_write_is_not_trusted(
    mode: int, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.mkdir()
    folder.chmod(mode)
    monkeypatch.setattr(_compiled.tempfile, "gettempdir", lambda: str(tmp_path / "temporary"))
    found = cache_folder()
    assert found is not None
    assert found.parent == tmp_path / "temporary"
    assert not list(folder.iterdir())


def test_without_a_place_to_write_it_is_compiled_for_this_process_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_text("not a folder")
    monkeypatch.setenv("KETALAB_CACHE", str(file / "inside"))
    monkeypatch.setattr(_compiled.tempfile, "gettempdir", lambda: str(file))
    compile_equations.cache_clear()
    assert cache_folder() is None
    assert rate(compile_equations(TEXT)) == -6.0
    assert list(tmp_path.iterdir()) == [file]


# --- once -----------------------------------------------------------------------------------------


def test_a_second_process_reads_what_the_first_has_compiled(folder: Path) -> None:
    assert answer(ask()) == {"rate": -6.0, "hits": [0, 0, 0]}
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert answer(ask()) == {"rate": -6.0, "hits": [1, 1, 1]}
    after = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert after == before


def test_processes_at_the_same_time_do_not_disturb_each_other(folder: Path) -> None:
    for made in [ask(), ask(), ask()]:
        assert answer(made)["rate"] == -6.0
    assert len(modules(folder)) == 1
    assert answer(ask()) == {"rate": -6.0, "hits": [1, 1, 1]}


def test_the_integrator_is_the_same_for_all_models_and_compiled_once() -> None:
    compile_integrator()
    place = cache_folder()
    assert place is not None
    before = sorted(place.glob("**/ketalab_integrator*"))
    assert answer(ask("integrator"))["hits"] == [1]
    assert sorted(place.glob("**/ketalab_integrator*")) == before


def test_another_text_or_version_has_a_file_of_its_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compile_equations(TEXT)
    assert rate(compile_equations(TEXT.replace("-g[0] * z", "+g[0] * z"))) == 6.0
    assert len(modules(folder)) == 2
    monkeypatch.setattr(numba, "__version__", "another")
    compile_equations.cache_clear()
    compile_equations(TEXT)
    assert len(modules(folder)) == 3


# --- what runs ------------------------------------------------------------------------------------


def test_a_changed_file_is_rewritten_and_what_it_says_does_not_run(folder: Path) -> None:
    compile_equations(TEXT)
    (path,) = modules(folder)
    good, times = path.read_bytes(), (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    path.write_text('raise SystemExit("this must not run")\n')
    os.utime(path, ns=times)
    compile_equations.cache_clear()
    assert rate(compile_equations(TEXT)) == -6.0
    assert modules(folder) == [path]
    assert path.read_bytes() == good


def test_no_bytecode_of_a_file_is_kept_or_read(folder: Path) -> None:
    compile_equations(TEXT)
    assert not list(folder.rglob("*.pyc"))


def test_damaged_machine_code_does_no_harm(folder: Path) -> None:
    compile_equations(TEXT)
    kept = [*folder.rglob("*.nbc"), *folder.rglob("*.nbi")]
    assert len(kept) == 6
    for path in kept:
        path.write_bytes(path.read_bytes()[:40])
    assert answer(ask())["rate"] == -6.0


def test_without_a_compiler_there_is_one_clear_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str) -> Any:
        raise ImportError(f"no module\n  named {name}")

    monkeypatch.setattr(_compiled.importlib, "import_module", refuse)
    with pytest.raises(SolutionError, match=r"^the checker cannot be compiled: no module named"):
        compile_equations(TEXT)


def test_a_run_by_numpy_loads_no_compiler() -> None:
    code = (
        "import sys; from ketalab.laboratory import Scenario, simulate; "
        "simulate(Scenario(patients=2, days=1, engine='numpy')); "
        "print(sorted({'numba', 'llvmlite'} & {name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
