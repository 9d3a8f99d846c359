"""A bath: what is put into it stays, and a micromole is micromolar."""

from __future__ import annotations

import numpy as np
import pytest

from ketalab.facts import fact
from ketalab.laboratory import prepare, typical_individual
from ketalab.laboratory._course import Course
from ketalab.laboratory._run import integrate
from ketalab.model import join
from ketalab.model.body import body
from ketalab.model.tracing import trace
from ketalab.people import Population
from ketalab.protocol import parse_phrase

MODEL = trace(join((body("in_vitro"),)))
BATH = Population(species="in_vitro")
HNK, NALTREXONE = "unbound:R-hydroxynorketamine", "unbound:naltrexone"


def course(phrase: str, engine: str, *names: str) -> list[np.ndarray]:
    """Outputs at 0, 0.5, 1 and 24 hours."""
    prepared = prepare(Course(parse_phrase(phrase).administrations, 24.0), model=MODEL)
    people, individual = typical_individual(MODEL, BATH)
    times = np.array([0.0, 0.5, 1.0, 24.0])
    made = integrate(prepared, individual, people.weight, times, names, engine=engine)
    assert not made.account.failed
    return [made.values[name][:, 0] for name in names]


@pytest.mark.parametrize("engine", ["auto", "numpy", "checker"])
def test_a_dose_stays_in_the_bath_and_is_micromolar(engine: str) -> None:
    hnk, naltrexone = course("0.2397 mg (2R,6R)-HNK local", engine, HNK, NALTREXONE)
    mass = fact("hydroxynorketamine_molar_mass").value
    assert hnk == pytest.approx(239.7 / mass, rel=1e-12)
    assert (naltrexone == 0).all()


@pytest.mark.parametrize("engine", ["auto", "numpy", "checker"])
def test_what_is_perfused_adds_up(engine: str) -> None:
    phrase = "0.34141 mg naltrexone local over 60 min + 0.34141 mg naltrexone local at 2 h"
    (naltrexone,) = course(phrase, engine, NALTREXONE)
    assert naltrexone == pytest.approx([0, 0.5, 1, 2], rel=1e-9, abs=1e-12)


def test_every_drug_that_the_brain_reads_has_a_place_in_the_bath() -> None:
    offered = {output.name for output in body("in_vitro").outputs}
    for species in ("human", "rat", "mouse"):
        read = {o.name for o in body(species).outputs if o.name.startswith("unbound:")}
        assert read <= offered


def test_a_bath_has_no_plasma_and_no_route_but_local() -> None:
    bath = body("in_vitro")
    assert {entry.route for entry in bath.entries} == {"local"}
    assert all(output.name.startswith("unbound:") for output in bath.outputs)
    assert all(state.mole for state in bath.states)
