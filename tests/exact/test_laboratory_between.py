"""Between-study effects on the body: who shares one, how large they are, and what they leave alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ketalab.facts import fact
from ketalab.laboratory import (
    Course,
    Scenario,
    body_model,
    draw_fact,
    facts_of_settings,
    find_person,
    human_model,
    individuals,
    integrate,
    prepare,
    simulate,
    study_settings,
)
from ketalab.people import Population, Streams, draw
from ketalab.protocol import parse_phrase

INPUTS = tuple(
    f"study:{name}"
    for name in ("F:oral", "F:nasal", "F:device", "F:other", "clearance", "volume", "norketamine")
)
VENOUS = "plasma:venous:ketamine"


def test_the_body_has_an_effect_for_each_group_of_routes_and_for_clearance() -> None:
    people = draw(Population(), Streams(0), 3)
    for model in (human_model(), body_model("mouse")):
        assert set(study_settings(model, people, Streams(0))) == set(INPUTS)


def test_people_of_a_replicate_share_a_setting_and_virtual_patients_do_not() -> None:
    streams = Streams(4)
    people = draw(Population(), streams, 5, replicates=range(3))
    shared = study_settings(body_model(), people, streams, "replicate")
    own = study_settings(body_model(), people, streams, "person")
    for name in INPUTS:
        assert len(set(shared[name])) == 3
        assert len(set(own[name])) == 15
        for replicate in range(3):
            assert len(set(shared[name][people.replicate == replicate])) == 1


@pytest.mark.parametrize("by", ["person", "replicate"])
def test_a_setting_does_not_depend_on_who_else_is_drawn(by: str) -> None:
    streams = Streams(4)
    people = draw(Population(), streams, 6, replicates=range(4))
    whole = study_settings(body_model(), people, streams, by)  # type: ignore[arg-type]
    members = np.array([17, 3, 20])
    some = study_settings(body_model(), people.take(members), streams, by)  # type: ignore[arg-type]
    for name in INPUTS:
        assert some[name].tobytes() == whole[name][members].tobytes()


@pytest.mark.parametrize("name", INPUTS)
def test_the_mean_factor_is_one_and_its_spread_that_of_the_fact(name: str) -> None:
    streams, n = Streams(8), 40_000
    people = draw(Population(), streams, n)
    spread = f"between_study_{name.removeprefix('study:').replace(':', '_').lower()}"
    assert spread in facts_of_settings(body_model().inputs)
    sd = draw_fact(spread, streams, n)
    effect = study_settings(body_model(), people, streams)[name]
    z = (effect + sd**2 / 2) / sd
    assert z.mean() == pytest.approx(0, abs=4 / np.sqrt(n))
    assert z.std() == pytest.approx(1, abs=4 / np.sqrt(2 * n))
    factor = np.exp(effect)
    assert factor.mean() == pytest.approx(1, abs=4 * factor.std() / np.sqrt(n))
    assert effect.std() == pytest.approx(fact(spread).value, rel=0.2)


def test_effects_on_scores_are_none_on_the_body() -> None:
    people = draw(Population(), Streams(0), 3)
    assert {"study:control", "study:drug"} <= set(human_model().inputs)
    assert not {"study:control", "study:drug"} & set(
        study_settings(human_model(), people, Streams(0))
    )
    assert facts_of_settings(human_model().inputs) == facts_of_settings(body_model("rat").inputs)


def areas(phrase: str, **options: object) -> np.ndarray:
    scenario = Scenario.parse(phrase, patients=60, days=2, outputs=(VENOUS,), **options)
    return simulate(scenario).figures[VENOUS]["auc_0_inf"]


def test_without_uncertainty_there_is_one_setting() -> None:
    scenario = Scenario.parse(
        "50 mg ketamine oral", patients=3, days=1, outputs=(VENOUS,), uncertainty=False
    )
    result = simulate(scenario)
    assert not set(result.facts) & set(facts_of_settings(human_model().inputs))
    drawn = simulate(scenario.replace(uncertainty=True))
    assert set(facts_of_settings(human_model().inputs)) <= set(drawn.facts)
    assert drawn.typical[VENOUS].tobytes() == result.typical[VENOUS].tobytes()


@pytest.mark.parametrize("phrase", ["30 mg ketamine nasal", "50 mg ketamine oral"])
def test_a_person_is_the_same_whoever_stands_beside(phrase: str) -> None:
    model, streams = body_model(), Streams(2)
    people = draw(Population(), streams, 40)
    drawn = individuals(model, people, streams, "person")
    ready = prepare(Course(parse_phrase(phrase).variants[0].administrations, 12.0), model=model)
    times = np.array([0.25, 1.0, 4.0, 12.0])

    def run(members: np.ndarray) -> np.ndarray:
        some = people.take(members)
        part = replace(
            drawn,
            parameters=drawn.parameters[:, members],
            covariates=drawn.covariates[:, members],
        )
        settings = study_settings(model, some, streams)
        made = integrate(ready, part, some.weight, times, (VENOUS,), settings=settings)
        return made.values[VENOUS]

    whole = run(np.arange(40))
    for members in ([0], [39, 7], [5, 6, 7]):
        assert run(np.array(members)).tobytes() == whole[:, members].tobytes()


def test_an_exported_person_is_in_the_setting_in_which_the_person_is_simulated() -> None:
    scenario = Scenario.parse("50 mg ketamine oral", patients=4, days=1, outputs=(VENOUS,))
    result = simulate(scenario)
    person = find_person(scenario, 3)
    made = integrate(
        prepare(person.course, model=person.model),
        person.drawn,
        person.people.weight,
        result.times,
        (VENOUS,),
    )
    np.testing.assert_allclose(
        made.values[VENOUS][:, 0], result.values[VENOUS][:, 3], rtol=1e-6, atol=1e-9
    )
    assert find_person(scenario).course.settings == {}


def test_settings_widen_what_is_swallowed_more_than_what_is_injected() -> None:
    oral, injected = areas("50 mg ketamine oral"), areas("50 mg ketamine iv over 40 min")
    assert np.log(oral).std() > 1.3 * np.log(injected).std()
