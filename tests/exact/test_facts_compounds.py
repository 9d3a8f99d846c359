"""A drug is one file and no code: the form of its record, what is refused, and a new drug that runs."""

from __future__ import annotations

import copy
import math
import runpy
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import yaml

from ketalab.errors import FactError
from ketalab.facts import _load, check_facts, compounds, fact, facts
from ketalab.facts._kinetics import Route
from ketalab.facts._product import read_product
from ketalab.model import join
from ketalab.model.body._from_data import from_data
from ketalab.model.tracing import trace
from ketalab.protocol import ROUTES, parse_phrase

Run = runpy.run_path(str(Path(__file__).with_name("_linear_body.py")))["Run"]


def a_fact(name: str, value: float, unit: str) -> dict[str, Any]:
    return {
        "id": name,
        "quantity": f"constant {name}",
        "value": value,
        "unit": unit,
        "source": "made up for a test",
        "grade": "definition",
    }


#: A drug of which half is absorbed, that turns into one metabolite, with its constants in the same file.
RECORD: dict[str, Any] = {
    "id": "testine",
    "names": ["testine", "test drug"],
    "molecules": {"testine": 1},
    "molar_mass": "testine_molar_mass",
    "metabolites": {"nortestine": "nortestine_molar_mass"},
    "kinetics": {
        "human": {
            "parameters": {
                "KA": {"fact": "testine_ka", "unit": "1/h"},
                "F": {"fact": "testine_f", "unit": "fraction"},
                "CL": {
                    "fact": "testine_cl",
                    "unit": "L/h",
                    "powers": [
                        {"of": "weight", "reference": "testine_weight", "exponent": "testine_power"}
                    ],
                },
                "V": {"fact": "testine_v", "unit": "L/kg", "powers": [{"of": "weight"}]},
            },
            "compartments": {"gut": "gut", "central": "blood", "metabolite": "nortestine"},
            "flows": [
                {"from": "gut", "to": "central", "rate": "KA"},
                {"from": "central", "to": "metabolite", "clearance": "CL", "volume": "V"},
                {"from": "metabolite", "to": "out", "rate": "2 * KA"},
            ],
            "entries": [{"route": "oral", "to": "gut", "share": "F"}],
            "observed": [
                {
                    "site": "venous",
                    "molecule": "testine",
                    "compartment": "central",
                    "volume": "V",
                },
                {
                    "site": "venous",
                    "molecule": "nortestine",
                    "compartment": "metabolite",
                    "volume": "V",
                },
            ],
        }
    },
    "facts": [
        a_fact("testine_molar_mass", 200.0, "g/mol"),
        a_fact("nortestine_molar_mass", 186.0, "g/mol"),
        a_fact("testine_ka", 1.0, "1/h"),
        a_fact("testine_f", 0.5, "fraction"),
        a_fact("testine_cl", 300.0, "mL/min"),
        a_fact("testine_weight", 70.0, "kg"),
        a_fact("testine_power", 0.75, "dimensionless"),
        a_fact("testine_v", 2.0, "L/kg"),
    ],
}
Write = Callable[[Any], None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write one more compound file into a copy of the data folder, which the loader then reads."""
    caches = (_load.facts, _load.compounds)
    for folder in ("facts", "compounds", "scales"):
        shutil.copytree(_load.DATA / folder, tmp_path / folder)
    shutil.copy(_load.DATA / "citations.yaml", tmp_path)
    for cached in caches:
        cached.cache_clear()
    monkeypatch.setattr(_load, "DATA", tmp_path)

    def add(record: Any) -> None:
        text = yaml.safe_dump(record, sort_keys=False)
        (tmp_path / "compounds" / "testine.yaml").write_text(text, encoding="utf-8")

    yield add
    monkeypatch.undo()
    for cached in caches:
        cached.cache_clear()


def test_a_new_drug_is_one_file_and_no_code(write: Write) -> None:
    write(RECORD)
    (dose,) = parse_phrase("10 mg test drug oral").administrations
    assert dose.compound == "testine"
    layer = next(layer for layer in from_data("human") if layer.name == "testine")
    assert trace(join((layer,))).linear
    times = np.linspace(0, 24, 49)
    body = Run(layer, weight=60.0)
    micromoles = dose.amount / fact("testine_molar_mass").to("mg/umol")
    made = body.course("plasma:venous:testine", micromoles, "oral", "testine", times)
    k, volume = 18 * (60 / 70) ** 0.75 / 120, 120.0
    form = 0.5 * micromoles / volume / (1 - k) * (np.exp(-k * times) - np.exp(-times))
    assert made == pytest.approx(200 * form, rel=1e-9, abs=1e-9)
    nor = body.course("plasma:venous:nortestine", micromoles, "oral", "testine", times)
    assert nor.max() > 0
    assert not [line for line in check_facts() if "testine" in line]


def changed(path: str, value: Any) -> dict[str, Any]:
    """The record with one place changed; ``DROP`` takes it out."""
    record = copy.deepcopy(RECORD)
    here: Any = record
    *steps, last = path.split("/")
    for step in steps:
        here = here[int(step)] if isinstance(here, list) else here[step]
    key: Any = int(last) if isinstance(here, list) else last
    if value == "DROP":
        del here[key]
    else:
        here[key] = value
    return record


H = "kinetics/human"


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (f"{H}/flows/0/rate", "KB", "flows.0.rate: 'KB' is no parameter; there are KA, F, CL, V"),
        (f"{H}/flows/0/rate", "CL", "flows.0.rate: 'CL' has the unit L h^-1 where 1/h is needed"),
        (f"{H}/flows/0/rate", "CL / V / KA", "has the unit ratio where 1/h is needed"),
        (f"{H}/flows/0/rate", 0.7, "flows.0.rate: 0.7 is a plain number where 1/h is needed"),
        (f"{H}/flows/0/rate", "KA + KA", "'KA + KA' is not allowed; allowed: a number"),
        (f"{H}/flows/0/rate", "__import__('os')", "is not allowed; allowed: a number"),
        (f"{H}/flows/0/rate", "exp(KA)", "is not allowed; allowed: a number"),
        (f"{H}/flows/0/half_life", "F", "gives rate and half_life; allowed: rate, half_life, or"),
        (f"{H}/flows/0/rate", "DROP", "gives nothing; allowed: rate, half_life, or"),
        (f"{H}/flows/1/volume", "DROP", "gives clearance; allowed"),
        (f"{H}/flows/1/volume", "CL", "flows.1.volume: 'CL' has the unit L h^-1 where L is needed"),
        (f"{H}/flows/0/to", "gut", "flows from 'gut' to itself"),
        (f"{H}/flows/0/to", "centre", "'centre' is no compartment; there are gut, central"),
        (f"{H}/compartments/out", "out", "'out' has a meaning of its own"),
        (f"{H}/entries/0/to", "blood", "entries.0.to: 'blood' is no compartment"),
        (f"{H}/entries/0/route", "mouth", "'mouth' is not allowed; one of iv, im"),
        (f"{H}/entries/0/share", "KA", "'KA' has the unit h^-1 where fraction is needed"),
        (f"{H}/entries", [], "entries"),
        (f"{H}/observed/0/site", "toe", "'toe' is not allowed; one of venous, arterial"),
        (f"{H}/observed/0/site", "effect", "an effect site needs `ke0`"),
        (f"{H}/observed/0/site", "brain", "site 'brain' needs `ratio`, to plasma"),
        (f"{H}/observed/0/molecule", "testin", "no molecule of it; there are testine, nortestine"),
        (f"{H}/observed/1/molecule", "testine", "'testine' at 'venous' appears twice"),
        (f"{H}/parameters/KA/unit", "1/min", "'1/min' is not allowed; one of L, L/kg"),
        (f"{H}/parameters/KA/fact", "DROP", "a parameter has either `fact` or `classes`"),
        (f"{H}/parameters/V/powers/0/of", "age", "without `reference` only `of: weight`"),
        (f"{H}/parameters/V/powers", [], "'V' has the unit L kg^-1 where L is needed"),
        (f"{H}/parameters/KA/facts", "x", "unknown key; allowed are unit, fact, classes"),
        ("kinetics/dog", {}, "dog"),
        ("molar_mass", "DROP", "kinetics need one molecule and `molar_mass`"),
        ("molecules", {"testine": 0.5, "other": 0.5}, "kinetics need one molecule"),
        ("inert", True, "an inert compound has no molecules, kinetics or blocks"),
        (
            "blocks",
            [{"target": "AMPA", "remaining": x, "from_h": "b", "to_h": "c"} for x in "ad"],
            "blocks 'AMPA' twice",
        ),
    ],
)
def test_a_malformed_record_is_refused_in_one_line(
    write: Write, path: str, value: Any, said: str
) -> None:
    write(changed(path, value))
    with pytest.raises(FactError) as caught:
        compounds()
    line = str(caught.value)
    assert line.startswith("testine.yaml: record 'testine': ")
    assert said in line
    assert "\n" not in line


def test_nothing_is_left_after_an_entry_without_a_share(write: Write) -> None:
    entries = [{"route": "oral", "to": "gut"}, {"route": "oral", "to": "central", "share": "F"}]
    write(changed(f"{H}/entries", entries))
    with pytest.raises(FactError, match="nothing is left of a dose by 'oral'"):
        compounds()


def test_a_name_of_no_fact_and_a_fact_in_another_unit_are_found_by_the_check(write: Write) -> None:
    record = changed(f"{H}/parameters/KA/fact", "testine_k")
    record["kinetics"]["human"]["parameters"]["F"]["fact"] = "testine_cl"
    write(record)
    said = [line for line in check_facts() if "testine" in line]
    assert said == [
        "compound testine: no fact 'testine_k'; did you mean 'testine_ka'?",
        "compound testine: fact testine_cl: has unit 'mL/min' where 'fraction' is needed",
    ]


def test_a_fact_of_a_compounds_file_is_a_fact_like_others(write: Write) -> None:
    write(RECORD)
    assert facts()["testine_cl"].to("L/h") == pytest.approx(18)
    record = copy.deepcopy(RECORD)
    record["facts"].append(a_fact("memantine_volume", 1.0, "L/kg"))
    write(record)
    _load.facts.cache_clear()
    _load.compounds.cache_clear()
    with pytest.raises(FactError, match="fact 'memantine_volume' is recorded twice"):
        facts()


def test_shares_are_taken_in_turn_of_what_is_left(write: Write) -> None:
    entries = [
        {"route": "oral", "to": "gut", "share": "F"},
        {"route": "oral", "to": "central", "share": "F"},
        {"route": "rectal", "to": "gut", "share": "F"},
        {"route": "rectal", "to": "central"},
    ]
    write(changed(f"{H}/entries", entries))
    body = Run(next(layer for layer in from_data("human") if layer.name == "testine"))
    assert dict(zip(body.names, body.entering("oral", "testine"), strict=True)) == {
        "testine_gut": 0.5,
        "testine_central": 0.25,
        "testine_metabolite": 0,
        "testine_eliminated": 0,
        "testine_unabsorbed": 0.25,
    }
    assert body.entering("rectal", "testine").tolist() == [0.5, 0.5, 0, 0, 0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("CL", 6.0),
        ("CL / V", 2.0),
        ("2 * CL / V", 4.0),
        ("CL / V / 4", 0.5),
        (3, 3.0),
        ("1e2", 100),
    ],
)
def test_a_product_is_worked_out_from_left_to_right(text: float | str, value: float) -> None:
    assert math.isclose(read_product(text).of({"CL": 6.0, "V": 3.0}), value)


@pytest.mark.parametrize(
    "text", ["", "CL -V", "CL / ", "(CL)", "CL V", "CL ** 2", "a.b", "1" * 200]
)
def test_other_text_is_no_value(text: str) -> None:
    with pytest.raises(ValueError, match="is not allowed; allowed: a number"):
        read_product(text)


def test_the_routes_of_a_record_are_those_of_a_phrase() -> None:
    assert set(get_args(Route)) <= set(ROUTES)


def test_the_packaged_compounds_pass_the_check() -> None:
    assert not [line for line in check_facts() if line.startswith("compound ")]
