"""Closed forms of linear compartments: sums of exponentials, written out by hand.

The amount in one compartment, a time u after a unit dose came into another, is here always a sum
of terms (a + b u) exp(-r u); b is not 0 only where two rates are equal. What a modifier does to a
dose is then an integral or a geometric series of such terms, known in closed form. There is no
matrix exponential, no solver and no code of the laboratory in this file.

Source: Gabrielsson & Weiner, Pharmacokinetic and Pharmacodynamic Data Analysis; the integrals
follow from the terms by hand.
"""

from collections.abc import Mapping
from math import exp, expm1, factorial, sqrt
from typing import NamedTuple

DEPOT, CENTRAL, PERIPHERAL = 0, 1, 2


class Term(NamedTuple):
    """(a + b u) exp(-r u), with r above 0."""

    a: float
    b: float
    r: float


Terms = tuple[Term, ...]
#: What a unit into the first compartment leaves in the second, as time goes by.
Responses = Mapping[tuple[int, int], Terms]


def exponential(a: float, r: float) -> Term:
    """One plain exponential."""
    return Term(a, 0.0, r)


def decay(terms: Terms, u: float) -> float:
    """The value a time u after a unit bolus."""
    return sum((t.a + t.b * u) * exp(-t.r * u) for t in terms)


def first_integral(r: float, u: float) -> float:
    """Integral of exp(-r s) for s from 0 to u."""
    return -expm1(-r * u) / r


def second_integral(r: float, u: float) -> float:
    """Integral of s exp(-r s) for s from 0 to u."""
    return (first_integral(r, u) - u * exp(-r * u)) / r


def fill(terms: Terms, u: float) -> float:
    """The value a time u into an infusion at unit rate."""
    return sum(t.a * first_integral(t.r, u) + t.b * second_integral(t.r, u) for t in terms)


def end_infusion(terms: Terms, duration: float) -> Terms:
    """Terms in the time since an infusion at unit rate, over the duration, has ended."""
    made = []
    for a, b, r in terms:
        one, two = first_integral(r, duration), second_integral(r, duration)
        made.append(Term(a * one + b * two, b * one, r))
    return tuple(made)


def repeat(terms: Terms, interval: float) -> Terms:
    """Terms of the same dose given now, one interval ago, two ago, and so on for ever.

    With q = exp(-r II): the sum over j of (a + b (u + j II)) q^j exp(-r u) is
    (a + b u) / (1 - q) + b II q / (1 - q)^2, times exp(-r u).
    """
    made = []
    for a, b, r in terms:
        less = -expm1(-r * interval)
        made.append(Term(a / less + b * interval * (1 - less) / less**2, b / less, r))
    return tuple(made)


def endless(terms: Terms) -> float:
    """The value under an infusion at unit rate that has run for ever."""
    return sum(t.a / t.r + t.b / t.r**2 for t in terms)


def one_compartment(values: Mapping[str, float]) -> Responses:
    """A depot emptying by KA into a compartment cleared by CL over V1."""
    ka, k = values["KA"], values["CL"] / values["V1"]
    if ka == k:
        through: Terms = (Term(0.0, ka, k),)
    else:
        through = (exponential(ka / (ka - k), k), exponential(-ka / (ka - k), ka))
    return {
        (DEPOT, DEPOT): (exponential(1.0, ka),),
        (DEPOT, CENTRAL): through,
        (CENTRAL, CENTRAL): (exponential(1.0, k),),
        (CENTRAL, DEPOT): (),
    }


def two_compartments(values: Mapping[str, float]) -> Responses:
    """A depot, a central compartment and a peripheral one; alpha and beta are the macro constants."""
    ka, k10, k12, k21 = (
        values["KA"],
        values["CL"] / values["V1"],
        values["Q"] / values["V1"],
        values["Q"] / values["V2"],
    )
    total = k10 + k12 + k21
    alpha = (total + sqrt(total**2 - 4 * k10 * k21)) / 2
    beta = k10 * k21 / alpha
    gap = alpha - beta
    leaving = k10 + k12

    def pair(first: float, second: float) -> Terms:
        return (exponential(first / gap, alpha), exponential(second / gap, beta))

    def through(over_alpha: float, over_beta: float, over_ka: float) -> Terms:
        return (
            exponential(ka * over_alpha / ((ka - alpha) * (beta - alpha)), alpha),
            exponential(ka * over_beta / ((ka - beta) * (alpha - beta)), beta),
            exponential(ka * over_ka / ((alpha - ka) * (beta - ka)), ka),
        )

    return {
        (DEPOT, DEPOT): (exponential(1.0, ka),),
        (DEPOT, CENTRAL): through(k21 - alpha, k21 - beta, k21 - ka),
        (DEPOT, PERIPHERAL): through(k12, k12, k12),
        (CENTRAL, DEPOT): (),
        (CENTRAL, CENTRAL): pair(alpha - k21, k21 - beta),
        (CENTRAL, PERIPHERAL): pair(-k12, k12),
        (PERIPHERAL, DEPOT): (),
        (PERIPHERAL, CENTRAL): pair(-k21, k21),
        (PERIPHERAL, PERIPHERAL): pair(alpha - leaving, leaving - beta),
    }


def size_of(responses: Responses) -> int:
    """How many compartments there are."""
    return 1 + max(source for source, _ in responses)


def advance(
    responses: Responses, state: tuple[float, ...], cmt: int, rate: float, u: float
) -> tuple[float, ...]:
    """Amounts a time u later, while an infusion flows into one compartment all that time."""
    return tuple(
        sum(state[source] * decay(responses[source, target], u) for source in range(len(state)))
        + (rate * fill(responses[cmt, target], u) if rate else 0.0)
        for target in range(len(state))
    )


def _second_difference(a: float, b: float) -> float:
    """The divided difference of exp at 0, a and b, to full accuracy for a, b not above 0."""
    a, b = sorted((a, b), reverse=True)
    if b > -0.5:
        return sum(
            sum(a**i * b ** (m - i) for i in range(m + 1)) / factorial(m + 2) for m in range(20)
        )
    near = exp(a) if a == b else exp(a) * expm1(b - a) / (b - a)
    far = 1.0 if a == 0 else expm1(a) / a
    return (near - far) / b


def absorbed_bolus(ka: float, k: float, u: float) -> float:
    """Central amount after a unit into the depot; full accuracy at any u, ka near k included."""
    slow, fast = min(ka, k), max(ka, k)
    if slow == fast:
        return ka * u * exp(-k * u)
    return ka * exp(-slow * u) * -expm1(-(fast - slow) * u) / (fast - slow)


def absorbed_infusion(ka: float, k: float, duration: float, u: float) -> float:
    """Central amount a time u after the start of an infusion at unit rate into the depot."""
    if u <= duration:
        return ka * u**2 * _second_difference(-ka * u, -k * u)
    rest, depot = u - duration, first_integral(ka, duration)
    here = absorbed_infusion(ka, k, duration, duration)
    return here * exp(-k * rest) + depot * absorbed_bolus(ka, k, rest)
