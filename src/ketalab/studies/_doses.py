"""Treatments of a record to an arm's fields: phrases, control, background, what is left over."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ketalab.studies._checks import dose_problem
from ketalab.studies._record import Row, number, text_of
from ketalab.studies._schedules import Decide, read_schedules
from ketalab.studies._vocabulary import INERT, ROUTE_WORDS

__all__ = ["Given", "duration_clause", "in_words", "resolve_compound", "write_doses"]

#: Given beside the drug, to everyone or as the usual care: background, not a dose.
_BACKGROUND = re.compile(r"antidepressant|general anaesthesia|standard of care", re.IGNORECASE)
#: Infusion assumed for a psychiatric dose whose length was not read: the usual one of the trials.
USUAL_INFUSION_MIN = 40
_NUMBERS = re.compile(r"\d+(?:\.\d+)?")
#: A dose between two, or one of two.
_EITHER = re.compile(r"[\d.]+ ?(?:-|or) ?[\d.]+(?: flexible)?(?: \(.*\))?")


@dataclass
class Given:
    """What an arm was given, in the study file's fields."""

    doses: list[str] = field(default_factory=list)
    background: list[str] = field(default_factory=list)
    unmodelled: list[str] = field(default_factory=list)
    control: str | None = None
    unknown_dose: bool = False
    inert: list[str] = field(default_factory=list)
    assumed: list[Row] = field(default_factory=list)


def resolve_compound(name: str) -> tuple[str, str | None]:
    """Return a compound's id in the house's list and its salt, from a record's words.

    The words are returned unchanged where the list does not know them.
    """
    from ketalab.facts import compounds

    plain = " ".join(name.split())
    salt = None
    if match := re.fullmatch(r"(.+?) (?:HCl|hydrochloride)", plain):
        plain, salt = match[1], "hydrochloride"
    plain = re.sub(r" \(enantiomeric form not shown.*\)$", "", plain)
    for compound in compounds().values():
        if plain.lower() in (compound.id, *compound.names):
            return compound.id, salt
    return plain, salt


def duration_clause(minutes: float) -> str:
    """Return ``over 40 min``."""
    return f"over {minutes:g} min"


def write_doses(
    arm_id: str,
    treatments: tuple[Row, ...],
    *,
    horizon_h: float,
    psychiatric: bool,
    animal: bool,
    decide: Decide,
) -> Given:
    """Write the treatments of one arm as dosing phrases.

    Parameters
    ----------
    horizon_h : float
        Time of the record's last row (h); ends a schedule whose end the record does not tell.
    psychiatric, animal : bool
        Whether a missing length of an intravenous dose means an infusion of the usual 40 min
        (psychiatric trials) or a bolus.
    decide : callable
        Takes one line for each decision that was made.
    """
    given = Given()
    for treatment in treatments:
        _write_one(given, arm_id, treatment, horizon_h, psychiatric, animal, decide)
    drug = bool(given.doses or given.unmodelled or given.unknown_dose)
    only_midazolam = given.doses and all(" midazolam " in f" {dose} " for dose in given.doses)
    if only_midazolam and not given.unmodelled:
        given.control = "midazolam"
    elif drug:
        given.control = None
        given.background += given.inert
    if given.control is not None and "general anaesthesia" in given.background:
        given.control = "masked-anaesthesia"
    return given


def _write_one(
    given: Given,
    arm_id: str,
    treatment: Row,
    horizon_h: float,
    psychiatric: bool,
    animal: bool,
    decide: Decide,
) -> None:
    compound = text_of(treatment, "compound")
    route = text_of(treatment, "route")
    route = ROUTE_WORDS.get(route, route)
    if compound in INERT:
        table = INERT[compound]
        given.control = table.get(route, table[""])
        given.inert.append(f"{compound} {route}".strip())
        if compound == "placebo":
            decide(f"arm {arm_id}: {route or 'a'} placebo taken as the control {given.control!r}")
        return
    said = " ".join(filter(None, (compound, text_of(treatment, "times_h", "schedule"))))
    if _BACKGROUND.search(compound):
        given.background.append(compound if "anaesthesia" in compound else said)
        return
    words = in_words(treatment)
    if route in ("none", "viral", "optogenetic"):
        given.unmodelled.append(words)
        decide(f"arm {arm_id}: {words} is no drug")
        return
    name, salt = resolve_compound(compound)
    amounts = _amount(treatment)
    if amounts is None:
        given.unknown_dose = True
        given.unmodelled.append(words)
        decide(f"arm {arm_id}: dose of {compound} not told, so that the arm is not simulated")
        return
    drug = f"{name} {salt}" if salt else name
    minutes = number(treatment, "duration_min")
    length = text_of(treatment, "length")
    usual = (psychiatric and "bolus" not in words) or treatment.get("infused") is True
    if length:
        pass
    elif minutes:
        length = duration_clause(minutes)
    elif route == "iv" and usual and not animal:
        length = duration_clause(USUAL_INFUSION_MIN)
        why = "length of the infusion not told; the usual one is taken"
        given.assumed.append(
            {"field": f"arms.{arm_id}.duration", "value": 40, "unit": "min", "why": why}
        )
        decide(f"arm {arm_id}: infusion of {compound} taken as 40 min, its length is not told")
    elif route == "iv":
        length = "bolus"
        if not animal and not re.search("bolus|injection", words):
            why = "length of the intravenous dose not told; a bolus is taken"
            given.assumed.append({"field": f"arms.{arm_id}.duration", "value": "bolus", "why": why})
            decide(f"arm {arm_id}: {compound} taken as a bolus, its length is not told")
    device = text_of(treatment, "by")
    if not device and name == "esketamine" and route == "nasal":
        device = "by device"
        decide(f"arm {arm_id}: esketamine spray in a trial taken as the marketed device")
    held_min = number(treatment, "held_min")
    held = f"held {held_min:g} min" if held_min else ""
    schedules = read_schedules(treatment, horizon_h, len(amounts), arm_id, decide)
    if schedules is None:
        given.unknown_dose = True
        given.unmodelled.append(words)
        decide(f"arm {arm_id}: schedule of {compound} not readable: {words}")
        return
    if len(amounts) < len(schedules):
        amounts = amounts * len(schedules)
    phrases = [
        " ".join(part for part in (amount, drug, route, device, held, length, schedule) if part)
        for amount, schedule in zip(amounts, schedules, strict=True)
    ]
    problem = next((text for phrase in phrases if (text := dose_problem(phrase))), None)
    if problem:
        given.unmodelled.append(words)
        decide(f"arm {arm_id}: {words} is outside the dosing grammar ({problem})")
        return
    given.doses += phrases
    if (untold := treatment.get("usual")) is not None:
        given.assumed.append({"field": f"arms.{arm_id}.doses", "value": phrases[0], **untold})
    elif treatment.get("verified") is False or treatment.get("dose_verified") is False:
        given.assumed.append(
            {
                "field": f"arms.{arm_id}.doses",
                "value": phrases[0],
                "why": "the dose was recalled, not read in the source",
            }
        )


def in_words(treatment: Row) -> str:
    """Return a treatment as one line of words."""
    keys = ("compound", "dose", "unit", "route", "form", "regimen", "times_h", "schedule")
    found = []
    for key in keys:
        value = treatment.get(key)
        if key == "times_h" and isinstance(value, list):
            value = "at " + ", ".join(map(str, value)) + " h" if value not in ([], [0]) else ""
        if value not in (None, "", [], "none"):
            found.append(f"{value:g}" if isinstance(value, float) else str(value))
    return " ".join(found)


def _amount(treatment: Row) -> list[str] | None:
    """Return the amounts as the grammar writes them: one, a mix, a titration, or one a step."""
    dose, unit = treatment.get("dose"), text_of(treatment, "unit").replace("/day", "")
    if not unit or dose is None:
        return None
    if isinstance(dose, (int, float)) and not isinstance(dose, bool):
        return [f"{dose:g} {unit}"]
    text = str(dose)
    found = _NUMBERS.findall(text)
    if not found:
        return None
    if "rising" in text:
        return [f"titrated {found[0]} to {found[-1] if '<' not in text else found[-2]} {unit}"]
    if re.fullmatch(r"[\d., ]+", text) and len(found) > 2:
        return [f"{each} {unit}" for each in found]
    if len(found) >= 2 and re.fullmatch(_EITHER, text):
        return [f"flexible {found[0]} or {found[1]} {unit}"]
    return None
