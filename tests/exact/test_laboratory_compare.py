"""Regimens side by side, the table of form and route, and equal exposure: the same people, the same body."""

from __future__ import annotations

import numpy as np
import pytest

from ketalab.errors import ScenarioError
from ketalab.facts import fact
from ketalab.laboratory import Scenario, compare, equivalent, matrix, simulate
from ketalab.laboratory._compare import bioavailability_of, concentration_factor
from ketalab.people import Population
from ketalab.protocol import ROUTES

IV, ORAL = "50 mg ketamine iv over 40 min", "150 mg ketamine oral"
KETAMINE, NORKETAMINE = "plasma:venous:ketamine", "plasma:venous:norketamine"


def scenario(phrase: str, patients: int = 6, **options: object) -> Scenario:
    return Scenario.parse(phrase, patients=patients, days=2, **options)


@pytest.fixture(scope="module")
def both():
    doubled = "100 mg ketamine iv over 40 min"
    return compare([scenario(p) for p in (IV, ORAL, doubled)])


@pytest.fixture(scope="module")
def cells():
    return {(c.form, c.route): c for c in matrix(patients=20)}


# Regimens side by side


def test_each_regimen_is_what_simulate_gives_for_the_same_people(both) -> None:
    for regimen in both.regimens:
        alone = simulate(regimen.result.scenario)
        for name, figures in alone.figures.items():
            for figure, values in figures.items():
                assert np.array_equal(values, regimen.result.figures[name][figure], equal_nan=True)


def test_ratios_are_within_each_person(both) -> None:
    info = both.outputs[0]
    ratio = both.ratio(both.regimens[2], info)
    for figure in ("cmax", "auc_0_inf"):
        for kind in ("typical", "median", "p05", "p95"):
            assert ratio[figure][kind] == pytest.approx(2, rel=1e-3)
    assert both.ratio(both.regimens[1], info)["cmax"]["p95"] < 1


def test_risks_stand_beside_whatever_is_compared() -> None:
    found = compare([scenario(p, 2, outputs=(NORKETAMINE,)) for p in (IV, ORAL)])
    pressures = ("harm:systolic", "harm:diastolic", "harm:pulse")
    largest = ("harm:systolic:largest", "harm:diastolic:largest")
    risks = [*pressures, *largest, "harm:urinary"]
    assert [info.name for info in found.outputs] == [NORKETAMINE, *risks]
    assert found.ratio(found.regimens[1], found.outputs[1]) == {}


def test_a_molar_unit_scales_concentrations_and_nothing_else(both) -> None:
    molar = compare([r.result.scenario for r in both.regimens[:2]], unit="nmol/L")
    for info in both.outputs:
        one = both.figures(both.regimens[0], info)["median"]
        two = molar.figures(molar.regimens[0], info)["median"]
        if info.name == KETAMINE:
            mass = fact("ketamine_molar_mass").to("g/mol")
            assert two["cmax"] == pytest.approx(one["cmax"] * 1000 / mass)
            assert two["auc_0_inf"] == pytest.approx(one["auc_0_inf"] * 1000 / mass)
            assert two["tmax"] == one["tmax"]
        if info.name.startswith("harm:"):
            assert two == one


@pytest.mark.parametrize(
    "name", [KETAMINE, "plasma:arterial:S-norketamine", "plasma:venous:R-dehydronorketamine"]
)
def test_every_analyte_of_ketamine_has_a_molar_mass(name: str) -> None:
    assert 1 / 250 < concentration_factor(name, "umol/L") < 1 / 200


def test_an_unknown_unit_is_refused_with_the_allowed_ones() -> None:
    with pytest.raises(ScenarioError, match=r"unit: 'mg/L' is not allowed; allowed: ng/mL, umol/L"):
        compare([scenario(IV), scenario(ORAL)], unit="mg/L")


@pytest.mark.parametrize("count", [0, 1, 7])
def test_fewer_than_two_or_more_than_six_regimens_are_refused(count: int) -> None:
    with pytest.raises(ScenarioError, match=rf"compare: {count} regimens?; allowed: 2 to 6"):
        compare([scenario(IV)] * count)


def test_regimens_in_other_people_are_refused() -> None:
    with pytest.raises(ScenarioError, match="differ in more than what is given"):
        compare([scenario(IV), scenario(ORAL, seed=1)])


def test_bioavailability_does_not_depend_on_how_often_or_how_fast_a_dose_is_given() -> None:
    once = bioavailability_of(scenario(ORAL))
    assert bioavailability_of(scenario(f"{ORAL} daily x 3")) == pytest.approx(once, rel=1e-12)
    assert bioavailability_of(scenario(IV))["p05"] == pytest.approx(1, abs=1e-9)


def test_bioavailability_of_unlike_doses_is_their_mean_by_dose() -> None:
    oral = bioavailability_of(scenario("50 mg ketamine oral"))["typical"]
    mixed = bioavailability_of(scenario("50 mg ketamine iv daily x 3; 50 mg ketamine oral"))
    assert mixed["typical"] == pytest.approx((3 + oral) / 4)


def test_bioavailability_is_that_of_the_simulated_areas(both) -> None:
    iv, oral = (r.result.figures[KETAMINE]["auc_0_inf"] for r in both.regimens[:2])
    made = bioavailability_of(both.regimens[1].result.scenario)
    assert made["median"] == pytest.approx(np.median(oral / 3 / iv), rel=2e-3)


def test_a_regimen_with_another_drug_or_without_any_has_no_bioavailability() -> None:
    assert bioavailability_of(scenario("50 mg ketamine oral + 10 mg memantine oral")) is None
    assert bioavailability_of(scenario("none")) is None


def test_children_are_compared_in_the_body_alone() -> None:
    young = Population(weight_kg=30, age=9)
    found = compare([scenario(p, 2, population=young) for p in ("10 mg ketamine iv", ORAL)])
    assert all(info.layer == "body" for info in found.outputs)


# The table of form and route


def test_the_table_has_every_form_by_every_route(cells) -> None:
    assert len(cells) == 3 * len(ROUTES)
    assert {route for _, route in cells} == set(ROUTES)


def test_a_dose_into_a_vein_arrives_whole(cells) -> None:
    for form in ("ketamine", "esketamine", "arketamine"):
        cell = cells[form, "iv"]
        assert cell.f == cell.f_p05 == cell.f_p95 == 1


def test_routes_of_animals_have_no_figures_and_no_human_data(cells) -> None:
    for route in ("ip", "icv", "local"):
        made = cells["ketamine", route].to_dict()
        assert made["f"] is None
        assert made["studied_range"] == "no human data"
        assert made["human_data"] is False


@pytest.mark.parametrize(
    ("form", "route"),
    [("arketamine", "nasal"), ("arketamine", "oral"), ("ketamine", "insufflated"), ("esketamine", "im")],
)  # fmt: skip
def test_a_cell_without_human_data_says_so(cells, form: str, route: str) -> None:
    made = cells[form, route].to_dict()
    assert made["studied_range"] == "no human data"
    assert made["records"] == []
    assert made["f"] is not None


def test_a_cell_tells_the_lowest_and_highest_dose_with_their_records(cells) -> None:
    made = cells["ketamine", "sc"].to_dict()
    assert made["studied_range"] == [0.1, 1.0]
    assert made["unit"] == "mg/kg"
    assert made["records"] == ["george2017_sc_elderly", "glue2017_anxiety"]


def test_the_table_agrees_with_regimens_side_by_side(cells) -> None:
    for phrase, key in (
        ("50 mg ketamine oral", ("ketamine", "oral")),
        ("56 mg esketamine nasal by device", ("esketamine", "nasal")),
        ("50 mg arketamine rectal", ("arketamine", "rectal")),
    ):
        f = bioavailability_of(scenario(phrase, 20))
        cell = cells[key]
        assert (cell.f, cell.f_p05, cell.f_p95) == pytest.approx(
            (f["typical"], f["p05"], f["p95"]), rel=1e-5
        )


def test_the_time_of_the_peak_and_the_metabolite_are_those_of_a_simulation(cells) -> None:
    typical = simulate(scenario("50 mg ketamine oral", 2)).typical_figures
    cell = cells["ketamine", "oral"]
    assert cell.tmax_h == pytest.approx(typical[KETAMINE]["tmax"], rel=0.12)
    ratio = typical[NORKETAMINE]["auc_0_inf"] / typical[KETAMINE]["auc_0_inf"]
    assert cell.norketamine_ratio == pytest.approx(ratio, rel=2e-3)


def test_the_grade_of_a_route_leaves_out_what_other_routes_rest_on() -> None:
    from ketalab.laboratory import body_model
    from ketalab.laboratory._matrix import _Places, route_facts
    from ketalab.laboratory._responses import gather

    model = body_model()
    places = _Places(gather(model, Population(), 0, 2))
    both = ["S-", "R-"]
    vein = route_facts(model, places.parts("iv"), both)
    nose = route_facts(model, places.parts("nasal"), both)
    assert "nasal_device_share" in nose
    assert "gut_escape" in nose
    assert "ketamine_cl_s" in vein
    assert not {"nasal_device_share", "gut_escape", "rectal_absorption_rate"} & set(vein)
    assert "r_hydroxynorketamine_fraction" not in route_facts(model, places.parts("iv"), ["S-"])
    assert "norketamine_cl_ratio_r_s" in vein
    assert "norketamine_cl_ratio_r_s" not in route_facts(model, places.parts("iv"), ["S-"])


def test_an_unknown_form_is_named_with_the_allowed_ones() -> None:
    with pytest.raises(ScenarioError, match=r"form: 'esketamin' is not allowed; .* did you mean"):
        matrix(form="esketamin")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seed": -1}, "seed: -1 is not allowed"),
        ({"patients": 0}, "patients: 0 is not allowed"),
        ({"patients": 1}, "patients: 1 is not allowed; allowed: 2 to"),
        ({"population": Population(species="rat")}, "species"),
    ],
)
def test_the_table_is_refused_for_nobody_too_many_and_animals(options, words) -> None:
    with pytest.raises(ScenarioError, match=words):
        matrix(**options)


# Equal exposure


@pytest.mark.parametrize("match", ["auc", "cmax"])
def test_the_same_route_gives_the_same_dose(match) -> None:
    found = equivalent(scenario("50 mg ketamine nasal"), "nasal", match=match)
    for dose in (found.dose, found.median, found.p05, found.p95):
        assert dose == pytest.approx(50, rel=1e-6)


@pytest.mark.parametrize(
    ("route", "options", "phrase"),
    [
        ("oral", {}, "{} mg ketamine oral"),
        ("nasal", {"form": "esketamine", "device": "device"}, "{} mg esketamine nasal by device"),
        ("sublingual", {"match": "cmax"}, "{} mg ketamine sublingual"),
        ("iv", {"match": "cmax", "over": "2 h", "form": "S-ketamine"}, "{} mg esketamine iv over 2 h"),
        ("oral", {"analyte": "norketamine"}, "{} mg ketamine oral"),
    ],
)  # fmt: skip
def test_a_simulation_of_the_dose_has_the_exposure(route, options, phrase) -> None:
    found = equivalent(scenario(IV, 2), route, **options)
    name = f"plasma:venous:{options.get('analyte', 'ketamine')}"
    figure = "cmax" if found.match == "cmax" else "auc_0_inf"
    wanted, made = (
        simulate(scenario(p, 2, outputs=(name,))).typical_figures[name][figure]
        for p in (IV, phrase.format(found.dose))
    )
    assert made == pytest.approx(wanted, rel=3e-3)


def test_where_what_is_absorbed_has_a_ceiling_no_dose_is_made_up() -> None:
    found = equivalent(scenario("1 g ketamine iv over 40 min"), "inhaled")
    assert found.dose is None
    assert found.p95 is None
    assert found.unmatched == 6
    assert any("no dose gives this exposure" in line for line in found.warnings)


def test_a_dose_beyond_the_records_is_told_with_the_spread_over_patients() -> None:
    found = equivalent(scenario("100 mg ketamine iv over 40 min"), "oral")
    assert found.studied_range == (37.5, 150)
    assert not found.inside_studied_range
    (line,) = [line for line in found.warnings if line.startswith("ketamine oral")]
    assert "for the typical person is above" in line
    assert "for 95% of patients is above" in line


def test_a_dose_within_the_records_is_inside() -> None:
    found = equivalent(scenario("20 mg ketamine iv over 40 min"), "sublingual")
    assert found.studied_range == (10, 450)
    assert found.inside_studied_range
    assert found.warnings == ()


def test_without_human_data_there_is_no_range_and_nothing_is_inside() -> None:
    found = equivalent(scenario(IV), "nasal", form="arketamine")
    assert found.studied_range is None
    assert not found.inside_studied_range
    assert any("no human data" in line for line in found.warnings)


def test_the_analyte_may_be_at_another_site() -> None:
    venous = equivalent(scenario(IV), "oral", match="cmax")
    arterial = equivalent(scenario(IV), "oral", match="cmax", analyte="plasma:arterial:ketamine")
    assert abs(arterial.dose / venous.dose - 1) > 1e-3


@pytest.mark.parametrize(
    ("phrase", "route", "options", "words"),
    [
        ("50 mg ketamine iv daily x 2", "oral", {}, "is not one dose"),
        ("10 mg memantine oral", "iv", {}, "is not one dose"),
        ("none", "iv", {}, "is not one dose"),
        (IV, "orall", {}, "route: 'orall' is not allowed; allowed: iv, .* did you mean 'oral'"),
        (IV, "ip", {}, "'ketamine' by route 'ip' has no model"),
        (IV, "oral", {"form": "midazolam"}, "form: 'midazolam' is not allowed"),
        (IV, "oral", {"match": "tmax"}, "match: 'tmax' is not allowed; allowed: auc, cmax"),
        (IV, "oral", {"analyte": "ketamin"}, "did you mean 'plasma:venous:ketamine'"),
        (IV, "oral", {"analyte": "harm:systolic"}, "is no concentration"),
        (IV, "oral", {"device": "spray"}, "device: 'spray' by route 'oral' is not allowed"),
        (IV, "oral", {"over": "40 min"}, "over: '40 min' by route 'oral' is not allowed"),
        (IV, "oral", {"form": "R-ketamine", "analyte": "S-ketamine"}, "no S-ketamine after arketamine"),
    ],
)  # fmt: skip
def test_what_cannot_be_matched_is_one_line(phrase, route, options, words) -> None:
    with pytest.raises(ScenarioError, match=words):
        equivalent(scenario(phrase, 2), route, **options)
