"""What is given: the dosing phrase, treatments and arms as values, and the event table.

This room knows nothing of what the body does with a dose. Times are hours from t = 0, amounts mg or
mg/kg. ``docs/protocol.md`` is the manual of the phrase.
"""

from __future__ import annotations

from ketalab.protocol._arms import SITES, Arm, Control, Intervention
from ketalab.protocol._events import Event, events
from ketalab.protocol._limits import (
    MAX_ADMINISTRATIONS,
    MAX_CHARACTERS,
    MAX_HOLD_H,
    MAX_INFUSION_H,
    MAX_MG,
    MAX_MG_PER_KG,
    MAX_TARGET_NG_ML,
    MAX_TIME_H,
    MAX_VARIANTS,
)
from ketalab.protocol._named import (
    HELP,
    Phase,
    Regimen,
    check_regimens,
    read_regimen,
    regimen,
    regimen_schema,
    regimens,
)
from ketalab.protocol._phrase import parse_phrase
from ketalab.protocol._program import Program, Target
from ketalab.protocol._records import Administration, Treatment, Variant
from ketalab.protocol._words import DEVICES, ROUTES, SALTS

__all__ = [
    "DEVICES",
    "HELP",
    "MAX_ADMINISTRATIONS",
    "MAX_CHARACTERS",
    "MAX_HOLD_H",
    "MAX_INFUSION_H",
    "MAX_MG",
    "MAX_MG_PER_KG",
    "MAX_TARGET_NG_ML",
    "MAX_TIME_H",
    "MAX_VARIANTS",
    "ROUTES",
    "SALTS",
    "SITES",
    "Administration",
    "Arm",
    "Control",
    "Event",
    "Intervention",
    "Phase",
    "Program",
    "Regimen",
    "Target",
    "Treatment",
    "Variant",
    "check_regimens",
    "events",
    "parse_phrase",
    "read_regimen",
    "regimen",
    "regimen_schema",
    "regimens",
]
