"""Facts: every number has a source, a unit and a range; dishonest records are refused."""

from __future__ import annotations

import ast
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ketalab
from ketalab import facts as room
from ketalab.errors import FactError, InputError, UnitError
from ketalab.facts import (
    Fact,
    _load,
    check_unit,
    citations,
    compounds,
    conditions,
    convert,
    fact,
    facts,
    pumps,
    quoted_facts,
    scales,
    thin_harms,
)
from ketalab.laboratory import (
    CONTROLS,
    animal_model,
    body_model,
    facts_of_settings,
    human_model,
    hypotheses,
)
from ketalab.people import PEOPLE_FACTS, Population, Streams, draw, population_facts
from ketalab.protocol import regimens
from ketalab.spiking import (
    CORTEX_NUMBERS,
    CORTEX_TIMES,
    FIT_FACTS,
    KINDS_FACTS,
    NEURON_FACTS,
    RECORD_FACTS,
)
from ketalab.spiking._cortex_constants import RANGES
from ketalab.studies import list_studies, load_study
from ketalab.studies._measurement import facts_of_measurement

SOURCE = Path(ketalab.__file__).parent
RECORD = {
    "id": "a_clearance",
    "quantity": "clearance",
    "value": 2.0,
    "unit": "L/h",
    "source": "a table",
    "grade": "derived",
}
SWITCH = {"kind": "switch"}
RANGE = {"kind": "range", "interval": [1.0, 3.0]}
#: Facts that code reads by name, and where; every other fact is a constant of a layer, of a
#: compound, of a scale, or of the default population.
READ_BY_CODE = {
    "urinary_window": "laboratory/_course.py",
    "expectation_lasts": "laboratory/_course.py",
    "between_study_control": "studies/_replay.py",
    "between_study_drug": "studies/_replay.py",
    "assay_scatter": "studies/_scatter.py",
    "rhythm_scatter": "studies/_scatter.py",
    "imaging_scatter": "studies/_scatter.py",
}


def refusal(call: Callable[[], object]) -> str:
    """The one line with which bad input is refused."""
    with pytest.raises(InputError) as caught:
        call()
    line = str(caught.value)
    assert line
    assert "\n" not in line
    return line


def load_from(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> Any:
    """Load the facts of a data folder that holds one file."""
    (folder / "facts").mkdir()
    (folder / "facts" / "made.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(_load, "DATA", folder)
    return _load.facts.__wrapped__()


# --- the records of the house ---------------------------------------------------------------------


def test_every_fact_validates_again_from_its_own_dump() -> None:
    assert len(facts()) > 50
    for name, record in facts().items():
        assert record.id == name
        assert Fact.model_validate(record.model_dump()) == record


def test_every_assumed_fact_has_a_range_that_holds_its_value() -> None:
    for record in facts().values():
        if record.assumed:
            assert record.spread is not None, record.id
            assert record.switch or min(record.uncertainty()) > 0, record.id
        if record.spread is not None and record.spread.interval is not None:
            low, high = record.spread.interval
            assert low <= record.value <= high, record.id


def test_every_citation_key_resolves_and_read_numbers_have_one() -> None:
    for record in facts().values():
        if record.citation is not None:
            assert citations()[record.citation]["title"], record.id
        if record.grade in ("measured", "secondary"):
            assert record.citation is not None, record.id


def test_the_unit_of_every_fact_is_a_unit() -> None:
    for record in facts().values():
        assert record.to(record.unit) == record.value
        room.parse_unit(record.unit, record.id)


def test_the_facts_that_compounds_and_scales_name_are_on_record() -> None:
    for compound in compounds().values():
        for name in (compound.molar_mass, compound.hydrochloride):
            assert name is None or fact(name).to("g/mol") > 0
        assert not compound.molecules or math.isclose(sum(compound.molecules.values()), 1.0)
    for scale in scales().values():
        if scale.remission_at_most is not None:
            assert fact(scale.granularity).value <= fact(scale.remission_at_most).value
            assert fact(scale.remission_at_most).value < fact(scale.baseline_mean).value
        assert fact(scale.baseline_mean).value < fact(scale.maximum).value


def test_every_fact_is_used_by_something() -> None:
    used = {*human_model().joined.facts(), *PEOPLE_FACTS, *READ_BY_CODE}
    used |= set(animal_model("rat").joined.facts())
    used |= {*facts_of_settings(human_model().inputs), *population_facts(Population(age=5))}
    for species in ("rat", "mouse", "in_vitro"):
        used |= {
            *body_model(species).joined.facts(),
            *population_facts(Population(species=species)),
        }
    for compound in compounds().values():
        used |= set(compound.fact_ids())
    for scale in scales().values():
        named = scale.model_dump(exclude={"id", "name", "measures"}).values()
        used |= {name for name in named if name is not None}
    used |= {name for condition in conditions().values() for name in condition.facts}
    used |= {name for harm in thin_harms().values() for name in harm.facts}
    used |= {n for one in regimens().values() for text in one.texts for n in quoted_facts(text)}
    for pump in pumps().values():
        used |= set(pump.facts)
    used |= {control.lasts for control in CONTROLS.values() if control.lasts}
    used |= {hypothesis.fact for hypothesis in hypotheses().values()}
    used |= {*NEURON_FACTS, *KINDS_FACTS, *RECORD_FACTS, *FIT_FACTS}
    used |= {*CORTEX_NUMBERS.values(), *CORTEX_TIMES.values()}
    used |= {f"cortex_band_{name.lower()}_{end}" for name in RANGES for end in ("low", "high")}
    for study in list_studies():
        rows = load_study(study).outcomes
        used |= set(facts_of_measurement(rows))
        # Of an assay that no row names there is a fact too: for rows that name none.
        used |= set(facts_of_measurement([row.model_copy(update={"assay": None}) for row in rows]))
    assert sorted(facts().keys() - used) == []
    assert sorted(used - facts().keys()) == []


@pytest.mark.parametrize(("name", "place"), READ_BY_CODE.items())
def test_a_fact_that_code_reads_by_name_is_named_in_that_file(name: str, place: str) -> None:
    tree = ast.parse((SOURCE / place).read_text(encoding="utf-8"))
    words = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert name in words


def test_the_default_population_reads_all_the_facts_that_it_lists(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from ketalab.people import _draw

    read = set()

    def reading(name: str) -> Fact:
        read.add(name)
        return fact(name)

    monkeypatch.setattr(_draw, "fact", reading)
    draw(Population(), Streams(1), 2)
    assert read == set(PEOPLE_FACTS)


def test_an_unknown_fact_is_refused_with_the_nearest() -> None:
    assert "did you mean 'ketamine_v1'" in refusal(lambda: fact("ketamin_v1"))


# --- what a record may say ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"grade": "assumed"}, "needs a spread"),
        ({"verified": False}, "needs a spread"),
        ({"grade": "measured"}, "needs a citation"),
        ({"grade": "secondary"}, "needs a citation"),
        ({"grade": "guessed"}, "grade"),
        ({"value": math.nan}, "value"),
        ({"value": math.inf}, "value"),
        ({"value": None}, "value"),
        ({"id": "A fact"}, "id"),
        ({"colour": "red"}, "colour"),
        ({"spread": {"kind": "se"}}, "se needs"),
        ({"spread": {"kind": "se", "value": 1.0, "interval": [1.0, 3.0]}}, "se needs"),
        ({"spread": {"kind": "range", "value": 1.0}}, "need `interval"),
        ({"spread": {"kind": "range", "interval": [3.0, 1.0]}}, "low must be below high"),
        ({"spread": {"kind": "range", "interval": [math.nan, 3.0]}}, "low must be below high"),
        ({"spread": {"kind": "range", "interval": [1.0, math.inf]}}, "must lie inside"),
        ({"spread": {"kind": "range", "interval": [0.0, 3.0]}}, "must lie inside"),
        ({"spread": RANGE, "support": "fraction"}, "must lie inside"),
        ({"value": -2.0, "spread": {"kind": "se", "value": 1.0}}, "must lie inside"),
        ({"spread": {"kind": "se", "value": math.nan}}, "spread"),
        ({"spread": {"kind": "se", "value": math.inf}}, "spread"),
        ({"spread": {"kind": "se", "value": -1.0}}, "spread"),
        ({"spread": SWITCH}, "must be a weight from 0 to 1, dimensionless"),
        ({"spread": SWITCH, "value": 0.5}, "must be a weight from 0 to 1, dimensionless"),
        ({"spread": SWITCH, "unit": "dimensionless"}, "must be a weight from 0 to 1"),
        ({"spread": SWITCH, "value": -0.1, "unit": "dimensionless"}, "must be a weight"),
        ({"spread": {**SWITCH, "value": 0.5}}, "switch takes no `value`"),
        ({"spread": {**SWITCH, "interval": [0.1, 0.9]}}, "switch takes no `value`"),
    ],
)
def test_a_dishonest_record_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], words: str
) -> None:
    import yaml

    text = yaml.safe_dump([{**RECORD, **change}])
    line = refusal(lambda: load_from(tmp_path, monkeypatch, text))
    assert "made.yaml" in line
    assert "record" in line
    assert words in line


def test_an_honest_record_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import yaml

    record = {**RECORD, "grade": "assumed", "spread": RANGE}
    made = load_from(tmp_path, monkeypatch, yaml.safe_dump([record]))
    assert made["a_clearance"].assumed
    assert made["a_clearance"].value == 2.0


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_a_switch_is_a_weight_without_a_scale(weight: float) -> None:
    record = Fact.model_validate(
        {**RECORD, "value": weight, "unit": "dimensionless", "spread": SWITCH, "grade": "assumed"}
    )
    assert record.switch
    assert record.assumed
    assert record.uncertainty() == (0.0, 0.0)
    assert not Fact.model_validate(RECORD).switch


def test_two_facts_of_one_id_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import yaml

    text = yaml.safe_dump([RECORD, {**RECORD, "value": 3.0}])
    with pytest.raises(FactError, match="fact 'a_clearance' is recorded twice"):
        load_from(tmp_path, monkeypatch, text)


# --- units ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "unit", "to", "expected"),
    [
        (1.48, "L/min", "L/h", 88.8),
        (20.1, "min", "h", 0.335),
        (237.725, "g/mol", "mg/umol", 0.237725),
        (1.0, "umol/L", "micromolar", 1.0),
        (50.0, "percent", "fraction", 0.5),
        (1.0, "ng/mL", "ug/L", 1.0),
        (2.0, "mg/kg", "ug/g", 2.0),
    ],
)
def test_units_convert(value: float, unit: str, to: str, expected: float) -> None:
    assert convert(value, unit, to) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("unit", "to"), [("ng/mL", "L/h"), ("kg", "fraction"), ("umol/L", "ng/mL")]
)
def test_a_mismatch_of_units_prints_both(unit: str, to: str) -> None:
    line = refusal(lambda: check_unit(unit, to, "port x"))
    assert repr(unit) in line
    assert repr(to) in line
    assert "port x" in line
    with pytest.raises(UnitError, match="fact ketamine_v1: has unit 'L' where 'kg' is needed"):
        fact("ketamine_v1").to("kg")


@pytest.mark.parametrize("unit", ["flagons", "mg/", "(", "2 mg", "9 * L", "__import__('os')"])
def test_what_is_no_unit_is_refused_with_its_text(unit: str) -> None:
    line = refusal(lambda: room.parse_unit(unit, "row 3"))
    assert line == f"row 3: {unit!r} is not a unit that can be read"


def test_a_tower_of_powers_is_refused_before_it_is_worked_out() -> None:
    code = (
        "from ketalab.errors import UnitError\n"
        "from ketalab.facts import parse_unit\n"
        "try:\n    parse_unit('m**9**9**9')\n"
        "except UnitError:\n    print('refused')\n"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=True
        )
    except subprocess.TimeoutExpired:
        pytest.fail("a unit in a file made the reader count for ever")
    assert done.stdout.strip() == "refused"


# --- the scale on which uncertainty is drawn ------------------------------------------------------


def on_scale(support: str, value: float) -> Fact:
    return Fact.model_validate({**RECORD, "support": support, "value": value})


@given(st.floats(1e-6, 1e6))
def test_a_positive_number_comes_back_from_its_scale(x: float) -> None:
    from ketalab.laboratory import from_scale

    record = on_scale("positive", x)
    assert math.isclose(float(from_scale(record, np.array(record.scale(x)))), x, rel_tol=1e-13)


@given(st.floats(1e-6, 1 - 1e-6))
def test_a_fraction_comes_back_from_its_scale(x: float) -> None:
    from ketalab.laboratory import from_scale

    record = on_scale("fraction", x)
    back = float(from_scale(record, np.array(record.scale(x))))
    assert 0 < back < 1
    assert math.isclose(back, x, rel_tol=1e-9)


@given(st.floats(-1e6, 1e6))
def test_a_real_number_is_its_own_scale(x: float) -> None:
    from ketalab.laboratory import from_scale

    record = on_scale("real", x)
    assert float(from_scale(record, np.array(record.scale(x)))) == x


@given(st.floats(0.01, 100), st.floats(1.01, 10), st.sampled_from(["ci95", "ci90", "range"]))
def test_an_interval_symmetric_in_the_log_gives_its_standard_deviation(
    value: float, factor: float, kind: str
) -> None:
    z = 1.959963984540054 if kind == "ci95" else 1.6448536269514722
    spread = {"kind": kind, "interval": [value / factor, value * factor]}
    record = Fact.model_validate({**RECORD, "value": value, "spread": spread})
    sd = math.log(factor) / z
    assert record.uncertainty() == (pytest.approx(sd, rel=1e-9), pytest.approx(sd, rel=1e-9))


def test_an_interval_that_lies_unevenly_about_its_value_has_two_standard_deviations() -> None:
    spread = {"kind": "ci90", "interval": [1.0, 4.0]}
    record = Fact.model_validate({**RECORD, "support": "real", "value": 2.0, "spread": spread})
    below, above = record.uncertainty()
    assert above == pytest.approx(2 * below)
    with pytest.raises(ValueError, match="outside its interval"):
        Fact.model_validate({**RECORD, "support": "real", "value": 5.0, "spread": spread})


def test_a_standard_error_is_carried_to_the_scale_of_the_support() -> None:
    spread = {"kind": "se", "value": 0.1}
    made = {
        support: Fact.model_validate(
            {**RECORD, "value": 0.4, "support": support, "spread": spread}
        ).uncertainty()[0]
        for support in ("positive", "fraction", "real")
    }
    assert made == pytest.approx({"positive": 0.1 / 0.4, "fraction": 0.1 / 0.24, "real": 0.1})
