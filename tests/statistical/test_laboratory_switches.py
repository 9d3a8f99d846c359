"""A switch is drawn as 0 or 1 as often as its weight says. Seeds are fixed: a failure is a defect, not bad luck."""

from __future__ import annotations

import numpy as np
import pytest

from ketalab.facts import facts
from ketalab.laboratory import draw_fact, hypotheses, using_hypotheses
from ketalab.people import Streams

N = 20_000
SWITCHES = sorted(name for name, record in facts().items() if record.switch)
#: Standard deviations by which a share may miss: about one in 15,000 for each check.
SIGMAS = 4.0


def off(weight: float) -> float:
    return SIGMAS * float(np.sqrt(weight * (1 - weight) / N))


@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_is_on_as_often_as_its_weight_says(name: str) -> None:
    draws, weight = draw_fact(name, Streams(1), N), facts()[name].value
    assert set(draws) == {0.0, 1.0}
    assert draws.mean() == pytest.approx(weight, abs=off(weight))


@pytest.mark.parametrize("weight", [0.02, 0.5, 0.9])
def test_another_weight_is_the_share_of_draws_that_are_on(weight: float) -> None:
    with using_hypotheses({"trkb_direct": weight}):
        draws = draw_fact("hypothesis_trkb_direct", Streams(2), N)
    assert set(draws) == {0.0, 1.0}
    assert draws.mean() == pytest.approx(weight, abs=off(weight))


def test_hypotheses_are_drawn_independently() -> None:
    table = np.stack([draw_fact(one.fact, Streams(3), N) for one in hypotheses().values()])
    correlations = np.corrcoef(table)
    assert np.max(np.abs(correlations[~np.eye(len(table), dtype=bool)])) < 4.5 / np.sqrt(N)
