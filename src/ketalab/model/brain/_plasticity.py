"""From block and surge to synapses: eEF2, BDNF, TrkB, mTORC1, AMPA receptors, proteins, spines.

*At rest.* Block of spontaneous NMDA transmission takes the brake off translation: phosphorylated eEF2 falls by
``brake r**3 / (r**3 + half**3)`` (the blocked and trapped share ``r`` of resting receptors; the third power makes
little block count little), and BDNF is translated in proportion within half an hour (Autry 2011). Inhibitors of
the kinase do the same.

*On release.* The surge that passes AMPA receptors releases what was translated: ``flux = AMPA surge translated``,
so that neither a blocker that spares resting receptors (memantine) nor one that blocks everything (no surge) gets
through. A Met allele releases less. TrkB passes it on; ``trkb_direct`` adds ketamine's own binding, ``r_path`` a
path of R-ketamine beside mTORC1, ``hnk_behaviour`` hydroxynorketamine, each as a hypothesis.

*Two clocks.* Translated BDNF inserts AMPA receptors within the hour (**early**, gone within a day). Released BDNF
gives a pulse of mTORC1, whose protein synthesis (**late**) lasts for days, restores long-term potentiation after
some hours (as hydroxynorketamine does by itself) and adds spines from the first day on. Opioid tone lets the late
phase through where ``opioid_gate`` holds. Potentiation is measured in hours of full drive, so that the gains of
glutamate and BDNF do not move it.
"""

from __future__ import annotations

from typing import Any

from ketalab.model.brain._glutamate import throughput
from ketalab.model.brain._receptors import Blocks
from ketalab.model.brain._section import Section, activities
from ketalab.model.contract import Covariate, Equations, Maths, Output, Parameter, State, Values

_ACTIVITIES, _TARGETS = activities(
    eEF2K="activity of the eEF2 kinase that is left",
    translation="synthesis of proteins that is left",
    BDNF="BDNF that is left",
    TrkB="TrkB signalling that is left",
    mTORC1="mTORC1 signalling that is left",
    GluA2="AMPA receptors that can be inserted",
)

PLASTICITY = Section(
    inputs=_ACTIVITIES,
    targets=_TARGETS,
    covariates=(Covariate("bdnf_met", "dimensionless"),),
    states=(
        State("eef2", "fold", "phosphorylated eEF2", initial=1.0),
        State(
            "translated",
            "fraction",
            "BDNF translated anew, share of the most, above 1",
            initial=1.0,
        ),
        State("released", "fraction", "BDNF released, share of the most, above 1", initial=1.0),
        State("early", "h", "AMPA receptors inserted, hours of full drive"),
        State("pulse", "fraction", "mTORC1 signalling, share of the most, above 1", initial=1.0),
        State("potentiation", "h", "synaptic potentiation, hours of full drive"),
        State("matured", "h", "potentiation that has come to act, hours of full drive"),
        State(
            "alone",
            "fraction",
            "path of R-ketamine beside mTORC1, share of full drive, above 1",
            initial=1.0,
        ),
        State(
            "metabolite",
            "fold",
            "drive of the metabolite on plasticity, a share above 1",
            initial=1.0,
        ),
        State("restored", "h", "plasticity restored, hours of full drive"),
        State("spines", "fold", "spine density", initial=1.0),
        State("plasma_bdnf", "fold", "BDNF in plasma", initial=1.0),
    ),
    outputs=(
        Output("synapse:eEF2", "fold", "phosphorylated eEF2, 1 at rest"),
        Output("synapse:BDNF", "fold", "BDNF, 1 at rest"),
        Output("blood:BDNF", "fold", "BDNF in plasma, 1 at rest"),
        Output("synapse:mTORC1", "fold", "mTORC1 signalling, 1 at rest"),
        Output("synapse:AMPA", "h", "AMPA receptors inserted early, hours of full drive"),
        Output("synapse:potentiation", "h", "synaptic potentiation, hours of full drive"),
        Output("synapse:proteins", "fold", "synaptic proteins, 1 at rest"),
        Output(
            "synapse:LTP",
            "fraction",
            "deficit of long-term potentiation, share of that under stress",
        ),
        Output("synapse:spines", "fold", "density of dendritic spines, 1 at rest"),
        Output("synapse:formation", "fold", "rate at which spines form, 1 at rest"),
        Output("imaging:SV2A", "fold", "synaptic density as imaging sees it, 1 at rest"),
        Output("relief:early", "fraction", "early relief of despair", public=False),
        Output("relief:late", "fraction", "late relief of despair", public=False),
    ),
    parameters=(
        Parameter("brake", "fraction", "eef2_brake"),
        Parameter("half_resting", "fraction", "half_resting_block"),
        Parameter("eef2_time", "h", "eef2_time"),
        Parameter("translation_time", "h", "translation_time"),
        Parameter("bdnf_gain", "fold", "bdnf_gain"),
        Parameter("bdnf_time", "h", "bdnf_time"),
        Parameter("val66met", "ratio", "val66met_release"),
        Parameter("plasma_bdnf_time", "h", "plasma_bdnf_time"),
        Parameter("early_time", "h", "early_time"),
        Parameter("pulse_time", "h", "mtorc1_time"),
        Parameter("mtorc1_gain", "fold", "mtorc1_gain"),
        Parameter("potentiation_time", "h", "potentiation_time"),
        Parameter("maturation_time", "h", "maturation_time"),
        Parameter("protein_gain", "1/hour", "protein_gain"),
        Parameter("restoring_time", "h", "restoring_time"),
        Parameter("half_restored", "h", "half_restored"),
        Parameter("hnk_restoring", "h", "hnk_restoring"),
        Parameter("hnk_half", "micromolar", "hnk_half_effective"),
        Parameter("spine_formation", "1/hour**2", "spine_formation"),
        Parameter("turnover", "1/hour", "spine_turnover"),
        Parameter("seen_by_imaging", "fraction", "sv2a_share"),
        Parameter("half_early", "h", "half_effective_early"),
        Parameter("half_late", "h", "half_effective_late"),
        Parameter("opioid_gate", "dimensionless", "hypothesis_opioid_gate"),
        Parameter("trkb_direct", "dimensionless", "hypothesis_trkb_direct"),
        Parameter("trkb_half", "micromolar", "trkb_half_effective"),
        Parameter("trkb_strength", "fraction", "trkb_strength"),
        Parameter("r_path", "dimensionless", "hypothesis_r_path"),
        Parameter("r_half", "micromolar", "r_path_half_effective"),
        Parameter("r_gain", "ratio", "r_path_gain"),
        Parameter("hnk_behaviour", "dimensionless", "hypothesis_hnk_behaviour"),
        Parameter("hnk_strength", "fraction", "hnk_strength"),
    ),
)


def _saturated(x: Any, half: Any) -> Any:
    return x / (x + half)


def _flux(v: Values) -> tuple[Any, Any]:
    """What TrkB passes on of released BDNF, and what passes it beside BDNF (hypotheses), shares of full drive.

    Release follows disinhibition: less glutamate than at rest takes back nothing that was released.
    """
    genotype = 1 + v.bdnf_met * (v.val66met - 1)
    flux = genotype * throughput(v) * (v.disinhibited - 1) * (v.translated - 1)
    both = v["unbound:S-ketamine"] + v["unbound:R-ketamine"]
    direct = v.trkb_direct * v.trkb_strength * _saturated(both, v.trkb_half)
    return v["activity:BDNF"] * flux, direct


def plasticity(m: Maths, v: Values, blocks: Blocks) -> Equations:
    """Rates and outputs of the synapse, from resting block to spines."""
    # States that fall back to nothing count from one, so that an error is small beside what they are at their peak.
    translated, pulse, alone = v.translated - 1, v.pulse - 1, v.alone - 1
    cube, half = blocks.resting**2 * blocks.resting, v.half_resting**2 * v.half_resting
    braked = 1 - v.brake * cube / (cube + half)
    unbraked = v["activity:translation"] * (1 - v.eef2)
    hnk = _saturated(v["unbound:R-hydroxynorketamine"], v.hnk_half)
    own = v.hnk_behaviour * v.hnk_strength * hnk
    flux, direct = _flux(v)
    trkb = v["activity:TrkB"]
    signal = trkb * (flux + direct) + own
    r_alone = v.r_path * v.r_gain * _saturated(v["unbound:R-ketamine"], v.r_half) * flux
    gate = 1 - v.opioid_gate * (1 - blocks.mu_free)
    inserted = v["activity:GluA2"] * (trkb * (v["activity:BDNF"] * translated + direct) + own)
    growth = v.spine_formation * v.potentiation
    bdnf = v["activity:BDNF"] * (1 + translated + v.bdnf_gain * (v.released - 1))
    late = v["activity:AMPA"] * _saturated(v.matured, v.half_late)
    early = v["activity:AMPA"] * _saturated(v.early, v.half_early)
    return Equations(
        rates={
            "eef2": (v["activity:eEF2K"] * braked - v.eef2) / v.eef2_time,
            "translated": (unbraked - translated) / v.translation_time,
            "released": (flux + 1 - v.released) / v.bdnf_time,
            "early": inserted - v.early / v.early_time,
            "pulse": (v["activity:mTORC1"] * signal - pulse) / v.pulse_time,
            "matured": (v.potentiation - v.matured) / v.maturation_time,
            "alone": (trkb * r_alone - alone) / v.bdnf_time,
            "potentiation": gate * (pulse + alone) - v.potentiation / v.potentiation_time,
            "metabolite": (hnk + 1 - v.metabolite) / v.bdnf_time,
            "restored": (v.potentiation + v.hnk_restoring * (v.metabolite - 1) - v.restored)
            / v.restoring_time,
            "spines": growth - v.turnover * (v.spines - 1),
            "plasma_bdnf": (bdnf - v.plasma_bdnf) / v.plasma_bdnf_time,
        },
        outputs={
            "synapse:eEF2": v.eef2,
            "synapse:BDNF": bdnf,
            "blood:BDNF": v.plasma_bdnf,
            "synapse:mTORC1": v["activity:mTORC1"] + v.mtorc1_gain * pulse,
            "synapse:AMPA": v.early,
            "synapse:potentiation": v.potentiation,
            "synapse:proteins": 1 + v.protein_gain * v.matured,
            "synapse:LTP": v.stress * v.half_restored / (v.half_restored + v.restored),
            "synapse:spines": v.spines,
            "synapse:formation": 1 + growth / v.turnover,
            "imaging:SV2A": 1 + v.seen_by_imaging * (v.spines - 1),
            "relief:early": early,
            "relief:late": late,
        },
    )
