"""The SBML export, run by libRoadRunner, against the checker; see ``validation/solvers/README.md``.

Allowed: 1e-6 relative, with a floor of a thousandth of the peak. CVODE at a tolerance of 1e-11 and the checker at 1e-10
are each far better than that, so what is left is a difference between the document and the model.
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from ketalab.exchange.sbml import SbmlModel, sbml_model
from ketalab.laboratory import Course, human_model
from ketalab.protocol import Intervention, parse_phrase

pytestmark = pytest.mark.usefixtures("unchecked_sbml")
FAST = ("bolus, then infusion", "mixture from 45 min before")


@pytest.fixture(scope="module")
def solvers(repo_root: Path) -> ModuleType:
    place = repo_root / "validation" / "solvers" / "compare.py"
    spec = importlib.util.spec_from_file_location("solvers_compare", place)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["solvers_compare"] = module
    spec.loader.exec_module(module)
    return module


def test_the_comparison_is_that_of_twenty_patients_and_five_schedules(solvers: ModuleType) -> None:
    assert solvers.PATIENTS == 20
    assert len(solvers.SCHEDULES) == 5
    assert set(FAST) < set(solvers.SCHEDULES)
    assert solvers.ALLOWED == 1e-6
    assert solvers.FLOOR == 1e-3


@pytest.mark.parametrize("name", FAST)
def test_libroadrunner_agrees_with_both_engines(solvers: ModuleType, name: str) -> None:
    rows = list(solvers.compare(name, solvers.SCHEDULES[name], 2))
    layers = human_model().joined.layers
    assert {row.layer: row.outputs for row in rows} == {la.name: len(la.outputs) for la in layers}
    assert not [row for row in rows if not (row.agrees and row.lockstep_agrees)]
    assert max(row.checker for row in rows) > 1e-14  # two solvers, not one


def test_every_output_of_the_comparison_moves(solvers: ModuleType) -> None:
    names = tuple(out.name for _, out in human_model().joined.outputs)
    moved: set[str] = set()
    for name in FAST:
        (person,) = solvers.draw_patients(solvers.SCHEDULES[name], 1)
        made = solvers.integrate(person, np.linspace(person.schedule()[0].start, 60, 61), names)
        moved |= {output for output, values in made.items() if np.ptp(values) > 1e-4}
    # Only ketamine is given, and nothing into the brain.
    still = set(names) - moved
    assert not [name for name in still if "ketamine" in name and not name.startswith("site:")]
    # Belief needs a session that is neither open nor masked; so small a dose leads nobody deep.
    still -= {"belief:drug", "symptom:expectancy", "symptom:treatment"}
    still -= {"p:khole", "p:unresponsive", "p:anaesthesia"}
    assert not [name for name in still if name.split(":")[0] not in ("plasma", "unbound", "site")]


def test_enzymes_that_are_blocked_for_a_while_are_in_the_document(solvers: ModuleType) -> None:
    course = Course(
        parse_phrase("50 mg ketamine oral at 1 h; 20 mg ketamine nasal at 8 h").administrations,
        30.0,
        interventions=(
            Intervention("CYP3A4:gut", 0.2, "systemic", 0.0, 12.0),
            Intervention("CYP3A4:liver", 0.3, "systemic", 2.0, 6.0),
        ),
    )
    rows = list(solvers.compare("blocked enzymes", course, 2))
    assert not [row for row in rows if not (row.agrees and row.lockstep_agrees)]


def test_a_constant_that_is_a_little_off_is_seen(
    solvers: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def off(person: object) -> SbmlModel:
        made = sbml_model(person)  # type: ignore[arg-type]
        head, mark, tail = made.text.partition('id="mind_relief_time"')
        before, value, after = tail.partition('value="')
        number, rest = after.split('"', 1)
        changed = f'{float(number) * (1 + 1e-4)!r}"'
        return replace(made, text=head + mark + before + value + changed + rest)

    monkeypatch.setattr(solvers, "sbml_model", off)
    rows = solvers.compare(FAST[0], solvers.SCHEDULES[FAST[0]], 1)
    assert [row.layer for row in rows if not row.agrees] == ["mind"]


def test_what_is_given_is_all_there_at_the_end(solvers: ModuleType) -> None:
    """The moles of the document's body are those given, infusions and boluses together."""
    import roadrunner

    course = solvers.SCHEDULES["mixture from 45 min before"]
    (person,) = solvers.draw_patients(course, 1)
    model = sbml_model(person)
    runner = roadrunner.RoadRunner(model.text)
    runner.integrator.relative_tolerance = 1e-12
    moles = [s.name for layer in person.model.joined.layers for s in layer.states if s.mole]
    runner.timeCourseSelections = [model.states[name] for name in moles]
    left = float(np.array(runner.simulate(0, model.hours, 2))[-1].sum())
    # Molar mass of ketamine base 237.725 g/mol; one dose goes by weight.
    given = (20 + 30 + 0.5 * person.people.weight[0]) / 237.725e-3
    assert left == pytest.approx(given, rel=1e-5)


def test_the_measure_has_a_floor_and_refuses_what_is_no_number(solvers: ModuleType) -> None:
    reference = np.array([1.0, 0.0, 0.5])
    assert solvers.largest_error(reference + np.array([0, 1e-6, 0]), reference) == pytest.approx(
        1e-3
    )
    assert solvers.largest_error(reference + np.array([1e-6, 0, 0]), reference) == pytest.approx(
        1e-6
    )
    assert solvers.largest_error(reference * np.nan, reference) == np.inf
    assert solvers.largest_error(np.zeros(3), np.zeros(3)) == 0
    assert solvers.largest_error(np.full(3, 1e-30), np.zeros(3)) == np.inf


@pytest.mark.slow
def test_libroadrunner_agrees_on_twenty_patients_and_five_schedules(solvers: ModuleType) -> None:
    rows = [
        row
        for name, course in solvers.SCHEDULES.items()
        for row in solvers.compare(name, course, solvers.PATIENTS)
    ]
    assert len(rows) == 5 * len(human_model().joined.layers)
    assert {row.patients for row in rows} == {20}
    assert not [row for row in rows if not row.agrees]
    assert not [row for row in rows if not row.lockstep_agrees]
