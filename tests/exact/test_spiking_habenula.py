"""The spiking habenula itself: reproducible, and silenced by either block. Needs Brian2."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from ketalab import spiking
from ketalab.cli import main
from ketalab.facts import fact
from ketalab.report import write_raster

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("brian2") is None, reason="needs the extra `spiking`"
)

CONTROL = {"nmda": 1, "t_type": 1, "stress": 0}
DEPRESSED = {"nmda": 1, "t_type": 1, "stress": 1}


def small(**levels):
    return spiking.habenula_plan().model_copy(
        update={"cells": 60, "draws": 1, "warm_up_s": 0.3, "window_s": 0.7, **levels}
    )


def test_a_seed_gives_the_same_table_to_the_byte_and_another_seed_other_spikes():
    plan = small(nmda=(1.0,), t_type=(1.0,), stress=(1.0,), warm_up_s=0.1, window_s=0.2)
    tables = [spiking.habenula_table(plan, seed=5, workers=1) for _ in range(2)]
    assert json.dumps(tables[0].rows()) == json.dumps(tables[1].rows())
    assert np.allclose(tables[0].each.sum(axis=-1), 1)
    spikes = [
        spiking.run_population(
            spiking.draw_cells(30, 1), plan.conditions(1.0), 0.1, 0.1, plan.step_ms, seed
        )
        for seed in (5, 6)
    ]
    assert spikes[0].time_s.tobytes() != spikes[1].time_s.tobytes()


def test_cells_are_drawn_evenly_from_the_facts():
    cells = spiking.draw_cells(200, 3)
    assert cells.leak_reversal.mean() == pytest.approx(fact("lhb_leak_reversal").value, abs=0.2)
    assert cells.leak_reversal.std() == pytest.approx(fact("lhb_leak_reversal_sd").value, rel=0.05)
    assert abs(np.corrcoef(cells.leak_reversal, cells.threshold)[0, 1]) < 0.3


def test_a_small_depressed_population_bursts_unless_either_current_is_blocked(tmp_path):
    plan = small(
        shown=tuple(
            spiking.Condition(name=name, nmda=n, t_type=t, stress=1)
            for name, n, t in (("as it is", 1, 1), ("no NMDA", 0, 1), ("no T-type", 1, 0))
        ),
        shown_cells=60,
        shown_s=0.7,
    )
    rasters = spiking.habenula_rasters(plan, seed=1)
    bursting = [int((raster.kind == spiking.BURST).sum()) for raster in rasters]
    # A cell of sixty may pass for bursting by chance in so short a window.
    assert max(bursting[1:]) <= 1
    assert bursting[0] >= 4
    tonic = [int((raster.kind == spiking.TONIC).sum()) for raster in rasters]
    assert min(tonic) > 0
    picture = write_raster(rasters, tmp_path, plan.shown_s)
    root = ET.fromstring(picture.read_text("utf-8"))
    assert "as it is" in root.attrib["aria-label"]


@pytest.mark.slow
def test_the_whole_table_again_is_what_the_closed_form_says():
    table = spiking.habenula_table(spiking.habenula_plan(), seed=1)
    check = spiking.check_habenula(table, spiking.packaged_coefficients())
    assert check.met, check
    control, depressed = (table.at(**at) for at in (CONTROL, DEPRESSED))
    assert control[0] < 0.10
    assert 0.4 <= control[1] <= 0.52
    assert 0.4 <= control[2] <= 0.52
    assert 2 <= depressed[0] / control[0] <= 3.2
    no_nmda, no_t_type = (table.at(**{**DEPRESSED, name: 0}) for name in ("nmda", "t_type"))
    assert no_nmda[0] < 0.015
    assert no_t_type[0] < 0.015
    assert no_nmda[1] > depressed[1] / 3
    assert no_t_type[1] > depressed[1] / 4


@pytest.mark.slow
def test_the_command_makes_what_is_packaged_again(tmp_path):
    assert main(["spiking", "habenula", "--check", "--out", str(tmp_path)]) == 0
    made = json.loads((tmp_path / "habenula.json").read_text("utf-8"))
    known = spiking.packaged_habenula()
    assert made.keys() == known.keys()
    # Another processor may round the exponential otherwise, which moves single spikes and so single cells.
    for one, other in zip(made["table"], known["table"], strict=True):
        assert one == pytest.approx(other, abs=0.05)


HASH = """
import hashlib
from ketalab import spiking
plan = spiking.habenula_plan()
run = spiking.run_population(spiking.draw_cells(60, 1), plan.conditions(1.0)[-3:], 0.2, 0.4, 0.25, 7)
print(hashlib.sha256(run.time_s.tobytes() + run.cell.tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_spikes_do_not_depend_on_the_order_in_which_a_process_holds_sets():
    found = set()
    for order in ("1", "2", "3"):
        env = {**os.environ, "PYTHONHASHSEED": order}
        done = subprocess.run(
            [sys.executable, "-c", HASH], env=env, capture_output=True, text=True, check=True
        )
        found.add(done.stdout)
    assert len(found) == 1
