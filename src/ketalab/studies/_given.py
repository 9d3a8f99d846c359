"""What a concentration record says was given, as dosing phrases: route, amount, length, doses before.

A record names a compound, a route, a dose and how long it took, in fields of their own or in words. What no rule reads
is kept in words as an arm of unknown dose; nothing is filled in without being listed under what is assumed.
"""

from __future__ import annotations

import re

from ketalab.studies._analytes import read_drug
from ketalab.studies._checks import dose_problem
from ketalab.studies._context import Context, is_animal
from ketalab.studies._doses import duration_clause, write_doses
from ketalab.studies._infusions import (
    LENGTHS,
    MASS,
    NUMBER,
    OVER,
    minutes_of,
    read_sequence,
    read_steady,
    read_steps,
    read_targets,
    say_span,
)
from ketalab.studies._record import Row, number, text_of

__all__ = ["LENGTHS", "read_route", "write_arm", "write_nominal"]

_I = re.IGNORECASE
#: Routes by their spellings in records, the first match wins.
_ROUTES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, _I), route)
    for pattern, route in (
        (r"extended|prolonged|sustained|\bER\b|\bPR\b tablet", "oral extended-release"),
        (r"insufflat|snort|powder", "insufflated"),
        (r"nasal|\bi\.?n\.?$", "nasal"),
        (r"sublingual|oral thin film|\bs\.?l\.?$|\bwafer|oromucosal", "sublingual"),
        (r"buccal|lozenge|troche", "buccal"),
        (r"rectal|suppositor", "rectal"),
        (r"inhal|nebuli", "inhaled"),
        (r"subcut|\bs\.?c\.?\b", "sc"),
        (r"intramusc|\bi\.?m\.?\b", "im"),
        (r"intraperit|\bi\.?p\.?\b", "ip"),
        (r"intracerebrov|\bi\.?c\.?v\.?\b", "icv"),
        (r"intraven|\bi\.?v\.?\b|^injection$|^infusion$|^bolus$", "iv"),
        (r"\boral|\bp\.?o\.?$|by mouth|tablet|capsule|syrup|solution", "oral"),
    )
)
_LONG = re.compile(rf"\b(?P<time>{NUMBER})[- ]?(?P<of>min|h|s)\w*[- ](?:i\.?v\.? )?infusion", _I)
_BEFORE = re.compile(
    rf"given (?P<hours>{NUMBER}) ?h\w* after (?:an? |the )?(?P<doses>[\d., or]+?) ?(?P<unit>mg(?:/kg)?)"
    r" (?P<form>[a-z -]+)",
    _I,
)
_HELD = re.compile(rf"(?:held|kept|retained)\D{{0,30}}(?P<time>{NUMBER}) ?min", _I)
#: What is given where no dose is told and none is needed.
NOMINAL = "0.5 mg/kg"
#: A film is told to lie in the mouth for this long, where the record does not say (minutes).
FILM_MIN = 10
_FILM = re.compile(r"\bfilm\b", _I)
_ATOMISER = re.compile(r"atomi[sz]|\bMAD\b", _I)


def read_route(text: str, form: str = "") -> str:
    """Return the route of a record's words; words that name none, or two, are returned unchanged."""
    if " and " in text and len({read_route(part) for part in text.split(" and ")}) > 1:
        return text
    oral = re.search(r"\boral\b|^p\.?o\.?$|^$", text, _I)
    for pattern, route in _ROUTES:
        slow = route == "oral extended-release"
        if pattern.search(text) or (slow and oral and pattern.search(form)):
            return route
    if not text:
        return next((route for pattern, route in _ROUTES if pattern.search(form)), "")
    return text


def write_arm(ctx: Context, arm_id: str, treatment: Row, assumed: list[Row], condition: str) -> Row:
    """Return an arm's doses (or why there are none) from one treatment of a concentration record.

    Parameters
    ----------
    treatment : the record's treatment with what the metric says of route, dose and drug; the route is one of the house.
    condition : words of the metric that may say which of several doses was given before.
    """
    treatment = treatment | _dose(treatment) | _schedule(treatment)
    name, salt = read_drug(text_of(treatment, "compound"), text_of(treatment, "analyte"))
    salt = salt or _salt_of(treatment)
    drug = f"{name} {salt}" if salt else name
    words = text_of(treatment, "regimen", "form", "route_words", "schedule", "dose", "notes")
    phrases = read_targets(arm_id, drug, treatment, words, assumed)
    if phrases is None:
        phrases = (
            read_steps(drug, words)
            or read_sequence(drug, treatment)
            or read_steady(arm_id, drug, words, assumed)
        )
    if phrases and not any(map(dose_problem, phrases)):
        ctx.decide(f"arm {arm_id}: {words!r} read as {'; '.join(phrases)!r}")
        return {"id": arm_id, "doses": _after(ctx, arm_id, drug, phrases, treatment, condition)}
    plain = {
        **treatment,
        "compound": drug if " and " not in text_of(treatment, "compound") else name,
    }
    plain |= _length(treatment, words)
    given = write_doses(
        arm_id,
        (plain,),
        horizon_h=0.0,
        psychiatric=False,
        animal=is_animal(ctx.record),
        decide=ctx.decide,
    )
    assumed.extend(entry for entry in given.assumed if entry not in assumed)
    doses = _after(ctx, arm_id, drug, given.doses, treatment, condition)
    arm: Row = {"id": arm_id, "doses": doses, "unmodelled": given.unmodelled}
    arm["unknown_dose"] = given.unknown_dose
    return arm


def _dose(treatment: Row) -> Row:
    """Return dose and unit where one text holds both, or the unit a remark: ``0.5 mg/kg``, ``mg (as base)``."""
    unit = re.sub(r" ?\(.*\)$", "", text_of(treatment, "unit")).strip()
    found = re.fullmatch(
        rf"({NUMBER}) ?({MASS}(?:/kg)?(?:/(?:min|h))?)", text_of(treatment, "dose"), _I
    )
    if found and not unit:
        return {"dose": float(found[1]), "unit": found[2]}
    return {"unit": unit} if unit else {}


def _schedule(treatment: Row) -> Row:
    """Return when doses were given, in the field that is read; a single dose needs no words."""
    words = text_of(treatment, "schedule")
    if not words or treatment.get("times_h") not in (None, "", []):
        return {}
    once = re.fullmatch(r"(?:a )?(?:single|one|once)(?:[- ]dose)?", words, _I)
    return {"schedule": None} if once else {"schedule": None, "times_h": words}


def _salt_of(treatment: Row) -> str | None:
    said = text_of(treatment, "salt", "form", "unit_words", "notes")
    return "hydrochloride" if re.search(r"\bHCl\b|hydrochloride", said, _I) else None


def _length(treatment: Row, words: str) -> Row:
    """Return how long a dose took, what it was given by, and how long it was held, in ``write_doses``' fields."""
    route, found = text_of(treatment, "route"), Row(duration_min=None)
    minutes = next(
        (
            value * factor
            for key, factor in LENGTHS.items()
            if (value := number(treatment, key)) is not None and value > 0
        ),
        None,
    )
    if minutes is None:
        texts = (text_of(treatment, key) for key in _LENGTH_TEXTS)
        told = next((match for text in texts if (match := _TIME.fullmatch(text))), None)
        minutes = minutes_of(told) if told else None
    if minutes is None and route in ("iv", "im", "sc", "inhaled"):
        said = OVER.search(words) or _LONG.search(words)
        minutes = minutes_of(said) if said else None
    if minutes is not None and route in ("iv", "im", "sc", "ip", "inhaled", "nasal"):
        found["length"] = f"over {say_span(minutes)}" if minutes < 1 else duration_clause(minutes)
    elif route == "iv" and re.search(r"infus", words, _I) and not re.search(r"bolus", words, _I):
        found["infused"] = True
    if route in ("sublingual", "buccal"):
        held = number(treatment, "hold_min") or number(treatment, "held_min")
        if held is None and (match := _HELD.search(words)):
            held = float(match["time"])
        if held is None and _FILM.search(words):
            held = float(FILM_MIN)
        found["held_min"] = held
    if route == "nasal" and _ATOMISER.search(text_of(treatment, "device", "form", "notes")):
        found["by"] = "by atomiser"
    elif route == "nasal" and re.search(r"hand|syringe|drop|spray pump", words, _I):
        found["by"] = "by spray"
    return found


#: Keys that hold a length in words.
_LENGTH_TEXTS = ("duration", "over", "infusion", "infusion_time", "infusion_duration")
_TIME = re.compile(rf"(?:over )?(?P<time>{NUMBER}) ?(?P<of>min|h|s)\w*", _I)


def write_nominal(ctx: Context, arm_id: str, treatment: Row, assumed: list[Row]) -> list[str]:
    """Return a dose for an arm whose dose is not told, for rows that do not depend on it; [] where the route fails.

    The first dose that the words name, else 0.5 mg/kg.
    """
    name, salt = read_drug(text_of(treatment, "compound"), text_of(treatment, "analyte"))
    route, unit = text_of(treatment, "route"), text_of(treatment, "unit")
    first = re.search(NUMBER, text_of(treatment, "dose"))
    amount = f"{first[0]} {unit}" if first and unit in ("mg", "mg/kg") else NOMINAL
    length = duration_clause(40) if route == "iv" else ""
    drug = f"{name} {salt}" if salt else name
    phrase = " ".join(part for part in (amount, drug, route, length) if part)
    if dose_problem(phrase):
        return []
    why = "the dose is not told; what is read of the arm hardly depends on it"
    assumed.append({"field": f"arms.{arm_id}.doses", "value": phrase, "why": why})
    ctx.decide(
        f"arm {arm_id}: {phrase} in place of a dose that is not told, for rows that hardly need it"
    )
    return [phrase]


def _after(
    ctx: Context, arm_id: str, drug: str, phrases: list[str], treatment: Row, condition: str
) -> list[str]:
    """Put a dose that was given hours before in front, so that what is left of it meets the arm's own."""
    found = _BEFORE.search(text_of(treatment, "notes")) or _BEFORE.search(ctx.record.notes)
    if found is None or len(phrases) != 1 or " at " in phrases[0]:
        return phrases
    doses = re.findall(NUMBER, found["doses"])
    named = [dose for dose in doses if re.search(rf"(?<![\d.]){re.escape(dose)} ?mg", condition)]
    if len(named) != 1 and len(doses) > 1:
        ctx.decide(f"arm {arm_id}: which of the doses {', '.join(doses)} came before is not told")
        doses = [f"flexible {doses[0]} or {doses[1]}"] if len(doses) == 2 else doses[:1]
    amount = named[0] if len(named) == 1 else doses[0]
    form = found["form"]
    film = bool(_FILM.search(form))
    route = "sublingual" if film else read_route("", form) or read_route(form)
    held = f" held {FILM_MIN} min" if film else ""
    before = f"{amount} {found['unit']} {drug} {route}{held}"
    both = [f"{before} + {phrases[0]} at {found['hours']} h"]
    if dose_problem(both[0]):
        ctx.decide(f"arm {arm_id}: the dose before, {found[0]!r}, is outside the dosing grammar")
        return phrases
    ctx.decide(f"arm {arm_id}: {before} at 0 h, since the record says {found[0].strip()!r}")
    return both
