"""The figure of symptom scores: each arm's mean over virtual trials, and the published points."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ketalab.report import _panels, _vega
from ketalab.report._courses import MAX_ARMS
from ketalab.report._figure import DataTable, Figure, Panel, sentences
from ketalab.report._words import clean, hours, number, plural, span
from ketalab.studies import Outcome, Replay, Study

Array = NDArray[np.float64]

#: Hours of the first day that are drawn; from then on once a day and wherever a row looks.
_FIRST_DAY = (0.0, 2.0, 4.0, 6.0, 8.0, 12.0)
_MAX_TIMES = 120
_Z95 = 1.96


@dataclass(frozen=True)
class Published:
    """A published mean score of one arm with its 95% interval, points at hours."""

    time_h: float
    score: float
    low: float | None
    high: float | None
    counted: bool
    shifted: bool

    def point(self, curve: _panels.Curve, hours_per_unit: float) -> _panels.Point:
        """The mark of the figure, time in the axis's unit, the label away from the curve."""
        label = f"observed {number(self.score, 1)}"
        x = self.time_h / hours_per_unit
        middle = float(np.interp(self.time_h, curve.x, curve.middle))
        away = self.low if self.score <= middle else self.high
        return _panels.Point(x, self.score, self.low, self.high, label, not self.counted, away)


def _half_width(study: Study, row: Outcome) -> float | None:
    """Half the 95% interval of a published mean: 1.96 standard errors."""
    n = row.n or next((a.n for a in study.arms if a.id == row.arm), None)
    error = row.published_se(n)
    return None if error is None else _Z95 * error


def published(study: Study, scale: str, arm: str) -> tuple[list[Published], int]:
    """Return the published points of an arm, and how many changes lack a baseline to start from."""
    points, lost = [], 0
    for row in study.outcomes:
        if row.measure.removeprefix("score:") != scale or row.arm != arm or row.observed is None:
            continue
        if row.kind not in ("change", "score") or row.subgroup or row.period:
            continue
        time = sum(row.window_h) / 2 if row.window_h else row.time_h
        stated = study.baseline(scale, arm)
        start = (stated.mean if stated else None) if row.kind == "change" else 0.0
        if time is None or start is None:
            lost += start is None
            continue
        half, score = _half_width(study, row), start + row.observed
        low, high = (None, None) if half is None else (score - half, score + half)
        counted = row.verified and row.counted
        points.append(Published(time, score, low, high, counted, row.kind == "change"))
    return sorted(points, key=lambda p: p.time_h), lost


def _drawn_times(times: Array, points: list[Published]) -> NDArray[np.intp]:
    """Places of the times to draw: without the dense grid that exposure rows ask for."""
    observed = [p.time_h for p in points]
    first = np.isin(np.round(times, 9), np.round([*_FIRST_DAY, *observed], 9))
    daily = np.abs(times - 24 * np.round(times / 24)) < 1e-6
    stride = 24 * math.ceil(float(times[-1]) / 24 / _MAX_TIMES)
    sparse = daily & (np.abs(times - stride * np.round(times / max(stride, 24))) < 1e-6)
    return np.flatnonzero(first | sparse | (times == times[-1]))


def score_curve(replay: Replay, arm: str, scale: str) -> tuple[_panels.Curve, list[Published], int]:
    """Return an arm's simulated mean score (hours, points), its published points, and the lost."""
    points, lost = published(replay.study, scale, arm)
    times = replay.hours[arm]
    at = _drawn_times(times, points)
    low, middle, high = (q[at] for q in replay.scores[arm][scale])
    return _panels.Curve("simulated", times[at], low, middle, high), points, lost


def arms_with(replay: Replay, scale: str) -> list[str]:
    """Arms that have a simulated course of a scale, in the order of the study."""
    known = [a.id for a in replay.study.arms]
    return sorted((a for a in replay.scores if scale in replay.scores[a]), key=known.index)


def scales_of(replay: Replay) -> list[str]:
    """Scales that were simulated, in the order of the study."""
    return list(dict.fromkeys(s for scores in replay.scores.values() for s in scores))


def _say(arm: str, scale: str, curve: _panels.Curve, points: list[Published]) -> str:
    band = span((curve.low[-1], curve.high[-1]), 1)
    text = (
        f"Arm {clean(arm)}: simulated mean {number(curve.middle[0], 1)} points on {scale} at the "
        f"start, {number(curve.middle[-1], 1)} ({band}) at {hours(curve.x[-1])}; "
    )
    if not points:
        return text + "no published point for this arm."
    said = [
        f"published {number(p.score, 1)}"
        + (f" (95% interval {span((p.low, p.high), 1)})" if p.low is not None else "")
        + f" at {hours(p.time_h)}"
        + ("" if p.counted else ", not counted")
        for p in points[:4]
    ]
    more = f", and {plural(len(points) - 4, 'further point')}" if len(points) > 4 else ""
    return f"{text}{'; '.join(said)}{more}."


def _table(arm: str, scale: str, curve: _panels.Curve, points: list[Published]) -> DataTable:
    rows = []
    by_time = {round(p.time_h, 9): p for p in points}
    for i, hour in enumerate(curve.x):
        seen = by_time.get(round(float(hour), 9))
        cell = "–"
        if seen is not None:
            cell = number(seen.score, 1)
            if seen.low is not None:
                cell += f" ({span((seen.low, seen.high), 1)})"
            cell += "" if seen.counted else " not counted"
        rows.append(
            (
                hours(float(hour)),
                f"{number(curve.middle[i], 1)} ({span((curve.low[i], curve.high[i]), 1)})",
                cell,
            )
        )
    columns = (
        "Time",
        "Simulated: median and 90% interval of the mean",
        "Published: mean and 95% interval",
    )
    return DataTable(f"Arm {clean(arm)}, points on {scale}", columns, tuple(rows))


def _figure(replay: Replay, scale: str) -> Figure:
    arms = arms_with(replay, scale)
    curves = {arm: score_curve(replay, arm, scale) for arm in arms[:MAX_ARMS]}
    tops = [float(c.high.max()) for c, _, _ in curves.values()]
    tops += [p.high or p.score for _, points, _ in curves.values() for p in points]
    axis_y = _vega.make_axis(f"points on {scale}", 0.0, 1.06 * max(tops))
    axis_x, per_unit = _vega.time_axis(max(float(c.x[-1]) for c, _, _ in curves.values()))
    panels, tables, words, lost = [], [], [], 0
    for arm, (curve, points, unplaced) in curves.items():
        lost += unplaced
        marks = [p.point(curve, per_unit) for p in points]
        drawn = _panels.Curve(curve.name, curve.x / per_unit, curve.low, curve.middle, curve.high)
        spec = _panels.course_panel([drawn], axis_x, axis_y, marks)
        panels.append(Panel(f"{clean(arm)}: {scale}", _vega.to_svg(spec)))
        tables.append(_table(arm, scale, curve, points))
        words.append(_say(arm, scale, curve, points))
    note = "Published intervals are the mean ± 1.96 standard errors (SD/√n), or as published."
    if any(p.shifted for _, points, _ in curves.values() for p in points):
        note += " A published change is drawn from the stated baseline of its own arm."
    if lost:
        note += f" {plural(lost, 'published change')} not drawn: no baseline is stated for its arm."
    if len(arms) > MAX_ARMS:
        note += f" {plural(len(arms) - MAX_ARMS, 'further arm')} not drawn."
    lead = "Line: median over virtual trials of the arm's mean; band: its 90% interval."
    return Figure(
        f"Symptom score by arm: {scale}",
        sentences([lead, *words]),
        tuple(panels),
        tuple(tables),
        note,
    )


def score_figures(replay: Replay) -> list[Figure]:
    """Return one figure a scale; a figure without panels says that no scale was simulated."""
    scales = scales_of(replay)
    if not scales:
        return [
            Figure("Symptom score by arm", "No figure: no rating scale of this study has a model.")
        ]
    return [_figure(replay, scale) for scale in scales]
