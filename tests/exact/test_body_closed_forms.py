"""The body against closed forms written from the structure of the paper, never from the code.

Simons et al. 2022 (doi:10.3389/fpain.2022.946486): three compartments with elimination from the
central one, a chain of two delay compartments emptied at 2/MTT, two compartments of norketamine.
Litres and minutes here, as printed there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad

from ketalab.laboratory import Course, exposure, human_model, individuals, prepare, run
from ketalab.people import Population, Streams, typical_people
from ketalab.protocol import parse_phrase

Array = NDArray[np.float64]

# Table 4 at 70 kg, L and L/min and min.
V1, V2, V3, Q2, Q3, CL = 11.6, 39.0, 174.0, 2.43, 1.21, 1.48
MTT, TO_NORKETAMINE = 20.1, 0.8
VN1, VN2, QN, CLN = 11.6, 221.0, 2.63, 1.0
# R over S: clearance of ketamine and of norketamine.
R_CL, R_CLN = 0.86, 0.6
# The arm and the brain: our assumptions and one published half-life (min).
FAST, SLOW_MIN, EFFECT_HALF_LIFE_MIN, UNBOUND, BRAIN = 0.4, 30.0, 6.1, 0.53, 0.7
# g/mol
KETAMINE, NORKETAMINE, HYDROCHLORIDE = 237.725, 223.70, 274.2


@dataclass(frozen=True)
class Exponentials:
    """Concentration after a bolus of 1: ``sum(c exp(-r t))``."""

    coefficients: tuple[float, ...]
    rates: tuple[float, ...]

    def bolus(self, t: float) -> float:
        pairs = zip(self.coefficients, self.rates, strict=True)
        return sum(c * math.exp(-r * t) for c, r in pairs)

    def infusion(self, t: float, duration: float) -> float:
        """After 1 given at a constant rate over ``duration``."""
        on, after = min(t, duration), max(t - duration, 0.0)
        return sum(
            c / r / duration * -math.expm1(-r * on) * math.exp(-r * after)
            for c, r in zip(self.coefficients, self.rates, strict=True)
        )


def cubic_roots(a2: float, a1: float, a0: float) -> tuple[float, float, float]:
    """Roots of x^3 - a2 x^2 + a1 x - a0, all real and positive, by the trigonometric form."""
    p = a1 - a2**2 / 3
    q = 2 * a2**3 / 27 - a1 * a2 / 3 + a0
    size = math.sqrt(-(p**3) / 27)
    angle = math.acos(-q / (2 * size)) / 3
    roots = []
    for turn in (0, 2 * math.pi / 3, 4 * math.pi / 3):
        x = a2 / 3 - 2 * size ** (1 / 3) * math.cos(angle + turn)
        for _ in range(2):
            x -= (((x - a2) * x + a1) * x - a0) / ((3 * x - 2 * a2) * x + a1)
        roots.append(x)
    return roots[0], roots[1], roots[2]


def three_compartments(cl: float, flow: float = 1.0, volume: float = 1.0) -> Exponentials:
    v1 = V1 * volume
    k10, k12, k13 = cl * flow / v1, Q2 * flow / v1, Q3 * flow / v1
    k21, k31 = Q2 * flow / (V2 * volume), Q3 * flow / (V3 * volume)
    a, b, c = cubic_roots(
        k10 + k12 + k13 + k21 + k31,
        k10 * k31 + k21 * k31 + k21 * k13 + k10 * k21 + k31 * k12,
        k10 * k21 * k31,
    )

    def share(x: float, y: float, z: float) -> float:
        return (k21 - x) * (k31 - x) / ((x - y) * (x - z)) / v1

    return Exponentials((share(a, b, c), share(b, a, c), share(c, a, b)), (a, b, c))


def two_compartments(cln: float, flow: float = 1.0, volume: float = 1.0) -> Exponentials:
    v1 = VN1 * volume
    k10, k12, k21 = cln * flow / v1, QN * flow / v1, QN * flow / (VN2 * volume)
    total, product = k10 + k12 + k21, k10 * k21
    fast = (total + math.sqrt(total**2 - 4 * product)) / 2
    slow = product / fast
    return Exponentials(
        ((fast - k21) / (fast - slow) / v1, (k21 - slow) / (fast - slow) / v1), (fast, slow)
    )


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


def delayed(disposition: Exponentials, mtt: float) -> Callable[[float], float]:
    """Concentration after one mole enters two delay stages, each emptied at 2/MTT, in closed form."""
    k = 2 / mtt

    def response(t: float) -> float:
        total = 0.0
        for c, r in zip(disposition.coefficients, disposition.rates, strict=True):
            d = k - r
            total += c * k**2 / d**2 * (math.exp(-r * t) - math.exp(-k * t) * (1 + d * t))
        return total

    return response


@cache
def course_of(phrase: str, hours: tuple[float, ...], weight: float = 70.0) -> dict[str, Array]:
    """The typical adult of a weight through the whole model."""
    names = tuple(
        f"plasma:{site}:{hand}{analyte}"
        for site in ("arterial", "venous", "effect")
        for hand in ("S-", "R-", "")
        for analyte in ("ketamine", "norketamine")
    )
    people = typical_people(Population(weight_kg=weight))
    drawn = individuals(human_model(), people, Streams(0), "none", vary=False)
    prepared = prepare(Course(parse_phrase(phrase).administrations, max(hours)))
    values, _ = run(prepared, drawn, people.weight, np.array(hours), names)
    return {name: value[:, 0] for name, value in values.items()}


def closed(f: Callable[[float], float], hours: Sequence[float]) -> Array:
    return np.array([f(60 * h) for h in hours])


HOURS = (1 / 120, 0.05, 0.2, 1 / 3, 2 / 3, 0.7, 1.0, 1.5, 3.0, 6.0, 12.0, 24.0, 48.0)
#: (phrase, mg of S, mg of R, minutes)
GIVEN = [
    ("20 mg esketamine iv bolus", 20.0, 0.0, 0.0),
    ("20 mg esketamine iv over 20 min", 20.0, 0.0, 20.0),
    ("0.5 mg/kg ketamine iv over 40 min", 17.5, 17.5, 40.0),
    ("30 mg arketamine iv over 30 min", 0.0, 30.0, 30.0),
]


def parent(
    hand: str, minutes: float, flow: float = 1.0, volume: float = 1.0
) -> Callable[[float], float]:
    """Arterial ketamine, moles a litre after one mole."""
    shape = three_compartments(CL * (R_CL if hand == "R" else 1), flow, volume)
    return (lambda t: shape.infusion(t, minutes)) if minutes else shape.bolus


@pytest.mark.parametrize(("phrase", "s", "r", "minutes"), GIVEN)
def test_arterial_ketamine_is_the_sum_of_three_exponentials(
    phrase: str, s: float, r: float, minutes: float
) -> None:
    made = course_of(phrase, HOURS)
    for hand, mg in (("S", s), ("R", r)):
        expected = 1000 * mg * closed(parent(hand, minutes), HOURS)  # mg/L is 1000 ng/mL
        np.testing.assert_allclose(made[f"plasma:arterial:{hand}-ketamine"], expected, rtol=1e-9)


@pytest.mark.parametrize(("phrase", "s", "r", "minutes"), GIVEN)
def test_norketamine_is_the_parent_convolved_through_two_delays(
    phrase: str, s: float, r: float, minutes: float
) -> None:
    hours = (0.1, 0.5, 1.0, 2.0, 6.0, 24.0)
    made = course_of(phrase, hours)
    for hand, mg in (("S", s), ("R", r)):
        c = parent(hand, minutes)
        cl = CL * (R_CL if hand == "R" else 1)
        response = delayed(two_compartments(CLN * (R_CLN if hand == "R" else 1)), MTT)
        moles = closed(lambda t: convolve(c, response, t, minutes), hours)  # noqa: B023
        expected = 1000 * mg * NORKETAMINE / KETAMINE * TO_NORKETAMINE * cl * moles
        np.testing.assert_allclose(made[f"plasma:arterial:{hand}-norketamine"], expected, rtol=1e-8)


@pytest.mark.parametrize(("phrase", "s", "r", "minutes"), GIVEN)
def test_the_effect_site_follows_arterial_plasma_and_is_unbound(
    phrase: str, s: float, r: float, minutes: float
) -> None:
    hours = (0.05, 0.5, 2 / 3, 1.0, 3.0, 12.0)
    made = course_of(phrase, hours)
    k = math.log(2) / EFFECT_HALF_LIFE_MIN
    for hand, mg in (("S", s), ("R", r)):
        c = parent(hand, minutes)
        at_site = closed(lambda t: convolve(c, lambda u: k * math.exp(-k * u), t, minutes), hours)  # noqa: B023
        expected = 1000 * mg * UNBOUND * BRAIN * at_site
        np.testing.assert_allclose(made[f"plasma:effect:{hand}-ketamine"], expected, rtol=1e-9)


@pytest.mark.parametrize(("phrase", "s", "r", "minutes"), GIVEN)
def test_a_venous_sample_is_fast_flow_and_slow_tissue(
    phrase: str, s: float, r: float, minutes: float
) -> None:
    hours = (0.05, 0.5, 2 / 3, 1.0, 3.0, 12.0)
    made = course_of(phrase, hours)
    for hand, mg in (("S", s), ("R", r)):
        c = parent(hand, minutes)

        def slow(t: float, c: Callable[[float], float] = c) -> float:
            return convolve(c, lambda u: math.exp(-u / SLOW_MIN) / SLOW_MIN, t, minutes)

        expected = 1000 * mg * (FAST * closed(c, hours) + (1 - FAST) * closed(slow, hours))
        np.testing.assert_allclose(made[f"plasma:venous:{hand}-ketamine"], expected, rtol=1e-9)


@pytest.mark.parametrize("weight", [40.0, 70.0, 120.0])
def test_flows_go_with_weight_to_three_quarters_and_volumes_with_weight(weight: float) -> None:
    hours = (0.05, 2 / 3, 2.0, 12.0)
    made = course_of("20 mg esketamine iv over 40 min", hours, weight)
    flow, volume = (weight / 70) ** 0.75, weight / 70
    c = parent("S", 40.0, flow, volume)
    arterial = made["plasma:arterial:S-ketamine"]
    np.testing.assert_allclose(arterial, 20_000 * closed(c, hours), rtol=1e-9)
    response = delayed(two_compartments(CLN, flow, volume), MTT * volume / flow)
    moles = closed(lambda t: convolve(c, response, t, 40.0), hours)
    expected = 20_000 * NORKETAMINE / KETAMINE * TO_NORKETAMINE * CL * flow * moles
    np.testing.assert_allclose(made["plasma:arterial:S-norketamine"], expected, rtol=1e-8)


def test_r_ketamine_falls_more_slowly_by_its_clearance_ratio() -> None:
    s = course_of("30 mg esketamine iv over 30 min", HOURS)["plasma:arterial:S-ketamine"]
    r = course_of("30 mg arketamine iv over 30 min", HOURS)["plasma:arterial:R-ketamine"]
    assert np.all(r > s)
    slowest = {hand: min(three_compartments(CL * x).rates) for hand, x in (("S", 1), ("R", R_CL))}
    fall = {"S": math.log(s[-2] / s[-1]), "R": math.log(r[-2] / r[-1])}
    for hand, rate in slowest.items():
        assert fall[hand] == pytest.approx(rate * 24 * 60, rel=1e-9)


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
        np.testing.assert_allclose(salt[name] / base[name], KETAMINE / HYDROCHLORIDE, rtol=1e-12)


def gauss_panels(edges: Array, points: int = 12) -> tuple[Array, Array]:
    """Times and weights of Gauss-Legendre quadrature on each panel."""
    x, w = np.polynomial.legendre.leggauss(points)
    half = np.diff(edges) / 2
    times = edges[:-1, None] + half[:, None] * (1 + x)
    return times.ravel(), (half[:, None] * w).ravel()


@pytest.mark.parametrize("site", ["arterial", "venous"])
def test_the_area_is_dose_over_clearance_at_either_site(site: str) -> None:
    first, rest = np.linspace(0, 2 / 3, 6), np.geomspace(2 / 3, 200, 40)
    edges = np.concatenate([first, rest[1:]])
    times, weights = gauss_panels(edges)
    made = course_of("0.5 mg/kg ketamine iv over 40 min", tuple(times))
    for hand, ratio in (("S", 1.0), ("R", R_CL)):
        area = float(weights @ made[f"plasma:{site}:{hand}-ketamine"])  # ng h/mL
        assert area == pytest.approx(1000 * 17.5 / (60 * CL * ratio), rel=1e-8)


def test_the_exposure_that_is_reported_is_within_a_percent_of_the_exact_one() -> None:
    hours = tuple(np.concatenate([np.linspace(0, 2 / 3, 12), np.geomspace(0.7, 96, 60)]))
    made = course_of("0.5 mg/kg ketamine iv over 40 min", hours)
    for name in ("plasma:arterial:S-ketamine", "plasma:venous:S-ketamine"):
        figures = exposure(np.array(hours), made[name][:, None])
        exact = 1000 * 17.5 / (60 * CL)
        assert figures["auc_0_inf"][0] == pytest.approx(exact, rel=0.01)
        assert figures["auc_0_t"][0] == pytest.approx(exact, rel=0.01)
        assert figures["tmax"][0] == pytest.approx(2 / 3, abs=0.06)
    peak = 17_500 * parent("S", 40.0)(40.0)
    arterial = exposure(np.array(hours), made["plasma:arterial:S-ketamine"][:, None])
    assert arterial["cmax"][0] == pytest.approx(peak, rel=1e-9)
