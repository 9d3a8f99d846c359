"""Ketamine in the body by hand: the published constants, and courses as sums of exponentials, to fifty digits.

Written from the structure of the papers, never from the code: Simons et al. 2022 (doi:10.3389/fpain.2022.946486) and
Perez-Ruixo et al. 2021 (doi:10.1007/s40262-020-00953-4). Litres and minutes, as printed there; what the sources do not
give is assumed in the facts, and stands here once more.

An amount that flows is a :class:`Signal`, what a unit at time 0 gives: some of it at once, the rest as
``sum(c exp(-r t))``. Stages one after the other are a convolution of signals, which has a closed form too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import mpmath
import numpy as np
from numpy.typing import NDArray

from ketalab.laboratory import (
    Course,
    body_model,
    individuals,
    prepare,
    run,
    typical_individual,
    using_posterior,
)
from ketalab.people import Population, Streams, draw
from ketalab.protocol import Intervention, parse_phrase

Array = NDArray[np.float64]
mp = mpmath.mp.clone()
mp.dps = 50
mpf = mp.mpf
ZERO = mpf(0)
#: Two stages of one rate are taken this far apart, so that no rate is ever double; the digits allow for it.
APART = mpf("1e-20")

# Simons 2022, Table 4, at 70 kg: L, L/min, min. Ketamine, norketamine, hydroxynorketamine.
V1, V2, V3, Q2, Q3, CL = 11.6, 39.0, 174.0, 2.43, 1.21, 1.48
MTT, TO_NORKETAMINE = 20.1, 0.8
VN1, VN2, QN, CLN = 11.6, 221.0, 2.63, 1.0
VH1, VH2, QH, CLH = 4.4, 87.5, 1.7, 0.933
TO_HYDROXY = {"S": 0.7, "R": 0.6}
# Dehydronorketamine: assumed.
VD, CLD = 20.0, 0.6
TO_DEHYDRO = {"S": 0.06, "R": 0.15}
# R over S: clearance of ketamine (and of its gut wall), of norketamine.
R_CL, R_CLN = 0.86, 0.6
# Liver (Perez-Ruixo 2021; L/min, per year above 60 years) and gut wall.
LIVER_FLOW, FLOW_LOST, FLOW_LOST_FROM = 151 / 60, 2.19 / 60, 60.0
GUT_ESCAPE, GUT_TO_NORKETAMINE = 0.44, 0.8
# Shares of enzymes: CYP3A4 of the gut wall; CYP2B6 and CYP3A4 of the liver, for ketamine and for norketamine.
GUT_3A4, LIVER_2B6, LIVER_3A4, NOR_2B6, NOR_3A4, STAR6 = 0.9, 0.45, 0.25, 0.4, 0.1, 0.75
# The arm and the brain.
FAST, SLOW_MIN, EFFECT_HALF_LIFE_MIN, UNBOUND, BRAIN = 0.4, 30.0, 6.1, 0.53, 0.7
BRAIN_OVER_KETAMINE = {
    "ketamine": 1.0, "norketamine": 0.2, "dehydronorketamine": 0.2, "hydroxynorketamine": 0.7,
}  # fmt: skip
# g/mol
MASS = {
    "ketamine": 237.725, "norketamine": 223.70, "dehydronorketamine": 221.68,
    "hydroxynorketamine": 239.7,
}  # fmt: skip
HYDROCHLORIDE = 36.475


@dataclass(frozen=True)
class Signal:
    """``impulse`` at once, and ``sum(c exp(-r t))`` later, by rate r per minute."""

    impulse: Any = ZERO
    terms: Mapping[Any, Any] = field(default_factory=dict)

    def __add__(self, other: Signal) -> Signal:
        rates = {*self.terms, *other.terms}
        both = {r: self.terms.get(r, ZERO) + other.terms.get(r, ZERO) for r in rates}
        return Signal(self.impulse + other.impulse, both)

    def __rmul__(self, factor: Any) -> Signal:
        return Signal(factor * self.impulse, {r: factor * c for r, c in self.terms.items()})

    def __matmul__(self, other: Signal) -> Signal:
        """One stage after the other."""
        made = Signal(
            self.impulse * other.impulse,
            (self.impulse * Signal(ZERO, other.terms) + other.impulse * Signal(ZERO, self.terms)).terms,
        )  # fmt: skip
        for r, c in self.terms.items():
            for s, d in other.terms.items():
                made += Signal(ZERO, {r: c * d / (s - r), s: -c * d / (s - r)})
        return made

    def at(self, t: float, over: float = 0.0) -> float:
        """At t minutes; the unit is given at once, or at a constant rate over some minutes."""
        if not over:
            return float(mp.fsum(c * mp.exp(-r * t) for r, c in self.terms.items()))
        on, after = min(t, over), max(t - over, 0.0)
        return float(
            mp.fsum(
                -c / r / over * mp.expm1(-r * mpf(on)) * mp.exp(-r * mpf(after))
                for r, c in self.terms.items()
            )
        )

    @property
    def area(self) -> float:
        return float(self.impulse + mp.fsum(c / r for r, c in self.terms.items()))


AT_ONCE = Signal(mpf(1))
NOTHING = Signal()


def stage(rate: float, apart: int = 0) -> Signal:
    """What leaves a compartment that a unit entered."""
    r = mpf(rate) * (1 + apart * APART)
    return Signal(ZERO, {r: r})


def disposition(cl: float, v1: float, *peripheral: tuple[float, float]) -> Signal:
    """Central concentration after a unit; ``peripheral`` are pairs of flow and volume."""
    back = [mpf(q) / mpf(v) for q, v in peripheral]
    there = [mpf(q) / mpf(v1) for q, _ in peripheral]

    def product(rates: Sequence[Any]) -> list[Any]:
        made = [mpf(1)]
        for rate in rates:
            made = [a + b for a, b in zip([*made, 0], [0, *(rate * c for c in made)], strict=True)]
        return made

    bottom = product([mpf(cl) / mpf(v1) + sum(there), *back])
    for i, (to, fro) in enumerate(zip(there, back, strict=True)):
        part = product([k for j, k in enumerate(back) if j != i])
        for j, c in enumerate(reversed(part)):
            bottom[-1 - j] -= to * fro * c
    roots = [-mp.re(r) for r in mp.polyroots(bottom, maxsteps=200, extraprec=200)]
    return Signal(
        ZERO,
        {
            r: mp.fprod(k - r for k in back)
            / mp.fprod(s - r for s in roots if s is not r)
            / mpf(v1)
            for r in roots
        },
    )


@dataclass(frozen=True)
class Body:
    """One person: the size of 70 kg and the enzymes of the reference where nothing is said."""

    weight: float = 70.0
    age: float = 40.0
    liver: Mapping[str, float] = field(default_factory=dict)
    gut: float = 1.0
    star6: int = 0
    gut_escape: float = GUT_ESCAPE
    #: (V1, ((flow, volume), ...), CL of S) of ketamine, at 70 kg.
    ketamine: tuple[float, tuple[tuple[float, float], ...], float] = (V1, ((Q2, V2), (Q3, V3)), CL)

    @property
    def flow(self) -> float:
        return (self.weight / 70) ** 0.75

    @property
    def volume(self) -> float:
        return self.weight / 70

    @property
    def liver_flow(self) -> float:
        return (LIVER_FLOW - FLOW_LOST * max(self.age - FLOW_LOST_FROM, 0)) * self.flow

    def activity(self, cyp2b6: float, cyp3a4: float) -> float:
        """Activity of the liver, from the shares of two of its enzymes."""
        return (
            cyp2b6 * self.liver.get("CYP2B6", 1.0) * STAR6**self.star6
            + cyp3a4 * self.liver.get("CYP3A4", 1.0)
            + (1 - cyp2b6 - cyp3a4) * self.liver.get("other", 1.0)
        )

    def extraction(self, hand: str) -> float:
        cl = self.ketamine[2] * (R_CL if hand == "R" else 1) * self.flow
        return self._taken(cl, self.activity(LIVER_2B6, LIVER_3A4))

    def nor_extraction(self, hand: str) -> float:
        cl = CLN * (R_CLN if hand == "R" else 1) * self.flow
        return self._taken(cl, self.activity(NOR_2B6, NOR_3A4))

    def _taken(self, cl: float, activity: float) -> float:
        intrinsic = cl / (1 - cl / (LIVER_FLOW * self.flow)) * activity
        return intrinsic / (self.liver_flow + intrinsic)

    def escape(self, hand: str) -> float:
        """Share that passes the gut wall; ``gut`` is the activity of its CYP3A4."""
        lost = (1 / self.gut_escape - 1) * (R_CL if hand == "R" else 1)
        return 1 / (1 + lost * (GUT_3A4 * self.gut + 1 - GUT_3A4))


def courses(
    hand: str,
    body: Body,
    *,
    blood: Signal = NOTHING,
    gut: Signal = NOTHING,
    portal: Signal = NOTHING,
) -> dict[str, Signal]:
    """Arterial concentration (per litre) of each analyte, from what arrives in blood, gut wall and portal vein."""
    f, v = body.flow, body.volume
    taken, nor_taken = body.extraction(hand), body.nor_extraction(hand)
    escape = body.escape(hand)
    v1, peripheral, _ = body.ketamine
    cl, cln = taken * body.liver_flow, nor_taken * body.liver_flow
    in_liver = escape * gut + portal
    ketamine = (blood + (1 - taken) * in_liver) @ disposition(
        cl, v1 * v, *((q * f, w * v) for q, w in peripheral)
    )
    delay = 2 / (MTT * v / f)
    formed = (taken * in_liver + cl * ketamine) @ stage(delay) @ stage(delay, 1)
    from_gut = GUT_TO_NORKETAMINE * (1 - escape) * gut
    norketamine = (TO_NORKETAMINE * formed + (1 - nor_taken) * from_gut) @ disposition(
        cln, VN1 * v, (QN * f, VN2 * v)
    )
    lost = nor_taken * from_gut + cln * norketamine
    hydroxy = TO_HYDROXY[hand] * lost @ disposition(CLH * f, VH1 * v, (QH * f, VH2 * v))
    dehydro = TO_DEHYDRO[hand] * lost @ disposition(CLD * f, VD * v)
    return {
        "ketamine": ketamine,
        "norketamine": norketamine,
        "dehydronorketamine": dehydro,
        "hydroxynorketamine": hydroxy,
    }


#: What is swallowed: stomach, then gut (1/min).
SWALLOWED = stage(1 / 12) @ stage(1.5 / 60)


# --- what the laboratory makes of it --------------------------------------------------------------


def simulate(
    phrase: str,
    hours: Sequence[float],
    *,
    interventions: tuple[Intervention, ...] = (),
    settings: Mapping[str, float] | None = None,
    parameters: Mapping[str, float] | None = None,
    **population: Any,
) -> dict[str, Array]:
    """Every concentration of the typical person of a population, 70 kg if not said, with the constants as published.

    ``parameters`` are changed in this person, by name; ``population`` may be of another species.
    """
    model = body_model(population.get("species", "human"))
    names = tuple(name for name in model.outputs if name.startswith("plasma:"))
    with using_posterior(None):
        said = Population(**{"weight_kg": 70.0, **population})
        people, drawn = typical_individual(model, said)
        for name, value in (parameters or {}).items():
            drawn.parameters[model.parameters.index(f"body.{name}")] = value
        course = Course(
            parse_phrase(phrase).administrations,
            max(hours),
            interventions,
            settings=dict(settings or {}),
        )
        ready = prepare(course, model=model)
        values, _ = run(ready, drawn, people.weight, np.array(hours), names)
    return {name: value[:, 0] for name, value in values.items()}


def draw_parameters(population: Population, count: int) -> dict[str, Array]:
    """Parameters of the body of drawn people, with the constants as published."""
    model = body_model()
    with using_posterior(None):
        drawn = individuals(model, draw(population, Streams(2), count), Streams(2), "none")
    return {
        name.removeprefix("body."): row
        for name, row in zip(model.parameters, drawn.parameters, strict=True)
    }


def gauss_panels(edges: Array, points: int = 12) -> tuple[Array, Array]:
    """Times and weights of Gauss-Legendre quadrature on each panel."""
    x, w = np.polynomial.legendre.leggauss(points)
    half = np.diff(edges) / 2
    times = edges[:-1, None] + half[:, None] * (1 + x)
    return times.ravel(), (half[:, None] * w).ravel()


def area(phrase: str, name: str, start: float = 0.0, **about: Any) -> float:
    """Area under a simulated course from a dose at ``start`` (hours) on, ng h/mL."""
    edges = start + np.concatenate([[0.0], np.geomspace(1e-3, 500, 60)])
    times, weights = gauss_panels(edges)
    return float(weights @ simulate(phrase, tuple(times), **about)[name])
