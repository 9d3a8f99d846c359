"""Direction rows: how they are found, on what they rest, how they are counted, and that nothing is counted twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ketalab.errors import FactError, ScenarioError
from ketalab.judgement import (
    GROUPS,
    Directions,
    Frozen,
    Task,
    basis_of,
    find_rows,
    frozen,
    judge_directions,
    layer_file,
    read_frozen,
)
from ketalab.judgement._beside import replay_tasks
from ketalab.judgement._directions import make_parts
from ketalab.judgement._frozen import layer_of
from ketalab.studies import Study, list_studies, load_study, parse_study

ROW = {"kind": "direction", "arm": "drug", "than": "none", "sign": "+", "verified": True}


def make_study(name: str, outcomes: list[dict[str, Any]], **changes: Any) -> Study:
    """A study of rats with arms ``drug`` and ``none``; each outcome says what differs from a verified direction."""
    content: dict[str, Any] = {
        "schema": 1,
        "id": name,
        "use": "validate",
        "species": "rat",
        "citation": {"title": name},
        "design": {"kind": "experiment"},
        "population": {"condition": "depression models"},
        "arms": [
            {"id": "drug", "doses": ["10 mg/kg ketamine ip"]},
            {"id": "none", "control": "none"},
            {"id": "idle", "control": "none"},
        ],
        "outcomes": [ROW | {"source": "table"} | row for row in outcomes],
    }
    return parse_study(content | changes, name)


def listed(*rows: dict[str, Any]) -> Frozen:
    base = {"study": "one", "species": "rat", "measure": "circuit:glutamate"}
    usual = {key: value for key, value in ROW.items() if key != "kind"}
    content = {"schema": 1, "contested": {"why": "a question"}, "rows": [base | usual | r for r in rows]}  # fmt: skip
    return Frozen.model_validate(content)


def answers(chances: Mapping[str, float], **changes: Any):
    """A model that gives each measure a probability."""

    def run(task: Task) -> list[dict[str, Any]]:
        return [
            {"skipped": None, "probability": chances[row.measure], "dose": "stated"} | changes
            for row in task.study.outcomes
        ]

    return run


def judge(
    list_: Frozen, outcomes: list[dict[str, Any]], chance: float = 0.9, **changes: Any
) -> Directions:
    measures = [row["measure"] for row in outcomes]
    run = answers(dict.fromkeys(measures, chance), **changes.pop("row", {}))
    study = make_study("one", outcomes, **changes)
    return judge_directions(3, listed=list_, studies=[study], run=run)


GLUTAMATE = {"measure": "circuit:glutamate", "time_h": 1.0}


def test_every_frozen_row_has_an_id_of_its_own() -> None:
    assert len(frozen().by_id) == len(frozen().rows) == 240


def test_a_row_is_found_by_measure_arms_time_and_sign() -> None:
    study = make_study("one", [GLUTAMATE, GLUTAMATE | {"time_h": 2.0}])
    for change, place in (({"time_h": 1.0}, 0), ({"time_h": 2.0}, 1)):
        assert list(find_rows(study, listed(change).by_id).values()) == [place]
    for change in ({"time_h": 3.0}, {"sign": "-"}, {"than": None}, {"arm": "idle"}, {"verified": False}):  # fmt: skip
        assert find_rows(study, listed({"time_h": 1.0} | change).by_id) == {}


def test_two_equal_rows_of_the_list_are_two_rows_of_the_study() -> None:
    outcomes = [GLUTAMATE, GLUTAMATE | {"definition": "again"}]
    list_ = listed({"time_h": 1.0}, {"time_h": 1.0}, {"time_h": 1.0})
    found = find_rows(make_study("one", outcomes), list_.by_id)
    assert found == {
        "one:circuit:glutamate:drug:1": 0,
        "one:circuit:glutamate:drug:1#2": 1,
    }


def test_a_row_that_no_file_holds_is_not_expressed_and_says_why() -> None:
    list_ = listed({"time_h": 1.0}, {"time_h": 5.0}, {"study": "two"}, {"measure": "happiness"})
    found = judge(list_, [GLUTAMATE, GLUTAMATE | {"measure": "happiness"}])
    assert [row.reason for row in found.rows] == [
        None,
        "no row of the study file says this",
        "no study file of this name",
        "no model yet of what is measured",
    ]
    assert found.expressed == 1


def test_a_skipped_row_is_not_expressed_and_keeps_its_reason() -> None:
    found = judge(listed({"time_h": 1.0}), [GLUTAMATE], row={"skipped": "no dose"})
    assert found.rows[0].group == "not expressed"
    assert (found.rows[0].reason, found.rows[0].probability) == ("no dose", None)


@pytest.mark.parametrize(("chance", "held"), [(0.8, 1), (0.79, 0)])
def test_a_row_is_held_from_four_fifths_of_the_trials_on(chance: float, held: int) -> None:
    found = judge(listed({"time_h": 1.0}), [GLUTAMATE], chance)
    assert found.share("stated") == (held, 1)
    verdict = next(v for v in found.verdicts if v.aim.statistic == "held_stated")
    assert (verdict.value, verdict.count, verdict.met) == (held, 1, bool(held))


def test_a_contested_row_counts_neither_as_right_nor_as_wrong() -> None:
    list_ = listed({"time_h": 1.0, "contested": "why"})
    for chance in (0.0, 1.0):
        found = judge(list_, [GLUTAMATE], chance)
        assert found.rows[0].group == "contested"
        assert found.share("stated", "assumed", "build") == (0, 0)
        assert found.rows[0].probability == chance


def test_rows_of_a_study_that_chose_constants_are_no_validation() -> None:
    found = judge(listed({"time_h": 1.0}), [GLUTAMATE], use="build")
    assert found.share("build") == (1, 1)
    assert found.share("stated") == (0, 0)


@pytest.mark.parametrize(
    ("measure", "layer"),
    [("harm:systolic", "harm"), ("HDRS17", "mind"), ("state:dissociation", "states")],
)
def test_rows_of_states_mind_and_harm_are_judged_apart(measure: str, layer: str) -> None:
    row = {"measure": measure, "time_h": 1.0}
    found = judge(listed(row | {"species": "human"}), [row], species="human")
    one = found.rows[0]
    assert (one.layer, one.group, one.probability, one.held) == (layer, "apart", 0.9, True)
    assert found.share("apart") == (1, 1)
    assert found.share("stated", "assumed", "build", "contested") == (0, 0)
    assert found.by_card() == {}
    assert found.expressed == 1


@pytest.mark.parametrize(("asked", "made"), [(7, 7), (100, 20)])
def test_rows_apart_are_asked_in_whole_trials_and_at_most_twenty(asked: int, made: int) -> None:
    rows = [{"measure": name, "time_h": 1.0} for name in ("circuit:glutamate", "harm:systolic")]
    study = make_study("one", rows, species="human")
    list_ = listed(*(row | {"species": "human"} for row in rows))
    brain, apart = make_parts({"one": study}, list_.by_id, asked)
    assert (brain.apart, apart.apart) == (False, True)
    assert (brain.replicates, apart.replicates) == (asked, made)
    assert brain.study.arms == apart.study.arms


def test_a_contested_row_of_the_mind_is_asked_for_its_probability() -> None:
    row = {"measure": "HDRS17", "time_h": 24.0}
    found = judge(listed(row | {"species": "human", "contested": "why"}), [row], species="human")
    assert (found.rows[0].layer, found.rows[0].probability) == ("mind", 0.9)


@pytest.mark.parametrize(
    ("row", "dose", "assumed", "basis", "guessed"),
    [
        ({}, "stated", [], "stated", ()),
        ({}, "recalled", [], "recalled", ("dose recalled",)),
        ({}, "assumed", [], "assumed", ("dose assumed",)),
        ({"time_h": None}, "stated", [], "assumed", ("time assumed",)),
        ({}, "stated", [("outcomes.time_h", 1.0)], "assumed", ("time assumed",)),
        ({}, "stated", [("outcomes.time_h", 2.0)], "stated", ()),
        ({"verified": False}, "stated", [], "recalled", ("row recalled",)),
        ({"verified": False}, "assumed", [], "assumed", ("dose assumed", "row recalled")),
        ({}, "stated", [("arms.drug.interventions.factor", 0)], "assumed", ("act assumed",)),
        ({}, "stated", [("arms.interventions.to_h", 2)], "assumed", ("act assumed",)),
        ({}, "stated", [("arms.idle.interventions.factor", 0)], "stated", ()),
    ],
)
def test_what_a_row_rests_on_is_told(
    row: dict[str, Any], dose: str, assumed: list[tuple[str, float]], basis: str, guessed: Any
) -> None:
    act = {"target": "AMPA", "factor": 0}
    arms = [
        {"id": "drug", "doses": ["10 mg/kg ketamine ip"], "interventions": [act]},
        {"id": "none", "control": "none"},
        {"id": "idle", "control": "none", "interventions": [act]},
    ]
    entries = [{"field": field, "value": value, "why": "not told"} for field, value in assumed]
    study = make_study("one", [GLUTAMATE | row], arms=arms, assumed=entries)
    assert basis_of(study, study.outcomes[0], dose) == (basis, guessed)


def test_the_stress_of_an_arm_is_no_assumed_act() -> None:
    arms = [
        {"id": "drug", "doses": ["10 mg/kg ketamine ip"], "interventions": [{"target": "stress", "factor": 0}]},
        {"id": "none", "control": "none"},
    ]  # fmt: skip
    entries = [{"field": "arms.interventions.factor", "value": 0, "why": "not told"}]
    study = make_study("one", [GLUTAMATE], arms=arms, assumed=entries)
    assert basis_of(study, study.outcomes[0], "stated") == ("stated", ())


def test_each_row_is_in_one_group_and_all_rows_are_in_some() -> None:
    rows = [{"time_h": 1.0}, {"time_h": 2.0, "contested": "why"}, {"time_h": 3.0}, {"study": "two"}]
    found = judge(listed(*rows), [GLUTAMATE | {"time_h": t} for t in (1.0, 2.0)])
    counts = Counter(row.group for row in found.rows)
    assert sum(counts.values()) == len(rows)
    assert set(counts) <= set(GROUPS)


def test_only_arms_that_a_row_names_are_simulated_in_an_experiment() -> None:
    seen: list[Study] = []

    def run(task: Task) -> list[dict[str, Any]]:
        seen.append(task.study)
        return [{"skipped": None, "probability": 1.0} for _ in task.study.outcomes]

    judge_directions(3, listed=listed({"time_h": 1.0}), studies=[make_study("one", [GLUTAMATE])], run=run)  # fmt: skip
    assert [arm.id for arm in seen[0].arms] == ["drug", "none"]


def test_the_same_seed_gives_the_same_probabilities() -> None:
    study = make_study("one", [GLUTAMATE])
    first, again, other = (
        judge_directions(4, seed, listed=listed({"time_h": 1.0}), studies=[study])
        for seed in (0, 0, 1)
    )
    assert first.rows == again.rows
    assert other.seed == 1


def test_progress_ends_with_everything_done() -> None:
    told: list[tuple[float, int, str]] = []
    tasks = [Task(make_study(name, [GLUTAMATE]), 2, 0) for name in ("one", "two")]
    replay_tasks(tasks, progress=lambda *t: told.append(t), run=answers({"circuit:glutamate": 1.0}))
    assert told[0][0] == 0
    assert told[-1][:2] == (told[-1][1], told[0][1])
    assert [t[0] for t in told] == sorted(t[0] for t in told)


@pytest.mark.parametrize(
    ("measure", "species", "layer"),
    [
        ("behaviour:FST", "rat", "behaviour"),
        ("occupancy:MOR", "in_vitro", "brain"),
        ("HDRS17", "human", "mind"),
        ("response:MADRS", "human", "mind"),
        ("harm:systolic", "human", "harm"),
        ("plasma", "human", "body"),
        ("happiness", "human", "none"),
    ],
)
def test_a_measure_belongs_to_a_layer(measure: str, species: str, layer: str) -> None:
    assert layer_of(measure, species) == layer


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sign: up", "sign"),
        ("sign: '+', colour: red", "colour"),
        ("sign: '+', contested: taste", "contested 'taste'"),
    ],
)
def test_a_list_that_breaks_its_form_is_one_clear_line(
    tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "rows.yaml"
    row = f"{{study: a, species: rat, measure: b, verified: true, {text}}}"
    path.write_text(f"schema: 1\ncontested: {{}}\nrows: [{row}]\n")
    with pytest.raises(FactError, match=r"rows\.yaml") as caught:
        read_frozen(path)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_layer_of_concentrations_is_not_judged_by_directions() -> None:
    with pytest.raises(ScenarioError, match="judged by its concentrations"):
        judge_directions(1, layer="body")


def test_the_plan_of_the_brain_names_rows_that_exist() -> None:
    plan = layer_file("brain")
    assert set(plan.differences) <= set(frozen().by_id)
    assert all(aim.of_directions for aim in plan.aims)


def test_nearly_every_row_of_brain_and_behaviour_stands_in_a_study_file() -> None:
    rows = frozen().by_id
    ours = {n: r for n, r in rows.items() if layer_of(r.measure, r.species) in ("brain", "behaviour")}  # fmt: skip
    names = set(list_studies())
    found: dict[str, int] = {}
    for study in dict.fromkeys(row.study for row in ours.values()):
        if study in names:
            found |= find_rows(load_study(study), ours)
    assert len(found) >= 0.95 * len(ours)
