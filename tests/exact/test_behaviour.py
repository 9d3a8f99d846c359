"""What animals do in tests: shares that stay shares, one despair behind all tests, and the same bytes for a seed."""

from __future__ import annotations

import numpy as np
import pytest

from ketalab.facts import conversion_factor, fact
from ketalab.laboratory import Scenario, animal_model, individuals, simulate, value_of
from ketalab.model import Values
from ketalab.model.mind import behaviour
from ketalab.people import Population, Streams, draw

from ._brain import Arrays, at

SHARES = ("FST", "TST", "LH", "sucrose")
ANIMALS = 2000


def drawn() -> dict[str, np.ndarray]:
    """Parameters of the layer as 2,000 mice have them."""
    model, streams = animal_model("mouse"), Streams(3)
    people = draw(Population(species="mouse"), streams, ANIMALS)
    rows = individuals(model, people, streams, "person").parameters
    known = zip(model.parameters, rows, strict=True)
    return {k.removeprefix("behaviour."): x for k, x in known if k.startswith("behaviour.")}


def usual() -> dict[str, np.ndarray]:
    """Parameters of the typical animal."""
    return {
        p.name: np.array(value_of(p.fact) * conversion_factor(fact(p.fact).unit, p.unit, p.name))
        for p in behaviour().parameters
    }


def shown(parameters: dict[str, np.ndarray], **inputs: float | np.ndarray) -> dict[str, np.ndarray]:
    """What animals show: relief early and late, the share that bursts, reward."""
    ports = {"early": "relief:early", "late": "relief:late", "burst": "circuit:LHb:burst"}
    rest = at()
    values = {name: rest[name] for name in ("circuit:LHb:burst", "circuit:reward")}
    values |= {"relief:early": np.array(0.0), "relief:late": np.array(0.0)}
    values |= {ports.get(k, f"circuit:{k}"): np.asarray(x) for k, x in inputs.items()}
    return dict(behaviour().equations(Arrays(), Values({**parameters, **values})).outputs)


@pytest.mark.parametrize("test", SHARES)
def test_a_share_stays_a_share_in_every_drawn_animal(test: str) -> None:
    random = np.random.default_rng(8)
    early, late = random.random((2, ANIMALS))
    burst = random.uniform(0, float(at()["circuit:LHb:burst"]), ANIMALS)
    for inputs in ({}, {"early": early, "late": late, "burst": burst, "reward": 5 * early}):
        values = shown(drawn(), **inputs)[f"behaviour:{test}"]
        assert values.shape == (ANIMALS,)
        assert values.min() >= 0
        assert values.max() <= 1
        assert values.std() > 0.05


def test_every_test_shows_relief_early_and_late() -> None:
    rest, early, late, both = (
        shown(usual(), **inputs)
        for inputs in ({}, {"early": 0.6}, {"late": 0.6}, {"early": 0.6, "late": 0.6})
    )
    for name in ("FST", "TST", "LH", "NSF", "despair"):
        for one in (early, late):
            assert both[f"behaviour:{name}"] < one[f"behaviour:{name}"] < rest[f"behaviour:{name}"]
    assert both["behaviour:sucrose"] > early["behaviour:sucrose"] > rest["behaviour:sucrose"]
    assert early["behaviour:relief"] == pytest.approx(late["behaviour:relief"])


def test_bursting_is_despair_and_a_lost_reward_is_anhedonia() -> None:
    calm, bursting, joyless = (
        shown(usual(), **inputs) for inputs in ({"burst": 0.0}, {"burst": 0.5}, {"reward": 0.2})
    )
    for name in ("FST", "TST", "LH", "NSF"):
        assert bursting[f"behaviour:{name}"] > calm[f"behaviour:{name}"]
    assert joyless["behaviour:sucrose"] < 0.9 * calm["behaviour:sucrose"]
    assert joyless["behaviour:despair"] > calm["behaviour:despair"]


def test_tests_of_one_animal_go_together_and_are_not_the_same() -> None:
    made = shown(drawn())
    fst, tst = made["behaviour:FST"], made["behaviour:TST"]
    assert 0 <= np.corrcoef(fst, tst)[0, 1] < 0.9


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_animals() -> None:
    def behave(seed: int) -> dict[str, bytes]:
        names = tuple(f"behaviour:{name}" for name in (*SHARES, "NSF"))
        made = simulate(
            Scenario.parse(
                "10 mg/kg ketamine ip",
                species="mouse",
                patients=5,
                days=0.05,
                outputs=names,
                seed=seed,
            )
        )
        return {name: values.tobytes() for name, values in made.values.items()}

    first = behave(1)
    assert behave(1) == first
    assert all(behave(2)[name] != first[name] for name in first)
