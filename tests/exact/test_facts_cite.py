"""Citations survive every style, keys are stable, and nothing is made up for a missing field."""

from __future__ import annotations

import json
from typing import Any

import bibtexparser
import pytest
import rispy
from bibtexparser.middlewares import LatexDecodingMiddleware
from hypothesis import given
from hypothesis import strategies as st

from ketalab.errors import FactError, InputError
from ketalab.facts._cite import csl_from_record, render

STYLES = ["bibtex", "ris", "text", "csl-json"]
BERMAN = {
    "authors": "Berman RM; Cappiello A; Anand A; et al.",
    "year": 2000,
    "title": "Antidepressant effects of ketamine in depressed patients",
    "journal": "Biological Psychiatry",
    "volume": "47(4)",
    "pages": "351-354",
    "doi": "10.1016/S0006-3223(99)00230-9",
    "pmid": "10686270",
}
# The reader's tables have no "^" and no decomposed letters; all else must come back as it went.
LINE = st.text(
    st.characters(categories=("Lu", "Ll", "Nd", "Pd", "Po", "Sm", "Zs"), exclude_characters="^"),
    min_size=1,
    max_size=40,
).map(lambda text: " ".join(text.split()))


def parse_bibtex(text: str) -> dict[str, dict[str, str]]:
    library = bibtexparser.parse_string(
        text, append_middleware=[LatexDecodingMiddleware(keep_math_mode=False)]
    )
    assert not library.failed_blocks
    return {
        entry.key: {field.key: field.value for field in entry.fields} for entry in library.entries
    }


def test_a_record_becomes_csl_json_field_by_field() -> None:
    assert csl_from_record(BERMAN) == {
        "type": "article-journal",
        "author": [
            {"family": "Berman", "given": "R. M."},
            {"family": "Cappiello", "given": "A."},
            {"family": "Anand", "given": "A."},
            {"literal": "et al."},
        ],
        "issued": {"date-parts": [[2000]]},
        "title": BERMAN["title"],
        "container-title": "Biological Psychiatry",
        "volume": "47",
        "issue": "4",
        "page": "351-354",
        "DOI": BERMAN["doi"],
        "PMID": "10686270",
    }


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("Zarate CA Jr", [{"family": "Zarate", "given": "C. A.", "suffix": "Jr"}]),
        ("van den Beukel J", [{"family": "van den Beukel", "given": "J."}]),
        ("Sartre J-P", [{"family": "Sartre", "given": "J.-P."}]),
        ("Roy-Byrne PP", [{"family": "Roy-Byrne", "given": "P. P."}]),
        ("Ångström ÅÖ", [{"family": "Ångström", "given": "Å. Ö."}]),
        ("NCATS GSRS", [{"literal": "NCATS GSRS"}]),
        ("King's College London", [{"literal": "King's College London"}]),
        ("Bloch MH et al.", [{"family": "Bloch", "given": "M. H."}, {"literal": "et al."}]),
        ("Kamp J; et al.; Olofsen E", [
            {"family": "Kamp", "given": "J."},
            {"literal": "et al."},
            {"family": "Olofsen", "given": "E."},
        ]),
    ],
)  # fmt: skip
def test_authors_are_read_as_indexes_write_them(written: str, names: list[dict[str, str]]) -> None:
    assert csl_from_record({"authors": written})["author"] == names


def test_a_remark_in_brackets_is_a_note_and_not_a_name_or_an_issue() -> None:
    csl = csl_from_record({"authors": "Ihmsen H (recalled (twice))", "volume": "14 (recalled)"})
    assert csl["author"] == [{"family": "Ihmsen", "given": "H."}]
    assert csl["volume"] == "14"
    assert "issue" not in csl
    assert csl["note"] == "recalled (twice); recalled"


def test_an_empty_record_has_no_field_but_its_type() -> None:
    assert csl_from_record({"authors": "", "year": None, "pages": ""}) == {"type": "document"}


def test_bibtex_reads_back_with_doi_title_and_authors() -> None:
    entry = parse_bibtex(render([csl_from_record(BERMAN)], "bibtex"))["berman2000antidepressant"]
    assert entry["doi"] == BERMAN["doi"]
    assert entry["title"] == BERMAN["title"]
    assert entry["author"] == "Berman, R. M. and Cappiello, A. and Anand, A. and others"
    assert entry["number"] == "4"
    assert entry["pages"] == "351–354"


def test_ris_reads_back_with_doi_title_and_authors() -> None:
    (entry,) = rispy.loads(render([csl_from_record(BERMAN)], "ris"))
    assert entry["type_of_reference"] == "JOUR"
    assert entry["id"] == "berman2000antidepressant"
    assert entry["doi"] == BERMAN["doi"]
    assert entry["title"] == BERMAN["title"]
    assert entry["authors"] == ["Berman, R. M.", "Cappiello, A.", "Anand, A.", "et al."]
    assert (entry["start_page"], entry["end_page"]) == ("351", "354")


def test_ris_begins_a_reference_with_its_type_and_no_number() -> None:
    lines = render([{"title": "One"}, {"title": "Two"}], "ris").splitlines()
    assert {line for line in lines if not line.partition("  - ")[1]} == {""}


def test_plain_text_is_one_harvard_line() -> None:
    assert render([csl_from_record(BERMAN)], "text") == (
        "Berman, R.M. et al. (2000) ‘Antidepressant effects of ketamine in depressed patients’, "
        "Biological Psychiatry, 47(4), pp. 351–354. "
        "Available at: https://doi.org/10.1016/S0006-3223(99)00230-9.\n"
    )


def test_two_known_authors_and_et_al_are_written_without_and() -> None:
    text = render([csl_from_record({"authors": "Abbott JA; Li N; et al.", "title": "T"})], "text")
    assert text == "Abbott, J.A., Li, N. et al. (no date) ‘T’.\n"


def test_an_article_without_a_volume_is_not_called_a_preprint() -> None:
    record = {"authors": "Li N", "year": 2010, "title": "T", "journal": "J"}
    assert "Preprint" not in render([csl_from_record(record)], "text")


def test_csl_json_reads_back_as_it_was() -> None:
    csl = csl_from_record(BERMAN)
    (entry,) = json.loads(render([csl], "csl-json"))
    assert entry == {"id": "berman2000antidepressant", **csl}


def test_special_characters_survive_bibtex() -> None:
    title = r"50% of {x} cost $3 & a_b #1 ~ \ “Größe” α ≥ naïve Erdős"
    csl = {"title": title, "DOI": "10.1/a_b#%<c>", "author": [{"literal": "Smith and Sons"}]}
    (entry,) = parse_bibtex(render([csl], "bibtex")).values()
    assert entry["title"] == title
    assert entry["author"] == "Smith and Sons"
    assert "doi = {10.1/a_b#%<c>}" in render([csl], "bibtex")
    assert "author = {{Smith and Sons}}" in render([csl], "bibtex")


@given(title=LINE, journal=LINE, name=LINE, year=st.integers(1500, 2100))
def test_any_title_and_doi_survive_bibtex_and_ris(
    title: str, journal: str, name: str, year: int
) -> None:
    csl: dict[str, Any] = {
        "type": "article-journal",
        "title": title,
        "container-title": journal,
        "author": [{"literal": name}, {"family": "Doe", "given": "J. K."}],
        "issued": {"date-parts": [[year]]},
        "DOI": "10.1000/xyz_123",
    }
    (entry,) = parse_bibtex(render([csl], "bibtex")).values()
    assert entry["title"].split() == title.split()
    (record,) = rispy.loads(render([csl], "ris"))
    assert record.get("title", "") == title
    assert record["doi"] == "10.1000/xyz_123"
    assert str(year) in render([csl], "text")


@pytest.mark.parametrize("style", STYLES)
def test_the_order_of_citations_changes_no_byte(style: Any) -> None:
    li = {"authors": "Li N", "year": 2010}
    records = [BERMAN, li | {"doi": "10.1/b"}, li | {"doi": "10.1/a"}, {"title": "Alone"}]
    citations = [csl_from_record(record) for record in records]
    assert render(citations, style) == render(citations[::-1], style)


def test_two_articles_with_one_stem_get_letters() -> None:
    citations = [
        {"author": [{"family": "Li"}], "issued": {"date-parts": [[2010]]}, "DOI": f"10.1/{i}"}
        for i in range(3)
    ]
    keys = [entry["id"] for entry in json.loads(render(citations, "csl-json"))]
    assert keys == ["li2010a", "li2010b", "li2010c"]


def test_the_id_of_a_citation_is_its_key_unless_two_share_it() -> None:
    citations = [{"id": "li2010", "title": "One"}, {"id": "same", "title": "Two", "DOI": "10.1/2"}]
    citations.append({"id": "same", "title": "Three", "DOI": "10.1/3"})
    keys = {entry["id"] for entry in json.loads(render(citations, "csl-json"))}
    assert keys == {"li2010", "anonndtwo", "anonndthree"}


def test_one_article_cited_twice_is_written_once_and_fully() -> None:
    short = {"DOI": "https://doi.org/10.1016/s0006-3223(99)00230-9"}
    (entry,) = json.loads(render([short, csl_from_record(BERMAN), short], "csl-json"))
    assert entry["title"] == BERMAN["title"]


def test_a_line_break_in_a_title_does_not_make_a_second_field() -> None:
    (entry,) = rispy.loads(render([{"title": "One\nDO  - 10.1/forged"}], "ris"))
    assert "doi" not in entry


@pytest.mark.parametrize("style", STYLES)
def test_a_citation_with_nothing_in_it_is_no_error(style: Any) -> None:
    assert render([{}], style)
    assert render([{"author": None, "issued": "2000", "title": "Only this"}], style)


@pytest.mark.parametrize("style", STYLES)
def test_no_citations_make_an_empty_list(style: Any) -> None:
    assert render([], style) == ("[]\n" if style == "csl-json" else "")


def test_an_unknown_style_is_named_with_the_allowed_ones() -> None:
    with pytest.raises(InputError, match=r"'bibtx' is not one of bibtex, ris.*did you mean"):
        render([], "bibtx")  # type: ignore[arg-type]


def test_a_citation_that_is_no_mapping_is_an_error() -> None:
    with pytest.raises(FactError, match="not a CSL-JSON mapping"):
        render(["Berman 2000"], "text")  # type: ignore[list-item]
    with pytest.raises(FactError, match="not a mapping"):
        csl_from_record("Berman 2000")  # type: ignore[arg-type]
