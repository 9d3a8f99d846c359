"""The packaged evidence: its check finds nothing wrong, and finds what is made wrong; the manual."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ketalab._files import parse_yaml
from ketalab.errors import StudyError
from ketalab.studies import _evidence as evidence
from ketalab.studies import (
    check_evidence,
    convert_packaged,
    evidence_records,
    ledger,
    list_studies,
    load_study,
    parse_study,
    split,
    study_schema,
)
from ketalab.studies.__main__ import counts_table
from ketalab.studies._load import studies_folder

PAGE = (Path(__file__).parents[2] / "docs" / "studies.md").read_text(encoding="utf-8")
EXAMPLE = Path(__file__).parent / "studies_berman2000.yaml"


@pytest.fixture(scope="module")
def studies():
    return {name: load_study(name) for name in list_studies()}


def changed(monkeypatch, studies, name, **fields):
    """Check the evidence with one study changed."""
    all_of_them = studies | {name: studies[name].model_copy(update=fields)}
    monkeypatch.setattr(evidence, "list_studies", lambda: tuple(sorted(all_of_them)))
    monkeypatch.setattr(evidence, "load_study", all_of_them.__getitem__)
    return check_evidence()


# --- the check ------------------------------------------------------------------------------------


def test_the_packaged_evidence_has_no_problem():
    assert check_evidence() == []


def test_a_study_that_does_not_load_is_a_problem(monkeypatch):
    def refuse(name):
        raise StudyError(f"{name}.yaml: is broken")

    monkeypatch.setattr(evidence, "load_study", refuse)
    assert "berman2000.yaml: is broken" in check_evidence()


def test_a_citation_without_title_or_year_must_say_why(monkeypatch, studies):
    citation = dict(studies["berman2000"].citation)
    del citation["title"], citation["issued"]
    found = changed(monkeypatch, studies, "berman2000", citation=citation)
    assert "berman2000: citation has no title, and its note does not say why" in found
    assert "berman2000: citation has no year, and its note does not say why" in found
    citation["note"] = "title not read; year not read"
    assert changed(monkeypatch, studies, "berman2000", citation=citation) == []


def test_a_study_that_calibrates_needs_a_verified_row_that_counts(monkeypatch, studies):
    study = studies["simons2022_otf50"]
    for field in ("verified", "counted"):
        rows = tuple(row.model_copy(update={field: False}) for row in study.outcomes)
        found = changed(monkeypatch, studies, study.id, outcomes=rows)
        assert f"{study.id}: calibrates without a verified row that counts" in found


def test_a_study_s_use_is_that_of_the_split(monkeypatch, studies):
    found = changed(monkeypatch, studies, "berman2000", use="calibrate")
    assert "berman2000: use calibrate, in split.yaml validate" in found


def test_a_study_that_the_split_lacks_is_a_problem(monkeypatch, studies):
    more = studies | {"doe2030": studies["berman2000"].model_copy(update={"id": "doe2030"})}
    monkeypatch.setattr(evidence, "list_studies", lambda: tuple(sorted(more)))
    monkeypatch.setattr(evidence, "load_study", more.__getitem__)
    found = check_evidence()
    assert "doe2030: not in split.yaml" in found
    assert any("berman2000, doe2030: share the DOI" in line for line in found)


def test_a_dropped_duplicate_may_not_count(monkeypatch, studies):
    study = studies["lii2023_anaesthesia_masked"]
    rows = (study.outcomes[0].model_copy(update={"counted": True}), *study.outcomes[1:])
    found = changed(monkeypatch, studies, study.id, outcomes=rows)
    assert f"{study.id}: a duplicate whose rows count" in found


def test_a_row_that_the_ledger_does_not_know_is_a_problem(monkeypatch, studies):
    rows = studies["berman2000"].outcomes[:-1]
    found = changed(monkeypatch, studies, "berman2000", outcomes=rows)
    assert "_conversion.yaml: counts and rows of the study files differ" in found


def test_sums_of_the_ledger_that_do_not_agree_are_a_problem(monkeypatch, tmp_path):
    text = (studies_folder() / "_conversion.yaml").read_text(encoding="utf-8")
    data = parse_yaml(text, "ledger")
    data["counts"]["trials_more.yaml"]["not_expressed"] += 1
    (tmp_path / "_conversion.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
    monkeypatch.setattr(evidence, "studies_folder", lambda: tmp_path)
    found = check_evidence()
    assert any("trials_more.yaml: expressed and not expressed do not add up" in x for x in found)
    assert "_conversion.yaml: counts and list of rows not expressed differ" in found


# --- the split ------------------------------------------------------------------------------------


def test_each_study_has_one_use_and_a_reason(studies):
    assert studies.keys() <= split().studies.keys()
    assert split().studies["berman2000"].use == "validate"
    build = {name for name, entry in split().studies.items() if entry.use == "build"}
    assert build == {
        "glue2018_maintenance",
        "zarate2006",
        "zarate2006ketamine_baseline",
        "murrough2013",
        "wilkinson2018_ipd_si",
        "wilkinson2019_midazolam_vs_saline_ipd",
        "lii2023",
        "lii2023_anaesthesia_masked",
        "abdallah2018mrs",
        "gideons2014",
        "moghaddam1997",
        "mrs_pcc2021",
        "phoumthipphavong2016",
        "aleksandrova2020",
        "autry2011",
        "cui2018",
        "holmes2022",
        "li2010",
        "ma2023",
        "yang2018",
    }


def test_concentration_records_have_the_use_that_they_suggest(studies):
    suggested = {
        r.id: r.extra["suggested_use"] for r in evidence_records() if "suggested_use" in r.extra
    }
    assert len(suggested) == 39
    for name in suggested.keys() & studies.keys():
        assert studies[name].use == suggested[name]


def test_what_is_recorded_twice_is_counted_once():
    twice = [
        ("lii2023", "lii2023_anaesthesia_masked"),
        ("han2016_meta", "han2016"),
        ("zarate2006", "zarate2006ketamine_baseline"),
        ("popova2019_transform2", "transform_sex_pooled"),
        ("murrough2013", "cochrane2021_ket_vs_midazolam"),
    ]
    for kept, dropped in twice:
        assert split().related(kept, dropped)
        assert split().dropped(dropped)
    assert split().dropped("lii2023") is None
    assert not split().related("berman2000", "lii2023")


def test_evidence_records_are_all_there():
    assert len(evidence_records()) == 156
    assert (
        len({record.id for record in evidence_records()}) == 155
    )  # vlisides2018 is a study and a parameter


# --- the manual -----------------------------------------------------------------------------------


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return found


def test_the_page_s_example_is_the_contract_s():
    assert block("yaml") == EXAMPLE.read_text(encoding="utf-8")


def test_the_page_s_python_says_what_it_shows():
    names: dict[str, object] = {}
    lines = block("python").splitlines()
    exec("\n".join(line for line in lines if not line.startswith("study.")), names)
    shown = [line.split("#") for line in lines if line.startswith("study.")]
    assert len(shown) == 2
    for code, result in shown:
        assert repr(eval(code, names)) == result.strip()


def test_each_refusal_on_the_page_is_the_line_that_is_given():
    cases = block("text").strip().split("\n\n")
    assert len(cases) >= 5
    for case in cases:
        edit, expected = case.split("\n")
        path, value = edit.split(" = ")
        data = parse_yaml(EXAMPLE.read_text(encoding="utf-8"), "example")
        *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        here = data
        for step in steps:
            here = here[step]
        here[last] = yaml.safe_load(value)
        with pytest.raises(StudyError) as caught:
            parse_study(data, "x.yaml")
        assert str(caught.value) == f"x.yaml: {expected}"


def test_the_page_names_every_field_and_every_allowed_word():
    schema = study_schema()
    for name, part in schema["$defs"].items():
        if name in ("Citation", "Date", "Name"):
            continue
        for field, node in part.get("properties", {}).items():
            assert f"`{field}`" in PAGE, f"{name}.{field}"
            for word in [
                w for option in (node, *node.get("anyOf", ())) for w in option.get("enum", ())
            ]:
                assert f"`{word}`" in PAGE, f"{name}.{field}: {word}"
    for field in schema["properties"]:
        assert f"`{field}`" in PAGE


def test_the_page_s_counts_are_those_of_the_ledger():
    conversion = convert_packaged()
    assert counts_table(conversion) in PAGE
    text = (studies_folder() / "_conversion.yaml").read_text(encoding="utf-8")
    assert parse_yaml(text, "ledger") == parse_yaml(yaml.safe_dump(ledger(conversion)), "made")
