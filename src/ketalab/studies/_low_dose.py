"""Which studies of people gave a low dose: what a low-dose simulation can be held against."""

from __future__ import annotations

from ketalab.errors import ScenarioError
from ketalab.protocol import Administration, parse_phrase
from ketalab.studies._load import list_studies, load_study

#: At most these count as low: milligrams of ketamine per kilogram, and milligrams by mouth or under the tongue.
PER_KG, BY_MOUTH = 0.1, 10.0
_MOUTH = ("oral", "sublingual", "buccal")


def _low(dose: Administration) -> bool:
    if "ketamine" not in dose.compound or dose.amount <= 0:
        return False
    return (
        dose.amount <= PER_KG if dose.per_kg else dose.route in _MOUTH and dose.amount <= BY_MOUTH
    )


def low_dose_studies() -> tuple[str, ...]:
    """Return the ids of human studies with an arm whose every dose of ketamine is low."""
    found = []
    for name in list_studies():
        study = load_study(name)
        if study.species != "human" or study.design.kind == "pharmacokinetic":
            continue
        for arm in study.arms:
            try:
                doses = [a for text in arm.doses for a in parse_phrase(text).administrations]
            except ScenarioError:
                continue
            if doses and all(map(_low, doses)):
                found.append(name)
                break
    return tuple(found)
