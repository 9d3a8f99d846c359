"""The qualification's page, files, table and command."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path

import pytest

from ketalab import judgement
from ketalab.cli import main
from ketalab.errors import OutputError
from ketalab.judgement import Qualification, qualify
from ketalab.report import qualification_table, write_qualification

from ._tags import Tags

_made = runpy.run_path(str(Path(__file__).with_name("_qualified.py")))
make_study, row = _made["make_study"], _made["row"]
FILES = {"qualification.html", "qualification.json", "votes.csv", "summary.csv", "rows.csv"}


def make(note: str = "") -> Qualification:
    outcomes = [
        {"kind": "cmax", "value": 100.0, "assay": note or "first2020"},
        {"kind": "auc", "value": 100.0},
        {"kind": "concentration", "time_h": 2.0, "value": 40.0, "counted": False},
        {"kind": "half_life", "value": 3.0},
        {"kind": "cmax", "value": 9.0, "analyte": "norketamine"},
    ]
    rows = [row(250.0, False), row(105.0), row(30.0), row(2.5)]
    rows.append(row(None, None, f"no model yet of {note}"))
    studies = [make_study("good", outcomes[1:2]), make_study("bad", outcomes)]
    return qualify(studies=studies, predict=lambda s: rows if s.id == "bad" else [row(105.0)])


@pytest.fixture(scope="module")
def page() -> str:
    from ketalab.report._qualification import qualification_page

    return qualification_page(make())


def test_the_page_is_whole_and_needs_neither_script_nor_network(page: str) -> None:
    tags = Tags(page)
    assert tags.open == []
    assert not {"script", "img", "link", "iframe"} & set(tags.seen)
    assert "default-src 'none'" in page
    assert not re.search(r'(?:src|href)="http', page)


def test_the_largest_fold_error_comes_first(page: str) -> None:
    first = page[page.index('id="misses"') :]
    assert first.index(">bad<") < first.index(">good<")
    assert "not known" in first[: first.index("</tr>", first.index(">bad<"))]


def test_pointing_at_a_mark_tells_what_it_is(page: str) -> None:
    titles = re.findall(r"<path[^>]*><title>([^<]*)</title>", page)
    assert "bad: ketamine, cmax, iv; observed 100, predicted 250 ng/mL, ratio 2.50" in titles
    assert any(t.endswith("shown, not scored") for t in titles)
    assert len(titles) == 4


def test_what_a_mark_says_is_text_and_never_markup() -> None:
    from ketalab.report._qualification import qualification_page

    outcome = {"kind": "cmax", "value": 9.0, "analyte": "a<b>&c"}
    study = make_study("odd", [outcome])
    text = qualification_page(qualify(studies=[study], predict=lambda s: [row(9.0)]))
    assert "<title>odd: a&lt;b&gt;&amp;c, cmax" in text
    assert Tags(text).open == []


def test_every_figure_has_words_and_the_same_numbers_as_a_table(page: str) -> None:
    figures = re.findall(r'<figure role="img" aria-label="([^"]*)"', page)
    assert len(figures) == 2
    assert all("within two-fold" in words for words in figures)
    assert page.count("The same as a table") == 2


def test_text_of_a_file_never_becomes_markup() -> None:
    from ketalab.report._qualification import qualification_page

    hostile = "<script>alert('x')</script>"
    text = qualification_page(make(hostile))
    assert hostile not in text
    assert Tags(text).open == []


def test_the_same_qualification_gives_the_same_bytes(tmp_path: Path) -> None:
    texts = []
    for name in ("a", "b"):
        written = write_qualification(make(), tmp_path / name)
        assert {path.name for path in written} == FILES
        texts.append([path.read_bytes() for path in written])
    assert texts[0] == texts[1]
    assert {p.name for p in (tmp_path / "a").iterdir()} == FILES


def test_a_folder_that_cannot_be_written_is_refused_before_any_work(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for bad, words in ((file, "is a file"), (tmp_path / "no" / "such", "does not exist")):
        with pytest.raises(OutputError, match=words):
            write_qualification(make(), bad)
    assert list(tmp_path.iterdir()) == [file]


def test_a_qualification_of_nothing_still_makes_a_page(tmp_path: Path) -> None:
    found = qualify(studies=[], predict=lambda s: [])
    text = (write_qualification(found, tmp_path / "out")[0]).read_text("utf-8")
    assert Tags(text).open == []
    assert "No figure" in text
    assert "0 records" in qualification_table(found)


def test_the_terminal_tells_misses_before_aims_and_the_summary() -> None:
    text = qualification_table(make())
    places = [text.index(word) for word in ("Fold errors", "Aims", "Adults with", "Coverage")]
    assert places == sorted(places)
    assert "nothing to judge by" in text


@pytest.fixture
def quick(monkeypatch) -> None:
    """The command with a qualification that is made already."""
    monkeypatch.setattr(judgement, "qualify", lambda *_, **__: make())


def test_strict_ends_with_one_and_names_the_aims_that_are_missed(quick, capsys) -> None:
    assert main(["qualify"]) == 0
    capsys.readouterr()
    assert main(["qualify", "--strict"]) == 1
    said = capsys.readouterr().err
    assert "aims not met" in said
    assert "ketamine_fold" in said


def test_json_is_one_document_and_files_lie_beside_it(quick, capsys, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["qualify", "--json", "--out", str(out)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads((out / "qualification.json").read_text("utf-8"))
    assert {path.name for path in out.iterdir()} == FILES


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--layer", "mind"], "allowed: body, brain"),
        (["--ablate"], "of the brain's mechanisms"),
        (["--layer", "brain", "--write"], "need --ablate"),
        (["--layer", "brain", "--jobs", "-1"], "0 to 64"),
        (["--replicates", "0"], "1 to 100,000"),
        (["--seed", "-1"], "2**63 - 1"),
        (["--out", "no/such/folder"], "does not exist"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_two(words, named, capsys) -> None:
    assert main(["qualify", *words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert named in said.err
    assert len(said.err.strip().splitlines()) == 1


def test_the_page_has_the_card_of_what_was_measured(page: str) -> None:
    trust = page[page.index('id="trust"') :]
    assert trust.count("<h3>") == 1
    assert "Concentrations of ketamine and its metabolites" in trust
    assert "context of use" in trust
