"""Two cortical areas, a subcortical relay and a deep posteromedial population under blocks, solved by Brian2.

Each *unit* of the groups is a whole cortex under one condition and one draw of the noise, so that a grid of
conditions is one run. Equations (Wilson-Cowan populations with currents of their own): docs/rhythms.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ketalab.spiking._brian import load_brian, quietly
from ketalab.spiking._cortex_constants import numbers, time_constants

Array = NDArray[np.float64]
#: Interneuron NMDA block, cortical NMDA block, HCN1 block, effect of propofol; each 0 to 1.
Condition = tuple[float, float, float, float]
Tell = Callable[[float, int], None]

_MS_PER_S = 1000
#: Noise: three channels an area, the relay, the deep population.
_CHANNELS = ("e_a", "p_a", "s_a", "e_b", "p_b", "s_b", "t", "d")

_AREA = """
de_X/dt = (-e_X + 1/(1 + exp(-(drive_X - brake_X + b_e + noise_e*eta(t, first + E_X)))))/tau_e : 1
dp_X/dt = (-p_X + 1/(1 + exp(-(w_pe*ampa_X + w_pn*(1 - inter)*nmda_X - w_pp*gi_X - w_ps*gs_X + b_p
          + noise_p*eta(t, first + P_X)))))/tau_p : 1
ds_X/dt = (-s_X + 1/(1 + exp(-(w_se*ampa_X + w_sn*(1 - inter)*nmda_X - w_sp*gf_X + b_s
          + noise_s*eta(t, first + S_X)))))/tau_s : 1
dampa_X/dt = (e_X - ampa_X)/tau_ampa : 1
dnmda_X/dt = (e_X - nmda_X)/tau_nmda : 1
dlat_X/dt = (p_X - lat_X)/tau_lat : 1
dgf_X/dt = (lat_X - gf_X/g)/tau_gf : 1
dgi_X/dt = (lat_X - gi_X/g)/tau_gi : 1
dgs_X/dt = (s_X - gs_X/g)/tau_gs : 1
dfar_X/dt = (ampa_Y - far_X)/tau_long : 1
dfarn_X/dt = (nmda_Y - farn_X)/tau_long : 1
drive_X = w_ee*ampa_X + w_la*far_X + (1 - cort)*(w_en*nmda_X + w_ln*farn_X) + w_et*rel : 1
brake_X = w_ep*gf_X + w_es*gs_X : 1
field_X = drive_X + brake_X : 1
"""
_RELAY = """
dv/dt = (-v + (w_te*(ampa_a + ampa_b) + w_tn*(1 - cort)*(nmda_a + nmda_b))/2 - w_tg*g
        + w_tq*q/(1 + exp(half_m - v)) + b_t + noise_t*eta(t, first + T))/tau_t : 1
dq/dt = (-q + 1/(1 + exp((v - half_q)/width_q)))/tau_q : 1
drel/dt = (-rel + 1/(1 + exp(-v)))/tau_ampa : 1
inter : 1 (constant)
cort : 1 (constant)
g : 1 (constant)
first : integer (constant)
"""
_DEEP = """
dv/dt = (-v + boost*(w_dd*fast + w_de*ampa + w_dn*(1 - cort)*nmda) - w_dp*gf - w_ds*gs - w_dg*g - w_dh*lost
        - w_da*slow + b_d + noise_d*eta(t, first + D))/tau_d : 1
dfast/dt = (out - fast)/tau_ampa : 1
dslow/dt = (out - slow)/tau_a : 1
out = 1/(1 + exp(-v)) : 1
boost = 1/(1 - share_h*lost) : 1
ampa : 1 (linked)
nmda : 1 (linked)
gf : 1 (linked)
gs : 1 (linked)
cort : 1 (constant)
g : 1 (constant)
lost : 1 (constant)
first : integer (constant)
"""


@dataclass(frozen=True)
class Schedule:
    """How long, how finely and how often: seconds, milliseconds, draws of the noise."""

    warm_up_s: float
    duration_s: float
    step_ms: float
    record_ms: float
    replicates: int
    seed: int


@dataclass(frozen=True)
class Traces:
    """What was recorded: fields (conditions of the cortex x replicates x samples), deep activity by condition.

    ``cortical`` lists the distinct (interneuron, cortical, propofol) and ``of`` the row that each condition has in it:
    HCN1 block acts on the deep population alone.
    """

    conditions: tuple[Condition, ...]
    cortical: tuple[tuple[float, float, float], ...]
    of: tuple[int, ...]
    anterior: Array
    posterior: Array
    relay: Array
    deep: Array
    rate_hz: float


def simulate_cortex(
    conditions: Sequence[Condition], schedule: Schedule, tell: Tell | None = None
) -> Traces:
    """Run every condition under the same draws of the noise.

    Raises
    ------
    ScenarioError
        Brian2 is not installed.
    """
    b = load_brian()
    with quietly():
        return _simulate(b, conditions, schedule, tell)


def _simulate(
    b: Any, conditions: Sequence[Condition], schedule: Schedule, tell: Tell | None
) -> Traces:
    cortical = tuple(dict.fromkeys((i, c, p) for i, c, _, p in conditions))
    of = tuple(cortical.index((i, c, p)) for i, c, _, p in conditions)
    copies = schedule.replicates
    k, times = numbers(), time_constants()
    step = schedule.step_ms * b.ms
    space = {**k, **{name: value * b.ms for name, value in times.items()}}
    space["eta"] = b.TimedArray(draw_noise(schedule, k["noise_slow"], times), dt=step)
    cortex = _cortex_group(b, np.repeat(np.array(cortical), copies, axis=0), k, space, step, copies)
    deep = _deep_group(b, np.repeat(np.array(conditions), copies, axis=0), k, space, step, copies)
    rows = (np.repeat(of, copies) * copies) + np.tile(np.arange(copies), len(conditions))
    for name in ("ampa", "nmda", "gf", "gs"):
        setattr(deep, name, b.linked_var(cortex, f"{name}_b", index=rows))
    network = b.Network(cortex, deep)
    total = schedule.warm_up_s + schedule.duration_s

    def report(_: Any, done: float, __: Any, ___: Any) -> None:
        if tell is not None:
            tell((begun + done * length) / total, 1)

    often = {"report": report, "report_period": 1 * b.second} if tell is not None else {}
    begun, length = 0.0, schedule.warm_up_s
    network.run(length * b.second, **often)
    every = {"record": True, "dt": schedule.record_ms * b.ms}
    seen = b.StateMonitor(cortex, ("field_a", "field_b", "rel"), **every)
    heard = b.StateMonitor(deep, "out", **every)
    network.add(seen, heard)
    begun, length = length, schedule.duration_s
    network.run(length * b.second, **often)
    anterior, posterior, relay = (
        np.asarray(getattr(seen, name)).reshape(len(cortical), copies, -1)
        for name in ("field_a", "field_b", "rel")
    )
    out = np.asarray(heard.out).reshape(len(conditions), copies, -1)
    rate = _MS_PER_S / schedule.record_ms
    return Traces(tuple(conditions), cortical, of, anterior, posterior, relay, out, rate)


def draw_noise(schedule: Schedule, slow_share: float, times: dict[str, float]) -> Array:
    """Draw noise of unit variance in its fast part, (steps, channels x replicates), from the seed alone.

    The sum of two Ornstein-Uhlenbeck processes: one with the time constant of AMPA currents, one of slow background
    with ``slow_share`` times its variance.
    """
    from scipy.signal import lfilter

    steps = round((schedule.warm_up_s + schedule.duration_s) * _MS_PER_S / schedule.step_ms) + 1
    columns = len(_CHANNELS) * schedule.replicates
    generator = np.random.default_rng(schedule.seed)

    def process(tau: float) -> Array:
        left = np.exp(-schedule.step_ms / tau)
        white = generator.standard_normal((steps, columns))
        return np.asarray(lfilter([np.sqrt(1 - left**2)], [1, -left], white, axis=0))

    return process(times["tau_ampa"]) + np.sqrt(slow_share) * process(times["tau_noise"])


def _cortex_group(
    b: Any, table: Array, k: dict[str, float], space: dict[str, Any], step: Any, copies: int
) -> Any:
    text = _area("a", "b") + _area("b", "a") + _numbered(_RELAY, "T")
    group = b.NeuronGroup(len(table), text, method="euler", dt=step, namespace=space)
    for area in "ab":
        start = {"e": "e", "p": "p", "s": "s", "ampa": "e", "nmda": "e", "far": "e", "farn": "e"}
        start |= {"lat": "p", "gf": "p", "gi": "p", "gs": "s"}
        for state, population in start.items():
            setattr(group, f"{state}_{area}", k[f"rest_{population}"])
    group.v, group.q, group.rel = k["v_t"], k["q_rest"], k["rest_t"]
    group.inter, group.cort = table[:, 0], table[:, 1]
    group.g = 1 + k["gaba"] * table[:, 2]
    group.first = np.tile(np.arange(copies), len(table) // copies) * len(_CHANNELS)
    return group


def _deep_group(
    b: Any, table: Array, k: dict[str, float], space: dict[str, Any], step: Any, copies: int
) -> Any:
    text = _numbered(_DEEP, "D")
    group = b.NeuronGroup(len(table), text, method="euler", dt=step, namespace=space)
    group.v, group.fast, group.slow = k["v_d"], k["rest_d"], k["rest_d"]
    group.cort = table[:, 1]
    group.lost = 1 - (1 - table[:, 2]) * (1 - k["prop_h"] * table[:, 3])
    group.g = 1 + k["gaba"] * table[:, 3]
    group.first = np.tile(np.arange(copies), len(table) // copies) * len(_CHANNELS)
    return group


def _area(own: str, other: str) -> str:
    text = _AREA
    for channel in "EPS":
        text = text.replace(f"{channel}_X", str(_CHANNELS.index(f"{channel.lower()}_{own}")))
    return text.replace("_X", f"_{own}").replace("_Y", f"_{other}")


def _numbered(text: str, channel: str) -> str:
    return text.replace(f"first + {channel}", f"first + {_CHANNELS.index(channel.lower())}")
