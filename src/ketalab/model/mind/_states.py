"""Acute states: what is felt and how awake one is, from ketamine at the effect site.

All read one drive: enantiomers weighted by potency, as the racemate that would do the same
(``drive = (S + R / potency) 2 / (1 + 1 / potency)``). Strengths (ratings, CADSS) rise on a line from a threshold, as
ratings at steady state do; regions are passed with rising drive, person by person:

``dissociated = x^h / (1 + x^h)`` with ``x = sensitivity drive / threshold``, and likewise the share of it that is the
K-hole. Responsiveness is lost near one concentration and comes back near a lower one: its threshold lies at their
geometric mean and is passed by ``drive + inertia (lag - drive)``, ``d lag/dt = (drive - lag) / time``.
Those who respond are divided among ordinary, dissociated and K-hole, so that the four
probabilities always sum to one; of those who do not, who is past the concentrations of operations is in anaesthesia.
Strengths wane with tolerance, which repeats build and weeks undo.
"""

from __future__ import annotations

from typing import Any

from ketalab.model.contract import Equations, Input, Layer, Maths, Output, Parameter, State, Values

#: Parts of the CADSS.
SUBSCALES = ("amnesia", "depersonalisation", "derealisation")

_INPUTS = (
    Input("equivalent:S-ketamine", "ng/mL", "S-ketamine at the effect site, as total plasma"),
    Input("equivalent:R-ketamine", "ng/mL", "R-ketamine at the effect site, as total plasma"),
    Input("plasma:effect:midazolam", "ng/mL", "midazolam at the effect site"),
    Input("plasma:effect:propofol", "ng/mL", "propofol at the effect site"),
)

_OUTPUTS = (
    Output("state:drive", "ng/mL", "racemate at the effect site that would act alike", False),
    Output("state:depth", "fraction", "how far into dissociation, as it is felt", False),
    Output("state:tolerance", "fraction", "strength of states lost to tolerance"),
    Output("state:analgesia", "fraction", "analgesia, share of the most"),
    Output("state:dissociation", "fraction", "rating of dissociation, share of the scale"),
    Output("state:CADSS", "points", "dissociation on the CADSS as a rater would total it"),
    *(
        Output(f"state:CADSS:{name}", "points", f"part of the CADSS total: {name}")
        for name in SUBSCALES
    ),
    Output("state:perception", "fraction", "rating of changed perception, share of the scale"),
    Output("state:cognition", "fraction", "memory and attention lost for the time, share"),
    Output("state:euphoria", "fraction", "rating of euphoria and drug liking, share of the scale"),
    Output("state:anxiety", "fraction", "rating of anxiety and suspicion, share of the scale"),
    Output("state:tone", "dimensionless", "emotional tone, euphoria less anxiety"),
    Output("state:sedation", "fraction", "sedation, share of the way to no response"),
    Output("state:MOAAS", "points", "alertness on the MOAA/S scale, 5 awake"),
    Output("p:sedation", "fraction", "probability of any sedation (MOAA/S below 5)"),
    Output("p:ordinary", "fraction", "probability of the ordinary state"),
    Output("p:dissociated", "fraction", "probability of dissociation short of the K-hole"),
    Output("p:khole", "fraction", "probability of the K-hole: awake, out of reach of the world"),
    Output("p:unresponsive", "fraction", "probability of no response to a call"),
    Output("p:anaesthesia", "fraction", "probability of anaesthesia, a part of no response"),
)

_PARAMETERS = (
    Parameter("floor", "dimensionless", "state_floor"),
    Parameter("potency", "ratio", "state_potency_s_over_r"),
    Parameter("sensitivity", "ratio", "unity", "lognormal", "state_sensitivity_spread"),
    Parameter("vas_threshold", "ng/mL", "vas_threshold"),
    Parameter("vas_top", "ng/mL", "vas_top"),
    Parameter("vas_at_top", "fraction", "vas_at_top", "lognormal", "dissociation_spread"),
    Parameter("perception_at_top", "fraction", "vas_at_top", "lognormal", "dissociation_spread"),
    Parameter("cadss_at_top", "points", "cadss_at_top", "lognormal", "cadss_spread"),
    Parameter("cadss_maximum", "points", "cadss_maximum"),
    *(Parameter(name, "fraction", f"cadss_{name}_share") for name in SUBSCALES),
    Parameter("euphoria_at_top", "fraction", "euphoria_at_top", "lognormal", "euphoria_spread"),
    Parameter("anxiety_at_top", "fraction", "anxiety_at_top", "lognormal", "euphoria_spread"),
    Parameter("anxiety_of_s", "fraction", "anxiety_of_s_excess"),
    Parameter("tolerance_gain", "1/hour", "tolerance_gain"),
    Parameter("tolerance_time", "h", "tolerance_time"),
    Parameter("analgesia_half", "ng/mL", "analgesia_half", "lognormal", "analgesia_spread"),
    Parameter("analgesia_slope", "dimensionless", "analgesia_slope"),
    Parameter("cognition_half", "ng/mL", "cognition_half", "lognormal", "analgesia_spread"),
    Parameter("threshold_s", "ng/mL", "dissociation_threshold_s"),
    Parameter("dissociation_slope", "dimensionless", "dissociation_slope"),
    Parameter("khole", "ng/mL", "khole_threshold"),
    Parameter("khole_slope", "dimensionless", "khole_slope"),
    Parameter("lost", "ng/mL", "responsiveness_lost", "lognormal", "responsiveness_lost_spread"),
    Parameter("back", "ng/mL", "responsiveness_back", "lognormal", "responsiveness_back_spread"),
    Parameter("responsiveness_slope", "dimensionless", "responsiveness_slope"),
    Parameter(
        "anaesthesia", "ng/mL", "anaesthesia_half", "lognormal", "responsiveness_lost_spread"
    ),
    Parameter("inertia", "fraction", "responsiveness_inertia"),
    Parameter("inertia_time", "h", "responsiveness_time"),
    Parameter("sedation_half", "ng/mL", "responsiveness_lost", "lognormal", "sedation_spread"),
    Parameter("midazolam_half", "ng/mL", "sedation_midazolam_half", "lognormal", "sedation_spread"),
    Parameter("propofol_half", "ng/mL", "sedation_propofol_half", "lognormal", "sedation_spread"),
    Parameter("sedation_seen", "fraction", "sedation_seen"),
    Parameter("sedation_slope", "dimensionless", "sedation_slope"),
    Parameter("levels", "points", "moaas_levels"),
)


def _passed(v: Values, x: Any, slope: Any) -> Any:
    """How likely a threshold is passed at ``x`` times it, with the steepness ``slope``; nothing at nothing.

    The floor keeps the power smooth there.
    """
    power = (x + v.floor) ** slope - v.floor**slope
    return power / (1 + power)


def _unresponsive(m: Maths, v: Values, drive: Any) -> Any:
    """How likely nobody answers: a threshold between loss and return, passed by a drive that inertia holds back."""
    held_back = m.maximum(drive + v.inertia * (v.lag - drive), 0)
    return _passed(v, held_back / m.sqrt(v.lost * v.back), v.responsiveness_slope)


def _equations(m: Maths, v: Values) -> Equations:
    s, r = v["equivalent:S-ketamine"], v["equivalent:R-ketamine"]
    racemic = 2 / (1 + 1 / v.potency)
    drive = m.maximum(s + r / v.potency, 0) * racemic
    unresponsive = _unresponsive(m, v, drive)
    awake = 1 - unresponsive
    felt = awake * (1 - v.tolerance)

    span = v.vas_top - v.vas_threshold
    line = m.maximum(drive - v.vas_threshold, 0) / span
    felt_now = v.sensitivity * drive
    dissociated = _passed(v, felt_now / (v.threshold_s * racemic), v.dissociation_slope)
    gone = _passed(v, felt_now / v.khole, v.khole_slope)

    cadss = felt * m.minimum(v.cadss_at_top * line, v.cadss_maximum)
    euphoria = felt * m.minimum(v.euphoria_at_top * line, 1) * (1 - dissociated * gone)
    excess = v.anxiety_of_s * m.maximum(s - r, 0) * racemic / span
    anxiety = felt * m.minimum(v.anxiety_at_top * line + excess, 1)
    depth = (
        drive / v.sedation_half
        + v["plasma:effect:midazolam"] / v.midazolam_half
        + v["plasma:effect:propofol"] / v.propofol_half
    )
    sedation = 1 - awake / (1 + m.maximum(depth, 0))
    return Equations(
        rates={
            "lag": (drive - v.lag) / v.inertia_time,
            "tolerance": v.tolerance_gain * dissociated * (1 - v.tolerance)
            - v.tolerance / v.tolerance_time,
        },
        outputs={
            "state:drive": drive,
            "state:depth": felt * dissociated,
            "state:tolerance": v.tolerance,
            "state:analgesia": _passed(v, drive / v.analgesia_half, v.analgesia_slope),
            "state:dissociation": felt * m.minimum(v.vas_at_top * line, 1),
            "state:CADSS": cadss,
            **{f"state:CADSS:{name}": v[name] * cadss for name in SUBSCALES},
            "state:perception": felt * m.minimum(v.perception_at_top * line, 1),
            "state:cognition": 1 - awake * v.cognition_half / (v.cognition_half + drive),
            "state:euphoria": euphoria,
            "state:anxiety": anxiety,
            "state:tone": euphoria - anxiety,
            "state:sedation": sedation,
            "state:MOAAS": v.levels * (1 - sedation),
            "p:sedation": _passed(v, sedation / v.sedation_seen, v.sedation_slope),
            "p:ordinary": awake * (1 - dissociated),
            "p:dissociated": awake * dissociated * (1 - gone),
            "p:khole": awake * dissociated * gone,
            "p:unresponsive": unresponsive,
            # Who is in anaesthesia does not answer, so this is a share of those, and no fifth state.
            "p:anaesthesia": unresponsive
            * _passed(v, drive / v.anaesthesia, v.responsiveness_slope),
        },
    )


def states() -> Layer:
    """Return the layer of acute states: ratings as shares, probabilities that sum to one."""
    return Layer(
        name="states",
        equations=_equations,
        inputs=_INPUTS,
        outputs=_OUTPUTS,
        states=(
            State("lag", "ng/mL", "drive that responsiveness follows with inertia"),
            State("tolerance", "fraction", "strength of states lost to tolerance"),
        ),
        parameters=_PARAMETERS,
    )
