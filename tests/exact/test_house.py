"""The rules of the house, checked on every file.

The words that are forbidden are put together from halves here, because this file is checked too.
"""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
import types
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "ketalab"
MAX_LINES = 400
BUILT = {"_build", "__pycache__", "build", "dist", "node_modules", "out", "site-packages"}

MACHINE_PATH = re.compile(r"(?<![\w.~/:$}<>)\-])/(?:work|root|home|tmp|Users)(?![\w-])")
INDEX_HOST = re.compile(
    "|".join(
        re.escape(f"{name}.{top}")
        for name, top in [
            ("pypi", "org"),
            ("pythonhosted", "org"),
            ("npmjs", "org"),
            ("deb.debian", "org"),
            ("anaconda", "org"),
        ]
    )
)
UNFINISHED = re.compile(
    r"\b(?:"
    + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "NotImplemented" + "Error"])
    + r")\b"
)

UNSAFE_MODULES = {"cloudpickle", "dill", "joblib", "jsonpickle", "marshal", "pickle", "shelve"}
UNSAFE_CALLS = {"eval", "exec", "compile", "__import__"}
UNSAFE_NAMES = {"sympify", "parse_expr", "read_pickle", "to_pickle", "unsafe_load", "full_load"}
#: The one reader of YAML (a subclass of the safe loader); the one maker of functions of equations.
ALLOWED = {
    ("_files.py", "yaml.load"),
    ("model/_functions.py", "lambdify"),
    ("model/_arithmetic.py", "compile"),  # of arithmetic alone
    ("model/_arithmetic.py", "exec"),
}


@cache
def list_files() -> tuple[Path, ...]:
    """Every file of the project: what git knows or would add; without git, what is not built."""
    git = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(git, capture_output=True, check=True, text=True).stdout.split("\0")
        paths = [ROOT / name for name in listed if name]
    except (OSError, subprocess.CalledProcessError):
        paths = []
        for folder, inner, names in os.walk(ROOT):
            inner[:] = [name for name in inner if name not in BUILT and name[:1] != "."]
            paths += [Path(folder) / name for name in names]
    return tuple(sorted(path for path in paths if path.is_file() and not path.is_symlink()))


def list_python() -> list[Path]:
    return [path for path in list_files() if path.suffix == ".py"]


def find_in_text(pattern: re.Pattern[str]) -> list[str]:
    found = []
    for path in list_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:  # a picture or a table in binary
            continue
        for match in pattern.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(f"{path.relative_to(ROOT)}:{line}: {match[0]}")
    return found


def dotted(node: ast.expr) -> str:
    """Write ``yaml.load`` for the syntax tree of it; nothing for what is not plain names."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return f"{inner}.{node.attr}" if inner else node.attr
    return ""


def is_strict(call: ast.Call) -> bool:
    """Whether ``strict=True`` is given: SymPy then takes expressions and refuses text."""
    return any(k.arg == "strict" and getattr(k.value, "value", 0) is True for k in call.keywords)


def find_unsafe(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and name of everything that could run what a file says."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Call):
            names = [dotted(node.func)]
            if names[0].endswith("sympify") and is_strict(node):
                continue
            if any(keyword.arg == "allow_pickle" for keyword in node.keywords):
                yield node.lineno, "allow_pickle"
            if names[0] in UNSAFE_CALLS:
                yield node.lineno, names[0]
        else:
            continue
        for name in names:
            last = name.rpartition(".")[2]
            if name.partition(".")[0] in UNSAFE_MODULES or last in UNSAFE_NAMES:
                yield node.lineno, name
            if name in ("yaml.load", "yaml.load_all"):
                yield node.lineno, name
            if last == "lambdify":
                yield node.lineno, last


def list_packages() -> list[str]:
    inits = (path.parent.relative_to(SOURCE.parent) for path in SOURCE.rglob("__init__.py"))
    dotted_names = (".".join(path.parts) for path in inits)
    return sorted(name for name in dotted_names if "._" not in name)


def test_the_list_of_files_is_the_project() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in list_files()}
    assert {"pyproject.toml", "src/ketalab/__init__.py", "tests/exact/test_house.py"} <= names
    assert not any("site-packages" in name for name in names)


def test_no_file_names_a_path_of_a_machine() -> None:
    assert not find_in_text(MACHINE_PATH)


def test_no_file_names_the_host_of_a_package_index() -> None:
    assert not find_in_text(INDEX_HOST)


def test_no_file_holds_a_word_for_unfinished_work() -> None:
    assert not find_in_text(UNFINISHED)


@pytest.mark.parametrize(
    ("pattern", "bad", "good"),
    [
        (MACHINE_PATH, "see /" + "work/main", "a/" + "work/main"),
        (MACHINE_PATH, 'open("/' + 'tmp/x")', "https://a.org/" + "home/x"),
        (INDEX_HOST, "https://py" + "pi.org/x", "the index of packages"),
        (UNFINISHED, "# TO" + "DO: later", "a to" + "do list"),
    ],
)
def test_the_checks_of_text_find_what_they_look_for(
    pattern: re.Pattern[str], bad: str, good: str
) -> None:
    assert pattern.search(bad)
    assert not pattern.search(good)


def test_no_python_file_is_longer_than_a_head_can_hold() -> None:
    counts = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in list_python()}
    long = [f"{path.relative_to(ROOT)}: {n} lines" for path, n in counts.items() if n > MAX_LINES]
    assert not long


def test_nothing_read_from_a_file_can_run() -> None:
    found = []
    for path in SOURCE.rglob("*.py"):
        place = path.relative_to(SOURCE).as_posix()
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found += [
            f"{place}:{line}: {name}"
            for line, name in find_unsafe(tree)
            if (place, name) not in ALLOWED
        ]
    assert not found


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from pickle import loads",
        "eval(text)",
        "exec(text)",
        "sympy.sympify(text)",
        "sympy.sympify(text, strict=False)",
        "from sympy import sympify",
        "yaml.load(text)",
        "from sympy import lambdify",
        "np.load(path, allow_pickle=True)",
        "pd.read_pickle(path)",
    ],
)
def test_the_check_of_code_finds_what_it_looks_for(code: str) -> None:
    assert list(find_unsafe(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "sympy.sympify(x, strict=True)",
        "re.compile(x)",
        "yaml.safe_load(x)",
        "json.load(x)",
        "retrieval(x)",
    ],
)
def test_the_check_of_code_lets_safe_code_pass(code: str) -> None:
    assert not list(find_unsafe(ast.parse(code)))


@pytest.mark.parametrize("name", list_packages())
def test_a_package_lists_its_public_names(name: str) -> None:
    package = importlib.import_module(name)
    listed = getattr(package, "__all__", None)
    assert listed is not None, f"{name} has no __all__"
    assert len(set(listed)) == len(listed)
    missing = [word for word in listed if not hasattr(package, word)]
    assert not missing
    unlisted = {
        word
        for word, thing in vars(package).items()
        if not word.startswith("_")
        and word != "TYPE_CHECKING"
        and not isinstance(thing, types.ModuleType)
        and type(thing).__module__ != "__future__"
        and getattr(thing, "__module__", name).startswith("ketalab")
        and word not in listed
    }
    assert not unlisted


def test_imports_run_downhill() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_make_alone_lists_every_job() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    jobs = set(re.findall(r"^\.PHONY: ([a-z]+)$", makefile, flags=re.MULTILINE))
    assert {"replay", "test"} <= jobs
    assert jobs == set(re.findall(r"^([a-z]+):.* ## .+$", makefile, flags=re.MULTILINE))
    assert ".DEFAULT_GOAL := help" in makefile


def test_the_data_folder_holds_no_code() -> None:
    data = [path for path in list_files() if path.is_relative_to(SOURCE / "data")]
    assert data
    assert not [path for path in data if path.stat().st_mode & 0o111]
    code = {".py", ".pyc", ".so", ".sh", ".js", ".pkl", ".pickle", ".joblib", ".exe", ".dll"}
    assert not [path for path in data if path.suffix in code]
