"""Hypotheses: what is on record, what stands in the place of a weight or of a fact, and where it reaches."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from ketalab.cli import main
from ketalab.errors import FactError, InputError, ScenarioError
from ketalab.facts import fact, facts
from ketalab.laboratory import (
    Course,
    Scenario,
    _hypotheses,
    draw_fact,
    hypotheses,
    individuals,
    prepare,
    read_hypotheses,
    run,
    typical_individual,
    under_hypotheses,
    using_facts,
    using_hypotheses,
    value_of,
)
from ketalab.model import Covariate, Equations, Input, Layer, Output, Parameter, State, join
from ketalab.model.tracing import Traced, trace
from ketalab.people import Population, Streams, draw

ID, SWITCH = "lhb_trapping", "hypothesis_lhb_trapping"
KI = "nmda_ic50_norketamine"
#: A room that is drawn to its switch, where nothing is given: y = h (1 - exp(-t)).
TOY = Layer(
    "toy",
    lambda m, v: Equations({"y": v.h + v.level - v.y}, {"seen": v.y, "bound": 1 / (1 + v.ki)}),
    inputs=(Input("level", "umol"),),
    outputs=(Output("seen", "dimensionless", "y"), Output("bound", "dimensionless", "share")),
    states=(State("y", "dimensionless", "y"),),
    parameters=(Parameter("h", "dimensionless", SWITCH), Parameter("ki", "micromolar", KI)),
    covariates=(Covariate("weight", "kg"),),
)
BODY = Layer(
    "body",
    lambda m, v: Equations({"amount": -v.amount}, {"level": v.amount}),
    outputs=(Output("level", "umol", "amount"),),
    states=(State("amount", "umol", "amount"),),
    linear=True,
)
TIMES = np.array([0.0, 1.0, 3.0])


@pytest.fixture(scope="module")
def toy() -> Traced:
    return trace(join((BODY, TOY)))


@pytest.fixture
def fresh() -> Iterator[None]:
    """Read the file of hypotheses again inside a test, and once more after it."""
    hypotheses.cache_clear()
    yield
    hypotheses.cache_clear()


def seen(model: Traced, uncertainty: Any = "person", name: str = "seen") -> Any:
    """What the toy shows at the last time, one a person (12,)."""
    people = draw(Population(), Streams(5), 12)
    drawn = individuals(model, people, Streams(5), uncertainty)
    ready = prepare(Course((), 3.0), model=model)
    return run(ready, drawn, people.weight, TIMES, (name,))[0][name][-1]


# --- what is on record ----------------------------------------------------------------------------


def test_every_hypothesis_has_a_switch_of_its_own_and_every_switch_a_hypothesis() -> None:
    switches = {name for name, record in facts().items() if record.switch}
    assert switches == {one.fact for one in hypotheses().values()}
    for name, one in hypotheses().items():
        assert one.fact == f"hypothesis_{name}"
        assert one.weight == fact(one.fact).value
        assert one.weight_is == "prior"
        assert one.studies_for or one.studies_against
        assert not set(one.studies_for) & set(one.studies_against)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"colour": "red"}, "colour: unknown key"),
        ({"says": None}, "says"),
        ({"fact": "ketamine_v1"}, "must be the switch 'hypothesis_opioid_gate'"),
        ({"id": "trkb"}, "must be the switch 'hypothesis_trkb'"),
        ({"studies_for": ["somebody1999"]}, "must be among the sources"),
        ({"sources": {}}, "must be among the sources"),
    ],
)
@pytest.mark.usefixtures("fresh")
def test_a_malformed_hypothesis_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], words: str
) -> None:
    record = {**hypotheses()["opioid_gate"].model_dump(mode="json"), **change}
    hypotheses.cache_clear()
    (tmp_path / "hypotheses.yaml").write_text(yaml.safe_dump([record]), encoding="utf-8")
    monkeypatch.setattr(_hypotheses, "DATA", tmp_path)
    with pytest.raises(FactError, match=r"^hypotheses\.yaml: hypothesis") as caught:
        hypotheses()
    assert words in str(caught.value)


@pytest.mark.usefixtures("fresh")
def test_a_hypothesis_that_stands_twice_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = hypotheses()["opioid_gate"].model_dump(mode="json")
    hypotheses.cache_clear()
    (tmp_path / "hypotheses.yaml").write_text(yaml.safe_dump([record]) * 2, encoding="utf-8")
    monkeypatch.setattr(_hypotheses, "DATA", tmp_path)
    with pytest.raises(FactError, match="'opioid_gate' is recorded twice"):
        hypotheses()


# --- how a switch is drawn ------------------------------------------------------------------------


def test_a_larger_weight_leaves_the_draws_that_were_on() -> None:
    def drawn(weight: float) -> Any:
        with using_hypotheses({ID: weight}):
            return draw_fact(SWITCH, Streams(3), 400)

    few, many = drawn(0.3), drawn(0.7)
    assert few.sum() < many.sum()
    assert (few <= many).all()


def test_a_draw_of_a_switch_belongs_to_its_person_whoever_is_drawn_beside() -> None:
    many = draw_fact(SWITCH, Streams(7), 50)
    np.testing.assert_array_equal(many[13:20], draw_fact(SWITCH, Streams(7), 7, 13))


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_a_weight_of_0_or_1_is_one_world_for_all(weight: float) -> None:
    with using_hypotheses({ID: weight}):
        assert set(draw_fact(SWITCH, Streams(3), 400)) == {weight}
        assert value_of(SWITCH) == weight


def test_a_person_or_a_replicate_lives_in_one_world_and_the_typical_person_has_the_weight(
    toy: Traced,
) -> None:
    people = draw(Population(), Streams(5), 3, replicates=range(8))
    by_replicate = individuals(toy, people, Streams(5), "replicate").parameters[0].reshape(8, 3)
    assert set(by_replicate.ravel()) == {0.0, 1.0}
    assert (by_replicate == by_replicate[:, :1]).all()
    assert typical_individual(toy, Population())[1].parameters[0] == fact(SWITCH).value
    assert set(individuals(toy, people, Streams(5), "none").parameters[0]) == {fact(SWITCH).value}


# --- what stands in its place ---------------------------------------------------------------------


def test_a_layer_runs_in_the_worlds_that_are_drawn(toy: Traced) -> None:
    full = 1 - math.exp(-3)
    drawn = seen(toy)
    assert {round(x / full, 3) for x in drawn} == {0.0, 1.0}
    for weight in (0.0, 1.0):
        with using_hypotheses({ID: weight}):
            np.testing.assert_allclose(seen(toy), weight * full, rtol=1e-3)


def test_a_fixed_fact_has_its_value_in_every_draw_and_a_switch_is_then_not_drawn(
    toy: Traced,
) -> None:
    with using_facts({SWITCH: 0.25}):
        np.testing.assert_allclose(seen(toy), 0.25 * (1 - math.exp(-3)), rtol=1e-3)
        assert value_of(SWITCH) == 0.25
        np.testing.assert_array_equal(draw_fact(SWITCH, Streams(1), 3), 0.25)


def test_an_affinity_of_nothing_may_be_written_as_an_infinite_ki(toy: Traced) -> None:
    assert seen(toy, name="bound").min() > 0
    with using_facts({KI: math.inf}):
        np.testing.assert_array_equal(seen(toy, name="bound"), 0.0)


def test_a_fixed_fact_of_the_posterior_leaves_the_draws_beside_it() -> None:
    name, beside = "ketamine_cl_s", "ketamine_v1"
    before = draw_fact(beside, Streams(2), 20)
    with using_facts({name: 2.0}):
        np.testing.assert_array_equal(draw_fact(name, Streams(2), 20), 2.0)
        assert value_of(name) == 2.0
        np.testing.assert_array_equal(draw_fact(beside, Streams(2), 20), before)
    assert value_of(name) != 2.0


def test_a_share_fixed_at_an_end_stays_there_between_people() -> None:
    from ketalab.laboratory import human_model

    model = human_model()
    for layer in model.joined.layers:
        for parameter in layer.parameters:
            if parameter.between != "logitnormal":
                continue
            row = model.parameters.index(f"{layer.name}.{parameter.name}")
            people = draw(Population(), Streams(1), 5)
            for end in (0.0, 1.0):
                with using_facts({parameter.fact: end}):
                    drawn = individuals(model, people, Streams(1), "person")
                np.testing.assert_array_equal(drawn.parameters[row], end)


def test_what_is_said_further_inside_wins_and_ends_with_its_block() -> None:
    with using_facts({SWITCH: 0.25}):
        with using_hypotheses({ID: 1, "r_path": 0}):
            assert value_of(SWITCH) == 1.0
            assert value_of("hypothesis_r_path") == 0.0
        assert value_of(SWITCH) == 0.25
        with pytest.raises(RuntimeError), using_facts({SWITCH: 0.5}):
            raise RuntimeError
        assert value_of(SWITCH) == 0.25
    assert value_of(SWITCH) == fact(SWITCH).value


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"ketamin_v1": 1.0}, "did you mean 'ketamine_v1'"),
        ({"ketamine_v1": -1.0}, "fact ketamine_v1: -1.0 is not allowed; allowed: 0 to infinity"),
        ({"ketamine_v1": math.nan}, "nan is not allowed"),
        ({"ketamine_v1": "1"}, "'1' is not allowed"),
        ({"unbound_fraction": 1.5}, "allowed: 0 to 1"),
        ({SWITCH: 2}, "allowed: 0 to 1"),
        ({SWITCH: True}, "True is not allowed"),
    ],
)
def test_a_value_that_a_fact_cannot_have_is_refused(values: Any, words: str) -> None:
    with pytest.raises(InputError) as caught, using_facts(values):
        pass
    assert words in str(caught.value)


# --- in a scenario --------------------------------------------------------------------------------


def test_a_scenario_that_names_no_hypothesis_says_nothing_of_them() -> None:
    plain = Scenario.parse()
    assert "hypotheses" not in plain.to_dict()
    assert Scenario.parse(hypotheses={}).hash() == plain.hash()


def test_the_weights_of_a_scenario_belong_to_its_document_and_its_hash() -> None:
    made = Scenario.parse(hypotheses={"r_path": 0, ID: 1})
    assert made.to_dict()["hypotheses"] == {ID: 1.0, "r_path": 0.0}
    assert json.dumps(made.to_dict()["hypotheses"]) == '{"lhb_trapping": 1.0, "r_path": 0.0}'
    hashes = {
        Scenario.parse().hash(),
        made.hash(),
        made.replace(hypotheses={ID: 1}).hash(),
        made.replace(hypotheses={ID: 0.5, "r_path": 0}).hash(),
    }
    assert len(hashes) == 4
    assert Scenario.parse(hypotheses={ID: 1.0, "r_path": 0.0}).hash() == made.hash()


def test_the_hash_is_that_of_what_is_in_use_when_it_runs() -> None:
    plain, made = Scenario.parse(), Scenario.parse(hypotheses={ID: 1})
    with using_hypotheses(made.hypotheses):
        assert plain.hash() == made.hash()
        assert made.hash() == Scenario.parse(hypotheses={ID: 1}).hash()
    outside = plain.hash()
    with using_facts({KI: math.inf}):
        assert plain.hash() != outside
    assert plain.hash() == outside


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ({"opoid_gate": 1}, "no hypothesis 'opoid_gate'; known: resting_magnesium,"),
        ({"opoid_gate": 1}, "did you mean 'opioid_gate'"),
        ({3: 1}, "no hypothesis 3"),
        ({ID: 1.5}, "hypotheses: lhb_trapping: 1.5 is not allowed; allowed: 0 (off) to 1 (on)"),
        ({ID: -0.1}, "-0.1 is not allowed"),
        ({ID: math.nan}, "nan is not allowed"),
        ({ID: True}, "True is not allowed"),
        ({ID: "on"}, "'on' is not allowed"),
        ({ID: None}, "None is not allowed"),
        ([ID], "allowed: id: weight"),
        (None, "allowed: id: weight"),
    ],
)
def test_weights_that_cannot_be_are_refused_in_one_line(weights: Any, words: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        Scenario.parse(hypotheses=weights)
    assert words in str(caught.value)


def test_a_function_of_a_scenario_runs_under_its_hypotheses() -> None:
    @under_hypotheses
    def asked(scenario: Scenario, *, factor: float = 1.0) -> float:
        return factor * value_of(SWITCH)

    assert asked(Scenario.parse(hypotheses={ID: 1}), factor=3.0) == 3.0
    assert asked(Scenario.parse()) == fact(SWITCH).value


# --- the command line -----------------------------------------------------------------------------


def test_a_file_of_weights_may_hold_them_under_one_key(tmp_path: Path) -> None:
    for text in ("lhb_trapping: 1\nr_path: 0.2\n", "hypotheses: {r_path: 0.2, lhb_trapping: 1}\n"):
        (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
        assert read_hypotheses(tmp_path / "mine.yaml") == {ID: 1.0, "r_path": 0.2}
    for text in ("", "- lhb_trapping\n", "hypotheses:\n", "lhb_trapping: yes\n"):
        (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=r"mine\.yaml: .*is not allowed"):
            read_hypotheses(tmp_path / "mine.yaml")


def test_simulate_chooses_its_grid_and_draws_its_people_under_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from ketalab.laboratory import _prepare, _ranges

    used: dict[str, float] = {}

    def noting(name: str, function: Any) -> Any:
        def noted(*arguments: Any, **options: Any) -> Any:
            used[name] = value_of(SWITCH)
            return function(*arguments, **options)

        return noted

    monkeypatch.setattr(_prepare, "individuals", noting("pilots", individuals))
    monkeypatch.setattr(_ranges, "individuals", noting("people", individuals))
    monkeypatch.setattr(_ranges, "typical_individual", noting("typical", typical_individual))
    (tmp_path / "mine.yaml").write_text("lhb_trapping: 0.9\n", encoding="utf-8")
    words = ["--patients", "2", "--days", "1", "--output", "plasma:venous:ketamine", "--json"]
    assert main(["simulate", "--hypotheses", str(tmp_path / "mine.yaml"), *words]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["scenario"]["hypotheses"] == {ID: 0.9}
    assert used == {"pilots": 0.9, "people": 0.9, "typical": 0.9}


def test_hypotheses_are_listed_with_both_sides(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hypotheses", "--json"]) == 0
    rows = {row["id"]: row for row in json.loads(capsys.readouterr().out)}
    assert list(rows) == list(hypotheses())
    assert rows[ID]["weight"] == hypotheses()[ID].weight
    assert {row["weight_is"] for row in rows.values()} == {"prior"}
    assert rows[ID]["studies_for"] == ["ma2023"]
    assert main(["hypotheses"]) == 0
    out = capsys.readouterr().out
    assert "0.5 (prior)" in out
    assert "zhou2021lhb" in out


def test_no_trial_is_chosen_by_weights_that_no_data_inform(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["hypotheses", "--next-trial"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert "priors" in shown.err
