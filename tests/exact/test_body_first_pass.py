"""Gut wall and liver against the well-stirred formula with published numbers: enzymes, age, genotype, children.

``CL = Q CLint / (Q + CLint)``, ``E = CL / Q``; of what is swallowed ``Fg (1 - E)`` reaches the blood, where the odds of
loss in the gut wall go with its enzymes. So the area by mouth goes with ``Fg / CLint``, and the intravenous one with
``1 / CL``.
"""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ketalab.people import Population
from ketalab.protocol import Intervention

Array = NDArray[np.float64]
by_hand = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("_published_body.py"))))
Body = by_hand.Body
HOURS = (0.1, 0.5, 1.0, 2.0, 4.0, 8.0, 24.0)
IV, ORAL = "40 mg {} iv bolus", "40 mg {} oral"
#: L/min
FLOW, CL = 151 / 60, {"S": 1.48, "R": 1.48 * 0.86}
DRUGS = {"S": "esketamine", "R": "arketamine"}
#: Odds of loss in the gut wall.
GUT_ODDS = {"S": 1 / 0.44 - 1, "R": (1 / 0.44 - 1) * 0.86}


def area(phrase: str, hand: str = "S", **about: Any) -> float:
    name = f"plasma:arterial:{hand}-ketamine"
    made: float = by_hand.area(phrase.format(DRUGS[hand]), name, **about)
    return made


def intrinsic(hand: str) -> float:
    return CL[hand] / (1 - CL[hand] / FLOW)


def well_stirred(flow: float, clint: float) -> float:
    return flow * clint / (flow + clint)


def on(target: str, factor: float) -> Intervention:
    return Intervention(target, factor, "systemic", -np.inf, np.inf)


#: Enzyme changed: (target, its share of the gut wall, its share of the liver).
ENZYMES = [
    ("CYP3A4:gut", 0.9, 0.0),
    ("other:gut", 0.1, 0.0),
    ("CYP3A4:liver", 0.0, 0.25),
    ("CYP2B6:liver", 0.0, 0.45),
    ("other:liver", 0.0, 0.3),
]


@pytest.mark.parametrize("hand", "SR")
@pytest.mark.parametrize("factor", [0.0, 0.3, 3.0])
@pytest.mark.parametrize(("target", "of_gut", "of_liver"), ENZYMES)
def test_an_enzyme_moves_the_areas_by_the_well_stirred_formula(
    target: str, of_gut: float, of_liver: float, factor: float, hand: str
) -> None:
    changed = (on(target, factor),)
    gut, liver = 1 + of_gut * (factor - 1), 1 + of_liver * (factor - 1)
    clint = intrinsic(hand)
    iv = area(IV, hand, interventions=changed) / area(IV, hand)
    assert iv == pytest.approx(CL[hand] / well_stirred(FLOW, clint * liver), rel=1e-6)
    oral = area(ORAL, hand, interventions=changed) / area(ORAL, hand)
    escape = (1 + GUT_ODDS[hand]) / (1 + GUT_ODDS[hand] * gut)
    assert oral == pytest.approx(escape / liver, rel=1e-6)


@pytest.mark.parametrize("hand", "SR")
@pytest.mark.parametrize(
    ("liver", "gut"),
    [({"CYP3A4": 0.32}, 0.25), ({"CYP2B6": 0.15}, 1.0), ({"CYP3A4": 4.5, "CYP2B6": 2.5}, 9.0)],
    ids=["clarithromycin", "ticlopidine", "rifampicin"],
)
def test_with_enzymes_changed_every_metabolite_is_still_its_closed_form(
    liver: dict[str, float], gut: float, hand: str
) -> None:
    changed = tuple(on(f"{name}:liver", factor) for name, factor in liver.items())
    changed += (on("CYP3A4:gut", gut),)
    made = by_hand.simulate(ORAL.format(DRUGS[hand]), HOURS, interventions=changed)
    expected = by_hand.courses(hand, Body(liver=liver, gut=gut), gut=by_hand.SWALLOWED)
    check(made, expected, hand, 40.0)


def check(
    made: dict[str, Array], expected: dict[str, Any], hand: str, mg: float, minutes: float = 0.0
) -> None:
    for analyte, signal in expected.items():
        moles = np.array([signal.at(60 * h, minutes) for h in HOURS])
        grams = 1000 * mg * by_hand.MASS[analyte] / by_hand.MASS["ketamine"]
        name = f"plasma:arterial:{hand}-{analyte}"
        np.testing.assert_allclose(made[name], grams * moles, rtol=1e-8, atol=1e-9, err_msg=name)


@pytest.mark.parametrize(
    ("tablets", "gut", "liver"),
    [
        # CYP3A4 left in the gut after an hour, in the liver after a day.
        ("500 mg clarithromycin oral twice daily x 60", 0.25, 1 + 0.25 * (0.32 - 1)),
        ("250 mg ticlopidine oral twice daily x 60", 1.0, 1 + 0.45 * (0.15 - 1)),
        ("600 mg rifampicin oral once daily x 30", 9.0, 1 + 0.25 * (4.5 - 1) + 0.45 * (2.5 - 1)),
    ],
)
def test_what_an_inhibitor_or_inducer_does_is_the_formula_with_its_numbers(
    tablets: str, gut: float, liver: float
) -> None:
    start = 120.0
    phrase = f"{tablets}; 40 mg esketamine {{}} at {start:g} h"
    ratios = {}
    for route in ("oral", "iv bolus"):
        together = by_hand.area(phrase.format(route), "plasma:arterial:S-ketamine", start)
        ratios[route] = together / area(f"40 mg {{}} {route}")
    odds = GUT_ODDS["S"]
    escape = (1 + odds) / (1 + odds * (1 + 0.9 * (gut - 1)))
    assert ratios["oral"] == pytest.approx(escape / liver, rel=1e-6)
    iv = CL["S"] / well_stirred(FLOW, intrinsic("S") * liver)
    assert ratios["iv bolus"] == pytest.approx(iv, rel=1e-6)


def test_shares_of_enzymes_that_were_drawn_to_more_than_one_are_scaled_down() -> None:
    """So that with both enzymes gone there is no clearance, instead of drug out of nothing."""
    own = {"liver_cyp2b6": 0.9, "liver_cyp3a4": 0.6}
    assert area(IV, parameters=own) == pytest.approx(area(IV), rel=1e-9)
    half = area(IV, parameters=own, interventions=(on("CYP2B6:liver", 0.5),))
    cl = well_stirred(FLOW, intrinsic("S") * (1 - 0.5 * 0.9 / 1.5))
    assert half / area(IV) == pytest.approx(CL["S"] / cl, rel=1e-6)
    none = (on("CYP2B6:liver", 0.0), on("CYP3A4:liver", 0.0))
    made = by_hand.simulate(
        IV.format("esketamine"), (0.1, 500.0), parameters=own, interventions=none
    )
    # Nothing is left to eliminate it: three compartments in balance.
    balance = 40_000 / (11.6 + 39.0 + 174.0)
    assert made["plasma:arterial:S-ketamine"][-1] == pytest.approx(balance, rel=1e-9)


def test_shares_of_metabolites_that_were_drawn_to_more_than_one_are_scaled_down() -> None:
    own = {"R_to_hydroxy": 0.9, "R_to_dehydro": 0.3}
    hydroxy, dehydro, nor = (
        by_hand.area(IV.format("arketamine"), f"plasma:arterial:R-{a}", parameters=own)
        / by_hand.MASS[a]
        for a in ("hydroxynorketamine", "dehydronorketamine", "norketamine")
    )
    cln = 1.0 * 0.6
    assert hydroxy / nor == pytest.approx(0.75 * cln / 0.933, rel=1e-6)
    assert dehydro / nor == pytest.approx(0.25 * cln / 0.6, rel=1e-6)


# --- age and genotype -----------------------------------------------------------------------------


@pytest.mark.parametrize("hand", "SR")
@pytest.mark.parametrize("age", [30.0, 60.0, 75.0, 90.0])
def test_above_sixty_the_flow_of_the_liver_falls_and_with_it_clearance(
    age: float, hand: str
) -> None:
    flow = FLOW - 2.19 / 60 * max(age - 60, 0)
    ratio = area(IV, hand, age=age) / area(IV, hand)
    assert ratio == pytest.approx(CL[hand] / well_stirred(flow, intrinsic(hand)), rel=1e-6)
    assert area(ORAL, hand, age=age) == pytest.approx(area(ORAL, hand), rel=1e-6)
    made = by_hand.simulate(ORAL.format(DRUGS[hand]), HOURS, age=age)
    check(made, by_hand.courses(hand, Body(age=age), gut=by_hand.SWALLOWED), hand, 40.0)


@pytest.mark.parametrize("hand", "SR")
@pytest.mark.parametrize(("alleles", "count"), [("*1/*1", 0), ("*1/*6", 1), ("*6/*6", 2)])
def test_each_star6_allele_leaves_three_quarters_of_cyp2b6(
    alleles: str, count: int, hand: str
) -> None:
    genes = {"cyp2b6": alleles}
    liver = 1 - 0.45 * (1 - 0.75**count)
    iv = area(IV, hand, genotype=genes) / area(IV, hand)
    assert iv == pytest.approx(CL[hand] / well_stirred(FLOW, intrinsic(hand) * liver), rel=1e-6)
    made = by_hand.simulate(ORAL.format(DRUGS[hand]), HOURS, genotype=genes)
    check(made, by_hand.courses(hand, Body(star6=count), gut=by_hand.SWALLOWED), hand, 40.0)


# --- the rectum -----------------------------------------------------------------------------------


def test_a_rectal_dose_passes_the_liver_and_no_gut_wall() -> None:
    rectal, iv = "40 mg {} rectal", area(IV)
    assert area(rectal) / iv == pytest.approx(0.65 * (1 - CL["S"] / FLOW), rel=1e-6)
    blocked = (on("CYP3A4:gut", 0.0), on("other:gut", 0.0))
    assert area(rectal, interventions=blocked) == pytest.approx(area(rectal), rel=1e-12)
    # All that was absorbed is taken by the liver in the end, in its first passage or later.
    nor = [
        by_hand.area(f"40 mg esketamine {route}", "plasma:arterial:S-norketamine")
        for route in ("rectal", "iv bolus")
    ]
    assert nor[0] / nor[1] == pytest.approx(0.65, rel=1e-6)


# --- children -------------------------------------------------------------------------------------

#: At 70 kg, L and L/h: (V1, V2, Q, CL of the racemate). Herd 2007, Hornik 2018.
CHILDREN = {"herd": (38.7, 102.0, 215.0, 90.0), "hornik": (32.8, 152.0, 54.9, 38.9)}


def child_body(weight: float, *models: str) -> Any:
    """One of the published models, or their mean; S gets a clearance such that the mean of both hands is the one."""
    v1, v2, q, cl = np.mean([CHILDREN[model] for model in models], axis=0)
    return Body(weight=weight, ketamine=(v1, ((q / 60, v2),), cl / 60 / ((1 + 0.86) / 2)))


@pytest.mark.parametrize("hand", "SR")
@pytest.mark.parametrize(
    ("herd", "models"), [(1.0, ["herd"]), (0.0, ["hornik"]), (0.5, ["herd", "hornik"])]
)
@pytest.mark.parametrize("weight", [12.0, 35.0])
def test_a_child_has_two_compartments_of_one_published_model_or_the_middle_of_both(
    weight: float, herd: float, models: list[str], hand: str
) -> None:
    made = by_hand.simulate(
        f"1 mg/kg {DRUGS[hand]} iv over 10 min",
        HOURS,
        age=6.0,
        weight_kg=weight,
        parameters={"herd": herd},
    )
    expected = by_hand.courses(hand, child_body(weight, *models), blood=by_hand.AT_ONCE)
    check(made, expected, hand, weight, 10.0)
    # A venous sample of a child is taken for an arterial one, as in the published models.
    for analyte in by_hand.MASS:
        venous, arterial = (made[f"plasma:{s}:{hand}-{analyte}"] for s in ("venous", "arterial"))
        np.testing.assert_allclose(venous, arterial, rtol=1e-12)


def test_the_typical_child_is_in_the_middle_and_every_drawn_one_has_one_of_the_two_models() -> None:
    drawn = by_hand.draw_parameters(Population(age=8.0), 400)["herd"]
    assert set(drawn) == {0.0, 1.0}
    assert drawn.mean() == pytest.approx(0.5, abs=0.1)
    made = by_hand.simulate("1 mg/kg esketamine iv bolus", HOURS, age=6.0, weight_kg=20.0)
    middle = by_hand.courses("S", child_body(20.0, "herd", "hornik"), blood=by_hand.AT_ONCE)
    check(made, middle, "S", 20.0)
