"""The manual's examples run, and print what the pages show.

Blocks of ``python`` run page by page in one namespace; a ``text`` block right after one is what it
prints. Lines of ``console`` blocks that begin with ``$ ketalab`` run in a folder of the page, and the
lines below are a part of what is printed, in order. Numbers may differ by 2%, spaces do not count.
A block with a caption is a file, written before the page's examples run.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ketalab.cli import main
from ketalab.facts import fact

DOCS = Path(__file__).parents[2] / "docs"
PAGES = (
    "facts",
    "protocols",
    "hypotheses",
    "people",
    "model",
    "body",
    "drugs",
    "brain",
    "behaviour",
    "mechanisms",
    "spiking",
    "states",
    "belief",
    "mind",
    "scales",
    "harm",
    "benefit",
    "engine",
    "laboratory",
    "execution",
    "qualification",
    "cards",
    "cli",
    "compare",
    "events",
    "exchange",
)
BLOCK = re.compile(r"^```(\{code-block\} )?(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
TOLERANCE = 0.02


#: Constants that the text of a page quotes: page, fact, words. Their numbers are those of the fact.
QUOTED = (
    ("body", "ketamine_cl_ratio_r_s", "(0.86, from one trial"),
    ("body", "liver_flow", "(151 L/h of plasma"),
    ("body", "cyp2b6_star6_activity", "(0.75, 0.45 to 1, assumed"),
    ("body", "im_bioavailability", "muscle, 0.93 absorbed"),
    ("body", "nasal_device_share", "nose: 0.54 of the first"),
    ("body", "nasal_later_sprays", "0.62 times as much"),
    ("body", "venous_fast_share", "$f = 0.4$ (0.25 to 0.6)"),
    ("body", "venous_slow_time", "$T = 30$ min (15 to 50)"),
    ("body", "effect_site_half_life", "half-life of 6.1 min (2 to 11.8;"),
    ("body", "unbound_fraction", "(0.53, Dayton"),
    ("body", "unbound_brain_ratio", "(0.7, 0.5 to 1, assumed)"),
    ("brain", "nmda_ic50_ketamine", "(1.42 µM for racemic ketamine"),
    ("brain", "nmda_ic50_norketamine", "9.11 µM for racemic norketamine"),
    ("brain", "interneuron_potency", "2 times the potency (1.1 to 4.3, assumed)"),
    ("brain", "val66met_release", "(0.75, assumed)"),
    ("brain", "potentiation_time", "(76 h)"),
    ("spiking", "lhb_stress_shift", "by 9.6 mV (5 to 14, assumed)"),
    ("spiking", "lhb_burst_first_interval", "two spikes within 20 ms"),
    ("spiking", "lhb_burst_last_interval", "intervals stay within 100 ms"),
    ("states", "vas_at_top", "The rating at the top, 0.6, is the middle"),
    ("states", "vas_at_top", "(0.37 to 0.89)"),
    ("states", "vas_threshold", "between 50 and"),
    ("states", "vas_top", "and 200 ng/mL"),
    ("states", "khole_threshold", "assumed (600 ng/mL"),
    ("harm", "systolic_rise", "differ five-fold: 3.28, 7.4 ("),
    ("harm", "systolic_rise", "and 16 mmHg"),
    ("harm", "systolic_spread", "standard deviation of 0.6 (0.4 to 0.9, assumed"),
)


@dataclass(frozen=True)
class Block:
    """A block of code: its language, its text, and the name of the file that it is, if any."""

    language: str
    text: str
    file: str | None = None


def blocks(page: str) -> Iterator[Block]:
    for directive, language, text in BLOCK.findall((DOCS / f"{page}.md").read_text("utf-8")):
        file = re.match(r":caption: (\S+)\n\n?", text) if directive else None
        yield Block(language, text[file.end() :] if file else text, file[1] if file else None)


def commands(block: Block) -> Iterator[tuple[str, int, list[str]]]:
    """Each command line of a console block with its exit code and the lines shown below it."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        line, *shown = part.splitlines()
        if line.startswith("ketalab"):
            code = re.search(r"# exit (\d+)$", line)
            yield line, int(code[1]) if code else 0, [s for s in shown if s.strip(" .")]


def same_word(shown: str, printed: str) -> bool:
    """Whether two words are alike but for small differences of their numbers."""
    if NUMBER.sub("#", shown) != NUMBER.sub("#", printed):
        return False
    pairs = zip(NUMBER.findall(shown), NUMBER.findall(printed), strict=True)
    return all(float(a) == pytest.approx(float(b), rel=TOLERANCE) for a, b in pairs)


def same_line(shown: str, printed: str) -> bool:
    one, two = shown.split(), printed.split()
    return len(one) == len(two) and all(map(same_word, one, two))


def missing(shown: list[str], printed: str) -> str | None:
    """The first line shown that is not printed, in order, or None."""
    left = iter(printed.splitlines())
    return next((line for line in shown if not any(same_line(line, other) for other in left)), None)


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page_do_what_it_shows(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    found = list(blocks(page))
    for block in found:
        if block.file:
            (tmp_path / block.file).write_text(block.text, "utf-8")
    space: dict[str, object] = {"__name__": "__manual__"}
    for block, after in zip(found, [*found[1:], None], strict=True):
        if block.language == "python":
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(block.text, f"docs/{page}.md", "exec"), space)
            if after and after.language == "text":
                wanted = after.text.splitlines()
                assert missing(wanted, printed.getvalue()) is None, printed.getvalue()
                assert len(wanted) == len(printed.getvalue().splitlines())
        elif block.language == "console":
            for line, code, shown in commands(block):
                arguments = shlex.split(line, comments=True)[1:]
                capsys.readouterr()
                assert main(arguments) == code, f"{line}\n{capsys.readouterr().err}"
                printed_text = "\n".join(capsys.readouterr())
                assert missing(shown, printed_text) is None, f"{line}\n{printed_text}"


@pytest.mark.parametrize("page", PAGES)
def test_every_page_has_examples(page):
    languages = [block.language for block in blocks(page)]
    assert "python" in languages or "console" in languages


@pytest.mark.parametrize(("page", "name", "words"), QUOTED)
def test_a_constant_that_a_page_quotes_is_that_of_the_fact(page, name, words):
    text = " ".join((DOCS / f"{page}.md").read_text("utf-8").split())
    assert words in text
    record = fact(name)
    assert record.spread is not None or page == "harm"
    known = {record.value, *((record.spread and record.spread.interval) or ())}
    assert {float(number) for number in NUMBER.findall(words)} <= known


def test_the_page_of_commands_shows_every_command():
    import typer

    import ketalab.cli

    def walk(command, path):
        inner = getattr(command, "commands", {})
        if not inner:
            return [path]
        return [found for name in inner for found in walk(inner[name], f"{path} {name}")]

    page = (DOCS / "cli.md").read_text("utf-8")
    for path in walk(typer.main.get_command(ketalab.cli.app), "ketalab"):
        assert re.search(rf"^\$ {path}\b", page, re.MULTILINE), path


def test_the_comparison_tells_numbers_apart():
    assert same_line("peak  231 ng/mL", "peak 232 ng/mL")
    assert not same_line("peak 231 ng/mL", "peak 241 ng/mL")
    assert not same_line("peak 231 ng/mL", "peak 231 mg/L")
    assert not same_line("peak 231", "peak 231 ng/mL")
    assert missing(["a 1", "c 3"], "a 1\nb 2\nc 3") is None
    assert missing(["c 3", "a 1"], "a 1\nb 2\nc 3") == "a 1"
