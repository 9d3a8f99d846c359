"""Rise of systolic blood pressure, in proportion to venous plasma ketamine.

``rise = rise_at_reference * C_venous / reference``. Three cohorts given 0.5 mg/kg over 40 min differ five-fold
(3.28 to 16 mmHg), which is the range of the constant. Tolerance within a course was not seen (741 infusions) and is
not modelled.
"""

from __future__ import annotations

from ketalab.model.contract import Equations, Input, Layer, Maths, Output, Parameter, Values


def _equations(m: Maths, v: Values) -> Equations:
    rise = v.rise * v["plasma:venous:ketamine"] / v.reference
    return Equations(rates={}, outputs={"harm:systolic": rise})


def harm() -> Layer:
    """Return the harm layer."""
    return Layer(
        name="harm",
        equations=_equations,
        inputs=(Input("plasma:venous:ketamine", "ng/mL", "venous plasma ketamine"),),
        outputs=(Output("harm:systolic", "mmHg", "rise of systolic blood pressure"),),
        parameters=(
            Parameter("rise", "mmHg", "systolic_rise", "lognormal", "systolic_spread"),
            Parameter("reference", "ng/mL", "systolic_reference"),
        ),
    )
