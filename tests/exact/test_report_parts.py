"""The parts of the report: words, panels, the table for a terminal, the picture."""

from __future__ import annotations

import dataclasses
import runpy
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import altair
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketalab.errors import OutputError, ScenarioError
from ketalab.report import _panels, _vega, _words, replay_picture, replay_table
from ketalab.report._rows import tally, view_rows
from ketalab.studies import Replay

shared = runpy.run_path(str(Path(__file__).with_name("_report.py")))


@pytest.fixture(scope="module")
def replay() -> Replay:
    made: Replay = shared["replay_trial"]()
    return made


@pytest.fixture(autouse=True)
def _wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "118")


# --- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        (1234.5, None, "1,234"),
        (12.345, None, "12.3"),
        (0.012345, None, "0.0123"),
        (-14.0, 1, "\u221214.0"),
        (-0.001, 1, "0.0"),
        (0.0, None, "0"),
        (None, None, "–"),
        (float("nan"), None, "–"),
    ],
)
def test_numbers_have_three_digits_and_no_negative_nought(
    value: float | None, places: int | None, text: str
) -> None:
    assert _words.number(value, places) == text


def test_both_ends_of_an_interval_have_the_same_decimals() -> None:
    assert _words.span((-18.04, 0.5)) == "\u221218.0 to 0.5"
    assert _words.span((None, 1.0)) == "–"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.5, "30 min"), (1.0, "1 h"), (72, "72 h (3 days)"), (100, "100 h"), (0, "0 h")],
)
def test_times_are_said_as_people_say_them(value: float, text: str) -> None:
    assert _words.hours(value) == text


def test_text_from_a_file_becomes_one_printable_line() -> None:
    assert _words.clean("a\n b\x1b[31m") == "a b\ufffd[31m"


# --- panels ---------------------------------------------------------------------------------------


@given(
    low=st.floats(-1e6, 1e6),
    reach=st.floats(1e-6, 1e6),
)
def test_ticks_are_few_round_and_inside_the_axis(low: float, reach: float) -> None:
    axis = _vega.make_axis("points", low, low + reach)
    slack = 1e-6 * (axis.high - axis.low) + 1e-9 * abs(low)
    assert 1 <= len(axis.ticks) <= 7
    assert all(axis.low - slack <= tick <= axis.high + slack for tick in axis.ticks)


@given(
    st.one_of(
        st.lists(st.integers(-40, 40), min_size=1, max_size=60).map(lambda v: np.array(v) / 7),
        st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=60).map(np.array),
    )
)
def test_a_distribution_shows_every_virtual_trial(values: Any) -> None:
    spec = _panels.distribution_panel(values, (values.min(), values.max()), None, "points")
    bars = spec["layer"][1]["data"]["values"]
    assert sum(bar["y2"] for bar in bars) == pytest.approx(100, abs=0.1)


def test_bins_of_means_of_whole_points_hold_whole_steps() -> None:
    values = np.arange(-70, 71) / 7  # one virtual trial at each possible mean of seven scores
    heights = np.histogram(values, _panels._bins(values))[0]
    assert len(set(heights[:-1])) == 1


def test_names_at_the_ends_of_curves_do_not_meet() -> None:
    x = np.array([0.0, 1.0])
    curves = [_panels.Curve(name, x, x, x, x) for name in "abc"]
    layers = _panels._ends(curves, _vega.make_axis("h", 0.0, 1.0), 100, 100)
    places = sorted({layer["encoding"]["y"]["value"] for layer in layers})
    assert len(places) == 3
    assert min(np.diff(places)) >= 12
    assert max(places) <= 100


def test_a_result_that_is_not_counted_is_drawn_hollow() -> None:
    axis = _vega.make_axis("points", 0.0, 1.0)
    fills = []
    for hollow in (True, False):
        panel = _panels.course_panel([], axis, axis, [_panels.Point(0.5, 0.5, hollow=hollow)])
        fills.append(panel["layer"][0]["mark"]["fill"])
    assert fills == ["white", _vega.INK]


def test_panels_are_valid_vega_lite_with_their_uncertainty() -> None:
    x = np.linspace(0, 1, 5)
    curve = _panels.Curve("a", x, x, x + 1, x + 2, dash=(5, 3))
    axis = _vega.make_axis("h", 0.0, 3.0)
    point = _panels.Point(0.5, 1.0, 0.5, 1.5, "observed 1.0")
    course = _panels.course_panel([curve], axis, axis, [point], right=90)
    result = _panels.distribution_panel(x, (0.1, 0.9), 0.4, "points", "a", limits=(0.2,))
    for spec in (course, result):
        altair.LayerChart.from_dict(spec)
    assert course["layer"][0]["mark"]["type"] == "area"
    assert course["layer"][0]["encoding"].keys() >= {"y", "y2"}


def test_the_same_panel_gives_the_same_picture_whatever_was_drawn_before() -> None:
    axis = _vega.make_axis("h", 0.0, 3.0)
    spec = _panels.course_panel([], axis, axis, [_panels.Point(1.0, 1.0, 0.0, 2.0, "a")])
    first = _vega.to_svg(spec)
    _vega.to_svg(_panels.distribution_panel(np.arange(9.0), (1, 7), 3.0, "points"))
    assert _vega.to_svg(spec) == first


# --- rows and the table for a terminal ------------------------------------------------------------


def test_the_terminal_shows_misses_first_then_what_is_inside(replay: Replay) -> None:
    lines = replay_table(replay.rows).splitlines()
    body = lines[lines.index(next(line for line in lines if set(line) == {"─"})) + 1 :]
    assert body[0].startswith("change in HDRS25, placebo")
    assert "MISS outside" in body[0]
    assert "-24.5" in body[0]
    assert sum("MISS" in line for line in lines) == 1


def test_the_terminal_marks_what_is_not_counted_and_counts_what_is_skipped(replay: Replay) -> None:
    text = replay_table(replay.rows)
    row = next(line for line in text.splitlines() if "response on HDRS25" in line)
    assert "50.0%" in row
    assert "\n* shown, never counted" in text
    assert "not replayed: 1 row: no model yet of the measure 'mood ring'" in text


def test_the_terminal_gives_a_direction_its_probability(replay: Replay) -> None:
    (row,) = [row for row in replay.rows if row["kind"] == "direction"]
    text = replay_table([row | {"probability": 0.75}])
    assert "75% of trials" in text
    assert "lower" in text
    assert "MISS 25% of trials" in replay_table([row | {"probability": 0.25}])


def test_the_terminal_table_is_plain_and_fits(replay: Replay) -> None:
    text = replay_table(replay.rows)
    assert "\x1b" not in text
    assert "\u2212" not in text
    table = [line for line in text.splitlines() if "  " in line]
    assert max(map(len, table)) <= 118


def test_text_from_a_file_cannot_command_the_terminal(replay: Replay) -> None:
    bad = [row | {"measure": "\x1b[2J[red]x", "skipped": "\x1b]0;y"} for row in replay.rows]
    bad[0] = bad[0] | {"skipped": None}
    text = replay_table(bad)
    assert "\x1b" not in text
    assert "[red]x" in text


def test_a_miss_without_spread_is_the_worst_miss(replay: Replay) -> None:
    sure = replay.rows[0] | {"inside": False, "z": None, "outcome": "sure"}
    assert [v.place for v in view_rows([replay.rows[1], sure])] == [1, 0]


def test_rows_are_counted_once_each(replay: Replay) -> None:
    counts = tally(view_rows(replay.rows, replay.study.outcomes))
    assert (counts.numbers, counts.directions, counts.shown, counts.skipped) == (3, 1, 1, 1)
    assert counts.inside == sum(row["counted"] and row["inside"] is True for row in replay.rows)


# --- the picture ----------------------------------------------------------------------------------


def test_the_picture_is_one_well_formed_svg_that_says_what_it_shows(
    replay: Replay, tmp_path: Path
) -> None:
    path = replay_picture(replay, tmp_path / "picture.svg")
    picture = ElementTree.fromstring(path.read_text(encoding="utf-8"))
    assert (picture.get("width"), picture.get("height")) == ("900", "520")
    told = picture.get("aria-label", "")
    assert told.startswith("Nobody 1900 replayed in 24 virtual trials.")
    assert "observed \u221224.5" in told
    assert picture[0].text == told
    texts = {text.text for text in picture.iter() if text.tag.endswith("text")}
    assert {"observed 23.0", "observed \u221210.0", "placebo: saline"} <= texts
    again = replay_picture(replay, tmp_path / "again.svg")
    assert again.read_bytes() == path.read_bytes()


def test_a_study_without_a_score_has_no_picture_and_leaves_no_file(
    replay: Replay, tmp_path: Path
) -> None:
    with pytest.raises(ScenarioError, match="invented: no picture"):
        replay_picture(dataclasses.replace(replay, scores={}), tmp_path / "a.svg")
    with pytest.raises(OutputError):
        replay_picture(replay, tmp_path / "missing" / "a.svg")
    assert not list(tmp_path.iterdir())
