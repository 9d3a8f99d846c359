"""The dosing phrase: what it refuses, and how it says so."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ketalab.errors import InputError, PhraseError
from ketalab.protocol import MAX_CHARACTERS, ROUTES, Treatment, parse_phrase

DRUGS = {
    drug: SimpleNamespace(id=drug, names=(drug,))
    for drug in ("ketamine", "esketamine", "midazolam", "naltrexone", "saline", "nitrous oxide")
}


def refuse(text: str) -> PhraseError:
    with pytest.raises(PhraseError) as caught:
        parse_phrase(text, compounds=DRUGS)
    assert "\n" not in str(caught.value)
    return caught.value


#: Phrase with the column of its fault marked by "|", and words that the message must hold.
FAULTS = [
    ("0.5 mg/kg |ketamin iv", "unknown drug 'ketamin'", "did you mean 'ketamine'?"),
    ("0.5 mg/kg |aspirin oral", "unknown drug 'aspirin'", "allowed: esketamine, ketamine"),
    ("0.5 mg/kg |nitrous oxyde inhaled", "unknown drug 'nitrous'", "'nitrous oxide'"),
    ("0.5 mg/kg ketamine |intravenus", "unknown route 'intravenus'", "did you mean 'intravenous'?"),
    ("0.5 mg/kg ketamine |smoked", "unknown route 'smoked'", ", ".join(ROUTES)),
    ("0.5 mg/kg ketamine |hydrocloride iv", "unknown form", "did you mean 'hydrochloride'?"),
    ("0.5 mg/kg ketamine |citrate iv", "unknown form 'citrate'", "allowed: base, hydrochloride"),
    ("0.5 mg/kg |hydrochloride ketamine iv", "'hydrochloride' must follow the name of a drug"),
    ("0.5 |mL ketamine iv", "unknown unit 'mL'", "allowed: ug, mg, g"),
    ("0.5 |mgs ketamine iv", "unknown unit 'mgs'", "did you mean 'mg'?"),
    ("0.5 mg/|lb ketamine iv", "unknown unit, per 'lb'", "per kg and per min or h"),
    ("20 mg/|day ketamine oral", "unknown unit, per 'day'", "'daily x 5'"),
    ("0.5 |ketamine iv", "unit missing before 'ketamine'"),
    ("ketamine iv 0.5|", "unit missing after a number"),
    ("5 |min ketamine iv", "'min' is a time"),
    ("0.5|-0.9 mg/kg ketamine iv", "a range is not a dose", "titrated"),
    ("56 |or 84 mg ketamine nasal", "needs 'flexible'"),
    ("|mg/kg ketamine iv", "number missing before 'mg/kg'"),
    ("|ketamine iv over 40 min", "number missing"),
    ("5 mg ketamine iv over |min", "number missing after 'over'", "found 'min'"),
    ("5 mg ketamine iv over|", "number missing after 'over'", "the phrase ends"),
    ("5 mg ketamine iv over 40 |parsecs", "unknown unit of time 'parsecs'", "s, min, h, d, weeks"),
    ("5 mg ketamine iv over 40|", "unit of time missing"),
    ("|-5 mg ketamine iv", "negative number -5", "0 or more"),
    ("5 mg ketamine iv over |-40 min", "negative number -40"),
    ("|0,5 mg/kg ketamine iv", "decimal point (0.5)"),
    ("|1,000 mg ketamine oral", "no thousands separator"),
    ("|nan mg ketamine iv", "'nan' is not a finite number"),
    ("|-inf mg ketamine iv", "not a finite number"),
    ("5 mg ketamine iv over |infinity min", "not a finite number"),
    ("|1e400 mg ketamine iv", "too large for a number"),
    ("5 mg ketamine iv over |0 min", "an infusion over no time", "'bolus'"),
    ("5 mg/h ketamine iv for |0 h", "an infusion for no time"),
    ("5 mg ketamine iv over |0.001 min", "less than 1 s"),
    ("5 mg ketamine iv over 2 h |every 1 h x 2", "2 h every 1 h overlaps itself"),
    ("|10001 mg/kg ketamine ip", "10,001 mg/kg is absurd", "at most 10,000 mg/kg"),
    ("|1001 g ketamine oral", "1,001,000 mg is absurd", "at most 1,000,000 mg"),
    ("|100 g/min ketamine iv for 11 min", "1,100,000 mg is absurd"),
    ("5 mg ketamine iv over |366 d", "an infusion over 366 d is absurd", "at most 365 d"),
    ("5 mg ketamine iv at |200000 weeks", "absurd", "at most 100 years"),
    ("5 mg ketamine iv |every 1000 weeks x 20", "years is absurd"),
    ("5 mg ketamine iv weekly x 5000, then |weekly x 5000", "191.781 years after t = 0"),
    ("5 mg ketamine iv daily x |20001", "20001 doses", "at most 20,000"),
    ("5 mg ketamine iv |every 1 min for 2 weeks", "20,160 doses", "at most 20,000"),
    ("flexible 1 or 2 mg ketamine iv |daily x 15000", "30,000 doses over 2 variants"),
    ("5 mg ketamine iv |every 0 h x 3", "every 0 h"),
    ("5 mg ketamine iv daily x |2.5", "whole number from 1"),
    ("5 mg ketamine iv daily x |0", "whole number from 1"),
    ("5 mg ketamine iv daily |for 0 d", "a course for no time"),
    ("5 mg ketamine iv daily x 5 |for 3 d", "write either"),
    ("5 mg ketamine iv |x 5", "needs a schedule"),
    ("5 mg ketamine iv |25 times daily x 5", "must be 1 to 24"),
    ("5 mg ketamine iv daily |once", "write either"),
    ("5 mg ketamine iv |twice", "'twice daily' or 'twice weekly'"),
    ("5 mg ketamine iv every other |30 h x 2", "'day' or 'week' missing"),
    ("|0.14 mg/kg/h ketamine iv", "a rate needs the time"),
    ("5 mg ketamine iv |for 40 min", "an amount is given 'over' a time"),
    ("ketamine iv |for 40 min 5 mg", "an amount is given 'over' a time"),
    ("5 mg ketamine iv bolus |over 40 min", "write either"),
    ("5 mg ketamine iv over 40 min |bolus", "write either"),
    ("5 mg ketamine nasal |bolus", "'bolus' with the route nasal"),
    ("5 mg ketamine oral |over 10 min", "'over' with the route oral"),
    ("5 mg ketamine |esketamine iv", "second drug in one dose"),
    ("5 mg ketamine iv |oral", "second route in one dose"),
    ("5 mg ketamine iv |6 mg", "second amount in one dose"),
    ("5 mg ketamine iv at 1 h |at 2 h", "second 'at' in one dose"),
    ("5 mg ketamine iv by |", "device missing after 'by'"),
    ("5 mg ketamine by |iv", "device missing after 'by'", "found 'iv'"),
    ("5 mg ketamine nasal by |atomisr", "unknown device 'atomisr'", "did you mean 'atomiser'?"),
    ("5 mg ketamine nasal by |pump", "allowed for nasal: device, spray, atomiser"),
    ("5 mg ketamine iv by |spray", "'by spray' with the route iv", "device, spray, atomiser"),
    ("5 mg ketamine iv by |domino", "pump 'domino' without a target", "150 ng/mL"),
    ("5 mg ketamine nasal by |domino", "pump 'domino' without a target"),
    ("5 mg ketamine oral |held 10 min", "'held' with the route oral", "sublingual and buccal"),
    ("5 mg ketamine buccal held |0 min", "held for no time", "at most 2 h"),
    ("5 mg ketamine buccal held for |3 h", "held for 3 h", "at most 2 h"),
    ("5 mg ketamine buccal held|", "number missing after 'held'"),
    ("5 mg ketamine buccal held 5 min |held 5 min", "second 'held'"),
    ("150 |ng ketamine iv", "unknown unit 'ng'", "a target in plasma is in ng/mL, ug/mL, mg/L"),
    ("0.5 mg/kg/|mL ketamine iv", "per 'mL'", "a target in plasma is in ng/mL"),
    ("|150 ng/mL ketamine iv", "needs the time that it is held"),
    ("150 ng/mL ketamine iv |over 30 min", "needs the time that it is held"),
    ("150 ng/mL ketamine iv for 30 min |bolus", "'for' and 'bolus'"),
    ("|150 ng/mL ketamine im for 30 min", "a target in plasma with the route im"),
    ("150 ng/mL ketamine |hcl iv for 30 min", "form 'hydrochloride' of a target"),
    ("|20001 ng/mL ketamine iv for 30 min", "20,001 ng/mL is absurd", "at most 20,000 ng/mL"),
    ("|1 mg/mL ketamine iv for 30 min", "1,000,000 ng/mL is absurd"),
    ("150 ng/mL |to 300 ng/mL ketamine iv for 30 min", "a target is one concentration"),
    ("flexible |150 or 300 ng/mL ketamine iv for 30 min", "a target is one concentration"),
    ("titrated |150 to 300 ng/mL ketamine iv for 30 min", "a target is one concentration"),
    ("150 ng/mL ketamine iv for 30 min by |domin", "unknown pump 'domin'", "'domino'?"),
    ("150 ng/mL esketamine iv for 30 min by |domino", "does not have 'esketamine'", "kamp"),
    ("|150 ng/mL midazolam iv for 30 min", "no pump has 'midazolam'", "domino (ketamine)"),
    ("150 ng/mL ketamine iv for 1 h, then |9 ng/mL for 1 h at 59 min", "write a later 'at'"),
    ("|150 ng/mL ketamine iv for 365 d", "105,136 doses; at most 20,000"),
    ("150 ng/mL ketamine iv for 1 h |daily x 1000", "28,000 doses; at most 20,000"),
    ("|5 mg ketamine", "route missing"),
    ("|5 mg iv", "drug missing"),
    ("flexible |56 mg ketamine nasal", "'flexible' needs two amounts"),
    ("|flexible 56 or 56 mg ketamine nasal", "the same amount twice"),
    ("flexible 56 or 84 mg ketamine |mg nasal", "number missing before 'mg'"),
    ("flexible |56 mg or 1 mg/kg ketamine nasal", "units that do not fit"),
    ("flexible 56 or |x ketamine nasal", "number missing after 'or'"),
    ("|titrated 0.5 to 0.9 mg/kg ketamine sc", "'titrated' needs repeats"),
    ("|titrated 0.9 to 0.5 mg/kg ketamine sc weekly x 4", "from the lower to the higher"),
    ("titrated 5 to 9 mg ketamine sc |weekly x 1", "two repeats or more"),
    ("titrated 5 to 9 mg ketamine sc weekly x 4, then |daily x 5", "which amount goes on"),
    ("5 mg ketamine iv |please", "'please' is left over"),
    ("5 mg ketamine iv |.", "'.' is left over"),
    ("5 mg ketamine iv |ovr 40 min", "unknown word 'ovr'", "did you mean 'over'?"),
    ("5 mg ketamine iv |and 5 mg midazolam iv", "write '+'"),
    ("56 mg ketamine nasal |spray", "write 'by' before a device"),
    ("5 mg ketamine|, iv", "a comma must be followed by 'then'"),
    ("5 mg ketamine iv +|", "a dose is missing here", "the phrase ends"),
    ("|+ 5 mg ketamine iv", "a dose is missing here", "found '+'"),
    ("5 mg ketamine iv, then|", "a dose is missing here"),
    ("5 mg ketamine iv; |; 5 mg ketamine iv", "a dose is missing here"),
    ("5 mg ketamine iv at 24 h, then |5 mg", "write 'at' for it too"),
    ("5 mg ketamine iv + |daily x 2", "number missing"),
    ("5 mg ketamine iv, then |over 60 min", "number missing"),
    ("5 mg ketamine iv, then |bolus at 1 h", "number missing"),
    ("5 mg ketamine iv, then |oral at 1 h", "number missing"),
    ("5 mg ketamine iv, then |by pump", "number missing"),
    ("5 mg ketamine sublingual, then |held 5 min", "number missing"),
    ("5 mg ketamine iv |weekly", "'x 4' or 'for 4 weeks'"),
    ("|", "the phrase is empty"),
    ("|   ", "the phrase is empty"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault[0])
def test_a_fault_is_named_with_its_column(fault):
    marked, *words = fault
    before, after = marked.split("|")
    error = refuse(before + after)
    for word in words:
        assert word in str(error)
    # A phrase that ends early is at fault one past its end, or past the blank there.
    assert error.column == len(before) + 1
    assert f"column {error.column}:" in str(error)
    assert error.value == before + after


def test_the_column_counts_characters_of_the_text_as_given():
    error = refuse("  500 µg/kg  ketamine −  5")
    assert error.column == 23


def test_a_long_foreign_word_is_cut_in_the_message():
    assert len(str(refuse("5 mg ketamine iv " + "z" * 1500))) < 200


def test_a_phrase_longer_than_the_ceiling_is_refused():
    assert parse_phrase("5 mg ketamine iv".ljust(MAX_CHARACTERS), compounds=DRUGS)
    assert "2,001 characters" in str(refuse("5 mg ketamine iv".ljust(MAX_CHARACTERS + 1)))


def test_flexible_doses_do_not_multiply_without_end():
    text = " + ".join(["flexible 1 or 2 mg ketamine iv"] * 7)
    assert "128 combinations" in str(refuse(text))


def test_the_largest_number_of_doses_is_allowed():
    treatment = parse_phrase("5 mg ketamine iv daily x 20000", compounds=DRUGS)
    assert len(treatment.administrations) == 20_000


def test_the_ceilings_themselves_are_allowed():
    assert parse_phrase("200 mg/kg ketamine ip + 10 g ketamine oral", compounds=DRUGS)


@pytest.mark.parametrize("value", [None, 5, b"5 mg ketamine iv", ["5 mg ketamine iv"]])
def test_a_phrase_that_is_not_text_is_refused(value):
    with pytest.raises(PhraseError, match="must be text"):
        parse_phrase(value, compounds=DRUGS)


def test_a_horizon_that_is_not_finite_is_refused():
    with pytest.raises(PhraseError, match="horizon_h nan"):
        parse_phrase("5 mg ketamine iv weekly", compounds=DRUGS, horizon_h=float("nan"))


def test_without_any_drug_every_drug_is_unknown():
    with pytest.raises(PhraseError, match="unknown drug 'ketamine'"):
        parse_phrase("5 mg ketamine iv", compounds={})
    with pytest.raises(PhraseError, match=r"unknown drug '\(r\)-ketamine'"):
        parse_phrase("5 mg (r)-ketamine iv", compounds={})


def test_a_phrase_error_is_bad_input():
    assert issubclass(PhraseError, InputError)


# Fuzz

_TOKENS = (
    *("0.5", "5", "-5", "0", "1e3", "1e308", "5e-324", "1e999", "nan", "-inf", "0,5", ".5", "5."),
    *("mg", "mg/kg", "ug/kg/min", "mg/kg/h", "g", "mL", "/", "per", "kg", "µg", "min", "h", "d"),
    *("weeks", "ketamine", "esketamine", "ketamin", "nitrous oxide", "hcl", "base", "iv", "oral"),
    *("oral extended-release", "nasal", "over", "for", "at", "by", "device", "bolus", "once"),
    *("twice", "twice weekly", "daily", "weekly", "every", "other", "day", "x", "x 8", "×", "x 5"),
    *("150 ng/mL", "mg/L", "for 30 min", "held 10 min", "held", "by domino", "domino", "spray"),
    *("flexible", "titrated", "to", "from", "or", ",", "+", ";", ", then", "then", "and", "none"),
    *("over 40 min", "5 mg ketamine iv", "every 84 h", "ſ", "K", "İ", "µ", "٣", "\x00", "\ud800"),
)


def reads_or_refuses(text: str, horizon_h: float | None = None) -> None:
    result: Treatment | PhraseError
    try:
        result = parse_phrase(text, compounds=DRUGS, horizon_h=horizon_h)
    except PhraseError as error:
        result = error
    if isinstance(result, PhraseError):
        assert str(result).isprintable()
        assert result.column is None or 1 <= result.column <= len(text) + 1
    else:
        assert result.variants
        assert parse_phrase(result.text, compounds=DRUGS) == result
        assert result.describe()


@given(st.text(max_size=60))
@example("5 mg \u212aetamine iv")
@example("\u017fc 5 mg ketamine")
@settings(max_examples=300)
def test_any_text_is_read_or_refused(text):
    reads_or_refuses(text)


@given(
    st.lists(st.sampled_from(_TOKENS), max_size=25),
    st.sampled_from([" ", ""]),
    st.sampled_from([None, 700.0]),
)
@settings(max_examples=1000)
def test_any_heap_of_the_grammars_own_words_is_read_or_refused(tokens, joint, horizon_h):
    reads_or_refuses(joint.join(tokens), horizon_h)


@given(
    st.sampled_from(
        [
            "0.5 mg/kg ketamine iv over 40 min twice weekly x 8 + 5 mg midazolam oral at -45 min",
            "flexible 28, 56 or 84 mg esketamine nasal by spray weekly for 4 weeks, then daily x 5",
            "150 ng/mL ketamine iv for 30 min by kamp, then 300 ng/mL for 30 min at 2 h",
        ]
    ),
    st.lists(st.tuples(st.integers(0, 90), st.sampled_from(_TOKENS)), min_size=1, max_size=3),
)
@settings(max_examples=500)
def test_a_phrase_with_foreign_pieces_put_in_is_read_or_refused(text, pieces):
    for place, piece in pieces:
        text = f"{text[:place]} {piece} {text[place:]}"
    reads_or_refuses(text)


@pytest.mark.parametrize(
    "unit", ["a", "1", " ", "5 mg ", "1,", "+", "per ", "/", "or 5 ", "x ", "(", "ketamine "]
)
@pytest.mark.parametrize("start", ["", "5 mg ketamine iv ", "flexible 1", "5 mg"])
def test_the_longest_texts_of_one_piece_are_read_or_refused(start, unit):
    reads_or_refuses((start + unit * MAX_CHARACTERS)[:MAX_CHARACTERS])
