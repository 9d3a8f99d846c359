"""The lock: one version of a package everywhere, a hash for each, no word of where it came from."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

FILES = ["all", "build", "core", "dev", "docs"]
#: Beside the whole: what only the benchmark of other solvers installs.
BENCH = "bench"
LINE = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[^\s;\\]+)(?: ; (?P<marker>[^\\]+?))? \\")


def read_lock(root: Path, name: str) -> dict[tuple[str, str], str]:
    """Read ``{(package, marker): version}``; a package may have one line for each platform."""
    text = (root / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line[:1].isalnum()]
    matches = [LINE.fullmatch(line) for line in lines]
    assert all(matches), "a line that is not name==version ; marker \\"
    return {(m["name"], m["marker"] or ""): m["version"] for m in matches if m}


def canonical(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found
    return re.sub(r"[-_.]+", "-", found[0]).lower()


@pytest.mark.parametrize("name", FILES[1:])
def test_a_part_of_the_lock_has_the_versions_of_the_whole(repo_root: Path, name: str) -> None:
    whole: dict[str, set[str]] = {}
    for (package, _), version in read_lock(repo_root, "all").items():
        whole.setdefault(package, set()).add(version)
    part = read_lock(repo_root, name)
    assert part
    assert not [(key, v) for key, v in part.items() if v not in whole.get(key[0], set())]


@pytest.mark.parametrize("name", ["dev", "docs"])
def test_the_environments_that_add_to_the_core_contain_it(repo_root: Path, name: str) -> None:
    core = {package for package, _ in read_lock(repo_root, "core")}
    assert core <= {package for package, _ in read_lock(repo_root, name)}


def test_the_benchmark_adds_solvers_and_changes_no_version(repo_root: Path) -> None:
    whole = {package for package, _ in read_lock(repo_root, "all")}
    bench = read_lock(repo_root, BENCH)
    assert {"diffrax", "jax"} <= {package for package, _ in bench} - whole
    for package in {package for package, _ in bench} & whole:
        ours = {v for (name, _), v in read_lock(repo_root, "all").items() if name == package}
        assert {v for (name, _), v in bench.items() if name == package} <= ours


@pytest.mark.parametrize("name", [*FILES, BENCH])
def test_every_package_has_a_hash(repo_root: Path, name: str) -> None:
    text = (repo_root / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[a-z0-9])", text)[1:]
    assert len(entries) == len(read_lock(repo_root, name))
    hashes = [line.strip(" \\") for entry in entries for line in entry.splitlines()[1:]]
    assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", line) for line in hashes)
    assert all("\n" in entry for entry in entries)


@pytest.mark.parametrize("name", [*FILES, BENCH])
def test_the_lock_names_no_address_path_or_index(repo_root: Path, name: str) -> None:
    text = (repo_root / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    assert not re.search(r"://|--(extra-)?index-url|--find-links|--trusted-host| @ |/", text)


def test_the_lock_holds_everything_that_the_project_names(repo_root: Path) -> None:
    project = tomllib.loads((repo_root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = {
        "core": project["dependencies"],
        "build": extras["build"],
        "dev": [*project["dependencies"], *extras["dev"], *extras["build"]],
        "docs": [*project["dependencies"], *extras["docs"]],
        "all": [*project["dependencies"], *(r for extra in extras.values() for r in extra)],
    }
    for name, requirements in wanted.items():
        locked = {package for package, _ in read_lock(repo_root, name)}
        assert not {canonical(text) for text in requirements} - locked, name


def imported(path: Path) -> set[str]:
    """Name the top-level packages that a module imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module or "")
    return {name.partition(".")[0] for name in names}


#: What a room, or one file, may import besides the core, and the extra that installs it.
EXTRA = {
    "spiking/": ("spiking", {"brian2"}),
    "laboratory/execution/_dask.py": ("cluster", {"dask", "distributed"}),
}


def allowed_beside_the_core(place: str) -> set[str]:
    return set().union(*(names for begin, (_, names) in EXTRA.items() if place.startswith(begin)))


def test_the_package_imports_nothing_that_the_core_does_not_install(repo_root: Path) -> None:
    source = repo_root / "src" / "ketalab"
    core = {package for package, _ in read_lock(repo_root, "core")}
    owners = packages_distributions()
    foreign = {
        f"{path.relative_to(repo_root)}: {name}"
        for path in source.rglob("*.py")
        for name in imported(path)
        - {"ketalab"}
        - sys.stdlib_module_names
        - allowed_beside_the_core(path.relative_to(source).as_posix())
        if not {canonical(owner) for owner in owners.get(name, [])} & core
    }
    assert not foreign


def test_what_a_room_imports_beside_the_core_is_in_its_extra(repo_root: Path) -> None:
    project = tomllib.loads((repo_root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for extra, packages in EXTRA.values():
        wanted = {canonical(text) for text in project["optional-dependencies"][extra]}
        assert wanted == packages
        assert wanted <= {canonical(text) for text in project["optional-dependencies"]["dev"]}
