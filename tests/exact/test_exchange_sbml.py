"""The SBML export: valid, whole, exact, and named so that people can read it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import libsbml
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketalab.cli import main
from ketalab.errors import ModelError, OutputError, ScenarioError
from ketalab.exchange.sbml import SbmlModel, _write, check_sbml, sbml_model, write_sbml
from ketalab.exchange.sbml._names import Ids
from ketalab.facts import parse_unit
from ketalab.laboratory import (
    Person,
    Scenario,
    find_person,
    human_model,
    individuals,
)
from ketalab.people import Population, Streams, draw

PHRASE = "0.5 mg/kg ketamine iv over 40 min"
#: "cannot be fully checked": a literal zero stands beside something with a unit.
ZERO_WITHOUT_UNIT = 99505


def scenario(phrase: str = PHRASE, **options: object) -> Scenario:
    return Scenario.parse(phrase, **options)


@pytest.fixture(scope="module")
def exported() -> tuple[Person, SbmlModel]:
    person = find_person(scenario(), 3)
    return person, sbml_model(person)


pytestmark = pytest.mark.usefixtures("unchecked_sbml")


#: libSBML frees a model with its document, so documents that were read are kept.
_documents: list[libsbml.SBMLDocument] = []


def read(model: SbmlModel) -> libsbml.Model:
    _documents.append(libsbml.readSBMLFromString(model.text))
    return _documents[-1].getModel()


def formula(rule: libsbml.Rule | libsbml.EventAssignment) -> str:
    return libsbml.formulaToL3String(rule.getMath())


# --- valid ----------------------------------------------------------------------------------------


def test_the_document_is_valid_and_the_units_of_every_equation_fit(exported):
    _, model = exported
    findings = check_sbml(model.text)
    assert not [finding for finding in findings if finding.error]
    # A power whose exponent is an expression of ratios is one that libSBML does not judge.
    judged = [f for f in findings if "cannot be checked for unit validity" not in f.text]
    assert {finding.rule for finding in judged} <= {ZERO_WITHOUT_UNIT}
    assert all(re.search(r"(max|min)\(0,", finding.text) for finding in judged)


def test_a_unit_that_does_not_fit_is_found(exported):
    _, model = exported
    wrong = model.text.replace('units="L_per_h" constant="true"', 'units="L" constant="true"', 1)
    assert {f.rule for f in check_sbml(wrong)} - {ZERO_WITHOUT_UNIT}


def test_units_are_what_they_are_called(exported):
    """In SI, by libSBML's own kinds, against pint."""
    _, model = exported
    inside = read(model)
    base = {"gram": (1e-3, "kilogram"), "litre": (1e-3, "meter"), "metre": (1, "meter")}
    checked = set()
    for definition in inside.getListOfUnitDefinitions():
        size, powers = 1.0, Counter()
        for unit in definition.getListOfUnits():
            kind, exponent = libsbml.UnitKind_toString(unit.getKind()), unit.getExponentAsDouble()
            factor, name = base.get(kind, (1, kind))
            size *= (unit.getMultiplier() * 10 ** unit.getScale() * factor) ** exponent
            if kind == "pascal":
                powers.update({"kilogram": exponent, "meter": -exponent, "second": -2 * exponent})
            elif kind != "dimensionless":
                powers[name] += exponent * (3 if kind == "litre" else 1)
        wanted = (1 * parse_unit(definition.getName())).to_base_units()
        assert size == pytest.approx(wanted.magnitude, rel=1e-9)
        assert powers == Counter({str(n): p for n, p in wanted.unit_items()})
        checked.add(definition.getName())
    assert {"h", "L/h", "ng/mL", "micromolar", "umol", "g/mol", "mmHg"} <= checked
    declared = {p.getUnits() for p in inside.getListOfParameters()} - {"dimensionless"}
    assert declared <= {definition.getId() for definition in inside.getListOfUnitDefinitions()}


def test_a_broken_document_is_an_error_and_says_where():
    findings = check_sbml("<sbml/>")
    assert any(finding.error for finding in findings)
    assert re.match(r"line \d+: error \d+: ", str(next(f for f in findings if f.error)))


def test_what_libsbml_does_not_accept_is_never_written(tmp_path, monkeypatch):
    file = tmp_path / "model.xml"
    file.write_text("old")
    monkeypatch.setattr(_write, "check_sbml", check_sbml)
    monkeypatch.setattr(_write, "document_text", lambda root: "<sbml/>")
    with pytest.raises(ModelError, match="not valid: line 2: error"):
        write_sbml(file, scenario())
    assert file.read_text() == "old"
    assert os.listdir(tmp_path) == ["model.xml"]


# --- whole ----------------------------------------------------------------------------------------


def test_every_layer_is_inside_with_all_that_it_declares(exported):
    _, model = exported
    inside = read(model)
    rules = {rule.getVariable(): rule for rule in inside.getListOfRules()}
    joined = human_model().joined
    layers = [layer.name for layer in joined.layers]
    assert layers == ["body", "brain", "states", "belief", "mind", "harm"]
    for layer in joined.layers:
        for out in layer.outputs:
            rule = rules.pop(model.outputs[out.name])
            assert rule.isAssignment()
            parameter = inside.getParameter(rule.getVariable())
            assert parameter.getName() == out.name
            assert out.meaning in parameter.getNotesString()
        for state in layer.states:
            rule = rules.pop(model.states[state.name])
            assert rule.isRate()
            assert inside.getParameter(rule.getVariable()).getValue() == state.initial
        for constant in layer.parameters:
            parameter = inside.getParameter(model.parameters[f"{layer.name}.{constant.name}"])
            assert parameter.getConstant()
            assert f"Fact {constant.fact}:" in parameter.getNotesString()
            assert "Source: " in parameter.getNotesString()
    assert not rules
    assert inside.getNumParameters() == sum(
        len(table)
        for table in (
            model.outputs,
            model.states,
            model.parameters,
            model.covariates,
            model.inputs,
            model.inflows,
        )
    )


def test_a_layer_reads_the_output_of_another_and_not_its_expression(exported):
    _, model = exported
    rules = {rule.getVariable(): formula(rule) for rule in read(model).getListOfRules()}
    assert "unbound_S_ketamine" in rules["imaging_NMDA"]
    assert "body_" not in rules["imaging_NMDA"]
    assert "state_drive" in rules["harm_systolic"]


def test_what_is_an_output_itself_is_not_written_out_in_others(exported):
    _, model = exported
    rules = {rule.getVariable(): formula(rule) for rule in read(model).getListOfRules()}
    assert "occupancy_NMDA_interneuron" in rules["rhythm_gamma"]
    assert "unbound_S_ketamine" not in rules["rhythm_gamma"]
    assert len(model.text) < 2_000_000


def test_ids_are_the_names_with_underscores(exported):
    _, model = exported
    assert model.outputs["plasma:venous:S-ketamine"] == "plasma_venous_S_ketamine"
    assert model.outputs["occupancy:NMDA:cortical"] == "occupancy_NMDA_cortical"
    assert model.states["S_ketamine_central"] == "S_ketamine_central"
    assert model.parameters["body.v1"] == "body_v1"
    assert model.inputs["activity:AMPA"] == "activity_AMPA"
    assert model.inflows["S_ketamine_central"] == "inflow_S_ketamine_central"


@given(st.lists(st.text(max_size=12), max_size=20))
def test_any_names_get_ids_that_sbml_accepts_and_no_two_alike(names):
    ids = Ids()
    made = [ids.give(name) for name in names]
    assert len(set(made)) == len(made)
    assert all(libsbml.SyntaxChecker.isValidSBMLSId(name) for name in made)
    again = Ids()
    assert [again.give(name) for name in names] == made


def test_words_that_formulas_keep_for_themselves_are_no_ids():
    ids = Ids()
    made = [ids.give(name) for name in ("time", "exp", "a:b", "a-b", "2C")]
    assert made == ["time_", "exp_", "a_b", "a_b_2", "_2C"]


def test_notes_say_what_it_is_for_whom_and_when(tmp_path):
    made = write_sbml(
        tmp_path / "a.xml", scenario(with_phrase="1 mg ketamine iv bolus at 2 h", seed=5), 7
    )
    text = read(made).getNotesString()
    asked = scenario(with_phrase="1 mg ketamine iv bolus at 2 h", seed=5)
    from ketalab import __version__

    for words in (
        f"Ketalab {__version__}",
        "research and teaching only",
        PHRASE,
        "1 mg ketamine iv bolus at 2 h",
        "virtual person 7",
        asked.hash(),
        "Time is in hours",
    ):
        assert words in text
    assert read(made).getTimeUnits() == "h"


# --- exact ----------------------------------------------------------------------------------------


def test_numbers_are_read_back_to_the_last_bit(exported):
    person, model = exported
    inside = read(model)
    for name, value in zip(person.model.parameters, person.drawn.parameters[:, 0], strict=True):
        assert inside.getParameter(model.parameters[name]).getValue() == value
    for name, value in zip(person.model.covariates, person.drawn.covariates[:, 0], strict=True):
        assert inside.getParameter(model.covariates[name]).getValue() == value


def test_the_text_is_the_same_in_every_process(exported, tmp_path):
    file = tmp_path / "a.xml"
    code = (
        "import sys; from ketalab.cli import main;"
        f"sys.exit(main(['export', 'sbml', {str(file)!r}, '--person', '3']))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "12345"}
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=environment)
    here = write_sbml(tmp_path / "b.xml", scenario(), 3)
    assert file.read_text("utf-8") == here.text == (tmp_path / "b.xml").read_text("utf-8")


def test_libsbml_is_loaded_only_to_write():
    code = "import sys, ketalab.exchange; assert not {'libsbml', 'roadrunner'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)


# --- whom -----------------------------------------------------------------------------------------


def test_person_k_is_the_one_that_simulate_draws():
    model, streams = human_model(), Streams(11)
    people = draw(Population(), streams, 6)
    drawn = individuals(model, people, streams, "person")
    for k in (0, 5):
        person = find_person(scenario(seed=11), k)
        assert np.array_equal(person.drawn.parameters[:, 0], drawn.parameters[:, k])
        assert person.people.weight[0] == people.weight[k]
    other = find_person(scenario(seed=12), 5)
    assert not np.array_equal(other.drawn.parameters, person.drawn.parameters)


def test_without_a_number_it_is_the_typical_person():
    person = find_person(scenario(population=Population(weight_kg=61)))
    assert person.people.weight[0] == 61
    assert person.number is None


def test_of_a_stated_mix_each_person_has_the_own_part():
    mix = scenario("flexible 20 or 40 mg ketamine iv bolus", seed=3)
    amounts = {find_person(mix, k).course.administrations[0].amount for k in range(12)}
    assert amounts == {20, 40}


def test_a_person_that_no_scenario_can_draw_is_refused():
    for number in (-1, 1_000_000):
        with pytest.raises(ScenarioError, match=r"person: .* allowed: 0 to 999,999"):
            find_person(scenario(), number)


# --- the command ----------------------------------------------------------------------------------


def test_the_command_writes_and_says_what_is_inside(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["export", "sbml", "m.sbml", PHRASE, "--days", "2"]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[0] == "wrote m.sbml"
    model = human_model()
    assert f"{len(model.linear) + len(model.states)} states" in said.out
    assert said.err == ""
    assert not check_sbml(Path("m.sbml").read_text("utf-8"))[0].error


def test_with_json_it_prints_one_document(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    options = ["--weight", "60", "--sex", "f", "--genotype", "bdnf=val/met", "--seed", "4"]
    assert main(["export", "sbml", "m.xml", PHRASE, *options, "--person", "2", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    population = Population(weight_kg=60, female_percent=100, genotype={"bdnf": "val/met"})
    asked = scenario(population=population, seed=4)
    assert document["hash"] == asked.hash()
    assert document["file"] == "m.xml"
    assert document["person"] == 2
    assert len(document["events"]) == 2
    assert document["outputs"].keys() == {out.name for _, out in human_model().joined.outputs}
    assert Path("m.xml").read_text("utf-8") == sbml_text(asked, 2)


def sbml_text(asked: Scenario, number: int) -> str:
    from ketalab.exchange.sbml._notes import describe_scenario

    return sbml_model(find_person(asked, number), describe_scenario(asked)).text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["m.txt"], "m.txt: unknown ending '.txt'; allowed: .xml, .sbml"),
        (["no/m.xml"], "no/m.xml: the folder 'no' does not exist"),
        (["m.xml", "50 mg ketamine ip"], "by route 'ip' has no model yet"),
        (["m.xml", "ketamine"], "the dose has no amount"),
        (["m.xml", "--person", "-3"], "person: -3 is not allowed; allowed: 0 to 999,999"),
        (["m.xml", "--days", "0"], "days: 0.0 is not allowed"),
        (["m.xml", "--sex", "x"], "--sex 'x' is not allowed; allowed: f, m"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(arguments, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["export", "sbml", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert words in said.err
    assert said.err.count("\n") == 1
    assert not os.listdir(tmp_path)


def test_a_bad_ending_is_refused_before_any_work(tmp_path, monkeypatch):
    from ketalab.exchange.sbml import _write

    def never(*_: object) -> None:
        raise AssertionError("worked before looking at the file")

    monkeypatch.setattr(_write, "find_person", never)
    with pytest.raises(OutputError, match="unknown ending"):
        write_sbml(tmp_path / "m.json", scenario())
