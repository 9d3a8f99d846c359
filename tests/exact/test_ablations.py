"""Ablation: what a mechanism's facts switch off, which rows then fall, and that every mechanism earns its place."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from ketalab.errors import FactError, ScenarioError
from ketalab.facts import fact
from ketalab.judgement import (
    Ablations,
    Frozen,
    Task,
    ablate,
    ablations,
    fallen,
    frozen,
    glutamate_by_opioid,
    read_ablations,
    with_breaks,
    write_ablations,
)
from ketalab.laboratory import hypotheses, using_facts
from ketalab.model.brain import brain
from ketalab.model.mind import behaviour
from ketalab.studies import Study, parse_study

from ._brain import at

#: Mechanisms whose frozen rows are found again in every run of the tests, in the studies named.
REDUCED = {
    "kir41": ("cui2018",),
    "habenula_despair": ("cui2018",),
    "late_potentiation": ("ma2013cms",),
    "interneuron_rhythms": ("delasalle2016", "nottage2022"),
    "monoamine_course": ("monoamine_chapter2019",),
}


def make_study(**changes: Any) -> Study:
    content: dict[str, Any] = {
        "schema": 1,
        "id": "one",
        "use": "validate",
        "species": "rat",
        "citation": {"title": "one"},
        "design": {"kind": "experiment"},
        "population": {"condition": "depression models"},
        "arms": [
            {"id": "drug", "doses": ["10 mg/kg ketamine ip"]},
            {"id": "other", "doses": ["10 mg/kg ketamine ip"]},
            {"id": "none", "control": "none"},
        ],
        "outcomes": [
            {
                "measure": measure,
                "kind": "direction",
                "arm": arm,
                "than": "none",
                "time_h": 1.0,
                "sign": "+",
                "verified": True,
                "source": "table",
            }
            for arm, measure in (
                ("drug", "circuit:glutamate"),
                ("other", "circuit:glutamate"),
                ("drug", "occupancy:MOR"),
            )
        ],
    }
    return parse_study(content | changes, "one")


def listed() -> Frozen:
    rows = [
        {
            "study": "one",
            "species": "rat",
            "measure": row.measure,
            "arm": row.arm,
            "than": "none",
            "time_h": 1.0,
            "sign": "+",
            "verified": True,
        }
        for row in make_study().outcomes
    ]
    return Frozen.model_validate({"schema": 1, "contested": {}, "rows": rows})


GLUTAMATE, OTHER, OPIOID = (
    "one:circuit:glutamate:drug:1",
    "one:circuit:glutamate:other:1",
    "one:occupancy:MOR:drug:1",
)


def mechanisms(**changes: Any) -> Ablations:
    one = {"id": "surge", "what": "the surge", "facts": {"glutamate_gain": 0}, "kept_because": "toy"}  # fmt: skip
    content = {"schema": 1, "replicates": 5, "seed": 3, "mechanisms": [one | changes]}
    return Ablations.model_validate(content)


def ablate_toy(
    before: float, after: float, seen: list[Task] | None = None, file: Ablations | None = None
):
    """A model in which the first row has one probability with the mechanism, another without; all others 0.6."""

    def run(task: Task) -> list[dict[str, Any]]:
        if seen is not None:
            seen.append(task)
        chance = {"drug": after if task.facts else before, "other": 0.6}
        return [
            {"skipped": None, "probability": chance[row.arm or ""]} for row in task.study.outcomes
        ]

    return ablate(listed=listed(), studies=[make_study()], of=file or mechanisms(), run=run)[0]


@pytest.mark.parametrize(
    ("before", "after", "breaks", "weakens"),
    [
        (0.5, 0.3, True, False),
        (0.5, 0.4, False, False),
        (0.6, 0.4, True, False),
        (0.5, 0.5, False, False),
        (1.0, 0.6, False, True),
        (1.0, 0.71, False, False),
        (0.49, 0.1, False, True),
        (0.4, 0.9, False, False),
    ],
)
def test_a_row_breaks_below_half_by_more_than_a_tenth_and_weakens_by_three_tenths(
    before: float, after: float, breaks: bool, weakens: bool
) -> None:
    found = fallen({"row": before}, {"row": after})
    assert [row.breaks for row in found] == [breaks] * (breaks or weakens)


def test_the_deepest_fall_comes_first() -> None:
    found = fallen({"a": 0.6, "b": 1.0}, {"a": 0.4, "b": 0.0})
    assert [row.id for row in found] == ["b", "a"]


def test_a_row_that_falls_without_the_mechanism_is_found() -> None:
    found = ablate_toy(0.9, 0.1)
    assert found.breaks == (GLUTAMATE,)
    assert (found.fallen[0].before, found.fallen[0].after) == (0.9, 0.1)


def test_a_row_that_rests_on_none_of_the_facts_is_not_asked() -> None:
    found = ablate_toy(0.9, 0.1)
    assert found.asked == 2
    assert OPIOID not in [row.id for row in found.fallen]


def test_both_runs_have_the_same_seed_and_only_the_second_the_facts() -> None:
    seen: list[Task] = []
    ablate_toy(0.9, 0.1, seen)
    assert [(t.replicates, t.seed, dict(t.facts)) for t in seen] == [
        (5, 3, {}),
        (5, 3, {"glutamate_gain": 0.0}),
    ]


def test_an_unlikely_row_cannot_fall_and_its_arm_is_not_simulated_again() -> None:
    seen: list[Task] = []
    assert ablate_toy(0.3, 0.0, seen).fallen == ()
    assert [arm.id for arm in seen[1].study.arms] == ["other", "none"]


def test_a_mechanism_that_is_off_on_record_asks_nothing() -> None:
    on_record = fact("glutamate_gain").value
    seen: list[Task] = []
    found = ablate_toy(0.9, 0.1, seen, mechanisms(facts={"glutamate_gain": on_record}))
    assert (found.asked, len(seen)) == (0, 1)


def test_a_mechanism_that_needs_a_drug_asks_only_studies_with_it() -> None:
    assert ablate_toy(0.9, 0.1, file=mechanisms(needs="naltrexone")).asked == 0
    assert ablate_toy(0.9, 0.1, file=mechanisms(needs="Ketamine")).asked == 2


def test_a_row_without_a_number_says_nothing_of_a_mechanism() -> None:
    def run(task: Task) -> list[dict[str, Any]]:
        reason = "no finite prediction" if task.facts else None
        return [{"skipped": reason, "probability": 0.9} for _ in task.study.outcomes]

    with pytest.raises(ScenarioError, match=f"'surge'.*{GLUTAMATE}"):
        ablate(listed=listed(), studies=[make_study()], of=mechanisms(), run=run)


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_without_any_mechanism_every_equation_still_gives_a_number(weight: float) -> None:
    world = dict.fromkeys(hypotheses(), weight)
    doses = {port.name: 0.3 for port in brain().inputs if port.name.startswith("unbound:")}
    for one in ablations().mechanisms:
        found = at({**doses, "restored": 0.1}, {**world, **one.off})
        assert not [name for name, value in found.items() if not math.isfinite(value)], one.id


def test_an_unknown_mechanism_is_refused_with_the_nearest() -> None:
    with pytest.raises(ScenarioError, match="kir41"):
        ablate(["kir4"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("facts: {glutamate_gian: 0}", "glutamate_g"),
        ("facts: {}", "facts"),
        ("facts: {glutamate_gain: off}", "glutamate_gain"),
        ("facts: {glutamate_gain: .nan}", "glutamate_gain"),
        ("facts: {glutamate_gain: 0}, breaks: ['nobody:nothing:none:1']", "no frozen row"),
        ("facts: {glutamate_gain: 0}, colour: red", "colour"),
        ("facts: {glutamate_gain: 0}, needs: '['", "no pattern"),
        ("facts: {'glutamat_*': 0}", "glutamat_*"),
    ],
)
def test_a_file_of_mechanisms_that_breaks_its_form_is_one_clear_line(
    tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "off.yaml"
    path.write_text(
        f"schema: 1\nreplicates: 1\nseed: 0\nmechanisms: [{{id: a, what: b, {text}}}]\n"
    )
    with pytest.raises(FactError, match=r"off\.yaml") as caught:
        read_ablations(path)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_pattern_stands_for_every_fact_that_is_named_so() -> None:
    one = mechanisms(facts={"rhythm_*_*i*": 0}).mechanisms[0]
    assert one.off["rhythm_gamma_i"] == one.off["rhythm_coupling_icc"] == 0
    assert "rhythm_connectivity_c" not in one.off
    assert one.owns("rhythm_gamma_i")
    assert not one.owns("rhythm_gamma_c")


def test_a_mechanism_stands_once(tmp_path: Path) -> None:
    one = "{id: a, what: b, facts: {glutamate_gain: 0}}"
    path = tmp_path / "off.yaml"
    path.write_text(f"schema: 1\nreplicates: 1\nseed: 0\nmechanisms: [{one}, {one}]\n")
    with pytest.raises(FactError, match="stands twice"):
        read_ablations(path)


def test_what_is_written_is_read_again_with_the_rows_that_broke(tmp_path: Path) -> None:
    path = tmp_path / "off.yaml"
    path.write_text("# a head\n# of two lines\nschema: 1\n")
    file = ablations()
    found = ablate_toy(0.9, 0.1)
    row = next(iter(frozen().by_id))
    one = found.mechanism.model_copy(update={"breaks": (row,), "id": "surge"})
    again = file.model_copy(update={"mechanisms": (*file.mechanisms, one)})
    write_ablations(again, path)
    assert read_ablations(path) == again
    assert path.read_text().startswith("# a head\n# of two lines\nschema: 1\n")
    assert any(math.isinf(v) for m in again.mechanisms for v in m.facts.values())


def test_the_rows_that_broke_replace_those_that_were_frozen() -> None:
    file = mechanisms(breaks=["old"])
    made = with_breaks(file, [ablate_toy(0.9, 0.1, file=file)], 7, 9)
    assert made.mechanisms[0].breaks == (GLUTAMATE,)
    assert (made.replicates, made.seed) == (7, 9)


# --- the packaged mechanisms ----------------------------------------------------------------------


def test_every_mechanism_breaks_a_row_or_says_why_it_is_kept() -> None:
    assert [one.id for one in ablations().mechanisms if one.unexplained] == []


def test_every_constant_of_brain_and_behaviour_belongs_to_a_mechanism_or_is_a_scale() -> None:
    names = [
        name
        for layer in (brain(), behaviour())
        for parameter in layer.parameters
        for name in (parameter.fact, parameter.spread)
        if name
    ]
    assert ablations().without_mechanism(names) == []


def test_every_mechanism_can_be_switched_off() -> None:
    for one in ablations().mechanisms:
        with using_facts(one.off):
            pass


def test_every_mechanism_changes_a_fact() -> None:
    for one in ablations().mechanisms:
        assert any(fact(name).value != value for name, value in one.off.items()), one.id


def test_the_frozen_rows_break_again_without_some_mechanisms() -> None:
    studies = {study for named in REDUCED.values() for study in named}
    for found in ablate(list(REDUCED), only=studies.__contains__):
        mine = {row for row in found.mechanism.breaks if row.split(":")[0] in studies}
        assert mine, found.mechanism.id
        assert set(found.breaks) == mine, found.mechanism.id


@pytest.mark.slow
def test_the_frozen_rows_break_again_without_each_mechanism() -> None:
    for found in ablate(jobs=2):
        assert set(found.breaks) == set(found.mechanism.breaks), found.mechanism.id


# --- glutamate by opioid --------------------------------------------------------------------------


def test_without_the_gate_naltrexone_changes_nothing_and_the_contrast_is_zero() -> None:
    for one in glutamate_by_opioid(4, gate=0.0, people=4):
        assert one.cells["glutamate"] == pytest.approx(one.cells["both"], rel=1e-9)
        assert one.interaction == pytest.approx((0, 0, 0), abs=1e-9)


def test_with_the_gate_both_doors_together_do_more_than_each_alone() -> None:
    late, relief = glutamate_by_opioid(8, people=6)
    for one in (late, relief):
        assert one.cells["both"][0] > max(one.cells[name][0] for name in ("glutamate", "opioid"))
        assert one.interaction[0] > 0
        means = {name: cell[0] for name, cell in one.cells.items()}
        assert one.interaction[0] == pytest.approx(
            means["both"] - means["glutamate"] - means["opioid"] + means["none"]
        )
    assert late.output == "synapse:potentiation"
