"""Arms and analytes of a study: what was given, by which route, and in which unit it is seen."""

from __future__ import annotations

from ketalab.errors import InputError, UnitError
from ketalab.facts import convert, fact
from ketalab.protocol import Administration, Treatment, parse_phrase
from ketalab.studies import Arm, Outcome, Study

NOT_SAID = "not said"
#: Routes that are read from words where an arm cannot be written as doses.
_ROUTE_WORDS = ("iv", "im", "sc", "oral", "nasal", "sublingual", "rectal", "inhaled")


def treatment_of(arm: Arm) -> Treatment | None:
    """Everything an arm gets, or None where it cannot be written as doses."""
    if arm.unknown_dose or arm.unmodelled or not arm.doses:
        return None
    try:
        treatment = Treatment.none()
        for phrase in arm.doses:
            treatment = treatment.merge(parse_phrase(phrase))
    except InputError:
        return None
    return treatment


def route_of(study: Study, outcome: Outcome) -> str:
    """Route of the last dose begun by the time of a row, of the last of all for a row without a time.

    The nasal device, which is metered, is apart from other nasal sprays.
    """
    arm = next((a for a in study.arms if a.id == outcome.arm), None)
    treatment = treatment_of(arm) if arm is not None else None
    if treatment is None:
        words = " ".join(arm.unmodelled).split() if arm is not None else []
        return next((w for w in words if w in _ROUTE_WORDS), NOT_SAID)
    doses = treatment.variants[0].administrations
    begun = [d for d in doses if outcome.time_h is None or d.time_h <= outcome.time_h + 1e-9]
    last = max(d.time_h for d in begun or doses)
    names = dict.fromkeys(_route_name(d) for d in doses if d.time_h == last)
    return " + ".join(names)


def _route_name(dose: Administration) -> str:
    if dose.route != "nasal":
        return dose.route
    return "nasal device" if dose.device == "device" else "nasal spray"


def split_analyte(analyte: str) -> tuple[str, str]:
    """``S-ketamine`` is (S, ketamine); ``ketamine`` has no prefix."""
    prefix, dash, molecule = analyte.partition("-")
    return (prefix, molecule) if dash and prefix in ("S", "R") else ("", analyte)


def unit_factor(row: Outcome, analyte: str) -> float:
    """From the unit inside to the row's; a molar unit by the molar mass of the analyte itself."""
    own = {"auc": "ng*h/mL", "tmax": "h", "half_life": "h"}.get(row.kind, "ng/mL")
    if row.unit is None:
        return 1.0
    try:
        return convert(1.0, own, row.unit, row.measure)
    except UnitError:
        mass = fact(f"{split_analyte(analyte)[1]}_molar_mass").to("ng/nmol")
        return convert(1 / mass, own.replace("ng", "nmol"), row.unit, row.measure)
