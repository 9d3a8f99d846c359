"""The rows of a study as they are asked: a row without a time is looked at when its output usually is.

A statement about an arm of the study is asked as a direction of its output. The file's own rows stay as they are.
"""

from __future__ import annotations

from ketalab.errors import InputError
from ketalab.facts import compounds
from ketalab.protocol import parse_phrase
from ketalab.studies._schema import Outcome, Study
from ketalab.studies._usual import usual_time

__all__ = ["ask_rows", "last_dose_h", "of_scenario"]

#: Kinds that may be asked at a usual time; a printed number of points needs its own.
_KINDS = ("direction", "fraction", "ratio", "band_power", "smd")


def of_scenario(row: Outcome) -> bool:
    """Whether a row is a statement about a scenario of its own, and not about an arm."""
    return row.kind == "statement" and row.scenario is not None


def ask_rows(study: Study) -> tuple[Study, tuple[str, ...]]:
    """Return the study with the rows that are simulated, and what was filled in, one line each."""
    rows, notes = [], []
    for row in study.outcomes:
        asked = row
        if row.kind == "statement" and not of_scenario(row):
            asked = row.model_copy(update={"kind": "direction", "measure": row.output})
        usual = usual_time(asked.measure)
        told = asked.time_h is not None or asked.window_h is not None
        if usual is not None and asked.kind in _KINDS and not told and not asked.analyte:
            hours = round(usual.time_h + _last_dose(study, asked), 6)
            asked = asked.model_copy(update={"time_h": hours})
            notes.append(
                f"{asked.measure}: {usual.time_h:g} h after the start of the last dose"
                f" ({usual.range[0]:g} to {usual.range[1]:g}; no time stated)"
            )
        rows.append(asked)
    return study.model_copy(update={"outcomes": tuple(rows)}), tuple(dict.fromkeys(notes))


def _last_dose(study: Study, row: Outcome) -> float:
    """Start of the last dose of the row's arm, else of the arm compared with, else 0 (hours)."""
    for name in (row.arm, row.than):
        arm = next((arm for arm in study.arms if arm.id == name), None)
        last = last_dose_h(arm.doses) if arm is not None else None
        if last is not None:
            return last
    return 0.0


def last_dose_h(phrases: tuple[str, ...]) -> float | None:
    """Start of the last dose (hours) of a drug with kinetics, else of any; None where nothing is given."""
    try:
        doses = [
            dose
            for phrase in phrases
            for variant in parse_phrase(phrase).variants
            for dose in variant.administrations
        ]
    except InputError:
        return None
    drugs = [dose for dose in doses if compounds()[dose.compound].molecules]
    return max((dose.time_h for dose in drugs or doses), default=None)
