"""The surge of glutamate: low doses raise it, anaesthetic ones do not, and it goes through AMPA receptors."""

from __future__ import annotations

import numpy as np
import pytest

from ._brain import ONE_PATH, solve

TIMES = (0.25, 0.5, 1.0, 2.0)
ONE_HOUR = TIMES.index(1.0)


def rat(dose: int) -> float:
    """Glutamate in the rat one hour after a dose, above rest."""
    made = solve("rat", f"{dose} mg/kg ketamine ip", TIMES)
    return float(made["circuit:glutamate"][ONE_HOUR, 0]) - 1


def test_the_sign_of_the_change_in_rats_goes_with_the_dose() -> None:
    """The ladder of Moghaddam 1997, an article that set the curve."""
    raised = [rat(dose) for dose in (10, 20, 30)]
    assert all(change > 0.04 for change in raised)
    assert sorted(raised, reverse=True) == raised
    assert abs(rat(50)) < 0.25 * rat(30)
    assert rat(200) < -0.04


def test_an_anaesthetic_infusion_in_people_gives_no_surge_and_the_antidepressant_one_does() -> None:
    end = 2 / 3
    low, high = (
        solve("human", f"{dose} mg/kg ketamine iv over 40 min", (0.25, end))
        for dose in ("0.5", "20")
    )
    assert high["occupancy:NMDA:cortical"][-1, 0] > 0.9
    surge = float(low["circuit:glutamate"][-1, 0]) - 1
    assert surge > 0.08
    assert float(high["circuit:glutamate"][-1, 0]) - 1 < 0.1 * surge


def test_pyramidal_cells_that_are_silenced_give_no_surge() -> None:
    made = solve("rat", "10 mg/kg ketamine ip", TIMES, {}, {"activity:pyramidal": 0})
    assert np.all(made["circuit:glutamate"][:, 0] > 1.02)
    assert made["circuit:glutamate"][:, 1] == pytest.approx(1, abs=1e-9)
    assert made["circuit:pyramidal"][:, 1] == pytest.approx(0, abs=1e-9)


def test_a_block_of_ampa_receptors_stops_what_the_surge_does_and_leaves_the_surge() -> None:
    world = {**ONE_PATH, "activity:AMPA": 0}
    made = solve("rat", "10 mg/kg ketamine ip", TIMES, ONE_PATH, world)
    surge = made["circuit:glutamate"]
    np.testing.assert_allclose(surge[:, 1], surge[:, 0], rtol=1e-12)
    assert np.all(np.abs(made["circuit:striatal"][:, 1] - 1) < 1e-9)
    assert np.all(made["circuit:dopamine"][:, 0] > made["circuit:dopamine"][:, 1])
    assert made["synapse:potentiation"][-1, 0] > 0.05
    assert made["synapse:potentiation"][:, 1] == pytest.approx(0, abs=1e-12)
