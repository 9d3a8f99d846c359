"""The SBML export: doses as events, and layers other than those of the house."""

from __future__ import annotations

import re
from dataclasses import replace

import libsbml
import numpy as np
import pytest
import sympy

from ketalab.errors import ModelError
from ketalab.exchange.sbml import SbmlModel, check_sbml, sbml_model
from ketalab.laboratory import Course, Individuals, Person, Scenario, find_person
from ketalab.model import Entry, Equations, Input, Layer, Output, State, join
from ketalab.model.tracing import trace
from ketalab.people import Population, typical_people
from ketalab.protocol import Intervention

PHRASE = "0.5 mg/kg ketamine iv over 40 min"
#: The input that counts days of use, which a dose sets too.
DAYS = "use_days"


#: libSBML frees a model with its document, so documents that were read are kept.
_documents: list[libsbml.SBMLDocument] = []


pytestmark = pytest.mark.usefixtures("unchecked_sbml")


def read(model: SbmlModel) -> libsbml.Model:
    _documents.append(libsbml.readSBMLFromString(model.text))
    return _documents[-1].getModel()


def formula(rule: libsbml.Rule | libsbml.EventAssignment) -> str:
    return libsbml.formulaToL3String(rule.getMath())


def on(phrase: str, days: float = 1, **changes: object) -> tuple[Person, SbmlModel]:
    person = find_person(Scenario.parse(phrase, days=days))
    person = replace(person, course=replace(person.course, **changes))
    return person, sbml_model(person)


def events(model: SbmlModel) -> list[tuple[float, dict[str, str]]]:
    """Trigger time and assignments of each event, read by libSBML."""
    found = []
    for event in read(model).getListOfEvents():
        assert not event.getTrigger().getInitialValue()
        geq = event.getTrigger().getMath()
        assert geq.getType() == libsbml.AST_RELATIONAL_GEQ
        assert geq.getChild(0).getType() == libsbml.AST_NAME_TIME
        sets = {a.getVariable(): formula(a) for a in event.getListOfEventAssignments()}
        found.append((geq.getChild(1).getValue(), sets))
    return found


# --- doses ----------------------------------------------------------------------------------------


def micromoles(mg: float) -> float:
    return mg / 237.725e-3


def test_an_infusion_is_two_events_and_brings_the_whole_dose():
    person, model = on(PHRASE)
    (start, first), (stop, last) = events(model)
    assert (start, stop) == (0.0, pytest.approx(40 / 60, abs=1e-15))
    assert model.events == (start, stop)
    entered = {model.inflows[f"{e}_ketamine_central"] for e in "SR"}
    assert first.pop(DAYS) == "1 dimensionless"
    assert first.keys() == last.keys() == entered < set(model.inflows.values())
    rates = [float(text.split()[0]) for text in first.values()]
    dose = micromoles(0.5 * person.people.weight[0])
    assert sum(rates) * (stop - start) == pytest.approx(dose, rel=1e-5)
    assert {float(text.split()[0]) for text in last.values()} == {0.0}


def test_a_bolus_is_added_to_what_is_there():
    _, model = on("30 mg esketamine iv bolus at 5 h")
    ((time, sets),) = events(model)
    assert time == 5
    assert sets.pop(DAYS) == "1 dimensionless"
    ((state, text),) = sets.items()
    assert state == "S_ketamine_central"
    added = re.fullmatch(r"S_ketamine_central \+ (\S+) umol", text)
    assert added
    assert float(added[1]) == pytest.approx(micromoles(30), rel=1e-5)


def test_two_boluses_at_one_time_are_one_event():
    _, model = on("30 mg esketamine iv bolus + 10 mg esketamine iv bolus")
    ((time, sets),) = events(model)
    assert time == 0
    amount = float(sets["S_ketamine_central"].split()[2])
    assert amount == pytest.approx(micromoles(40), rel=1e-5)


def test_a_dose_before_zero_moves_the_clock_and_the_notes_say_so():
    _, model = on("10 mg ketamine iv bolus at -45 min; 10 mg ketamine iv bolus")
    assert model.before_h == 0.75
    assert model.events == (0.0, 0.75)
    assert model.hours == 24.75
    assert "begins 0.75 h before t = 0" in read(model).getNotesString()


def test_interventions_sessions_and_settings_are_inputs_that_events_set():
    _, model = on(
        PHRASE,
        interventions=(Intervention("AMPA", 0.25, "systemic", 2.0, 3.0),),
        sessions=(0.0,),
        settings={"setting:open": 1.0},
    )
    found = dict(events(model))
    assert found[0.0]["setting_open"].split()[0] == "1"
    assert found[0.0]["session"].split()[0] == "1"
    assert found[2.0] == {"activity_AMPA": "0.25 dimensionless"}
    assert found[3.0] == {"activity_AMPA": "1 dimensionless"}
    assert len(found) == 4


def test_a_blocked_enzyme_is_an_input_of_the_body_that_events_set():
    _, model = on(
        "50 mg ketamine oral",
        interventions=(Intervention("CYP3A4:gut", 0.2, "systemic", 1.0, 9.0),),
    )
    found = dict(events(model))
    assert found[1.0] == {"enzyme_gut_CYP3A4": "0.2 dimensionless"}
    assert found[9.0] == {"enzyme_gut_CYP3A4": "1 dimensionless"}
    rules = {rule.getVariable(): formula(rule) for rule in read(model).getListOfRules()}
    assert "enzyme_gut_CYP3A4" in rules["S_norketamine_central"]


def test_a_document_with_every_kind_of_event_is_valid():
    _, model = on(
        "20 mg ketamine iv bolus at -1 h; 0.5 mg/kg ketamine iv over 40 min; 50 mg ketamine oral at 4 h",
        interventions=(
            Intervention("AMPA", 0.25, "systemic", 2.0, 3.0),
            Intervention("CYP3A4:gut", 0.2, "systemic", 1.0, 9.0),
        ),
        sessions=(0.0,),
        settings={"setting:open": 1.0},
    )
    assert len(model.events) >= 7
    assert not [finding for finding in check_sbml(model.text) if finding.error]


def test_a_dose_after_the_end_of_the_course_is_no_event():
    _, model = on("0.5 mg/kg ketamine iv bolus at 30 h", days=1)
    assert model.events == ()
    assert read(model).getNumEvents() == 0


# --- other layers ---------------------------------------------------------------------------------


def toy(*layers: Layer) -> SbmlModel:
    model = trace(join(layers))
    people = typical_people(Population())
    values = np.zeros((len(model.parameters), 1)), np.zeros((len(model.covariates), 1))
    return sbml_model(Person(model, people, Individuals(*values), Course((), 1.0)))


SOURCE = Layer(
    "source",
    lambda m, v: Equations({"amount": -v.amount}, {"level": v.amount}),
    states=(State("amount", "umol/L", ""),),
    outputs=(Output("level", "umol/L", ""),),
    linear=True,
)


def reader(equations: object) -> Layer:
    return Layer(
        "reader",
        equations,  # type: ignore[arg-type]
        inputs=(Input("level", "nmol/L"),),
        outputs=(Output("seen", "nmol/L", ""),),
    )


def test_a_connection_between_two_units_carries_their_ratio():
    model = toy(SOURCE, reader(lambda m, v: Equations({}, {"seen": v.level})))
    rules = {rule.getVariable(): rule for rule in read(model).getListOfRules()}
    assert formula(rules["seen"]) in ("1000 * level", "level * 1000")


def test_a_state_and_an_output_of_one_name_are_kept_apart():
    same = replace(
        SOURCE,
        equations=lambda m, v: Equations({"level": -2 * v.level}, {"level": 3 * v.level}),
        states=(State("level", "umol/L", ""),),
    )
    model = toy(same)
    rules = {rule.getVariable(): formula(rule) for rule in read(model).getListOfRules()}
    assert (model.outputs["level"], model.states["level"]) == ("level", "level_2")
    assert "level_2" in rules["level"]
    assert "level_2" in rules["level_2"]


def test_functions_of_the_contract_are_written_and_others_are_refused_by_name():
    def known(m, v):
        x = v.level
        return Equations({}, {"seen": m.minimum(m.sqrt(1 + x) * m.exp(-x) + m.log(2 + x), x**2)})

    rule = read(toy(SOURCE, reader(known))).getRuleByVariable("seen")
    for word in ("min(", "sqrt(", "exp(", "ln("):
        assert word in formula(rule)
    with pytest.raises(ModelError, match=r"sin in sin\(.*level\) cannot be written in SBML"):
        toy(SOURCE, reader(lambda m, v: Equations({}, {"seen": sympy.sin(v.level)})))


def test_an_entry_of_a_new_layer_gets_an_inflow():
    entered = replace(SOURCE, entries=(Entry("iv", "S-ketamine", "amount"),))
    model = toy(entered)
    assert model.inflows == {"amount": "inflow_amount"}
    rule = read(model).getRuleByVariable("amount")
    assert "inflow_amount" in formula(rule)
