"""Named regimens: every file says what is given, on whose word, and what it may do to people."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ketalab.errors import ScenarioError
from ketalab.facts import DATA, citations, fact
from ketalab.laboratory import Scenario
from ketalab.protocol import (
    HELP,
    Regimen,
    _named,
    check_regimens,
    parse_phrase,
    read_regimen,
    regimen,
    regimen_schema,
    regimens,
)

FILES = sorted((DATA / "protocols").glob("*.yaml"))
EACH = pytest.mark.parametrize("one", regimens().values(), ids=lambda one: one.id)
RECREATIONAL = [one for one in regimens().values() if one.kind == "recreational"]
H_PER_DAY = 24.0


def times_h(phrase: str) -> list[float]:
    """The times of all doses of the first variant."""
    return [dose.time_h for dose in parse_phrase(phrase).variants[0].administrations]


def amounts(phrase: str) -> list[float]:
    """The amounts of all doses of the first variant."""
    return [dose.amount for dose in parse_phrase(phrase).variants[0].administrations]


def refusal(folder: Path, change: Callable[[dict[str, Any]], object], of: str) -> str:
    """The line with which a changed copy of a regimen is refused."""
    content = yaml.safe_load((DATA / "protocols" / f"{of}.yaml").read_text("utf-8"))
    change(content)
    path = folder / f"{of}.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        read_regimen(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- the files of the house -----------------------------------------------------------------------


def test_there_is_a_regimen_for_every_kind_of_use() -> None:
    assert {one.kind for one in regimens().values()} == {
        "clinical",
        "anaesthesia",
        "low-dose",
        "recreational",
    }
    assert sorted(path.stem for path in FILES) == sorted(regimens())


@EACH
def test_every_regimen_is_a_scenario_that_holds_all_its_doses(one: Regimen) -> None:
    scenario = Scenario.parse(one.phrase, days=one.days, with_phrase=one.with_phrase)
    doses = [d for v in scenario.treatment().variants for d in v.administrations]
    assert doses
    assert max(dose.time_h for dose in doses) <= one.days * H_PER_DAY
    for step in one.phases:
        assert parse_phrase(step.phrase).variants


@EACH
def test_every_source_is_a_reference_or_a_study(one: Regimen) -> None:
    for source in one.sources:
        assert source in citations() or (DATA / "studies" / f"{source}.yaml").is_file(), source


@EACH
def test_every_regimen_says_its_hazards_and_whose_word_they_are(one: Regimen) -> None:
    document = one.document()
    assert document["hazards"]
    for text in (*document["hazards"], *document["monitoring"], *document["assumed"]):
        assert "{" not in text
    assert all(fact(name).id == name for name in document["facts"])


def test_every_file_fits_the_published_schema() -> None:
    for path in FILES:
        jsonschema.validate(yaml.safe_load(path.read_text("utf-8")), regimen_schema())


def test_the_records_of_regimens_pass_and_no_fact_of_theirs_is_left_over() -> None:
    assert check_regimens() == []


def test_a_fact_that_no_regimen_quotes_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    spare = fact("regimen_watched_h").model_copy(update={"id": "regimen_spare"})
    monkeypatch.setattr(_named, "facts", lambda: {**_facts(), "regimen_spare": spare})
    assert check_regimens() == ["fact regimen_spare: no regimen quotes it"]


def _facts() -> dict[str, Any]:
    from ketalab.facts import facts

    return dict(facts())


# --- what the sources say -------------------------------------------------------------------------


def test_nasal_esketamine_goes_by_the_label_week_by_week() -> None:
    phrase = regimen("esketamine-maintenance").phrase
    assert amounts(phrase)[0] == 56.0
    assert {d.amount for v in parse_phrase(phrase).variants for d in v.administrations[1:]} == {
        56.0,
        84.0,
    }
    weeks = [time / H_PER_DAY / 7 for time in times_h(phrase)]
    assert sum(week < 4 for week in weeks) == 8
    assert [week for week in weeks if 4 <= week < 8] == [4.0, 5.0, 6.0, 7.0]
    later = [week for week in weeks if week >= 8]
    assert {b - a for a, b in pairwise(later)} == {2.0}


def test_the_induction_is_the_beginning_of_the_maintenance() -> None:
    induction, whole = (
        regimen(name).phrase for name in ("esketamine-induction", "esketamine-maintenance")
    )
    assert times_h(induction) == times_h(whole)[:8]


def test_the_rising_dose_takes_the_steps_of_the_trial_in_order() -> None:
    one = regimen("response-guided-subcutaneous")
    assert sorted(set(amounts(one.phrase))) == [0.5, 0.6, 0.75, 0.9]
    assert amounts(one.phrase) == sorted(amounts(one.phrase))
    assert len(amounts(one.phrase)) == 8
    assert [amount for step in one.phases for amount in amounts(step.phrase)] == amounts(one.phrase)


def test_six_infusions_are_six_in_two_or_three_weeks() -> None:
    for name, weeks in (("six-infusions", 3), ("six-infusions-fast", 2)):
        found = times_h(regimen(name).phrase)
        assert len(found) == 6
        assert found[-1] < weeks * 7 * H_PER_DAY


def test_induction_of_anaesthesia_gives_the_two_ends_of_the_usual_range() -> None:
    given = parse_phrase(regimen("anaesthetic-induction").phrase).variants
    assert [variant.administrations[0].amount for variant in given] == [
        fact("regimen_induction_low").value,
        fact("regimen_induction_high").value,
    ]


# --- recreational patterns ------------------------------------------------------------------------


@pytest.mark.parametrize("one", RECREATIONAL, ids=lambda one: one.id)
def test_a_recreational_pattern_stays_inside_what_is_told_and_points_to_help(one: Regimen) -> None:
    low, high = fact("regimen_evening_low").value, fact("regimen_evening_high").value
    assert all(low <= amount <= high for amount in amounts(one.phrase))
    assert len(set(amounts(one.phrase))) == 1
    assert one.grade == "grey literature"
    assert len(one.hazards) >= 3
    assert one.document()["help"] == HELP


def test_another_depressant_is_a_hazard_and_is_not_simulated() -> None:
    one = regimen("recreational-with-depressants")
    assert one.with_phrase is None
    assert {dose.compound for dose in parse_phrase(one.phrase).administrations} == {"ketamine"}
    assert "not simulated" in one.hazards[0]


@pytest.mark.parametrize("hazards", [None, [], ["{deaths_england} deaths"]])
def test_a_recreational_pattern_without_hazards_does_not_load(
    tmp_path: Path, hazards: list[str] | None
) -> None:
    def take(content: dict[str, Any]) -> None:
        content.pop("hazards")
        if hazards is not None:
            content["hazards"] = hazards

    line = refusal(tmp_path, take, "recreational-evening")
    assert line.startswith("recreational-evening.yaml: ")
    assert "hazards" in line


# --- a file that is wrong -------------------------------------------------------------------------

WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"phrase": "0.5 mg/kg ketamine by moonlight"}, "phrase: dosing phrase, column"),
    ({"with": "5 mg nothing"}, "with: dosing phrase, column"),
    ({"phases": [{"phrase": "much", "until": "morning"}]}, "phases.0.phrase: dosing phrase"),
    ({"days": 1}, "phrase: its last dose at 420 h is after 1 days"),
    ({"sources": ["anand2024"]}, "sources.0: no reference or study 'anand2024'"),
    ({"monitoring": ["{regimen_wached_h} h"]}, "did you mean 'regimen_watched_h'?"),
    ({"hazards": ["some say so"]}, "hazards.0: quotes no fact and ends with no source"),
    ({"hazards": ["they say so [nobody]"]}, "hazards.0: quotes no fact and ends with no source"),
    ({"grade": "sure"}, "grade: 'sure' is not allowed; one of controlled trial, label"),
    ({"kind": "fun"}, "kind: 'fun' is not allowed"),
    ({"dose": 3}, "dose: unknown key"),
)


@pytest.mark.parametrize(("change", "said"), WRONG, ids=lambda value: str(value)[:40])
def test_a_regimen_that_is_wrong_is_refused_in_one_line(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    line = refusal(tmp_path, lambda content: content.update(change), "six-infusions")
    assert line.startswith("six-infusions.yaml: ")
    assert said in line


def test_an_unknown_regimen_is_answered_with_the_nearest() -> None:
    with pytest.raises(ScenarioError, match="did you mean 'single-infusion'"):
        regimen("single-infusions")
