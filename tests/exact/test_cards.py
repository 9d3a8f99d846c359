"""Credibility cards: every output has one, and what a card says agrees with the split, the records and the manual."""

from __future__ import annotations

import json
import re
import runpy
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ketalab._files import read_yaml
from ketalab.cli import main
from ketalab.errors import FactError
from ketalab.facts import CARD_GRADES, DATA, NOT_MEASURED, Card, card_of, cards, cards_of, facts
from ketalab.facts import citations as references
from ketalab.laboratory import outputs
from ketalab.model.harm import harm
from ketalab.model.mind import belief, mind, states
from ketalab.report import cards_manual, cards_section, cards_text, write_replay_report
from ketalab.report._cards import outputs_of
from ketalab.studies import check_evidence, list_studies, load_study, split

ROOT = Path(__file__).parents[2]
shared = runpy.run_path(str(Path(__file__).with_name("_report.py")))
WHO = ("human", "child", "rat", "mouse", "in_vitro")
#: Outputs that the cards already cover and that may not be there yet.
ANNOUNCED = (
    *("state:CADSS", "state:euphoria", "state:analgesia", "state:sedation", "state:MOAAS"),
    *("state:tone", "p:ordinary", "p:dissociated", "p:khole", "p:unresponsive", "p:relapse"),
    *("belief:drug", "p:nausea", "p:vomiting", "p:dizziness", "p:pressure-high"),
)
#: References of constants that the split holds out as studies, and why that leaves the validation as it is.
SET_BY_HELD_OUT = {
    "taylor2006": "no row of it tells a dose, so that none is replayed",
    "hartvig1995": "its rows are of receptor imaging, the threshold is of states",
    "zanos2018": "a review's table; its rows are duplicates and never counted",
}
EVERY = sorted({name for who in WHO for name in outputs(who)})
CARDS = list(cards().values())
by_card = pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)


def whole(**changes: Any) -> dict[str, Any]:
    """A card as its file would say it."""
    rated = {"level": "low", "why": "invented"}
    return {
        "id": "invented",
        "title": "Invented",
        "covers": ["invented:*"],
        "question": "What is invented?",
        "context_of_use": "Tests.",
        "must_not_inform": ["anything"],
        "influence": rated,
        "consequence": rated,
        "data_used": {"studies": ["one"]},
        "data_held_out": ["two"],
        "error": [{"what": "all of it"}],
        "grade": {"level": "very low", "why": "invented"},
    } | changes


# --- outputs --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*EVERY, *ANNOUNCED])
def test_every_output_has_one_card(name: str) -> None:
    assert card_of(name).id in cards()


@pytest.mark.parametrize("name", ANNOUNCED)
def test_an_announced_output_belongs_to_its_own_subject(name: str) -> None:
    kind, _, rest = name.partition(":")
    subject = {"state": "states", "belief": "expectancy"}.get(kind)
    if kind == "p":
        risks = ("nausea", "vomiting", "dizziness", "pressure-high")
        subject = "harm" if rest in risks else "symptoms" if rest == "relapse" else "states"
    assert card_of(name).id == subject


@by_card
def test_every_pattern_covers_something_and_decides_for_it(card: Card) -> None:
    for pattern in card.covers:
        fits = [name for name in (*EVERY, *ANNOUNCED) if fnmatchcase(name, pattern)]
        assert any(card_of(name) is card for name in fits), pattern


def test_the_pattern_that_spells_out_most_decides() -> None:
    assert card_of("circuit:LHb:burst").id == "habenula_reward"
    assert card_of("circuit:glutamate").id == "glutamate_synapse"
    assert card_of("plasma:venous:naltrexone").id == "other_drugs"
    assert card_of("plasma:venous:norketamine").id == "plasma"


def test_a_name_without_a_card_is_refused_by_name() -> None:
    with pytest.raises(FactError, match="'weather:rain': no credibility card covers it"):
        card_of("weather:rain")


@given(st.lists(st.sampled_from(EVERY), max_size=30))
def test_grouping_loses_and_doubles_no_output(names: list[str]) -> None:
    groups = cards_of(names)
    assert sorted(name for _, group in groups for name in group) == sorted(set(names))
    assert len({card.id for card, _ in groups}) == len(groups)
    assert all(card_of(name) is card for card, group in groups for name in group)


# --- data -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "card"),
    [(states, "states"), (belief, "expectancy"), (mind, "symptoms"), (harm, "harm")],
)
def test_a_card_names_every_reference_behind_the_constants_of_its_layer(
    layer: Any, card: str
) -> None:
    used = (name for one in layer().parameters for name in (one.fact, one.spread) if name)
    behind = {facts()[name].citation for name in used} - {None}
    assert behind <= set(cards()[card].data_used.citations)


@by_card
def test_everything_that_a_card_names_exists(card: Card) -> None:
    assert {*card.data_used.studies, *card.data_held_out} <= split().studies.keys()
    assert {*card.data_used.citations} <= references().keys()
    assert {*card.data_used.facts} <= facts().keys()


@by_card
def test_no_study_that_is_held_out_chose_anything(card: Card) -> None:
    uses = {name: entry.use for name, entry in split().studies.items()}
    assert all(uses[name] != "validate" for name in card.data_used.studies)
    assert all(uses[name] == "validate" for name in card.data_held_out)
    assert not {*card.data_used.studies} & {*card.data_held_out}


def test_no_constant_of_a_card_comes_from_a_study_held_out_but_for_those_said() -> None:
    uses: dict[str, set[str]] = {}
    for name in list_studies():
        study = load_study(name)
        if doi := str(study.citation.get("DOI", "")).lower():
            uses.setdefault(doi, set()).add(study.use)
    cited = {key for card in CARDS for key in card.data_used.citations}
    cited |= {facts()[name].citation or "" for card in CARDS for name in card.data_used.facts}
    dois = {key: str(references()[key].get("DOI", "")).lower() for key in cited - {""}}
    found = {key for key, doi in dois.items() if uses.get(doi) == {"validate"}}
    assert found == SET_BY_HELD_OUT.keys()
    assert not any(key in card.data_held_out for card in CARDS for key in SET_BY_HELD_OUT)


def test_the_body_was_fitted_to_the_studies_that_its_card_names() -> None:
    posterior = json.loads((DATA / "posterior" / "body.json").read_text("utf-8"))
    records = {name for name in posterior["records"] if not name.startswith("model:")}
    assert {*cards()["plasma"].data_used.studies} == records


def test_a_record_that_is_one_model_with_a_calibrating_one_is_not_held_out() -> None:
    held = {name for card in CARDS for name in card.data_held_out}
    for group in split().same_study:
        if group.one_vote:
            assert not held & {*group.records}


def test_the_evidence_check_reads_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    used = Card.model_validate(whole(data_used={"studies": ["berman2000"]}, data_held_out=["mr"]))
    monkeypatch.setattr("ketalab.studies._evidence.cards", lambda: {"invented": used})
    problems = "\n".join(check_evidence())
    assert "card invented: used 'berman2000', which split.yaml holds out" in problems
    assert "card invented: no study 'mr' in split.yaml" in problems


# --- figures --------------------------------------------------------------------------------------


def stands(value: float, words: str) -> bool:
    """Whether a number is among words: itself, in percent, or as one count of another."""
    shares = [int(a) / int(b) for a, b in re.findall(r"(\d+) of (\d+)", words) if int(b)]
    plain = re.search(rf"(?<![\d.]){re.escape(f'{value:g}')}(?!\.?\d)", words) is not None
    return (
        plain or f"{100 * value:g}%" in words or any(abs(share - value) < 6e-4 for share in shares)
    )


@by_card
def test_every_figure_stands_in_the_manual_or_in_a_packaged_file(card: Card) -> None:
    for one in card.error:
        if one.where is not None:
            assert one.words is not None
            assert one.value is not None
            page = " ".join((ROOT / one.where).read_text("utf-8").split())
            assert one.words in page, one.what
            assert stands(one.value, one.words), one.what
        elif one.read is not None:
            assert one.figure is not None
            assert one.figure > 0
        else:
            assert one.said() == NOT_MEASURED


@by_card
def test_every_figure_is_printed_by_a_command_that_there_is(card: Card) -> None:
    for one in card.error:
        if one.measured:
            assert one.command is not None
            _, *words = one.command.split()
            group = words[:2] if words[0] == "spiking" else words[:1]
            assert main([*group, "--help"]) == 0


def test_a_bound_is_that_of_the_qualification() -> None:
    aims = {aim["id"]: aim for aim in read_yaml(DATA / "qualification" / "body.yaml")["aims"]}
    fold = next(one for one in cards()["plasma"].error if one.aim == "body ketamine_fold")
    assert fold.bound == ("at most", aims["ketamine_fold"]["at_most"])
    assert fold.met is False
    assert fold.said().endswith("aim at most 1.3, missed")


def test_a_share_of_directions_is_read_as_it_is_printed() -> None:
    assert stands(0.889, "| glutamate_synapse | 8 of 9 | 2 of 5 |")
    assert not stands(0.889, "| glutamate_synapse | 7 of 9 | 2 of 5 |")
    assert not stands(1.3, "ketamine 1.313")


# --- the form -------------------------------------------------------------------------------------

FIGURE = {
    "what": "a share",
    "value": 0.5,
    "command": "ketalab qualify",
    "version": "0.1.0",
    "where": "docs/x.md",
    "words": "1 of 2",
}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"extra": 1}, "Extra inputs"),
        ({"data_held_out": ["one"]}, "used and held out at once: one"),
        ({"grade": {"level": "low", "why": "x"}}, "the grade is 'very low'"),
        ({"error": [FIGURE], "grade": {"level": "high", "why": "x"}}, "only where every figure"),
        ({"error": [{**FIGURE, "command": None}]}, "needs the command"),
        ({"error": [{**FIGURE, "where": None, "words": None}]}, "needs the page"),
        ({"error": [{**FIGURE, "words": None}]}, "stand together"),
        ({"error": [{"what": "x", "aim": "body ketamine_fold"}]}, "was not measured"),
        ({"error": []}, "at least 1"),
        ({"covers": ["a b"]}, "pattern"),
    ],
)
def test_a_card_that_is_not_honest_is_refused(changes: dict[str, Any], said: str) -> None:
    Card.model_validate(whole())
    with pytest.raises(ValidationError, match=said):
        Card.model_validate(whole(**changes))


def test_an_aim_or_a_number_that_is_not_there_is_named() -> None:
    lost = Card.model_validate(whole(error=[{**FIGURE, "aim": "body ketamin_fold"}])).error[0]
    with pytest.raises(FactError, match="no aim 'body ketamin_fold'; did you mean"):
        lost.said()
    place = {"read": "spiking/habenula.json error.rms_bust", "value": None}
    read = {**FIGURE, **place, "where": None, "words": None}
    with pytest.raises(FactError, match=r"no number 'error\.rms_bust' in spiking/habenula\.json"):
        Card.model_validate(whole(error=[read])).error[0].said()


# --- what is shown --------------------------------------------------------------------------------

RUN = ["simulate", "--patients", "2", "--days", "1", "--output", "plasma:venous:ketamine"]


def test_simulate_prints_cards_below_the_table_and_nothing_new_without(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(RUN) == 0
    plain = capsys.readouterr().out
    assert main([*RUN, "--output", "harm:systolic", "--cards"]) == 0
    shown = capsys.readouterr().out
    assert "Credibility" not in plain
    below = shown[shown.index("Credibility:") :]
    assert below.count("Credibility:") == 2
    assert "(harm:systolic)" in below
    assert max(map(len, below.splitlines())) <= 100


def test_simulate_gives_cards_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*RUN, "--json"]) == 0
    assert "cards" not in json.loads(capsys.readouterr().out)
    assert main([*RUN, "--json", "--cards"]) == 0
    (card,) = json.loads(capsys.readouterr().out)["cards"]
    assert card["id"] == "plasma"
    assert card["outputs"] == ["plasma:venous:ketamine"]
    assert card.keys() == {*Card.model_fields, "outputs"}
    assert card["grade"]["level"] in CARD_GRADES
    assert card["error"][0]["value"] == cards()["plasma"].error[0].value
    assert card["error"][-1]["said"] == NOT_MEASURED


def test_outputs_names_the_card_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["outputs", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert all(row["card"] == card_of(row["name"]).id for row in rows)


def test_text_and_page_have_one_card_a_group_and_leave_out_what_has_none() -> None:
    names = ["score:MADRS", "VAS-high", "p:response:MADRS", "harm:systolic"]
    assert [card.id for card in cards_section(names)] == ["symptoms", "harm"]
    assert cards_text(names).count("Credibility:") == 2
    assert "VAS-high" not in cards_text(names)


def test_a_page_names_every_study_and_the_terminal_says_how_many_it_leaves_out() -> None:
    (card,) = cards_section(["plasma:venous:ketamine"])
    said = " ".join(line for _, lines in card.fields for line in lines)
    assert all(name in said for name in cards()["plasma"].data_used.studies)
    assert "and 12 more" in cards_text(["plasma:venous:ketamine"])


def test_a_replay_is_trusted_as_far_as_the_outputs_that_its_rows_rest_on(tmp_path: Path) -> None:
    replay = shared["replay_trial"]()
    assert set(outputs_of([replay])) == {
        *("score:HDRS25", "p:response:HDRS25", "plasma:venous:S-ketamine")
    }
    page = shared["read_page"](write_replay_report([replay], tmp_path / "page.html"))
    (section,) = page.xpath("//section[@aria-labelledby='trust']")
    titles = [cards()[name].title for name in ("symptoms", "plasma")]
    assert section.xpath("./h3/text()") == titles
    assert not section.xpath(".//details[@open]")
    for title, card in zip(titles, section.xpath("./details"), strict=True):
        assert title in card.xpath("./summary")[0].text_content()
        assert "must_not_inform" not in card.text_content()
        assert "not measured yet" in card.text_content()
    assert "How sure: moderate" in section.text_content()


def test_the_manual_has_a_row_for_every_card_and_every_figure() -> None:
    lines = cards_manual().splitlines()
    assert len(lines) == 5 + len(CARDS) + sum(len(card.error) for card in CARDS)
    assert len({line.count(" | ") for line in lines[: 2 + len(CARDS)]}) == 1
