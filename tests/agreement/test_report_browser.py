"""A real browser shows the report: figures with descriptions, tables, and nothing fetched."""

from __future__ import annotations

import importlib.util
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

WIDTH, HEIGHT = 1000, 1400
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    f"--window-size={WIDTH},{HEIGHT}",
]


def _load_page() -> ModuleType:
    path = Path(__file__).with_name("_page.py")
    spec = importlib.util.spec_from_file_location("_page", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["_page"] = module
    spec.loader.exec_module(module)
    return module


page: Any = _load_page()


def make_png(lines: list[bytes], width: int) -> bytes:
    """Write a grey picture whose stored lines are given."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, len(lines), 8, 0, 0, 0, 0)
    data = zlib.compress(b"".join(lines))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def test_a_blank_picture_is_told_from_a_drawn_one() -> None:
    blank = make_png([b"\0" + b"\xff" * 50] + [b"\2" + b"\0" * 50] * 99, 50)
    drawn = make_png([b"\0" + bytes([i]) * 50 for i in range(100)], 50)
    assert page.share_of_drawn_lines(blank) == 0.02
    assert page.share_of_drawn_lines(drawn) == 1.0


@pytest.mark.parametrize(
    "figure",
    [
        '<svg aria-label="scores"></svg>',
        "<svg><title>scores</title><path/></svg>",
        '<img alt="scores" src="data:image/png;base64,AA==">',
        "<figure><svg><g/></svg><figcaption>scores</figcaption></figure>",
        '<div role="img" aria-label="scores"><svg></svg></div>',
        '<p id="d">scores</p><svg aria-labelledby="d"></svg>',
    ],
)
def test_the_description_of_a_figure_is_found(figure: str) -> None:
    assert page.read_page(f"<body><p>x</p>{figure}</body>").figures == ["scores"]


def test_a_figure_without_a_description_is_seen_as_such() -> None:
    assert page.read_page("<body><svg><path/></svg><img src='a.png'></body>").figures == ["", ""]


@pytest.mark.parametrize(
    "element",
    [
        '<img alt="a" src="https://example.org/a.png">',
        '<script src="//example.org/a.js"></script>',
        '<link rel="stylesheet" href="https://example.org/a.css">',
        "<style>@import 'https://example.org/a.css';</style>",
        '<p style="background: url(http://example.org/a.png)">a</p>',
        '<script>fetch("https://example.org/a")</script>',
    ],
)
def test_what_a_page_would_fetch_is_found(element: str) -> None:
    assert page.read_page(f"<body>{element}</body>").fetched


def test_a_link_and_a_name_space_are_not_fetched() -> None:
    source = (
        '<body><a href="https://doi.org/1">1</a><svg xmlns="http://www.w3.org/2000/svg"/></body>'
    )
    assert not page.read_page(source).fetched


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a small replay, made by the command itself."""
    made = tmp_path_factory.mktemp("report") / "berman 2000.html"
    ketalab = Path(sys.executable).with_name("ketalab")
    command = [str(ketalab), "replay", "berman2000", "--replicates", "50", "--report", str(made)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return made


@pytest.mark.browser
def test_a_browser_shows_figures_and_tables_and_fetches_nothing(
    browser: str, report: Path, tmp_path: Path
) -> None:
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    command = [browser, *FLAGS, profile, "--dump-dom", report.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=180)
    seen = page.read_page(done.stdout)
    assert seen.figures
    assert all(seen.figures), seen.figures
    assert seen.tables
    assert all(seen.tables), seen.tables
    assert not seen.fetched
    assert "Berman" in seen.text


@pytest.mark.browser
def test_a_browser_draws_the_report(browser: str, report: Path, tmp_path: Path) -> None:
    picture = tmp_path / "report.png"
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    command = [browser, *FLAGS, profile, f"--screenshot={picture}", report.as_uri()]
    subprocess.run(command, capture_output=True, check=True, timeout=180)
    assert page.share_of_drawn_lines(picture.read_bytes()) > 0.1
