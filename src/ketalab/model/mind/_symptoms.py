"""What is left of symptoms: relief by the drug, by other treatments, by the setting and by the course of the illness.

Relief is a share of baseline severity. In responders the drug's part follows synaptic potentiation within an hour,
``d relief/dt = (P / (P + half) - relief) / T``, and what is relieved again and again is kept for weeks:
``d kept/dt = relief (1 - kept) / build - kept / loss``. ``held = 1 - (1 - relief)(1 - keeps kept)`` is what the
responder's own most is multiplied by; others do not change (a two-part mixture).

The setting's part is kept up from the first session until some weeks after the last one, and it too is carried by a
share of people. Its mean has two readings (hypothesis *expectancy*). Without it, the kind of control says how much
there is, for all arms alike. With it, what a person believes says so, arm by arm, and less of the difference is the
drug's own. Hypothesis *experience*: part of the drug's own relief needs dissociation that was lived through.

Depression has domains. What remains of one is ``D (1 - (1 - D) d)``, with ``D`` that of depression and ``d`` the
domain's lead before the weighted mean: so the weighted mean of the domains is ``D``, and each lies between 0 and 1.
Nothing on record says that they differ, and the leads are priors.

Treatments that act over weeks come in by their own courses. Other domains are carried by mood in part and relieved on
their own in part. What remains of a domain is a product of what each part leaves.
"""

from __future__ import annotations

from typing import Any

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
    "crisis": "control_crisis",
    "crossover": "control_crossover",
    "drug_free": "control_drug_free",
    "odds": "control_odds",
    "class": "control_class",
}
#: Domains beside depression, in words.
DOMAINS = {
    "suicidality": "suicidal ideation",
    "anxiety": "anxiety",
    "ptsd": "symptoms of post-traumatic stress",
    "ocd": "obsessions and compulsions",
    "substance": "craving and use of substances",
}
#: Domains of depression itself, in words.
DEPRESSION = {
    "mood": "low mood",
    "anhedonia": "loss of interest and pleasure",
    "vegetative": "sleep, appetite and energy",
    "cognitive": "concentration and thought",
}
#: Treatments that act over weeks, and the activity that says (by what is missing to 1) that they are given.
TREATMENTS = {"ECT": "electroconvulsive therapy", "augmentation": "augmentation with quetiapine"}

_INPUTS = (
    Input("synapse:potentiation", "h", "synaptic potentiation"),
    Input("circuit:monoamine", "fraction", "slow effect of a blocked serotonin transporter"),
    Input("belief:drug", "fraction", "belief in having got the drug"),
    Input("belief:experience", "fraction", "dissociation as it is remembered"),
    Input("session", "dimensionless", "1 while a treatment session is in effect", default=0.0),
    Input("illness:course", "dimensionless", "1 while the illness takes its course", default=0.0),
    *(
        Input(f"setting:{name}", "dimensionless", f"setting of the trial: {name}", default=0.0)
        for name in SETTINGS
    ),
    *(
        Input(f"without:{name}", "fold", f"1 without {what}", 1.0)
        for name, what in TREATMENTS.items()
    ),
    Input("study:control", "fraction", "between-study effect on control relief", default=0.0),
    Input("study:drug", "fraction", "between-study effect on drug relief", default=0.0),
)

_OUTPUTS = (
    Output("symptom:relief", "fraction", "relief by the drug, share of baseline severity"),
    Output("symptom:setting", "fraction", "relief by the setting, share of baseline severity"),
    Output("symptom:expectancy", "fraction", "mean relief that belief adds, share of baseline"),
    Output("symptom:treatment", "fraction", "relief by treatments over weeks, share of baseline"),
    Output("symptom:natural", "fraction", "relief by the course of the illness, share of baseline"),
    Output("symptom:depression", "fraction", "depressive symptoms that remain, share of baseline"),
    *(
        Output(
            f"symptom:depression:{name}",
            "fraction",
            f"domain of depression: {what}, share of baseline that remains (a prior)",
        )
        for name, what in DEPRESSION.items()
    ),
    *(
        Output(f"symptom:{name}", "fraction", f"{what} that remain, share of baseline")
        for name, what in DOMAINS.items()
    ),
)

_STATES = (
    State("relief", "fraction", "relief by the drug, share of a responder's most"),
    State("kept", "fraction", "relief that repeats have made to last"),
    State("setting", "fraction", "relief by the setting"),
    State("natural", "fraction", "relief by the course of the illness"),
    *(State(name, "fraction", f"course of {what}") for name, what in TREATMENTS.items()),
)

_PARAMETERS = (
    Parameter("relief_maximum", "fraction", "relief_maximum", "logitnormal", "relief_spread"),
    Parameter("responder", "fraction", "responder_share", "share"),
    Parameter("half_effective", "h", "half_effective_potentiation"),
    Parameter("relief_time", "h", "relief_time"),
    Parameter("kept_build", "h", "kept_build_time"),
    Parameter("kept_loss", "h", "kept_loss_time"),
    Parameter("keeps", "fraction", "kept_share"),
    Parameter("expectancy", "dimensionless", "hypothesis_expectancy"),
    Parameter("expectancy_slope", "fraction", "expectancy_slope"),
    Parameter("expectancy_own", "fraction", "expectancy_own_share"),
    Parameter("expectancy_masked", "fraction", "expectancy_in_masked"),
    Parameter("prior", "fraction", "belief_before"),
    Parameter("doubt", "dimensionless", "belief_doubt"),
    Parameter("experience", "dimensionless", "hypothesis_experience"),
    Parameter("experience_share", "fraction", "experience_share"),
    Parameter("experience_usual", "fraction", "experience_usual"),
    Parameter("control_relief", "fraction", "control_relief"),
    Parameter("control_share", "fraction", "control_responder_share"),
    Parameter("control_responder", "fraction", "control_responder_share", "share"),
    Parameter("control_time", "h", "control_time"),
    *(Parameter(f"per_{name}", "dimensionless", fact) for name, fact in SETTINGS.items()),
    Parameter("natural_most", "fraction", "natural_relief"),
    Parameter("natural_time", "h", "natural_time"),
    Parameter("monoamine_most", "fraction", "monoamine_relief"),
    Parameter("monoamine_responder", "fraction", "monoamine_responder_share", "share"),
    *(
        parameter
        for name in TREATMENTS
        for parameter in (
            Parameter(f"{name}_most", "fraction", f"{name.lower()}_relief"),
            Parameter(f"{name}_responder", "fraction", f"{name.lower()}_responder_share", "share"),
            Parameter(f"{name}_time", "h", f"{name.lower()}_time"),
            Parameter(f"{name}_loss", "h", f"{name.lower()}_loss"),
        )
    ),
    *(
        parameter
        for name in DEPRESSION
        for parameter in (
            Parameter(f"{name}_weight", "ratio", f"depression_{name}_weight"),
            Parameter(f"{name}_lead", "fraction", f"depression_{name}_lead"),
        )
    ),
    *(
        parameter
        for name in DOMAINS
        for parameter in (
            Parameter(f"{name}_carried", "fraction", f"{name}_carried_by_mood"),
            Parameter(f"{name}_most", "fraction", f"{name}_relief"),
            Parameter(f"{name}_responder", "fraction", f"{name}_responder_share", "share"),
        )
    ),
)


def _setting(m: Maths, v: Values) -> tuple[Any, Any]:
    """What share of their most those relieved by the setting come to, and the part of it that belief adds."""
    told = 1 - v.expectancy
    weights = {
        "midazolam": told,
        "open": told,
        "odds": told,
        "masked": 1 - v.expectancy * v.expectancy_masked,
    }
    logit = m.log(v.control_relief / (1 - v.control_relief))
    for name in SETTINGS:
        logit = logit + weights.get(name, 1) * v[f"per_{name}"] * v[f"setting:{name}"]
    mean = m.maximum(1 / (1 + m.exp(-logit)) + v["study:control"], 0)
    first = m.minimum(mean / v.control_share, 1)
    # Belief is least where nothing at all was felt, so that it never takes relief away.
    nothing = v.prior / (v.prior + (1 - v.prior) * m.exp(v.doubt))
    moved = v.expectancy * v.expectancy_slope * (v["belief:drug"] - nothing) / v.control_share
    added = (1 - first) * (1 - m.exp(-moved))
    return first + added, added


def _drug(m: Maths, v: Values) -> tuple[Any, Any]:
    """Relief by the drug, and the share of a responder's most that is held now."""
    held = 1 - (1 - v.relief) * (1 - v.keeps * v.kept)
    lived = m.minimum(v["belief:experience"] / v.experience_usual, 1)
    own = (1 - v.experience * v.experience_share * (1 - lived)) * (
        1 - v.expectancy * (1 - v.expectancy_own)
    )
    return (v.responder * v.relief_maximum * own + v["study:drug"]) * held, held


def _course(v: Values, name: str) -> Any:
    """Rate of a treatment's course: it builds up while it is given, and is lost more slowly when it has stopped."""
    stopped = v[f"without:{name}"]
    return (1 - stopped) * (1 - v[name]) / v[f"{name}_time"] - stopped * v[name] / v[f"{name}_loss"]


def _depression(v: Values, remaining: Any) -> dict[str, Any]:
    """Domains of depression, whose weighted mean is what remains of it."""
    total = sum(v[f"{name}_weight"] for name in DEPRESSION)
    mean = sum(v[f"{name}_weight"] * v[f"{name}_lead"] for name in DEPRESSION) / total
    return {
        f"symptom:depression:{name}": remaining * (1 - (1 - remaining) * (v[f"{name}_lead"] - mean))
        for name in DEPRESSION
    }


def _equations(m: Maths, v: Values) -> Equations:
    dose_effect = v["synapse:potentiation"] / (v["synapse:potentiation"] + v.half_effective)
    share, added = _setting(m, v)
    setting = v.session * v.control_responder * share
    drug, held = _drug(m, v)

    untreated = 1 - v.monoamine_responder * v.monoamine_most * v["circuit:monoamine"]
    for name in TREATMENTS:
        untreated = untreated * (1 - v[f"{name}_responder"] * v[f"{name}_most"] * v[name])
    depression = (1 - drug) * (1 - v.setting) * untreated * (1 - v.natural)
    domains = {
        f"symptom:{name}": (1 - v[f"{name}_carried"] * (1 - depression))
        * (1 - v[f"{name}_responder"] * v[f"{name}_most"] * held)
        for name in DOMAINS
    }
    return Equations(
        rates={
            "relief": (dose_effect - v.relief) / v.relief_time,
            "kept": v.relief * (1 - v.kept) / v.kept_build - v.kept / v.kept_loss,
            "setting": (setting - v.setting) / v.control_time,
            "natural": (v["illness:course"] * v.natural_most - v.natural) / v.natural_time,
            **{name: _course(v, name) for name in TREATMENTS},
        },
        outputs={
            "symptom:relief": drug,
            "symptom:setting": v.setting,
            "symptom:expectancy": added * v.session * v.control_share,
            "symptom:treatment": 1 - untreated,
            "symptom:natural": v.natural,
            "symptom:depression": depression,
            **_depression(v, depression),
            **domains,
        },
    )


def mind() -> Layer:
    """Return the layer of symptoms: time in hours, relief as shares of baseline severity."""
    return Layer(
        name="mind",
        equations=_equations,
        inputs=_INPUTS,
        outputs=_OUTPUTS,
        states=_STATES,
        parameters=_PARAMETERS,
        targets={name: f"without:{name}" for name in TREATMENTS},
    )
