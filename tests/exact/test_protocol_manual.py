"""The manual's page on the dosing phrase: every example does what the page says."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

from ketalab.errors import PhraseError
from ketalab.facts import citations, pumps
from ketalab.protocol import ROUTES, parse_phrase

PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{re.escape(language)}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


PHRASES = [line for block in blocks("phrase") for line in block.splitlines()]
REFUSED = [pair.split("\n") for block in blocks("phrase-error") for pair in block.split("\n\n")]


def test_the_page_has_its_examples():
    assert len(PHRASES) >= 12
    assert len(REFUSED) >= 8


@pytest.mark.parametrize("phrase", PHRASES)
def test_each_example_reads_and_reads_back(phrase):
    treatment = parse_phrase(phrase)
    assert parse_phrase(treatment.text) == treatment


@pytest.mark.parametrize("pair", REFUSED, ids=lambda pair: pair[0])
def test_each_refused_example_gives_the_message_on_the_page(pair):
    phrase, message = pair[:2]
    with pytest.raises(PhraseError) as caught:
        parse_phrase(phrase)
    assert str(caught.value) == message


def test_the_other_words_for_the_default_dose_give_the_same_dose():
    default, *others = blocks("phrase")
    (dose,) = parse_phrase(default).administrations
    (same,) = [block for block in others if "racemic" in block]
    for phrase in same.splitlines():
        (other,) = parse_phrase(phrase).administrations
        assert other.amount == pytest.approx(dose.amount)
        assert other.key[1:6] == dose.key[1:6]
        assert other.duration_h == dose.duration_h


def test_the_table_of_routes_is_complete_and_its_spellings_read():
    table = PAGE.split("### Routes")[1].split("###")[0]
    rows = re.findall(r"^\| `([^`]+)` \| (.*) \|$", table, re.MULTILINE)
    assert tuple(route for route, _ in rows) == ROUTES
    for route, others in rows:
        for spelling in [route, *re.findall(r"`([^`]+)`", others)]:
            assert parse_phrase(f"5 mg ketamine {spelling}").routes == (route,)


def test_the_table_of_pumps_is_complete_with_the_usual_one_of_each_drug():
    table = PAGE.split("### Targets in plasma")[1].split("###")[0]
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$", table, re.MULTILINE)
    assert sorted(pump for pump, *_ in rows) == sorted(pumps())
    for pump, drugs, structure, source in rows:
        record = pumps()[pump]
        usual = " (the usual one)"
        assert drugs == ", ".join(d + usual * (d in record.default_for) for d in record.drugs)
        assert record.structure.startswith(structure.split(",")[0])
        author, year = source.split()
        cited = citations()[record.citation]
        assert (cited["author"][0]["family"], cited["issued"]["date-parts"]) == (
            author,
            [[int(year)]],
        )


def test_the_python_example_prints_what_the_page_shows():
    (code,), (shown,) = blocks("python"), blocks("text")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "docs/protocol.md", "exec"), {})
    assert printed.getvalue() == shown
