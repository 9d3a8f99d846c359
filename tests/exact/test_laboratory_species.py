"""Rats, mice and children, through the same scenario, phrase and result as adults.

Adults have the whole model; rats and mice a body, a brain and what they do in tests; a bath a brain; children a body
alone.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ketalab.cli import main
from ketalab.errors import ScenarioError
from ketalab.facts import conversion_factor, fact
from ketalab.laboratory import (
    Scenario,
    animal_model,
    body_model,
    find_person,
    human_model,
    looks,
    model_for,
    output,
    outputs,
    simulate,
    value_of,
    whom,
)
from ketalab.people import Population, Spread

VENOUS, ARTERIAL = "plasma:venous:ketamine", "plasma:arterial:S-ketamine"
HYDROXY = "plasma:venous:R-hydroxynorketamine"
BODIES: list[dict[str, Any]] = [
    {"species": "rat"},
    {"species": "mouse"},
    {"population": Population(age=6)},
]
WHO = list(zip(BODIES, ("rat", "mouse", "child"), strict=True))
CHILD = {"population": Population(age=6)}
ANIMAL_LAYERS = {"body", "brain", "behaviour"}


def scenario(phrase: str = "10 mg/kg ketamine iv bolus", **options: Any) -> Scenario:
    return Scenario.parse(phrase, **{"patients": 4, "days": 1, **options})


def refusal(**options: Any) -> str:
    with pytest.raises(ScenarioError) as caught:
        simulate(scenario(**options))
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- which model, which outputs -------------------------------------------------------------------


@pytest.mark.parametrize("species", ["rat", "mouse"])
def test_an_animal_has_a_body_a_brain_and_a_behaviour(species: Any) -> None:
    made = scenario(species=species)
    assert whom(made) == species
    assert model_for(made) is animal_model(species)
    assert {info.layer for info in outputs(species).values()} == ANIMAL_LAYERS


def test_a_child_has_a_body_alone() -> None:
    made = scenario(**CHILD)
    assert whom(made) == "child"
    assert model_for(made) is body_model()
    assert not model_for(made).states
    assert {info.layer for info in outputs("child").values()} == {"body"}


def test_a_bath_has_a_brain_and_no_plasma() -> None:
    assert {info.layer for info in outputs("in_vitro").values()} == {"brain"}
    layers = [layer.name for layer in animal_model("in_vitro").joined.layers]
    assert layers == ["body", "brain"]


def test_adults_have_all_layers_whatever_is_asked() -> None:
    for population in (Population(), Population(age=18), Population(age=Spread(mean=19, sd=9))):
        for names in ((), (VENOUS,)):
            assert model_for(scenario(population=population, outputs=names)) is human_model()
    assert outputs() is outputs("human")


@pytest.mark.parametrize(("options", "who"), WHO)
def test_what_only_adults_have_is_refused_by_name(options: dict[str, Any], who: str) -> None:
    whose = {"rat": "rats", "mouse": "mice", "child": "children"}[who]
    missing = ["score:MADRS", "harm:systolic", *(["synapse:BDNF"] if who == "child" else [])]
    layers = "body" if who == "child" else "body, brain, behaviour"
    for name in missing:
        line = refusal(outputs=(VENOUS, name), **options)
        assert line.endswith(f"{name!r}: no model of it in {whose} yet; modelled there: {layers}")
    assert "did you mean" in refusal(outputs=("plasma:venus:ketamine",), **options)


@pytest.mark.parametrize(("options", "who"), WHO)
def test_what_is_asked_changes_no_byte_of_an_output(options: dict[str, Any], who: str) -> None:
    every, one = simulate(scenario(**options)), simulate(scenario(outputs=(VENOUS,), **options))
    assert {i.layer for i in every.outputs} == ({"body"} if who == "child" else ANIMAL_LAYERS)
    assert every.values[VENOUS].tobytes() == one.values[VENOUS].tobytes()
    assert every.typical[VENOUS].tobytes() == one.typical[VENOUS].tobytes()
    for name, figure in one.figures[VENOUS].items():
        assert figure.tobytes() == every.figures[VENOUS][name].tobytes()


def test_a_constant_of_people_counts_as_assumed_in_an_animal() -> None:
    assert output(ARTERIAL, "mouse").grade == "D"
    assert output(ARTERIAL, "mouse").grade >= output(ARTERIAL, "child").grade


def test_a_body_alone_says_that_nobody_had_to_be_checked() -> None:
    check = simulate(scenario("1 mg/kg ketamine iv bolus", **CHILD)).check
    assert check.error is None
    assert "a body alone is exact" in check.line()


# --- what comes out -------------------------------------------------------------------------------


@pytest.mark.parametrize("species", ["rat", "mouse"])
def test_the_area_of_the_typical_animal_is_dose_over_the_scaled_clearance(species: str) -> None:
    typical = simulate(scenario(species=species, outputs=(ARTERIAL,))).typical_figures[ARTERIAL]
    weight = fact(f"{species}_weight").to("kg")
    scaled = (weight / fact("reference_weight").value) ** fact("allometry_flow").value
    clearance = value_of("ketamine_cl_s") * conversion_factor("L/min", "L/h", "clearance") * scaled
    assert typical["auc_0_inf"] == pytest.approx(5e3 * weight / clearance, rel=2e-3)


@pytest.mark.parametrize("species", ["rat", "mouse"])
def test_animals_differ_in_weight_as_the_facts_say_or_have_the_stated_one(species: str) -> None:
    default = find_person(scenario(species=species)).people
    assert default.weight[0] == fact(f"{species}_weight").to("kg")
    stated = scenario(species=species, population=Population(species=species, weight_kg=0.055))
    assert find_person(stated, 2).people.weight[0] == 0.055
    assert find_person(stated, 2).people.covariates()["child"][0] == 0


@pytest.mark.parametrize(
    "route", ["iv bolus", "iv over 10 min", "ip", "icv", "local", "sc", "im", "oral"]
)
def test_an_animal_is_given_ketamine_by_all_its_routes(route: str) -> None:
    phrase = f"10 mg/kg ketamine {route}"
    result = simulate(scenario(phrase, species="mouse", outputs=(VENOUS,), uncertainty=False))
    assert (result.figures[VENOUS]["cmax"] > 1).all()
    assert np.isfinite(result.figures[VENOUS]["auc_0_inf"]).all()


@pytest.mark.parametrize("route", ["iv bolus", "ip", "oral"])
def test_hydroxynorketamine_is_given_itself_to_animals_alone(route: str) -> None:
    names = (HYDROXY, VENOUS, "plasma:venous:S-hydroxynorketamine")
    phrase = f"10 mg/kg (2R,6R)-hydroxynorketamine {route}"
    given, none, other = (
        simulate(scenario(phrase, species="rat", outputs=names)).typical_figures[name]["cmax"]
        for name in names
    )
    assert given > 100
    assert none == other == 0
    with pytest.raises(ScenarioError, match="'hydroxynorketamine' by route"):
        simulate(scenario(phrase))


def test_a_route_of_another_species_is_refused_with_the_modelled_ones() -> None:
    nasal = refusal(phrase="10 mg/kg ketamine nasal", species="mouse")
    assert "'nasal'" in nasal
    assert nasal.endswith("modelled: iv, im, sc, oral, ip, icv, local")
    ip = refusal(phrase="10 mg/kg ketamine ip")
    assert "'ip'" in ip
    assert "inhaled" in ip
    assert "icv" not in ip


def test_a_child_is_smaller_and_clears_more_for_its_weight_than_an_adult() -> None:
    phrase = "1 mg/kg ketamine iv bolus"
    child = simulate(scenario(phrase, population=Population(age=4), outputs=(VENOUS,)))
    adult = simulate(scenario(phrase, outputs=(VENOUS,)))
    areas = [r.typical_figures[VENOUS]["auc_0_inf"] for r in (child, adult)]
    assert areas[0] < areas[1]


def test_half_of_the_children_have_each_published_model() -> None:
    result = simulate(
        scenario(
            "1 mg/kg ketamine iv bolus",
            population=Population(age=8, weight_kg=27),
            outputs=(ARTERIAL,),
            patients=80,
            uncertainty=False,
        )
    )
    areas = np.log(np.sort(result.figures[ARTERIAL]["auc_0_inf"]))
    # Two groups: people within one differ less than the clearances of the two models do.
    assert areas[-20:].mean() - areas[:20].mean() > 0.6


# --- the scenario and its document ----------------------------------------------------------------


def test_the_species_of_population_and_scenario_must_agree() -> None:
    assert scenario(species="mouse").population.species == "mouse"
    with pytest.raises(ScenarioError, match="is not that of the population, 'mouse'"):
        scenario(species="rat", population=Population(species="mouse"))
    with pytest.raises(ScenarioError, match="'human' is not that of the population"):
        scenario(population=Population(species="mouse"))
    with pytest.raises(ScenarioError, match=r"weight_kg: 70 is not allowed; 0\.01 to 0\.06"):
        scenario(species="mouse", population=Population(weight_kg=70))
    with pytest.raises(ScenarioError, match="age: not allowed for species 'rat'"):
        scenario(species="rat", population=Population(age=40))


def test_the_document_names_the_species_once_and_the_hash_tells_species_apart() -> None:
    documents = [scenario(species=species).to_dict() for species in ("human", "rat", "mouse")]
    assert [d["population"] for d in documents] == [{}, {}, {}]
    assert len({scenario(species=s).hash() for s in ("human", "rat", "mouse")}) == 3


# --- when a body alone is looked at ---------------------------------------------------------------


def test_looks_are_close_after_each_event_and_hold_all_events() -> None:
    edges = np.array([0.0, 0.5, 24.0, 168.0])
    times = looks(edges)
    assert set(edges) <= set(times)
    assert (np.diff(times) > 0).all()
    for edge, end in pairwise(edges):
        since = times[(times > edge) & (times < end)] - edge
        assert since[0] < 0.003
        assert (since[1:] / since[:-1]).max() < 1.06 + 1e-9
        assert (end - edge) / since[-1] < 1.06 + 1e-9


@pytest.mark.parametrize("count", [1, 30, 400])
def test_looks_stay_few_in_a_long_course(count: int) -> None:
    assert len(looks(np.linspace(0, 24 * count, count + 1))) < 30 * count + 2000


def test_figures_of_a_body_alone_do_not_depend_on_the_times_asked() -> None:
    sparse = simulate(scenario(species="rat", outputs=(VENOUS,), times=(24.0,)))
    dense = simulate(
        scenario(species="rat", outputs=(VENOUS,), times=tuple(np.linspace(0, 24, 2000)))
    )
    for name in ("cmax", "auc_0_inf"):
        np.testing.assert_allclose(
            sparse.figures[VENOUS][name], dense.figures[VENOUS][name], rtol=2e-3
        )


# --- the command line -----------------------------------------------------------------------------


def ask(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["simulate", *words]) == 0
    return capsys.readouterr().out


def test_the_command_simulates_mice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("10 mg/kg ketamine ip", "--species", "mouse", "--patients", "3", "--days", "1")
    document = json.loads(ask(capsys, *words, "--weight", "0.03", "--json"))
    assert document["scenario"]["population"] == {"weight_kg": 0.03}
    assert {row["layer"] for row in document["outputs"]} == ANIMAL_LAYERS
    path = tmp_path / "mice.yaml"
    path.write_text("weight_kg: {mean: 0.03, sd: 0.002}\n", encoding="utf-8")
    text = ask(capsys, *words, "--population", str(path))
    assert "plasma:venous:hydroxynorketamine" in text
    assert "score:" not in text


def test_the_outputs_of_a_species_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["outputs", "--species", "mouse", "--json"]) == 0
    names = [row["name"] for row in json.loads(capsys.readouterr().out)]
    assert names == list(outputs("mouse"))
    assert main(["outputs", "--species", "newt"]) == 2
    assert "allowed: human, rat, mouse" in capsys.readouterr().err
