"""The harm layer: its parts joined."""

from __future__ import annotations

from ketalab.model.contract import Covariate, Equations, Input, Layer, Maths, Values
from ketalab.model.harm import _events, _pressure


def _equations(m: Maths, v: Values) -> Equations:
    parts = (_pressure.pressure(m, v), _events.events(m, v))
    return Equations(rates={}, outputs={k: x for part in parts for k, x in part.outputs.items()})


def harm() -> Layer:
    """Return the harm layer: rises in mmHg and beats a minute, probabilities of events."""
    return Layer(
        name="harm",
        equations=_equations,
        inputs=(
            Input("state:drive", "ng/mL", "racemate at the effect site that would act alike"),
            *_events.INPUTS,
        ),
        outputs=(*_pressure.OUTPUTS, *_events.OUTPUTS),
        parameters=(*_pressure.PARAMETERS, *_events.PARAMETERS),
        covariates=(Covariate("age", "year"),),
    )
