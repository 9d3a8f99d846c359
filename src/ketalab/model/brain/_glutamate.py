"""Disinhibition: block of tonically active interneurons raises glutamate, block of pyramidal cells lowers it.

``target = 1 + gain (I (1 - C)**steepness - fall C**8) pyramidal``, with the blocked shares of interneurons ``I``
and of pyramidal cells ``C``: raised at low block, unchanged in between, lowered at anaesthetic block, which is the
ladder of doses of Moghaddam 1997 in the rat. The eighth power is structure: nothing is seen of it below about two
thirds of the receptors blocked. What passes AMPA receptors moves dopamine with it; so do the habenula and mu
receptors.
"""

from __future__ import annotations

from typing import Any

from ketalab.model.brain._receptors import Blocks
from ketalab.model.brain._section import Section, activities
from ketalab.model.contract import Equations, Maths, Output, Parameter, State, Values

_ACTIVITIES, _TARGETS = activities(
    pyramidal="activity of prefrontal pyramidal cells that is left",
    AMPA="AMPA receptor throughput that is left",
    AMPA__mPFC="AMPA receptor throughput of the medial prefrontal cortex that is left",
)

GLUTAMATE = Section(
    inputs=_ACTIVITIES,
    targets=_TARGETS,
    states=(
        State("glutamate", "fold", "glutamate throughput", initial=1.0),
        State("disinhibited", "fold", "what disinhibition alone gives, share above 1", initial=1.0),
    ),
    outputs=(
        Output("circuit:interneuron", "fold", "firing of tonically active interneurons, 1 at rest"),
        Output("circuit:pyramidal", "fold", "firing of prefrontal pyramidal cells, 1 at rest"),
        Output("circuit:glutamate", "fold", "prefrontal glutamate throughput, 1 at rest"),
    ),
    parameters=(
        Parameter("glutamate_gain", "fold", "glutamate_gain"),
        Parameter("steepness", "dimensionless", "glutamate_steepness"),
        Parameter("fall", "dimensionless", "glutamate_fall"),
        Parameter("glutamate_time", "h", "glutamate_time"),
    ),
)


def disinhibition(v: Values, blocks: Blocks) -> Any:
    """What block of interneurons lets pyramidal cells do that are not blocked themselves, 0 to 1."""
    return blocks.interneuron * (1 - blocks.cortical) ** v.steepness


def throughput(v: Values) -> Any:
    """What of AMPA transmission is left in the prefrontal cortex."""
    return v["activity:AMPA"] * v["activity:AMPA:mPFC"]


def glutamate(m: Maths, v: Values, blocks: Blocks) -> Equations:
    """Glutamate follows the surge; firing of both kinds of cell is read from the same blocks."""
    collapse = ((blocks.cortical**2) ** 2) ** 2
    released = v["activity:pyramidal"] * disinhibition(v, blocks)
    fallen = v["activity:pyramidal"] * v.fall * collapse
    drive = v.glutamate_gain * (released - fallen)
    return Equations(
        rates={
            "glutamate": (1 + drive - v.glutamate) / v.glutamate_time,
            "disinhibited": (1 + released - v.disinhibited) / v.glutamate_time,
        },
        outputs={
            "circuit:interneuron": 1 - blocks.interneuron,
            "circuit:pyramidal": v["activity:pyramidal"] * v.glutamate,
            "circuit:glutamate": v.glutamate,
        },
    )
