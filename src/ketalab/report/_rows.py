"""Replay rows as the report shows them: in words, with a verdict, misses first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ketalab.report import _words
from ketalab.studies import Outcome

#: A direction that fewer than half of the virtual trials show stands with the misses.
_EVEN = 0.5
MISS, INSIDE, DIRECTION, SHOWN, SKIPPED = "miss", "inside", "direction", "shown", "skipped"
GROUPS = {
    MISS: "Missed",
    INSIDE: "Inside the 90% interval",
    DIRECTION: "Directions",
    SHOWN: "Shown, never counted",
    SKIPPED: "Not replayed",
}


@dataclass(frozen=True)
class RowView:
    """One row in words, its numbers in ``unit``; ``place`` is the row's place in the file."""

    place: int
    study: str
    group: str
    title: str
    what: str
    arms: str
    when: str
    unit: str
    factor: float
    observed: float | None
    observed_text: str
    spread_text: str
    mean: float | None
    interval: tuple[float, float] | None
    sampling: tuple[float, float] | None
    z: float | None
    probability: float | None
    verdict: str
    mark: str
    use: str
    counted: bool
    skipped: str

    @property
    def places(self) -> int:
        """Decimals with which the row's numbers are written; points and percent have one."""
        numbers = [self.observed, self.mean, *(self.interval or ())]
        return 1 if self.unit in ("points", "%") else _words.decimals(numbers)

    @property
    def suffix(self) -> str:
        """The unit as it follows a number."""
        return self.unit if self.unit in ("", "%") else f" {self.unit}"

    @property
    def sharpness(self) -> float | None:
        """Width of the 90% interval over that of sampling alone."""
        if self.interval is None or self.sampling is None:
            return None
        alone = self.sampling[1] - self.sampling[0]
        return (self.interval[1] - self.interval[0]) / alone if alone > 0 else None


def _pair(ends: Sequence[float | None], factor: float) -> tuple[float, float] | None:
    low, high = ends
    return None if low is None or high is None else (factor * low, factor * high)


def _group(row: Mapping[str, Any]) -> str:
    if row["skipped"]:
        return SKIPPED
    if not row["counted"]:
        return SHOWN
    if row["inside"] is not None:
        return INSIDE if row["inside"] else MISS
    if row.get("probability") is not None:
        return DIRECTION if row["probability"] >= _EVEN else MISS
    return SHOWN


def _verdict(row: Mapping[str, Any]) -> str:
    if row["skipped"]:
        return "not replayed"
    if row.get("probability") is not None:
        return f"holds in {100 * row['probability']:.0f}% of virtual trials"
    if row["inside"] is None:
        return "no published number"
    return "inside" if row["inside"] else "outside"


def _mark(row: Mapping[str, Any], outcome: Outcome | None) -> str:
    """Why a row that was replayed does not count; empty where it does."""
    if row["counted"] or row["skipped"]:
        return ""
    if outcome is not None and not outcome.verified:
        return "not verified in its source"
    return "set aside by the study file" if outcome is not None else "not counted"


def _spread(outcome: Outcome | None) -> str:
    """The published spread and number, as written in the source."""
    if outcome is None:
        return ""
    parts = []
    if outcome.spread is not None:
        names = {"sd": "SD", "se": "SE", "ci95": "95% CI", "ci90": "90% CI", "iqr": "IQR"}
        value = outcome.spread.value
        said = _words.span(value) if isinstance(value, tuple) else _words.number(value)
        parts.append(f"{names.get(outcome.spread.kind, outcome.spread.kind)} {said}")
    if outcome.n is not None:
        parts.append(f"n = {outcome.n}")
    return ", ".join(parts)


def view_row(place: int, row: Mapping[str, Any], outcome: Outcome | None = None) -> RowView:
    """Put one replay row into words; ``outcome`` is its row in the study file, if at hand."""
    what, arms, when = _words.what(row, outcome), _words.arms(row), _words.when(row, outcome)
    factor, predicted = _words.factor(row), row["predicted"] or {}
    is_number = isinstance(row["observed"], (int, float))
    observed = factor * row["observed"] if is_number else None
    mean = predicted.get("mean")
    view = RowView(
        place=place,
        study=_words.clean(row["study"]),
        group=_group(row),
        title=", ".join(part for part in (what, arms, when) if part),
        what=what,
        arms=arms,
        when=when,
        unit=_words.unit(row, outcome),
        factor=factor,
        observed=observed,
        observed_text="",
        spread_text=_spread(outcome),
        mean=None if mean is None else factor * mean,
        interval=_pair(predicted.get("pi90", (None, None)), factor),
        sampling=_pair(predicted.get("pi90_sampling", (None, None)), factor),
        z=row["z"],
        probability=row.get("probability"),
        verdict=_verdict(row),
        mark=_mark(row, outcome),
        use=row["use"],
        counted=bool(row["counted"]),
        skipped=_words.clean(row["skipped"] or ""),
    )
    if row["kind"] == "direction":
        return replace(view, observed_text=_words.published_direction(row))
    return replace(view, observed_text=_words.number(observed, view.places))


def view_rows(
    rows: Sequence[Mapping[str, Any]], outcomes: Sequence[Outcome] | None = None
) -> list[RowView]:
    """Return rows in words: misses first, the worst at the top; then as in the file."""
    file: Sequence[Outcome | None] = outcomes if outcomes is not None else [None] * len(rows)
    views = [view_row(i, r, o) for i, (r, o) in enumerate(zip(rows, file, strict=True))]
    order = list(GROUPS)

    def key(view: RowView) -> tuple[int, bool, float]:
        far = abs(view.z) if view.z is not None else math.inf if view.verdict == "outside" else 0.0
        chance = 0.0 if view.probability is None else view.probability
        return order.index(view.group), view.verdict != "outside", chance - far

    return sorted(views, key=key)


@dataclass(frozen=True)
class Tally:
    """Counts of rows: those with a number, directions, those only shown, those skipped."""

    inside: int
    numbers: int
    held: int
    directions: int
    shown: int
    skipped: int
    sharpness: float | None

    @property
    def misses(self) -> int:
        """Counted rows that were missed."""
        return self.numbers - self.inside + self.directions - self.held

    def sentence(self) -> str:
        """The counts in one sentence."""
        parts = []
        if self.numbers:
            rows = _words.plural(self.numbers, "counted row")
            parts.append(f"{self.inside} of {rows} inside the 90% interval")
        if self.directions:
            parts.append(
                f"{self.held} of {_words.plural(self.directions, 'direction')} as published "
                "in most virtual trials"
            )
        if self.shown:
            parts.append(f"{_words.plural(self.shown, 'row')} shown but not counted")
        if self.skipped:
            parts.append(f"{_words.plural(self.skipped, 'row')} not replayed")
        return "; ".join(parts) + "." if parts else "No row."


def tally(views: Iterable[RowView]) -> Tally:
    """Count rows by what became of them."""
    views = list(views)
    numbers = [v for v in views if v.counted and v.observed is not None]
    directions = [v for v in views if v.counted and v.probability is not None]
    ratios = sorted(v.sharpness for v in numbers if v.sharpness is not None)
    middle = ratios[len(ratios) // 2] if ratios else None
    if ratios and len(ratios) % 2 == 0:
        middle = (ratios[len(ratios) // 2 - 1] + ratios[len(ratios) // 2]) / 2
    return Tally(
        inside=sum(v.group == INSIDE for v in numbers),
        numbers=len(numbers),
        held=sum(v.group == DIRECTION for v in directions),
        directions=len(directions),
        shown=sum(v.group == SHOWN for v in views),
        skipped=sum(v.group == SKIPPED for v in views),
        sharpness=middle,
    )


def skipped_by_reason(views: Iterable[RowView]) -> dict[str, list[RowView]]:
    """Rows that were not replayed, by reason, the most frequent first."""
    reasons: dict[str, list[RowView]] = {}
    for view in views:
        if view.group == SKIPPED:
            reasons.setdefault(view.skipped, []).append(view)
    return dict(sorted(reasons.items(), key=lambda item: -len(item[1])))
