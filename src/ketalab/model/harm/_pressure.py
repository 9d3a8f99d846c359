"""Rise of blood pressure and pulse, with the drive of states at the effect site, up to a greatest rise.

``rise = rise_at_reference * age * saturation(drive) / saturation(reference)``, ``saturation(x) = x / (x + half)``. The
rise at the reference is that of 0.5 mg/kg over 40 min, on which three cohorts differ five-fold (3.28 to 16 mmHg
systolic); it grows with age from fifty on. Trials of the nasal spray tell the largest of several readings, which
their scatter makes higher than the rise: that of placebo is added for it (``largest``). Tolerance within a course was
not seen (741 infusions) and is not modelled.
"""

from __future__ import annotations

from typing import Any

from ketalab.model.contract import Equations, Maths, Output, Parameter, Values

OUTPUTS = (
    Output("harm:systolic", "mmHg", "rise of systolic blood pressure"),
    Output("harm:diastolic", "mmHg", "rise of diastolic blood pressure"),
    Output("harm:pulse", "1/min", "rise of the pulse"),
    *(
        Output(
            f"harm:{name}:largest",
            "mmHg",
            f"largest {name} reading of a session above the one before it",
        )
        for name in ("systolic", "diastolic")
    ),
    Output(
        "p:pressure-high", "fraction", "probability of a systolic rise of 40 mmHg or more by now"
    ),
)
PARAMETERS = (
    Parameter("person", "ratio", "unity", "lognormal", "systolic_spread"),
    Parameter("systolic", "mmHg", "systolic_rise"),
    Parameter("diastolic", "mmHg", "diastolic_rise"),
    Parameter("pulse", "1/min", "pulse_rise"),
    Parameter("reference", "ng/mL", "pressure_reference"),
    Parameter("pressure_half", "ng/mL", "pressure_half"),
    Parameter("pulse_half", "ng/mL", "pulse_half"),
    Parameter("age_from", "year", "pressure_age_from"),
    Parameter("per_year", "1/year", "pressure_per_year"),
    Parameter("high", "mmHg", "pressure_high_rise"),
    Parameter("reading", "mmHg", "pressure_reading_scale"),
    Parameter("systolic_placebo", "mmHg", "systolic_largest_placebo"),
    Parameter("diastolic_placebo", "mmHg", "diastolic_largest_placebo"),
)


def pressure(m: Maths, v: Values) -> Equations:
    """Rises of pressure and pulse, and how likely a systolic reading is high."""
    drive = v["state:drive"]

    def saturated(half: Any) -> Any:
        return drive / (drive + half) * (v.reference + half) / v.reference

    # A person who rises much does so in all three.
    own = v.person * (1 + v.per_year * m.maximum(v.age - v.age_from, 0))
    systolic = v.systolic * own * saturated(v.pressure_half)
    diastolic = v.diastolic * own * saturated(v.pressure_half)
    return Equations(
        rates={},
        outputs={
            "harm:systolic": systolic,
            "harm:diastolic": diastolic,
            "harm:pulse": v.pulse * v.person * saturated(v.pulse_half),
            "harm:systolic:largest": v.systolic_placebo + systolic,
            "harm:diastolic:largest": v.diastolic_placebo + diastolic,
            "p:pressure-high": 1
            / (1 + m.exp((v.high - v.systolic_placebo - systolic) / v.reading)),
        },
    )
