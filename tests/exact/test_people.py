"""People: a draw depends on seed, purpose, replicate and person, and on nothing else."""

from __future__ import annotations

from dataclasses import fields
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ketalab.errors import InputError, ScenarioError
from ketalab.facts import fact
from ketalab.people import (
    GENOTYPES,
    SHARED,
    People,
    Population,
    Spread,
    Streams,
    draw,
    typical_people,
)

Array = NDArray[np.float64]
ARRAYS = [item.name for item in fields(People) if item.name not in SHARED]
seeds = st.integers(0, 2**63 - 1)
words = st.text(min_size=1, max_size=12)
MICE, RATS = Population(species="mouse"), Population(species="rat")
KINDS = [Population(), Population(age=Spread(mean=8, sd=4)), MICE, RATS]


def same(one: People, other: People) -> bool:
    return all(getattr(one, n).tobytes() == getattr(other, n).tobytes() for n in ARRAYS)


# --- streams --------------------------------------------------------------------------------------


@given(seeds, words, st.integers(0, 2**40), st.integers(0, 2**40), st.integers(1, 40))
def test_one_seed_and_purpose_give_the_same_bytes(
    seed: int, purpose: str, replicate: int, start: int, count: int
) -> None:
    one, two = (
        Streams(seed).uniform(purpose, count, replicate=replicate, start=start) for _ in range(2)
    )
    assert one.tobytes() == two.tobytes()
    assert len(one) == count


@given(seeds, words, st.integers(0, 9), st.integers(0, 200), st.integers(1, 30), st.integers(0, 30))
def test_person_number_i_is_the_same_wherever_the_drawing_begins(
    seed: int, purpose: str, replicate: int, start: int, count: int, before: int
) -> None:
    streams = Streams(seed)
    long = streams.uniform(purpose, start + count + 5, replicate=replicate)
    part = streams.uniform(purpose, count, replicate=replicate, start=start)
    assert part.tobytes() == long[start : start + count].tobytes()
    first = max(start - before, 0)
    middle = streams.normal(purpose, start + count - first, replicate=replicate, start=first)
    whole = streams.normal(purpose, start + count, replicate=replicate)
    assert middle.tobytes() == whole[first:].tobytes()


@given(seeds, st.lists(words, min_size=2, max_size=5, unique=True))
def test_another_purpose_changes_no_draw_and_gives_another_one(
    seed: int, purposes: list[str]
) -> None:
    streams = Streams(seed)
    alone = {purpose: streams.uniform(purpose, 4) for purpose in purposes}
    again = {purpose: streams.uniform(purpose, 4) for purpose in reversed(purposes)}
    for purpose in purposes:
        assert alone[purpose].tobytes() == again[purpose].tobytes()
    assert len({values.tobytes() for values in alone.values()}) == len(purposes)


@pytest.mark.parametrize("word", [0, 1, 2**63, 2**64 - 2**11, 2**64 - 1])
def test_a_uniform_number_is_strictly_between_0_and_1_whatever_the_bits(
    word: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Streams, "_words", lambda *_: np.array([word], dtype=np.uint64))
    value = Streams(0).uniform("x", 1)[0]
    assert 0 < value < 1
    assert np.isfinite(Streams(0).normal("x", 1)[0])


def test_streams_of_different_purpose_replicate_or_seed_are_not_correlated() -> None:
    n = 20_000
    drawn = [
        Streams(seed).normal(purpose, n, replicate=replicate)
        for seed in (0, 1)
        for purpose in ("between:body.cl", "between:body.cl ", "people:weight")
        for replicate in (0, 1, 2**31)
    ]
    drawn += [np.roll(drawn[0], 1), drawn[0] ** 2 - 1]
    bound = 4.5 / np.sqrt(n)
    for one, other in combinations(drawn, 2):
        assert abs(np.corrcoef(one, other)[0, 1]) < bound


# --- people ---------------------------------------------------------------------------------------


@given(seeds, st.integers(1, 12), st.integers(1, 12), st.integers(0, 100), st.sampled_from(KINDS))
def test_more_people_change_nobody(
    seed: int, few: int, more: int, start: int, kind: Population
) -> None:
    streams = Streams(seed)
    all_of_them = draw(kind, streams, few + more, start=start)
    assert same(draw(kind, streams, few, start=start), all_of_them.take(np.arange(few)))
    rest = draw(kind, streams, more, start=start + few)
    assert same(rest, all_of_them.take(np.arange(few, few + more)))


@given(seeds, st.integers(1, 6), st.integers(0, 4), st.integers(1, 4))
def test_more_replicates_change_nobody(seed: int, count: int, first: int, replicates: int) -> None:
    streams = Streams(seed)
    whole = draw(Population(), streams, count, replicates=range(first + replicates))
    part = draw(Population(), streams, count, replicates=range(first, first + replicates))
    assert same(part, whole.take(np.arange(first * count, (first + replicates) * count)))


@given(seeds, st.data())
def test_a_subset_of_people_keeps_their_draws(seed: int, data: st.DataObject) -> None:
    people = draw(Population(), Streams(seed), 7, replicates=range(3))
    members = np.array(data.draw(st.lists(st.integers(0, 20), min_size=1, max_size=21)))
    part = people.take(members)
    for purpose in ("between:body.cl", "variant"):
        assert part.uniform(purpose).tobytes() == people.uniform(purpose)[members].tobytes()
        assert part.normal(purpose).tobytes() == people.normal(purpose)[members].tobytes()


POPULATIONS = [
    ({"weight_kg": 80.0}, {"weight"}),
    ({"weight_kg": Spread(mean=90, sd=5)}, {"weight"}),
    ({"height_cm": 180.0}, {"height"}),
    ({"age": Spread(mean=30, sd=4)}, {"age"}),
    ({"genotype": {"bdnf": "val/met"}}, {"bdnf_met"}),
    ({"genotype": {"cyp2b6": "*6/*6"}}, {"cyp2b6_star6"}),
    ({"female_percent": 100.0}, {"female", "weight", "height"}),
]


@pytest.mark.parametrize(("said", "moved"), POPULATIONS)
def test_what_is_said_of_a_population_changes_nothing_else(
    said: dict[str, Any], moved: set[str]
) -> None:
    plain = draw(Population(), Streams(3), 200)
    other = draw(Population(**said), Streams(3), 200)
    for name in ARRAYS:
        alike = getattr(plain, name).tobytes() == getattr(other, name).tobytes()
        assert alike == (name not in moved), name


def test_a_number_is_everybody_and_a_genotype_is_fixed() -> None:
    population = Population(weight_kg=61, height_cm=170.0, age=40, genotype={"bdnf": "Met/Met"})
    people = draw(population, Streams(0), 50)
    for name, value in (("weight", 61), ("height", 170), ("age", 40), ("bdnf_met", 2)):
        np.testing.assert_array_equal(getattr(people, name), value)
    assert set(people.covariates()["bdnf_met"]) == {1.0}


@pytest.mark.parametrize(
    ("name", "frequency"),
    [("bdnf_met", "bdnf_met_frequency"), ("cyp2b6_star6", "cyp2b6_star6_frequency")],
)
def test_alleles_are_in_hardy_weinberg_proportions(name: str, frequency: str) -> None:
    n, p = 40_000, fact(frequency).value
    counts = getattr(draw(Population(), Streams(11), n), name)
    for alleles, share in ((0, (1 - p) ** 2), (1, 2 * p * (1 - p)), (2, p**2)):
        assert (counts == alleles).mean() == pytest.approx(share, abs=4 * np.sqrt(share / n))
    assert len(GENOTYPES["bdnf"]) == 3


@pytest.mark.parametrize("female_percent", [None, 0.0, 30.0, 100.0])
@pytest.mark.parametrize("weight", [None, Spread(mean=80, sd=10), Spread(mean=95, sd=25)])
def test_the_mean_weight_is_the_stated_one_whatever_the_share_of_women(
    weight: Spread | None, female_percent: float | None
) -> None:
    n = 40_000
    population = Population(weight_kg=weight, female_percent=female_percent)
    people = draw(population, Streams(5), n)
    mean = weight.mean if weight else fact("adult_weight").value
    spread = people.weight.std()
    assert people.weight.mean() == pytest.approx(mean, abs=4 * spread / np.sqrt(n))
    share = 0.6 if female_percent is None else female_percent / 100
    assert people.female.mean() == pytest.approx(share, abs=4 * np.sqrt(0.25 / n))
    if 0 < share < 1:
        women = people.female == 1
        ratio = people.weight[~women].mean() / people.weight[women].mean()
        assert ratio == pytest.approx(fact("weight_sex_ratio").value, rel=0.02)


@pytest.mark.parametrize("female_percent", [0.0, 50.0, 100.0])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("weight", {"weight_kg": Spread(mean=80, sd=14)}),
        ("height", {"height_cm": Spread(mean=170, sd=9)}),
        ("age", {"age": Spread(mean=45, sd=7)}),
    ],
)
def test_the_standard_deviation_between_people_is_the_stated_one(
    name: str, said: dict[str, Any], female_percent: float
) -> None:
    people = draw(Population(female_percent=female_percent, **said), Streams(5), 40_000)
    (stated,) = said.values()
    assert getattr(people, name).std() == pytest.approx(stated.sd, rel=0.03)
    assert getattr(people, name).mean() == pytest.approx(stated.mean, rel=0.01)


def test_adults_are_adults() -> None:
    people = draw(Population(), Streams(2), 20_000)
    assert people.age.min() >= 18
    assert people.age.max() <= fact("adult_age_high").value
    assert people.age.mean() == pytest.approx(fact("adult_age").value, abs=1.0)
    assert people.weight.min() > 20


def test_the_typical_person_is_the_middle_of_the_population() -> None:
    typical = typical_people(Population())
    assert (typical.weight[0], typical.age[0]) == (75, 43)
    assert (typical.bdnf_met[0], typical.severity[0], typical.female[0]) == (0, 0, 1)
    own = typical_people(
        Population(weight_kg=Spread(mean=90, sd=9), female_percent=10, genotype={"bdnf": "VAL/MET"})
    )
    assert (own.weight[0], own.female[0], own.bdnf_met[0]) == (90, 0, 1)


# --- what a population file may say ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("colour: red", "colour"),
        ("weight_kg: 2", "weight_kg"),
        ("weight_kg: 301", "weight_kg"),
        ("weight_kg: .nan", "weight_kg"),
        ("weight_kg: heavy", "weight_kg"),
        ("weight_kg: {mean: 80}", "weight_kg"),
        ("weight_kg: {mean: 80, sd: -1}", "weight_kg.sd"),
        ("weight_kg: {mean: 80, sd: .inf}", "weight_kg.sd"),
        ("age: 0.05", "age: 0.05 is not allowed; 0.1 to 100"),
        ("age: 101", "age: 101 is not allowed; 0.1 to 100"),
        ("species: cat", "species"),
        ("species: mouse\nweight_kg: 0.3", "weight_kg: 0.3 is not allowed; 0.01 to 0.06"),
        ("species: rat\nweight_kg: {mean: 0.9, sd: 0.1}", "weight_kg.mean: 0.9"),
        ("species: rat\nage: 30", "age: not allowed for species 'rat'; allowed: weight_kg"),
        ("species: rat\nfemale_percent: 0", "female_percent"),
        ("species: mouse\nheight_cm: 50", "height_cm"),
        ("species: mouse\ngenotype: {bdnf: val/met}", "genotype"),
        ("species: mouse\nbaseline: [{measure: MADRS, mean: 30}]", "baseline"),
        ("female_percent: 101", "female_percent"),
        ("genotype: {bdnf: val}", "allowed: val/val, val/met, met/met"),
        ("genotype: {comt: met/met}", "genotype"),
        ("baseline: [{measure: MADRS, mean: -3}]", "baseline.0.mean"),
        ("baseline: [{measure: MADRS}]", "baseline.0.mean"),
        ("- 1", ""),
        ("", ""),
        ("age: 30\nage: 40", "appears twice"),
    ],
)
def test_a_wrong_population_file_is_refused_with_one_line(
    tmp_path: Path, text: str, line: str
) -> None:
    path = tmp_path / "people.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        Population.read(path)
    assert str(caught.value).startswith(str(path))
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["weight_kg: {mean: 5000, sd: 1}", "age: {mean: 0.05, sd: 1}"])
def test_a_mean_that_no_single_person_could_have_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "people.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError):
        Population.read(path)


def test_a_right_population_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "people.yaml"
    path.write_text(
        "weight_kg: {mean: 80, sd: 12}\nage: 50\nfemale_percent: 40\ngenotype: {bdnf: val/met}\n"
        "baseline: [{measure: MADRS, mean: 31, sd: 4}]\n",
        encoding="utf-8",
    )
    population = Population.read(path)
    assert population.weight_kg == Spread(mean=80, sd=12)
    assert population.baseline[0].mean == 31
    assert population.genotype == {"bdnf": "val/met"}


@pytest.mark.parametrize(("count", "replicates"), [(0, range(1)), (5, range(0))])
def test_nobody_cannot_be_drawn(count: int, replicates: range) -> None:
    with pytest.raises(ScenarioError, match="at least 1 is needed"):
        draw(Population(), Streams(0), count, replicates=replicates)
