"""R- and S-ketamine with norketamine, dehydronorketamine and hydroxynorketamine, by every route, at three sites.

Each enantiomer has a chain of its own (:mod:`ketalab.model.body._disposition`), in micromoles, fed by depots
(:mod:`ketalab.model.body._routes`). Source of the chain: Simons et al. 2022, doi:10.3389/fpain.2022.946486, which is
arterial; of the first pass: Perez-Ruixo et al. 2021, doi:10.1007/s40262-020-00953-4.

A venous sample is a mixture of fast flow, which is arterial, and blood that has passed slow arm tissue:
``C_venous = f C_arterial + (1 - f) C_slow``, ``dC_slow/dt = (C_arterial - C_slow) / T``. The effect site follows
arterial plasma: ``dC_e/dt = k_e0 (C_arterial - C_e)``. Neither takes mass. The two paths are our assumption.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ketalab.model.body._disposition import (
    ENZYMES,
    STATES,
    chain,
    enzyme_inputs,
    make_body,
)
from ketalab.model.body._parameters import OWN_FACTS, PARAMETERS
from ketalab.model.body._routes import DEPOTS, depots, entries, shares, study_inputs
from ketalab.model.contract import (
    Covariate,
    Equations,
    Layer,
    Maths,
    Output,
    Parameter,
    State,
    Values,
)

ENANTIOMERS = ("S", "R")
ANALYTES = ("ketamine", "norketamine", "dehydronorketamine", "hydroxynorketamine")
SITES = {
    "arterial": "arterial plasma, total concentration of base",
    "venous": "venous plasma, total concentration of base",
    "effect": "effect site, unbound concentration in the brain",
}
_NAMES = {
    "S-hydroxynorketamine": "(2S,6S)-hydroxynorketamine",
    "R-hydroxynorketamine": "(2R,6R)-hydroxynorketamine",
}


def _states() -> tuple[State, ...]:
    sites = {
        f"{site}_{analyte}": f"{analyte}, {text}"
        for analyte in ANALYTES
        for site, text in (("arm", "slow arm tissue"), ("effect", "effect site, as total plasma"))
    }
    return tuple(
        state
        for e in ENANTIOMERS
        for state in (
            *(
                State(f"{e}_{n}", "umol", f"{e}-{text}", mole=True)
                for n, text in {**DEPOTS, **STATES}.items()
            ),
            *(State(f"{e}_{n}", "umol/L", f"{e}-{text}") for n, text in sites.items()),
        )
    )


def _outputs() -> tuple[Output, ...]:
    public = []
    for site, text in SITES.items():
        for analyte in ANALYTES:
            for e in ("S-", "R-", ""):
                name = e + analyte
                public.append(
                    Output(
                        f"plasma:{site}:{name}",
                        "ng/mL",
                        f"{_NAMES.get(name, name)}, {text}",
                        True,
                        "concentration",
                    )
                )
    hidden = [
        Output(f"unbound:{e}-{analyte}", "micromolar", f"unbound {e}-{analyte} in the brain", False)
        for analyte in ANALYTES
        for e in ENANTIOMERS
    ]
    local = [
        Output(f"site:{e}-ketamine", "micromolar", f"{e}-ketamine at a local infusion", False)
        for e in ENANTIOMERS
    ]
    equivalent = [
        Output(
            f"equivalent:{e}-ketamine",
            "ng/mL",
            f"{e}-ketamine, effect site, as total plasma",
            False,
        )
        for e in ENANTIOMERS
    ]
    return (*public, *hidden, *local, *equivalent)


def _equations(m: Maths, v: Values) -> Equations:
    body = make_body(m, v)
    ke0 = m.log(2) / v.effect_half_life
    fast = (1 - v.child) * v.fast_share + v.child
    slow_time = v.slow_time * body.volume / body.flow
    brain = {
        "ketamine": 1,
        "norketamine": v.nor_brain_ratio,
        "dehydronorketamine": v.nor_brain_ratio,
        "hydroxynorketamine": v.hydroxy_brain_ratio,
    }
    rates: dict[str, Any] = {}
    outputs: dict[str, Any] = {}
    for e in ENANTIOMERS:
        entering, inflow = depots(m, v, e)
        made = chain(m, v, e, body, inflow)
        rates |= {f"{e}_{name}": rate for name, rate in {**entering, **made.rates}.items()}
        outputs[f"site:{e}-ketamine"] = v[f"{e}_site"] / v.site_volume
        for analyte, c in made.arterial.items():
            slow, effect = v[f"{e}_arm_{analyte}"], v[f"{e}_effect_{analyte}"]
            rates[f"{e}_arm_{analyte}"] = (c - slow) / slow_time
            rates[f"{e}_effect_{analyte}"] = ke0 * (c - effect)
            unbound = v.unbound * v.brain_ratio * brain[analyte] * effect
            if analyte == "ketamine":
                unbound += v[f"{e}_ventricle"] / (v.brain_volume * body.volume)
            outputs[f"unbound:{e}-{analyte}"] = unbound
            sites = {"arterial": c, "venous": fast * c + (1 - fast) * slow, "effect": unbound}
            for site, value in sites.items():
                outputs[f"plasma:{site}:{e}-{analyte}"] = v[f"mass_{analyte}"] * value
    for site in SITES:
        for analyte in ANALYTES:
            outputs[f"plasma:{site}:{analyte}"] = (
                outputs[f"plasma:{site}:S-{analyte}"] + outputs[f"plasma:{site}:R-{analyte}"]
            )
    for e in ENANTIOMERS:
        outputs[f"equivalent:{e}-ketamine"] = v.mass_ketamine * v[f"{e}_effect_ketamine"]
    return Equations(rates, outputs)


def _parameters(species: str) -> tuple[Parameter, ...]:
    if species == "human":
        return PARAMETERS
    return tuple(
        replace(p, fact=f"{species}_{p.fact}") if p.name in OWN_FACTS else p for p in PARAMETERS
    )


def ketamine(species: str = "human") -> Layer:
    """Return ketamine in a species: linear in the drug, states in micromoles, time in hours."""
    return Layer(
        name="body",
        equations=_equations,
        inputs=(*enzyme_inputs(), *study_inputs()),
        outputs=_outputs(),
        states=_states(),
        parameters=_parameters(species),
        covariates=(
            Covariate("weight", "kg"),
            Covariate("age", "year"),
            Covariate("child", "dimensionless"),
            Covariate("cyp2b6_star6", "dimensionless"),
        ),
        entries=tuple(
            entry
            for e in ENANTIOMERS
            for given in ("ketamine", "hydroxynorketamine")
            for entry in entries(species, f"{e}-{given}", e)
        ),
        targets=ENZYMES,
        shares=shares,
        linear=True,
    )
