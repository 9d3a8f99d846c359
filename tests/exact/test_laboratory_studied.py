"""The table of studied doses holds the records, and a scenario beyond them says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ketalab._files import read_yaml
from ketalab.facts import DATA, citations
from ketalab.laboratory import Scenario, studied_warnings
from ketalab.laboratory._studied import (
    FORMS,
    base_mg,
    manner_of,
    studied,
    studied_doses,
    studied_range,
)
from ketalab.people import Population
from ketalab.protocol import ROUTES, Administration, parse_phrase

RECORDS = ("pk_observations", "seed_clinical", "seed_mechanism", "trials_more")
FORM_OF = {
    "racemic ketamine": "ketamine",
    "esketamine": "esketamine",
    "S-ketamine": "esketamine",
    "R-ketamine": "arketamine",
    "R-ketamine HCl": "arketamine",
}
ROUTE_OF = {"intranasal": "nasal", "inhaled (nebulised)": "inhaled"}
#: Recalled and not read in a source, by the record's own word.
UNREAD = {"laje2012", "tian2023", "lii2023_anaesthesia_masked", "galvez2018_in"}
CHILDREN = {"herd2007_children_iv", "brunette2011_oral_children", "malinovsky1996"}


def records() -> Iterator[dict[str, Any]]:
    for name in RECORDS:
        yield from read_yaml(DATA / "records" / f"{name}.yaml")


def treatments() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every treatment of people with a dose that is a number."""
    for record in records():
        if record.get("species", "human") != "human" or record["id"] in UNREAD:
            continue
        arms = record.get("arms") or []
        found = [t for arm in arms for t in arm.get("treatments") or []]
        found += [record["treatment"]] if "treatment" in record else []
        for treatment in found:
            dose = treatment.get("dose")
            if isinstance(dose, int | float) and dose > 0 and treatment["compound"] in FORM_OF:
                yield record["id"], treatment


def warned(phrase: str, **options: Any) -> list[str]:
    return studied_warnings(Scenario.parse(phrase, **options))


def test_every_numeric_dose_of_the_packaged_records_lies_within_the_table() -> None:
    seen = 0
    for name, treatment in treatments():
        form = FORM_OF[treatment["compound"]]
        route = ROUTE_OF.get(treatment["route"], treatment["route"])
        if "prolonged" in treatment.get("form", ""):
            route = "oral extended-release"
        people = "children" if name in CHILDREN else "adults"
        for one in route.split("/"):
            ranges = studied_doses(form, one, people=people)
            units = [r for r in ranges if r.unit == treatment["unit"]]
            assert units, (name, form, one)
            low, high = min(r.lowest.dose for r in units), max(r.highest.dose for r in units)
            assert low <= treatment["dose"] <= high, (name, treatment)
            seen += 1
    assert seen > 60


def test_every_record_named_is_packaged_or_its_source_is_told() -> None:
    known = {record["id"] for record in records()} | set(studied().sources)
    named = {end.record for entry in studied().doses for end in (entry.lowest, entry.highest)}
    assert named <= known
    assert set(studied().sources) <= named
    assert not named & UNREAD


def test_the_table_names_routes_forms_and_citations_that_exist() -> None:
    for entry in studied().doses:
        assert entry.form in FORMS
        assert entry.route in ROUTES
        assert entry.lowest.dose <= entry.highest.dose
    for model in studied().models:
        assert set(model.citations) <= set(citations())


def test_a_studied_dose_gives_no_warning() -> None:
    assert warned("0.5 mg/kg ketamine iv over 40 min") == []
    assert warned("56 mg esketamine nasal by device twice weekly x 8") == []


def test_a_dose_of_zero_gives_no_warning() -> None:
    assert warned("0 mg arketamine nasal") == []


def test_a_dose_above_the_records_is_named_with_the_range_and_the_records() -> None:
    (line,) = warned("200 mg ketamine nasal")
    assert line == (
        "ketamine nasal: 200 mg lies above all human records here "
        "(10 to 50 mg in phar2669_in10 and phar2669_in50)"
    )


def test_a_dose_below_the_records_is_named_too() -> None:
    (line,) = warned("0.05 mg/kg ketamine sc")
    assert "below all human records" in line


def test_a_dose_per_kilogram_is_judged_in_the_weight_of_the_typical_person() -> None:
    assert warned("140 mg ketamine oral", population=Population(weight_kg=70)) == []
    assert warned("140 mg ketamine oral", population=Population(weight_kg=60)) != []


def test_a_form_without_human_data_by_a_route_says_so_once() -> None:
    (line,) = warned("20 mg arketamine nasal daily x 5")
    assert line.startswith("arketamine nasal: no human data")


def test_an_infusion_of_days_is_judged_by_its_rate() -> None:
    assert warned("1.2 mg/kg/h ketamine iv for 72 h") == []
    for rate, side in (("3", "above"), ("0.5", "below")):
        (line,) = warned(f"{rate} mg/kg/h ketamine iv for 72 h")
        assert f"lies {side} all human records" in line


def test_hydrochloride_is_weighed_as_base() -> None:
    base = base_mg(parse_phrase("180 mg arketamine hydrochloride iv").administrations[0], 70.0)
    assert base == pytest.approx(180 * 237.725 / 274.2, rel=1e-3)
    assert warned("180 mg arketamine hydrochloride iv") == []


def test_weights_and_ages_beyond_the_people_of_the_model_name_it() -> None:
    phrase = "0.5 mg/kg ketamine iv over 40 min"
    (line,) = warned(phrase, population=Population(weight_kg=180))
    assert line.startswith("weight 180 kg lies outside 39 to 170 kg")
    assert "Simons 2022, Perez-Ruixo 2021" in line
    (line, *_) = warned(phrase, population=Population(age=90))
    assert line.startswith("age 90 years lies outside 18 to 86 years")


def test_other_drugs_and_doses_of_pumps_are_not_judged() -> None:
    assert warned("0.045 mg/kg midazolam iv over 40 min") == []
    assert warned("150 ng/mL ketamine iv for 30 min") == []


def test_every_variant_of_a_mix_is_judged() -> None:
    (line,) = warned("flexible 20 or 200 mg ketamine nasal")
    assert "200 mg" in line


def test_a_range_leaves_out_rates_and_is_none_without_doses() -> None:
    rates = [e for e in studied_doses("ketamine", "iv") if e.unit == "mg/kg/h"]
    assert rates
    assert studied_range(rates, 70.0) is None
    assert studied_range(studied_doses("ketamine", "nasal", people="adults"), 70.0) == (10, 50)


def test_a_bolus_an_infusion_and_a_day_long_one_are_told_apart() -> None:
    def manner(hours: float) -> str:
        return manner_of(Administration(0.0, 1.0, False, hours, "ketamine"))

    assert [manner(h) for h in (0.0, 0.7, 24.0, 25.0)] == [
        *("bolus", "infusion", "infusion", "long infusion")
    ]
