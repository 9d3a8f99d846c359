"""The study file: what it accepts, and what it refuses in which words."""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path

import jsonschema
import pydantic
import pytest

from ketalab._files import parse_yaml
from ketalab.errors import StudyError
from ketalab.studies import dump_study, list_studies, load_study, parse_study, study_schema
from ketalab.studies.__main__ import schema_text

EXAMPLE = Path(__file__).parent / "studies_berman2000.yaml"
TEXT = EXAMPLE.read_text(encoding="utf-8")


@pytest.fixture
def study():
    """The contract's example, as plain data to be changed."""
    return parse_yaml(TEXT, "example")


def refusal(data) -> str:
    with pytest.raises(StudyError) as caught:
        parse_study(data, "x.yaml")
    line = str(caught.value)
    assert "\n" not in line
    return line


def change(data, path: str, value) -> None:
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in steps:
        data = data[step]
    data[last] = value


# --- the contract's example -----------------------------------------------------------------------


def test_the_contract_s_example_is_read_with_its_values():
    study = load_study(EXAMPLE)
    assert (study.id, study.use, study.species) == ("berman2000", "validate", "human")
    assert study.citation["DOI"] == "10.1016/S0006-3223(99)00230-9"
    assert study.design.washout_h == 168
    assert study.design.setting == ("inpatient", "antidepressant-free")
    assert study.population.age.sd == 10
    assert study.population.weight_kg is None
    assert study.population.baseline[0].arm == "ketamine"
    assert study.arm("ketamine").doses == ("0.5 mg/kg ketamine iv over 40 min",)
    assert (study.arm("ketamine").control, study.arm("placebo").control) == (None, "saline")
    change_row, direction = study.outcomes
    assert (change_row.value, change_row.spread.kind, change_row.spread.value) == (-14, "sd", 10)
    assert (direction.than, direction.sign, direction.value) == ("placebo", "-", None)
    with pytest.raises(KeyError):
        study.arm("midazolam")


def test_a_study_cannot_be_changed():
    study = load_study(EXAMPLE)
    with pytest.raises(pydantic.ValidationError):
        study.use = "build"
    with pytest.raises(pydantic.ValidationError):
        study.outcomes[0].value = 0


# --- the JSON Schema ------------------------------------------------------------------------------


def test_the_published_schema_is_current_and_a_schema():
    published = Path(sys.modules["ketalab"].__file__).parent / "data" / "study.schema.json"
    assert published.read_text(encoding="utf-8") == schema_text()
    schema = json.loads(schema_text())
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)


def test_the_schema_accepts_every_packaged_study_and_the_example(study):
    validator = jsonschema.Draft202012Validator(study_schema())
    validator.validate(study)
    assert len(list_studies()) > 100
    for name in list_studies():
        validator.validate(parse_yaml(dump_study(load_study(name)), name))


def test_the_schema_refuses_an_unknown_key_and_an_unknown_kind(study):
    validator = jsonschema.Draft202012Validator(study_schema())
    for path, value in [
        ("outcome", []),
        ("outcomes.0.valeu", 3),
        ("outcomes.0.kind", "delta"),
        ("citation.Title", "x"),
        ("arms.1.control", "placebo"),
    ]:
        wrong = copy.deepcopy(study)
        change(wrong, path, value)
        assert not validator.is_valid(wrong), path


def test_changing_the_returned_schema_changes_no_other():
    study_schema()["properties"].clear()
    assert study_schema()["properties"]


# --- refusals -------------------------------------------------------------------------------------

REFUSED = [
    ("outcomes.0.valeu", 3, "outcomes.0.valeu: unknown key; allowed are measure,", "'value'?"),
    ("outcome", [], "outcome: unknown key; allowed are schema, id, use,", "'outcomes'?"),
    ("citation.Title", "x", "citation.Title: unknown key; allowed are id, type,", "'title'?"),
    ("citation.DOI", "x", "citation.doi: stands beside DOI, which is the same", ""),
    ("schema", 2, "schema: 2 is not allowed; one of 1", ""),
    ("id", "../../etc", "id: '../../etc' does not have the form ^[A-Za-z0-9]", ""),
    ("use", "test", "use: 'test' is not allowed; one of build, calibrate, validate", ""),
    ("design.kind", "cross-over", "design.kind: 'cross-over' is not allowed", "'crossover'?"),
    ("design.washout_h", -1, "design.washout_h: -1 is not allowed; must be greater", ""),
    ("population.female_percent", 120, "population.female_percent: 120 is not allowed", "100"),
    ("population.baseline.0.arm", "drug", "population.baseline.0.arm: 'drug' is no arm", ""),
    ("arms.0.n", -7, "arms.0.n: -7 is not allowed; must be greater than or equal to 1", ""),
    ("arms.0.n", True, "arms.0.n: True is not allowed; must be a whole number", ""),
    ("arms.1.id", "ketamine", "arms.1.id: 'ketamine' names two arms", ""),
    ("arms.1.id", "all", "arms.1.id: 'all' stands for all arms", ""),
    ("arms.1.control", "placebo", "arms.1.control: 'placebo' is not allowed; one of saline,", ""),
    ("arms.0.doses.0", "1 mg/kg ketamin iv", "arms.0.doses.0: '1 mg/kg ketamin iv'", "column 9"),
    ("arms.0.interventions", [{"target": "BDNF", "factor": -1}], "interventions.0.factor: -1", ""),
    (
        "arms.0.interventions",
        [{"target": "BDNF", "factor": 0, "from_h": 4, "to_h": 1}],
        "arms.0.interventions.0.from_h: [4, 1] is reversed",
        "",
    ),
    ("outcomes", [], "outcomes: [] is not allowed; the list should have at least 1 item", ""),
    ("outcomes.0.arm", "ketamin", "outcomes.0.arm: 'ketamin' is no arm of", "'ketamine'?"),
    ("outcomes.0.arm", None, "outcomes.0.arm: is missing; a change names the arm", ""),
    ("outcomes.1.than", "saline", "outcomes.1.than: 'saline' is no arm of this study", ""),
    ("outcomes.1.than", "ketamine", "outcomes.1.than: 'ketamine' is the row's own arm", ""),
    ("outcomes.1.than", "all", "outcomes.1.than: 'all' is no arm", ""),
    ("outcomes.1.sign", None, "outcomes.1.sign: is missing; a direction needs one of +, -, 0", ""),
    ("outcomes.1.sign", "up", "outcomes.1.sign: 'up' is not allowed; one of +, -, 0", ""),
    ("outcomes.1.value", 3, "outcomes.1.value: 3 does not belong to a direction", ""),
    ("outcomes.0.sign", "+", "outcomes.0.sign: '+' belongs to a direction or a statement", ""),
    ("outcomes.0.spread", {"value": 1}, "outcomes.0.spread.kind: is missing; one of sd, se,", ""),
    ("outcomes.0.spread.kind", "sdev", "outcomes.0.spread.kind: 'sdev' is not allowed", "iqr"),
    ("outcomes.0.spread.value", [1, 2], "outcomes.0.spread.value: sd is one number, not", ""),
    (
        "outcomes.0.spread",
        {"kind": "ci95", "value": [-10, -20]},
        "outcomes.0.spread.value: [-10, -20] is reversed",
        "",
    ),
    (
        "outcomes.0.spread",
        {"kind": "ci95", "value": [-10, 20]},
        "outcomes.0.spread.value: [-10.0, 20.0] does not hold the value -14",
        "",
    ),
    ("outcomes.0.spread", {"kind": "range", "value": 3}, "range is written [low, high]", ""),
    ("outcomes.0.spread", {"kind": "range", "value": [None, None]}, "says nothing", ""),
    ("outcomes.0.n", -3, "outcomes.0.n: -3 is not allowed", ""),
    ("outcomes.0.time_h", float("inf"), "outcomes.0.time_h: inf is not allowed; must be", ""),
    ("outcomes.0.time_h", "72", "outcomes.0.time_h: '72' is not allowed; must be a number", ""),
    ("outcomes.0.window_h", [72, 24], "outcomes.0.window_h: [72, 24] is reversed", ""),
    ("outcomes.0.window_h", [72], "outcomes.0.window_h: [72] is not allowed; needs 2 items", ""),
    ("outcomes.0.value", None, "outcomes.0.value: is missing; a change needs value or a range", ""),
    ("outcomes.0.value", True, "outcomes.0.value: True is not allowed; must be a number", ""),
    ("outcomes.0.verified", "yes", "outcomes.0.verified: 'yes' is not allowed", "true or"),
    ("outcomes.0.unit", "poinst", "outcomes.0.unit: 'poinst' is not a unit", ""),
    ("outcomes.0.kind", "difference", "outcomes.0.than: is missing; a difference names", ""),
    ("outcomes.0.kind", "cmax", "outcomes.0.analyte: is missing; a cmax names", ""),
    ("outcomes.0.kind", "statement", "outcomes.0.sign: is missing; a statement needs", ""),
    ("outcomes.0.probability", 1.5, "outcomes.0.probability: 1.5 is not allowed", ""),
    (
        "assumed",
        [{"field": "salt", "range": [1, 0.8], "why": "not told"}],
        "assumed.0.range: [1, 0.8] is reversed; write the lower end first",
        "",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "value", "starts", "holds"),
    REFUSED,
    ids=lambda value: value if isinstance(value, str) and "." in value[:12] else None,
)
def test_a_slip_is_one_line_with_file_field_value_and_what_is_allowed(
    study, path, value, starts, holds
):
    change(study, path, value)
    line = refusal(study)
    assert line.startswith("x.yaml: ")
    assert starts in line
    assert holds in line


@pytest.mark.parametrize("key", ["schema", "id", "use", "species", "citation", "arms", "outcomes"])
def test_a_missing_key_is_named_with_what_to_write(study, key):
    del study[key]
    assert refusal(study).startswith(f"x.yaml: {key}: is missing; ")


def row(**fields):
    return {
        "measure": "response",
        "arm": "ketamine",
        "verified": True,
        "source": "abstract",
    } | fields


KINETIC = {"measure": "plasma", "kind": "cmax", "analyte": "S-ketamine", "value": 60}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"kind": "proportion", "value": 42}, "value: 42 is outside 0 to 1; a proportion is a"),
        ({"kind": "proportion", "value": -0.1}, "value: -0.1 is outside 0 to 1"),
        ({"kind": "proportion"}, "value: is missing; a proportion needs value, or events and n,"),
        ({"kind": "proportion", "events": 3}, "events: 3 needs an n of at least as many, not None"),
        ({"kind": "proportion", "events": 8, "n": 7}, "events: 8 needs an n of at least as many"),
        ({"kind": "proportion", "value": 0.5, "events": 1, "n": 7}, "value: 0.5 is not 1 of 7"),
        ({"kind": "risk_ratio", "value": 0, "than": "placebo"}, "value: 0 is not above 0"),
        ({"kind": "odds_ratio", "value": 2}, "than: is missing; a odds_ratio"),
        ({"kind": "smd", "value": 2}, "than: is missing"),
        ({"kind": "statement", "sign": "+"}, "output: is missing; a statement names a scenario"),
        (
            {"kind": "statement", "sign": "+", "output": "rhythm:gamma", "arm": None},
            "scenario: is missing; a statement names a scenario",
        ),
        (
            {"kind": "statement", "sign": "+", "output": "rhythm:gamma", "scenario": "much"},
            "scenario: 'much' cannot be read",
        ),
        ({**KINETIC}, "unit: is missing; a cmax needs one such as ng/mL"),
        ({**KINETIC, "unit": "h"}, "unit: has unit 'h' where 'ng/mL' is needed"),
        ({**KINETIC, "kind": "auc", "unit": "ng/mL"}, "unit: has unit 'ng/mL' where 'ng*h/mL'"),
        ({**KINETIC, "kind": "tmax", "unit": "ng/mL"}, "unit: has unit 'ng/mL' where 'h' is"),
        ({**KINETIC, "unit": "ng/mL", "value": -1}, "value: -1 is below 0; a cmax is not"),
        ({**KINETIC, "unit": "ng/mL", "site": "wrist"}, "site: 'wrist' is not allowed; one of"),
        ({**KINETIC, "unit": "ng/mL", "salt": "HCl"}, "salt: 'HCl' is not allowed; one of base"),
        ({**KINETIC, "unit": "ng/mL", "measured": "both"}, "one of total, enantiomer"),
        ({"kind": "time_to_event", "value": 27}, "unit: is missing; a time_to_event needs one"),
    ],
)  # fmt: skip
def test_a_row_says_all_that_its_kind_needs_and_no_more(study, fields, expected):
    study["outcomes"].append(row(**fields))
    line = refusal(study)
    assert line.startswith("x.yaml: outcomes.2.")
    assert expected in line


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "proportion", "events": 3, "n": 7},
        {"kind": "proportion", "value": 0.429, "events": 3, "n": 7},
        {"kind": "proportion", "arm": "all", "value": 0.2},
        {"kind": "proportion", "value": 0.5, "window_h": [48, 120], "ever": True},
        {"kind": "direction", "sign": 0},
        {"kind": "statement", "sign": "+", "output": "rhythm:gamma", "arm": None,
         "scenario": "0.5 mg/kg ketamine iv over 40 min"},
        {"kind": "time_to_event", "value": 0.5, "than": "placebo"},
        {"kind": "time_to_event", "value": 27, "unit": "day",
         "spread": {"kind": "ci95", "value": [9, None]}},
        {**KINETIC, "unit": "nmol/mL", "site": "arterial", "measured": "enantiomer"},
        {**KINETIC, "unit": "pg/mL"},
        {**KINETIC, "unit": "ng/mL", "value": None, "spread": {"kind": "range", "value": [60, 80]}},
        {**KINETIC, "kind": "bioavailability", "value": 0.5},
        {"kind": "change", "value": -2, "spread": {"kind": "iqr", "value": 3}, "unit": "points"},
        {"kind": "difference", "value": -2, "than": "placebo", "p": 0.02},
    ],
)  # fmt: skip
def test_each_form_of_a_row_is_accepted(study, fields):
    study["outcomes"].append(row(**fields))
    read = parse_study(study, "x.yaml").outcomes[2]
    assert read.kind == fields["kind"]
    assert read.sign in (None, "+", "0")


def test_the_observed_value_of_a_count_is_its_share(study):
    study["outcomes"].append(row(kind="proportion", events=3, n=7))
    rows = parse_study(study, "x.yaml").outcomes
    assert rows[2].observed == 3 / 7
    assert (rows[0].observed, rows[1].observed) == (-14, None)


def test_the_same_row_twice_is_refused_even_with_another_number(study):
    twin = study["outcomes"][0] | {"value": -13, "source": "table 2"}
    study["outcomes"].append(twin)
    assert "outcomes.2: says the same as outcomes.0" in refusal(study)
    twin["definition"] = "last observation carried forward"
    assert len(parse_study(study, "x.yaml").outcomes) == 3


def test_a_row_s_id_is_its_own(study):
    study["outcomes"][0]["id"] = study["outcomes"][1]["id"] = "primary"
    assert "outcomes.1.id: 'primary' names two rows" in refusal(study)


def test_arms_and_rows_have_a_ceiling(study):
    many = copy.deepcopy(study)
    many["arms"] += [{"id": f"arm{i}"} for i in range(99)]
    assert "arms: " in refusal(many)
    many["arms"].pop()
    assert len(parse_study(many, "x.yaml").arms) == 100
    rows = [study["outcomes"][0] | {"time_h": float(i)} for i in range(5001)]
    assert "outcomes: " in refusal(study | {"outcomes": rows})
    assert len(parse_study(study | {"outcomes": rows[1:]}, "x.yaml").outcomes) == 5000


def test_several_slips_are_counted_in_the_line(study):
    study["use"], study["outcomes"][0]["n"] = "test", 0
    assert refusal(study).endswith("(and 1 more)")


def test_an_unknown_key_is_told_before_the_key_that_it_leaves_missing(study):
    study["outcomes"][0]["Kind"] = study["outcomes"][0].pop("kind")
    assert "outcomes.0.Kind: unknown key" in refusal(study)
