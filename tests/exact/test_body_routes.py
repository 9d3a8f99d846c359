"""Every route of ketamine in people against closed forms with the published (or assumed) numbers, written by hand.

What enters where: shares by device, dose and holding time; how it gets on: rates of the depots. Minutes here.
"""

from __future__ import annotations

import math
import runpy
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ketalab.laboratory import body_model
from ketalab.protocol import ROUTES as ALL

Array = NDArray[np.float64]
by_hand = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("_published_body.py"))))
ANALYTES = tuple(by_hand.MASS)
stage, SWALLOWED = by_hand.stage, by_hand.SWALLOWED
HOURS = (0.05, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 24.0)
#: 1/min: muscle, subcutis, nose, rectum, tablet.
IM, SC, NOSE, RECTUM, TABLET = 5 / 60, 3 / 60, 2.93 / 60, 0.9 / 60, 0.12 / 60


@cache
def course_of(phrase: str, hours: tuple[float, ...] = HOURS) -> dict[str, Array]:
    made: dict[str, Array] = by_hand.simulate(phrase, hours)
    return made


def partly(share: float, direct: Any) -> dict[str, Any]:
    """A share by a way of its own, the rest swallowed."""
    return {"blood": share * direct, "gut": (1 - share) * SWALLOWED}


def through_the_mouth(share: float) -> dict[str, Any]:
    return partly(share, stage(1 / 6.5) @ stage(0.04))


def held(minutes: float) -> float:
    """Share that the mouth takes up: 0.16 of a dose held for long, 63% of that in ten minutes."""
    return 0.16 * -math.expm1(-minutes / 10)


def by_hand_spray(mg: float) -> float:
    """The odds of 30 mg are 1 to 4, and fall with the power 0.3 of the dose."""
    odds = 0.25 * (mg / 30) ** -0.3
    return odds / (1 + odds)


def inhaled(mg: float) -> dict[str, Any]:
    share = 0.7 / (1 + (mg / 125) ** 2)
    return {"blood": share * (0.5 * by_hand.AT_ONCE + 0.5 * stage(0.05))}


#: phrase with {drug}: (mg of base, minutes over which it is given, what arrives where)
ROUTES: dict[str, tuple[float, float, dict[str, Any]]] = {
    "35 mg {} im": (35, 0, {"blood": 0.93 * stage(IM)}),
    "35 mg {} im over 30 min": (35, 30, {"blood": 0.93 * stage(IM)}),
    "35 mg {} sc": (35, 0, {"blood": 0.92 * stage(SC)}),
    "28 mg {} nasal by device": (28, 0, partly(0.54, stage(NOSE))),
    "56 mg {} nasal by device": (56, 0, partly(0.54 * (1 + 0.62) / 2, stage(NOSE))),
    "84 mg {} nasal by device": (84, 0, partly(0.54 * (1 + 2 * 0.62) / 3, stage(NOSE))),
    "10 mg {} nasal": (10, 0, partly(by_hand_spray(10), stage(NOSE))),
    "30 mg {} nasal by spray": (30, 0, partly(0.2, stage(NOSE))),
    "90 mg {} nasal by atomiser": (90, 0, partly(by_hand_spray(90), stage(NOSE))),
    "40 mg {} insufflated": (40, 0, partly(0.25, stage(NOSE))),
    "50 mg {} sublingual": (50, 0, through_the_mouth(held(10))),
    "50 mg {} sublingual held 3 min": (50, 0, through_the_mouth(held(3))),
    "50 mg {} buccal held 20 min": (50, 0, through_the_mouth(held(20))),
    "100 mg {} oral": (100, 0, {"gut": SWALLOWED}),
    "100 mg {} oral extended-release": (100, 0, {"gut": 0.9 * stage(TABLET) @ stage(1.5 / 60)}),
    "100 mg {} rectal": (100, 0, {"portal": 0.65 * stage(RECTUM)}),
    "25 mg {} inhaled": (25, 0, inhaled(25)),
    "100 mg {} inhaled over 20 min": (100, 20, inhaled(100)),
}


@pytest.mark.parametrize("hand", "SR")
@pytest.mark.parametrize("phrase", ROUTES)
def test_each_route_is_its_closed_form(phrase: str, hand: str) -> None:
    mg, minutes, arriving = ROUTES[phrase]
    drug = "esketamine" if hand == "S" else "arketamine"
    made = course_of(phrase.format(drug))
    for analyte, signal in by_hand.courses(hand, by_hand.Body(), **arriving).items():
        moles = np.array([signal.at(60 * h, minutes) for h in HOURS])
        expected = 1000 * mg * by_hand.MASS[analyte] / by_hand.MASS["ketamine"] * moles
        name = f"plasma:arterial:{hand}-{analyte}"
        np.testing.assert_allclose(made[name], expected, rtol=1e-8, atol=1e-9, err_msg=name)


def test_every_route_of_people_is_among_them() -> None:
    (layer,) = body_model().joined.layers
    routes = {e.route for e in layer.entries if e.molecule == "S-ketamine"} - {"iv"}
    assert routes == {r for r in ALL if any(r in phrase.split("{}")[1] for phrase in ROUTES)}


def test_a_dose_into_muscle_is_the_closed_form_of_bateman() -> None:
    """One compartment instead of three, by leaving out what goes back and forth."""
    alone = {"q2": 0.0, "q3": 0.0}
    made = by_hand.simulate("35 mg esketamine im", HOURS, parameters=alone)
    k = by_hand.CL / by_hand.V1
    minutes = 60 * np.array(HOURS)
    bateman = IM / (IM - k) * (np.exp(-k * minutes) - np.exp(-IM * minutes)) / by_hand.V1
    expected = 35_000 * 0.93 * bateman
    np.testing.assert_allclose(made["plasma:arterial:S-ketamine"], expected, rtol=1e-8, atol=1e-9)


def test_the_two_paths_from_the_lung_are_told_apart() -> None:
    arriving = 0.7 / (1 + (25 / 125) ** 2) * (0.3 * by_hand.AT_ONCE + 0.7 * stage(0.05))
    made = by_hand.simulate("25 mg esketamine inhaled", HOURS, parameters={"lung_fast": 0.3})
    signal = by_hand.courses("S", by_hand.Body(), blood=arriving)["ketamine"]
    expected = [25_000 * signal.at(60 * h) for h in HOURS]
    np.testing.assert_allclose(made["plasma:arterial:S-ketamine"], expected, rtol=1e-8)


# --- rats and mice --------------------------------------------------------------------------------

#: Route: what arrives where. Share of a peritoneal dose that passes no liver, and gut wall: those of rodents.
IP, IP_SYSTEMIC, RODENT_ESCAPE, WASHED = 8 / 60, 0.66, 0.5, math.log(2) / 20
RODENT_ROUTES = {
    "iv bolus": {"blood": by_hand.AT_ONCE},
    "im": {"blood": 0.93 * stage(IM)},
    "sc": {"blood": 0.92 * stage(SC)},
    "ip": {"blood": IP_SYSTEMIC * stage(IP), "portal": (1 - IP_SYSTEMIC) * stage(IP)},
    "icv": {"blood": stage(WASHED)},
    "local": {"blood": stage(WASHED)},
    "oral": {"gut": SWALLOWED},
}


@pytest.mark.parametrize(("species", "weight"), [("rat", 0.3), ("mouse", 0.025)])
@pytest.mark.parametrize("route", RODENT_ROUTES)
def test_each_route_of_a_rodent_is_that_of_a_small_person_with_a_gut_of_its_own(
    route: str, species: str, weight: float
) -> None:
    hours = tuple(h / 4 for h in HOURS)
    made = by_hand.simulate(
        f"10 mg/kg esketamine {route}", hours, species=species, weight_kg=weight
    )
    body = by_hand.Body(weight=weight, gut_escape=RODENT_ESCAPE)
    for analyte, signal in by_hand.courses("S", body, **RODENT_ROUTES[route]).items():
        moles = np.array([signal.at(60 * h) for h in hours])
        expected = 1e4 * weight * by_hand.MASS[analyte] / by_hand.MASS["ketamine"] * moles
        name = f"plasma:arterial:S-{analyte}"
        np.testing.assert_allclose(made[name], expected, rtol=1e-8, atol=1e-7, err_msg=name)


@pytest.mark.parametrize(
    ("route", "arriving"),
    [
        ("iv bolus", by_hand.AT_ONCE),
        ("ip", 0.5 * stage(IP)),
        ("oral", 0.5 * stage(IP)),
    ],
)
def test_hydroxynorketamine_that_is_given_goes_its_own_way(route: str, arriving: Any) -> None:
    hours, flow, volume = tuple(h / 4 for h in HOURS), (0.025 / 70) ** 0.75, 0.025 / 70
    made = by_hand.simulate(
        f"10 mg/kg hydroxynorketamine {route}", hours, species="mouse", weight_kg=0.025
    )
    c = arriving @ by_hand.disposition(
        by_hand.CLH * flow, by_hand.VH1 * volume, (by_hand.QH * flow, by_hand.VH2 * volume)
    )
    expected = [250 * c.at(60 * h) for h in hours]
    name = "plasma:arterial:R-hydroxynorketamine"
    np.testing.assert_allclose(made[name], expected, rtol=1e-8, atol=1e-7)
    assert not made["plasma:arterial:S-hydroxynorketamine"].any()
    assert not made["plasma:arterial:ketamine"].any()


# --- bioavailability ------------------------------------------------------------------------------

FLOW, CL = 151 / 60, 1.48  # L/min
EXTRACTION = CL / FLOW
#: Bioavailability of what is swallowed.
FIRST_PASS = 0.44 * (1 - EXTRACTION)
BIOAVAILABILITY = [
    ("oral", FIRST_PASS),
    ("im", 0.93),
    ("sc", 0.92),
    ("rectal", 0.65 * (1 - EXTRACTION)),
    ("oral extended-release", 0.9 * FIRST_PASS),
    ("sublingual", held(10) + (1 - held(10)) * FIRST_PASS),
    ("sublingual held 2 min", held(2) + (1 - held(2)) * FIRST_PASS),
    ("nasal by device", 0.4374 + (1 - 0.4374) * FIRST_PASS),
    ("nasal by spray", by_hand_spray(56) + (1 - by_hand_spray(56)) * FIRST_PASS),
    ("insufflated", 0.25 + 0.75 * FIRST_PASS),
    ("inhaled", 0.7 / (1 + (56 / 125) ** 2)),
]


def areas(phrase: str, **about: Any) -> float:
    made: float = by_hand.area(phrase, "plasma:arterial:S-ketamine", **about)
    return made


@pytest.mark.parametrize(("route", "expected"), BIOAVAILABILITY)
def test_bioavailability_is_the_direct_share_and_what_passes_gut_and_liver_of_the_rest(
    route: str, expected: float
) -> None:
    ratio = areas(f"56 mg esketamine {route}") / areas("56 mg esketamine iv bolus")
    assert ratio == pytest.approx(expected, rel=1e-6)


def test_the_numbers_of_the_sources_come_out() -> None:
    """Perez-Ruixo 2021: 54% of 28 mg through the nose; 18.6% of what is swallowed reaches the blood (abstract)."""
    assert pytest.approx(0.186, abs=0.01) == FIRST_PASS
    assert held(10) + (1 - held(10)) * FIRST_PASS == pytest.approx(0.263, abs=0.01)  # Simons 2022


def fall(route: str, doses: Sequence[float]) -> list[float]:
    """Area over the dose, over that of the first dose."""
    each = [areas(f"{mg} mg esketamine {route}") / mg for mg in doses]
    return [a / each[0] for a in each]


@pytest.mark.parametrize("route", ["iv bolus", "im", "oral", "rectal", "sublingual", "insufflated"])
def test_these_routes_are_in_proportion_to_the_dose(route: str) -> None:
    assert fall(route, (5, 50)) == pytest.approx([1, 1], rel=1e-9)


@pytest.mark.parametrize("route", ["nasal by device", "nasal by spray", "inhaled"])
def test_these_routes_give_less_than_in_proportion_to_the_dose(route: str) -> None:
    first, second, third = fall(route, (28, 56, 84))
    assert first > second > third


def test_half_of_a_spray_is_absorbed_as_well_as_all_of_it_and_drops_of_less_than_a_milligram_too() -> (
    None
):
    assert fall("nasal by device", (14, 28)) == pytest.approx([1, 1], rel=1e-9)
    assert fall("nasal by spray", (0.2, 1)) == pytest.approx([1, 1], rel=1e-9)


def test_half_of_the_inhaled_share_is_left_at_125_mg() -> None:
    tiny, half = fall("inhaled", (1e-3, 125))
    assert half / tiny == pytest.approx(0.5, rel=1e-6)


def test_a_dose_is_what_a_person_gets_whether_told_by_weight_or_not() -> None:
    by_weight = course_of("0.8 mg/kg esketamine nasal by device")
    plain = course_of("56 mg esketamine nasal by device")
    salt = course_of(f"{56 * 274.2 / 237.725!r} mg esketamine hydrochloride nasal by device")
    for name, values in plain.items():
        np.testing.assert_allclose(by_weight[name], values, rtol=1e-12)
        np.testing.assert_allclose(salt[name], values, rtol=1e-12)


# --- what a study moves ---------------------------------------------------------------------------

MOVED = [
    ("study:F:oral", "oral"),
    ("study:F:nasal", "nasal by spray"),
    ("study:F:nasal", "insufflated"),
    ("study:F:device", "nasal by device"),
    ("study:F:other", "im"),
    ("study:F:other", "sc"),
    ("study:F:other", "rectal"),
    ("study:F:other", "sublingual"),
    ("study:F:other", "inhaled"),
    ("study:F:other", "oral extended-release"),
]


def direct(route: str, **about: Any) -> float:
    """Area of what is absorbed as such: with a gut wall that lets nothing pass, but where it is what is moved."""
    own = {} if route.startswith("oral") else {"parameters": {"gut_escape": 1e-9}}
    return areas(f"56 mg esketamine {route}", **own, **about)


@pytest.mark.parametrize(("setting", "route"), MOVED)
def test_a_setting_moves_absorption_by_its_logarithm_where_it_is_small(
    setting: str, route: str
) -> None:
    usual = direct(route)
    for effect in (-1e-4, 1e-4):
        moved = direct(route, settings={setting: effect})
        assert math.log(moved / usual) == pytest.approx(effect, rel=1e-2)


@pytest.mark.parametrize("effect", [-1.5, 1.5])
@pytest.mark.parametrize(("setting", "route"), MOVED)
def test_a_great_effect_of_a_setting_never_absorbs_more_than_the_dose(
    setting: str, route: str, effect: float
) -> None:
    moved, usual = direct(route, settings={setting: effect}), direct(route)
    assert (moved - usual) * effect > 0
    assert moved < areas("56 mg esketamine iv bolus")


@pytest.mark.parametrize(("setting", "route"), MOVED)
def test_a_setting_moves_its_own_route_alone(setting: str, route: str) -> None:
    for other, elsewhere in MOVED:
        if other != setting and {setting, elsewhere} != {"study:F:oral", "oral extended-release"}:
            assert direct(elsewhere, settings={setting: 0.5}) == pytest.approx(
                direct(elsewhere), rel=1e-6
            )
