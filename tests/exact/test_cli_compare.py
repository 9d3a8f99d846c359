"""``ketalab compare`` and ``ketalab equivalent`` keep the contract, and say what they are wary of."""

from __future__ import annotations

import json
from pathlib import Path
from xml.dom import minidom

import pytest

from ketalab.cli import main

FEW = ["--patients", "3", "--days", "1"]
TWO = ["20 mg ketamine iv over 40 min", "50 mg ketamine oral"]


def warnings(err: str) -> list[str]:
    """What was said beside progress, which a busy machine shows and an idle one does not."""
    return [line for line in err.splitlines() if not line.startswith(("compare: ", "simulate: "))]


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(list(words))
    said = capsys.readouterr()
    return code, said.out, said.err


def test_compare_prints_one_json_document_and_nothing_else(capsys) -> None:
    code, out, err = run(capsys, "compare", *TWO, *FEW, "--json")
    document = json.loads(out)
    assert code == 0
    assert warnings(err) == []
    assert [r["phrase"] for r in document["regimens"]] == TWO
    assert document["warnings"] == []
    oral = document["regimens"][1]
    assert set(oral["outputs"][0]["ratio_to_first"]["auc_0_inf"]) == {"typical", "median", "p05", "p95"}  # fmt: skip
    assert 0 < oral["bioavailability"]["typical"] < 1
    pressure = [
        f"harm:{name}{part}" for name in ("systolic", "diastolic") for part in ("", ":largest")
    ]
    risks = {o["name"] for o in oral["outputs"] if o["name"].startswith("harm:")}
    assert risks == {*pressure, "harm:pulse", "harm:urinary"}


def test_compare_prints_a_table(capsys) -> None:
    code, out, _ = run(capsys, "compare", *TWO, *FEW, "--unit", "umol/L", "--weight", "80")
    assert code == 0
    for words in ("A: 20 mg ketamine iv", "umol/L h", "half-life", "bioavailability", "mmHg"):
        assert words in out


def test_compare_writes_a_page_that_fetches_nothing(capsys, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    odd = "200 mg ketamine nasal"
    code, out, err = run(capsys, "compare", TWO[0], odd, *FEW, "--out", str(page))
    assert code == 0
    assert out.rstrip().endswith(f"wrote {page}")
    (warning,) = warnings(err)
    assert warning.startswith("warning: ketamine nasal: 200 mg lies above")
    text = page.read_text("utf-8")
    assert "<script" not in text
    assert "://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert text.count('<figure role="img" aria-label="') == 9
    assert text.count("The same as a table") == 9
    trust = text[text.index("How far to trust this") :]
    assert "Concentrations of ketamine and its metabolites" in trust
    assert "<h3>Risks</h3>" in trust
    assert "lies above all human records" in text
    for start in (i for i in range(len(text)) if text.startswith("<svg focusable", i)):
        minidom.parseString(text[start : text.index("</svg>", start) + 6])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["compare", TWO[0]], "1 regimen; allowed: 2 to 6"),
        (["compare"], "0 regimens; allowed: 2 to 6"),
        (["compare", *TWO, *TWO, *TWO, TWO[0]], "7 regimens; allowed: 2 to 6"),
        (["compare", *TWO, "--unit", "M"], "unit: 'M' is not allowed"),
        (["compare", *TWO, "--out", "page.pdf"], "unknown ending '.pdf'"),
        (["compare", "--matrix", *TWO], "takes no phrases"),
        (["compare", *TWO, "--form", "esketamine"], "belongs to --matrix"),
        (["compare", TWO[0], "50 mg propofol sublingual"], "'propofol' by route 'sublingual'"),
        (["equivalent", "50 mg ketamine iv", "--route", "nasl"], "route: 'nasl' is not allowed"),
        (["equivalent", "50 mg ketamine iv"], "--route"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(capsys, words, said) -> None:
    code, out, err = run(capsys, *words)
    assert code == 2
    assert out == ""
    assert err.count("\n") == 1
    assert said in err


def test_the_matrix_is_a_list_of_cells(capsys) -> None:
    code, out, _ = run(capsys, "compare", "--matrix", "--form", "arketamine", "--patients", "10", "--json")  # fmt: skip
    cells = {cell["route"]: cell for cell in json.loads(out)}
    assert code == 0
    keys = "form route f f_p05 f_p95 tmax_h norketamine_ratio studied_range unit grade human_data records"
    assert set(keys.split()) <= set(cells["iv"])
    assert cells["iv"]["human_data"] is True
    assert cells["nasal"]["studied_range"] == "no human data"


def test_the_matrix_is_a_table(capsys) -> None:
    code, out, _ = run(capsys, "compare", "--matrix", "--form", "arketamine", "--patients", "10")
    assert code == 0
    assert "arketamine inhaled" in out
    assert "no human data" in out


def test_equivalent_prints_what_the_contract_says(capsys) -> None:
    words = ["equivalent", "20 mg ketamine iv over 40 min", "--route", "sublingual", "--patients", "5"]  # fmt: skip
    code, out, err = run(capsys, *words, "--json")
    document = json.loads(out)
    assert code == 0
    assert err == ""
    keys = "dose unit p05 p95 studied_range inside_studied_range match analyte"
    assert set(keys.split()) <= set(document)
    assert document["studied_range"] == [10, 450]
    assert document["inside_studied_range"] is True
    assert (document["unit"], document["match"], document["analyte"]) == ("mg", "auc", "ketamine")
    code, out, _ = run(capsys, *words)
    assert code == 0
    assert "10 to 450 mg" in out
    assert "not dosing advice" in out.replace("\n", " ")


def test_equivalent_without_human_data_is_a_result_with_a_warning(capsys) -> None:
    code, out, err = run(
        capsys, "equivalent", "20 mg ketamine iv", "--route", "oral", "--form", "arketamine",
        "--patients", "3", "--json",
    )  # fmt: skip
    document = json.loads(out)
    assert code == 0
    assert document["studied_range"] is None
    assert document["inside_studied_range"] is False
    assert err.startswith("warning: arketamine oral: no human data")
    assert document["warnings"]


def test_simulate_warns_on_standard_error_and_in_the_document(capsys) -> None:
    few = ["--patients", "2", "--days", "1", "--output", "plasma:venous:ketamine", "--json"]
    code, out, err = run(capsys, "simulate", "300 mg ketamine sc", *few)
    assert code == 0
    (line,) = json.loads(out)["warnings"]
    assert warnings(err) == [f"warning: {line}"]
    _, out, err = run(capsys, "simulate", *few)
    assert json.loads(out)["warnings"] == []
    assert warnings(err) == []
