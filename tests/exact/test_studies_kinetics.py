"""Figures of simulated concentrations: closed forms, windows, units, and what a row says of people."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ketalab.errors import ScenarioError, UnitError
from ketalab.facts import fact
from ketalab.people import Population, Streams, draw
from ketalab.studies import parse_study
from ketalab.studies._kinetics import (
    about_concentrations,
    average,
    figure,
    is_figure,
    output_names,
    unit_factor,
)
from ketalab.studies._observe import Observer, Seen, statistic
from ketalab.studies._schema import Outcome
from ketalab.studies._times import times_of

Array = NDArray[np.float64]
KNOWN = ("plasma:venous:toy", "plasma:venous:made", "plasma:arterial:toy")
DOSE, VOLUME, K, KA = 100.0, 20.0, 0.3, 1.4
SHARES = np.array([[0.2, 0.5], [0.4, 0.8]])


def row(kind: str, **more: Any) -> Outcome:
    """One row about the toy's plasma."""
    fields: dict[str, Any] = {"measure": "plasma", "kind": kind, "arm": "drug", "analyte": "toy"}
    if kind == "ratio":
        fields["analyte"] = "made/toy"
    units = {"cmax": "ng/mL", "concentration": "ng/mL", "auc": "ng*h/mL", "tmax": "h"}
    fields |= {"unit": units[kind]} if kind in units else {}
    fields |= {"unit": "h"} if kind == "half_life" else {}
    return Outcome.model_validate(
        {**fields, "value": 0.5, "verified": True, "source": "made up", **more}
    )


def oral(times: Array, share: Array) -> Array:
    """A swallowed dose with first-order absorption, one compartment."""
    t = times.reshape(-1, *[1] * share.ndim)
    return share * DOSE * KA / (VOLUME * (KA - K)) * (np.exp(-K * t) - np.exp(-KA * t))


def infused(times: Array, hours: float, shape: tuple[int, ...]) -> Array:
    """The same dose infused over some hours."""
    rate, t = DOSE / hours, times.reshape(-1, *[1] * len(shape))
    during = rate / (VOLUME * K) * (1 - np.exp(-K * np.minimum(t, hours)))
    return during * np.exp(-K * np.maximum(t - hours, 0)) * np.ones(shape)


def seen(times: Array, **values: Array) -> Seen:
    """People as if simulated: two replicates of two people."""
    people = draw(Population(), Streams(0), 2, replicates=range(2))
    named = {f"plasma:venous:{name}": value for name, value in values.items()}
    return Seen("drug", times, named, people, (2, 2))


def toy_observer() -> Observer:
    """An observer of a study whose body is the toy."""
    study = parse_study(
        {
            "schema": 1,
            "id": "toy",
            "use": "validate",
            "species": "human",
            "citation": {"title": "A toy"},
            "design": {"kind": "pharmacokinetic"},
            "population": {"condition": "healthy"},
            "arms": [{"id": "drug", "doses": ["100 mg ketamine oral"]}],
            "outcomes": [row("cmax").model_dump(exclude_none=True)],
        },
        "toy",
    )
    return Observer(study, Population(), KNOWN)


def toy_times() -> Array:
    """The hours that replay looks at, for a figure that goes to infinity."""
    return times_of(("drug",), [row("auc")], (0.0, 2 / 3), 72.0)


def test_a_bioavailability_is_the_share_of_the_dose_that_the_toy_absorbs() -> None:
    times = toy_times()
    mine = seen(times, toy=oral(times, SHARES))
    reference = seen(times, toy=infused(times, 2 / 3, (2, 2)))
    found = toy_observer().concentrations(mine, row("bioavailability"), reference)
    np.testing.assert_allclose(found, SHARES, rtol=5e-3)
    mean = statistic(row("bioavailability"), found, None)
    np.testing.assert_allclose(mean, [0.35, 0.6], rtol=5e-3)


def test_peak_and_area_and_half_life_of_the_toy_are_those_of_its_formula() -> None:
    times = toy_times()
    mine = seen(times, toy=oral(times, SHARES))

    def of(kind: str) -> Array:
        return toy_observer().concentrations(mine, row(kind), None)

    peak_time = np.log(KA / K) / (KA - K)
    np.testing.assert_allclose(of("auc"), SHARES * DOSE / (VOLUME * K), rtol=5e-3)
    np.testing.assert_allclose(of("tmax"), peak_time, atol=0.15)
    np.testing.assert_allclose(of("cmax"), oral(np.array([peak_time]), SHARES)[0], rtol=5e-3)
    np.testing.assert_allclose(of("half_life"), np.log(2) / K, rtol=0.02)


def test_an_area_with_a_window_ends_with_it() -> None:
    rows = [row("auc", window_h=[0.0, 6.0])]
    times = times_of(("drug",), rows, (0.0,), 72.0)
    mine = seen(times, toy=np.exp(-K * times)[:, None, None] * SHARES)
    found = toy_observer().concentrations(mine, rows[0], None)
    np.testing.assert_allclose(found, SHARES * (1 - np.exp(-6 * K)) / K, rtol=1e-6)


def test_inside_a_window_a_peak_is_the_window_s_and_its_time_counts_from_the_start() -> None:
    times = np.arange(0.0, 12.5, 0.5)
    values = (np.exp(-((times - 1) ** 2)) * 9 + np.exp(-((times - 8) ** 2)) * 4)[:, None]
    assert figure(times, values, "cmax")[0] == pytest.approx(9, rel=1e-6)
    assert figure(times, values, "cmax", (6.0, 12.0))[0] == pytest.approx(4, rel=1e-6)
    assert figure(times, values, "tmax", (6.0, 12.0))[0] == pytest.approx(2.0)


def test_a_window_outside_the_course_is_refused() -> None:
    with pytest.raises(ScenarioError, match="no simulated time"):
        figure(np.arange(3.0), np.ones((3, 1)), "auc", (50.0, 60.0))


def test_nobody_samples_at_the_needle_after_a_bolus() -> None:
    times = np.array([0.0, 1 / 60, 2 / 60, 0.25, 1.0])
    values = np.array([900.0, 500.0, 300.0, 100.0, 50.0])[:, None]
    assert figure(times, values, "cmax", boluses=(0.0,))[0] == 300.0
    assert figure(times, values, "tmax", boluses=(0.0,))[0] == pytest.approx(2 / 60)
    assert figure(times, values, "cmax")[0] == 900.0


def test_where_next_to_nothing_is_left_the_area_needs_no_slope() -> None:
    times = np.linspace(0, 10, 21)
    triangle = np.maximum(1 - np.abs(times - 1), 0)[:, None]
    falling = 0.25 / np.log(2) + 0.125  # by the logarithmic rule, and the linear one down to zero
    assert figure(times, triangle, "auc")[0] == pytest.approx(0.5 + falling)


def test_a_ratio_of_two_analytes_is_taken_in_each_person() -> None:
    times = toy_times()
    parent = oral(times, SHARES)
    factors = np.array([[3.0, 5.0], [7.0, 2.0]])
    mine = seen(times, toy=parent, made=parent * factors)
    found = toy_observer().concentrations(mine, row("ratio"), None)
    np.testing.assert_allclose(found, factors, rtol=1e-9)
    at_two = toy_observer().concentrations(
        mine, row("ratio", time_h=2.0, quantity="concentration"), None
    )
    np.testing.assert_allclose(at_two, factors, rtol=1e-9)


def test_a_ratio_between_arms_compares_what_its_quantity_says() -> None:
    times = toy_times()
    low, high = seen(times, toy=oral(times, SHARES)), seen(times, toy=oral(times, 3 * SHARES))
    one = row("ratio", analyte="toy", than="other", quantity="cmax")
    observer = toy_observer()
    mine, other = (observer.concentrations(part, one, None) for part in (high, low))
    np.testing.assert_allclose(statistic(one, mine, other), 3.0)


def test_mean_median_and_geometric_mean_are_what_they_are_called() -> None:
    persons = np.array([[1.0, 2.0, 64.0], [3.0, 3.0, np.nan]])
    assert average(row("cmax"), persons).tolist() == [67 / 3, 3.0]
    assert average(row("cmax", average="median"), persons).tolist() == [2.0, 3.0]
    np.testing.assert_allclose(
        average(row("cmax", average="geometric"), persons), [128 ** (1 / 3), 3]
    )
    nobody = np.full((1, 3), np.nan)
    for word in ("mean", "median", "geometric"):
        assert np.isnan(average(row("cmax", average=word), nobody)).all()


@pytest.mark.parametrize(
    "analyte", ["ketamine", "norketamine", "dehydronorketamine", "hydroxynorketamine"]
)
@pytest.mark.parametrize("isomer", ["", "S-", "R-"])
def test_molar_units_are_reached_by_the_molar_mass_of_each_analyte(
    analyte: str, isomer: str
) -> None:
    mass = fact(f"{analyte}_molar_mass").to("g/mol")
    named = {"analyte": isomer + analyte}
    assert unit_factor(row("cmax", unit="nmol/mL", **named)) == pytest.approx(1 / mass)
    assert unit_factor(row("cmax", unit="umol/L", **named)) == pytest.approx(1 / mass)
    assert unit_factor(row("cmax", unit="nmol/L", **named)) == pytest.approx(1000 / mass)
    assert unit_factor(row("cmax", unit="ug/mL", **named)) == pytest.approx(1e-3)
    assert unit_factor(row("auc", unit="ng*min/mL", **named)) == pytest.approx(60)
    assert unit_factor(row("auc", unit="umol*h/L", **named)) == pytest.approx(1 / mass)


def test_the_molar_masses_are_those_of_the_formulae() -> None:
    made = {name: fact(f"{name}_molar_mass").to("g/mol") for name in
            ("ketamine", "norketamine", "dehydronorketamine", "hydroxynorketamine")}  # fmt: skip
    assert made["ketamine"] - made["norketamine"] == pytest.approx(14.027, abs=0.011)  # CH2
    assert made["norketamine"] - made["dehydronorketamine"] == pytest.approx(2.016, abs=0.011)
    assert made["hydroxynorketamine"] - made["norketamine"] == pytest.approx(15.999, abs=0.011)


def test_a_molar_unit_of_an_analyte_without_a_mass_prints_both_units() -> None:
    with pytest.raises(UnitError, match=r"'ng/mL'.*'nmol/mL'"):
        unit_factor(row("cmax", unit="nmol/mL", analyte="mystery"))


def test_which_rows_are_about_concentrations_and_which_look_at_a_whole_course() -> None:
    assert about_concentrations(row("auc"))
    assert is_figure(row("auc"))
    assert about_concentrations(row("concentration", time_h=1.0))
    assert not is_figure(row("concentration", time_h=1.0))
    assert is_figure(row("ratio"))
    assert not is_figure(row("ratio", time_h=2.0))
    score = {"measure": "MADRS", "analyte": None, "value": 2.0}
    assert not about_concentrations(row("ratio", **score))


def test_sites_and_analytes_without_a_model_are_named() -> None:
    assert output_names(row("cmax", site="arterial"), KNOWN) == ("plasma:arterial:toy",)
    assert output_names(row("ratio"), KNOWN) == ("plasma:venous:made", "plasma:venous:toy")
    with pytest.raises(ScenarioError, match="no model yet of concentrations in csf"):
        output_names(row("cmax", site="csf"), KNOWN)
    with pytest.raises(ScenarioError, match="no model yet of mystery in venous plasma"):
        output_names(row("cmax", analyte="mystery"), KNOWN)


@given(st.lists(st.floats(0, 200), min_size=1, max_size=60), st.floats(24, 400))
def test_the_hours_that_are_looked_at_hold_doses_and_end_and_stay_few(doses, horizon) -> None:
    rows = [row("cmax"), row("concentration", time_h=3.3)]
    times = times_of(("drug",), rows, doses, horizon)
    assert (np.diff(times) > 0).all()
    assert times[0] == 0
    assert times[-1] == pytest.approx(horizon)
    assert np.abs(times - 3.3).min() < 1e-9
    for dose in doses:
        assert dose > horizon or np.abs(times - dose).min() < 1e-6
    assert len(times) < 1700
