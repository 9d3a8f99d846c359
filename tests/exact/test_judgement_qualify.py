"""A qualification from studies and predictions made by hand: aims, comparators, contradictions, documents."""

from __future__ import annotations

import csv
import io
import json
import math
import runpy
from pathlib import Path

import pytest

from ketalab.errors import FactError, InputError, ScenarioError
from ketalab.judgement import (
    Aim,
    Contradiction,
    concentration_records,
    document,
    find_disagreements,
    layer_file,
    make_points,
    qualify,
    row_records,
    set_beside,
    to_csv,
)
from ketalab.judgement._aims import judge_aims
from ketalab.judgement._layer import read_layer
from ketalab.judgement._left_out import left_out_predict
from ketalab.studies import list_studies, split

_made = runpy.run_path(str(Path(__file__).with_name("_qualified.py")))
make_study, point, row = _made["make_study"], _made["point"], _made["row"]

CMAX = {"kind": "cmax", "value": 100.0}


def aim(**changes) -> Aim:
    return Aim(**({"id": "one", "claim": "fold error", "statistic": "gmfe"} | changes))


def judge(one: Aim, points, beside=()):
    from ketalab.judgement import make_votes

    return judge_aims([one], points, make_votes(points), beside)[0]


def test_an_aim_is_held_against_unseen_adults_alone() -> None:
    points = [
        point(predicted=150.0),
        point(study="b", use="left out", predicted=150.0),
        point(study="c", use="calibrate", predicted=900.0),
        point(study="d", cohort="children", predicted=900.0),
    ]
    found = judge(aim(at_most=1.5), points)
    assert (found.value, found.count, found.met) == (pytest.approx(1.5), 2, True)
    assert not judge(aim(at_most=1.49), points).met


def test_an_aim_takes_only_its_molecules_routes_quantities_and_named_assays() -> None:
    points = [
        point(study="a", molecule="norketamine", analyte="norketamine"),
        point(study="b", route="oral"),
        point(study="c", quantity="bioavailability", kind="bioavailability", route="oral"),
        point(study="d", assay="first2020"),
    ]
    counts = [
        judge(aim(at_most=2, **limits), points).count
        for limits in (
            {"molecules": ("norketamine",)},
            {"routes": ("oral",)},
            {"routes": ("oral",), "quantities": ("concentration", "bioavailability")},
            {"named_assay": True},
        )
    ]
    assert counts == [1, 1, 2, 1]


def test_an_aim_with_nothing_to_judge_by_is_not_met() -> None:
    for statistic in ("gmfe", "within_2", "coverage_rows", "better_comparators"):
        found = judge(aim(statistic=statistic, at_most=100), [])
        assert (found.count, found.met) == (0, False)


def test_coverage_has_a_floor_and_a_ceiling() -> None:
    points = [point(study=f"s{i}", inside=i > 0) for i in range(10)]
    for bounds, met in (
        ({"at_least": 0.9}, True),
        ({"at_least": 0.91}, False),
        ({"at_most": 0.89}, False),
    ):
        assert judge(aim(statistic="coverage_rows", **bounds), points).met is met


def test_coverage_leaves_out_children_and_what_calibrated() -> None:
    others = [point(cohort="children", inside=False), point(use="calibrate", inside=False)]
    found = judge(aim(statistic="coverage_rows", at_least=0.9), [point(), *others])
    assert (found.value, found.count) == (1.0, 1)


def test_a_comparator_is_set_beside_the_model_on_the_rows_that_both_predict() -> None:
    points = [
        point(study="a", predicted=200.0, said={"simons2022": 100.0}),
        point(study="b", predicted=900.0),
        point(study="simons2022_otf50", predicted=50.0, said={"simons2022": 400.0}),
    ]
    without = set_beside("simons2022", points, [], own=False)
    assert (without.other.votes, without.model.gmfe) == (1, pytest.approx(2.0))
    assert without.better
    everything = set_beside("simons2022", points, [], own=True)
    assert (everything.other.votes, everything.other.gmfe) == (2, pytest.approx(2.0))
    assert not everything.better
    found = judge(aim(statistic="better_comparators", at_most=0), points, [without, everything])
    assert (found.value, found.met) == (1.0, False)


def test_each_record_is_predicted_once_and_left_out_if_it_calibrates() -> None:
    studies = [make_study("a", [CMAX]), make_study("b", [CMAX], use="calibrate")]
    found = qualify(
        studies=studies,
        predict=lambda s: [row(110.0)],
        left_out=lambda s: [row(300.0)],
    )
    assert [(p.study, p.use, p.predicted) for p in found.points] == [
        ("a", "validate", 110.0),
        ("b", "calibrate", 110.0),
        ("b", "left out", 300.0),
    ]
    assert found.votes[0].fold == pytest.approx(3.0)
    ketamine = next(v for v in found.verdicts if v.aim.id == "ketamine_fold")
    assert ketamine.count == 2
    assert ketamine.value == pytest.approx(math.sqrt(1.1 * 3.0))


def test_the_summary_has_a_line_for_all_routes_and_one_for_each() -> None:
    doses = {"drug": ["10 mg ketamine oral"]}
    studies = [make_study("a", [CMAX]), make_study("b", [CMAX], doses)]
    found = qualify(studies=studies, predict=lambda s: [row(200.0)])
    lines = [(x.use, x.molecule, x.route, x.figures.votes) for x in found.summary]
    assert lines == [
        ("validate", "ketamine", "all", 2),
        ("validate", "ketamine", "iv", 1),
        ("validate", "ketamine", "oral", 1),
    ]


def test_progress_names_the_record_that_is_next() -> None:
    told = []
    studies = [make_study("a", [CMAX]), make_study("b", [CMAX])]
    qualify(studies=studies, predict=lambda s: [row(1.0)], progress=lambda *p: told.append(p))
    assert told == [(0, 2, "a"), (1, 2, "b"), (2, 2, "")]


def test_the_document_is_json_without_nan_and_holds_every_row() -> None:
    outcomes = [CMAX, {"kind": "tmax", "value": 1.0}, CMAX | {"counted": False, "site": "venous"}]
    rows = [row(50.0), row(2.0), row(None, None, "no model yet")]
    found = qualify(studies=[make_study("a", outcomes)], predict=lambda s: rows)
    text = json.dumps(document(found), allow_nan=False)
    told = json.loads(text)
    assert [r["scored"] for r in told["rows"]] == [True, False, False]
    assert told["rows"][0]["fold"] == pytest.approx(2.0)
    assert told["rows"][0]["simons2022"] > 0
    assert told["votes"][0]["records"] == ["a"]
    assert told["aims"][0]["met"] is False
    table = list(csv.DictReader(io.StringIO(to_csv(row_records(found)))))
    assert [r["skipped"] for r in table] == ["", "", "no model yet"]
    assert table[2]["predicted"] == ""


def points_of(studies):
    return [p for s in studies for p in make_points(s, [row(None, None, "x")] * len(s.outcomes))]


def share(value: float):
    return {"kind": "bioavailability", "value": value}


def test_records_that_differ_beyond_one_and_a_half_fold_are_paired() -> None:
    oral = {"drug": ["10 mg ketamine oral"]}
    shares = {"a": 0.2, "b": 0.29, "c": 0.45}
    studies = [make_study(name, [share(v)], oral) for name, v in shares.items()]
    known = [Contradiction(id="why", what="so", records=("c", "a"), because="it is so")]
    found = find_disagreements(studies, points_of(studies), known)
    assert [(d.first, d.second, round(d.fold, 2), d.because) for d in found] == [
        ("a", "c", 2.25, "why"),
        ("b", "c", 1.55, ""),
    ]


def test_peaks_are_compared_by_the_milligram_and_under_one_design() -> None:
    def peak(name: str, value: float, phrase: str):
        return make_study(name, [CMAX | {"value": value, "site": "venous"}], {"drug": [phrase]})

    studies = [
        peak("a", 100.0, "10 mg ketamine im"),
        peak("b", 210.0, "20 mg ketamine im"),
        peak("c", 190.0, "10 mg ketamine im"),
        peak("d", 900.0, "10 mg ketamine iv bolus"),
    ]
    found = find_disagreements(studies, points_of(studies))
    assert {(d.first, d.second) for d in found} == {("a", "c"), ("b", "c")}


def test_doses_of_one_study_do_not_contradict_each_other() -> None:
    names = ("phar2669_in10", "phar2669_in50")
    assert split().related(*names)
    spray = {"drug": ["10 mg ketamine nasal"]}
    studies = [make_study(n, [share(v)], spray) for n, v in zip(names, (0.1, 0.5), strict=True)]
    assert find_disagreements(studies, points_of(studies)) == []


def test_the_packaged_layer_names_records_that_exist() -> None:
    file = layer_file("body")
    named = {r for c in file.contradictions for r in c.records} | set(file.differences)
    assert named <= set(list_studies())
    assert len({a.id for a in file.aims}) == len(file.aims)


def test_known_contradictions_among_the_packaged_records_are_found_and_explained() -> None:
    studies = concentration_records()
    found = find_disagreements(studies, points_of(studies), layer_file("body").contradictions)
    pairs = {frozenset((d.first, d.second)): d for d in found}
    nasal = pairs[frozenset(("phar2669_in50", "yanagihara2003"))]
    assert (nasal.because, round(nasal.fold, 2)) == ("nasal_spray", 4.09)


def test_every_record_with_drug_in_plasma_is_qualified() -> None:
    names = {study.id for study in concentration_records()}
    assert {"kamp2020_bja_racemic", "fanta2015_oral_iv", "hijazi2003_icu"} <= names
    assert not {"berman2000", "zheng2021bdnf"} & names


def test_a_layer_without_a_qualification_is_refused_with_those_that_have_one() -> None:
    with pytest.raises(ScenarioError, match="allowed: body, brain"):
        qualify("mind")


def test_a_layer_that_is_judged_by_directions_has_no_fold_errors() -> None:
    with pytest.raises(ScenarioError, match="judged by its directions"):
        qualify("brain")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("at_most: 1, at_least: 2", "one of at_most and at_least"),
        ("at_most: 1, statistic: rmse", "rmse"),
        ("at_most: 1, colour: red", "colour"),
    ],
)
def test_a_layer_file_that_breaks_its_form_is_one_clear_line(
    tmp_path: Path, text: str, words: str
) -> None:
    line = "statistic: gmfe, " if "statistic" not in text else ""
    path = tmp_path / "lungs.yaml"
    path.write_text(f"schema: 1\nlayer: lungs\naims: [{{id: a, claim: b, {line}{text}}}]\n")
    with pytest.raises(FactError, match=r"lungs\.yaml") as caught:
        read_layer(path)
    assert words in str(caught.value)


def test_records_are_replayed_under_the_posterior_that_never_saw_them(
    tmp_path: Path, monkeypatch
) -> None:
    from ketalab.judgement import _left_out
    from ketalab.laboratory import current_posterior

    used = []

    def replay(study):
        used.append(current_posterior())
        return [row(1.0)]

    monkeypatch.setattr(_left_out, "replayed", lambda *_: replay)
    path = tmp_path / "loo.json"
    assert left_out_predict("body", 10, 0, path) is None
    mine = {"facts": ["ketamine_v1"], "mode": [2.5], "covariance": [[0.01]]}
    path.write_text(json.dumps({"a": {"posterior": mine}}))
    predict = left_out_predict("body", 10, 0, path)
    assert predict is not None
    assert predict(make_study("a", [CMAX]))[0]["predicted"]["mean"] == 1.0
    assert [p.names for p in used] == [("ketamine_v1",)]
    assert used[0].mode == [2.5]
    assert current_posterior() is not used[0]
    (absent,) = make_points(b := make_study("b", [CMAX]), predict(b))
    assert absent.skipped == "no posterior without this record"
    for bad in ("[", "[]", '{"a": 1}'):
        path.write_text(bad)
        with pytest.raises(InputError, match=r"loo\.json"):
            left_out_predict("body", 10, 0, path)
