"""The cortical population: balance, reading of bands, closed forms, and what runs again from a seed."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ketalab.errors import ScenarioError
from ketalab.facts import DATA, facts
from ketalab.spiking import (
    CORTEX_NUMBERS,
    CORTEX_TIMES,
    CortexTable,
    _cortex,
    cortex_coefficients,
    cortex_plan,
    fit_cortex,
)
from ketalab.spiking._cortex import Schedule, Traces, draw_noise, simulate_cortex
from ketalab.spiking._cortex_bands import DEEP, OUTPUTS, measure
from ketalab.spiking._cortex_constants import BANDS, RANGES, numbers, time_constants
from ketalab.spiking._cortex_plan import interneuron_block
from ketalab.spiking._cortex_table import closed_form, design, terms
from ketalab.spiking._cortex_write import facts_text, table_text

REST = (0.0, 0.0, 0.0, 0.0)
SUB = (0.33, 0.2, 0.12, 0.0)
NMDA_ALONE = (0.33, 0.2, 0.0, 0.0)
ANAESTHETIC = (0.86, 0.75, 0.7, 0.0)
PROPOFOL = (0.0, 0.0, 0.0, 1.0)
TABLE = json.loads((DATA / "spiking" / "cortex.json").read_text(encoding="utf-8"))


def packaged(name: str, *at: tuple[float, ...]) -> list[float]:
    return [float(x) for x in closed_form(cortex_coefficients()[name], np.array(at))]


def packaged_table() -> CortexTable:
    rows = np.array(TABLE["rows"])
    values = {name: rows[:, 4 + k] for k, name in enumerate(OUTPUTS)}
    conditions = tuple(tuple(map(float, row[:4])) for row in cortex_plan().conditions())
    zero = {name: np.zeros(len(rows)) for name in OUTPUTS}
    return CortexTable(TABLE["seed"], conditions, values, zero)


def sines(amplitude: float, hertz: float) -> Traces:
    """Rest and one condition whose posterior field holds one sine more, on top of noise."""
    rng = np.random.default_rng(3)
    noise = np.repeat(rng.standard_normal((1, 1, 5000)), 2, axis=0)
    t = np.arange(5000) / 500
    posterior = noise.copy()
    posterior[1] += amplitude * np.sin(2 * np.pi * hertz * t)
    return Traces(
        (REST, SUB),
        ((0.0, 0.0, 0.0), (0.33, 0.2, 0.0)),
        (0, 1),
        noise,
        posterior,
        noise + 0,
        posterior,
        500.0,
    )


def test_every_constant_is_a_fact_and_the_balance_names_no_other() -> None:
    used = {*CORTEX_NUMBERS.values(), *CORTEX_TIMES.values(), "hcn1_ic50"}
    used |= {f"cortex_band_{name.lower()}_{end}" for name in RANGES for end in ("low", "high")}
    known = {f for f in facts() if f.startswith("cortex_")} | {"hcn1_ic50"}
    assert used == known


def test_every_constant_is_at_its_place_in_the_equations() -> None:
    text = _cortex._AREA + _cortex._RELAY + _cortex._DEEP
    derived = ("rest_", "above_", "gaba", "prop_h", "noise_slow")
    symbols = [s for s in (*CORTEX_NUMBERS, *CORTEX_TIMES) if not s.startswith(derived)]
    assert [s for s in symbols if s not in text and s != "tau_noise"] == []


@given(c=st.floats(0, 1), potency=st.floats(1, 5))
def test_a_more_potent_blocker_blocks_more_and_the_odds_keep_their_ratio(
    c: float, potency: float
) -> None:
    i = interneuron_block(c, potency)
    assert 0 <= i <= 1
    assert i * (1 - c) == pytest.approx(potency * c * (1 - i), abs=1e-12)


def test_an_added_sine_is_read_in_its_own_band_alone() -> None:
    found = measure(sines(1.0, 10.0), 1.0)
    assert found["alpha"][1, 0] > 3
    assert max(abs(found[b][1, 0]) for b in BANDS if b != "alpha") < 0.3
    assert not any(found[name][0].any() for name in OUTPUTS)


def test_twice_the_amplitude_is_six_decibels_more() -> None:
    one, two = (measure(sines(a, 50.0), 1.0)["gamma"][1, 0] for a in (20.0, 40.0))
    assert two - one == pytest.approx(20 * np.log10(2), abs=0.05)


def test_a_rhythm_of_its_own_lowers_the_coherence_with_the_other_area() -> None:
    found = measure(sines(3.0, 20.0), 1.0)
    assert found["connectivity"][1, 0] < -0.02
    assert found["coupling"][1, 0] < -0.01


def test_terms_are_all_products_up_to_the_degree_and_never_a_constant() -> None:
    assert terms("alpha", 1) == ["i", "c", "p"]
    assert len(terms("alpha", 3)) == 19
    assert len(terms("posteromedial", 3)) == 34
    at = np.array([[0.5, 0.25, 0.1, 1.0]])
    assert design(at, ["icc", "hp"]).tolist() == [[0.5 * 0.25**2, 0.1]]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000))
def test_the_fit_finds_a_polynomial_again(seed: int) -> None:
    rng = np.random.default_rng(seed)
    conditions = cortex_plan().conditions()
    true = {
        name: {w: float(rng.normal()) for w in terms(name, cortex_plan().degree)}
        for name in OUTPUTS
    }
    mean = {name: closed_form(true[name], np.array(conditions, float)) for name in OUTPUTS}
    zero = {name: np.zeros(len(conditions)) for name in OUTPUTS}
    found = fit_cortex(CortexTable(seed, tuple(conditions), mean, zero))
    assert max(found.largest.values()) < 1e-3
    assert found.coefficients["alpha"] == pytest.approx(true["alpha"], rel=1e-3, abs=1e-3)


def test_the_packaged_facts_are_the_fit_of_the_packaged_table() -> None:
    found = fit_cortex(packaged_table())
    at = np.array(cortex_plan().conditions(), float)
    for name, coefficients in cortex_coefficients().items():
        again = closed_form(found.coefficients[name], at)
        assert np.abs(again - closed_form(coefficients, at)).max() < 0.02, name
        assert found.rms[name] == pytest.approx(TABLE["error"][name]["rms"], abs=0.01)
        assert found.largest[name] == pytest.approx(TABLE["error"][name]["largest"], abs=0.02)


def test_the_packaged_grid_is_the_plan() -> None:
    rows = np.array(TABLE["rows"])[:, :4]
    assert np.abs(rows - np.array(cortex_plan().conditions(), float)).max() < 1e-3


def test_at_rest_every_rhythm_is_exactly_zero() -> None:
    assert all(packaged(name, REST) == [0.0] for name in OUTPUTS)


@pytest.mark.parametrize("name", ["gamma", "HFO", "posteromedial"])
def test_a_sub_anaesthetic_block_raises(name: str) -> None:
    assert packaged(name, SUB)[0] > 0.5


@pytest.mark.parametrize("name", ["delta", "theta", "alpha", "coupling"])
def test_a_sub_anaesthetic_block_lowers(name: str) -> None:
    assert packaged(name, SUB)[0] < -0.1


def test_an_anaesthetic_block_loses_gamma_and_gains_slow_power() -> None:
    assert packaged("gamma", ANAESTHETIC)[0] < 0 < packaged("gamma", SUB)[0]
    assert packaged("delta", ANAESTHETIC)[0] > 1


def test_propofol_opposes_gamma_and_raises_alpha() -> None:
    both = (*SUB[:3], 1.0)
    assert packaged("gamma", both)[0] < 0 < packaged("gamma", SUB)[0]
    assert packaged("alpha", PROPOFOL)[0] > 0.5


def test_propofol_opposes_the_slow_rhythm_less_where_hcn1_is_what_drives_it() -> None:
    hcn1 = (0.0, 0.0, 0.3, 0.0)
    nmda, with_p = packaged("posteromedial", NMDA_ALONE, (*NMDA_ALONE[:3], 1.0))
    slow, slow_with_p = packaged("posteromedial", hcn1, (*hcn1[:3], 1.0))
    assert slow_with_p / slow > with_p / nmda
    assert slow_with_p > 0.8 * slow


def test_alpha_does_not_disappear_at_a_sub_anaesthetic_block() -> None:
    assert 10 ** (packaged("alpha", SUB)[0] / 10) > 0.6


def test_hcn1_enters_the_deep_outputs_alone() -> None:
    assert set(DEEP) == {"posteromedial", "coupling"}
    assert not any("h" in w for n in set(OUTPUTS) - set(DEEP) for w in cortex_coefficients()[n])


def test_the_noise_has_the_stated_variance_and_comes_from_the_seed_alone() -> None:
    times = time_constants()
    long = Schedule(0.5, 60.0, 0.5, 2.0, 1, seed=4)
    noise = draw_noise(long, 0.2, times)
    assert noise[1000:].var() == pytest.approx(1.2, rel=0.1)
    assert (draw_noise(long, 0.2, times) == noise).all()


def test_files_are_the_same_bytes_and_readable_as_facts() -> None:
    fit = fit_cortex(packaged_table())
    assert table_text(packaged_table(), fit) == table_text(packaged_table(), fit)
    assert json.loads(table_text(packaged_table(), fit))["seed"] == TABLE["seed"]
    assert facts_text(fit).count("- id: rhythm_") == 7 * 19 + 2 * 34


def test_without_brian2_one_line_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "brian2", None)
    with pytest.raises(ScenarioError, match=r"ketalab\[spiking\]"):
        simulate_cortex([REST], Schedule(0.1, 0.1, 0.25, 2.0, 1, 1))


def test_without_noise_rest_stays_at_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("brian2")
    schedule = Schedule(0.1, 0.2, 0.25, 2.0, 1, 1)
    still = np.zeros_like(draw_noise(schedule, 0.2, time_constants()))
    monkeypatch.setattr(_cortex, "draw_noise", lambda *_: still)
    found = simulate_cortex([REST, SUB], schedule)
    k = numbers()
    assert found.deep[0, 0] == pytest.approx(k["rest_d"], rel=1e-9)
    assert found.relay[0, 0] == pytest.approx(k["rest_t"], rel=1e-9)
    assert np.ptp(found.posterior[0]) < 1e-9
    assert np.ptp(found.posterior[1]) > 1e-3


def test_the_same_seed_gives_the_same_traces_and_another_seed_others() -> None:
    pytest.importorskip("brian2")
    one, again, other = (
        simulate_cortex([REST, SUB], Schedule(0.05, 0.2, 0.25, 2.0, 2, seed)) for seed in (1, 1, 2)
    )
    assert (one.posterior == again.posterior).all()
    assert (one.deep == again.deep).all()
    assert not np.allclose(one.posterior, other.posterior)
