"""Sensitivities to parameters: laws that hold exactly, what is zero, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from ketalab.errors import ScenarioError, SolutionError
from ketalab.laboratory import (
    Course,
    Individuals,
    Prepared,
    Sensitivities,
    _sensitivity,
    animal_model,
    body_model,
    human_model,
    individuals,
    prepare,
    run,
    sensitivities,
)
from ketalab.people import People, Population, Streams, draw
from ketalab.protocol import parse_phrase

Array = NDArray[np.float64]
TIMES = np.array([0.0, 0.3, 2 / 3, 1.0, 4.0, 12.0, 24.0])
PLASMA, RELIEF, BLOCK = "plasma:venous:ketamine", "symptom:relief", "occupancy:NMDA:interneuron"
INFUSION = "0.5 mg/kg ketamine iv over 40 min"
#: A central difference of step h misses by about h squared over 6 of the third derivative.
NEAR = {"rtol": 2e-6, "atol": 1e-9}


@cache
def ready(phrase: str = INFUSION) -> Prepared:
    return prepare(Course(parse_phrase(phrase).administrations, 24.0), solver="lockstep")


@cache
def some_people(count: int = 5) -> tuple[People, Individuals]:
    people = draw(Population(), Streams(5), count)
    return people, individuals(human_model(), people, Streams(5), "person")


def sensitive(
    outputs: tuple[str, ...], parameters: tuple[str, ...], phrase: str = INFUSION, **options: float
) -> Sensitivities:
    people, drawn = some_people()
    return sensitivities(ready(phrase), drawn, people.weight, TIMES, outputs, parameters, **options)


def courses(phrase: str, *outputs: str) -> dict[str, Array]:
    people, drawn = some_people()
    return run(ready(phrase), drawn, people.weight, TIMES, outputs)[0]


# --- laws -----------------------------------------------------------------------------------------


def test_a_concentration_by_mass_grows_with_the_molar_mass() -> None:
    found = sensitive((PLASMA,), ("body.mass_ketamine",)).of(PLASMA, "body.mass_ketamine")
    assert found.shape == (7, 5)
    np.testing.assert_allclose(found, courses(INFUSION, PLASMA)[PLASMA], **NEAR)


def test_larger_volumes_and_faster_flows_together_do_what_a_smaller_dose_does() -> None:
    # Where every volume and every flow is larger by a factor, every concentration is smaller by it.
    model, name = body_model(), "plasma:arterial:S-ketamine"
    people = draw(Population(), Streams(5), 4)
    drawn = individuals(model, people, Streams(5), "person")
    alone = prepare(Course(parse_phrase(INFUSION).administrations, 24.0), model=model)
    sizes = tuple(f"body.{n}" for n in ("v1", "v2", "v3", "q2", "q3", "cl", "liver_flow"))
    found = sensitivities(alone, drawn, people.weight, TIMES, (name,), sizes, step=1e-4)
    plasma, _ = run(alone, drawn, people.weight, TIMES, (name,))
    np.testing.assert_allclose(found.values[name].sum(axis=0), -plasma[name], **NEAR)
    assert np.abs(found.values[name]).max() > plasma[name].max() / 3


def test_the_absorbed_part_of_a_dose_moves_with_its_parameter() -> None:
    phrase = "35 mg ketamine im"
    found = sensitive(("plasma:venous:ketamine",), ("body.im_absorbed",), phrase)
    plasma = courses(phrase, PLASMA)[PLASMA]
    np.testing.assert_allclose(found.of(PLASMA, "body.im_absorbed"), plasma, **NEAR)
    assert plasma[1:].min() > 0


def test_affinities_count_by_their_ratios_and_potency_as_a_free_concentration() -> None:
    # Ki of racemates and enantiomers give relative potency alone, so that a factor on all of them does nothing; the
    # half-blocking concentrations are free ones, so that they do what the free share of a concentration does.
    names = human_model().parameters
    relative = tuple(n for n in names if n.startswith("brain.ki_"))
    potencies = ("brain.ic50_ketamine", "brain.ic50_norketamine")
    found = sensitive((BLOCK,), (*relative, *potencies, "brain.kpuu"))
    sizes = np.abs(found.values[BLOCK][: len(relative)]).max()
    together = sum(found.of(BLOCK, n) for n in relative)
    assert sizes > 1e-3
    assert np.abs(together).max() < 1e-5 * sizes
    np.testing.assert_allclose(
        sum(found.of(BLOCK, n) for n in potencies), found.of(BLOCK, "brain.kpuu"), **NEAR
    )


# --- what is zero ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("output", "parameter"),
    [
        (PLASMA, "brain.bdnf_time"),
        (PLASMA, "mind.relief_maximum"),
        (BLOCK, "mind.relief_time"),
        ("synapse:potentiation", "mind.relief_maximum"),
        (RELIEF, "harm.systolic"),
        (PLASMA, "body.memantine_V"),
    ],
)
def test_an_output_that_reads_nothing_of_a_parameter_does_not_move_in_a_bit(
    output: str, parameter: str
) -> None:
    found = sensitive((output,), (parameter,)).of(output, parameter)
    assert found.tobytes() == np.zeros((7, 5)).tobytes()


# --- whoever is beside ----------------------------------------------------------------------------


def test_sensitivities_have_the_same_bytes_however_the_work_is_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names, moved = (PLASMA, RELIEF), ("body.cl", "mind.relief_maximum")
    whole = sensitive(names, moved)
    monkeypatch.setattr(_sensitivity, "_MOST_NUMBERS", 4000)
    pieces = sensitive(names, moved)
    for name in names:
        assert pieces.values[name].tobytes() == whole.values[name].tobytes()
        assert whole.values[name].shape == (2, 7, 5)


def test_someone_has_the_same_bytes_alone_and_for_one_parameter_alone() -> None:
    people, drawn = some_people()
    whole = sensitive((RELIEF,), ("body.cl", "mind.relief_maximum"))
    one = Individuals(drawn.parameters[:, [3]], drawn.covariates[:, [3]])
    alone = sensitivities(
        ready(), one, people.weight[[3]], TIMES[2:], (RELIEF,), ("mind.relief_maximum",)
    )
    expected = whole.of(RELIEF, "mind.relief_maximum")[2:, [3]]
    assert alone.values[RELIEF][0].tobytes() == expected.tobytes()


def test_a_setting_goes_with_its_person() -> None:
    people, drawn = some_people()
    setting = np.linspace(-0.5, 0.5, 5)
    asked = ((PLASMA,), ("body.cl",))
    given = sensitivities(
        ready(), drawn, people.weight, TIMES, *asked, settings={"study:clearance": setting}
    )
    own = replace(ready(), course=replace(ready().course, settings={"study:clearance": setting}))
    course = sensitivities(own, drawn, people.weight, TIMES, *asked)
    last = Individuals(drawn.parameters[:, 4:], drawn.covariates[:, 4:])
    alone = sensitivities(
        ready(), last, people.weight[4:], TIMES, *asked, settings={"study:clearance": 0.5}
    )
    assert given.values[PLASMA].tobytes() == course.values[PLASMA].tobytes()
    assert given.values[PLASMA][:, :, 4:].tobytes() == alone.values[PLASMA].tobytes()
    assert np.abs(given.values[PLASMA] - sensitive(*asked).values[PLASMA]).max() > 0.1


def test_how_far_it_is_is_told_up_to_the_end() -> None:
    people, drawn = some_people()
    heard: list[float] = []
    sensitivities(ready(), drawn, people.weight, TIMES, (PLASMA,), ("body.cl",), tell=heard.append)
    assert heard[-1] == 1.0
    assert heard == sorted(heard)


def test_rats_have_sensitivities_too() -> None:
    model = animal_model("rat")
    people = draw(Population(species="rat"), Streams(5), 3)
    drawn = individuals(model, people, Streams(5), "person")
    course = Course(parse_phrase("10 mg/kg ketamine ip").administrations, 24.0)
    rats = prepare(course, model=model, species="rat", solver="lockstep")
    found = sensitivities(rats, drawn, people.weight, TIMES, (PLASMA,), ("body.cl",))
    assert (found.of(PLASMA, "body.cl")[1:] < 0).all()


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outputs", "parameters", "step", "says"),
    [
        (("plasma:venous:ketamin",), ("body.cl",), 1e-3, "output 'plasma:venous:ketamin' is unkn"),
        ((PLASMA,), ("body.cll",), 1e-3, "parameter 'body.cll' is unknown; did you mean 'body.cl'"),
        ((PLASMA,), ("body.cl",), 0.5, "step: 0.5 is not allowed; allowed: 1e-07 to 0.1"),
        ((PLASMA,), ("body.cl",), float("nan"), "step: nan is not allowed"),
    ],
)
def test_what_has_no_sensitivity_is_refused_in_one_line(
    outputs: tuple[str, ...], parameters: tuple[str, ...], step: float, says: str
) -> None:
    with pytest.raises(ScenarioError) as caught:
        sensitive(outputs, parameters, step=step)
    assert str(caught.value).startswith(says)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [0.0, -2.0])
def test_a_parameter_that_is_not_above_zero_in_everybody_is_refused(value: float) -> None:
    people, drawn = some_people()
    moved = drawn.parameters.copy()
    moved[human_model().parameters.index("mind.relief_maximum"), [1, 3]] = value
    with pytest.raises(ScenarioError, match=rf"is {value:g} for 2 of 5 people \(the first: 1\)"):
        sensitivities(
            ready(),
            Individuals(moved, drawn.covariates),
            people.weight,
            TIMES,
            (RELIEF,),
            ("mind.relief_maximum",),
        )


def test_a_patient_without_a_solution_is_named_with_the_parameter() -> None:
    people, drawn = some_people()
    broken = drawn.parameters.copy()
    broken[human_model().parameters.index("brain.bdnf_time"), 2] = np.nan
    with pytest.raises(
        SolutionError, match=r"patient 2 with body\.cl moved by a factor of 1\.0001"
    ):
        sensitivities(
            ready(),
            Individuals(broken, drawn.covariates),
            people.weight,
            TIMES,
            (RELIEF,),
            ("body.cl",),
        )


def test_a_time_grid_that_does_not_suit_the_people_is_refused() -> None:
    people, drawn = some_people()
    coarse = replace(ready(), grid=((0,),) * len(ready().grid), edges=np.array([0.0, 2 / 3, 24.0]))
    with pytest.raises(
        SolutionError, match=r"mind\.relief_time moved by .*: the estimated error of"
    ):
        sensitivities(
            coarse, drawn, people.weight, TIMES, (RELIEF,), ("mind.relief_time", "body.cl")
        )
