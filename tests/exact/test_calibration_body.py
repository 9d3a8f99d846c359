"""The joint fit of the body: what enters it, what each record weighs, and that the packaged posterior is its result."""

from __future__ import annotations

import numpy as np
import pytest

from ketalab.calibration import body_plan, calibrate_body, shifts
from ketalab.calibration._body import _targets
from ketalab.facts import fact
from ketalab.judgement import predict_row
from ketalab.laboratory import body_model, shipped_posterior
from ketalab.studies import load_study, parse_study, split


def test_only_verified_counted_rows_of_calibration_studies_of_adults_enter() -> None:
    entered = [target for target in _targets() if target.study is not None]
    assert len(entered) >= 15
    for target in entered:
        study = load_study(target.record)
        assert study.use == "calibrate"
        assert split().studies[target.record].use == "calibrate"
        for place in target.rows:
            row = study.outcomes[place]
            assert row.verified
            assert row.counted
            assert row.kind != "tmax"
    assert not {"malinovsky1996", "brunette2011_oral_children", "herd2007_children_iv"} & {
        target.record for target in entered
    }


def test_a_record_has_one_vote_for_each_analyte_and_route_however_many_points_it_has() -> None:
    votes = {}
    for target in _targets():
        votes[target.record] = float(np.sum(1 / target.sd**2))
    # 107 points of seven analytes by one route: at most seven votes of the sharpest kind.
    sharpest = 1 / body_plan().spreads["ketamine"] ** 2
    assert votes["kamp2020_bja_racemic"] <= 7 * sharpest
    strata = [name for name in votes if name.startswith("perezruixo2021_in")]
    assert len(strata) == 3
    device = 1 / body_plan().spreads["route:device"] ** 2
    assert sum(votes[name] for name in strata) <= 3 * device


def test_every_fitted_constant_is_read_by_the_body_or_names_an_assay() -> None:
    read = set(body_model().joined.facts())
    for name in body_plan().facts:
        assert name in read or name.startswith("assay_hnk_")
        assert fact(name).uncertainty() != (0.0, 0.0)


def test_the_curves_of_published_models_are_what_the_comparators_give() -> None:
    for number, curve in enumerate(body_plan().curves):
        analyte = curve.output.split(":")[-1]
        rows = [
            {"kind": "concentration", "arm": "a", "time_h": hour, "value": value, "unit": "ng/mL"}
            | {"measure": "plasma", "analyte": analyte, "verified": True, "source": "a model"}
            for hour, value in zip(curve.hours, curve.values, strict=True)
        ]
        study = parse_study(
            {
                "schema": 1,
                "id": f"curve{number}",
                "use": "calibrate",
                "species": "human",
                "citation": {"type": "article", "title": curve.model},
                "design": {"kind": "pharmacokinetic"},
                "population": {"condition": "healthy", "weight_kg": curve.weight_kg},
                "arms": [{"id": "a", "doses": [curve.phrase]}],
                "outcomes": rows,
            },
            "curve",
        )
        said = [predict_row(curve.model, study, row) for row in study.outcomes]
        # Otto 2021 carries norketamine in milligrams of the parent; hours are written to four digits.
        assert said == [pytest.approx(value, rel=0.01) for value in curve.values], curve.model


def test_what_moved_is_told_farthest_first() -> None:
    posterior = shipped_posterior()
    assert posterior is not None
    rows = shifts(posterior)
    away = [abs(row["shift_sd"]) for row in rows]
    assert away == sorted(away, reverse=True)
    assert len(rows) == len(body_plan().facts)
    # Data inform: no constant is less certain than its prior, and none has run off.
    assert max(row["sd_ratio"] for row in rows) < 1.01
    assert away[0] < 2.5


@pytest.mark.slow
def test_the_packaged_posterior_is_what_the_fit_gives() -> None:
    shipped = shipped_posterior()
    assert shipped is not None
    assert calibrate_body().posterior.distance(shipped) < 0.02
