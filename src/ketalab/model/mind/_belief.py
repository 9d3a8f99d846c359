"""Belief in having got the drug, from what is felt, and what was felt as an experience.

Before anything is felt everybody believes what the allocation lets them expect: odds of the drug above even ones raise
belief as they are told. From the first session on the logit of
belief moves with what was felt (up) and with what was not (down), unless a mask takes both away:
``logit belief = logit prior + log(odds) + open + (1 - masked) (gain felt - doubt (1 - felt))``.

``felt`` is a memory that a session fills: ``d felt/dt = rate strength (1 - felt) - felt / time``. Its strength counts
dissociation, and sedation in part, so that an active control is felt too. ``experienced`` remembers dissociation alone:
it is what an effect of the experience would need, and anaesthesia takes it away.
"""

from __future__ import annotations

from ketalab.model.contract import Equations, Input, Layer, Maths, Output, Parameter, State, Values

_INPUTS = (
    Input("state:depth", "fraction", "how far into dissociation, as it is felt"),
    Input("state:sedation", "fraction", "sedation"),
    Input("session", "dimensionless", "1 while a treatment session is in effect", default=0.0),
    Input("setting:open", "dimensionless", "1 where all know what is given", default=0.0),
    Input("setting:masked", "dimensionless", "1 where anaesthesia masks the drug", default=0.0),
    Input("setting:odds", "dimensionless", "doublings of the odds of the drug", default=0.0),
)

_OUTPUTS = (
    Output("belief:drug", "fraction", "belief in having got the drug"),
    Output("belief:experience", "fraction", "dissociation as it is remembered"),
)


def _equations(m: Maths, v: Values) -> Equations:
    seen = 1 - v["setting:masked"]
    experience = v["state:depth"] * seen
    strength = 1 - (1 - experience) * (1 - v.sedation_felt * v["state:sedation"] * seen)
    moved = v.gain * v.felt - v.doubt * (1 - v.felt)
    logit = (
        m.log(v.prior / (1 - v.prior))
        + m.log(2) * m.maximum(v["setting:odds"], 0)
        + v.knows * v["setting:open"]
        + v.session * seen * (1 - v["setting:open"]) * moved
    )
    return Equations(
        rates={
            "felt": v.rate * strength * (1 - v.felt) - v.felt / v.time,
            "experienced": v.rate * experience * (1 - v.experienced) - v.experienced / v.time,
        },
        outputs={
            "belief:drug": 1 / (1 + m.exp(-logit)),
            "belief:experience": v.experienced,
        },
    )


def belief() -> Layer:
    """Return the layer of belief and remembered experience, both shares."""
    return Layer(
        name="belief",
        equations=_equations,
        inputs=_INPUTS,
        outputs=_OUTPUTS,
        states=(
            State("felt", "fraction", "what was felt, as it is remembered"),
            State("experienced", "fraction", "dissociation, as it is remembered"),
        ),
        parameters=(
            Parameter("prior", "fraction", "belief_before"),
            Parameter("knows", "dimensionless", "belief_when_open"),
            Parameter("gain", "dimensionless", "belief_gain"),
            Parameter("doubt", "dimensionless", "belief_doubt"),
            Parameter("sedation_felt", "fraction", "sedation_felt"),
            Parameter("rate", "1/hour", "feeling_rate"),
            Parameter("time", "h", "feeling_time"),
        ),
    )
