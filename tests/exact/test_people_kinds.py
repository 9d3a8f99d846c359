"""Children, rats and mice as people: who is one, of what size, and what they do not have."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketalab.errors import ScenarioError
from ketalab.facts import fact
from ketalab.people import Population, Spread, Streams, draw, population_facts, typical_people

seeds = st.integers(0, 2**63 - 1)
MICE, RATS = Population(species="mouse"), Population(species="rat")
KINDS = [Population(), Population(age=Spread(mean=8, sd=4)), MICE, RATS]


# --- a bath ---------------------------------------------------------------------------------------


def test_a_bath_is_the_same_every_time_and_of_weight_one() -> None:
    bath = Population(species="in_vitro")
    for people in (draw(bath, Streams(3), 5), typical_people(bath)):
        assert (people.weight == 1).all()
    assert population_facts(bath) == ()
    assert Population().of("in_vitro") == bath


@pytest.mark.parametrize("stated", [{"weight_kg": 1.0}, {"age": 30.0}, {"female_percent": 50.0}])
def test_nothing_may_be_stated_of_a_bath(stated: dict[str, float]) -> None:
    (name,) = stated
    with pytest.raises(
        ScenarioError, match=f"{name}: not allowed for species 'in_vitro'; allowed: nothing"
    ):
        Population.parse({"species": "in_vitro", **stated})


# --- children -------------------------------------------------------------------------------------


@given(
    seeds,
    st.floats(0.1, 100),
    st.floats(0, 40),
)
def test_nobody_crosses_eighteen_years_whatever_the_spread(
    seed: int, mean: float, sd: float
) -> None:
    population = Population(age=Spread(mean=mean, sd=sd))
    age = draw(population, Streams(seed), 60).age
    child = draw(population, Streams(seed), 60).covariates()["child"]
    assert population.children == (mean < 18)
    assert (child == population.children).all()
    assert ((age < 18) == population.children).all()
    assert age.min() >= 0.1
    assert age.max() <= 100


@pytest.mark.parametrize("age", [0.1, 1.0, 3.0, 7.5, 10.0, 17.9])
def test_children_have_the_size_of_their_age_where_none_is_stated(age: float) -> None:
    people = draw(Population(age=age), Streams(3), 20_000)
    knots = (0, 1, 5, 10, 18)
    for name, size in (("weight", people.weight), ("height", people.height)):
        mean = np.interp(age, knots, [fact(f"child_{name}_{knot}").value for knot in knots])
        spread = fact(f"child_{name}_cv").value
        # Nobody is below 3 kg or 40 cm, which only the smallest would be.
        assert size.mean() == pytest.approx(mean, rel=0.01 + 4 * spread / np.sqrt(20_000))
        assert typical_people(Population(age=age)).covariates()[name][0] == pytest.approx(mean)
        if age >= 1:
            assert size.std() / size.mean() == pytest.approx(spread, rel=0.03)


def test_a_stated_size_of_children_is_theirs() -> None:
    said = {"weight_kg": Spread(mean=32.5, sd=8), "height_cm": Spread(mean=130, sd=12)}
    people = draw(Population(age=8.3, **said), Streams(3), 20_000)
    assert people.weight.mean() == pytest.approx(32.5, rel=0.01)
    assert people.weight.std() == pytest.approx(8, rel=0.03)
    assert people.height.std() == pytest.approx(12, rel=0.03)
    fixed = draw(Population(age=8.3, weight_kg=30, height_cm=128), Streams(3), 5)
    assert set(fixed.weight) == {30}
    assert set(fixed.height) == {128}


def test_boys_and_girls_are_of_one_size() -> None:
    girls, boys = (
        draw(Population(age=9, female_percent=share), Streams(3), 50) for share in (100.0, 0.0)
    )
    assert girls.weight.tobytes() == boys.weight.tobytes()
    assert set(girls.female) == {1}


# --- animals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("population", "low", "high"), [(MICE, 0.01, 0.06), (RATS, 0.05, 0.8)])
def test_animals_have_a_weight_and_nothing_else(
    population: Population, low: float, high: float
) -> None:
    people = draw(population, Streams(3), 20_000)
    mean = fact(f"{population.species}_weight").to("kg")
    cv = fact("rodent_weight_cv").value
    assert people.weight.mean() == pytest.approx(mean, rel=0.01)
    assert people.weight.std() / mean == pytest.approx(cv, rel=0.03)
    assert low <= people.weight.min() < people.weight.max() <= high
    assert np.isnan(people.height).all()
    found = people.covariates()
    assert {name: set(found[name]) for name in ("child", "age", "female", "cyp2b6_star6")} == {
        "child": {0.0},
        "age": {30.0},
        "female": {0.0},
        "cyp2b6_star6": {0.0},
    }
    assert typical_people(population).weight[0] == mean


def test_a_stated_weight_of_animals_is_theirs() -> None:
    spread = Population(species="rat", weight_kg=Spread(mean=0.25, sd=0.02))
    people = draw(spread, Streams(3), 20_000)
    assert people.weight.std() == pytest.approx(0.02, rel=0.03)
    assert set(draw(Population(species="rat", weight_kg=0.22), Streams(3), 5).weight) == {0.22}


@pytest.mark.parametrize("population", KINDS)
def test_the_facts_of_a_population_are_those_that_are_read(
    population: Population, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ketalab.people import _draw, _sizes

    read = set()

    def reading(name: str) -> Any:
        read.add(name)
        return fact(name)

    for room in (_draw, _sizes):
        monkeypatch.setattr(room, "fact", reading)
    draw(population, Streams(1), 2)
    assert read == set(population_facts(population))
