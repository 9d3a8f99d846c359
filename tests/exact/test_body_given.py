"""Ketamine's molecules and other drugs given themselves to rats and mice: they reach plasma, and nothing is lost."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

from ketalab.facts import compounds, fact
from ketalab.model.body import body, ketamine

Run = runpy.run_path(str(Path(__file__).with_name("_linear_body.py")))["Run"]
ANIMALS = {"rat": 0.3, "mouse": 0.025}
AS_AN_ANIMAL = {"age": 30.0, "child": 0.0, "cyp2b6_star6": 0.0}
GIVEN = (
    "ketamine",
    "esketamine",
    "arketamine",
    "norketamine",
    "s-norketamine",
    "r-norketamine",
    "hydroxynorketamine",
    "s-hydroxynorketamine",
    "memantine",
    "mk-801",
    "naltrexone",
)
#: The volume of MK-801 is over its subcutaneous bioavailability, so that it has no model by vein.
DOSES = [(c, r) for c in GIVEN for r in ("ip", "sc", "iv") if (c, r) != ("mk-801", "iv")]
BODIES = {
    species: Run(body(species), weight=weight, **AS_AN_ANIMAL)
    for species, weight in ANIMALS.items()
}
SUBCUTANEOUS = fact("sc_bioavailability").value


def entered(species: str, compound: str, route: str) -> np.ndarray:
    """States after 10 umol by a route, before anything moves."""
    parts = compounds()[compound].molecules.items()
    return 10 * sum(share * BODIES[species].entering(route, molecule) for molecule, share in parts)


@pytest.mark.parametrize("species", ANIMALS)
@pytest.mark.parametrize(("compound", "route"), DOSES)
def test_a_dose_peaks_in_plasma_and_loses_nothing(compound: str, route: str, species: str) -> None:
    run, times = BODIES[species], np.linspace(0, 24, 481)
    start = entered(species, compound, route)
    assert start.sum() == pytest.approx(10, rel=1e-12)
    rows = run.amounts(start, times)
    moles = np.array([state.mole for state in run.layer.states])
    assert rows[:, moles].sum(axis=1) == pytest.approx(10, rel=1e-10)
    for molecule in compounds()[compound].molecules:
        plasma = run.output(f"plasma:venous:{molecule}", rows)
        # The venous site of ketamine's molecules lags, so that even a bolus peaks later than it is given.
        assert plasma.max() > 10 * max(plasma[-1], 0)
        assert plasma.argmax() < 60
        unbound = run.output(f"unbound:{molecule}", rows)
        assert unbound.max() > 0


@pytest.mark.parametrize("species", ANIMALS)
def test_what_is_lost_of_a_metabolite_given_is_never_absorbed(species: str) -> None:
    lost = BODIES[species].names.index("R_unabsorbed")
    by_route = {"ip": fact("given_norketamine_share").value, "sc": SUBCUTANEOUS, "iv": 1.0}
    for route, absorbed in by_route.items():
        start = entered(species, "r-norketamine", route)
        assert start[lost] == pytest.approx(10 * (1 - absorbed), abs=1e-9)
    assert entered(species, "hydroxynorketamine", "sc")[lost] == pytest.approx(
        10 * (1 - SUBCUTANEOUS)
    )


def test_norketamine_given_becomes_the_hydroxynorketamine_of_its_hand_and_no_ketamine() -> None:
    run, times = BODIES["rat"], np.linspace(0, 6, 121)
    rows = run.amounts(entered("rat", "r-norketamine", "ip"), times)

    def peak(molecule: str) -> float:
        return float(run.output(f"plasma:venous:{molecule}", rows).max())

    assert peak("R-hydroxynorketamine") > 0.01 * peak("R-norketamine")
    assert peak("R-ketamine") == peak("S-norketamine") == peak("S-hydroxynorketamine") == 0


def test_people_are_given_no_metabolites_and_their_body_has_no_depots_for_them() -> None:
    human = body()
    assert human.states[: len(ketamine().states)] == ketamine().states
    assert not any("norketamine" in entry.molecule for entry in human.entries)
    assert "given_norketamine_share" not in human.facts()


@pytest.mark.parametrize("species", ANIMALS)
def test_memantine_is_still_there_six_hours_after_a_dose(species: str) -> None:
    times = np.linspace(0, 6, 121)
    course = BODIES[species].course("unbound:memantine", 10, "ip", "memantine", times)
    assert course[-1] > 0.2 * course.max()


def test_a_smaller_animal_clears_naltrexone_faster_as_the_exponents_of_ketamine_say() -> None:
    times = np.linspace(0, 400, 40001)
    areas = {}
    for species, weight in ANIMALS.items():
        run = BODIES[species]
        plasma = run.course("plasma:venous:naltrexone", weight, "iv", "naltrexone", times)
        areas[species] = np.trapezoid(plasma, times)
    ratio = (ANIMALS["rat"] / ANIMALS["mouse"]) ** (1 - fact("allometry_flow").value)
    assert areas["rat"] / areas["mouse"] == pytest.approx(ratio, rel=2e-3)


@pytest.mark.parametrize("species", ANIMALS)
def test_unbound_mk_801_is_a_part_of_what_the_brain_holds(species: str) -> None:
    run, times = BODIES[species], np.linspace(0, 4, 41)
    tissue, unbound = (
        run.course(name, 1, "sc", "mk-801", times)
        for name in ("brain:tissue:mk-801", "unbound:mk-801")
    )
    mass = fact("mk801_molar_mass").value
    assert unbound == pytest.approx(fact("mk801_brain_unbound").value * tissue / mass)
