"""Harms without a number: they are named, say what is known, and never show a number of the model's own."""

from __future__ import annotations

import json

import pytest

from ketalab.cli import main
from ketalab.facts import citations, fact, thin_harms
from ketalab.laboratory import Scenario, outputs, simulate

NAMES = ("respiratory", "emergence", "seizure", "liver", "dependence", "cognition", "bladder")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


def test_every_harm_that_people_ask_about_is_there_and_none_is_an_output() -> None:
    assert {f"harm:{name}" for name in NAMES} <= thin_harms().keys()
    assert not thin_harms().keys() & outputs().keys()


@pytest.mark.parametrize("harm", thin_harms().values(), ids=lambda harm: harm.id)
def test_a_harm_says_what_is_known_and_why_there_is_no_number(harm) -> None:  # type: ignore[no-untyped-def]
    document = harm.document()
    assert set(document) == {"name", "meaning", "known", "why", "facts", "sources"}
    assert document["known"]
    assert document["why"]
    assert "{" not in document["known"]
    for name in harm.facts:
        assert fact(name).citation in document["sources"]
    assert set(document["sources"]) <= citations().keys()


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        ("harm:respiratory", ("3.43", "2.44", "2.68")),
        ("harm:emergence", ("5% to 30%",)),
        ("harm:liver", ("50% of six", "none of 101")),
        ("harm:dependence", ("17%", "6\n times")),
        ("harm:bladder", ("16.8%",)),
        ("harm:death", ("283", "696", "68 in Australia", "200 ng/mL")),
    ],
)
def test_figures_are_those_of_the_records(harm: str, words: tuple[str, ...]) -> None:
    known = " ".join(thin_harms()[harm].text.split())
    for text in words:
        assert " ".join(text.split()) in known


def test_asking_for_one_gives_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    printed = json.loads(run(capsys, "simulate", "--output", "harm:liver", "--json"))
    assert printed["outputs"] == []
    (thin,) = printed["too_thin"]
    assert thin["name"] == "harm:liver"
    assert thin["sources"]


def test_asking_for_one_beside_an_output_gives_the_output_alone() -> None:
    scenario = Scenario.parse(patients=2, days=0.25, outputs=("harm:liver", "harm:systolic"))
    result = simulate(scenario)
    assert [info.name for info in result.outputs] == ["harm:systolic"]
    assert [row["name"] for row in result.too_thin()] == ["harm:liver"]


def test_a_table_ends_with_what_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    printed = run(capsys, "simulate", "--patients", "2", "--output", "harm:death")
    assert "No number: deaths without the number of people who used." in " ".join(printed.split())


def test_the_list_of_outputs_names_them_without_a_unit(capsys: pytest.CaptureFixture[str]) -> None:
    rows = {row["name"]: row for row in json.loads(run(capsys, "outputs", "--json"))}
    for name in thin_harms():
        assert (rows[name]["unit"], rows[name]["grade"]) == ("-", "thin")
    rat = {row["name"] for row in json.loads(run(capsys, "outputs", "--species", "rat", "--json"))}
    assert not rat & thin_harms().keys()
