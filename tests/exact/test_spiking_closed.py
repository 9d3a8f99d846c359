"""The habenula's closed form and criterion of bursts; needs no Brian2."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from ketalab import spiking
from ketalab.cli import main
from ketalab.facts import DATA, Fact, fact
from ketalab.model.brain import _habenula

RULE = spiking.Rule(first_s=0.02, last_s=0.1, share=0.5)
LEVELS = np.linspace(0, 1, 41)


def box():
    return np.meshgrid(LEVELS, LEVELS, LEVELS, indexing="ij")


def test_importing_the_command_line_and_the_room_loads_no_brian():
    code = (
        "import sys, ketalab.cli, ketalab.spiking, ketalab.report; print('brian2' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_without_brian_one_line_names_the_extra(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "brian2", None)
    assert main(["spiking", "habenula"]) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert "pip install 'ketalab[spiking]'" in line


@pytest.mark.parametrize(("option", "value"), [("--seed", "-1"), ("--workers", "0")])
def test_an_option_out_of_range_is_refused_with_what_is_allowed(option, value, capsys):
    assert main(["spiking", "habenula", option, value]) == 2
    assert "allowed: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("times", "kind"),
    [
        ([], spiking.SILENT),
        ([0.5], spiking.SILENT),
        (np.arange(0, 2, 0.2), spiking.TONIC),
        (np.arange(0, 2, 0.05), spiking.TONIC),
        ([0.1, 0.11, 0.9, 0.91], spiking.BURST),
        ([0.1, 0.11, 0.9], spiking.TONIC),
        ([0.1, 0.11, 0.5, 0.7, 0.9, 1.1, 1.3, 1.5, 1.51], spiking.TONIC),
    ],
)
def test_a_cell_is_what_its_spikes_say(times, kind):
    assert RULE.kind(np.asarray(times, dtype=float)) == kind


def test_a_burst_goes_on_with_longer_intervals_but_begins_with_a_short_one():
    assert RULE.bursts(np.array([0.0, 0.015, 0.09, 0.3, 0.35])) == [(0, 2)]


def test_kinds_are_told_apart_for_every_condition_and_cell():
    spikes = spiking.Spikes(
        condition=np.array([1, 1, 0, 0, 0, 0, 1]),
        cell=np.array([0, 0, 1, 1, 1, 1, 0]),
        time_s=np.array([0.3, 0.1, 0.91, 0.1, 0.11, 0.9, -0.2]),
    )
    found = spiking.kinds(spikes, conditions=2, cells=2)
    assert found.tolist() == [
        [spiking.SILENT, spiking.BURST],
        [spiking.TONIC, spiking.SILENT],
    ]


def test_shares_add_up_to_one_and_lie_between_on_the_whole_box():
    shares = spiking.habenula_shares(*(axis.ravel() for axis in box()))
    assert (shares >= 0).all()
    assert np.allclose(shares.sum(axis=-1), 1)


def test_bursting_never_falls_where_more_current_is_left():
    burst = spiking.habenula_shares(*(axis.ravel() for axis in box()))[:, 0]
    burst = burst.reshape(box()[0].shape)
    for axis in (0, 1):
        assert np.diff(burst, axis=axis).min() >= -1e-9


def test_without_either_current_almost_no_cell_bursts():
    for stress in LEVELS:
        for left in LEVELS:
            assert spiking.habenula_shares(0, left, stress)[0, 0] < 0.015
            assert spiking.habenula_shares(left, 0, stress)[0, 0] < 0.015


def test_the_shares_of_both_states_are_those_on_record():
    healthy, depressed = (spiking.habenula_shares(1, 1, s)[0] for s in (0, 1))
    assert 0 < healthy[0] < fact("lhb_burst_normal").to("dimensionless")
    least, most = fact("lhb_burst_depressed").spread.interval
    assert least <= depressed[0] / healthy[0] <= most
    least, most = (share / 100 for share in fact("lhb_silent_normal").spread.interval)
    assert least <= healthy[1] <= most
    assert least <= healthy[2] <= most


def test_the_packaged_table_closed_form_and_facts_are_of_one_making():
    document = spiking.packaged_habenula()
    plan = spiking.habenula_plan()
    assert document["closed_form"]["coefficients"] == spiking.packaged_coefficients()
    assert len(document["table"]) == len(plan.nmda) * len(plan.t_type) * len(plan.stress)
    rows = document["table"]
    axes = [[row[name] for row in rows] for name in ("nmda", "t_type", "stress")]
    seen = np.array([[row[name] for name in ("burst", "tonic", "silent")] for row in rows])
    apart = spiking.habenula_shares(*axes) - seen
    assert np.sqrt((apart**2).mean()) == pytest.approx(document["error"]["rms"], abs=2e-6)
    assert np.abs(apart).max() == pytest.approx(document["error"]["largest"], abs=2e-6)


def test_the_packaged_facts_are_what_the_command_writes(tmp_path):
    document = spiking.packaged_habenula()
    plan = spiking.habenula_plan()
    rows = document["table"]
    seen = np.array([[row[name] for name in ("burst", "tonic", "silent")] for row in rows])
    conditions = tuple(
        spiking.Condition(**{k: row[k] for k in ("nmda", "t_type", "stress")}) for row in rows
    )
    table = spiking.Table(conditions, np.stack([seen] * 2), plan.cells, document["seed"])
    fit = spiking.Fit(document["closed_form"]["coefficients"], **document["error"])
    _, facts = spiking.write_habenula(tmp_path, table, fit, plan)
    assert facts.read_text("utf-8") == (DATA / "facts" / "habenula_fit.yaml").read_text("utf-8")


def test_the_fast_model_reads_the_same_coefficients():
    read = {one.fact for one in _habenula.HABENULA.parameters if one.fact.startswith("lhb_fit_")}
    assert read == set(spiking.FIT_FACTS)


def test_every_constant_of_the_neuron_is_a_fact():
    for name in (*spiking.NEURON_FACTS, *spiking.KINDS_FACTS, *spiking.FIT_FACTS):
        assert isinstance(fact(name), Fact)


def test_the_fit_gives_back_a_table_that_it_made():
    plan = spiking.habenula_plan()
    conditions = tuple(c for s in plan.stress for c in plan.conditions(s))
    axes = ([getattr(c, name) for c in conditions] for name in ("nmda", "t_type", "stress"))
    shares = spiking.habenula_shares(*axes)
    table = spiking.Table(conditions, np.stack([shares] * 2), plan.cells, 0)
    fit = spiking.fit_habenula(table)
    assert fit.largest < 0.005
    assert spiking.check_habenula(table, spiking.packaged_coefficients()).met


def test_the_check_fails_where_the_closed_form_is_another():
    plan = spiking.habenula_plan()
    conditions = tuple(c for s in plan.stress for c in plan.conditions(s))
    axes = ([getattr(c, name) for c in conditions] for name in ("nmda", "t_type", "stress"))
    shares = spiking.habenula_shares(*axes)
    table = spiking.Table(conditions, np.stack([shares] * 2), plan.cells, 0)
    other = {**spiking.packaged_coefficients(), "lhb_fit_burst_s": 0.0}
    assert not spiking.check_habenula(table, other).met


def test_the_table_of_the_manual_is_that_of_the_packaged_run(repo_root):
    page = (repo_root / "docs" / "spiking.md").read_text("utf-8")
    shown = [
        [float(cell.strip(" %")) for cell in line.strip("|").split("|")[1:]]
        for line in page.splitlines()
        if line.startswith("| ") and line.endswith("% |")
    ]
    rows = {(r["nmda"], r["t_type"], r["stress"]): r for r in spiking.packaged_habenula()["table"]}
    plan = spiking.habenula_plan()
    assert len(shown) == len(plan.shown)
    for line, at in zip(shown, plan.shown, strict=True):
        row = rows[at.nmda, at.t_type, at.stress]
        assert line == pytest.approx([100 * row[k] for k in ("burst", "tonic", "silent")], abs=0.06)


def test_the_document_names_no_machine():
    text = json.dumps(spiking.packaged_habenula())
    assert "version" not in text
    assert "/" not in text.replace(" / ", "")
