"""What the words of concentration records say: keys of metrics, quantities, units, analytes, drugs, routes."""

from __future__ import annotations

import pytest

from ketalab.studies._analytes import read_analyte, read_drug
from ketalab.studies._given import read_route
from ketalab.studies._metric_keys import read_key, read_unit, said_in_words

KEYS = [
    ("cmax", ("cmax", None, None, "")),
    ("cmax_ng_mL", ("cmax", "ng/mL", None, "")),
    ("cmax_uM", ("cmax", "umol/L", None, "")),
    ("median_cmax_ug_L", ("cmax", "ug/L", None, "median")),
    ("cmax_geomean_nmol_mL", ("cmax", "nmol/mL", None, "geometric")),
    ("tmax_min", ("tmax", "min", None, "")),
    ("tmax_h_median", ("tmax", "h", None, "median")),
    ("auc0_6h_ng_min_mL", ("auc", "ng*min/mL", (0, 6), "")),
    ("auc0_24_ng_h_mL", ("auc", "ng*h/mL", (0, 24), "")),
    ("auc0_480min_h_ng_mL", ("auc", "ng*h/mL", (0, 8), "")),
    ("AUC0-inf_ug*h/L", ("auc", "ug*h/L", None, "")),
    ("auc_inf_umol_h_L", ("auc", "umol*h/L", None, "")),
    ("auc_last_ng_h_mL", ("auc", "ng*h/mL", None, "")),
    ("t_half_h", ("half_life", "h", None, "")),
    ("half_life_min", ("half_life", "min", None, "")),
    ("t1_2_h", ("half_life", "h", None, "")),
    ("F", ("bioavailability", None, None, "")),
    ("bioavailability_percent", ("bioavailability", None, None, "")),
]


@pytest.mark.parametrize(("key", "says"), KEYS, ids=[key for key, _ in KEYS])
def test_what_a_key_says(key, says):
    said = read_key(key)
    assert (said.kind, said.unit, said.window_h, said.average) == says


def test_keys_of_concentrations_and_ratios_and_analytes():
    assert read_key("conc_40min_ng_mL").time_h == pytest.approx(2 / 3, abs=1e-6)
    assert read_key("c24h_ug_L").time_h == 24
    assert read_key("auc0_12_ratio").ratio
    assert read_key("cmax_change_percent").change
    assert read_key("esk_cmax").analyte == "S-ketamine"
    assert read_key("hnk_auc_inf_ng_h_mL").analyte == "hydroxynorketamine"
    assert read_key("auc0_8h_ng_h_mL_each_enantiomer_range").each
    for key in ("absorption_half_time_min", "clearance_L_h", "protein_binding_percent", "foo", "c"):
        assert read_key(key) is None


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("ng/ml", "ng/mL"), ("µg/L", "ug/L"), ("mcg/mL", "ug/mL"), ("uM", "umol/L"), ("nM", "nmol/L"),
        ("ng·h/mL", "ng*h/mL"), ("h*ng/mL", "ng*h/mL"), ("ng.h/mL", "ng*h/mL"), ("ng h mL-1", "ng*h/mL"),
        ("hours", "h"), ("minutes", "min"), ("mL/min/kg", "mL/min/kg"), ("percent", "percent"),
    ],
)  # fmt: skip
def test_units_are_spelt_as_the_study_file_spells_them(text, unit):
    assert read_unit(text) == unit


@pytest.mark.parametrize(
    ("text", "analyte"),
    [
        ("(S)-ketamine", "S-ketamine"), ("S(+)-ketamine", "S-ketamine"), ("esketamine", "S-ketamine"),
        ("arketamine", "R-ketamine"), ("noresketamine", "S-norketamine"), ("ketamine (total)", "ketamine"),
        ("R,S-ketamine", "ketamine"), ("(2R,6R)-HNK", "R-hydroxynorketamine"), ("2S,6S-HNK", "S-hydroxynorketamine"),
        ("(2R,6R;2S,6S)-HNK", "hydroxynorketamine"), ("S-DHNK", "S-dehydronorketamine"), ("R-NK", "R-norketamine"),
        ("S HNK/ketamine AUC ratio", "S-hydroxynorketamine/S-ketamine"),
        ("norketamine/ketamine relative amount", "norketamine/ketamine"),
        ("free ketamine", "free ketamine"), ("S-norketamine (free)", "S-norketamine (free)"), ("both", "both"),
    ],
)  # fmt: skip
def test_names_of_analytes(text, analyte):
    assert read_analyte(text) == analyte


def test_of_two_drugs_given_on_separate_days_the_one_that_is_measured_is_meant():
    words = "S-ketamine HCl and R-ketamine HCl, separate days"
    assert read_drug(words, "R-ketamine") == ("arketamine", "hydrochloride")
    assert read_drug(words, "S-norketamine") == ("esketamine", "hydrochloride")
    assert read_drug("S(+)-ketamine") == ("esketamine", None)
    assert read_drug("esketamine (as hydrochloride)") == ("esketamine", "hydrochloride")


@pytest.mark.parametrize(
    ("text", "form", "route"),
    [
        ("intravenous", "", "iv"), ("injection", "", "iv"), ("intranasal", "spray", "nasal"), ("i.m.", "", "im"),
        ("subcutaneous", "", "sc"), ("sublingual/buccal", "oral thin film", "sublingual"), ("PO", "", "oral"),
        ("oral", "prolonged-release tablet", "oral extended-release"), ("rectal suppository", "", "rectal"),
        ("inhaled (nebulised)", "", "inhaled"), ("oral tablet", "", "oral"), ("", "nasal spray", "nasal"),
        ("sublingual tablet and suppository", "", "sublingual tablet and suppository"), ("moon", "", "moon"),
    ],
)  # fmt: skip
def test_routes_by_their_spellings(text, form, route):
    assert read_route(text, form) == route


QUANTITIES = [
    ("concentration at 10 min", ("concentration", 1 / 6)),
    ("median serum concentration 2 h after 1 mg/kg", ("concentration", 2)),
    ("half-life", ("half_life", None)),
    ("time to peak", ("tmax", None)),
    ("maximum concentration", ("cmax", None)),
    ("AUC 0-8 h", ("auc", None)),
    ("bioavailability", ("bioavailability", None)),
]


@pytest.mark.parametrize(("words", "says"), QUANTITIES)
def test_what_a_quantity_in_words_says(words, says):
    said = said_in_words(words)
    assert said.kind == says[0]
    assert said.time_h == (None if says[1] is None else pytest.approx(says[1], abs=1e-6))
    assert said_in_words("AUC 0-8 h").window_h == (0, 8)
    assert said_in_words("opinion") is None
