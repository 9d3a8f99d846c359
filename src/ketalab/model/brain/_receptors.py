"""Which receptors are occupied: NMDA receptors in functional pools, opioid receptors, the serotonin transporter.

Occupancy is competitive. With unbound brain concentrations ``C`` and half-occupying ones ``K``, every pool has ``x
= sum(C_i / K_i)`` over all analytes and blockers, and ``occupancy = x / (1 + x)``. An affinity of zero (an
infinite ``K``) therefore gives back the occupancy without that molecule, to the last bit.

*Potency.* That of the racemate is measured in the rat in vivo (unbound plasma, Shaffer 2014), and so with
magnesium and whatever else holds there; affinities at the binding site enter only as ratios: ``1/K_rac = (1/K_S +
1/K_R)/2``. Metabolites whose potency in vivo is unknown take ketamine's ratio of the two.

*Magnesium.* Memantine's half-occupying concentration is that with magnesium, and at rest it is higher still:
magnesium holds the pore of a cell at rest, and of a habenula neuron that is hyperpolarised enough to burst. The
opposite finding is the hypothesis ``resting_magnesium`` switched off: memantine then blocks like ketamine, or with
a stated ratio to it (a weight between the two is the geometric mean). Without magnesium (input at 0) each has its
magnesium-free potency.

*Trapping.* Only a molecule that stays when the channel closes blocks rare, brief openings at rest: at resting
receptors each molecule counts with its trapped share.

*Opioid receptors.* Ketamine competes directly (about one part in a hundred at antidepressant concentrations);
naltrexone and 6-beta-naltrexol bind slowly and leave slowly, ``db/dt = k_on C (1 - b) - k_off b``, which gives the
blockade of days after one tablet, and hold fewer delta receptors. (2R,6R)-hydroxynorketamine binds mu and kappa
receptors as an inverse agonist where the hypothesis ``hnk_opioid`` holds, and nothing otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ketalab.model.brain._section import Section, activities
from ketalab.model.contract import Equations, Input, Maths, Output, Parameter, State, Values

#: Enantiomers of each analyte with the fact of the affinity that makes their ratio.
_PAIRS = {
    "ketamine": ("nmda_ki_s_ketamine", "nmda_ki_r_ketamine"),
    "norketamine": ("nmda_ki_s_norketamine", "nmda_ki_r_norketamine"),
    "dehydronorketamine": ("nmda_ki_s_dehydronorketamine", "nmda_ki_r_dehydronorketamine"),
    "hydroxynorketamine": ("nmda_ki_s_hydroxynorketamine", "nmda_ki_r_hydroxynorketamine"),
}
_OTHERS = ("memantine", "mk-801", "naltrexone", "6-beta-naltrexol")
_MOLECULES = (*(f"{e}-{name}" for name in _PAIRS for e in "SR"), *_OTHERS)

_ACTIVITIES, _TARGETS = activities(
    GluN1="NMDA receptors that are left",
    GluN1__LHb="NMDA receptors of the lateral habenula that are left",
    GluN1__mPFC="NMDA receptors of the medial prefrontal cortex that are left",
    magnesium="extracellular magnesium, 1 physiological",
    MOR="mu-opioid receptors that are left",
    KOR="kappa-opioid receptors that are left",
    DOR="delta-opioid receptors that are left",
    SERT="serotonin transporters that are left",
)

RECEPTORS = Section(
    inputs=(
        *(
            Input(f"unbound:{name}", "micromolar", f"unbound {name} in the brain", default=0.0)
            for name in _MOLECULES
        ),
        *_ACTIVITIES,
    ),
    targets=_TARGETS,
    states=(State("antagonised", "fraction", "mu receptors held by an antagonist"),),
    outputs=(
        Output(
            "occupancy:NMDA:cortical",
            "fraction",
            "NMDA receptors of cortical pyramidal cells blocked",
        ),
        Output(
            "occupancy:NMDA:interneuron",
            "fraction",
            "NMDA receptors of active interneurons blocked",
        ),
        Output(
            "occupancy:NMDA:resting",
            "fraction",
            "NMDA receptors of resting synapses blocked for good",
        ),
        Output(
            "occupancy:NMDA:habenula", "fraction", "NMDA receptors of the lateral habenula blocked"
        ),
        Output("current:NMDA:resting", "fold", "NMDA current of spontaneous release, 1 at rest"),
        Output("imaging:NMDA", "fold", "NMDA receptors that a tracer can bind, 1 without a drug"),
        Output("occupancy:MOR", "fraction", "mu-opioid receptors occupied by any drug"),
        Output("occupancy:KOR", "fraction", "kappa-opioid receptors occupied by any drug"),
        Output("occupancy:DOR", "fraction", "delta-opioid receptors occupied by any drug"),
        Output("receptor:MOR", "fold", "signalling of mu-opioid receptors, 1 basal"),
        Output("receptor:KOR", "fold", "signalling of kappa-opioid receptors, 1 basal"),
        Output("receptor:DOR", "fold", "signalling of delta-opioid receptors, 1 basal"),
        Output("occupancy:SERT", "fraction", "serotonin transporters blocked"),
    ),
    parameters=(
        Parameter("ic50_ketamine", "micromolar", "nmda_ic50_ketamine"),
        Parameter("ic50_norketamine", "micromolar", "nmda_ic50_norketamine"),
        *(
            Parameter(f"ki_{e}_{name}", "micromolar", fact)
            for name, facts in _PAIRS.items()
            for e, fact in zip("SR", facts, strict=True)
        ),
        Parameter("kpuu", "ratio", "unbound_brain_ratio"),
        Parameter("ketamine_magnesium_free", "ratio", "nmda_ketamine_magnesium_free"),
        Parameter("memantine_magnesium", "micromolar", "nmda_ic50_memantine_magnesium"),
        Parameter("memantine_magnesium_free", "micromolar", "nmda_ic50_memantine_magnesium_free"),
        Parameter("memantine_alike", "ratio", "nmda_memantine_over_ketamine"),
        Parameter("magnesium_at_rest", "ratio", "nmda_magnesium_at_rest"),
        Parameter("resting_magnesium", "dimensionless", "hypothesis_resting_magnesium"),
        Parameter("mk801", "micromolar", "nmda_ic50_mk801"),
        Parameter("interneuron_potency", "ratio", "interneuron_potency"),
        Parameter("trapped_ketamine", "fraction", "nmda_trapped_ketamine"),
        Parameter("trapped_memantine", "fraction", "nmda_trapped_memantine"),
        Parameter("mor_ketamine", "micromolar", "mor_ki_ketamine"),
        Parameter("kor_ketamine", "micromolar", "kor_ki_ketamine"),
        Parameter("dor_ketamine", "micromolar", "dor_ki_ketamine"),
        Parameter("opioid_ratio", "ratio", "opioid_s_over_r"),
        Parameter("opioid_efficacy", "fraction", "opioid_efficacy_ketamine"),
        Parameter("hnk_opioid", "dimensionless", "hypothesis_hnk_opioid"),
        Parameter("hnk_opioid_ki", "micromolar", "opioid_ki_hydroxynorketamine"),
        Parameter("hnk_inverse", "fraction", "opioid_inverse_efficacy_hydroxynorketamine"),
        Parameter("naltrexone_on", "1/micromolar/hour", "naltrexone_mor_association"),
        Parameter("naltrexol_ratio", "ratio", "naltrexol_mor_potency"),
        Parameter("naltrexone_off", "1/hour", "naltrexone_mor_dissociation"),
        Parameter("naltrexone_dor", "ratio", "naltrexone_dor_ratio"),
    ),
)


@dataclass(frozen=True)
class Blocks:
    """What the sections after this one read: shares of receptors blocked, and of opioid receptors free of
    antagonist.
    """

    cortical: Any
    interneuron: Any
    resting: Any
    habenula: Any
    habenula_left: Any
    mu_free: Any
    mu_agonism: Any


def _enantiomers(v: Values) -> Mapping[str, Any]:
    """``C / K`` of every molecule of ketamine's chain, with K as an in-vivo potency."""
    made = {}
    for name in _PAIRS:
        # K_e = ki_e * shift, with shift such that the racemate has the in-vivo potency.
        anchor = "norketamine" if name == "norketamine" else "ketamine"
        s, r = v[f"ki_S_{anchor}"], v[f"ki_R_{anchor}"]
        shift = v.kpuu * v[f"ic50_{anchor}"] * (1 / s + 1 / r) / 2
        for e in "SR":
            made[f"{e}-{name}"] = v[f"unbound:{e}-{name}"] / (v[f"ki_{e}_{name}"] * shift)
    return made


def receptors(m: Maths, v: Values) -> tuple[Equations, Blocks]:
    """Occupancies of all pools, and what the other sections read of them."""
    magnesium = v["activity:magnesium"]
    free = magnesium + (1 - magnesium) * v.ketamine_magnesium_free
    chain = sum(_enantiomers(v).values()) * free
    mk801 = v["unbound:mk-801"] / v.mk801

    def memantine(at_rest: Any) -> Any:
        """Memantine's C / K, with the pore held by magnesium as it is in that pool."""
        # Powers of potencies, not logarithms of concentrations: a potency of nothing stays nothing in every world.
        # They are taken relative to ketamine's, so that what is raised to a power has no unit.
        ketamine = v.kpuu * v.ic50_ketamine
        held = ketamine / (v.memantine_magnesium * at_rest)
        magnesium_holds = v.resting_magnesium
        there = held**magnesium_holds * v.memantine_alike ** (1 - magnesium_holds) / ketamine
        potency = magnesium * there + (1 - magnesium) / v.memantine_magnesium_free
        return v["unbound:memantine"] * potency

    active, silenced = memantine(1), memantine(v.magnesium_at_rest)
    x = chain + mk801 + active
    x_interneuron = v.interneuron_potency * (chain + mk801) + active
    x_rest = chain + mk801 + silenced
    trapped = v.trapped_ketamine * chain + mk801 + v.trapped_memantine * silenced

    here, everywhere = v["activity:GluN1:mPFC"], v["activity:GluN1"]
    left = everywhere * here
    cortical = 1 - left / (1 + x)
    interneuron = 1 - left / (1 + x_interneuron)
    resting = 1 - left * (1 - trapped / (1 + x_rest))
    habenula_left = everywhere * v["activity:GluN1:LHb"] / (1 + x_rest)
    opioid, blocks = _opioid(v)
    return (
        Equations(
            rates=opioid.rates,
            outputs={
                "occupancy:NMDA:cortical": cortical,
                "occupancy:NMDA:interneuron": interneuron,
                "occupancy:NMDA:resting": resting,
                "occupancy:NMDA:habenula": 1 - habenula_left,
                "current:NMDA:resting": left / (1 + x_rest),
                "imaging:NMDA": left / (1 + x),
                "occupancy:SERT": 1 - v["activity:SERT"],
                **opioid.outputs,
            },
        ),
        Blocks(cortical, interneuron, resting, x_rest / (1 + x_rest), habenula_left, *blocks),
    )


def _opioid(v: Values) -> tuple[Equations, tuple[Any, Any]]:
    s, r = v["unbound:S-ketamine"], v["unbound:R-ketamine"]
    # The racemate has the measured Ki: K_S = Ki (1 + ratio) / (2 ratio), K_R = ratio K_S.
    both = 2 * (v.opioid_ratio * s + r) / (1 + v.opioid_ratio)
    hnk = v.hnk_opioid * v["unbound:R-hydroxynorketamine"] / v.hnk_opioid_ki
    antagonist = v["unbound:naltrexone"] + v.naltrexol_ratio * v["unbound:6-beta-naltrexol"]
    free = 1 - v.antagonised
    outputs = {}
    agonism = {}
    left = 1 - v.naltrexone_dor * v.antagonised
    for name, ki, metabolite, unheld in (
        ("MOR", v.mor_ketamine, hnk, free),
        ("KOR", v.kor_ketamine, hnk, free),
        ("DOR", v.dor_ketamine, 0, left),
    ):
        ketamine = both / ki
        outputs[f"occupancy:{name}"] = 1 - unheld / (1 + ketamine + metabolite)
        held = v[f"activity:{name}"] * unheld / (1 + ketamine + metabolite)
        agonism[name] = v.opioid_efficacy * ketamine * held
        outputs[f"receptor:{name}"] = (
            v[f"activity:{name}"] + agonism[name] - v.hnk_inverse * metabolite * held
        )
    rate = v.naltrexone_on * antagonist * free - v.naltrexone_off * v.antagonised
    inverse = hnk / (1 + hnk)
    mu_free = v["activity:MOR"] * free * (1 - inverse)
    return Equations({"antagonised": rate}, outputs), (mu_free, agonism["MOR"])
