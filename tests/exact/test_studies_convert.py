"""Evidence records to study files: each row expressed or listed, and what each rule decides."""

from __future__ import annotations

import dataclasses
import runpy
from collections import Counter
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ketalab._files import parse_yaml
from ketalab.errors import InputError, OutputError, StudyError
from ketalab.studies import (
    Conversion,
    convert_packaged,
    convert_records,
    join_conversions,
    load_study,
    parse_study,
    write_conversion,
)
from ketalab.studies import _ledger as ledger_module
from ketalab.studies._evidence import record_files
from ketalab.studies._load import studies_folder

made = runpy.run_path(str(Path(__file__).with_name("_studies_records.py")))
convert, expressed, plain_yaml, trial = (
    made["convert"],
    made["expressed"],
    made["plain_yaml"],
    made["trial"],
)
KETAMINE, SAID, MADRS, TWO = made["KETAMINE"], made["SAID"], made["MADRS"], made["TWO"]
FILES = {path.name: path for path in record_files()}


@pytest.fixture(scope="module")
def packaged() -> Conversion:
    return convert_packaged()


# --- nothing is lost ------------------------------------------------------------------------------

SPREADS = ("_sd", "_se", "_ci95", "_ci90")
REMARKS = {"analyte", "route", "dose_mg", "dose_mg_kg", "stratum", "condition", "inhibitor"}
REMARKS |= {"quantity", "unit", "approximate", "notes", "n", "sd"}


def count_given(record) -> int:
    """Count the rows given by one record, without the code under test."""
    if "outcomes" in record:
        return len(record["outcomes"])
    if "metrics" not in record and "profiles" not in record:
        return 1
    values = 0
    for metric in record.get("metrics", []):
        for key in metric:
            spread = key.endswith(SPREADS)
            spread |= key.endswith("_range") and key.removesuffix("_range") in metric
            spread |= key == "range" and "value" in metric
            values += key not in REMARKS and not spread
    return values + len(record.get("profiles", []))


@pytest.mark.parametrize("name", FILES)
def test_every_row_given_is_expressed_or_listed_with_its_reason(name, packaged):
    records = yaml.safe_load(FILES[name].read_text(encoding="utf-8"))
    counts = packaged.counts[name]
    assert counts["records"] == len(records)
    assert counts["given"] == sum(map(count_given, records))
    assert counts["expressed"] + counts["not_expressed"] == counts["given"]
    assert all(item["reason"] for item in packaged.not_expressed)


@pytest.mark.parametrize("name", FILES)
def test_each_expressed_row_has_a_study_row_of_its_own(name, packaged):
    studies = {study.id: study for study in packaged.studies}
    left_out = Counter(item["record"] for item in packaged.not_expressed)
    for record in yaml.safe_load(FILES[name].read_text(encoding="utf-8")):
        if "quantity" in record:
            continue
        kept = count_given(record) - left_out[record["id"]]
        assert kept >= 0
        if kept == 0:
            assert record["id"] not in studies
        else:
            assert len(studies[record["id"]].outcomes) >= kept


def test_no_row_is_listed_twice_and_none_is_both(packaged):
    listed = [(item["record"], item["row"]) for item in packaged.not_expressed]
    assert len(set(listed)) == len(listed)


def test_recalled_rows_are_kept_unverified_and_read_ones_verified(packaged):
    rows = [row for study in packaged.studies for row in study.outcomes]
    recalled = [row for row in rows if row.source.startswith("recalled")]
    assert len(recalled) > 50
    assert not any(row.verified for row in recalled)
    given = [
        row
        for path in FILES.values()
        for record in yaml.safe_load(path.read_text(encoding="utf-8"))
        for row in record.get("outcomes", [])
    ]
    unread = {row["source"] for row in given if row["verified"] is False}
    assert not any(row.verified for row in rows if row.source in unread)


def test_baselines_are_all_carried_over(packaged):
    studies = {study.id: study for study in packaged.studies}
    for path in FILES.values():
        for record in yaml.safe_load(path.read_text(encoding="utf-8")):
            if record["id"] in studies and "outcomes" in record:
                found = studies[record["id"]].population.baseline
                given = record.get("baseline", [])
                assert [item.mean for item in found] == [item["mean"] for item in given]
                assert [item.sd for item in found] == [item.get("sd") for item in given]


def test_parameter_records_are_listed_as_no_studies(packaged):
    listed = {item["record"]: item["reason"] for item in packaged.not_expressed}
    for name in ("nikolin2023_trial_list", "han2016", "kishimoto2016", "luckenbaugh2014"):
        assert listed[name] == "a pooled or parameter record, not a study"


def test_a_profile_is_one_row_given_and_one_study_row_a_time_point(packaged):
    study = next(one for one in packaged.studies if one.id == "kamp2020_bja_racemic")
    assert len(study.outcomes) == 7 * 16
    assert {row.kind for row in study.outcomes} == {"concentration"}
    assert all(row.digitised and row.site == "arterial" for row in study.outcomes)
    assert {row.measured for row in study.outcomes if row.analyte == "hydroxynorketamine"} == {
        "total"
    }


# --- the packaged result --------------------------------------------------------------------------


def test_converting_again_gives_the_packaged_bytes(packaged, tmp_path):
    write_conversion(packaged, tmp_path)
    again = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    kept = {path.name: path.read_bytes() for path in studies_folder().glob("*.yaml")}
    assert again.keys() == kept.keys()
    assert [name for name in again if again[name] != kept[name]] == []


def test_berman2000_says_what_the_contract_s_example_says():
    example = load_study(Path(__file__).parent / "studies_berman2000.yaml")
    study = load_study("berman2000")
    assert study.design.model_copy(update={"note": None}) == example.design
    for name in ("id", "use", "species"):
        assert getattr(study, name) == getattr(example, name)
    assert study.citation.items() >= example.citation.items()
    people = study.population
    assert (people.condition, people.n, people.age) == ("MDD", 7, example.population.age)
    assert people.female_percent == 56
    baselines = [(b.measure, b.mean, b.sd, b.arm) for b in people.baseline]
    assert baselines == [("HDRS25", 33.0, 6.7, "ketamine"), ("HDRS25", 26.9, 5.8, "placebo")]
    for arm in example.arms:
        mine = study.arm(arm.id)
        assert (mine.n, mine.doses, mine.control) == (arm.n, arm.doses, arm.control)
    assert [arm.first_period_n for arm in study.arms] == [4, 3]

    def told(row):
        return row.model_dump(exclude={"source"})

    assert all(told(row) in [told(mine) for mine in study.outcomes] for row in example.outcomes)
    changes = [row for row in study.outcomes if row.kind == "change"]
    assert [(row.arm, row.value, row.spread.value) for row in changes] == [
        ("ketamine", -14, 10),
        ("placebo", 0, 12),
    ]
    assert all(row.verified for row in changes)
    dropout = next(row for row in study.outcomes if row.measure == "dropout")
    assert (dropout.kind, dropout.arm, dropout.events, dropout.n) == ("proportion", "all", 2, 9)
    recalled = [row for row in study.outcomes if row.measure == "response:HDRS25"]
    assert [(row.events, row.n, row.ever, row.verified) for row in recalled] == [
        (4, 8, True, False),
        (1, 8, True, False),
    ]
    assert {"doses.salt", "population.weight_kg"} <= {item.field for item in study.assumed}


CLAIMS = [
    ("lii2023", lambda s: s.arm("placebo").control == "masked-anaesthesia"),
    ("lii2023_anaesthesia_masked", lambda s: s.arm("placebo").control == "masked-anaesthesia"),
    ("lii2023_anaesthesia_masked", lambda s: not any(row.counted for row in s.outcomes)),
    ("murrough2013", lambda s: s.arm("midazolam").control == "midazolam"),
    ("popova2019_transform2", lambda s: s.arm("placebo+AD").control == "placebo-spray"),
    ("popova2019_transform2", lambda s: "flexible 56 or 84 mg" in s.arm("esk+AD").doses[0]),
    ("williams2018", lambda s: s.arm("ketamine_plus_naltrexone").doses[0].endswith("at -45 min")),
    ("williams2018", lambda s: s.population.n == 12 and s.design.washout_h == 720),
    ("autry2011", lambda s: s.arm("ketamine_bdnf_ko").interventions[0].factor == 0),
    ("nosyreva2013", lambda s: s.arm("glua2ko_ketamine").interventions[0].target == "GluA2"),
    ("laje2012", lambda s: s.arm("val_met").genotype == {"bdnf": "val/met"}),
    ("passie2021", lambda s: s.arm("racemic").unknown_dose and not s.arm("racemic").doses),
    ("hasan2021_pr40mg", lambda s: s.arms[0].doses == ("40 mg ketamine oral extended-release",)),
    ("simons2022_otf50", lambda s: s.outcomes[2].window_h == (0, 6)),
    ("ddi_rifampicin", lambda s: [row.value for row in s.outcomes] == [0.86, 0.14]),
    ("spravato_label_summary", lambda s: s.outcomes[1].spread.value == (20, 40)),
    ("daly2018_synapse", lambda s: {row.period for row in s.outcomes} == {None, "period 2"}),
    ("zarate2006", lambda s: [row.value for row in s.outcomes if row.kind == "smd"] == [-1.46, -0.68]),
    ("anand2023", lambda s: s.arm("ect").unmodelled and not s.arm("ect").unknown_dose),
    ("wangr2025_rketamine", lambda s: not any(row.counted for row in s.outcomes)),
    ("wangr2025_rketamine", lambda s: {row.salt for row in s.outcomes} == {"hydrochloride"}),
    ("herd2007_children_iv", lambda s: s.outcomes[0].time_h == pytest.approx(1 / 6, abs=1e-6)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "holds"), CLAIMS, ids=lambda value: value if value else "")
def test_what_a_packaged_study_must_say(name, holds):
    assert holds(load_study(name))


def test_doses_recalled_and_not_read_are_listed_as_assumed():
    fields = {item.field: item for item in load_study("autry2011").assumed}
    assert fields["arms.ketamine.doses"].value == "3 mg/kg ketamine ip"


# --- records --------------------------------------------------------------------------------------


def test_one_record_and_a_list_of_one_are_the_same(tmp_path):
    record = trial(outcomes=[SAID | MADRS])
    listed = convert(tmp_path, record)
    path = tmp_path / "records.yaml"
    path.write_text(plain_yaml(record), encoding="utf-8")
    assert convert_records(path) == listed


def test_a_record_that_is_not_in_the_split_validates(tmp_path):
    _, conversion = expressed(tmp_path, MADRS)
    assert conversion.studies[0].use == "validate"
    assert "not in the split" in str(conversion.decisions)


def test_a_reading_by_hand_is_not_used_for_another_row(tmp_path):
    arms = [{"id": "ketamine_systemic", "treatments": [KETAMINE | {"route": "ip"}]}]
    row = {
        "measure": "FST",
        "kind": "direction",
        "arm": "ketamine_systemic",
        "direction": "decrease",
    }
    record = trial(id="yang2018", species="rat", arms=arms, baseline=[], outcomes=[SAID | row])
    conversion = convert(tmp_path, record)
    assert conversion.studies[0].outcomes[0].sign == "-"
    assert "left aside" in str(conversion.decisions)


MALFORMED = [
    ([], "holds no evidence record"),
    ([3], "holds no evidence record"),
    ([{"citation": {}}], "record 1 (without id): id: Field required"),
    ([trial(arms={"id": "drug"})], "record 1 (doe2030): arms"),
    ([trial(arms=[{"id": 3}])], "record 1 (doe2030): arms.0.id"),
    ([trial(arms=[{"id": "drug", "n": -3}])], "record 1 (doe2030): arms.0.n"),
    ([trial(outcomes=[{"kind": "change"}])], "record 1 (doe2030): outcomes.0.measure"),
    ([trial(outcomes="none")], "record 1 (doe2030): outcomes"),
    ([trial(), trial()], "'doe2030' names two records"),
    ([trial(id="../x", outcomes=[SAID | MADRS])], "../x: id: '../x' does not have the form"),
    ([trial(species="cat", outcomes=[SAID | MADRS])], "species: 'cat' is not allowed; one of human"),
]  # fmt: skip


@pytest.mark.parametrize(("records", "words"), MALFORMED)
def test_a_record_out_of_shape_is_one_line_that_names_it(tmp_path, records, words):
    with pytest.raises(StudyError) as caught:
        convert(tmp_path, *records)
    assert words in str(caught.value)
    assert "records.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_two_files_with_one_study_do_not_join(tmp_path):
    _, conversion = expressed(tmp_path, MADRS)
    with pytest.raises(StudyError, match="doe2030: a study of this id in two files"):
        join_conversions([conversion, conversion])


ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 500) | st.floats(-9, 9) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=5,
)
ROWS = [
    {"measure": "MADRS", "kind": "difference", "mean": -4, "ci95": [-6, -2], **TWO},
    {"measure": "response", "kind": "proportion", "arm": "drug", "percent": 40, "events": 4},
    {"measure": "MADRS", "kind": "effect_size", "cohen_d": 0.8, **TWO},
    {"measure": "MADRS", "kind": "percent_change", "arm": "drug", "percent": -60},
    {"measure": "relapse", "kind": "hazard_ratio", "hr": 0.5, **TWO},
    {"measure": "FST immobility", "kind": "direction", "arm": "drug", "direction": "decrease"},
    {"measure": "theory", "kind": "claim", "direction": "up"},
]
KEYS = sorted(
    {"arm", "arms", "mean", "percent", "sd", "ci95", "time_h", "window_h", "n", "events", "p"}
    | {"unit", "definition", "direction", "note", "kind", "measure", "versus", "period", "hr"}
)


@given(
    st.sampled_from(ROWS),
    st.dictionaries(st.sampled_from(KEYS), ANY, max_size=3),
    st.dictionaries(st.sampled_from(sorted(KETAMINE)), ANY, max_size=2),
)
def test_whatever_a_record_holds_its_rows_are_expressed_or_listed(
    tmp_path_factory, row, changes, treatment
):
    record = trial(outcomes=[SAID | row | changes, SAID | MADRS])
    record["arms"][0]["treatments"] = [KETAMINE | treatment]
    path = tmp_path_factory.mktemp("any") / "records.yaml"
    path.write_text(plain_yaml([record]), encoding="utf-8")
    try:
        conversion = convert_records(path)
    except InputError as error:
        assert "records.yaml" in str(error)  # noqa: PT017 - either way is right
        return
    counts = conversion.counts["records.yaml"]
    assert counts["given"] == 2 == counts["expressed"] + counts["not_expressed"]
    for study in conversion.studies:
        assert parse_study(study.model_dump(by_alias=True), "again") == study


# --- writing --------------------------------------------------------------------------------------


def test_writing_makes_one_file_a_study_and_a_ledger_that_adds_up(tmp_path):
    _, conversion = expressed(tmp_path, MADRS)
    written = write_conversion(conversion, tmp_path / "a" / "b")
    assert [path.name for path in written] == ["doe2030.yaml", "_conversion.yaml"]
    assert load_study(written[0]) == conversion.studies[0]
    ledger = parse_yaml(written[1].read_text(encoding="utf-8"), "ledger")
    assert ledger["counts"] == conversion.counts
    assert {entry["decision"] for entry in ledger["decisions"]["doe2030"]} == {
        item["decision"] for item in conversion.decisions
    }
    assert sorted(path.name for path in written[0].parent.iterdir()) == [
        "_conversion.yaml",
        "doe2030.yaml",
    ]


def test_nothing_is_written_when_one_study_fails(tmp_path, monkeypatch):
    one, _ = expressed(tmp_path, MADRS)[1], None
    two = dataclasses.replace(one, studies=(*one.studies, *one.studies))
    calls = []

    def fails_at_the_second(study):
        calls.append(study)
        if len(calls) == 2:
            raise StudyError("the second study fails")
        return "text"

    monkeypatch.setattr(ledger_module, "dump_study", fails_at_the_second)
    with pytest.raises(StudyError):
        write_conversion(two, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_in_a_file_s_place_leaves_all_as_it_was(tmp_path):
    _, conversion = expressed(tmp_path, MADRS)
    out = tmp_path / "out"
    (out / "_conversion.yaml").mkdir(parents=True)
    (out / "doe2030.yaml").write_text("old", encoding="utf-8")
    with pytest.raises(OutputError, match="is a folder, where a file is due"):
        write_conversion(conversion, out)
    assert (out / "doe2030.yaml").read_text(encoding="utf-8") == "old"
    assert sorted(path.name for path in out.iterdir()) == ["_conversion.yaml", "doe2030.yaml"]


def test_a_file_in_the_folder_s_place_is_refused(tmp_path):
    _, conversion = expressed(tmp_path, MADRS)
    (tmp_path / "out").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="is a file; name a folder"):
        write_conversion(conversion, tmp_path / "out")
