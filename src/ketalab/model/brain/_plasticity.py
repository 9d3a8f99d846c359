"""From unbound drug to NMDA occupancy, the glutamate surge, BDNF, synaptic potentiation and spines.

Occupancy is competitive: ``x = sum(C_i / K_i)``, ``occupancy = x / (1 + x)``, with unbound brain concentrations.
The potency of the racemate is that of the rat in vivo (unbound plasma, Shaffer 2014); affinities of enantiomers
enter only as ratios (Ebert 1997): with half of each, ``1/K_rac = (1/K_S + 1/K_R) / 2`` fixes both.
The in-vivo potency refers to unbound plasma; it is multiplied by the brain/plasma ratio, taken to be alike in rat
and man.

Tonically active interneurons are blocked more readily than pyramidal cells. Their block disinhibits; block of the
pyramidal cells themselves works against it, so that the surge is an inverted U in dose and vanishes
at anaesthetic ones: ``surge = occupancy_interneuron (1 - occupancy_cortical)**steepness``. The part of the
surge that passes AMPA
receptors releases BDNF. Released BDNF, through mTORC1, adds synaptic potentiation, which is
measured in hours of full drive, so that the gains of glutamate and BDNF do not move it; potentiation adds spines.

Interventions scale ``AMPA`` (throughput), ``BDNF`` (release) and ``mTORC1`` (synthesis).
"""

from __future__ import annotations

from typing import Any

from ketalab.model.contract import (
    Covariate,
    Equations,
    Input,
    Layer,
    Maths,
    Output,
    Parameter,
    State,
    Values,
)

LIGANDS = ("S-ketamine", "R-ketamine", "S-norketamine", "R-norketamine")

_INPUTS = (
    *(
        Input(f"unbound:{ligand}", "micromolar", f"unbound {ligand} in the brain")
        for ligand in LIGANDS
    ),
    Input("activity:AMPA", "fraction", "AMPA receptor throughput that is left", default=1.0),
    Input("activity:BDNF", "fraction", "BDNF release that is left", default=1.0),
    Input("activity:mTORC1", "fraction", "mTORC1 signalling that is left", default=1.0),
)

_OUTPUTS = (
    Output(
        "occupancy:NMDA:cortical", "fraction", "NMDA receptors of cortical pyramidal cells blocked"
    ),
    Output(
        "occupancy:NMDA:interneuron", "fraction", "NMDA receptors of active interneurons blocked"
    ),
    Output("circuit:glutamate", "fold", "prefrontal glutamate throughput, 1 at rest"),
    Output("synapse:BDNF", "fold", "released BDNF, 1 at rest"),
    Output("synapse:potentiation", "h", "synaptic potentiation, hours of full drive"),
    Output("synapse:spines", "fold", "density of dendritic spines, 1 at rest"),
)

_STATES = (
    State("glutamate", "fold", "glutamate throughput", initial=1.0),
    State("bdnf", "fold", "released BDNF", initial=1.0),
    State("potentiation", "h", "synaptic potentiation"),
    State("spines", "fold", "spine density", initial=1.0),
)

_PARAMETERS = (
    Parameter("ic50_ketamine", "micromolar", "nmda_ic50_ketamine"),
    Parameter("ic50_norketamine", "micromolar", "nmda_ic50_norketamine"),
    Parameter("ki_s_ketamine", "micromolar", "nmda_ki_s_ketamine"),
    Parameter("ki_r_ketamine", "micromolar", "nmda_ki_r_ketamine"),
    Parameter("ki_s_norketamine", "micromolar", "nmda_ki_s_norketamine"),
    Parameter("ki_r_norketamine", "micromolar", "nmda_ki_r_norketamine"),
    Parameter("kpuu", "ratio", "unbound_brain_ratio"),
    Parameter("interneuron_potency", "ratio", "interneuron_potency"),
    Parameter("glutamate_gain", "fold", "glutamate_gain"),
    Parameter("steepness", "dimensionless", "glutamate_steepness"),
    Parameter("glutamate_time", "h", "glutamate_time"),
    Parameter("bdnf_gain", "fold", "bdnf_gain"),
    Parameter("bdnf_time", "h", "bdnf_time"),
    Parameter("val66met", "ratio", "val66met_release"),
    Parameter("potentiation_time", "h", "potentiation_time"),
    Parameter("spine_formation", "1/hour**2", "spine_formation"),
    Parameter("spine_time", "h", "spine_time"),
)


def _saturation(v: Values) -> Any:
    """Sum of unbound concentration over half-occupying concentration, all ligands."""
    total = 0
    for analyte in ("ketamine", "norketamine"):
        ki = {e: v[f"ki_{e.lower()}_{analyte}"] for e in ("S", "R")}
        # K_e = ki_e * shift, with shift such that the racemate has the in-vivo potency.
        shift = v.kpuu * v[f"ic50_{analyte}"] * (1 / ki["S"] + 1 / ki["R"]) / 2
        for e in ("S", "R"):
            total = total + v[f"unbound:{e}-{analyte}"] / (ki[e] * shift)
    return total


def _equations(m: Maths, v: Values) -> Equations:
    x = _saturation(v)
    cortical = x / (1 + x)
    interneuron = v.interneuron_potency * x / (1 + v.interneuron_potency * x)
    surge = interneuron * (1 - cortical) ** v.steepness
    # A Met allele (one or two) lowers activity-dependent release.
    genotype = 1 + v.bdnf_met * (v.val66met - 1)
    throughput = v["activity:AMPA"] * (v.glutamate - 1)
    release = v.bdnf_gain * genotype * v["activity:BDNF"] * throughput
    drive = v["activity:mTORC1"] * (v.bdnf - 1) / (v.bdnf_gain * v.glutamate_gain)
    return Equations(
        rates={
            "glutamate": (1 + v.glutamate_gain * surge - v.glutamate) / v.glutamate_time,
            "bdnf": (1 + release - v.bdnf) / v.bdnf_time,
            "potentiation": drive - v.potentiation / v.potentiation_time,
            "spines": v.spine_formation * v.potentiation - (v.spines - 1) / v.spine_time,
        },
        outputs={
            "occupancy:NMDA:cortical": cortical,
            "occupancy:NMDA:interneuron": interneuron,
            "circuit:glutamate": v.glutamate,
            "synapse:BDNF": v.bdnf,
            "synapse:potentiation": v.potentiation,
            "synapse:spines": v.spines,
        },
    )


def brain() -> Layer:
    """Return the brain layer: time in hours, unbound concentrations in micromolar."""
    return Layer(
        name="brain",
        equations=_equations,
        inputs=_INPUTS,
        outputs=_OUTPUTS,
        states=_STATES,
        parameters=_PARAMETERS,
        covariates=(Covariate("bdnf_met", "dimensionless"),),
        targets={
            "AMPA": "activity:AMPA",
            "BDNF": "activity:BDNF",
            "mTORC1": "activity:mTORC1",
        },
    )
