"""What a person's size, age, genotype and enzymes do in the body, from areas under the curve in closed form.

After one dose x0 of a linear system x' = A x the amounts integrate to -A^-1 x0, once the states that nothing leaves
are left out.
"""

from __future__ import annotations

import runpy
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ketalab.facts import fact
from ketalab.model import Layer
from ketalab.model.body import body, ketamine

Run = runpy.run_path(str(Path(__file__).with_name("_linear_body.py")))["Run"]
ARTERIAL, NORKETAMINE = "plasma:arterial:{}-ketamine", "plasma:arterial:{}-norketamine"
LIVER = ("enzyme:liver:CYP3A4", "enzyme:liver:CYP2B6", "enzyme:liver:other")
GUT = ("enzyme:gut:CYP3A4", "enzyme:gut:other")
ADULT = {"weight": 70.0, "age": 40.0, "child": 0.0, "cyp2b6_star6": 0.0}


@cache
def layer(species: str = "human") -> Layer:
    return ketamine(species)


def area(
    output: str = ARTERIAL,
    route: str = "iv",
    *,
    species: str = "human",
    molecule: str = "S-ketamine",
    **own: float,
) -> float:
    """Area under the curve after one micromole."""
    run = Run(layer(species), **{**ADULT, **own})
    left = np.diag(run.matrix) != 0
    start = run.entering(route, molecule)
    amounts = np.zeros(len(run.names))
    amounts[left] = np.linalg.solve(run.matrix[np.ix_(left, left)], -start[left])
    return float(run.output(output.format(molecule[0]), amounts[None])[0])


@pytest.mark.parametrize(
    ("molecule", "ratio"), [("S-ketamine", None), ("R-ketamine", "cl_ratio_r_s")]
)
def test_the_area_of_the_reference_person_is_dose_over_the_published_clearance(
    molecule: str, ratio: str | None
) -> None:
    clearance = fact("ketamine_cl_s").to("L/h")
    if ratio is not None:
        clearance *= fact(f"ketamine_{ratio}").value
    expected = fact("ketamine_molar_mass").value / clearance
    assert area(molecule=molecule) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("child", [0.0, 1.0])
@pytest.mark.parametrize("output", [ARTERIAL, NORKETAMINE])
@settings(max_examples=6)
@given(weight=st.floats(5, 150), times=st.floats(1.1, 4))
def test_clearance_grows_with_weight_to_the_stated_power(
    output: str, child: float, weight: float, times: float
) -> None:
    heavy, light = (area(output, weight=w, child=child) for w in (times * weight, weight))
    assert light / heavy == pytest.approx(times ** fact("allometry_flow").value, rel=1e-9)


@pytest.mark.parametrize("species", ["human", "rat", "mouse"])
def test_volumes_grow_with_weight_to_the_stated_power(species: str) -> None:
    def initial(weight: float) -> float:
        run = Run(layer(species), **{**ADULT, "weight": weight})
        start = run.entering("iv", "S-ketamine")
        return float(run.output(ARTERIAL.format("S"), start[None])[0])

    ratio = 3 ** fact("allometry_volume").value
    assert initial(0.02) / initial(0.06) == pytest.approx(ratio, rel=1e-9)


def test_an_animal_is_a_person_scaled_but_for_what_is_its_own() -> None:
    assert area(species="mouse", weight=0.025) == pytest.approx(area(weight=0.025), rel=1e-12)
    gut = {"gut_escape": fact("gut_escape").value}
    own = area(route="oral", species="rat", weight=0.3)
    assert own != pytest.approx(area(route="oral", weight=0.3), rel=1e-3)
    scaled = area(route="oral", species="rat", weight=0.3, **gut)
    assert scaled == pytest.approx(area(route="oral", weight=0.3), rel=1e-12)


# --- age ------------------------------------------------------------------------------------------


@settings(max_examples=10)
@given(young=st.floats(18, 60), old=st.floats(61, 99))
def test_clearance_falls_above_sixty_and_not_before(young: float, old: float) -> None:
    assert area(age=young) == area(age=18.0)
    assert area(age=old) > area(age=young)
    assert area(age=old + 1) > area(age=old)


def test_blood_flow_of_the_liver_is_lost_at_the_stated_rate() -> None:
    flow, lost = fact("liver_flow").to("L/h"), fact("liver_flow_lost_with_age").to("L/h/year")
    years = 80 - fact("liver_flow_lost_from_age").value
    more = fact("ketamine_molar_mass").value * (1 / (flow - years * lost) - 1 / flow)
    assert area(age=80.0) - area(age=30.0) == pytest.approx(more, rel=1e-9)


def test_a_swallowed_dose_gives_the_same_area_whatever_the_flow() -> None:
    assert area(route="oral", age=80.0) == pytest.approx(area(route="oral", age=30.0), rel=1e-9)


def test_a_child_clears_as_the_two_published_models_say() -> None:
    for herd, clearance in ((1.0, "child_herd_cl"), (0.0, "child_hornik_cl")):
        own = {"child": 1.0, "age": 8.0, "herd": herd}
        rates = [
            fact("ketamine_molar_mass").value / area(molecule=f"{e}-ketamine", **own) for e in "SR"
        ]
        # The published model is of the racemate: the mean of the two enantiomers.
        assert np.mean(rates) == pytest.approx(fact(clearance).to("L/h"), rel=1e-9)


# --- genotype, sex, enzymes -----------------------------------------------------------------------


@pytest.mark.parametrize("route", ["iv", "oral"])
@pytest.mark.parametrize("child", [0.0, 1.0])
def test_each_star6_allele_slows_clearance(route: str, child: float) -> None:
    areas = [area(route=route, child=child, cyp2b6_star6=float(n)) for n in range(3)]
    assert areas[0] < areas[1] < areas[2]


def test_sex_does_nothing_to_ketamine() -> None:
    assert "female" not in {covariate.name for covariate in ketamine().covariates}


@settings(max_examples=20)
@given(port=st.sampled_from(LIVER + GUT), high=st.floats(0.1, 5), low=st.floats(0.02, 4.9))
def test_a_weaker_enzyme_raises_exposure_and_that_of_a_swallowed_dose_more(
    port: str, high: float, low: float
) -> None:
    assume(low < 0.98 * high)
    oral, iv = (
        area(route=route, **{port: low}) / area(route=route, **{port: high})
        for route in ("oral", "iv")
    )
    assert oral > iv
    if port in GUT:
        assert iv == 1
    else:
        assert iv > 1


def test_without_enzymes_of_the_gut_all_that_is_swallowed_reaches_the_liver() -> None:
    none = dict.fromkeys(GUT, 1e-9)
    escaped = area(route="oral", **none) / area(route="iv", **none)
    taken = area(route="iv") / fact("ketamine_molar_mass").value
    extraction = 1 / (fact("liver_flow").to("L/h") * taken)
    assert escaped == pytest.approx(1 - extraction, rel=1e-6)


@pytest.mark.parametrize("species", ["rat", "mouse"])
def test_every_route_of_an_animal_gives_some_of_the_dose_and_never_more_than_all(
    species: str,
) -> None:
    routes = {e.route for e in body(species).entries if e.molecule == "S-ketamine"}
    assert {"iv", "ip", "icv", "local", "sc", "im", "oral"} == routes
    whole = area(species=species, weight=0.2)
    for route in routes:
        assert 0.1 < area(route=route, species=species, weight=0.2) / whole <= 1 + 1e-9
