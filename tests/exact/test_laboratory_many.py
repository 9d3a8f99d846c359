"""Many scenarios in one call are the same scenarios one by one, and what they share is prepared once."""

from __future__ import annotations

import json

import pytest

from ketalab.errors import ScenarioError
from ketalab.laboratory import Result, Scenario, _ranges, simulate, simulate_many
from ketalab.people import Population

DRUG = "0.5 mg/kg ketamine iv over 40 min"
SHORT = {"patients": 5, "days": 1.0, "outputs": ("plasma:venous:ketamine", "state:dissociation")}
OLDER = Population(age=70.0)
#: Arms, a population, a dose after each other, a mix of regimens, and a rat.
SCENARIOS = (
    Scenario.parse(DRUG, **SHORT),
    Scenario.parse("20 mg memantine oral", **SHORT),
    Scenario.parse(DRUG, **SHORT, population=OLDER),
    Scenario.parse(DRUG, **SHORT, seed=5),
    Scenario.parse("10 mg/kg ketamine ip", species="rat", **{**SHORT, "outputs": ()}),
)


@pytest.fixture(scope="module")
def together() -> tuple[Result, ...]:
    return simulate_many(SCENARIOS)


@pytest.mark.parametrize("number", range(len(SCENARIOS)))
def test_each_result_is_that_of_its_scenario_alone(
    together: tuple[Result, ...], number: int
) -> None:
    alone, made = simulate(SCENARIOS[number]), together[number]
    assert json.dumps(made.document()) == json.dumps(alone.document())
    assert made.frame().write_csv() == alone.frame().write_csv()


def test_steps_are_chosen_once_for_all_who_share_a_course(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = []

    def prepare(course: object, **options: object) -> object:
        chosen.append(options["species"])
        return real(course, **options)  # type: ignore[arg-type]

    real = _ranges.prepare
    monkeypatch.setattr(_ranges, "prepare", prepare)
    simulate_many(SCENARIOS)
    assert chosen == ["human", "human", "rat"]
    chosen.clear()
    believed = {"lhb_trapping": 1.0}
    simulate_many([SCENARIOS[0], SCENARIOS[0].replace(hypotheses=believed)])
    assert len(chosen) == 2  # pilots differ where the constants do


def test_progress_counts_the_patients_of_all() -> None:
    heard: list[tuple[float, int]] = []
    simulate_many(SCENARIOS[:3], progress=lambda done, total: heard.append((done, total)))
    assert heard[-1] == (15, 15)
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)
    assert {total for _, total in heard} == {15}


def test_more_than_memory_is_for_is_refused_before_anything_is_done() -> None:
    many = Scenario.parse(DRUG, patients=600_000)
    with pytest.raises(ScenarioError, match="1,200,000 patients in all are not allowed"):
        simulate_many([many, many])
    assert simulate_many([]) == ()
