"""Scales as measurement models: within range, on the steps, by their rules; one converted into another."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketalab.cli import main
from ketalab.errors import ScenarioError
from ketalab.facts import scales
from ketalab.laboratory import convert_score, convertible, outputs, severity_of
from ketalab.model.mind import measurement

EVERY = sorted(scales())
numbers = st.floats(-500, 500)


@pytest.mark.parametrize("name", EVERY)
@given(severity=numbers, moved=numbers)
def test_a_score_stays_within_its_range_and_on_its_steps(name, severity, moved) -> None:
    scale = measurement(name)
    score = float(scale.score(np.array(severity), moved))
    assert 0 <= score <= scale.maximum
    assert score / scale.granularity == round(score / scale.granularity)
    assert 0 <= float(scale.expected(np.array(severity))) <= scale.maximum


@pytest.mark.parametrize("name", EVERY)
@given(one=numbers, other=numbers)
def test_a_graver_illness_never_scores_lower(name, one, other) -> None:
    scale = measurement(name)
    low, high = (float(scale.score(np.array(x))) for x in sorted((one, other)))
    assert low <= high


@pytest.mark.parametrize("name", [n for n in EVERY if scales()[n].response])
def test_response_and_remission_go_by_the_rules_of_the_scale(name) -> None:
    scale = measurement(name)
    first = np.array([scale.maximum])
    just = (1 - scale.response) * first
    assert scale.is_response(first, just)[0]
    assert not scale.is_response(first, just + scale.granularity)[0]
    if scale.remission_at_most is not None:
        assert scale.is_remission(np.array([scale.remission_at_most]))[0]
        assert not scale.is_remission(np.array([scale.remission_at_most + scale.granularity]))[0]


@pytest.mark.parametrize("name", EVERY)
def test_a_scale_is_offered_where_the_model_knows_what_it_measures_and_only_by_its_rules(
    name,
) -> None:
    scale, offered = scales()[name], outputs()
    if scale.measures == "psychosis":
        assert f"score:{name}" not in offered
        with pytest.raises(ScenarioError, match="no model yet of what it measures"):
            severity_of(name)
        return
    assert f"score:{name}" in offered
    assert severity_of(name) in offered
    assert (f"p:response:{name}" in offered) == (scale.response is not None)
    assert (f"p:remission:{name}" in offered) == (scale.remission_at_most is not None)


# --- conversion -----------------------------------------------------------------------------------

pairs = st.sampled_from([(a, b) for a in convertible() for b in convertible()])


@given(pair=pairs, share=st.floats(0, 1))
def test_a_converted_score_is_within_range_and_within_its_own_interval(pair, share) -> None:
    from_, to = pair
    made = convert_score(share * measurement(from_).maximum, from_, to)
    assert 0 <= made.low <= made.value <= made.high <= measurement(to).maximum


@given(pair=pairs, one=st.floats(0, 20), other=st.floats(0, 20))
def test_more_points_on_one_scale_are_never_fewer_on_another(pair, one, other) -> None:
    low, high = (convert_score(x, *pair).value for x in sorted((one, other)))
    assert low <= high


def test_there_and_back_is_the_same_to_a_step_of_the_coarser_scale() -> None:
    for score in range(0, 45, 5):
        there = convert_score(score, "HDRS17", "MADRS").value
        if there < measurement("MADRS").maximum:
            assert abs(convert_score(there, "MADRS", "HDRS17").value - score) <= 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((22, "HDRS17", "CADSS"), "'CADSS' cannot be converted; allowed: BDI"),
        ((99, "HDRS17", "MADRS"), "HDRS17 99 is not allowed; allowed: 0 to 52 points"),
    ],
)
def test_what_cannot_be_converted_is_refused_in_one_line(arguments, says) -> None:
    with pytest.raises(ScenarioError) as caught:
        convert_score(*arguments)
    assert says in str(caught.value)


def test_the_command_lists_shows_and_converts(capsys) -> None:
    assert main(["scales", "--json"]) == 0
    assert [row["id"] for row in json.loads(capsys.readouterr().out)] == EVERY
    assert main(["scales", "QIDS", "--convert", "15", "--to", "MADRS", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["low"] <= made["value"] <= made["high"]
    assert main(["scales", "QUIDS"]) == 2
    assert "did you mean 'QIDS'" in capsys.readouterr().err
