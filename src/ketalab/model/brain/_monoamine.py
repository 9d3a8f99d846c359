"""The slow course of a reuptake inhibitor: transporters are blocked at once, what follows takes weeks.

``dm/dt = (occupancy of the transporter / occupancy needed - m) / time``: the time constant is what one third of the
six-week difference from placebo at one week amounts to (Taylor 2006). Nothing but this output reads it yet.
"""

from __future__ import annotations

from ketalab.model.brain._section import Section
from ketalab.model.contract import Equations, Maths, Output, Parameter, State, Values

MONOAMINE = Section(
    states=(State("monoamine", "fraction", "slow adaptation to raised serotonin"),),
    outputs=(
        Output("circuit:monoamine", "fraction", "slow effect of a blocked serotonin transporter"),
    ),
    parameters=(
        Parameter("sert_needed", "fraction", "sert_occupancy_needed"),
        Parameter("monoamine_time", "h", "monoamine_time"),
    ),
)


def monoamine(m: Maths, v: Values) -> Equations:
    """Slow adaptation, complete where the occupancy that goes with benefit is held for weeks."""
    reached = (1 - v["activity:SERT"]) / v.sert_needed
    return Equations(
        rates={"monoamine": (reached - v.monoamine) / v.monoamine_time},
        outputs={"circuit:monoamine": v.monoamine},
    )
