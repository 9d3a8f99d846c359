"""Votes, their sums, coverage and the groups that rows belong to, on rows made by hand."""

from __future__ import annotations

import math
import runpy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketalab.judgement import cover, make_points, make_votes, plasma_rows, sum_up, worst_first

_made = runpy.run_path(str(Path(__file__).with_name("_qualified.py")))
make_study = _made["make_study"]
point = _made["point"]
row = _made["row"]


def test_a_vote_is_the_median_of_the_log_errors_of_its_rows() -> None:
    points = [point(predicted=value) for value in (110.0, 50.0, 400.0)]
    (vote,) = make_votes(points)
    assert vote.rows == 3
    assert vote.fold == pytest.approx(2.0)
    assert vote.bias == pytest.approx(1.1)


def test_an_even_number_of_rows_takes_the_middle_of_the_two() -> None:
    (vote,) = make_votes([point(predicted=200.0), point(predicted=100.0 / 8)])
    assert vote.fold == pytest.approx(4.0)
    assert vote.bias == pytest.approx(0.5)


def test_a_record_of_many_rows_weighs_no_more_than_another() -> None:
    many = [point(study="curve", predicted=400.0) for _ in range(50)]
    figures = sum_up(make_votes([*many, point(study="table")]))
    assert figures.votes == 2
    assert figures.gmfe == pytest.approx(2.0)
    assert figures.bias == pytest.approx(2.0)


def test_shares_within_the_limits_count_what_lies_on_them() -> None:
    points = [
        point(study=f"s{i}", predicted=100.0 * fold)
        for i, fold in enumerate((1.0, 1.25, 1 / 1.5, 2.0, 0.49))
    ]
    figures = sum_up(make_votes(points))
    assert figures.within == pytest.approx((0.4, 0.6, 0.8))


def test_no_votes_give_no_numbers() -> None:
    figures = sum_up([])
    assert figures.votes == 0
    assert math.isnan(figures.gmfe)


def test_analytes_routes_and_assays_vote_apart() -> None:
    points = [
        point(),
        point(analyte="S-ketamine"),
        point(route="oral"),
        point(assay="first2020"),
        point(cohort="children"),
        point(use="left out"),
    ]
    assert len(make_votes(points)) == 6


def test_records_of_one_model_vote_together_under_the_strictest_use() -> None:
    points = [
        point(study="a", use="calibrate", predicted=200.0),
        point(study="b", predicted=400.0),
        point(study="c", predicted=800.0),
        point(study="other"),
    ]
    votes = make_votes(points, [frozenset({"a", "b", "c"})])
    joint = next(v for v in votes if len(v.records) == 3)
    assert (joint.use, joint.rows) == ("calibrate", 3)
    assert joint.fold == pytest.approx(4.0)
    assert joint.label == "a and 2 more"
    assert len(votes) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"counted": False},
        {"skipped": "no model yet"},
        {"observed": 0.0},
        {"predicted": None},
        {"predicted": math.inf},
        {"quantity": "time", "kind": "tmax"},
        {"quantity": "direction", "kind": "direction"},
    ],
)
def test_rows_without_a_fold_error_never_vote(changes) -> None:
    assert make_votes([point(**changes)]) == []


def test_bioavailability_votes_only_where_no_concentration_does() -> None:
    share = {"kind": "bioavailability", "quantity": "bioavailability", "predicted": 0.4}
    share |= {"observed": 0.2}
    assert [v.quantity for v in make_votes([point(), point(**share)])] == ["concentration"]
    both = make_votes([point(), point(**share, route="oral")])
    assert sorted(v.quantity for v in both) == ["bioavailability", "concentration"]


def test_the_largest_fold_errors_come_first() -> None:
    points = [point(study=s, predicted=p) for s, p in (("a", 110.0), ("b", 10.0), ("c", 300.0))]
    assert [v.label for v in worst_first(make_votes(points))] == ["b", "c", "a"]


@given(st.lists(st.floats(0.01, 100.0), min_size=1, max_size=9), st.floats(0.1, 10.0))
def test_a_unit_moves_no_fold_error(ratios: list[float], unit: float) -> None:
    plain = make_votes([point(predicted=100 * r) for r in ratios])[0]
    scaled = make_votes([point(predicted=100 * r * unit, observed=100 * unit) for r in ratios])[0]
    assert scaled.log_fold == pytest.approx(plain.log_fold, abs=1e-9)
    assert plain.fold >= 1


def test_coverage_counts_rows_and_means_of_records() -> None:
    many = [point(study="curve", inside=False) for _ in range(9)]
    found = cover([*many, point(study="table")])
    assert (found.count, found.record_count) == (10, 2)
    assert found.rows == pytest.approx(0.1)
    assert found.records == pytest.approx(0.5)


def test_records_of_one_model_are_one_record_of_the_coverage() -> None:
    points = [point(study=name, inside=False) for name in "abc"] + [point(study="d")]
    found = cover(points, [frozenset("abc")])
    assert (found.record_count, found.records) == (2, 0.5)


def test_sharpness_is_the_median_width_on_the_log_scale() -> None:
    ends = ((50, 100), (10, 1000), (25, 100), (0, 100))
    found = cover([point(low=float(a), high=float(b)) for a, b in ends])
    assert found.width == pytest.approx(math.log(4))
    assert found.fold == pytest.approx(4)


def test_a_row_that_is_not_counted_is_not_covered() -> None:
    assert cover([point(counted=False), point(quantity="bioavailability")]).count == 0


def points_of(study, *rows):
    return make_points(study, rows)


def test_a_point_knows_its_route_by_the_last_dose_begun() -> None:
    doses = {"drug": ["50 mg esketamine sublingual + 20 mg esketamine iv over 20 min at 6 h"]}
    outcomes = [
        {"kind": "concentration", "analyte": "S-ketamine", "time_h": t, "value": 1.0}
        for t in (1, 7)
    ]
    study = make_study("film", outcomes, doses)
    assert [p.route for p in points_of(study, row(1), row(1))] == ["sublingual", "iv"]


@pytest.mark.parametrize(
    ("phrase", "route"),
    [
        ("28 mg esketamine nasal by device", "nasal device"),
        ("28 mg esketamine nasal", "nasal spray"),
        ("40 mg ketamine oral extended-release", "oral extended-release"),
    ],
)
def test_the_nasal_device_is_apart_from_other_sprays(phrase: str, route: str) -> None:
    study = make_study("one", [{"kind": "cmax", "value": 1.0}], {"drug": [phrase]})
    assert points_of(study, row(1))[0].route == route


@pytest.mark.parametrize(
    ("changes", "cohort"),
    [
        ({}, "adults"),
        ({"population": {"condition": "children with burns"}}, "children"),
        ({"population": {"condition": "healthy", "age": {"mean": 8.0}}}, "children"),
        ({"population": {"condition": "adult intensive care"}}, "intensive care or surgery"),
        ({"species": "mouse"}, "animals"),
    ],
)
def test_who_is_no_adult_of_a_usual_study_is_set_apart(changes, cohort: str) -> None:
    study = make_study("one", [{"kind": "cmax", "value": 1.0}], **changes)
    assert points_of(study, row(1))[0].cohort == cohort


def test_an_assumed_duration_leaves_a_peak_incomplete_and_an_area_whole() -> None:
    assumed = [{"field": "arms.drug.duration", "value": "bolus", "why": "not told"}]
    outcomes = [{"kind": "cmax", "value": 1.0}, {"kind": "auc", "value": 1.0}]
    study = make_study("one", outcomes, assumed=assumed)
    cohorts = [p.cohort for p in points_of(study, row(1), row(1))]
    assert cohorts == ["incomplete design", "adults"]


def test_a_molar_row_is_brought_to_mass_by_the_mass_of_its_own_molecule() -> None:
    outcomes = [{"kind": "cmax", "analyte": "norketamine", "unit": "nmol/mL", "value": 1.0}]
    (one,) = points_of(make_study("one", outcomes), row(1))
    assert one.factor == pytest.approx(223.70)


def test_rows_must_be_those_of_the_study() -> None:
    study = make_study("one", [{"kind": "cmax", "value": 1.0}])
    with pytest.raises(ValueError, match="0 rows for 1"):
        make_points(study, [])


def test_only_rows_of_drug_in_plasma_are_kept() -> None:
    outcomes = [
        {"kind": "cmax", "value": 1.0},
        {"kind": "direction", "measure": "plasma BDNF", "sign": "+", "time_h": 24},
        {"kind": "score", "measure": "MADRS", "time_h": 24, "value": 20.0},
    ]
    kept = plasma_rows(make_study("one", outcomes))
    assert kept is not None
    assert [o.measure for o in kept.outcomes] == ["plasma"]
    assert plasma_rows(make_study("none", outcomes[2:])) is None
