"""What all tests share: the repository's root, the hypothesis profiles, checks by other programs.

A test marked ``browser`` or ``r`` needs a program that Python cannot bring along. Where it is
missing the test is skipped, and one line at the end counts what was not run. Where the variable
``KETALAB_REQUIRE`` names the marker (``KETALAB_REQUIRE=browser,r``), that is a failure.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings

#: marker: (what it needs, in words; the names under which the program goes)
PROGRAMS = {
    "browser": ("a browser", ("chromium", "chromium-browser", "google-chrome")),
    "r": ("R", ("Rscript",)),
}
REQUIRED = set(filter(None, os.environ.get("KETALAB_REQUIRE", "").split(",")))
# No deadlines: a test says whether the code is right, benchmarks say how fast it is.
settings.register_profile("house", deadline=None, max_examples=40)
settings.register_profile("ci", deadline=None, max_examples=40, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "house")


def find_program(marker: str) -> str | None:
    """Return the path of the program that a marker stands for, if there is one."""
    return next(filter(None, map(shutil.which, PROGRAMS[marker][1])), None)


def describe_not_run(counts: dict[str, int]) -> str:
    """Say in one line what was not run: ``not run here: 2 checks need a browser, 1 needs R``."""
    parts = []
    for marker, count in sorted(counts.items()):
        noun = ("check " if count == 1 else "checks ") if not parts else ""
        parts.append(f"{count} {noun}{'needs' if count == 1 else 'need'} {PROGRAMS[marker][0]}")
    return "not run here: " + ", ".join(parts)


def pytest_configure(config: pytest.Config) -> None:
    unknown = REQUIRED - PROGRAMS.keys()
    if unknown:
        raise pytest.UsageError(
            f"KETALAB_REQUIRE: {', '.join(sorted(unknown))} is not one of {', '.join(PROGRAMS)}"
        )
    # Compiled code is kept between runs, and nothing is written to anyone's home.
    os.environ["KETALAB_CACHE"] = str(config.rootpath / ".pytest_cache" / "ketalab")
    os.environ["KETALAB_DATA"] = str(config.rootpath / ".pytest_cache" / "ketalab-data")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, (needed, names) in PROGRAMS.items():
        if item.get_closest_marker(marker) and find_program(marker) is None:
            if marker in REQUIRED:
                pytest.fail(f"needs {needed} (one of {', '.join(names)}), which is required here")
            pytest.skip(f"needs {needed}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    # From the reports, because the tests themselves may have run in other processes.
    why = Counter(str(report.longrepr) for report in terminalreporter.stats.get("skipped", ()))
    counts = {
        marker: sum(count for reason, count in why.items() if f"Skipped: needs {needed}'" in reason)
        for marker, (needed, _) in PROGRAMS.items()
    }
    if any(counts.values()):
        terminalreporter.write_line(describe_not_run({k: n for k, n in counts.items() if n}))


@pytest.fixture(scope="session")
def repo_root() -> Path:
    """The root of the repository."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture
def browser() -> str:
    """The path of a browser; for tests marked ``browser``."""
    path = find_program("browser")
    assert path, "a test that uses the browser fixture must be marked browser"
    return path


@pytest.fixture
def rscript() -> str:
    """The path of Rscript; for tests marked ``r``."""
    path = find_program("r")
    assert path, "a test that uses the rscript fixture must be marked r"
    return path


@pytest.fixture
def unchecked_sbml(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exports that libSBML is not asked about, which takes most of their time: validity has tests of its own."""
    from ketalab.exchange.sbml import _write

    monkeypatch.setattr(_write, "check_sbml", lambda _: [])
