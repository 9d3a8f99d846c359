"""Directions of mechanism studies are replayed: scatter, the same animals, usual times."""

from __future__ import annotations

import math
import runpy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketalab.facts import fact
from ketalab.studies import parse_study, replay_study
from ketalab.studies._observe import statistic
from ketalab.studies._plan import make_plan
from ketalab.studies._scatter import scatter_of
from ketalab.studies._timing import ask_rows, last_dose_h

made = runpy.run_path(str(Path(__file__).with_name("_experiments.py")))
REPLICATES, experiment, outcome, row, rows_of = (
    made[name] for name in ("REPLICATES", "experiment", "outcome", "row", "rows_of")
)


# --- the spread of a standardised difference ------------------------------------------------------


def test_an_assay_adds_a_share_of_the_level_to_the_variance_between_people() -> None:
    mine, other = np.array([[3.0, 5.0]]), np.array([[1.0, 3.0]])
    asked = outcome("direction", "synapse:BDNF", than="untreated", sign="+")
    scatter = scatter_of(asked, mine, other, {"assay_scatter": np.array([0.5])})
    assert scatter == pytest.approx([1.5])  # half of the mean level of 4 and 2
    assert statistic(asked, mine, other, scatter) == pytest.approx(2 / math.sqrt(2 + 1.5**2))


def test_a_rhythm_s_scatter_is_decibels_whatever_its_level() -> None:
    asked = outcome("direction", "rhythm:gamma", than="untreated", sign="+")
    drawn = {"rhythm_scatter": np.array([1.5])}
    for level in (0.1, 10.0):
        assert scatter_of(asked, np.full((1, 2), level), np.zeros((1, 2)), drawn) == [1.5]


def test_occupancy_is_measured_as_binding_that_is_lost() -> None:
    asked = outcome("direction", "occupancy:NMDA:cortical", than="untreated", sign="+")
    mine, other = np.full((1, 2), 0.5), np.zeros((1, 2))
    scatter = scatter_of(asked, mine, other, {"assay_scatter": np.array([0.2])})
    assert scatter == pytest.approx([0.2 * (0.5 + 1) / 2])


@pytest.mark.parametrize(
    ("measure", "level"),
    [
        ("synapse:potentiation", 0.2 + fact("half_effective_potentiation").value),
        ("circuit:monoamine", 1.2),
        ("synapse:LTP", 1.0),
        ("rhythm:coupling", 0.2),
    ],
)
def test_what_is_zero_at_rest_is_measured_against_one_or_half_of_its_effect(
    measure: str, level: float
) -> None:
    asked = outcome("direction", measure, than="untreated", sign="+")
    mine, other = np.full((1, 2), 0.4), np.zeros((1, 2))
    scatter = scatter_of(asked, mine, other, {"assay_scatter": np.array([0.5])})
    assert scatter == pytest.approx([0.5 * level])


@pytest.mark.parametrize("measure", ["behaviour:FST", "MADRS", "harm:systolic"])
def test_measuring_adds_nothing_to_behaviour_and_scores(measure: str) -> None:
    asked = outcome("direction", measure, than="untreated", sign="+")
    drawn = {name: np.ones(1) for name in ("assay_scatter", "rhythm_scatter", "imaging_scatter")}
    assert scatter_of(asked, np.ones((1, 2)), np.ones((1, 2)), drawn) is None


@given(st.floats(-5, 5), st.floats(-5, 5), st.floats(0, 3), st.floats(0.01, 2), st.floats(0, 1))
def test_more_scatter_never_makes_an_effect_larger(
    a: float, b: float, spread: float, less: float, more: float
) -> None:
    asked = outcome("direction", "synapse:BDNF", than="untreated", sign="+")
    mine, other = np.array([[a - spread, a + spread]]), np.array([[b - spread, b + spread]])
    small = statistic(asked, mine, other, np.array([less]))
    large = statistic(asked, mine, other, np.array([less + more]))
    assert abs(large[0]) <= abs(small[0]) + 1e-12
    assert statistic(asked, other, mine, np.array([less])) == pytest.approx(-small)


# --- the same animals, their own baseline ---------------------------------------------------------


def test_an_act_that_changes_nothing_gives_no_difference_whatever_the_draw() -> None:
    arms = [
        {"id": "ketamine", "n": 6, "doses": ["10 mg/kg ketamine ip"]},
        {
            "id": "same",
            "n": 3,
            "doses": ["10 mg/kg ketamine ip"],
            "interventions": [{"target": "no such target", "factor": 1}],
        },
    ]
    said = {"than": "ketamine", "time_h": 1.0}
    study = experiment(
        row("direction", "same", "behaviour:FST", sign="0", **said),
        row("direction", "same", "synapse:BDNF", sign="+", **said),
        arms=arms,
    )
    still, rise = rows_of(study)
    assert (still["probability"], rise["probability"]) == (1.0, 0.0)
    assert still["predicted"]["mean"] == 0


def test_all_animals_of_an_experiment_go_through_every_arm() -> None:
    plan = make_plan(parse_study(experiment(row("direction", "ketamine", "behaviour:FST",
                                                time_h=1.0, sign="-")), "here"))  # fmt: skip
    assert plan.sizes == (6,)
    assert [(group.pool, group.count, group.first) for group in plan.groups] == [(0, 6, 0)] * 2


def test_a_direction_without_a_comparator_is_against_the_arm_s_own_baseline() -> None:
    study = experiment(
        row("direction", "ketamine", "occupancy:NMDA:cortical", time_h=0.5, sign="+"),
        row("direction", "untreated", "occupancy:NMDA:cortical", time_h=0.5, sign="0"),
    )
    with_drug, without = rows_of(study)
    assert with_drug["probability"] == without["probability"] == 1.0


def test_the_own_baseline_is_from_before_a_dose_that_precedes_zero() -> None:
    arms = [{"id": "ketamine", "n": 3, "doses": ["10 mg/kg ketamine ip at -0.5 h"]}]
    study = experiment(
        row("ratio", "ketamine", "circuit:LHb:burst", time_h=0.0, value=0.5),
        arms=arms,
        population={"condition": "chronic stress"},
    )
    (made,) = rows_of(study)
    assert made["skipped"] is None
    assert made["predicted"]["mean"] < 0.99


def test_a_score_s_direction_without_a_comparator_is_of_the_score_against_its_baseline() -> None:
    study = experiment(
        row("direction", "ketamine", "MADRS", time_h=24.0, sign="-"),
        species="human",
        design={"kind": "single-arm"},
        population={"condition": "MDD"},
        arms=[{"id": "ketamine", "n": 30, "doses": ["0.5 mg/kg ketamine iv over 40 min"]}],
    )
    (made,) = rows_of(study)
    assert made["probability"] == 1.0


# --- usual times ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("measure", "hours"),
    [
        ("behaviour:FST", 24.0),
        ("circuit:LHb:burst", 1.0),
        ("circuit:pyramidal", 0.6667),
        ("synapse:eEF2", 0.6667),
        ("synapse:spines", 24.0),
        ("imaging:SV2A", 24.0),
        ("imaging:NMDA", 0.6667),
        ("MADRS", None),
        ("harm:systolic", None),
    ],
)
def test_a_row_without_a_time_has_its_output_s_usual_one(measure: str, hours: float | None) -> None:
    study = parse_study(experiment(row("direction", "ketamine", measure, sign="+")), "here")
    asked, notes = ask_rows(study)
    assert asked.outcomes[0].time_h == hours
    assert study.outcomes[0].time_h is None
    assert len(notes) == (hours is not None)


def test_a_usual_time_counts_from_the_last_dose_of_the_drug() -> None:
    daily = ("10 mg/kg ketamine ip daily x 5", "10 mg/kg nbqx ip at 100 h")
    assert last_dose_h(daily) == 96
    assert last_dose_h(("10 mg/kg nbqx ip at 100 h",)) == 100
    assert last_dose_h(()) is None


def test_the_comparator_s_dose_counts_where_the_arm_has_none() -> None:
    arms = [
        {"id": "ketamine", "doses": ["10 mg/kg ketamine ip at 3 h"]},
        {"id": "untreated", "control": "none"},
    ]
    said = row("direction", "untreated", "circuit:LHb:burst", than="ketamine", sign="+")
    asked, _ = ask_rows(parse_study(experiment(said, arms=arms), "here"))
    assert asked.outcomes[0].time_h == 4


def test_the_replay_states_the_usual_time_and_the_row_keeps_none() -> None:
    study = parse_study(experiment(row("direction", "ketamine", "synapse:eEF2", sign="-")), "here")
    made = replay_study(study, REPLICATES)
    assert made.rows[0]["time_h"] is None
    assert made.rows[0]["skipped"] is None
    assert any("synapse:eEF2: 0.6667 h after" in line for line in made.assumed)
    assert "assay_scatter" in made.facts


def test_a_score_without_a_time_is_not_replayed() -> None:
    study = experiment(
        row("direction", "ketamine", "MADRS", sign="-"),
        species="human",
        population={"condition": "MDD"},
        arms=[{"id": "ketamine", "n": 3, "doses": ["0.5 mg/kg ketamine iv over 40 min"]}],
    )
    assert "states no time" in rows_of(study)[0]["skipped"]
