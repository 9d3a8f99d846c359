"""Constants of the cortical population: symbols of the equations, the facts they stand for, and the balance.

Weights and activities are dimensionless: an activity is a share of the highest rate, an input is in units of the
width of the firing curve ``F(x) = 1 / (1 + exp(-x))``. Tonic inputs are no facts: they are what
holds each population at its stated resting activity.
"""

from __future__ import annotations

import math
from types import MappingProxyType

from ketalab.facts import fact

#: Time constants by symbol (milliseconds).
TIMES = MappingProxyType(
    {
        "tau_e": "cortex_tau_pyramidal",
        "tau_p": "cortex_tau_fast",
        "tau_s": "cortex_tau_slow",
        "tau_t": "cortex_tau_relay",
        "tau_d": "cortex_tau_deep",
        "tau_ampa": "cortex_tau_ampa",
        "tau_nmda": "cortex_tau_nmda",
        "tau_lat": "cortex_tau_latency",
        "tau_gf": "cortex_tau_gaba_fast",
        "tau_gi": "cortex_tau_gaba_interneuron",
        "tau_gs": "cortex_tau_gaba_slow",
        "tau_long": "cortex_tau_long_range",
        "tau_q": "cortex_tau_low_threshold",
        "tau_a": "cortex_tau_adaptation",
        "tau_noise": "cortex_tau_noise",
    }
)

#: Dimensionless constants by symbol.
NUMBERS = MappingProxyType(
    {
        "w_ee": "cortex_pyramidal_ampa",
        "w_en": "cortex_pyramidal_nmda",
        "w_ep": "cortex_pyramidal_fast",
        "w_es": "cortex_pyramidal_slow",
        "w_et": "cortex_pyramidal_relay",
        "w_la": "cortex_long_range_ampa",
        "w_ln": "cortex_long_range_nmda",
        "w_pe": "cortex_fast_ampa",
        "w_pn": "cortex_fast_nmda",
        "w_pp": "cortex_fast_fast",
        "w_ps": "cortex_fast_slow",
        "w_se": "cortex_slow_ampa",
        "w_sn": "cortex_slow_nmda",
        "w_sp": "cortex_slow_fast",
        "w_te": "cortex_relay_ampa",
        "w_tn": "cortex_relay_nmda",
        "w_tg": "cortex_relay_inhibition",
        "w_tq": "cortex_relay_low_threshold",
        "above_m": "cortex_low_threshold_activation",
        "above_q": "cortex_low_threshold_inactivation",
        "width_q": "cortex_low_threshold_width",
        "w_de": "cortex_deep_ampa",
        "w_dn": "cortex_deep_nmda",
        "w_dp": "cortex_deep_fast",
        "w_ds": "cortex_deep_slow",
        "w_dg": "cortex_deep_tonic",
        "w_dd": "cortex_deep_recurrent",
        "w_da": "cortex_deep_adaptation",
        "w_dh": "cortex_deep_h",
        "share_h": "cortex_h_share",
        "gaba": "cortex_propofol_gaba",
        "prop_h": "cortex_propofol_hcn1",
        "rest_e": "cortex_rest_pyramidal",
        "rest_p": "cortex_rest_fast",
        "rest_s": "cortex_rest_slow",
        "rest_t": "cortex_rest_relay",
        "rest_d": "cortex_rest_deep",
        "noise_e": "cortex_noise_pyramidal",
        "noise_p": "cortex_noise_fast",
        "noise_s": "cortex_noise_slow",
        "noise_t": "cortex_noise_relay",
        "noise_d": "cortex_noise_deep",
        "noise_slow": "cortex_noise_slow_share",
    }
)

#: Bands, and the two ranges of coherence, each with the facts ``cortex_band_<name>_low`` and ``_high`` (hertz).
BANDS = ("delta", "theta", "alpha", "beta", "gamma", "HFO")
RANGES = (*BANDS, "posteromedial", "coupling", "connectivity")


def time_constants() -> dict[str, float]:
    """Time constants by symbol, milliseconds."""
    return {symbol: fact(name).to("ms") for symbol, name in TIMES.items()}


def numbers() -> dict[str, float]:
    """Dimensionless constants by symbol, with the tonic inputs that balance them at rest.

    ``b_e, b_p, b_s, b_t, b_d`` are the tonic inputs, ``half_m`` and ``half_q`` where the low-threshold current of
    the relay is half activated and half inactivated, ``v_t``, ``v_d`` and ``q_rest`` the resting state.
    """
    k = {symbol: fact(name).to("dimensionless") for symbol, name in NUMBERS.items()}
    e, p, s, t, d = (k[f"rest_{a}"] for a in "epstd")
    k["v_t"], k["v_d"] = logit(t), logit(d)
    k["half_m"], k["half_q"] = k["v_t"] + k["above_m"], k["v_t"] + k["above_q"]
    k["q_rest"] = firing((k["half_q"] - k["v_t"]) / k["width_q"])
    low = k["w_tq"] * k["q_rest"] * firing(-k["above_m"])
    excitation = e * (k["w_ee"] + k["w_en"] + k["w_la"] + k["w_ln"]) + k["w_et"] * t
    k["b_e"] = logit(e) - excitation + k["w_ep"] * p + k["w_es"] * s
    k["b_p"] = logit(p) - e * (k["w_pe"] + k["w_pn"]) + k["w_pp"] * p + k["w_ps"] * s
    k["b_s"] = logit(s) - e * (k["w_se"] + k["w_sn"]) + k["w_sp"] * p
    k["b_t"] = k["v_t"] - e * (k["w_te"] + k["w_tn"]) + k["w_tg"] - low
    k["b_d"] = (
        k["v_d"]
        - e * (k["w_de"] + k["w_dn"])
        - d * (k["w_dd"] - k["w_da"])
        + k["w_dp"] * p
        + k["w_ds"] * s
        + k["w_dg"]
    )
    return k


def band(name: str) -> tuple[float, float]:
    """Lower and upper end of a band, hertz."""
    stem = f"cortex_band_{name.lower()}"
    return fact(f"{stem}_low").to("hertz"), fact(f"{stem}_high").to("hertz")


def firing(x: float) -> float:
    """The firing curve: activity (share of the highest rate) at an input."""
    return 1 / (1 + math.exp(-x))


def logit(activity: float) -> float:
    """The input at which the firing curve gives an activity."""
    return math.log(activity / (1 - activity))
