"""Rewiring: in the open window behaviour decides what the edges keep; and the weeks that a reuptake inhibitor needs."""

from __future__ import annotations

import numpy as np
import pytest

from ketalab.model.brain._reward import EDGES

from ._brain import at, solve

KETAMINE = "10 mg/kg ketamine ip"
WEEK = (0.0, 24.0, 168.0)
NONE, GOOD, BAD = range(3)
WORLDS = ({"behaviour": 0}, {"behaviour": 1}, {"behaviour": -1})
TOWARDS = [name for name, (sign, _) in EDGES.items() if sign > 0]
AWAY = [name for name, (sign, _) in EDGES.items() if sign < 0]


def mouse(name: str, phrase: str = KETAMINE) -> np.ndarray:
    """One output (T, worlds): no behaviour, a reinforcing one, a pro-depressive one."""
    return solve("mouse", phrase, WEEK, *WORLDS)[name]


@pytest.mark.parametrize("edge", EDGES)
def test_without_a_behaviour_an_edge_stays_as_it_was(edge: str) -> None:
    assert np.max(np.abs(mouse(f"circuit:edge:{edge}")[:, NONE] - 1)) < 1e-12


def test_a_reinforcing_behaviour_strengthens_the_edges_that_lead_to_reward() -> None:
    assert TOWARDS
    assert AWAY
    for edge in TOWARDS:
        day, week = mouse(f"circuit:edge:{edge}")[1:, GOOD]
        assert 1.01 < day < week
    for edge in AWAY:
        day, week = mouse(f"circuit:edge:{edge}")[1:, GOOD]
        assert 0.99 > day > week > 0


def test_a_pro_depressive_behaviour_does_the_opposite() -> None:
    for edge in EDGES:
        made = mouse(f"circuit:edge:{edge}")
        np.testing.assert_allclose(made[:, BAD] - 1, 1 - made[:, GOOD], rtol=1e-9, atol=1e-12)


def test_a_week_later_reward_is_what_behaviour_made_of_it() -> None:
    none, good, bad = mouse("circuit:reward")[-1]
    assert bad < 0.95 * none
    assert good > 1.05 * none
    sucrose = mouse("behaviour:sucrose")[-1]
    assert sucrose[BAD] < sucrose[NONE] < sucrose[GOOD]


def test_without_ketamine_no_behaviour_changes_anything() -> None:
    made = solve("mouse", "", WEEK, *WORLDS)
    for name, values in made.items():
        np.testing.assert_allclose(values, values[:1, :1] + 0 * values, atol=1e-9, err_msg=name)


def test_bursts_of_the_habenula_lower_reward_through_the_midbrain() -> None:
    calm, burst = at({"activity:LHb burst": 0.5}), at({"activity:LHb burst": 4.0})
    assert burst["circuit:RMTg"] > calm["circuit:RMTg"]
    for name in ("VTA", "NAc", "reward", "dopamine"):
        assert burst[f"circuit:{name}"] < calm[f"circuit:{name}"], name


def test_the_circuit_of_a_healthy_animal_at_rest_is_one() -> None:
    made = at({"stress": 0.0})
    for name in ("RMTg", "VTA", "NAc", "striatal", "reward", "dopamine"):
        assert made[f"circuit:{name}"] == pytest.approx(1, abs=1e-12)
    assert at()["circuit:reward"] < 1


# --- weeks ----------------------------------------------------------------------------------------


def test_a_blocked_transporter_acts_at_once_and_its_effect_takes_weeks() -> None:
    """A third of the effect of six weeks is there after one (Taylor 2006), and a twentieth after a day."""
    made = solve("human", "", (0.0, 24.0, 168.0, 1008.0), {"activity:SERT": 0.2})
    np.testing.assert_allclose(made["occupancy:SERT"], 0.8, rtol=1e-12)
    start, day, week, six = made["circuit:monoamine"][:, 0]
    assert start == 0
    assert 0 < day < 0.06 * six
    assert 0.28 < week / six < 0.38
    assert 0.8 < six < 1


def test_ketamine_leaves_the_transporter_alone() -> None:
    made = solve("mouse", KETAMINE, WEEK, *WORLDS)
    assert not np.any(made["occupancy:SERT"])
    assert not np.any(made["circuit:monoamine"])
