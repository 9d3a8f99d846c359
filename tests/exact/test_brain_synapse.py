"""Two clocks of the synapse: one moves within the hour, the other grows over a day, and each has its own switches."""

from __future__ import annotations

import numpy as np
import pytest

from ._brain import ONE_PATH, World, solve

KETAMINE = "3 mg/kg ketamine ip"
TIMES = (0.0, 0.5, 1.0, 2.0, 8.0, 24.0, 72.0)
SOON, DAY = TIMES.index(1.0), TIMES.index(24.0)
#: What is taken away, in a mouse in which all goes by the one path.
KNOCKED = ("BDNF", "mTORC1", "translation", "TrkB", "GluA2")
WORLDS: tuple[World, ...] = (ONE_PATH, *({**ONE_PATH, f"activity:{name}": 0} for name in KNOCKED))


def mouse(name: str, *, without: str | None = None) -> np.ndarray:
    """One output of a mouse after ketamine (T,), a target taken away."""
    made = solve("mouse", KETAMINE, TIMES, *WORLDS)
    return made[name][:, 0 if without is None else 1 + KNOCKED.index(without)]


def test_behaviour_moves_within_the_hour_and_spines_only_from_the_first_day() -> None:
    relief, spines = mouse("behaviour:relief"), mouse("synapse:spines") - 1
    assert relief[SOON] > relief[0] + 0.1
    assert spines[SOON] < 0.01 * spines.max()
    assert spines[DAY] > 0.2 * spines.max()
    assert relief[DAY] > relief[0] + 0.05


def test_the_early_clock_leads_and_the_late_one_lasts() -> None:
    early, late = mouse("relief:early"), mouse("relief:late")
    assert early[SOON] > late[SOON]
    assert late[DAY] > early[DAY] > 0
    assert early[-1] < 0.01
    assert late[-1] > 0.1 * late.max()


@pytest.mark.parametrize("target", ["translation", "BDNF", "TrkB"])
def test_what_both_clocks_need_stops_both(target: str) -> None:
    for name in ("relief:early", "relief:late", "synapse:AMPA", "synapse:potentiation"):
        assert np.max(np.abs(mouse(name, without=target))) < 1e-6, name
        assert mouse(name).max() > 0.02, name


def test_a_block_of_mtorc1_leaves_the_early_part_and_stops_the_late_one() -> None:
    np.testing.assert_allclose(
        mouse("relief:early", without="mTORC1"), mouse("relief:early"), rtol=1e-9, atol=1e-12
    )
    assert np.max(np.abs(mouse("relief:late", without="mTORC1"))) < 1e-6
    assert mouse("synapse:spines", without="mTORC1") == pytest.approx(1, abs=1e-9)


def test_receptors_that_cannot_be_inserted_stop_the_early_part_alone() -> None:
    assert np.max(np.abs(mouse("relief:early", without="GluA2"))) < 1e-9
    np.testing.assert_allclose(
        mouse("relief:late", without="GluA2"), mouse("relief:late"), rtol=1e-9, atol=1e-12
    )


def test_anisomycin_before_ketamine_stops_the_early_effect() -> None:
    plain, blocked = (
        solve("mouse", f"{dose} mg/kg anisomycin ip at -30 min + {KETAMINE}", (1.0,), ONE_PATH)
        for dose in (0, 100)
    )
    assert blocked["synapse:AMPA"][0, 0] < 0.2 * plain["synapse:AMPA"][0, 0]
    assert blocked["relief:early"][0, 0] < 0.4 * plain["relief:early"][0, 0]
    np.testing.assert_allclose(blocked["synapse:eEF2"], plain["synapse:eEF2"], rtol=1e-4)


def test_inhibition_of_the_eef2_kinase_alone_gives_early_relief_unless_bdnf_is_gone() -> None:
    knocked = {**ONE_PATH, "activity:BDNF": 0}
    made = solve("mouse", "5 mg/kg rottlerin ip", (0.0, 1.0), ONE_PATH, knocked)
    relief = made["behaviour:relief"]
    assert relief[1, 0] > relief[0, 0] + 0.05
    assert relief[1, 1] == pytest.approx(relief[0, 1], abs=1e-9)
    # Nothing surges, and so nothing is released.
    assert made["synapse:potentiation"] == pytest.approx(0, abs=1e-9)


def test_nbqx_at_the_test_hides_the_effect_and_it_comes_back() -> None:
    test, later = 24.0, 36.0
    made = solve(
        "mouse",
        f"{KETAMINE} + 10 mg/kg nbqx ip at {test - 0.5:g} h",
        (0.0, test, later),
        ONE_PATH,
        {**ONE_PATH, "lhb_trapping": 0},
    )
    assert np.all(made["relief:late"][1] < 0.2 * made["relief:late"][2])
    assert np.all(made["synapse:potentiation"][1] > made["synapse:potentiation"][2])
    relief = made["behaviour:relief"][:, 1]
    assert relief[2] > relief[0] + 0.05
    assert relief[1] - relief[0] < 0.2 * (relief[2] - relief[0])


def test_memantine_that_spares_resting_receptors_lifts_no_brake() -> None:
    worlds = ({**ONE_PATH, "resting_magnesium": 1}, {**ONE_PATH, "resting_magnesium": 0})
    made = solve("mouse", "20 mg/kg memantine ip", (0.0, 0.5, 1.0), *worlds)
    assert np.all(made["synapse:eEF2"][:, 0] > 0.9)
    assert made["synapse:eEF2"][-1, 1] < 0.75
    assert made["synapse:AMPA"][-1, 0] < 0.2 * made["synapse:AMPA"][-1, 1]
