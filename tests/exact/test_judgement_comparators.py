"""Comparators: exact against closed forms, and against numbers worked out apart from this code."""

from __future__ import annotations

import math
import runpy
from pathlib import Path

import numpy as np
import pytest

from ketalab.errors import FactError
from ketalab.facts import fact
from ketalab.judgement import comparators, predict_row, read_comparator
from ketalab.judgement._linear import Inflow, Linear

_made = runpy.run_path(str(Path(__file__).with_name("_qualified.py")))
make_study = _made["make_study"]

FILE = """
schema: 1
id: toy
name: a toy
citation: {title: a toy}
describes: [S]
site: venous
parameters:
  - {name: CL, quantity: clearance, value: 1.0, unit: L/min, weight_power: 0.75, grade: assumed, source: made up}
  - {name: V, quantity: volume, value: 100, unit: L, weight_power: 1, grade: assumed, source: made up}
compartments: [depot, central]
flows:
  - {from: depot, to: central, rate: 2 / 4}
  - {from: central, to: out, clearance: CL, volume: V}
entries:
  - {route: iv, parts: [{into: central}]}
observe:
  - {molecule: ketamine, compartment: central, volume: V, molar_mass: ketamine_molar_mass}
"""


def says(name: str, phrase: str, weight: float = 70.0, **row) -> float | None:
    """What a comparator says of one row after a phrase."""
    outcome = {"value": 1.0, "kind": "concentration"} | row
    population = {"condition": "healthy", "weight_kg": weight}
    study = make_study("one", [outcome], {"drug": [phrase]}, population=population)
    return predict_row(name, study, study.outcomes[0])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("simons2022", 144),
        ("noppers2011", 139),
        ("kamp2020_meta", 127),
        ("otto2021", 79),
        ("perezruixo2021", 62),
    ],
)
def test_the_end_of_the_usual_infusion_is_as_the_evidence_works_it_out(
    name: str, expected: int
) -> None:
    said = says(name, "0.5 mg/kg ketamine iv over 40 min", analyte="S-ketamine", time_h=2 / 3)
    assert said is not None
    assert round(said) == expected


def test_the_racemate_of_a_model_of_s_is_twice_the_s_of_half_the_dose() -> None:
    phrase = "0.5 mg/kg ketamine iv over 40 min"
    half = says("simons2022", phrase, analyte="S-ketamine", time_h=1.0)
    assert half is not None
    assert says("simons2022", phrase, analyte="ketamine", time_h=1.0) == pytest.approx(2 * half)
    assert says("simons2022", phrase, analyte="R-ketamine", time_h=1.0) == pytest.approx(half)


@pytest.mark.parametrize(
    ("name", "phrase", "row"),
    [
        ("simons2022", "50 mg ketamine oral", {}),
        ("simons2022", "50 mg ketamine im", {}),
        ("simons2022", "10 mg arketamine iv bolus", {"analyte": "R-ketamine"}),
        ("simons2022", "10 mg ketamine iv bolus", {"analyte": "dehydronorketamine"}),
        ("perezruixo2021", "28 mg esketamine nasal", {"analyte": "S-ketamine"}),
        ("domino1984", "10 mg esketamine iv bolus", {"analyte": "S-ketamine"}),
        ("domino1984", "10 mg ketamine iv bolus", {"analyte": "S-ketamine"}),
        ("published_mean", "28 mg esketamine nasal by device", {"analyte": "S-ketamine"}),
        ("simons2022", "10 mg ketamine iv bolus", {"kind": "direction", "sign": "0"}),
    ],
)
def test_a_model_abstains_where_it_has_no_route_form_or_analyte(name, phrase, row) -> None:
    outcome = {"analyte": "ketamine", "time_h": 1.0} | row
    if row.get("kind") == "direction":
        outcome |= {"value": None, "than": None}
    assert says(name, phrase, **outcome) is None


def test_an_area_is_the_dose_over_the_clearance() -> None:
    said = says("otto2021", "20 mg esketamine iv over 20 min", kind="auc", analyte="S-ketamine")
    assert said == pytest.approx(20_000 / 95.2, rel=1e-10)


def test_an_area_in_a_window_is_what_is_left_of_the_whole() -> None:
    row = {"kind": "auc", "analyte": "S-ketamine"}
    phrase = "20 mg esketamine iv over 20 min"
    whole = says("otto2021", phrase, **row)
    parts = [says("otto2021", phrase, **row, window_h=[a, b]) for a, b in ((0, 0.2), (0.2, 500))]
    assert sum(p for p in parts if p is not None) == pytest.approx(whole, rel=1e-6)


def test_hydrochloride_weighs_more_than_base() -> None:
    row = {"kind": "auc", "analyte": "S-ketamine"}
    base = says("otto2021", "20 mg esketamine iv bolus", **row)
    salt = says("otto2021", "20 mg esketamine hydrochloride iv bolus", **row)
    assert base is not None
    mass = fact("ketamine_molar_mass").value
    whole = mass + fact("hydrogen_chloride_molar_mass").value
    assert salt == pytest.approx(base * mass / whole)


def test_clearance_goes_with_weight_to_three_quarters() -> None:
    row = {"kind": "auc", "analyte": "S-ketamine"}
    light, heavy = (says("simons2022", "20 mg esketamine iv bolus", w, **row) for w in (35.0, 70.0))
    assert light is not None
    assert heavy is not None
    assert light / heavy == pytest.approx(2**0.75)


def test_bioavailabilities_are_those_of_the_abstract() -> None:
    row = {"kind": "bioavailability", "analyte": "S-ketamine", "value": 0.5}
    swallowed = 0.64 * 151 / (151 + 101 * (1.11 + 2.77))
    assert says("perezruixo2021", "84 mg esketamine oral", **row) == pytest.approx(swallowed)
    for milligrams, published in ((56, 0.54), (84, 0.51)):
        said = says("perezruixo2021", f"{milligrams} mg esketamine nasal by device", **row)
        assert said == pytest.approx(published, abs=0.005)


def test_the_second_nasal_device_brings_less_than_the_first() -> None:
    row = {"kind": "bioavailability", "analyte": "S-ketamine", "value": 0.5}
    escapes = 0.64 * 151 / (151 + 101 * (1.11 + 2.77))
    for devices in (1, 2, 3):
        direct = 0.54 * (1 + (devices - 1) * 0.62) / devices
        said = says("perezruixo2021", f"{28 * devices} mg esketamine nasal by device", **row)
        assert said == pytest.approx(direct + (1 - direct) * escapes)


def test_all_of_a_metabolite_comes_from_its_parent() -> None:
    phrase = "20 mg esketamine iv bolus"
    said = says("simons2022", phrase, kind="auc", analyte="S-norketamine", unit="nmol*h/mL")
    micromoles = 20_000 / fact("ketamine_molar_mass").value
    assert said == pytest.approx(0.8 * micromoles / 60, rel=1e-9)


def test_a_log_mean_is_the_geometric_mean_of_those_that_speak() -> None:
    row = {"analyte": "S-norketamine", "time_h": 2.0}
    phrase = "20 mg esketamine iv over 20 min"
    said = [says(n, phrase, **row) for n in ("simons2022", "perezruixo2021", "otto2021")]
    logs = [math.log(value) for value in said if value is not None]
    assert len(logs) == 3
    assert says("published_mean", phrase, **row) == pytest.approx(math.exp(sum(logs) / 3))


def test_a_peak_is_looked_for_from_the_first_sample_on() -> None:
    row = {"analyte": "ketamine"}
    peak = says("domino1984", "10 mg ketamine iv bolus", kind="cmax", **row)
    early = says("domino1984", "10 mg ketamine iv bolus", time_h=2 / 60, **row)
    assert peak == pytest.approx(early, rel=0.05)
    assert peak < early * (1 + 1e-12)


def test_a_mix_of_doses_is_predicted_as_its_mean() -> None:
    row = {"kind": "auc", "analyte": "S-ketamine"}
    one, two = (says("otto2021", f"{d} mg esketamine iv bolus", **row) for d in (10, 30))
    both = says("otto2021", "flexible 10 or 30 mg esketamine iv bolus", **row)
    assert both == pytest.approx((one + two) / 2)


def test_bolus_and_infusion_through_one_compartment_are_the_closed_forms() -> None:
    k, rate, length = 0.7, 3.0, 2.0
    linear = Linear(np.array([[-k]]))
    times = np.array([0.0, 0.5, 2.0, 2.5, 9.0])
    bolus = linear.amounts([Inflow(0, 5.0, 0.5)], times)[:, 0]
    expected = np.where(times >= 0.5, 5 * np.exp(-k * (times - 0.5)), 0)
    np.testing.assert_allclose(bolus, expected, rtol=1e-12)
    given = linear.amounts([Inflow(0, rate * length, 0.0, length)], times)[:, 0]
    until = np.minimum(times, length)
    rising = rate / k * (1 - np.exp(-k * until))
    np.testing.assert_allclose(given, rising * np.exp(-k * (times - until)), rtol=1e-12)


def test_doses_add_up() -> None:
    linear = Linear(np.array([[-1.0, 0.2], [0.6, -0.5]]))
    times = np.linspace(0, 8, 30)
    inflows = [Inflow(0, 1.0, 0.0), Inflow(1, 2.0, 1.3, 0.7), Inflow(0, 3.0, 1.3)]
    apart = sum(linear.amounts([one], times) for one in inflows)
    np.testing.assert_allclose(linear.amounts(inflows, times), apart, rtol=1e-12, atol=1e-15)


def test_an_area_agrees_with_a_sum_over_a_fine_grid() -> None:
    linear = Linear(np.array([[-1.0, 0.2], [0.6, -0.5]]))
    inflows = [Inflow(0, 1.0, 0.0), Inflow(1, 2.0, 1.0, 0.5)]
    times = np.linspace(0.25, 4.0, 4001)
    rough = np.trapezoid(linear.amounts(inflows, times), times, axis=0)
    np.testing.assert_allclose(linear.area(inflows, 0.25, 4.0), rough, rtol=1e-6)


def test_every_packaged_comparator_reads_and_names_its_sources() -> None:
    found = comparators()
    assert {"simons2022", "perezruixo2021", "published_mean"} <= set(found)
    for one in found.values():
        for constant in getattr(one, "parameters", ()):
            assert len(constant.source) > 10, constant.name


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("rate: 2 / 4", "rate: __import__('os')", "no product or quotient"),
        ("rate: 2 / 4", "rate: CL2 / V", "did you mean 'CL'"),
        ("clearance: CL, ", "", "rate, or clearance and volume"),
        ("to: out", "to: nowhere", "no compartment"),
        ("unit: L/min", "unit: mmHg", "'mmHg'"),
        ("name: V,", "name: CL,", "named twice"),
        ("to: out, clearance: CL, volume: V", "to: depot, rate: 1", "nothing ever leaves"),
        ("describes: [S]", "describes: [R]", "describes"),
        ("site: venous", "site: venous\ncolour: red", "colour"),
    ],
)
def test_a_comparator_that_breaks_its_form_is_one_clear_line(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    path = tmp_path / "toy.yaml"
    path.write_text(FILE)
    assert read_comparator(path).id == "toy"
    assert old in FILE
    path.write_text(FILE.replace(old, new, 1))
    with pytest.raises(FactError, match=r"toy\.yaml") as caught:
        read_comparator(path)
    assert words in str(caught.value)
