"""Points: rows of concentration records with what a qualification must know of each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ketalab.errors import InputError
from ketalab.judgement._arms import NOT_SAID, route_of, split_analyte, unit_factor
from ketalab.studies import Outcome, Study

Row = Mapping[str, Any]

#: What a row is about, by its kind. Only concentrations enter the fold errors of concentrations.
QUANTITIES = {
    "concentration": "concentration",
    "cmax": "concentration",
    "auc": "concentration",
    "tmax": "time",
    "half_life": "time",
    "bioavailability": "bioavailability",
    "ratio": "ratio",
    "direction": "direction",
}
ADULTS = "adults"
CHILDREN = "children"
INTENSIVE = "intensive care or surgery"
INCOMPLETE = "incomplete design"
ANIMALS = "animals"
_INTENSIVE_WORDS = ("intensive care", "icu", "surg", "anaesth", "ventilated")
_CHILD_WORDS = ("child", "paediatric", "pediatric", "infant", "adolescent")
_ADULT_AGE = 18
#: Assumptions of a study file that leave the design incomplete, and the kinds of rows that feel them.
_SHAPE = ("concentration", "cmax", "tmax")


@dataclass(frozen=True)
class Point:
    """One row: observed and predicted in ``unit``; ``log_error`` is log(predicted / observed), NaN where there is none.

    ``scored`` rows make votes. ``factor`` turns ``unit`` into ng/mL (ng h/mL for an AUC; None where that has no
    meaning). ``said`` holds what comparators predict, in ``unit``.
    """

    study: str
    use: str
    place: int
    outcome: str
    kind: str
    quantity: str
    arm: str
    than: str
    analyte: str
    molecule: str
    route: str
    site: str
    assay: str
    unit: str
    time_h: float | None
    observed: float | None
    predicted: float | None
    low: float | None
    high: float | None
    inside: bool | None
    counted: bool
    skipped: str | None
    cohort: str
    factor: float | None = None
    said: Mapping[str, float] = field(default_factory=dict)

    @property
    def log_error(self) -> float:
        """log(predicted / observed)."""
        return log_ratio(self.predicted, self.observed)

    @property
    def scored(self) -> bool:
        """Whether the row may vote: counted, expressed, and both numbers positive."""
        return (
            self.counted
            and self.skipped is None
            and self.quantity not in ("direction", "time")
            and math.isfinite(self.log_error)
        )

    @property
    def judged(self) -> bool:
        """Whether the row is held against its interval: a counted concentration, a zero among them."""
        return (
            self.counted
            and self.skipped is None
            and self.inside is not None
            and self.quantity == "concentration"
        )


def log_ratio(predicted: float | None, observed: float | None) -> float:
    """log(predicted / observed); NaN where one is missing or not positive."""
    if predicted is None or observed is None:
        return math.nan
    if not (
        predicted > 0 and observed > 0 and math.isfinite(predicted) and math.isfinite(observed)
    ):
        return math.nan
    return math.log(predicted / observed)


def plasma_rows(study: Study) -> Study | None:
    """The study with nothing but its rows of drug in plasma; None where it has none."""
    kept = tuple(
        row
        for row in study.outcomes
        if row.measure.split(":")[0] == "plasma" and row.kind in QUANTITIES
    )
    if not kept or all(row.kind == "direction" for row in kept):
        return None
    return study.model_copy(update={"outcomes": kept})


def make_points(study: Study, rows: Sequence[Row], use: str | None = None) -> list[Point]:
    """Points of a study, from its rows as replayed, in the order of the file.

    Raises
    ------
    ValueError
        Not as many rows as the study has.
    """
    if len(rows) != len(study.outcomes):
        raise ValueError(f"{study.id}: {len(rows)} rows for {len(study.outcomes)} outcomes")
    pairs = zip(study.outcomes, rows, strict=True)
    return [_point(study, i, outcome, row, use) for i, (outcome, row) in enumerate(pairs)]


def _point(study: Study, place: int, outcome: Outcome, row: Row, use: str | None) -> Point:
    analyte = (outcome.analyte or outcome.measure).split(":")[-1]
    predicted = row["predicted"] or {}
    low, high = predicted.get("pi90") or (None, None)
    number = outcome.kind not in ("direction", "statement")
    quantity = QUANTITIES[outcome.kind]
    if quantity == "ratio":
        quantity = "interaction" if outcome.than else "metabolite ratio"
    return Point(
        study=study.id,
        use=use or study.use,
        place=place,
        outcome=str(row["outcome"]),
        kind=outcome.kind,
        quantity=quantity,
        arm=outcome.arm or "",
        than=outcome.than or "",
        analyte=analyte,
        molecule="/".join(split_analyte(part)[1] for part in analyte.split("/")),
        route=route_of(study, outcome),
        site=outcome.site or NOT_SAID,
        assay=outcome.assay or NOT_SAID,
        unit=outcome.unit or _own_unit(outcome.kind),
        time_h=outcome.time_h,
        observed=outcome.observed if number else None,
        predicted=predicted.get("mean"),
        low=low,
        high=high,
        inside=row["inside"],
        counted=bool(outcome.verified and outcome.counted),
        skipped=row["skipped"],
        cohort=cohort_of(study, outcome),
        factor=_to_standard(outcome, analyte),
    )


def _own_unit(kind: str) -> str:
    return {"auc": "ng*h/mL", "concentration": "ng/mL", "cmax": "ng/mL"}.get(
        kind, "h" if kind in ("tmax", "half_life") else ""
    )


def _to_standard(outcome: Outcome, analyte: str) -> float | None:
    if QUANTITIES[outcome.kind] != "concentration":
        return None
    try:
        return 1 / unit_factor(outcome, analyte)
    except InputError:
        return None


def cohort_of(study: Study, outcome: Outcome) -> str:
    """Whom and what a row is about: adults with a complete design, or one of those set apart from them.

    A design is incomplete where the file assumes the dose; or how long it took to give, for rows that feel it
    (concentrations and peaks; an area does not).
    """
    if study.species != "human":
        return ANIMALS
    people = study.population
    words = people.condition.lower()
    young = people.age is not None and people.age.mean is not None and people.age.mean < _ADULT_AGE
    if young or any(word in words for word in _CHILD_WORDS):
        return CHILDREN
    if any(word in words for word in _INTENSIVE_WORDS):
        return INTENSIVE
    fields = {item.field for item in study.assumed}
    arms = [name for name in (outcome.arm, outcome.than) if name]
    if any(f"arms.{name}.doses" in fields for name in arms):
        return INCOMPLETE
    if outcome.kind in _SHAPE and any(f"arms.{name}.duration" in fields for name in arms):
        return INCOMPLETE
    return ADULTS
