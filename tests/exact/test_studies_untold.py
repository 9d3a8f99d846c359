"""What a record does not tell is filled in with what is usual, listed with its range, and never for a number."""

from __future__ import annotations

import runpy
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketalab.errors import StudyError
from ketalab.facts import facts
from ketalab.protocol import parse_phrase
from ketalab.studies._checks import dose_problem
from ketalab.studies._directions import read_direction
from ketalab.studies._measures import read_measures
from ketalab.studies._usual import act_of, factor_of, parse_usual, usual, usual_dose, usual_time

made = runpy.run_path(str(Path(__file__).with_name("_studies_records.py")))
KETAMINE, SAID, convert, trial = (made[name] for name in ("KETAMINE", "SAID", "convert", "trial"))

UNTOLD = {"compound": "racemic ketamine", "route": "ip", "dose": None, "unit": None}
VEHICLE = {"id": "vehicle", "treatments": [{"compound": "saline", "route": "ip"}]}
IMMOBILE = {
    "measure": "FST immobility",
    "kind": "direction",
    "arm": "drug",
    "direction": "decrease",
}


def animals(*treatments, rows=(IMMOBILE,), **fields):
    """A record of mice with one arm of these treatments and a vehicle arm."""
    arms = [{"id": "drug", "treatments": list(treatments)}, VEHICLE]
    outcomes = [SAID | row for row in rows]
    usual_fields = {"species": "mouse", "design": "vehicle-controlled", "baseline": []}
    return trial(arms=arms, outcomes=outcomes, **(usual_fields | fields))


def study_of(tmp_path, record):
    """The study of a record, and its assumptions by field."""
    study = convert(tmp_path, record).studies[0]
    return study, {entry.field: entry for entry in study.assumed}


# --- the file of what is usual --------------------------------------------------------------------


def test_every_usual_dose_reads_as_a_dose_and_lies_in_its_range() -> None:
    for dose in usual().doses:
        phrase = dose.phrase.replace("*", "nbqx")
        assert dose_problem(phrase) is None
        assert dose.range[0] <= float(dose.part("amount")) <= dose.range[1]
        assert parse_phrase(phrase).variants[0].administrations[0].compound in (
            dose.compound.replace("*", "nbqx"),
        )


def test_every_usual_time_and_factor_lies_in_its_range() -> None:
    for time in usual().times:
        assert time.range[0] <= time.time_h <= time.range[1]
    for item in usual().factors:
        assert item.range[0] <= item.factor <= item.range[1]


@given(st.sampled_from([time.output for time in usual().times]))
def test_the_first_pattern_that_fits_an_output_counts(pattern: str) -> None:
    output = pattern.replace("*", "anything")
    first = next(time for time in usual().times if fnmatchcase(output, time.output))
    assert usual_time(output) == first


def test_a_wrong_key_of_the_file_is_named() -> None:
    with pytest.raises(StudyError, match=r"usual.yaml: .*frase"):
        parse_usual(
            {"doses": [{"compound": "ketamine", "frase": "x"}], "times": [], "factors": []},
            "usual.yaml",
        )


def test_any_tool_compound_has_a_usual_dose_and_no_other_drug_has() -> None:
    dose = usual_dose("rapamycin", "rat")
    assert dose is not None
    assert dose.phrase == "10 mg/kg rapamycin ip"
    assert usual_dose("naltrexone", "rat") is None
    assert usual_dose("rapamycin", "human") is None
    assert usual_dose("no such drug", "rat") is None


def test_the_scatters_are_assumed_facts_with_a_range() -> None:
    for name in ("assay_scatter", "rhythm_scatter", "imaging_scatter"):
        record = facts()[name]
        assert record.assumed
        assert record.spread is not None


# --- doses ----------------------------------------------------------------------------------------


def test_an_untold_dose_in_animals_is_the_usual_one_and_listed(tmp_path) -> None:
    study, assumed = study_of(tmp_path, animals(UNTOLD))
    arm = study.arm("drug")
    assert arm.doses == ("10 mg/kg ketamine ip",)
    assert not arm.unknown_dose
    assert not arm.unmodelled
    entry = assumed["arms.drug.doses"]
    assert (entry.value, entry.range) == ("10 mg/kg ketamine ip", (3, 30))
    assert "the dose is not told: the usual one" in entry.why


def test_a_told_route_and_schedule_are_kept(tmp_path) -> None:
    told = UNTOLD | {"route": "sc", "times_h": [0, 24, 48]}
    study, _ = study_of(tmp_path, animals(told))
    assert study.arm("drug").doses == ("10 mg/kg ketamine sc every 24 h x 3",)


def test_a_route_in_words_gives_way_to_the_usual_one(tmp_path) -> None:
    study, _ = study_of(tmp_path, animals(UNTOLD | {"route": "systemic"}))
    assert study.arm("drug").doses == ("10 mg/kg ketamine ip",)


def test_of_two_compounds_the_first_that_is_known_is_taken_and_said(tmp_path) -> None:
    either = UNTOLD | {"compound": "MK-801 or CPP pre-treatment"}
    conversion = convert(tmp_path, animals(either))
    assert conversion.studies[0].arm("drug").doses == ("0.1 mg/kg mk-801 ip",)
    assert any("mk-801 is taken" in one["decision"] for one in conversion.decisions)


def test_a_stated_dose_is_not_touched(tmp_path) -> None:
    study, assumed = study_of(tmp_path, animals(UNTOLD | {"dose": 3, "unit": "mg/kg"}))
    assert study.arm("drug").doses == ("3 mg/kg ketamine ip",)
    assert "arms.drug.doses" not in assumed


def test_a_recalled_dose_is_still_told_apart(tmp_path) -> None:
    recalled = UNTOLD | {"dose": 3, "unit": "mg/kg", "dose_verified": False}
    _, assumed = study_of(tmp_path, animals(recalled))
    assert "recalled" in assumed["arms.drug.doses"].why


def people(treatment, *rows):
    """A record of people with an arm of one treatment and a saline arm."""
    arms = [
        {"id": "drug", "n": 9, "treatments": [treatment]},
        {"id": "placebo", "n": 9, "treatments": [{"compound": "saline", "route": "iv"}]},
    ]
    return trial(arms=arms, baseline=[], outcomes=[SAID | row for row in rows])


HIGHER = {"measure": "plasma BDNF", "kind": "direction", "arm": "drug", "direction": "higher"}
FALL = {"measure": "MADRS", "kind": "change", "arm": "drug", "time_h": 24, "mean": -9}


def test_an_untold_dose_in_people_is_filled_in_for_directions_alone(tmp_path) -> None:
    untold = UNTOLD | {"route": "iv"}
    study, assumed = study_of(tmp_path, people(untold, HIGHER))
    assert study.arm("drug").doses == ("0.5 mg/kg ketamine iv over 40 min",)
    assert assumed["arms.drug.doses"].range == (0.1, 1)
    study, assumed = study_of(tmp_path, people(untold, HIGHER, FALL))
    assert study.arm("drug").unknown_dose
    assert "arms.drug.doses" not in assumed


@pytest.mark.parametrize("told", [{"regimen": "six infusions"}, {"times_h": "as needed"}])
def test_an_untold_dose_of_a_told_regimen_in_people_stays_unknown(tmp_path, told) -> None:
    study, _ = study_of(tmp_path, people(UNTOLD | {"route": "iv"} | told, HIGHER))
    assert study.arm("drug").unknown_dose


# --- acts on targets ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("compound", "route", "target", "factor", "site"),
    [
        ("Kir4.1 overexpression, LHb astrocytes", "viral", "Kir4.1", 2, "LHb"),
        ("Kir4.1 loss of function, LHb astrocytes", "viral", "Kir4.1", 0.3, "LHb"),
        ("LHb burst-evoking photostimulation", "optogenetic", "LHb burst", 3, "LHb"),
        ("anti-BDNF antibody", "intra-mPFC", "BDNF", 0, "mPFC"),
        ("racemic ketamine", "intra-LHb", "GluN1", 0, "LHb"),
        ("mibefradil", "intra-LHb", "CaV3", 0, "LHb"),
        ("muscimol", "intra-IL", "pyramidal", 0, "mPFC"),
    ],
)
def test_viruses_light_and_local_infusions_are_acts(
    tmp_path, compound, route, target, factor, site
) -> None:
    act = {"compound": compound, "route": route, "dose": None, "unit": None}
    study, assumed = study_of(tmp_path, animals(act))
    arm = study.arm("drug")
    (made,) = arm.interventions
    assert (made.target, made.factor, made.site) == (target, factor, site)
    assert arm.control is None
    assert not arm.doses
    entry = assumed[f"arms.drug.interventions.{target}.factor"]
    assert entry.range[0] <= factor <= entry.range[1]


def test_an_act_that_no_words_name_stays_in_words(tmp_path) -> None:
    assert act_of("channelrhodopsin in the fimbria", "viral") is None
    assert act_of("ketamine", "intra-amygdala") is None
    act = {"compound": "channelrhodopsin in the fimbria", "route": "viral"}
    study, _ = study_of(tmp_path, animals(act))
    assert study.arm("drug").unmodelled


def test_a_factor_is_read_by_what_is_said_of_the_act() -> None:
    assert factor_of("Kir4.1", "over-expressed").factor == 2
    assert factor_of("Kir4.1", "loss of function").factor == 0.3
    assert factor_of("SERT", "anything") is None


# --- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("TST immobility", ["behaviour:TST"]),
        ("NSF latency to feed", ["behaviour:NSF"]),
        ("learned helplessness", ["behaviour:LH"]),
        ("1% sucrose preference", ["behaviour:sucrose"]),
        ("antidepressant-like behaviour, other NMDA antagonists", ["behaviour:relief"]),
        ("behavioural despair and anhedonia", ["behaviour:despair"]),
        ("NMDAR-mEPSC block, 0 Mg2+", ["current:NMDA:resting"]),
        ("p-eEF2", ["synapse:eEF2"]),
        ("relative plasma BDNF", ["blood:BDNF"]),
        ("PFC dopamine", ["circuit:dopamine"]),
        ("PFC mTOR pathway", ["synapse:mTORC1"]),
        ("PSD95, GluR1, synapsin I", ["synapse:proteins"]),
        ("spine formation rate", ["synapse:formation"]),
        ("spine elimination", ["synapse:elimination"]),
        ("SV2A density", ["imaging:SV2A"]),
        ("CNS-1261 volume of distribution", ["imaging:NMDA"]),
        ("PK-209 PET parameters", ["imaging:NMDA"]),
        ("putative GABA interneuron firing", ["circuit:interneuron"]),
        ("LTP deficit", ["synapse:LTP"]),
        ("frontal HFO (100-170 Hz) magnitude", ["rhythm:HFO"]),
        ("3 Hz oscillation, posteromedial cortex", ["rhythm:posteromedial"]),
        ("NMDA receptor occupancy", ["occupancy:NMDA:cortical"]),
        ("TST and FST immobility", ["behaviour:TST", "behaviour:FST"]),
        ("TST immobility / escape failures", ["behaviour:TST", "behaviour:LH"]),
        ("FST immobility and NSFT latency", ["behaviour:FST", "behaviour:NSF"]),
        ("hippocampal p-eEF2 and BDNF", ["synapse:eEF2", "synapse:BDNF"]),
        ("G-protein recruitment, MOR and KOR", ["receptor:MOR", "receptor:KOR"]),
        ("delta/theta and alpha current source density",
         ["rhythm:delta", "rhythm:theta", "rhythm:alpha"]),
        ("FST immobility and gait", ["FST immobility and gait"]),
    ],
)  # fmt: skip
def test_a_measure_s_words_name_its_outputs(text: str, names: list[str]) -> None:
    assert [one.id for one in read_measures(text, None)] == names


def test_a_measure_of_several_outputs_becomes_one_row_each(tmp_path) -> None:
    both = IMMOBILE | {"measure": "TST and FST immobility", "time_h": 1}
    conversion = convert(tmp_path, animals(KETAMINE | {"route": "ip"}, rows=(both,)))
    rows = conversion.studies[0].outcomes
    assert [(one.measure, one.sign) for one in rows] == [
        ("behaviour:TST", "-"),
        ("behaviour:FST", "-"),
    ]
    assert any("one row each" in one["decision"] for one in conversion.decisions)


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("rapid and sustained antidepressant-like effect", [1, 24]),
        ("acute and sustained", [1, 24]),
        ("fast-acting improvement", [1]),
        ("acute, shorter than ketamine", [1]),
        ("improvement", [None]),
    ],
)
def test_rapid_and_sustained_without_a_time_are_hours(tmp_path, text, times) -> None:
    said = IMMOBILE | {"direction": text}
    study, assumed = study_of(tmp_path, animals(UNTOLD, rows=(said,)))
    assert [one.time_h for one in study.outcomes] == times
    assert all(one.sign == "-" for one in study.outcomes)
    assert ("outcomes.time_h" in assumed) == (times != [None])


def test_a_told_time_stands_whatever_the_words(tmp_path) -> None:
    said = IMMOBILE | {"direction": "rapid and sustained effect", "time_h": 3}
    study, _ = study_of(tmp_path, animals(UNTOLD, rows=(said,)))
    assert [one.time_h for one in study.outcomes] == [3]
    assert read_direction("rapid and sustained effect") == "benefit"


def test_a_rhythm_s_percent_is_kept_in_decibels(tmp_path) -> None:
    rise = {"measure": "gamma power", "kind": "percent_change", "arm": "drug", "percent": 100,
            "time_h": 0.5}  # fmt: skip
    study, _ = study_of(tmp_path, animals(UNTOLD, rows=(rise,)))
    (made,) = study.outcomes
    assert (made.kind, made.unit) == ("band_power", "dB")
    assert made.value == pytest.approx(3.0103)


def test_a_share_of_neurons_is_a_fraction(tmp_path) -> None:
    share = {"measure": "share of LHb neurons bursting", "kind": "proportion", "arm": "vehicle",
             "percent": 7, "time_h": 1}  # fmt: skip
    study, _ = study_of(tmp_path, animals(UNTOLD, rows=(share,)))
    (made,) = study.outcomes
    assert (made.measure, made.kind, made.value) == ("circuit:LHb:burst", "fraction", 0.07)


def test_a_claim_with_a_scenario_is_a_statement_with_its_comparison(tmp_path) -> None:
    claim = {"measure": "order", "kind": "claim", "scenario": "", "output": "synapse:spines",
             "sign": 0, "than_scenario": "10 mg/kg ketamine ip", "species": "rat",
             "interventions": [{"target": "mTORC1", "factor": 0}], "time_h": 3}  # fmt: skip
    study, _ = study_of(tmp_path, animals(UNTOLD, rows=(IMMOBILE, claim)))
    made = study.outcomes[1]
    assert (made.kind, made.scenario, made.sign, made.species) == ("statement", "", "0", "rat")
    assert made.than_scenario == "10 mg/kg ketamine ip"
    assert made.interventions[0].target == "mTORC1"
