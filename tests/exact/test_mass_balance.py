"""No molecule is lost or made, with metabolism on: what was given is somewhere in the states.

Of every drug, route and species that the model has, in people who differ in all that people differ in, with enzymes
blocked and induced and with the settings of a study.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ketalab.engine import Solution, solve
from ketalab.facts import compounds, fact
from ketalab.laboratory import Course, Individuals, body_model, human_model, individuals
from ketalab.laboratory._course import build_schedule, dose_parts, entry_points, make_problem
from ketalab.people import People, Population, Streams, draw
from ketalab.protocol import DEVICES, Administration, Intervention

Array = NDArray[np.float64]
SPECIES = ("human", "rat", "mouse")
WEIGHTS = {"human": (3, 300), "rat": (0.05, 0.8), "mouse": (0.01, 0.06)}
ANALYTES = ("ketamine", "norketamine", "dehydronorketamine", "hydroxynorketamine")
#: Routes by which a dose may be given over a time, and those by which it is held in the mouth.
INFUSED = ("iv", "im", "sc", "ip", "icv", "local", "nasal", "inhaled")
HELD = ("sublingual", "buccal")
#: g/mol that the hydrochloride adds.
HYDROCHLORIDE = 36.475
#: What the balance may miss, of the moles given.
TOLERANCE = 1e-10


def chain_of(molecule: str) -> str:
    """How the states begin that hold a molecule and what it becomes."""
    hand, _, name = molecule.partition("-")
    if name in ANALYTES:
        return f"{hand}_"
    return molecule.replace("-", "_") + "_"


@cache
def doses_of(species: str) -> tuple[tuple[str, str], ...]:
    """Every (compound, route) that the body of a species has."""
    known = entry_points(body_model(species))
    routes = dict.fromkeys(route for route, _ in known)
    return tuple(
        (compound.id, route)
        for compound in compounds().values()
        for route in routes
        if compound.molecules and all((route, m) in known for m in compound.molecules)
    )


@cache
def mole_states(species: str) -> dict[str, list[int]]:
    """Places of the states that count in the balance, by how their names begin."""
    model = body_model(species)
    counted = {s.name for layer in model.joined.layers for s in layer.states if s.mole}
    chains = dict.fromkeys(chain_of(molecule) for _, molecule in entry_points(model))
    return {
        chain: [
            i for i, name in enumerate(model.linear) if name in counted and name.startswith(chain)
        ]
        for chain in chains
    }


@cache
def enzymes(species: str) -> tuple[str, ...]:
    return tuple(target for layer in body_model(species).joined.layers for target in layer.targets)


@cache
def blockers(species: str) -> tuple[str, ...]:
    """Compounds that change enzymes of the body and nothing else."""
    known = set(enzymes(species))
    return tuple(
        compound.id
        for compound in compounds().values()
        if compound.blocks and {block.target for block in compound.blocks} <= known
    )


#: Hours to a third of a second: far above the millisecond within which the laboratory joins events.
def hours(low: float, high: float) -> st.SearchStrategy[float]:
    return st.integers(round(low * 1e4), round(high * 1e4)).map(lambda n: n / 1e4)


@st.composite
def doses(choose: st.DrawFn, species: str) -> Administration:
    compound, route = choose(st.sampled_from(doses_of(species)))
    salts = ["base", "hydrochloride"] if compounds()[compound].hydrochloride else ["base"]
    infusion = hours(0.01, 100) if route in INFUSED else st.nothing()
    devices = st.sampled_from(DEVICES) if route == "nasal" else st.nothing()
    held = hours(0.001, 0.5) if route in HELD else st.nothing()
    return Administration(
        choose(hours(0, 400)),
        choose(st.floats(0.01, 500)),
        choose(st.booleans()),
        choose(st.just(0.0) | infusion),
        compound,
        choose(st.sampled_from(salts)),
        route,
        choose(st.none() | devices),
        choose(st.none() | held),
    )


@st.composite
def courses(choose: st.DrawFn, species: str) -> Course:
    """Doses of anything, between doses of what blocks enzymes, with enzymes changed, in some study."""
    given_doses = choose(st.lists(doses(species), min_size=1, max_size=5))
    stop = max(d.end_h for d in given_doses) + 24.0
    if blockers(species):
        tablets = st.builds(
            Administration, hours(0, 300), st.just(500.0), st.just(False), st.just(0.0),
            st.sampled_from(blockers(species)), route=st.just("oral"),
        )  # fmt: skip
        given_doses += choose(st.lists(tablets, max_size=2))
    windows = st.tuples(hours(0, 200), hours(0.1, 200)).map(lambda w: (w[0], w[0] + w[1]))
    changes = st.builds(
        lambda target, factor, window: Intervention(target, factor, "systemic", *window),
        st.sampled_from(enzymes(species)),
        st.floats(0, 5),
        windows | st.just((-math.inf, math.inf)),
    )
    study = [name for name in body_model(species).inputs if name.startswith("study:")]
    seed = np.random.default_rng(choose(st.integers(0, 2**31)))
    size = choose(st.sampled_from([0.0, 0.5]))
    return Course(
        tuple(given_doses),
        stop,
        tuple(choose(st.lists(changes, max_size=2))),
        settings={name: size * seed.standard_normal(3) for name in study},
    )


def populations(species: str) -> st.SearchStrategy[Population]:
    weights = st.none() | st.floats(*WEIGHTS[species])
    if species != "human":
        return st.builds(Population, species=st.just(species), weight_kg=weights)
    genes = st.sampled_from([{}, {"cyp2b6": "*1/*6"}, {"cyp2b6": "*6/*6"}])
    ages = st.none() | st.floats(0.1, 100)
    return st.builds(Population, weight_kg=weights, age=ages, genotype=genes)


def integrate(species: str, course: Course, people: People, seed: int, times: Array) -> Solution:
    """People with all their variability; a model of linear states alone is solved without a grid."""
    model = body_model(species)
    drawn = individuals(model, people, Streams(seed), "person")
    schedule = build_schedule(model, course, drawn)
    return solve(make_problem(model, drawn), schedule, ((0,),) * len(schedule), times)


def moles_given(chain: str, course: Course, weights: Array, times: Array) -> Array:
    """Micromoles of what one chain holds given up to each time, (T, N)."""
    total = np.zeros((len(times), len(weights)))
    for dose in course.administrations:
        compound = compounds()[dose.compound]
        part = sum(x for molecule, x in compound.molecules.items() if chain_of(molecule) == chain)
        if not part or compound.molar_mass is None:
            continue
        mass = fact(compound.molar_mass).value
        mass += HYDROCHLORIDE if dose.salt == "hydrochloride" else 0
        amount = dose.amount * 1000 / mass * part
        if dose.duration_h:
            so_far = np.clip((times - dose.time_h) / dose.duration_h, 0, 1)
        else:
            so_far = (times >= dose.time_h).astype(float)
        total += so_far[:, None] * amount * (weights if dose.per_kg else np.ones_like(weights))
    return total


def check_balance(species: str, course: Course, people: People, seed: int, times: Array) -> None:
    solution = integrate(species, course, people, seed, times)
    assert not solution.failed
    for chain, states in mole_states(species).items():
        amounts = solution.linear[:, states]
        expected = moles_given(chain, course, people.weight, times)
        # A time that is a rounding away from the end of a short infusion misses as much of it.
        slack = TOLERANCE * np.maximum(expected, 1e-3 * expected[-1])
        assert np.all(np.abs(amounts.sum(axis=1) - expected) <= slack), chain
        assert np.all(amounts >= -1e-12 * expected[-1]), chain


# --- the balance ----------------------------------------------------------------------------------


@pytest.mark.parametrize("species", SPECIES)
@settings(max_examples=60)
@given(data=st.data())
def test_the_moles_in_the_states_are_the_moles_given_so_far_and_none_is_negative(
    species: str, data: st.DataObject
) -> None:
    course = data.draw(courses(species))
    population = data.draw(populations(species))
    places = data.draw(st.lists(st.floats(0, 1), max_size=6))
    seed = data.draw(st.integers(0, 2**31))
    edges = [t for d in course.administrations for t in (d.time_h, d.end_h)]
    stop = course.horizon_h
    within = [min(round(stop * p, 4), stop) for p in places]
    times = np.array(sorted({0.0, stop, *(t for t in edges if t < stop), *within}))
    check_balance(species, course, draw(population, Streams(seed), 3), seed, times)


@pytest.mark.parametrize(
    ("species", "compound", "route"),
    [(species, *dose) for species in SPECIES for dose in doses_of(species)],
)
def test_every_dose_of_every_body_is_kept_while_it_is_metabolised(
    species: str, compound: str, route: str
) -> None:
    people = draw(Population(species=species), Streams(6), 4)
    dose = Administration(0.0, 0.5, True, 0.0, compound, route=route)
    times = np.array([0.0, 0.01, 0.1, 0.5, 2.0, 10.0, 48.0, 200.0])
    check_balance(species, Course((dose,), 200.0), people, 6, times)


def test_every_place_where_a_dose_may_enter_is_among_them() -> None:
    for species in SPECIES:
        reached = {
            (route, molecule)
            for compound, route in doses_of(species)
            for molecule in compounds()[compound].molecules
        }
        assert reached == set(entry_points(body_model(species)))
    assert set(blockers("human")) >= {"clarithromycin", "itraconazole", "ticlopidine", "rifampicin"}
    assert len(doses_of("human")) >= 3 * 11
    assert len(doses_of("rat")) >= 3 * 7


@pytest.mark.parametrize(
    "given_doses",
    [
        [Administration(n * 2e-7, 10.0, False, 0.0, "esketamine") for n in range(4)],
        [
            Administration(0.0, 10.0, False, 0.0, "esketamine"),
            Administration(2.5e-7, 10.0, False, 1 / 3600, "esketamine"),
        ],
        [Administration(n * 2e-7, 10.0, False, 1.0, "esketamine") for n in range(4)],
        [Administration(n * 2e-7, 10.0, False, 1.0, "esketamine", route="im") for n in range(4)],
    ],
    ids=["boluses", "a bolus and an infusion", "infusions", "into muscle"],
)
def test_events_that_are_joined_within_a_millisecond_still_give_each_dose_once(
    given_doses: list[Administration],
) -> None:
    people = draw(Population(), Streams(5), 2)
    course = Course(tuple(given_doses), 2.0)
    solution = integrate("human", course, people, 5, np.array([0.0, 2.0]))
    held = solution.linear[-1, mole_states("human")["S_"]].sum(axis=0)
    whole = moles_given("S_", course, people.weight, solution.times)[-1]
    np.testing.assert_allclose(held, whole, rtol=1e-12)


# --- shares ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("species", SPECIES)
@settings(max_examples=40)
@given(data=st.data())
def test_the_shares_of_a_dose_are_parts_of_it_and_sum_to_one(
    species: str, data: st.DataObject
) -> None:
    model = body_model(species)
    people = draw(data.draw(populations(species)), Streams(1), 20)
    drawn = individuals(model, people, Streams(data.draw(st.integers(0, 2**31))), "person")
    study = [name for name in model.inputs if name.startswith("study:")]
    effects = data.draw(st.lists(st.floats(-2, 2), min_size=len(study), max_size=len(study)))
    said = {
        "dose_mg": np.full(20, data.draw(st.floats(0, 1e5))),
        "device": data.draw(st.sampled_from([0.0, 1.0])),
        "hold": data.draw(st.floats(0.001, 1)),
        "held": data.draw(st.sampled_from([0.0, 1.0])),
    }
    course = Course((), 1.0, settings=dict(zip(study, effects, strict=True)))
    made = dose_parts(model, course, drawn, said)
    for dose, places in entry_points(model).items():
        parts = [np.ones(20) if share is None else made[share] for _, share in places]
        assert np.all(np.abs(sum(parts) - 1) <= 1e-14), dose
        for part in parts:
            assert np.all(part >= 0), dose
            assert np.all(part <= 1), dose


# --- where it ends --------------------------------------------------------------------------------


@cache
def one_of_each(species: str) -> tuple[Individuals, Array]:
    people = draw(Population(species=species), Streams(3), 3)
    return individuals(body_model(species), people, Streams(3), "person"), people.weight


@pytest.mark.parametrize("species", SPECIES)
def test_nothing_leaves_what_is_eliminated_or_unabsorbed_and_everything_else_empties(
    species: str,
) -> None:
    model = body_model(species)
    drawn, _ = one_of_each(species)
    matrix = make_problem(model, drawn).matrix_under(model.defaults)
    for chain, states in mole_states(species).items():
        kept = {model.linear[i] for i in states if not matrix[:, :, i].any()}
        assert kept <= {f"{chain}eliminated", f"{chain}unabsorbed"}
        assert f"{chain}eliminated" in kept
        emptied = [i for i in states if model.linear[i] not in kept]
        inner = matrix[:, emptied][:, :, emptied]
        assert np.linalg.eigvals(inner).real.max() < 0


@pytest.mark.parametrize("species", SPECIES)
def test_every_flow_takes_from_one_state_and_gives_to_others_in_everybody(species: str) -> None:
    """Whatever is drawn together: no share is negative, so that nothing is made of nothing."""
    model = body_model(species)
    people = draw(Population(species=species), Streams(4), 1000)
    drawn = individuals(model, people, Streams(4), "person")
    problem = make_problem(model, drawn)
    off = ("enzyme:liver:other", "enzyme:gut:other")
    for inputs in (model.defaults, {**model.defaults, **dict.fromkeys(off, 0.0)}):
        matrix = problem.matrix_under(inputs)
        for states in mole_states(species).values():
            inner = matrix[:, states][:, :, states]
            size = np.abs(inner).max(axis=(1, 2))
            assert np.all(np.abs(inner.sum(axis=1)) <= 1e-14 * size[:, None])
            inner[:, range(len(states)), range(len(states))] *= -1
            assert np.all(inner >= -1e-15 * size[:, None, None])


@pytest.mark.parametrize("species", SPECIES)
def test_in_the_end_all_of_every_dose_is_eliminated_or_was_not_absorbed(species: str) -> None:
    model = body_model(species)
    people = draw(Population(species=species), Streams(3), 3)
    given_doses = tuple(
        Administration(0.0, 0.5, True, 0.0, compound, route=route)
        for compound, route in doses_of(species)
    )
    course = Course(given_doses, 1e5)
    solution = integrate(species, course, people, 3, np.array([0.0, 0.25, 1e5]))
    for chain, states in mole_states(species).items():
        whole = moles_given(chain, course, people.weight, solution.times)[-1]
        ends = [i for i in states if model.linear[i].endswith(("eliminated", "unabsorbed"))]
        gone = solution.linear[:, ends].sum(axis=1)
        assert np.all(gone[1] < 0.99 * whole)
        np.testing.assert_allclose(gone[-1], whole, rtol=TOLERANCE)


def test_metabolism_is_on() -> None:
    people = draw(Population(), Streams(3), 5)
    course = Course((Administration(0.0, 0.5, True, 2 / 3, "ketamine"),), 24.0)
    solution = integrate("human", course, people, 3, np.array([0.0, 2 / 3, 6.0, 24.0]))
    place = {name: i for i, name in enumerate(body_model().linear)}
    for hand in "SR":
        whole = moles_given(f"{hand}_", course, people.weight, solution.times)[-1]
        gone = solution.linear[:, place[f"{hand}_eliminated"]]
        assert np.all(np.diff(gone, axis=0) > 0)
        assert np.all(gone[3] > 0.4 * whole)
        for metabolite in ("norketamine", "hydroxynorketamine"):
            assert np.all(solution.linear[1:, place[f"{hand}_{metabolite}_central"]] > 0)
        assert np.all(solution.linear[1:, place[f"{hand}_dehydronorketamine"]] > 0)


@pytest.mark.parametrize("species", SPECIES)
def test_the_balance_counts_every_state_of_the_drugs_but_those_that_take_no_mass(
    species: str,
) -> None:
    counted = [i for states in mole_states(species).values() for i in states]
    assert len(set(counted)) == len(counted)
    left = {name for i, name in enumerate(body_model(species).linear) if i not in counted}
    ours = {f"{h}_{s}_{a}" for h in "SR" for s in ("arm", "effect") for a in ANALYTES}
    assert ours <= left
    # Other drugs have effect sites of their own.
    assert all("effect" in name for name in left - ours)


def test_the_whole_model_has_the_same_states_of_the_drugs_as_the_body_alone() -> None:
    assert human_model().linear == body_model().linear


@pytest.mark.parametrize("route", ["iv", "im"])
@pytest.mark.parametrize("duration_h", [0.0, 1e-3, 2 / 3, 72.0])
def test_no_state_of_the_balance_is_ever_negative(duration_h: float, route: str) -> None:
    people = draw(Population(), Streams(8), 20)
    times = np.concatenate([[0.0], np.geomspace(1e-4, 500, 60)])
    dose = Administration(0.0, 100.0, False, duration_h, "ketamine", route=route)
    solution = integrate("human", Course((dose,), 500.0), people, 8, times)
    states = [i for places in mole_states("human").values() for i in places]
    peak = solution.linear[:, states].max()
    assert math.isfinite(peak)
    assert solution.linear[:, states].min() >= -1e-13 * peak
