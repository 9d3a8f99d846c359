"""Results: what is saved reads back, what is summarised is what was simulated, the checker agrees."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars
import pytest
import xarray
from numpy.typing import NDArray

from ketalab.errors import OutputError
from ketalab.facts import citations, fact
from ketalab.laboratory import Result, Scenario, check_writable, outputs, simulate
from ketalab.laboratory._result import quantile

Array = NDArray[np.float64]
HOURS = (0.0, 0.5, 2 / 3, 1.0, 6.0, 24.0, 30.0)
ASKED = ("plasma:venous:S-ketamine", "occupancy:NMDA:cortical", "score:MADRS", "p:response:MADRS")


@pytest.fixture(scope="module")
def result() -> Result:
    return simulate(Scenario.parse(patients=7, days=1.5, times=HOURS, outputs=ASKED, seed=5))


# --- files ----------------------------------------------------------------------------------------


def check_frame(frame: polars.DataFrame, result: Result) -> None:
    assert frame.columns == ["person", "time_h", "output", "unit", "value"]
    assert frame.height == 7 * len(HOURS) * len(ASKED)
    for name in ASKED:
        rows = frame.filter(polars.col("output") == name)
        assert set(rows["unit"]) == {outputs()[name].unit}
        values = rows["value"].to_numpy().reshape(7, len(HOURS))
        np.testing.assert_array_equal(values.T, result.values[name])
        np.testing.assert_array_equal(rows["time_h"].to_numpy()[: len(HOURS)], HOURS)
        np.testing.assert_array_equal(rows["person"].to_numpy()[:: len(HOURS)], range(7))


@pytest.mark.parametrize(
    ("ending", "read"), [(".csv", polars.read_csv), (".parquet", polars.read_parquet)]
)
def test_a_saved_table_reads_back_equal_with_its_meaning_beside_it(
    result: Result, tmp_path: Path, ending: str, read: Callable[[Path], polars.DataFrame]
) -> None:
    path = result.save(tmp_path / f"course{ending}")
    check_frame(result.frame(), result)
    check_frame(read(path), result)
    meta = json.loads((tmp_path / f"course{ending}.meta.json").read_text(encoding="utf-8"))
    assert meta["units"] == {name: outputs()[name].unit for name in ASKED}
    assert meta["hash"] == result.scenario.hash()
    assert meta["facts"] == list(result.facts)
    assert sorted(p.name for p in tmp_path.iterdir()) == [path.name, f"{path.name}.meta.json"]


def test_a_saved_document_reads_back_equal(result: Result, tmp_path: Path) -> None:
    path = result.save(tmp_path / "course.json")
    assert json.loads(path.read_text(encoding="utf-8")) == json.loads(json.dumps(result.document()))


def test_a_saved_netcdf_file_reads_back_equal_with_units(result: Result, tmp_path: Path) -> None:
    path = result.save(tmp_path / "course.nc")
    with xarray.open_dataset(path, engine="h5netcdf") as read:
        assert set(read.data_vars) == set(ASKED)
        for name in ASKED:
            assert read[name].dims == ("replicate", "arm", "person", "time")
            np.testing.assert_array_equal(read[name].values[0, 0].T, result.values[name])
            assert read[name].attrs["units"] == outputs()[name].unit
            assert read[name].attrs["long_name"] == outputs()[name].meaning
        np.testing.assert_array_equal(read["time"].values, HOURS)
        assert read.attrs["hash"] == result.scenario.hash()
        assert json.loads(read.attrs["scenario"])["patients"] == 7
        assert list(read.attrs["facts"]) == list(result.facts)
    assert [p.name for p in tmp_path.iterdir()] == ["course.nc"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("course.txt", "unknown ending '.txt'; allowed: .parquet, .csv, .nc, .json"),
        ("course", "unknown ending ''"),
        ("missing/course.csv", "does not exist"),
        ("folder.csv", "is a folder"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_done(
    result: Result, tmp_path: Path, name: str, words: str
) -> None:
    (tmp_path / "folder.csv").mkdir()
    for call in (lambda: check_writable(tmp_path / name), lambda: result.save(tmp_path / name)):
        with pytest.raises(OutputError) as caught:
            call()
        assert words in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["folder.csv"]
    assert not list((tmp_path / "folder.csv").iterdir())


def test_saving_again_replaces_the_file_whole(result: Result, tmp_path: Path) -> None:
    path = tmp_path / "course.csv"
    path.write_text("x" * 1_000_000, encoding="utf-8")
    check_frame(polars.read_csv(result.save(path)), result)


# --- the document ---------------------------------------------------------------------------------


def test_the_document_has_the_keys_of_the_contract(result: Result) -> None:
    document = result.document()
    assert {"schema", "scenario", "hash", "seed", "engine", "patients", "failed"} <= set(document)
    assert {"facts", "outputs", "course"} <= set(document)
    assert (document["schema"], document["patients"], document["failed"]) == (1, 7, 0)
    for row in document["outputs"]:
        assert {"name", "unit", "layer", "grade", "typical", "median", "p05", "p95"} <= set(row)
        if row["name"].startswith("plasma"):
            expected = {"cmax", "tmax", "auc_0_inf", "auc_0_t", "half_life"}
        else:
            expected = {"peak", "time_of_peak_h", "at"}
            assert set(row["typical"]["at"]) == {"1", "2", "4", "24"}
        assert all(set(row[kind]) == expected for kind in ("typical", "median", "p05", "p95"))
    course = document["course"]
    assert course["time_h"] == list(HOURS)
    assert set(course["values"]) == set(ASKED)
    for kinds in course["values"].values():
        assert set(kinds) == {"typical", "p05", "median", "p95"}
        assert all(len(values) == len(HOURS) for values in kinds.values())
    assert "course" not in simulate(Scenario.parse(patients=1, days=1.0, outputs=ASKED)).document()


def test_quantiles_are_in_order_and_of_the_patients(result: Result) -> None:
    course = result.course()["values"]
    for name in ASKED:
        low, middle, high = (np.array(course[name][k]) for k in ("p05", "median", "p95"))
        assert np.all(low <= middle)
        assert np.all(middle <= high)
        np.testing.assert_allclose(middle, np.median(result.values[name], axis=1))


def test_a_summary_figure_is_that_of_the_course(result: Result) -> None:
    rows = {row["name"]: row for row in result.summary()}
    occupancy = rows["occupancy:NMDA:cortical"]["typical"]
    place = HOURS.index(24.0)
    assert occupancy["at"]["24"] == result.typical["occupancy:NMDA:cortical"][place]
    assert occupancy["peak"] >= result.typical["occupancy:NMDA:cortical"].max()
    cmax = rows["plasma:venous:S-ketamine"]["typical"]["cmax"]
    assert cmax >= result.typical["plasma:venous:S-ketamine"].max()


def test_quantiles_leave_out_those_without_a_value() -> None:
    values = np.array([[1.0, np.nan, 3.0, 2.0], [np.nan] * 4, [4.0, 4.0, 5.0, 6.0]])
    np.testing.assert_array_equal(quantile(values, 0.5, axis=1), [2.0, np.nan, 4.5])
    assert np.isnan(quantile(values[1], 0.95))
    assert quantile(values[0], 0.5) == 2.0


def test_the_references_are_those_of_the_facts_used(result: Result) -> None:
    keys = [item["id"] for item in result.cite()]
    assert keys == sorted({fact(name).citation for name in result.facts} - {None})
    assert all(citations()[key]["title"] for key in keys)
    assert {"ketamine_molar_mass", "ketamine_v1", "madrs_baseline", "adult_weight"} <= set(
        result.facts
    )
    assert "hydrogen_chloride_molar_mass" not in result.facts
    salt = Scenario.parse("20 mg ketamine hydrochloride iv bolus", patients=1, days=1.0)
    assert "hydrogen_chloride_molar_mass" in simulate(salt).facts


def test_an_output_rests_on_no_fact_of_another() -> None:
    arterial = set(outputs()["plasma:arterial:S-ketamine"].facts)
    assert {"ketamine_v1", "ketamine_cl_s", "ketamine_molar_mass", "reference_weight"} <= arterial
    assert not arterial & {
        "venous_fast_share",
        "norketamine_v2",
        "nmda_ic50_ketamine",
        "relief_time",
    }
    assert "venous_fast_share" in outputs()["plasma:venous:ketamine"].facts
    assert {"eef2_brake", "half_effective_potentiation"} <= set(outputs()["score:MADRS"].facts)


def test_progress_counts_every_patient() -> None:
    seen: list[tuple[int, int]] = []
    scenario = Scenario.parse(patients=3, days=1.0, outputs=("symptom:relief",))
    simulate(scenario, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (3, 3)


# --- a mix of regimens ----------------------------------------------------------------------------


def test_a_stated_mix_gives_each_patient_one_of_its_doses() -> None:
    phrase = "flexible 10 or 30 mg esketamine iv bolus"
    asked = ("plasma:arterial:S-ketamine",)
    people = {"patients": 40, "days": 1.0, "times": (0.0, 6.0), "outputs": asked, "seed": 2}
    mixed, low, high = (
        simulate(Scenario.parse(p, **people)).values[asked[0]][0]
        for p in (phrase, "10 mg esketamine iv bolus", "30 mg esketamine iv bolus")
    )
    got_low, got_high = np.isclose(mixed, low, rtol=1e-9), np.isclose(mixed, high, rtol=1e-9)
    assert np.all(got_low ^ got_high)
    assert 8 <= got_low.sum() <= 32


# --- another engine -------------------------------------------------------------------------------


def test_the_checker_gives_the_same_result_within_a_hundred_thousandth() -> None:
    options = {
        "patients": 2,
        "days": 1.0,
        "seed": 9,
        "times": (0.0, 0.5, 2 / 3, 1.0, 3.0, 12.0, 24.0),
    }
    fast, slow = (simulate(Scenario.parse(engine=e, **options)) for e in ("lockstep", "checker"))
    for name in outputs():
        if name.startswith("score"):
            assert np.max(np.abs(fast.values[name] - slow.values[name])) <= 1
            continue
        for one, two in ((fast.values, slow.values), (fast.typical, slow.typical)):
            size = np.maximum(np.abs(two[name]), 1e-3 * np.abs(two[name]).max(axis=0) + 1e-12)
            assert np.max(np.abs(one[name] - two[name]) / size) < 1e-5, name
