"""Rewiring: a small reward circuit with signed edges that plasticity and behaviour change together.

Bursts of the lateral habenula excite the rostromedial tegmental nucleus, which inhibits the dopamine cells of the
ventral tegmental area, which drive the nucleus accumbens; the prefrontal cortex drives the striatum. Rates are
relative to a healthy animal at rest: ``RMTg = exp(gain w (burst - healthy))``, ``VTA = exp(-gain w (RMTg - 1))``,
``NAc = exp(gain w (VTA - 1))``. Each edge has a strength ``w`` (1 at first). While synapses are potentiated the
window is open, ``P / (P + half)``; what is done in it (input ``behaviour``: 0 nothing, 1 reinforcing, -1
pro-depressive) decides what the edges keep: ``dw/dt = sign rate window behaviour - (w - 1) / time``, with sign +
for edges that lead to reward and - for those that lead away from it. Without a behaviour nothing is kept.
"""

from __future__ import annotations

from typing import Any

from ketalab.model.brain._glutamate import throughput
from ketalab.model.brain._receptors import Blocks
from ketalab.model.brain._section import Section
from ketalab.model.contract import Equations, Input, Maths, Output, Parameter, State, Values

#: Edges of the circuit: their sign for reward, and what they join.
EDGES = {
    "LHb-RMTg": (-1, "lateral habenula to rostromedial tegmental nucleus"),
    "RMTg-VTA": (-1, "rostromedial tegmental nucleus to ventral tegmental area"),
    "VTA-NAc": (1, "ventral tegmental area to nucleus accumbens"),
    "PFC-striatum": (1, "prefrontal cortex to striatum"),
}

REWARD = Section(
    inputs=(
        Input(
            "behaviour",
            "dimensionless",
            "behaviour in the plastic window: 0 none, 1 reinforcing, -1 pro-depressive",
            default=0.0,
        ),
    ),
    states=tuple(
        State(f"edge:{name}", "fold", f"strength of the edge {says}", initial=1.0)
        for name, (_, says) in EDGES.items()
    ),
    outputs=(
        Output("circuit:RMTg", "fold", "activity of the rostromedial tegmental nucleus, 1 healthy"),
        Output("circuit:VTA", "fold", "activity of the ventral tegmental area, 1 healthy"),
        Output("circuit:NAc", "fold", "activity of the nucleus accumbens, 1 healthy"),
        Output("circuit:striatal", "fold", "prefrontal drive of the striatum, 1 healthy"),
        Output(
            "circuit:reward", "fold", "reward signal, accumbens and striatum together, 1 healthy"
        ),
        Output("circuit:dopamine", "fold", "prefrontal dopamine, 1 healthy"),
        *(
            Output(f"circuit:edge:{name}", "fold", f"strength of the edge {says}, 1 as it was")
            for name, (_, says) in EDGES.items()
        ),
    ),
    parameters=(
        Parameter("rmtg_gain", "dimensionless", "rmtg_gain"),
        Parameter("vta_gain", "dimensionless", "vta_gain"),
        Parameter("nac_gain", "dimensionless", "nac_gain"),
        Parameter("striatal_gain", "dimensionless", "striatal_gain"),
        Parameter("dopamine_glutamate", "dimensionless", "dopamine_glutamate"),
        Parameter("dopamine_opioid", "dimensionless", "dopamine_opioid"),
        Parameter("half_window", "h", "half_plastic_window"),
        Parameter("rewiring_rate", "1/hour", "rewiring_rate"),
        Parameter("rewiring_time", "h", "rewiring_time"),
    ),
)


def reward(m: Maths, v: Values, blocks: Blocks, burst: Any, healthy: Any) -> Equations:
    """Rates of the edges and activity of the circuit; ``healthy`` is the share that bursts in a healthy animal."""
    window = v.potentiation / (v.potentiation + v.half_window)
    learnt = v.rewiring_rate * window * v.behaviour
    w = {name: v[f"edge:{name}"] for name in EDGES}
    rmtg = m.exp(v.rmtg_gain * w["LHb-RMTg"] * (burst - healthy))
    vta = m.exp(-v.vta_gain * w["RMTg-VTA"] * (rmtg - 1))
    nac = m.exp(v.nac_gain * w["VTA-NAc"] * (vta - 1))
    passed = throughput(v) * (v.glutamate - 1)
    striatal = w["PFC-striatum"] * (1 + v.striatal_gain * passed)
    return Equations(
        rates={
            f"edge:{name}": sign * learnt - (w[name] - 1) / v.rewiring_time
            for name, (sign, _) in EDGES.items()
        },
        outputs={
            "circuit:RMTg": rmtg,
            "circuit:VTA": vta,
            "circuit:NAc": nac,
            "circuit:striatal": striatal,
            "circuit:reward": nac * striatal,
            "circuit:dopamine": vta
            * (1 + v.dopamine_glutamate * passed + v.dopamine_opioid * blocks.mu_agonism),
            **{f"circuit:edge:{name}": w[name] for name in EDGES},
        },
    )
