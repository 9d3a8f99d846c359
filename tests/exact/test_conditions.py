"""Conditions and ages: what is known moves the typical person, and what is not widens the spread."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from ketalab.cli import main
from ketalab.errors import ScenarioError
from ketalab.facts import conditions, fact, thin_harms
from ketalab.laboratory import (
    Scenario,
    baseline,
    human_model,
    individuals,
    outputs,
    simulate,
    studied_warnings,
    typical_individual,
)
from ketalab.people import Condition, Population, Streams, draw
from ketalab.studies import load_study
from ketalab.studies._plan import make_plan
from ketalab.studies._whom import condition_of, population_of


def constant(population: Population, name: str, people: int = 0) -> np.ndarray:
    """A parameter of the human model: of the typical person, or of so many drawn ones without variability."""
    model = human_model()
    if people:
        crowd = draw(population, Streams(4), people)
        drawn = individuals(model, crowd, Streams(4), "person", vary=False)
    else:
        drawn = typical_individual(model, population)[1]
    return np.asarray(drawn.parameters[list(model.parameters).index(name)])


def test_the_conditions_of_a_population_are_those_on_record() -> None:
    on_record = [one.id for one in conditions().values() if one.kind == "condition"]
    assert list(get_args(Condition)) == on_record
    assert not conditions()["MDD"].facts


def test_an_unknown_condition_is_refused_with_those_that_are_allowed() -> None:
    with pytest.raises(ScenarioError, match="TRD") as caught:
        Population.parse({"condition": "sadness"})
    assert "\n" not in str(caught.value)


def test_the_usual_condition_is_part_of_no_document_and_no_hash() -> None:
    plain, said = Population(), Population(condition="MDD")
    assert Scenario.parse(population=plain).hash() == Scenario.parse(population=said).hash()
    other = Scenario.parse(population=Population(condition="TRD"))
    assert other.hash() != Scenario.parse().hash()
    assert other.to_dict()["population"] == {"condition": "TRD"}


def test_resistance_halves_the_odds_of_a_reuptake_inhibitor() -> None:
    share = constant(Population(), "mind.monoamine_responder")[0]
    resistant = constant(Population(condition="TRD"), "mind.monoamine_responder")[0]
    odds = fact("monoamine_odds_trd").value * share / (1 - share)
    assert resistant == pytest.approx(odds / (1 + odds))


@pytest.mark.parametrize("condition", ["bipolar depression", "PTSD", "OCD", "substance use"])
def test_where_nothing_is_known_the_typical_person_is_the_same_and_the_spread_is_wider(
    condition: Condition,
) -> None:
    names, people = ("mind.responder",), Population(condition=condition)
    for name in names:
        assert constant(people, name) == constant(Population(), name)
        wide, usual = constant(people, name, 400), constant(Population(), name, 400)
        assert wide.std() > 1.3 * usual.std()


def test_relief_lasts_as_long_as_is_drawn_in_bipolar_depression() -> None:
    people = Population(condition="bipolar depression")
    fold = [
        constant(people, name, 50) / constant(Population(), name, 50)
        for name in ("mind.kept_loss", "brain.potentiation_time")
    ]
    assert np.allclose(fold[0], fold[1])
    assert fold[0].std() > 0.2


def test_healthy_people_are_not_in_the_depressed_state_and_have_little_to_relieve() -> None:
    names = ("circuit:LHb:burst", "score:MADRS")
    made = {
        condition: simulate(
            Scenario.parse(
                "0 mg/kg ketamine iv bolus",
                patients=3,
                days=1,
                outputs=names,
                times=(0.0,),
                population=Population(condition=condition),
            )
        ).typical
        for condition in ("MDD", "healthy")
    }
    for name in names:
        assert made["healthy"][name][0] < 0.6 * made["MDD"][name][0]


def test_usual_baselines_of_other_scales_are_less_known_and_stated_ones_stand() -> None:
    def severity(population: Population, scale: str) -> np.ndarray:
        people = draw(population, Streams(2), 200)
        return baseline(scale, population, people, "person").severity

    ptsd = Population(condition="PTSD")
    assert np.array_equal(severity(ptsd, "CAPS-5"), severity(Population(), "CAPS-5"))
    assert severity(ptsd, "MADRS").std() > severity(Population(), "MADRS").std()
    stated = Population.parse(
        {"condition": "healthy", "baseline": [{"measure": "MADRS", "mean": 30, "sd": 0}]}
    )
    assert set(severity(stated, "MADRS")) == {30.0}


def test_readings_of_pressure_scatter_more_in_people_of_sixty_five() -> None:
    old, younger = Population(age=70), Population(age=64)
    assert old.elderly
    assert not younger.elderly
    name = "harm.systolic_placebo"
    ratio = constant(old, name) / constant(younger, name)
    assert ratio == pytest.approx(fact("systolic_scatter_elderly").value)
    assert constant(younger, name) == constant(Population(), name)


def test_adolescents_differ_from_adults_by_a_modifier() -> None:
    young = Population(age=15)
    assert young.differs_by == ("adolescents",)
    assert Population(age=8).differs_by == ()
    assert (
        constant(young, "mind.responder", 300).std()
        > 1.3 * constant(Population(age=20), "mind.responder", 300).std()
    )


@pytest.mark.parametrize(
    ("study", "condition"),
    [
        ("murrough2013", "TRD"),
        ("diazgranados2010a", "bipolar depression"),
        ("feder2014", "PTSD"),
        ("rodriguez2013", "OCD"),
        ("wilkinson2018_ipd_si", "suicidality"),
        ("berman2000", "MDD"),
        ("wilkinson2019_midazolam_vs_saline_ipd", "MDD"),
        ("glue2018_maintenance", "MDD"),
    ],
)
def test_a_study_says_what_its_people_suffer_from(study: str, condition: Condition) -> None:
    assert condition_of(load_study(study)) == condition
    assert population_of(load_study(study)).condition == condition


def test_who_asks_for_other_people_is_told_what_is_known_of_them() -> None:
    assert studied_warnings(Scenario.parse()) == []
    lines = studied_warnings(Scenario.parse(population=Population(condition="OCD", age=70)))
    assert [line.partition(":")[0] for line in lines] == ["OCD", "elderly"]


def test_modifiers_of_what_was_asked_are_among_the_facts_of_a_run() -> None:
    scenario = Scenario.parse(patients=2, days=1, outputs=("symptom:relief",))
    ill = scenario.replace(population=Population(condition="TRD"))
    assert not {f for one in conditions().values() for f in one.facts} & {*simulate(scenario).facts}
    assert "responder_odds_trd" in simulate(ill).facts


def test_arms_that_begin_an_antidepressant_have_its_course_and_those_that_go_on_with_one_have_not() -> (
    None
):
    def acts(study: str) -> list[list[tuple[str, float]]]:
        groups = make_plan(load_study(study)).groups
        return [[(i.target, i.from_h) for i in group.course.interventions] for group in groups]

    for arm in acts("fedgchin2019_transform1"):
        assert arm == [("SERT", 0.0)]
    assert not any(acts("fava2018"))
    assert any(
        "reuptake inhibitor" in line
        for line in make_plan(load_study("popova2019_transform2")).assumed
    )


def test_people_with_bipolar_depression_are_shown_what_is_known_of_mania_whatever_was_asked() -> (
    None
):
    def thin(condition: Condition) -> list[str]:
        people = Population(condition=condition)
        options = {"patients": 1, "days": 1, "outputs": ("plasma:venous:ketamine",)}
        made = simulate(Scenario.parse(population=people, **options))
        return [harm["name"] for harm in made.document().get("too_thin", [])]

    assert thin("bipolar depression") == ["harm:mania"]
    assert thin("MDD") == []
    assert "once" in thin_harms()["harm:mania"].text
    assert "harm:mania" not in outputs()
    assert "p:mania" not in outputs()


def test_the_table_and_the_comparison_name_mania_in_bipolar_depression(tmp_path, capsys) -> None:
    file = tmp_path / "people.yaml"
    file.write_text("condition: bipolar depression\n", encoding="utf-8")
    few = ["--population", str(file), "--days", "2"]
    assert main(["simulate", "--patients", "2", "--output", "p:nausea", *few]) == 0
    assert "harm:mania" in capsys.readouterr().out
    assert main(["benefit", "--replicates", "2", "--persons", "5", *few]) == 0
    assert "harm:mania" in capsys.readouterr().out
