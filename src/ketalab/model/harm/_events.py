"""Nausea, vomiting and dizziness in a session, and urinary symptoms by days of use.

In a session ``p = 1 - (1 - background)(1 - x^h / (1 + x^h))`` with ``x = drive / half``: the background is that of
placebo spray, the drug's part was set by the first week of nasal esketamine. The odds of urinary symptoms grow by a
factor with each day of use in half a year, as in a survey of recreational users.
"""

from __future__ import annotations

from ketalab.model.contract import Equations, Input, Maths, Output, Parameter, Values

EVENTS = ("nausea", "vomiting", "dizziness")
INPUTS = (Input("use:days", "dimensionless", "days with a dose in the last 180", default=0.0),)
OUTPUTS = (
    *(Output(f"p:{name}", "fraction", f"probability of {name} now") for name in EVENTS),
    Output("harm:urinary", "fraction", "probability of urinary symptoms, by days of use"),
)
PARAMETERS = (
    *(
        parameter
        for name in EVENTS
        for parameter in (
            Parameter(f"{name}_background", "fraction", f"{name}_background"),
            Parameter(f"{name}_half", "ng/mL", f"{name}_half", "lognormal", "event_spread"),
        )
    ),
    Parameter("slope", "dimensionless", "event_slope"),
    Parameter("urinary", "fraction", "urinary_background"),
    Parameter("per_day", "ratio", "urinary_per_day"),
)


def events(m: Maths, v: Values) -> Equations:
    """Probabilities of the events."""
    outputs = {}
    for name in EVENTS:
        x = (v["state:drive"] / v[f"{name}_half"]) ** v.slope
        outputs[f"p:{name}"] = 1 - (1 - v[f"{name}_background"]) / (1 + x)
    odds = v.urinary / (1 - v.urinary) * m.exp(v["use:days"] * m.log(v.per_day))
    outputs["harm:urinary"] = odds / (1 + odds)
    return Equations(rates={}, outputs=outputs)
