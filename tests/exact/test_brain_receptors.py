"""Occupancy is competitive: who is there counts, not in what order; magnesium and trapping tell blockers apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ketalab.facts import fact
from ketalab.model.brain import brain

from ._brain import at, solve

LIGANDS = tuple(port.name for port in brain().inputs if port.name.startswith("unbound:"))
#: What rises with every ligand; the share that is blocked for good at rest depends on who blocks.
RISING = tuple(
    f"occupancy:{name}"
    for name in ("NMDA:cortical", "NMDA:interneuron", "NMDA:habenula", "MOR", "KOR", "DOR")
)
micromolar = st.one_of(st.just(0.0), st.floats(1e-6, 1e4))
mixtures = st.fixed_dictionaries(dict.fromkeys(LIGANDS, micromolar))
shares = st.floats(0, 1)
ROUNDING = 1e-12


def occupancies(given_: dict[str, Any]) -> dict[str, np.ndarray]:
    return {name: x for name, x in at(given_).items() if name.startswith("occupancy:")}


@given(mixtures, shares, shares, shares)
def test_every_occupancy_is_a_share_whatever_is_combined(
    mixture: dict[str, float], magnesium: float, left: float, held: float
) -> None:
    more = {"activity:magnesium": magnesium, "activity:GluN1": left, "antagonised": held}
    made = at(mixture | more)
    for name in (*occupancies({}), "current:NMDA:resting", "imaging:NMDA"):
        assert -ROUNDING <= made[name] <= 1 + ROUNDING, name


@given(mixtures, st.sampled_from(LIGANDS), st.floats(1e-6, 1e4))
def test_another_ligand_never_lowers_an_occupancy(
    mixture: dict[str, float], ligand: str, more: float
) -> None:
    before, after = at(mixture), at(mixture | {ligand: mixture[ligand] + more})
    for name in RISING:
        assert after[name] >= before[name] - ROUNDING, name
    assert after["current:NMDA:resting"] <= before["current:NMDA:resting"] + ROUNDING


@pytest.mark.parametrize("ligand", ["R-ketamine", "S-norketamine", "memantine", "mk-801"])
def test_two_ligands_share_receptors_and_do_not_add_up(ligand: str) -> None:
    one, other = {"unbound:S-ketamine": 1.0}, {f"unbound:{ligand}": 5.0}
    first, second, both = (
        float(at(mixture)["occupancy:NMDA:cortical"]) for mixture in (one, other, one | other)
    )
    odds = sum(share / (1 - share) for share in (first, second))
    assert both == pytest.approx(odds / (1 + odds), rel=1e-12)
    assert both < first + second - 1e-3


def test_the_order_of_ligands_in_a_phrase_does_not_matter() -> None:
    times = (0.25, 1.0, 4.0)
    drugs = ("10 mg/kg ketamine ip", "20 mg/kg memantine ip")
    one, other = (solve("rat", " + ".join(order), times) for order in (drugs, drugs[::-1]))
    for name, values in one.items():
        np.testing.assert_allclose(other[name], values, rtol=1e-12, atol=1e-12, err_msg=name)


def test_185_ng_per_ml_occupies_16_to_31_percent() -> None:
    total = 185 / fact("ketamine_molar_mass").value
    found = []
    for unbound in (0.40, 0.57):
        for potency in fact("nmda_ic50_ketamine").spread.interval:
            half = total * unbound * fact("unbound_brain_ratio").value / 2
            mixture = {"unbound:S-ketamine": half, "unbound:R-ketamine": half}
            made = at(mixture, {"nmda_ic50_ketamine": potency})
            found.append(float(made["occupancy:NMDA:cortical"]))
    assert min(found) == pytest.approx(0.127, abs=0.01)
    middle = at({name: total * 0.53 / 2 * fact("unbound_brain_ratio").value for name in mixture})
    assert 0.16 < middle["occupancy:NMDA:cortical"] < 0.31
    assert min(found) < middle["occupancy:NMDA:cortical"] < max(found)


# --- memantine against ketamine -------------------------------------------------------------------


def blocked_at_rest(micromolar: float, magnesium: float, hypothesis: float) -> tuple[float, float]:
    """Share of the resting current that ketamine and memantine block at one unbound concentration."""
    ketamine = {f"unbound:{hand}-ketamine": micromolar / 2 for hand in "SR"}
    made = (
        at(
            mixture | {"activity:magnesium": magnesium},
            {"resting_magnesium": hypothesis},
        )
        for mixture in (ketamine, {"unbound:memantine": micromolar})
    )
    one, other = (1 - float(outputs["current:NMDA:resting"]) for outputs in made)
    return one, other


@pytest.mark.parametrize("micromolar", [0.1, 1.0])
def test_memantine_spares_resting_receptors_in_magnesium(micromolar: float) -> None:
    ketamine, memantine = blocked_at_rest(micromolar, 1, 1)
    assert ketamine > 5 * memantine > 0


def test_magnesium_keeps_memantine_from_resting_receptors_more_than_from_active_ones() -> None:
    made = at({"unbound:memantine": 1.0}, {"resting_magnesium": 1})
    resting, active = 1 - made["current:NMDA:resting"], made["occupancy:NMDA:cortical"]
    assert 0 < resting < 0.5 * active
    ketamine = at({"unbound:S-ketamine": 1.0})
    blocked = ketamine["occupancy:NMDA:cortical"]
    assert 1 - ketamine["current:NMDA:resting"] == pytest.approx(blocked, rel=1e-12)


@pytest.mark.parametrize("micromolar", [0.1, 1.0, 10.0])
def test_without_magnesium_both_block_resting_receptors_alike(micromolar: float) -> None:
    ketamine, memantine = blocked_at_rest(micromolar, 0, 1)
    assert 1 / 3 < ketamine / memantine < 3


@pytest.mark.parametrize("micromolar", [0.1, 1.0, 10.0])
def test_with_the_hypothesis_off_both_block_resting_receptors_alike(micromolar: float) -> None:
    ketamine, memantine = blocked_at_rest(micromolar, 1, 0)
    assert memantine == pytest.approx(ketamine, rel=0.05)


def test_only_what_is_trapped_blocks_rare_openings() -> None:
    """At saturation the share blocked for good is the trapped share of the blocker."""
    for ligand, trapped in (("S-ketamine", "ketamine"), ("memantine", "memantine")):
        made = at({f"unbound:{ligand}": 1e9})
        share = fact(f"nmda_trapped_{trapped}").value
        assert made["occupancy:NMDA:resting"] == pytest.approx(share, abs=1e-5)


@settings(max_examples=20)
@given(st.floats(1e-3, 1e2))
def test_interneurons_are_blocked_before_pyramidal_cells_by_ketamine(micromolar: float) -> None:
    made = at({f"unbound:{hand}-ketamine": micromolar for hand in "SR"})
    assert made["occupancy:NMDA:interneuron"] > made["occupancy:NMDA:cortical"]


# --- delta-opioid receptors -----------------------------------------------------------------------


def test_ketamine_signals_at_delta_receptors_least_and_naltrexone_takes_little_of_it() -> None:
    """Affinities of Hirota 1999 (mu, kappa and delta), and a fifth of delta receptors held (Weerts 2008)."""
    ketamine = {f"unbound:{hand}-ketamine": 5.0 for hand in "SR"}
    bare, held = at(ketamine), at(ketamine | {"antagonised": 0.949})
    rise = {name: bare[f"receptor:{name}"] - 1 for name in ("MOR", "KOR", "DOR")}
    assert 0 < rise["DOR"] < rise["MOR"] < rise["KOR"]
    left = {name: (held[f"receptor:{name}"] - 1) / rise[name] for name in rise}
    assert left["MOR"] == pytest.approx(0.051, rel=1e-9)
    assert left["DOR"] == pytest.approx(1 - 0.949 * fact("naltrexone_dor_ratio").value, rel=1e-9)
    assert at(ketamine | {"activity:DOR": 0.0})["receptor:DOR"] == 0


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_hydroxynorketamine_leaves_delta_receptors_alone(weight: float) -> None:
    made = at({"unbound:R-hydroxynorketamine": 10.0}, {"hnk_opioid": weight})
    assert (made["occupancy:DOR"], made["receptor:DOR"]) == (0, 1)
