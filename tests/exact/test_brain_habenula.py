"""The lateral habenula: shares of neurons, what moves them, and ketamine that stays in closed channels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ._brain import at, solve

KINDS = ("burst", "tonic", "silent")
shares = st.floats(0, 1)
folds = st.floats(0, 100)


def burst(**given_: float) -> float:
    """Share that bursts, with targets by short names."""
    words = {
        "kir": "activity:Kir4.1",
        "t": "activity:CaV3",
        "nmda": "activity:GluN1:LHb",
        "evoked": "activity:LHb burst",
    }
    return float(at({words.get(k, k): x for k, x in given_.items()})["circuit:LHb:burst"])


@given(
    st.fixed_dictionaries(
        {
            "activity:GluN1": shares,
            "activity:GluN1:LHb": shares,
            "activity:CaV3": shares,
            "activity:Kir4.1": st.floats(0, 10),
            "activity:LHb burst": folds,
            "activity:trapping": shares,
            "stress": st.floats(0, 3),
            "trapped": shares,
            "unbound:S-ketamine": folds,
        }
    )
)
def test_the_three_kinds_are_shares_of_one_whole(inputs: dict[str, float]) -> None:
    made = at(inputs)
    parts = [float(made[f"circuit:LHb:{kind}"]) for kind in KINDS]
    assert sum(parts) == pytest.approx(1, abs=1e-12)
    assert all(-1e-12 <= part <= 1 + 1e-12 for part in parts)


@pytest.mark.parametrize("channel", ["nmda", "t"])
@pytest.mark.parametrize("left", [0.75, 0.5, 0.0])
def test_a_block_of_nmda_or_of_t_type_currents_lowers_bursting(channel: str, left: float) -> None:
    assert burst(**{channel: left}) < burst()
    assert burst(**{channel: 0.0}) < 0.5 * burst()


def test_ketamine_lowers_bursting_in_the_depressed_state() -> None:
    doses = [float(burst(**{"unbound:S-ketamine": x})) for x in (0.0, 0.1, 0.3, 1.0)]
    assert sorted(doses, reverse=True) == doses
    assert doses[-1] < 0.5 * doses[0]


def test_stress_and_kir_channels_raise_bursting() -> None:
    healthy, halfway, depressed = (burst(stress=x) for x in (0.0, 0.5, 1.0))
    assert healthy < halfway < depressed
    assert burst(stress=0.0, kir=2.0) > 1.2 * healthy
    assert burst(stress=1.0, kir=0.0) == pytest.approx(healthy, rel=1e-12)


def test_light_multiplies_the_odds_of_bursting() -> None:
    plain, evoked = burst(), burst(evoked=10.0)
    assert evoked / (1 - evoked) == pytest.approx(10 * plain / (1 - plain), rel=1e-12)
    assert burst(evoked=0.0) == 0


def test_a_block_of_one_site_leaves_the_other_receptors_alone() -> None:
    plain, local = at(), at({"activity:GluN1:LHb": 0.0})
    assert local["occupancy:NMDA:habenula"] == 1
    assert local["occupancy:NMDA:cortical"] == plain["occupancy:NMDA:cortical"] == 0
    assert at({"activity:GluN1": 0.0})["occupancy:NMDA:cortical"] == 1


def test_trapped_ketamine_outlasts_the_drug_where_it_is_trapped() -> None:
    times = (0.0, 0.5, 8.0, 24.0)
    worlds = ({"lhb_trapping": 1}, {"lhb_trapping": 0}, {"lhb_trapping": 1, "activity:trapping": 0})
    made = solve("mouse", "10 mg/kg ketamine ip", times, *worlds)
    assert np.all(made["occupancy:NMDA:habenula"][2:] < 0.01)
    trapped, free, released = made["circuit:LHb:burst"].T
    assert np.all(trapped[:2] <= free[:2] + 1e-12)
    assert trapped[2] < 0.8 * trapped[0]
    assert trapped[3] < 0.97 * trapped[0]
    for none in (free, released):
        assert none[1] < 0.8 * none[0]
        np.testing.assert_allclose(none[2:], none[0], rtol=0.02)
