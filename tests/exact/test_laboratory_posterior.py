"""The posterior of the body's constants: what is drawn, what is left as published, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ketalab import Scenario, simulate
from ketalab.errors import InputError
from ketalab.facts import fact
from ketalab.laboratory import (
    Posterior,
    current_posterior,
    draw_fact,
    load_posterior,
    read_posterior,
    shipped_posterior,
    using_posterior,
    value_of,
)
from ketalab.people import Streams
from ketalab.studies import split

NAMES = ("ketamine_cl_s", "gut_escape", "nasal_spray_dose_exponent")


def made() -> Posterior:
    mode = np.array([fact(name).scale(fact(name).value) + 0.1 for name in NAMES])
    covariance = np.array([[0.04, 0.018, 0.0], [0.018, 0.09, 0.01], [0.0, 0.01, 0.01]])
    return Posterior(NAMES, mode, covariance)


def test_draws_have_the_mode_and_the_covariance_on_the_scale_of_each_fact() -> None:
    posterior = made()
    with using_posterior(posterior):
        draws = np.stack([draw_fact(name, Streams(4), 40_000) for name in NAMES])
    scaled = np.stack([np.log(draws[0]), np.log(draws[1] / (1 - draws[1])), draws[2]])
    sd = np.sqrt(np.diag(posterior.covariance))
    assert np.abs((scaled.mean(axis=1) - posterior.mode) / sd).max() < 0.03
    away = np.cov(scaled) - posterior.covariance
    assert np.abs(away / np.outer(sd, sd)).max() < 0.03


def test_a_draw_belongs_to_its_person_whoever_is_drawn_beside() -> None:
    with using_posterior(made()):
        many = draw_fact("gut_escape", Streams(7), 50)
        np.testing.assert_array_equal(many[13:20], draw_fact("gut_escape", Streams(7), 7, 13))


def test_the_value_in_use_is_the_mode_and_without_a_posterior_the_published_one() -> None:
    published = fact("ketamine_cl_s").value
    with using_posterior(made()):
        assert value_of("ketamine_cl_s") == pytest.approx(published * np.exp(0.1))
        assert value_of("ketamine_v1") == fact("ketamine_v1").value
        with using_posterior(None):
            assert value_of("ketamine_cl_s") == published
        assert value_of("ketamine_cl_s") != published
    assert current_posterior() is shipped_posterior()


def test_a_scenario_has_another_hash_and_another_result_under_another_posterior() -> None:
    scenario = Scenario.parse(patients=2, days=1, outputs=("plasma:arterial:ketamine",))
    before, first = scenario.hash(), simulate(scenario).typical["plasma:arterial:ketamine"]
    with using_posterior(None):
        assert scenario.hash() != before
        second = simulate(scenario).typical["plasma:arterial:ketamine"]
    assert not np.allclose(first, second)


def test_the_packaged_posterior_was_made_with_the_split_as_it_is_for_concentrations() -> None:
    """Whole splits differ: what mechanism articles are used for was settled after the fit of the body."""
    posterior = shipped_posterior()
    assert posterior is not None
    assert posterior.about["settled"]
    used = {name for name, entry in split().studies.items() if entry.use == "calibrate"}
    records = {r for r in posterior.about["records"] if not r.startswith("model:")}
    assert records <= used
    # Records of children do not enter the joint fit.
    apart = {"malinovsky1996", "herd2007_children_iv", "brunette2011_oral_children"}
    assert used - records <= apart


def test_a_posterior_reads_back_as_written(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text(json.dumps(made().to_dict()), encoding="utf-8")
    back = load_posterior(path)
    np.testing.assert_allclose(back.covariance, made().covariance, rtol=1e-9, atol=1e-12)
    assert back.distance(made()) < 1e-8
    assert made().distance(Posterior(NAMES[:1], back.mode[:1], back.covariance[:1, :1])) == np.inf


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"facts": ["ketamine_cl_s", "gut_escape", "no_such_fact"]}, "is no fact"),
        ({"mode": [1.0]}, "do not fit 3 facts"),
        ({"covariance": [[1.0], [2.0, 1.0], [0.0, 0.0, 1.0]]}, "not positive definite"),
        ({"covariance": [[1.0], [0.0]]}, "do not fit"),
        ({"covariance": [[1.0], "x", [0.0]]}, "not a posterior"),
        ({"mode": None}, "do not fit"),
    ],
)
def test_a_broken_posterior_is_refused_in_one_line(change: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read_posterior({**made().to_dict(), **change}, "file.json")
    assert str(caught.value).startswith("file.json")
    assert "\n" not in str(caught.value)
