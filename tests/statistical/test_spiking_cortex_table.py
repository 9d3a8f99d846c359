"""The cortex's table made again, by the populations themselves: minutes, run by `make science`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ketalab.facts import DATA
from ketalab.spiking import CortexTable, check_cortex, fit_cortex, make_cortex_table
from ketalab.spiking._cortex_write import facts_text, table_text

pytestmark = pytest.mark.slow
At = Callable[..., float]


@pytest.fixture(scope="module")
def table() -> CortexTable:
    pytest.importorskip("brian2")
    return make_cortex_table()


@pytest.fixture(scope="module")
def at(table: CortexTable) -> At:
    """Value of an output at the condition of the grid that is nearest."""
    conditions = np.array(table.conditions)

    def value(name: str, *where: float) -> float:
        nearest = int(np.abs(conditions - where).sum(axis=1).argmin())
        return float(table.mean[name][nearest])

    return value


def test_the_packaged_files_are_made_again_byte_for_byte(table: CortexTable) -> None:
    fit = fit_cortex(table)
    assert table_text(table, fit) == (DATA / "spiking" / "cortex.json").read_text("utf-8")
    assert facts_text(fit) == (DATA / "facts" / "rhythm_fit.yaml").read_text("utf-8")


def test_the_closed_forms_hold_for_a_table_of_another_seed() -> None:
    pytest.importorskip("brian2")
    assert check_cortex(make_cortex_table(seed=2)) == []


def test_a_sub_anaesthetic_block_raises_gamma_and_lowers_slower_bands(at: At) -> None:
    sub = (1 / 3, 0.2, 0.15, 0.0)
    assert at("gamma", *sub) > 0.5
    assert at("HFO", *sub) > 0.5
    assert at("posteromedial", *sub) > 1
    assert max(at(name, *sub) for name in ("delta", "theta", "alpha")) < -0.05
    assert at("coupling", *sub) < -0.05


def test_an_anaesthetic_block_loses_gamma_and_slows(at: At) -> None:
    deep = (0.79, 0.65, 0.8, 0.0)
    assert at("gamma", *deep) < at("gamma", 1 / 3, 0.2, 0.15, 0.0)
    assert at("delta", *deep) > 1
    assert at("theta", *deep) > 1


def test_propofol_opposes_the_disinhibition(at: At) -> None:
    assert at("gamma", 1 / 3, 0.2, 0.15, 1.0) < 0
    assert at("alpha", 0, 0, 0, 1.0) > 0.3
