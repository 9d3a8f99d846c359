"""R- and S-ketamine and norketamine after intravenous doses, in arterial and venous plasma and at the effect site.

For each enantiomer, in amounts (micromoles): three compartments of ketamine; its whole clearance feeds a chain of
two delay compartments, each emptied at 2/MTT, of which a share becomes norketamine (two compartments) and the rest
other metabolites; norketamine is cleared. Flows scale with (weight/70)**0.75, volumes with weight/70, the transit
time with their ratio. Source of the chain: Simons et al. 2022, doi:10.3389/fpain.2022.946486, which is arterial.

A venous sample is a mixture of fast flow, which is arterial, and blood that has passed slow arm tissue:
``C_venous = f C_arterial + (1 - f) C_slow``, ``dC_slow/dt = (C_arterial - C_slow) / T``. The effect site follows
arterial plasma: ``dC_e/dt = k_e0 (C_arterial - C_e)``. Neither takes mass. The two paths are our assumption.
"""

from __future__ import annotations

from typing import Any

from ketalab.model.contract import (
    Covariate,
    Entry,
    Equations,
    Layer,
    Maths,
    Output,
    Parameter,
    State,
    Values,
)

ENANTIOMERS = ("S", "R")
ANALYTES = ("ketamine", "norketamine")
SITES = {
    "arterial": "arterial plasma, total concentration of base",
    "venous": "venous plasma, total concentration of base",
    "effect": "effect site, unbound concentration in the brain",
}

_PARAMETERS = (
    Parameter("v1", "L", "ketamine_v1", "lognormal", "omega2_ketamine_v1", "variance"),
    Parameter("v2", "L", "ketamine_v2"),
    Parameter("v3", "L", "ketamine_v3"),
    Parameter("q2", "L/h", "ketamine_q2"),
    Parameter("q3", "L/h", "ketamine_q3", "lognormal", "omega2_ketamine_q3", "variance"),
    Parameter("cl", "L/h", "ketamine_cl_s", "lognormal", "omega2_ketamine_cl", "variance"),
    Parameter("cl_ratio", "ratio", "ketamine_cl_ratio_r_s"),
    Parameter("mtt", "h", "ketamine_mtt", "lognormal", "omega2_ketamine_mtt", "variance"),
    Parameter("to_norketamine", "fraction", "norketamine_fraction"),
    Parameter("vn1", "L", "norketamine_v1"),
    Parameter("vn2", "L", "norketamine_v2"),
    Parameter("qn", "L/h", "norketamine_q"),
    Parameter("cln", "L/h", "norketamine_cl_s", "lognormal", "omega2_norketamine_cl", "variance"),
    Parameter("cln_ratio", "ratio", "norketamine_cl_ratio_r_s"),
    Parameter("reference_weight", "kg", "reference_weight"),
    Parameter("flow_exponent", "dimensionless", "allometry_flow"),
    Parameter("volume_exponent", "dimensionless", "allometry_volume"),
    Parameter("fast_share", "fraction", "venous_fast_share"),
    Parameter("slow_time", "h", "venous_slow_time"),
    Parameter("effect_half_life", "h", "effect_site_half_life"),
    Parameter("unbound", "fraction", "unbound_fraction"),
    Parameter("brain_ratio", "ratio", "unbound_brain_ratio"),
    Parameter("mass_ketamine", "g/mol", "ketamine_molar_mass"),
    Parameter("mass_norketamine", "g/mol", "norketamine_molar_mass"),
)


def _states() -> tuple[State, ...]:
    moles = {
        "ketamine_central": "ketamine in the central compartment",
        "ketamine_peripheral1": "ketamine in the first peripheral compartment",
        "ketamine_peripheral2": "ketamine in the second peripheral compartment",
        "delay1": "metabolised ketamine, first delay compartment",
        "delay2": "metabolised ketamine, second delay compartment",
        "norketamine_central": "norketamine in the central compartment",
        "norketamine_peripheral": "norketamine in the peripheral compartment",
        "other_metabolites": "ketamine metabolised to other products",
        "norketamine_cleared": "norketamine cleared",
    }
    sites = {
        f"{site}_{analyte}": f"{analyte}, {text}"
        for analyte in ANALYTES
        for site, text in (("arm", "slow arm tissue"), ("effect", "effect site, as total plasma"))
    }
    return tuple(
        state
        for e in ENANTIOMERS
        for state in (
            *(State(f"{e}_{n}", "umol", f"{e}-{text}", mole=True) for n, text in moles.items()),
            *(State(f"{e}_{n}", "umol/L", f"{e}-{text}") for n, text in sites.items()),
        )
    )


def _outputs() -> tuple[Output, ...]:
    public = [
        Output(
            f"plasma:{site}:{e}{analyte}", "ng/mL", f"{e}{analyte}, {text}", True, "concentration"
        )
        for site, text in SITES.items()
        for analyte in ANALYTES
        for e in ("S-", "R-", "")
    ]
    hidden = [
        Output(f"unbound:{e}-{analyte}", "micromolar", f"unbound {e}-{analyte} in the brain", False)
        for analyte in ANALYTES
        for e in ENANTIOMERS
    ]
    equivalent = Output(
        "equivalent:ketamine", "ng/mL", "effect site, as total plasma concentration", False
    )
    return (*public, *hidden, equivalent)


def _chain(v: Values, e: str, size: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Rates of one enantiomer's states, and its arterial concentrations (micromolar)."""
    flow, volume = size["flow"], size["volume"]
    cl = v.cl * flow * (v.cl_ratio if e == "R" else 1)
    cln = v.cln * flow * (v.cln_ratio if e == "R" else 1)
    central, peripheral1, peripheral2, delay1, delay2, nor, nor_peripheral = (
        v[f"{e}_{name}"]
        for name in (
            "ketamine_central",
            "ketamine_peripheral1",
            "ketamine_peripheral2",
            "delay1",
            "delay2",
            "norketamine_central",
            "norketamine_peripheral",
        )
    )
    k = central / (v.v1 * volume)
    n = nor / (v.vn1 * volume)
    to_first = v.q2 * flow * (k - peripheral1 / (v.v2 * volume))
    to_second = v.q3 * flow * (k - peripheral2 / (v.v3 * volume))
    to_nor_peripheral = v.qn * flow * (n - nor_peripheral / (v.vn2 * volume))
    transit = 2 / (v.mtt * volume / flow)
    rates = {
        "ketamine_central": -cl * k - to_first - to_second,
        "ketamine_peripheral1": to_first,
        "ketamine_peripheral2": to_second,
        "delay1": cl * k - transit * delay1,
        "delay2": transit * (delay1 - delay2),
        "norketamine_central": v.to_norketamine * transit * delay2 - cln * n - to_nor_peripheral,
        "norketamine_peripheral": to_nor_peripheral,
        "other_metabolites": (1 - v.to_norketamine) * transit * delay2,
        "norketamine_cleared": cln * n,
    }
    return rates, {"ketamine": k, "norketamine": n}


def _equations(m: Maths, v: Values) -> Equations:
    ratio = v.weight / v.reference_weight
    size = {"flow": ratio**v.flow_exponent, "volume": ratio**v.volume_exponent}
    ke0 = m.log(2) / v.effect_half_life
    mass = {"ketamine": v.mass_ketamine, "norketamine": v.mass_norketamine}
    rates: dict[str, Any] = {}
    outputs: dict[str, Any] = {}
    for e in ENANTIOMERS:
        chain, arterial = _chain(v, e, size)
        rates |= {f"{e}_{name}": rate for name, rate in chain.items()}
        for analyte, c in arterial.items():
            slow, effect = v[f"{e}_arm_{analyte}"], v[f"{e}_effect_{analyte}"]
            rates[f"{e}_arm_{analyte}"] = (c - slow) / v.slow_time
            rates[f"{e}_effect_{analyte}"] = ke0 * (c - effect)
            unbound = v.unbound * v.brain_ratio * effect
            outputs[f"unbound:{e}-{analyte}"] = unbound
            sites = {
                "arterial": c,
                "venous": v.fast_share * c + (1 - v.fast_share) * slow,
                "effect": unbound,
            }
            for site, value in sites.items():
                outputs[f"plasma:{site}:{e}-{analyte}"] = mass[analyte] * value
    for site in SITES:
        for analyte in ANALYTES:
            outputs[f"plasma:{site}:{analyte}"] = (
                outputs[f"plasma:{site}:S-{analyte}"] + outputs[f"plasma:{site}:R-{analyte}"]
            )
    outputs["equivalent:ketamine"] = mass["ketamine"] * (
        v["S_effect_ketamine"] + v["R_effect_ketamine"]
    )
    return Equations(rates, outputs)


def body() -> Layer:
    """Return the body layer: linear in the drug, states in micromoles, time in hours."""
    return Layer(
        name="body",
        equations=_equations,
        outputs=_outputs(),
        states=_states(),
        parameters=_PARAMETERS,
        covariates=(Covariate("weight", "kg"),),
        entries=tuple(Entry("iv", f"{e}-ketamine", f"{e}_ketamine_central") for e in ENANTIOMERS),
        linear=True,
    )
