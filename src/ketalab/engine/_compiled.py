"""Compiled once and kept on disk: the equations of a model, and the integrator that is the same for all models.

A compiler (numba) turns plain functions into machine code in seconds and reads it back in a tenth of one. It needs a
file to keep that code beside, so a text goes to a file of the cache folder: ``$KETALAB_CACHE``, else ``ketalab`` in
``$XDG_CACHE_HOME``, else in ``~/.cache``; if that cannot be written, a private folder among the temporary files; and if
that cannot be either, the code is compiled for this process alone. What runs is always the text in hand: the file is
rewritten where it differs, and never read as code. The folder may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.abc
import importlib.util
import inspect
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from ketalab._files import atomic_path
from ketalab.engine import _lu, _rodas
from ketalab.errors import OutputError, SolutionError

Function = Callable[..., Any]

#: Time of change given to every file: the compiler takes code for stale by time and size, the name holds the content.
_TIME = 1_000_000_000
_LOCK = threading.Lock()


@dataclass(frozen=True, eq=False)
class Equations:
    """Compiled equations: ``fixed`` numbers are made by ``prepare`` and read by ``rates`` and ``jacobian``."""

    fixed: int
    prepare: Function
    rates: Function
    jacobian: Function


class _Text(importlib.abc.SourceLoader):
    """Runs a text as the module of a file, whatever the file says."""

    def __init__(self, path: str, text: str) -> None:
        self.path, self.text = path, text

    def get_filename(self, fullname: str) -> str:
        return self.path

    def get_data(self, path: str | bytes) -> bytes:
        return self.text.encode()


def cache_folder() -> Path | None:
    """The folder for compiled code, made if it is missing; none if no private one can be written."""
    for choose in (_wanted_folder, _temporary_folder):
        try:
            folder = choose().absolute()
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            if _is_private(folder):
                return folder
        except (OSError, RuntimeError):  # RuntimeError: no home
            continue
    return None


def _wanted_folder() -> Path:
    if own := os.environ.get("KETALAB_CACHE"):
        return Path(own)
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "ketalab"


def _temporary_folder() -> Path:
    user = getattr(os, "getuid", lambda: "user")()
    return Path(tempfile.gettempdir()) / f"ketalab-{user}"


def _is_private(folder: Path) -> bool:
    """Whether only this user can write here: compiled code is read back and run."""
    if not os.access(folder, os.W_OK | os.X_OK):
        return False
    if not hasattr(os, "getuid"):
        return True
    # Another's link into a folder of this user is not private, so the link is asked too.
    named, real = folder.lstat(), folder.stat()
    return named.st_uid == real.st_uid == os.getuid() and not real.st_mode & 0o022


@contextmanager
def compiling(what: str) -> Iterator[None]:
    """One at a time; whatever the compiler raises becomes one line that names ``what``."""
    try:
        with _LOCK:
            yield
    except Exception as error:
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise SolutionError(f"{what} cannot be compiled: {why}") from error


def _keep(folder: Path, name: str, text: str) -> Path:
    """The file of a text, written unless it is there as it should be."""
    path = folder / f"{name}.py"
    try:
        same = path.read_bytes() == text.encode() and path.stat().st_mtime == _TIME
    except OSError:
        same = False
    if not same:
        with atomic_path(path) as part:
            part.write_bytes(text.encode())
            os.utime(part, (_TIME, _TIME))
    return path


def load_text(kind: str, text: str, also: str = "") -> tuple[ModuleType, bool]:
    """A module made of a text, and whether its code can be kept. ``also`` is other text that its code depends on."""
    numba = importlib.import_module("numba")
    recipe = inspect.getsource(sys.modules[__name__])  # signatures and options
    digest = hashlib.sha256("\0".join((text, also, recipe, numba.__version__)).encode())
    name = f"ketalab_{kind}_{digest.hexdigest()[:32]}"
    folder = cache_folder()
    path, kept = f"<{name}>", False
    if folder is not None:
        try:
            path, kept = str(_keep(folder, name, text)), True
        except (OSError, OutputError):
            kept = False
    spec = importlib.util.spec_from_loader(name, _Text(path, text))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # the compiler looks the module of kept code up by its name
    spec.loader.exec_module(module)
    return module, kept


def compile_function(
    function: Function, signature: Any, kept: bool, *, allocates: bool = True
) -> Function:
    """Machine code for one signature; a cache that cannot be read or written is done without.

    A function that ``allocates`` nothing need not count who holds its arrays, and compiles and runs the quicker.
    """
    numba = importlib.import_module("numba")
    options = {"error_model": "numpy", "nogil": True, "_nrt": allocates}
    if kept:
        try:
            made: Function = numba.njit(signature, cache=True, **options)(function)
            return made
        except Exception:  # noqa: S110 - a truncated file, a full disk: mended by compiling here
            pass
    made = numba.njit(signature, **options)(function)
    return made


def inner_function(function: Function) -> Function:
    """A function that allocates nothing, for compiled ones to call."""
    made: Function = importlib.import_module("numba").njit(
        error_model="numpy", _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True
    )(function)
    return made


def _signatures() -> dict[str, Any]:
    types = importlib.import_module("numba").types
    vector, matrix = types.float64[::1], types.float64[:, ::1]
    return {
        "vector": vector,
        "matrix": matrix,
        "prepare": types.void(vector, vector),
        "rates": types.void(vector, vector, vector),
        "jacobian": types.void(vector, vector, matrix),
    }


@cache
def compile_equations(text: str) -> Equations:
    """Compile the text of a problem's ``source``.

    Raises
    ------
    SolutionError
        There is no working compiler, or the text cannot be compiled.
    """
    with compiling("the checker"):
        module, kept = load_text("equations", f"import math\n\nimport numpy as np\n\n{text}")
        signatures = _signatures()
        made = {
            name: compile_function(getattr(module, name), signatures[name], kept)
            for name in ("prepare", "rates", "jacobian")
        }
        return Equations(int(module.FIXED), **made)


@cache
def compile_integrator() -> Function:
    """Compile :func:`ketalab.engine._rodas.integrate`; the equations are arguments, so one serves all models.

    Raises
    ------
    SolutionError
        There is no working compiler.
    """
    with compiling("the checker"):
        numba = importlib.import_module("numba")
        parts = inspect.getsource(_lu)
        module, kept = load_text("integrator", inspect.getsource(_rodas), parts)
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if name != "integrate":
                setattr(module, name, numba.njit(function, error_model="numpy"))
        types, made = numba.types, _signatures()
        vector, matrix = made["vector"], made["matrix"]
        number, whole = types.float64, types.int64
        functions = [types.FunctionType(made[name]) for name in ("prepare", "rates", "jacobian")]
        signature = types.Tuple((whole, number, whole))(
            *functions,
            vector,
            types.Tuple((matrix, matrix, number, number)),
            *(vector, vector),
            *(matrix, matrix, matrix),
            vector,
            types.Tuple((number, number, whole)),
            matrix,
            whole[::1],
        )
        return compile_function(module.integrate, signature, kept)
