"""``ketalab protocols`` and ``simulate --protocol``: a name for a phrase, with what may harm beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ketalab.cli import main
from ketalab.protocol import HELP, regimen, regimens

KEYS = {
    *("id", "name", "kind", "phrase", "with", "days", "studied_in", "rule", "phases"),
    *("monitoring", "hazards", "sources", "grade", "assumed", "facts"),
}
FEW = ["--patients", "4", "--output", "plasma:venous:ketamine", "--output", "harm:systolic"]
RECREATIONAL = [name for name, one in regimens().items() if one.kind == "recreational"]


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one command."""
    code = main(list(words))
    said = capsys.readouterr()
    return code, said.out, said.err


def refuse(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one line with which bad input is refused."""
    code, out, err = run(capsys, *words)
    assert code == 2, (out, err)
    assert out == ""
    assert err.count("\n") == 1
    return err


def flat(text: str) -> str:
    return " ".join(text.split())


def test_the_list_in_json_has_every_regimen_with_all_its_parts(capsys) -> None:
    code, out, _ = run(capsys, "protocols", "--json")
    rows = json.loads(out)
    assert code == 0
    assert [row["id"] for row in rows] == list(regimens())
    for row in rows:
        assert set(row) - {"help"} == KEYS
        assert ("help" in row) == (row["kind"] == "recreational")


def test_one_regimen_in_json_is_a_list_of_one(capsys) -> None:
    (row,) = json.loads(run(capsys, "protocols", "single-infusion", "--json")[1])
    assert row["phrase"] == "0.5 mg/kg ketamine iv over 40 min"


@pytest.mark.parametrize("name", regimens())
def test_one_regimen_is_shown_whole(capsys, name: str) -> None:
    one = regimen(name).document()
    said = flat(run(capsys, "protocols", name)[1])
    parts = [one["name"], one["phrase"], one["studied_in"], *one["sources"], one["grade"]]
    parts += [*one["monitoring"], *one["hazards"], *one["assumed"]]
    for part in parts:
        assert flat(part) in said


@pytest.mark.parametrize("name", RECREATIONAL)
def test_the_hazards_of_a_recreational_pattern_come_before_all_else(capsys, name: str) -> None:
    one = regimen(name)
    said = flat(run(capsys, "protocols", name)[1])
    assert said.startswith("Hazards of")
    for hazard in (*one.document()["hazards"], HELP):
        assert said.index(hazard) < said.index(one.name)
        assert said.index(hazard) < said.index(one.phrase)


def test_the_list_names_recreational_patterns_below_their_hazards_without_doses(capsys) -> None:
    said = run(capsys, "protocols")[1]
    for name in RECREATIONAL:
        # The last place is the table's: the hazards' heading comes before.
        assert said.index(f"Hazards of {name}:") < said.rindex(name)
        assert regimen(name).phrase not in said
        assert all(hazard in flat(said) for hazard in regimen(name).document()["hazards"])
    assert said.count(HELP) == len(RECREATIONAL)


def test_an_unknown_regimen_is_one_line_with_the_nearest(capsys) -> None:
    for words in (["protocols", "single-infusoin"], ["simulate", "--protocol", "single-infusoin"]):
        assert "did you mean 'single-infusion'?" in refuse(capsys, *words)


def test_a_regimen_gives_the_numbers_and_the_hash_of_its_phrase(capsys) -> None:
    one = regimen("six-infusions")
    days = ["--days", f"{one.days:g}"]
    by_name = json.loads(run(capsys, "simulate", "--protocol", one.id, *FEW, "--json")[1])
    by_phrase = json.loads(run(capsys, "simulate", one.phrase, *days, *FEW, "--json")[1])
    assert by_name.pop("protocol") == one.id
    assert by_name.pop("hazards") == one.document()["hazards"]
    assert by_name.pop("assumed") == one.document()["assumed"]
    assert by_name == by_phrase
    assert one.id not in json.dumps(by_name)


def test_days_may_be_other_than_the_regimen_s(capsys) -> None:
    words = ["simulate", "--protocol", "single-infusion", "--days", "2", *FEW, "--json"]
    assert json.loads(run(capsys, *words)[1])["scenario"]["days"] == 2


@pytest.mark.parametrize("name", RECREATIONAL[:1])
def test_a_simulated_pattern_prints_its_hazards_before_any_figure(
    capsys, tmp_path: Path, name: str
) -> None:
    out = str(tmp_path / "made.json")
    said = flat(run(capsys, "simulate", "--protocol", name, *FEW, "--out", out)[1])
    hazards = regimen(name).document()["hazards"]
    assert max(said.index(text) for text in (*hazards, HELP)) < said.index("plasma:venous:ketamine")
    document = json.loads(run(capsys, "simulate", "--protocol", name, *FEW, "--json")[1])
    assert document["hazards"] == hazards
    assert document["help"] == HELP


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["10 mg ketamine oral", "--protocol", "single-infusion"], "not both"),
        (["--protocol", "single-infusion", "--species", "rat"], "'rat' is not allowed"),
    ],
)
def test_a_regimen_stands_alone_and_is_for_people(capsys, words: list[str], said: str) -> None:
    assert said in refuse(capsys, "simulate", *words)


def test_regimens_stand_beside_phrases_in_a_comparison(capsys) -> None:
    phrase = "0.5 mg/kg ketamine iv over 40 min"
    other = "20 mg ketamine oral"
    few = ["--patients", "3", "--days", "1", "--output", "plasma:venous:ketamine", "--json"]
    named = run(capsys, "compare", "protocol:single-infusion", other, *few)[1]
    assert json.loads(named) == json.loads(run(capsys, "compare", phrase, other, *few)[1])


@pytest.mark.parametrize("name", RECREATIONAL)
def test_recreational_patterns_are_not_compared(capsys, name: str) -> None:
    line = refuse(capsys, "compare", f"protocol:{name}", "20 mg ketamine oral")
    assert f"simulate --protocol {name}" in line
