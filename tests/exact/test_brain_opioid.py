"""Opioid receptors: what naltrexone holds and for how long, what the gate lets through, what a metabolite does."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ._brain import World, solve

INFUSION = "0.5 mg/kg ketamine iv over 40 min"
HOURS = (1.0, 2.0, 4.0, 8.0, 24.0, 72.0, 168.0)
WITHIN_8_H = slice(0, 4)


def held(dose: int) -> np.ndarray:
    """Mu receptors that naltrexone by mouth holds (T,)."""
    return solve("human", f"{dose} mg naltrexone oral", HOURS)["occupancy:MOR"][:, 0]


def test_naltrexone_holds_what_scans_saw_within_8_h() -> None:
    """27 percent after 2 mg and 92 to 98 percent after 50 mg (Rabiner 2011)."""
    assert 0.15 < held(2)[WITHIN_8_H].max() < 0.40
    assert 0.92 < held(50)[WITHIN_8_H].max() < 1
    assert held(50)[3] == pytest.approx(0.95, abs=0.03)


@pytest.mark.parametrize("dose", [2, 50])
def test_the_block_is_halved_in_72_to_108_h(dose: int) -> None:
    late, last = held(dose)[-2:]
    half_time = math.log(2) * (HOURS[-1] - HOURS[-2]) / math.log(late / last)
    assert 72 < half_time < 108


# --- the gate -------------------------------------------------------------------------------------

TIMES = (0.5, 2 / 3, 1.0, 4.0, 24.0, 72.0)
OFF: World = {"opioid_gate": 0}
ON: World = {"opioid_gate": 1}


def gated(dose: int) -> dict[str, np.ndarray]:
    """Ketamine after naltrexone, with the gate off (first column) and on."""
    return solve("human", f"{INFUSION} + {dose} mg naltrexone oral at -45 min", TIMES, OFF, ON)


def test_with_the_gate_naltrexone_takes_the_lasting_part_and_leaves_the_state() -> None:
    none, full = gated(0), gated(50)
    for name in ("synapse:potentiation", "symptom:relief"):
        assert none[name][-2, 1] > 0.05, name
        assert full[name][-2, 1] < 0.4 * none[name][-2, 1], name
    for name in ("state:dissociation", "circuit:glutamate", "occupancy:NMDA:cortical"):
        np.testing.assert_allclose(full[name], none[name], rtol=1e-12, atol=1e-12, err_msg=name)
        np.testing.assert_array_equal(full[name][:, 1], full[name][:, 0])
    assert none["state:dissociation"].max() > 0.1


def test_without_the_gate_naltrexone_changes_nothing_but_opioid_receptors() -> None:
    """But for rounding, and for dopamine, which mu receptors move."""
    none, full = gated(0), gated(50)
    moved = {name for name in none if np.max(np.abs(full[name] - none[name])[:, 0]) > 1e-10}
    opioid = {
        f"{kind}:{name}" for kind in ("occupancy", "receptor") for name in ("MOR", "KOR", "DOR")
    }
    assert moved <= opioid | {"circuit:dopamine"}
    assert "occupancy:MOR" in moved


def test_ketamine_itself_holds_about_a_hundredth_of_mu_receptors() -> None:
    peak = gated(0)["occupancy:MOR"][1, 0]
    assert 0.002 < peak < 0.05


# --- hydroxynorketamine in a bath -----------------------------------------------------------------


def bath(name: str) -> np.ndarray:
    """HNK at 1 micromolar from the start, naltrexone from one hour on: off and on, at 0.5 and 2 h."""
    phrase = "0.2397 mg (2R,6R)-HNK local + 0.03414 mg naltrexone local at 1 h"
    worlds: tuple[World, ...] = ({"hnk_opioid": 0}, {"hnk_opioid": 1})
    return solve("in_vitro", phrase, (0.5, 2.0), *worlds)[name]


@pytest.mark.parametrize("receptor", ["MOR", "KOR"])
def test_hydroxynorketamine_lowers_opioid_signalling_and_naltrexone_attenuates_it(
    receptor: str,
) -> None:
    alone, both = bath(f"receptor:{receptor}")[:, 1]
    assert alone < 0.9
    assert alone + 0.5 * (1 - alone) < both <= 1


@pytest.mark.parametrize("receptor", ["MOR", "KOR"])
def test_without_the_hypothesis_hydroxynorketamine_does_nothing_there(receptor: str) -> None:
    assert np.all(bath(f"receptor:{receptor}")[:, 0] == 1)
    assert bath(f"occupancy:{receptor}")[0, 0] == 0
