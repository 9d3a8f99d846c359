"""The body after intravenous doses against closed forms written from the structure of the papers, never from the code.

Simons et al. 2022 (doi:10.3389/fpain.2022.946486): three compartments with elimination from the central one, a chain of
two delay compartments emptied at 2/MTT, two compartments each of norketamine and hydroxynorketamine. Litres and minutes
here, as printed there; the constants are those published, not those of the posterior.
"""

from __future__ import annotations

import math
import runpy
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad

from ketalab.laboratory import exposure

Array = NDArray[np.float64]
by_hand = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("_published_body.py"))))
MASS = by_hand.MASS
ANALYTES = tuple(MASS)
HOURS = (1 / 120, 0.05, 0.2, 1 / 3, 2 / 3, 0.7, 1.0, 1.5, 3.0, 6.0, 12.0, 24.0, 48.0)
#: (phrase, mg of S, mg of R, minutes)
GIVEN = [
    ("20 mg esketamine iv bolus", 20.0, 0.0, 0.0),
    ("20 mg esketamine iv over 20 min", 20.0, 0.0, 20.0),
    ("0.5 mg/kg ketamine iv over 40 min", 17.5, 17.5, 40.0),
    ("30 mg arketamine iv over 30 min", 0.0, 30.0, 30.0),
]


@cache
def course_of(phrase: str, hours: tuple[float, ...], weight: float = 70.0) -> dict[str, Array]:
    """The typical adult of a weight."""
    made: dict[str, Array] = by_hand.simulate(phrase, hours, weight_kg=weight)
    return made


@cache
def arterial(hand: str, weight: float = 70.0) -> dict[str, Any]:
    made: dict[str, Any] = by_hand.courses(hand, by_hand.Body(weight=weight), blood=by_hand.AT_ONCE)
    return made


def expect(signal: Any, mg: float, analyte: str, hours: Sequence[float], minutes: float) -> Array:
    """ng/mL of an analyte after milligrams of ketamine: mg/L is 1000 ng/mL."""
    moles = np.array([signal.at(60 * h, minutes) for h in hours])
    return 1000 * mg * MASS[analyte] / MASS["ketamine"] * moles


# --- the chain ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("phrase", "s", "r", "minutes"), GIVEN)
@pytest.mark.parametrize("analyte", ANALYTES)
def test_arterial_plasma_is_a_sum_of_exponentials(
    analyte: str, phrase: str, s: float, r: float, minutes: float
) -> None:
    made = course_of(phrase, HOURS)
    for hand, mg in (("S", s), ("R", r)):
        expected = expect(arterial(hand)[analyte], mg, analyte, HOURS, minutes)
        name = f"plasma:arterial:{hand}-{analyte}"
        np.testing.assert_allclose(made[name], expected, rtol=1e-9, atol=1e-12)


def convolve(
    f: Callable[[float], float], g: Callable[[float], float], t: float, cut: float
) -> float:
    """Integral of f(s) g(t - s) from 0 to t; the integrand may bend at ``cut``."""
    edges = sorted({0.0, t, *(x for x in (cut, t - 40.0, t - 5.0) if 0 < x < t)})
    parts = (
        quad(lambda s: f(s) * g(t - s), low, high, epsabs=0, epsrel=1e-12, limit=200)[0]
        for low, high in pairwise(edges)
    )
    return math.fsum(parts)


def two_exponentials(cl: float, v1: float, q: float, v2: float) -> Callable[[float], float]:
    """Two compartments after a unit into the first, by the quadratic formula."""
    total, product = cl / v1 + q / v1 + q / v2, cl / v1 * q / v2
    fast = (total + math.sqrt(total**2 - 4 * product)) / 2
    slow, k21 = product / fast, q / v2
    return lambda t: (
        ((fast - k21) * math.exp(-fast * t) + (k21 - slow) * math.exp(-slow * t))
        / (fast - slow)
        / v1
    )


@pytest.mark.parametrize(("phrase", "s", "r", "minutes"), GIVEN)
def test_norketamine_is_what_was_made_convolved_with_two_delays_and_its_own_fall(
    phrase: str, s: float, r: float, minutes: float
) -> None:
    """The same by integrals, so that neither the algebra nor the digits of the sums are trusted alone."""
    hours, k = (0.1, 0.5, 2.0, 12.0), 2 / by_hand.MTT
    made = course_of(phrase, hours)
    for hand, mg in (("S", s), ("R", r)):
        parent = arterial(hand)["ketamine"]
        ratio, nor_ratio = (by_hand.R_CL, by_hand.R_CLN) if hand == "R" else (1, 1)
        own = two_exponentials(by_hand.CLN * nor_ratio, by_hand.VN1, by_hand.QN, by_hand.VN2)

        def delayed(t: float, own: Callable[[float], float] = own) -> float:
            return convolve(lambda u: k**2 * u * math.exp(-k * u), own, t, 0.0)

        moles = [convolve(lambda u: parent.at(u, minutes), delayed, 60 * h, minutes) for h in hours]  # noqa: B023
        share = by_hand.TO_NORKETAMINE * by_hand.CL * ratio
        expected = 1000 * mg * MASS["norketamine"] / MASS["ketamine"] * share * np.array(moles)
        name = f"plasma:arterial:{hand}-norketamine"
        np.testing.assert_allclose(made[name], expected, rtol=1e-8)


@pytest.mark.parametrize(
    ("analyte", "shares", "cl", "volumes"),
    [
        ("hydroxynorketamine", by_hand.TO_HYDROXY, by_hand.CLH, (4.4, 1.7, 87.5)),
        ("dehydronorketamine", by_hand.TO_DEHYDRO, by_hand.CLD, (20.0, 1e-12, 1.0)),
    ],
)
@pytest.mark.parametrize("hand", "SR")
def test_a_later_metabolite_is_its_share_of_what_norketamine_lost_convolved_with_its_own_fall(
    hand: str, analyte: str, shares: dict[str, float], cl: float, volumes: tuple[float, ...]
) -> None:
    hours = (0.2, 1.0, 4.0, 24.0)
    drug = "esketamine" if hand == "S" else "arketamine"
    made = course_of(f"20 mg {drug} iv over 20 min", hours)
    norketamine = arterial(hand)["norketamine"]
    lost = shares[hand] * by_hand.CLN * (by_hand.R_CLN if hand == "R" else 1)
    own = two_exponentials(cl, *volumes)
    moles = [convolve(lambda u: norketamine.at(u, 20.0), own, 60 * h, 20.0) for h in hours]
    expected = 20_000 * MASS[analyte] / MASS["ketamine"] * lost * np.array(moles)
    np.testing.assert_allclose(made[f"plasma:arterial:{hand}-{analyte}"], expected, rtol=1e-8)


def test_what_becomes_of_norketamine_is_in_proportion_to_the_shares_over_the_clearances() -> None:
    iv = "20 mg esketamine iv bolus"
    nor, hydroxy, dehydro = (
        by_hand.area(iv, f"plasma:arterial:S-{a}") / MASS[a]
        for a in ("norketamine", "hydroxynorketamine", "dehydronorketamine")
    )
    assert hydroxy / nor == pytest.approx(0.7 * 1.0 / 0.933, rel=1e-7)
    assert dehydro / nor == pytest.approx(0.06 * 1.0 / 0.6, rel=1e-7)


# --- where it is sampled --------------------------------------------------------------------------


@pytest.mark.parametrize(("phrase", "s", "r", "minutes"), GIVEN)
@pytest.mark.parametrize("analyte", ANALYTES)
def test_the_effect_site_follows_arterial_plasma_and_is_unbound(
    analyte: str, phrase: str, s: float, r: float, minutes: float
) -> None:
    hours = (0.05, 0.5, 2 / 3, 1.0, 3.0, 12.0)
    made = course_of(phrase, hours)
    lag = by_hand.stage(math.log(2) / by_hand.EFFECT_HALF_LIFE_MIN)
    unbound = by_hand.UNBOUND * by_hand.BRAIN * by_hand.BRAIN_OVER_KETAMINE[analyte]
    for hand, mg in (("S", s), ("R", r)):
        at_site = arterial(hand)[analyte] @ lag
        expected = unbound * expect(at_site, mg, analyte, hours, minutes)
        name = f"plasma:effect:{hand}-{analyte}"
        np.testing.assert_allclose(made[name], expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("phrase", "s", "r", "minutes"), GIVEN)
@pytest.mark.parametrize("analyte", ANALYTES)
def test_a_venous_sample_is_fast_flow_and_slow_tissue(
    analyte: str, phrase: str, s: float, r: float, minutes: float
) -> None:
    hours = (0.05, 0.5, 2 / 3, 1.0, 3.0, 12.0)
    made = course_of(phrase, hours)
    for hand, mg in (("S", s), ("R", r)):
        c = arterial(hand)[analyte]
        slow = c @ by_hand.stage(1 / by_hand.SLOW_MIN)
        venous = by_hand.FAST * c + (1 - by_hand.FAST) * slow
        expected = expect(venous, mg, analyte, hours, minutes)
        name = f"plasma:venous:{hand}-{analyte}"
        np.testing.assert_allclose(made[name], expected, rtol=1e-9, atol=1e-12)


# --- weight, hand, salt ---------------------------------------------------------------------------


@pytest.mark.parametrize("weight", [40.0, 70.0, 120.0])
@pytest.mark.parametrize("analyte", ANALYTES)
def test_flows_go_with_weight_to_three_quarters_and_volumes_with_weight(
    analyte: str, weight: float
) -> None:
    hours = (0.05, 2 / 3, 2.0, 12.0)
    made = course_of("20 mg esketamine iv over 40 min", hours, weight)
    expected = expect(arterial("S", weight)[analyte], 20.0, analyte, hours, 40.0)
    np.testing.assert_allclose(made[f"plasma:arterial:S-{analyte}"], expected, rtol=1e-9)


def test_r_ketamine_falls_more_slowly_by_its_clearance_ratio() -> None:
    s = course_of("30 mg esketamine iv over 30 min", HOURS)["plasma:arterial:S-ketamine"]
    r = course_of("30 mg arketamine iv over 30 min", HOURS)["plasma:arterial:R-ketamine"]
    assert np.all(r > s)
    for hand, values in (("S", s), ("R", r)):
        slowest = float(min(arterial(hand)["ketamine"].terms))
        fall = math.log(values[-2] / values[-1])
        assert fall == pytest.approx(slowest * 24 * 60, rel=1e-9)


def test_the_racemate_is_half_of_each_and_their_sum() -> None:
    racemate = course_of("40 mg ketamine iv over 30 min", HOURS)
    s = course_of("20 mg esketamine iv over 30 min", HOURS)
    r = course_of("20 mg arketamine iv over 30 min", HOURS)
    for name, values in racemate.items():
        np.testing.assert_allclose(values, s[name] + r[name], rtol=1e-12)
    assert not np.any(s["plasma:venous:R-ketamine"])
    assert not np.any(r["plasma:venous:S-norketamine"])


def test_a_milligram_of_hydrochloride_carries_less_base() -> None:
    base = course_of("20 mg esketamine iv over 30 min", HOURS)
    salt = course_of("20 mg esketamine hydrochloride iv over 30 min", HOURS)
    for name in ("plasma:arterial:ketamine", "plasma:venous:norketamine"):
        np.testing.assert_allclose(salt[name] / base[name], 237.725 / 274.2, rtol=1e-12)


# --- areas ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("site", ["arterial", "venous"])
def test_the_area_is_dose_over_clearance_at_either_site(site: str) -> None:
    first, rest = np.linspace(0, 2 / 3, 6), np.geomspace(2 / 3, 200, 40)
    times, weights = by_hand.gauss_panels(np.concatenate([first, rest[1:]]))
    made = course_of("0.5 mg/kg ketamine iv over 40 min", tuple(times))
    for hand, ratio in (("S", 1.0), ("R", by_hand.R_CL)):
        area = float(weights @ made[f"plasma:{site}:{hand}-ketamine"])  # ng h/mL
        assert area == pytest.approx(1000 * 17.5 / (60 * by_hand.CL * ratio), rel=1e-8)


def test_the_exposure_that_is_reported_is_within_a_percent_of_the_exact_one() -> None:
    hours = tuple(np.concatenate([np.linspace(0, 2 / 3, 12), np.geomspace(0.7, 96, 60)]))
    made = course_of("0.5 mg/kg ketamine iv over 40 min", hours)
    for name in ("plasma:arterial:S-ketamine", "plasma:venous:S-ketamine"):
        figures = exposure(np.array(hours), made[name][:, None])
        exact = 1000 * 17.5 / (60 * by_hand.CL)
        assert figures["auc_0_inf"][0] == pytest.approx(exact, rel=0.01)
        assert figures["auc_0_t"][0] == pytest.approx(exact, rel=0.01)
        assert figures["tmax"][0] == pytest.approx(2 / 3, abs=0.06)
    peak = 17_500 * arterial("S")["ketamine"].at(40.0, 40.0)
    made_arterial = exposure(np.array(hours), made["plasma:arterial:S-ketamine"][:, None])
    assert made_arterial["cmax"][0] == pytest.approx(peak, rel=1e-9)
