"""Dissociation, relief of depressive symptoms, and the relief that a trial's setting gives without a drug.

Dissociation (share of the top of a visual analogue scale) rises linearly with effect-site ketamine from a threshold;
steady-state ratings were linear from 50 to 200 ng/mL (Bowdle 1998), so plasma and effect site were equal there.

Relief is a share of baseline severity, in two parts. In responders the drug's part follows synaptic potentiation:
``target = (responder maximum + study) potentiation / (potentiation + half)``, ``d relief/dt = (target - relief) / T``;
others do not change. The setting's part is kept up from the first session until some weeks after the last one; its
mean is ``logistic(logit(saline) + midazolam + open + new antidepressant + masked + per doubling of sites) +
study``, and it too
is carried by a share of people, so that its spread grows with its mean. What remains is ``(1 - relief)(1 - setting)``.
"""

from __future__ import annotations

from ketalab.model.contract import (
    Equations,
    Input,
    Layer,
    Maths,
    Output,
    Parameter,
    State,
    Values,
)

SETTINGS = {
    "midazolam": "control_midazolam",
    "open": "control_open",
    "new_antidepressant": "control_new_antidepressant",
    "masked": "control_masked",
    "site_doublings": "control_sites",
}

_INPUTS = (
    Input("synapse:potentiation", "h", "synaptic potentiation"),
    Input("equivalent:ketamine", "ng/mL", "ketamine at the effect site, as total plasma"),
    Input("session", "dimensionless", "1 while a treatment session is in effect", default=0.0),
    *(
        Input(f"setting:{name}", "dimensionless", f"setting of the trial: {name}", default=0.0)
        for name in SETTINGS
    ),
    Input("study:control", "fraction", "between-study effect on control relief", default=0.0),
    Input("study:drug", "fraction", "between-study effect on drug relief", default=0.0),
)

_OUTPUTS = (
    Output("state:dissociation", "fraction", "rating of dissociation, share of the scale"),
    Output("symptom:relief", "fraction", "relief by the drug, share of baseline severity"),
    Output("symptom:setting", "fraction", "relief by the setting, share of baseline severity"),
    Output("symptom:depression", "fraction", "depressive symptoms that remain, share of baseline"),
)

_STATES = (
    State("relief", "fraction", "relief by the drug"),
    State("setting", "fraction", "relief by the setting"),
)

_PARAMETERS = (
    Parameter("vas_threshold", "ng/mL", "vas_threshold"),
    Parameter("vas_top", "ng/mL", "vas_top"),
    Parameter("vas_at_top", "fraction", "vas_at_top", "lognormal", "dissociation_spread"),
    Parameter("relief_maximum", "fraction", "relief_maximum", "logitnormal", "relief_spread"),
    Parameter("responder", "fraction", "responder_share", "share"),
    Parameter("half_effective", "h", "half_effective_potentiation"),
    Parameter("relief_time", "h", "relief_time"),
    Parameter("control_relief", "fraction", "control_relief"),
    Parameter("control_share", "fraction", "control_responder_share"),
    Parameter("control_responder", "fraction", "control_responder_share", "share"),
    Parameter("control_time", "h", "control_time"),
    *(Parameter(f"per_{name}", "dimensionless", fact) for name, fact in SETTINGS.items()),
)


def _equations(m: Maths, v: Values) -> Equations:
    above = m.maximum(v["equivalent:ketamine"] - v.vas_threshold, 0)
    rating = v.vas_at_top * above / (v.vas_top - v.vas_threshold)

    dose_effect = v["synapse:potentiation"] / (v["synapse:potentiation"] + v.half_effective)
    drug = (v.responder * v.relief_maximum + v["study:drug"]) * dose_effect

    logit = m.log(v.control_relief / (1 - v.control_relief))
    for name in SETTINGS:
        logit = logit + v[f"per_{name}"] * v[f"setting:{name}"]
    mean = m.maximum(1 / (1 + m.exp(-logit)) + v["study:control"], 0)
    setting = v.session * v.control_responder * m.minimum(mean / v.control_share, 1)

    return Equations(
        rates={
            "relief": (drug - v.relief) / v.relief_time,
            "setting": (setting - v.setting) / v.control_time,
        },
        outputs={
            "state:dissociation": m.minimum(rating, 1),
            "symptom:relief": v.relief,
            "symptom:setting": v.setting,
            "symptom:depression": (1 - v.relief) * (1 - v.setting),
        },
    )


def mind() -> Layer:
    """Return the mind layer: time in hours, relief as shares of baseline severity."""
    return Layer(
        name="mind",
        equations=_equations,
        inputs=_INPUTS,
        outputs=_OUTPUTS,
        states=_STATES,
        parameters=_PARAMETERS,
    )
