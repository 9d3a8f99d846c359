"""One neuron of the lateral habenula: integrate and fire, with T-type and NMDA currents.

The membrane is that of an integrate-and-fire-or-burst neuron (Smith 2000) with smooth gates of the T-type current
(Destexhe 1996, shifted to where habenular T-type channels recover) and NMDA receptors that magnesium blocks
(Jahr & Stevens 1990)::

    C dv/dt = g_L (E_L - v) + T g_T m(v)^2 h (E_T - v) + N g_N [1 + s_N x_N]+ B(v) (0 - v)
              + g_A [1 + s_A x_A]+ (0 - v) + g_I [1 + s_I x_I]+ (E_I - v) + k (E_K - v)
    m(v) = 1 / (1 + exp(-(v - v_m) / k_m));  h_inf(v) = 1 / (1 + exp((v - v_h) / k_h))
    dh/dt = (h_inf - h) / (tau_open + tau_shut h_inf);  dk/dt = -k / tau_k
    B(v) = 1 / (1 + [Mg] / K_Mg exp(-gamma v))

``x`` are Ornstein-Uhlenbeck noises of unit variance. A spike at ``v_T`` leaves ``v`` somewhat below it and adds to
``k``. ``N`` and ``T`` (1 as they are, 0 blocked) and the shift of ``E_L`` by the depressed state are the conditions;
``E_L`` and ``v_T`` differ from cell to cell.
"""

from __future__ import annotations

from typing import Any

from ketalab.facts import fact

EQUATIONS = """
dv/dt = (g_L*(E_L - v) + I_T + I_N + I_A + I_I + k*(E_K - v))/C : volt (unless refractory)
I_T = t_type*g_T*h*(E_T - v)/(1 + exp((v_m - v)/k_m))**2 : amp
I_N = nmda*g_N*clip(1 + s_N*x_N, 0, inf)*(E_N - v)/(1 + magnesium*exp(-v/k_Mg)) : amp
I_A = g_A*clip(1 + s_A*x_A, 0, inf)*(E_N - v) : amp
I_I = g_I*clip(1 + s_I*x_I, 0, inf)*(E_I - v) : amp
h_inf = 1/(1 + exp((v - v_h)/k_h)) : 1
dh/dt = (h_inf - h)/(tau_open + tau_shut*h_inf) : 1
dk/dt = -k/tau_k : siemens
x_N : 1
x_A : 1
x_I : 1
E_L : volt (constant)
v_T : volt (constant)
nmda : 1 (constant)
t_type : 1 (constant)
"""

#: One step of the noises, exact. Their order is written down here: as terms of the equations they would be drawn in
#: an order that differs from process to process, and a seed would not fix them.
NOISE = """
x_N = x_N*exp(-dt/tau_N) + sqrt(1 - exp(-2*dt/tau_N))*randn()
x_A = x_A*exp(-dt/tau_A) + sqrt(1 - exp(-2*dt/tau_A))*randn()
x_I = x_I*exp(-dt/tau_I) + sqrt(1 - exp(-2*dt/tau_I))*randn()
"""

#: Symbol of the equations: fact, its unit in Brian2's base of volts, seconds, farads and siemens.
_SYMBOLS = {
    "C": ("lhb_capacitance", "farad"),
    "g_L": ("lhb_leak", "siemens"),
    "g_T": ("lhb_t_conductance", "siemens"),
    "E_T": ("lhb_t_reversal", "volt"),
    "v_m": ("lhb_t_activation_half", "volt"),
    "k_m": ("t_activation_slope", "volt"),
    "v_h": ("lhb_t_inactivation_half", "volt"),
    "k_h": ("t_inactivation_slope", "volt"),
    "tau_open": ("lhb_t_inactivation_time", "second"),
    "tau_shut": ("lhb_t_recovery_time", "second"),
    "g_N": ("lhb_nmda_conductance", "siemens"),
    "s_N": ("lhb_nmda_noise", "dimensionless"),
    "tau_N": ("lhb_nmda_time", "second"),
    "E_N": ("glutamate_reversal", "volt"),
    "g_A": ("lhb_ampa_conductance", "siemens"),
    "s_A": ("lhb_synaptic_noise", "dimensionless"),
    "tau_A": ("lhb_ampa_time", "second"),
    "g_I": ("lhb_gaba_conductance", "siemens"),
    "s_I": ("lhb_synaptic_noise", "dimensionless"),
    "tau_I": ("lhb_gaba_time", "second"),
    "E_I": ("lhb_gaba_reversal", "volt"),
    "k_step": ("lhb_ahp_step", "siemens"),
    "tau_k": ("lhb_ahp_time", "second"),
    "E_K": ("lhb_potassium_reversal", "volt"),
    "v_drop": ("lhb_reset_drop", "volt"),
    "refractory_time": ("lhb_refractory", "second"),
}

#: Facts of the cells' differences, of the depressed state and of magnesium, read one by one.
_OTHERS = (
    "lhb_leak_reversal",
    "lhb_leak_reversal_sd",
    "lhb_threshold",
    "lhb_threshold_sd",
    "lhb_stress_shift",
    "lhb_magnesium",
    "magnesium_half",
    "magnesium_slope",
)

NEURON_FACTS = tuple(dict.fromkeys((*(name for name, _ in _SYMBOLS.values()), *_OTHERS)))


def symbols(units: Any) -> dict[str, Any]:
    """Every constant of the equations as a quantity of Brian2, by its symbol."""
    base = {name: getattr(units, name) for name in ("volt", "second", "farad", "siemens")}
    known = {
        symbol: fact(name).to(unit) * base.get(unit, 1) for symbol, (name, unit) in _SYMBOLS.items()
    }
    known["magnesium"] = fact("lhb_magnesium").to("mM") / fact("magnesium_half").to("mM")
    known["k_Mg"] = units.volt / fact("magnesium_slope").to("1/volt")
    return known
