"""What must hold of any simulated patient: ranges, proportions, directions, interventions."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ketalab.errors import ScenarioError
from ketalab.facts import fact, scales
from ketalab.laboratory import (
    Course,
    Result,
    Scenario,
    baseline,
    human_model,
    individuals,
    outputs,
    prepare,
    run,
    simulate,
    using_hypotheses,
)
from ketalab.model import Values
from ketalab.model.brain import brain
from ketalab.people import Population, Spread, Streams, draw
from ketalab.protocol import Intervention, parse_phrase

Array = NDArray[np.float64]
INFUSION = "0.5 mg/kg ketamine iv over 40 min"
LAYERS = tuple(name for name in outputs() if name.split(":")[0] not in ("score", "p"))
#: Modes that nearly agree cancel digits of what they sum to: concentrations are right to this share of a peak.
MODES = 1e-8
#: Dense output is a polynomial: where a course starts from rest it may undershoot by this.
SLACK = 1e-6
#: Decibels beyond which no rhythm moves.
DECIBELS = 30.0
#: The path through released BDNF alone: nothing leads past it, and no gate closes it.
ONE_PATH = {"trkb_direct": 0, "hnk_behaviour": 0, "r_path": 0, "opioid_gate": 0}


def simulate_few(phrase: str, **options: Any) -> Result:
    return simulate(Scenario.parse(phrase, **{"patients": 3, "days": 2.0, **options}))


# --- ranges ---------------------------------------------------------------------------------------

doses = st.builds(
    "{:.4g} {} {} iv {}".format,
    st.floats(0.01, 3.0),
    st.sampled_from(["mg/kg", "mg"]),
    st.sampled_from(["ketamine", "esketamine", "arketamine hydrochloride"]),
    st.sampled_from(["bolus", "over 40 min", "over 20 h", "over 2 min"]),
)
populations = st.builds(
    Population,
    weight_kg=st.none() | st.floats(30, 200),
    female_percent=st.none() | st.floats(0, 100),
    genotype=st.just({}) | st.just({"bdnf": "met/met"}),
)


def check_within(values: Array, low: float, high: float, name: str) -> None:
    assert np.all(np.isfinite(values)), name
    assert values.min() >= low - SLACK, name
    assert values.max() <= high + SLACK, name


def range_of(name: str) -> tuple[float, float]:
    """Lowest and highest value that an output of the layers can have."""
    kind, *_, last = name.split(":")
    wider = {"state:MOAAS": (0, 5), "state:tone": (-1, 1), "state:drive": (0, np.inf)}
    if name in wider or name.startswith("state:CADSS"):
        return wider.get(name, (0, 92))
    if kind in ("occupancy", "symptom", "p", "state", "current", "imaging"):
        return 0, np.inf if name == "imaging:SV2A" else 1
    if name.startswith("circuit:LHb:") or name == "synapse:LTP":
        return 0, 1
    if kind == "rhythm" and last not in ("coupling", "connectivity"):
        return -DECIBELS, DECIBELS
    return 0, np.inf


@settings(max_examples=10)
@given(doses, populations, st.integers(0, 2**40), st.booleans())
def test_every_output_stays_within_its_range(
    phrase: str, population: Population, seed: int, uncertainty: bool
) -> None:
    made = simulate_few(phrase, population=population, seed=seed, uncertainty=uncertainty)
    for name, values in made.values.items():
        if name.startswith("score:"):
            maximum = fact(scales()[name.removeprefix("score:")].maximum).value
            assert values.min() >= 0
            assert values.max() <= maximum
            np.testing.assert_array_equal(values, np.round(values))
        else:
            check_within(values, *range_of(name), name)
        assert np.all(np.isfinite(made.typical[name])), name


def test_a_receptor_is_never_more_than_full_and_interneurons_are_blocked_first() -> None:
    times = (0.0, 0.01, 0.1, 1.0, 48.0)
    made = simulate_few("10 mg/kg ketamine iv bolus", times=times, uncertainty=False)
    cortical, interneuron = (
        made.values[f"occupancy:NMDA:{where}"] for where in ("cortical", "interneuron")
    )
    assert cortical.max() > 0.5
    assert interneuron.max() < 1
    assert np.all(interneuron[1:] > cortical[1:])


@pytest.mark.parametrize(
    "phrase", ["0 mg/kg ketamine iv bolus", "0 mg ketamine iv over 40 min", "1 mg saline iv bolus"]
)
def test_without_a_dose_everything_stays_at_rest(phrase: str) -> None:
    made = simulate_few(phrase, days=7.0)
    for name in LAYERS:
        kind = name.split(":")[0]
        if kind in ("plasma", "occupancy"):
            assert not np.any(made.values[name]), name
        if kind in ("harm", "state", "p"):
            assert not np.any(made.values[name] - made.values[name][0]), name
        # States of the synapse count from one and gather rounding for days; gains of up to fifty show it.
        drift = 1e-10 if name.startswith(("synapse:", "symptom:")) else 1e-12
        assert np.max(np.abs(made.values[name] - made.values[name][0])) < drift, name
    np.testing.assert_allclose(made.values["symptom:depression"], 1.0, atol=1e-12)
    figures = {row["name"]: row["typical"] for row in made.summary()}
    assert figures["plasma:venous:ketamine"]["cmax"] == 0
    assert figures["plasma:venous:ketamine"]["auc_0_inf"] == 0
    assert figures["plasma:venous:ketamine"]["half_life"] is None


# --- proportions and directions -------------------------------------------------------------------


def assert_same_courses(one: Array, two: Array) -> None:
    """Within what modes that cancel leave of a person's peak."""
    assert np.all(np.abs(one - two) <= MODES * two.max(axis=0))


@settings(max_examples=8)
@given(st.floats(0.05, 20.0), st.sampled_from(["bolus", "over 40 min"]))
def test_concentrations_are_in_proportion_to_the_dose(factor: float, how: str) -> None:
    one = simulate_few(f"10 mg ketamine iv {how}", days=1.0)
    other = simulate_few(f"{10 * factor!r} mg ketamine iv {how}", days=1.0)
    for name in LAYERS:
        if name.startswith("plasma"):
            expected = factor * one.values[name]
            assert_same_courses(other.values[name], expected)


def test_two_doses_are_the_sum_of_each() -> None:
    both = simulate_few("10 mg ketamine iv bolus; 30 mg esketamine iv over 1 h at 5 h")
    first = simulate_few("10 mg ketamine iv bolus")
    second = simulate_few("30 mg esketamine iv over 1 h at 5 h")
    for name in LAYERS:
        if name.startswith("plasma"):
            expected = first.values[name] + second.values[name]
            assert_same_courses(both.values[name], expected)


def test_s_ketamine_occupies_more_receptors_than_the_racemate_and_r_fewer() -> None:
    peak = {
        drug: simulate_few(f"20 mg {drug} iv over 40 min", uncertainty=False)
        .values["occupancy:NMDA:cortical"]
        .max(axis=0)
        for drug in ("esketamine", "ketamine", "arketamine")
    }
    assert np.all(peak["esketamine"] > 1.2 * peak["ketamine"])
    assert np.all(peak["ketamine"] > 1.5 * peak["arketamine"])


def test_an_anaesthetic_dose_gives_less_of_a_surge_than_a_low_one() -> None:
    times = tuple(np.linspace(0, 3, 61))
    low, high = (
        simulate_few(f"{dose} mg/kg ketamine iv over 40 min", times=times, uncertainty=False)
        for dose in (0.5, 8)
    )
    place = 14  # 0.7 h: the end of the infusion
    name = "circuit:glutamate"
    assert np.all(high.values[name][place] < low.values[name][place])


def test_met_carriers_have_less_potentiation_and_one_allele_counts_as_two() -> None:
    made = {
        genes: simulate_few(INFUSION, population=Population(genotype={"bdnf": genes})).values[
            "synapse:potentiation"
        ]
        for genes in ("val/val", "val/met", "met/met")
    }
    np.testing.assert_array_equal(made["val/met"], made["met/met"])
    ratio = made["val/met"][-1] / made["val/val"][-1]
    assert np.all(ratio < 1.1)
    with using_hypotheses(ONE_PATH):
        typical = [
            simulate_few(
                INFUSION,
                patients=1,
                population=Population(genotype={"bdnf": genes}),
                uncertainty=False,
            ).typical["synapse:potentiation"][-1]
            for genes in ("val/met", "val/val")
        ]
    expected = fact("val66met_release").value
    assert typical[0] / typical[1] == pytest.approx(expected, rel=1e-4)
    assert expected < 1


def test_more_baseline_severity_is_a_higher_score_and_the_stated_one_is_used() -> None:
    mean = 41.0
    population = Population.parse({"baseline": [{"measure": "MADRS", "mean": mean, "sd": 0}]})
    made = simulate_few("1 mg saline iv bolus", population=population, patients=200)
    assert made.typical["score:MADRS"][0] == mean
    assert made.values["score:MADRS"].mean() == pytest.approx(mean, abs=1.5)
    assert simulate_few("1 mg saline iv bolus").typical["score:MADRS"][0] == 33


@pytest.mark.parametrize("name", sorted(scales()))
def test_a_baseline_is_a_score_that_the_scale_can_give(name: str) -> None:
    people = draw(Population(), Streams(4), 2000)
    maximum = fact(scales()[name].maximum).value
    for mean in (2.0, 20.0, maximum - 1):
        said = Population.parse({"baseline": [{"measure": name, "mean": mean, "sd": 8}]})
        severity = baseline(name, said, people, "none").severity
        assert severity.min() >= 0
        assert severity.max() <= maximum
    usual = baseline(name, Population(), people, "none").severity
    assert usual.mean() == pytest.approx(fact(scales()[name].baseline_mean).value, abs=0.5)


# --- numbers that hang together -------------------------------------------------------------------


def test_half_effective_potentiation_is_a_fifth_of_what_the_standard_infusion_makes() -> None:
    made = simulate_few(INFUSION, patients=1, days=7.0, outputs=("synapse:potentiation",))
    peak = made.typical_figures["synapse:potentiation"]["peak"]
    assert fact("half_effective_potentiation").value == pytest.approx(0.2 * peak, rel=0.1)


class Numbers:
    """The mathematics namespace for plain numbers."""

    exp, log, sqrt = staticmethod(math.exp), staticmethod(math.log), staticmethod(math.sqrt)
    maximum, minimum = staticmethod(max), staticmethod(min)


def cortical_occupancy(total_ng_ml: float) -> float:
    """Occupancy at steady total plasma ketamine (racemate), from the layer's own equations."""
    layer = brain()
    values: dict[str, Any] = {p.name: fact(p.fact).to(p.unit) for p in layer.parameters}
    values |= {s.name: s.initial for s in layer.states}
    values |= {port.name: port.default for port in layer.inputs}
    unbound = total_ng_ml / fact("ketamine_molar_mass").value
    unbound *= fact("unbound_fraction").value * fact("unbound_brain_ratio").value
    for analyte, share in (("ketamine", 0.5), ("norketamine", 0.0)):
        values |= {f"unbound:{hand}-{analyte}": share * unbound for hand in "SR"}
    made = layer.equations(Numbers(), Values({**values, "bdnf_met": 0}))
    return float(made.outputs["occupancy:NMDA:cortical"])


def test_human_occupancy_at_185_ng_ml_is_that_of_the_rat_in_vivo() -> None:
    # 16 to 31%: 185 ng/mL, 40 to 57% unbound, against 1.42 (0.99 to 2.14) micromolar unbound.
    assert 0.16 < cortical_occupancy(185.0) < 0.31
    unbound = 185 / 237.725 * 0.53
    assert cortical_occupancy(185.0) == pytest.approx(unbound / (unbound + 1.42), rel=1e-12)
    half = 1.42 / 0.53 * 237.725
    assert cortical_occupancy(half) == pytest.approx(0.5, rel=1e-12)


# --- interventions --------------------------------------------------------------------------------

TIMES = np.array([0.0, 0.25, 2 / 3, 1.0, 4.0, 12.0, 24.0, 48.0])
ALWAYS = (-math.inf, math.inf)


@cache
def with_intervention(*interventions: Intervention) -> dict[str, Array]:
    """Effects on four people in whom all goes by the one path."""
    people = draw(Population(), Streams(1), 4)
    course = Course(parse_phrase(INFUSION).administrations, 48.0, interventions)
    with using_hypotheses(ONE_PATH):
        drawn = individuals(human_model(), people, Streams(1), "person")
        values, _ = run(prepare(course), drawn, people.weight, TIMES, LAYERS)
    return values


def on(target: str, factor: float, window: tuple[float, float] = ALWAYS) -> Intervention:
    return Intervention(target, factor, "systemic", *window)


@pytest.mark.parametrize("target", ["AMPA", "BDNF", "mTORC1"])
def test_a_target_taken_away_abolishes_potentiation_and_relief(target: str) -> None:
    plain, knocked = with_intervention(), with_intervention(on(target, 0.0))
    for name in ("synapse:potentiation", "symptom:relief"):
        assert plain[name].max() > 0.1
        assert np.max(np.abs(knocked[name])) < 1e-10
    np.testing.assert_allclose(knocked["synapse:spines"], 1.0, atol=1e-10)


@pytest.mark.parametrize("target", ["AMPA", "BDNF", "mTORC1"])
def test_a_target_behind_the_receptor_leaves_the_receptor_alone(target: str) -> None:
    """To rounding: with the target off, the time grid needs fewer steps, and other steps round otherwise."""
    plain, knocked = with_intervention(), with_intervention(on(target, 0.0))
    for name in LAYERS:
        if name.startswith(("plasma", "occupancy", "harm", "state")):
            near = 1e-8 if name.startswith("state") else 1e-10
            np.testing.assert_allclose(knocked[name], plain[name], rtol=near, atol=1e-13)


@pytest.mark.parametrize("target", ["AMPA", "BDNF", "mTORC1"])
@pytest.mark.parametrize("window", [ALWAYS, (0.0, math.inf), (0.0, 48.0), (0.0, 2 / 3)])
def test_an_intervention_of_factor_1_is_none_byte_for_byte(
    target: str, window: tuple[float, float]
) -> None:
    plain, one = with_intervention(), with_intervention(on(target, 1.0, window))
    assert [name for name in LAYERS if plain[name].tobytes() != one[name].tobytes()] == []


def test_an_intervention_acts_only_within_its_window() -> None:
    plain = with_intervention()["synapse:potentiation"]
    late = with_intervention(on("mTORC1", 0.0, (1.0, 48.0)))["synapse:potentiation"]
    np.testing.assert_allclose(late[:4], plain[:4], rtol=1e-4, atol=1e-7)
    assert np.all(late[4:] < 0.9 * plain[4:])
    before = with_intervention(on("mTORC1", 0.0, (-2.0, 0.0)))["synapse:potentiation"]
    np.testing.assert_allclose(before, plain, rtol=1e-3, atol=1e-7)
    after = with_intervention(on("BDNF", 0.0, (40.0, 48.0)))
    np.testing.assert_allclose(after["synapse:potentiation"][:7], plain[:7], rtol=1e-4, atol=1e-7)
    assert np.all(after["synapse:BDNF"][-1] < 1e-12)
    assert np.all(after["synapse:BDNF"][:7] > 0.99)


def test_half_of_release_is_half_of_potentiation_and_two_halves_a_quarter() -> None:
    plain = with_intervention()["synapse:potentiation"][-1]
    half = with_intervention(on("BDNF", 0.5))["synapse:potentiation"][-1]
    quarter = with_intervention(on("BDNF", 0.5), on("AMPA", 0.5))["synapse:potentiation"][-1]
    np.testing.assert_allclose(half / plain, 0.5, rtol=1e-4)
    np.testing.assert_allclose(quarter / plain, 0.25, rtol=1e-4)
    again = with_intervention(on("BDNF", 0.5), on("BDNF", 0.5))["synapse:potentiation"][-1]
    np.testing.assert_allclose(again / plain, 0.25, rtol=1e-4)


def test_an_unknown_target_is_refused_with_the_known_ones() -> None:
    known = sorted({t for layer in human_model().joined.layers for t in layer.targets})
    assert {"AMPA", "BDNF", "mTORC1", "GluN1", "CYP3A4:gut", "CYP2B6:liver"} <= set(known)
    with pytest.raises(ScenarioError) as caught:
        with_intervention(on("sigma-1", 0.0))
    expected = f"'sigma-1' has no model yet; modelled: {', '.join(known)}"
    assert str(caught.value).endswith(expected)


def test_the_weights_of_patients_follow_the_population() -> None:
    heavy = simulate_few("40 mg ketamine iv bolus", population=Population(weight_kg=140))
    light = simulate_few("40 mg ketamine iv bolus", population=Population(weight_kg=50))
    name = "plasma:arterial:ketamine"
    np.testing.assert_allclose(light.values[name][0] / heavy.values[name][0], 140 / 50, rtol=0.6)
    spread = simulate_few(INFUSION, population=Population(weight_kg=Spread(mean=80, sd=10)))
    assert len(set(spread.values[name][1].tolist())) == 3
