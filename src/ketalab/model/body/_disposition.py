"""The chain of one enantiomer: ketamine, its metabolism in gut and liver, norketamine and what becomes of it.

Liver flow, clearance and extraction are tied (well-stirred liver): ``CL = Q CLint / (Q + CLint)``, ``E = CL / Q``, so
that an enzyme that is blocked or induced moves intravenous and oral doses at once. All that the liver takes passes
two delay compartments; what the gut wall takes becomes norketamine that still has to pass the liver.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ketalab.model.body._routes import Inflow
from ketalab.model.contract import Input, Maths, Values

ENZYMES = {
    "CYP3A4:gut": "enzyme:gut:CYP3A4",
    "other:gut": "enzyme:gut:other",
    "CYP3A4:liver": "enzyme:liver:CYP3A4",
    "CYP2B6:liver": "enzyme:liver:CYP2B6",
    "other:liver": "enzyme:liver:other",
}
STATES = {
    "ketamine_central": "ketamine in the central compartment",
    "ketamine_peripheral1": "ketamine in the first peripheral compartment",
    "ketamine_peripheral2": "ketamine in the second peripheral compartment",
    "delay1": "ketamine metabolised in the liver, first delay compartment",
    "delay2": "ketamine metabolised in the liver, second delay compartment",
    "norketamine_central": "norketamine in the central compartment",
    "norketamine_peripheral": "norketamine in the peripheral compartment",
    "hydroxynorketamine_central": "hydroxynorketamine in the central compartment",
    "hydroxynorketamine_peripheral": "hydroxynorketamine in the peripheral compartment",
    "dehydronorketamine": "dehydronorketamine",
    "eliminated": "other metabolites, and metabolites excreted",
}


def enzyme_inputs() -> tuple[Input, ...]:
    """Activities of the enzymes, 1 where nothing blocks or induces them."""
    return tuple(
        Input(port, "dimensionless", f"activity of {target}", 1.0)
        for target, port in ENZYMES.items()
    )


@dataclass(frozen=True)
class Body:
    """What both enantiomers share in one person: size, flows (L/h) and volumes (L) of the child or adult."""

    flow: Any
    volume: Any
    liver_flow: Any
    typical_liver_flow: Any
    v1: Any
    v2: Any
    v3: Any
    q2: Any
    q3: Any
    cl: Any


def make_body(m: Maths, v: Values) -> Body:
    """Scale by weight, age and, below 18 years, one of two published models of children.

    A child's published model is of the racemate; both enantiomers get its volumes, and S a clearance such that their
    mean clearance is the published one.
    """
    ratio = v.weight / v.reference_weight
    flow, volume = ratio**v.flow_exponent, ratio**v.volume_exponent
    lost = v.flow_lost * m.maximum(v.age - v.flow_lost_from, 0)
    mean = (1 + v.cl_ratio) / 2

    def of_child(name: str) -> Any:
        return v.herd * v[f"herd_{name}"] + (1 - v.herd) * v[f"hornik_{name}"]

    def either(adult: Any, child: Any) -> Any:
        return (1 - v.child) * adult + v.child * child

    return Body(
        flow=flow,
        volume=volume,
        liver_flow=(v.liver_flow - lost) * v.liver_flow_factor * flow,
        typical_liver_flow=v.liver_flow * flow,
        v1=either(v.v1, of_child("v1")) * v.v1_factor * m.exp(v["study:volume"]) * volume,
        v2=either(v.v2, of_child("v2")) * volume,
        v3=v.v3 * volume,
        q2=either(v.q2, of_child("q")) * flow,
        q3=either(v.q3, 0) * flow,
        cl=either(v.cl, of_child("cl") / mean) * flow,
    )


def _liver_enzymes(m: Maths, v: Values, cyp2b6: Any, cyp3a4: Any) -> Any:
    """Activity of the liver's enzymes over that of the reference, from the shares of two of them.

    Two shares that were drawn to more than one are scaled down to it: no enzyme makes a drug.
    """
    genotype = v.star6**v.cyp2b6_star6
    whole = m.maximum(cyp2b6 + cyp3a4, 1)
    return (
        cyp2b6 * v["enzyme:liver:CYP2B6"] * genotype
        + cyp3a4 * v["enzyme:liver:CYP3A4"]
        + (whole - cyp2b6 - cyp3a4) * v["enzyme:liver:other"]
    ) / whole


def _gut_escape(m: Maths, v: Values, ratio: Any) -> Any:
    """Share of what the gut takes up that escapes its wall; between-study differences move its odds."""
    odds = (1 / v.gut_escape - 1) * ratio
    enzymes = v.gut_cyp3a4 * v["enzyme:gut:CYP3A4"] + (1 - v.gut_cyp3a4) * v["enzyme:gut:other"]
    effect = m.exp(-v["study:F:oral"] / (1 - v.gut_escape))
    return 1 / (1 + odds * v.gut_enzymes * enzymes * effect)


def _extraction(
    m: Maths, flow: Any, typical_flow: Any, most: Any, clearance: Any, activity: Any
) -> Any:
    """Share that the liver takes in one passage; ``clearance`` is that at the typical flow and activity 1."""
    share = m.minimum(clearance / typical_flow, most)
    intrinsic = typical_flow * share / (1 - share) * activity
    return intrinsic / (flow + intrinsic)


@dataclass(frozen=True)
class Chain:
    """Rates of the states, and arterial concentrations (umol/L) by analyte."""

    rates: dict[str, Any]
    arterial: dict[str, Any]


def chain(m: Maths, v: Values, e: str, body: Body, inflow: Inflow) -> Chain:
    """Ketamine of one enantiomer and its metabolites."""
    r = e == "R"
    cl_ratio, cln_ratio = (v.cl_ratio, v.cln_ratio) if r else (1, 1)
    x = {name: v[f"{e}_{name}"] for name in STATES}
    activity = _liver_enzymes(m, v, v.liver_cyp2b6, v.liver_cyp3a4) * v.enzymes
    activity *= m.exp(v["study:clearance"])
    taken = _extraction(
        m, body.liver_flow, body.typical_liver_flow, v.most_taken, body.cl * cl_ratio, activity
    )
    nor_activity = _liver_enzymes(m, v, v.nor_cyp2b6, v.nor_cyp3a4) * v.nor_enzymes
    nor_activity *= m.exp(v["study:norketamine"])
    cln = v.cln * body.flow * cln_ratio
    nor_taken = _extraction(
        m, body.liver_flow, body.typical_liver_flow, v.most_taken, cln, nor_activity
    )

    k = x["ketamine_central"] / body.v1
    to_first = body.q2 * (k - x["ketamine_peripheral1"] / body.v2)
    to_second = body.q3 * (k - x["ketamine_peripheral2"] / body.v3)
    escape = _gut_escape(m, v, cl_ratio)
    portal = inflow.gut_wall * escape + inflow.portal
    in_gut_wall = inflow.gut_wall * (1 - escape)
    in_liver = taken * (portal + body.liver_flow * k)
    transit = 2 / (v.mtt * body.volume / body.flow)

    n = x["norketamine_central"] / (v.vn1 * body.volume)
    nor_portal = v.gut_to_norketamine * in_gut_wall
    nor_lost = nor_taken * (nor_portal + body.liver_flow * n)
    nor_in = v.to_norketamine * transit * x["delay2"] + (1 - nor_taken) * nor_portal
    nor_out = v.qn * body.flow * (n - x["norketamine_peripheral"] / (v.vn2 * body.volume))

    h = x["hydroxynorketamine_central"] / (v.vh1 * body.volume)
    hydroxy_out = (
        v.qh * body.flow * (h - x["hydroxynorketamine_peripheral"] / (v.vh2 * body.volume))
    )
    hydroxy_lost = v.clh * body.flow * h
    d = x["dehydronorketamine"] / (v.vd * body.volume)
    dehydro_lost = v.cld * body.flow * d
    to_hydroxy, to_dehydro = v[f"{e}_to_hydroxy"], v[f"{e}_to_dehydro"]
    made = m.maximum(to_hydroxy + to_dehydro, 1)
    to_hydroxy, to_dehydro = to_hydroxy / made, to_dehydro / made

    rates = {
        "ketamine_central": inflow.blood
        + (1 - taken) * portal
        - taken * body.liver_flow * k
        - to_first
        - to_second,
        "ketamine_peripheral1": to_first,
        "ketamine_peripheral2": to_second,
        "delay1": in_liver - transit * x["delay1"],
        "delay2": transit * (x["delay1"] - x["delay2"]),
        "norketamine_central": nor_in - nor_taken * body.liver_flow * n - nor_out,
        "norketamine_peripheral": nor_out,
        "hydroxynorketamine_central": to_hydroxy * nor_lost
        + inflow.metabolite
        - hydroxy_lost
        - hydroxy_out,
        "hydroxynorketamine_peripheral": hydroxy_out,
        "dehydronorketamine": to_dehydro * nor_lost - dehydro_lost,
        "eliminated": (1 - v.gut_to_norketamine) * in_gut_wall
        + (1 - v.to_norketamine) * transit * x["delay2"]
        + (1 - to_hydroxy - to_dehydro) * nor_lost
        + hydroxy_lost
        + dehydro_lost,
    }
    arterial = {
        "ketamine": k,
        "norketamine": n,
        "dehydronorketamine": d,
        "hydroxynorketamine": h,
    }
    return Chain(rates, arterial)
