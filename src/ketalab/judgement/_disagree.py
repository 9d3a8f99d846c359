"""Records that contradict each other: the same figure under the same design, more than 1.5-fold apart.

Only what was observed is compared, so that this holds whatever the model says.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from ketalab.facts import compounds, fact
from ketalab.judgement._arms import treatment_of
from ketalab.judgement._layer import Contradiction
from ketalab.judgement._points import ADULTS, CHILDREN, Point
from ketalab.studies import Study, split

#: Beyond this two records of one design are listed.
APART = 1.5


@dataclass(frozen=True)
class Disagreement:
    """Two records and the figure in which they differ most. ``because`` is empty where nothing explains it."""

    what: str
    first: str
    first_value: float
    second: str
    second_value: float
    because: str

    @property
    def fold(self) -> float:
        """The larger over the smaller."""
        return max(self.first_value, self.second_value) / min(self.first_value, self.second_value)


def find_disagreements(
    studies: Sequence[Study], points: Sequence[Point], known: Sequence[Contradiction] = ()
) -> list[Disagreement]:
    """Pairs of records that differ beyond 1.5-fold, the widest first.

    Compared are bioavailabilities of one molecule by one route; and peaks and areas per milligram, by one route, form,
    site and duration. Records of the same people are not compared.
    """
    by_id = {study.id: study for study in studies}
    groups: dict[str, list[tuple[str, float]]] = {}
    for point in points:
        if point.use == "left out" or point.cohort not in (ADULTS, CHILDREN) or not point.counted:
            continue
        found = _figure(by_id[point.study], point)
        if found is not None:
            groups.setdefault(found[0], []).append((point.study, found[1]))
    worst: dict[tuple[str, str, str], Disagreement] = {}
    for what, figures in groups.items():
        for (first, a), (second, b) in combinations(figures, 2):
            if first == second or split().related(first, second):
                continue
            apart = abs(math.log(a / b))
            key = (what, min(first, second), max(first, second))
            if apart > math.log(APART) and (key not in worst or apart > math.log(worst[key].fold)):
                worst[key] = Disagreement(what, first, a, second, b, _because(known, first, second))
    return sorted(worst.values(), key=lambda d: (-d.fold, d.what, d.first, d.second))


def _because(known: Sequence[Contradiction], first: str, second: str) -> str:
    return next((c.id for c in known if {first, second} <= set(c.records)), "")


def _figure(study: Study, point: Point) -> tuple[str, float] | None:
    """What a point measures, in words, and its value made comparable."""
    if point.observed is None or point.observed <= 0:
        return None
    if point.kind == "bioavailability":
        return f"bioavailability of {point.molecule}, {point.route}", point.observed
    if point.kind not in ("cmax", "auc") or point.factor is None:
        return None
    arm = next((a for a in study.arms if a.id == point.arm), None)
    treatment = treatment_of(arm) if arm is not None else None
    if treatment is None or len(treatment.variants) != 1 or len(treatment.administrations) != 1:
        return None
    dose = treatment.administrations[0]
    milligrams = dose.amount
    if dose.per_kg:
        milligrams *= study.population.weight_kg or fact("adult_weight").value
    compound = compounds()[dose.compound]
    if dose.salt == "hydrochloride" and compound.molar_mass and compound.hydrochloride:
        mass = fact(compound.molar_mass).to("g/mol")
        milligrams *= mass / (mass + fact(compound.hydrochloride).to("g/mol"))
    words = f"{point.kind} per mg of {point.analyte} after {dose.compound}, {point.route}"
    if point.kind == "cmax":
        words += f", {point.site} site"
        if dose.duration_h:
            words += f", over {dose.duration_h * 60:g} min"
    return words, point.observed * point.factor / milligrams
