"""One picture of a replay: each arm's score beside its result over virtual trials."""

from __future__ import annotations

from html import escape
from pathlib import Path

import numpy as np

from ketalab._files import write_text
from ketalab.errors import ScenarioError
from ketalab.report import _panels, _vega
from ketalab.report._distributions import row_panel
from ketalab.report._rows import RowView, view_rows
from ketalab.report._scores import arms_with, scales_of, score_curve
from ketalab.report._words import clean, hours, number, plural, span
from ketalab.studies import Replay, Study

_WIDTH, _HEIGHT = 900, 520
_LEFT_WIDTH, _RIGHT_WIDTH, _PANEL = 540, 330, 196
_TOP, _ROW = 66, 218
_ARMS = 2
_FONT = 'font-family="sans-serif"'


def _name(study: Study) -> str:
    """First author and year, as people name a study; else its id."""
    authors, date = study.citation.get("author", []), study.citation.get("issued", {})
    year = next((str(part) for parts in date.get("date-parts", []) for part in parts), "")
    family = authors[0].get("family") or authors[0].get("literal", "") if authors else ""
    others = " et al." if len(authors) > 1 else ""
    return clean(f"{family}{others} {year}") if family and year else clean(study.id)


def _text(x: float, y: float, text: str, size: float, colour: str, weight: str = "normal") -> str:
    return (
        f'<text x="{x}" y="{y}" {_FONT} font-size="{size}" font-weight="{weight}" fill="{colour}">'
        f"{escape(clean(text))}</text>"
    )


def _place(spec: _vega.Spec, x: float, y: float) -> str:
    return _vega.to_svg(spec).replace("<svg ", f'<svg x="{x}" y="{y}" ', 1)


def _key(y: float) -> str:
    """What line, band and diamond mean, each beside a sample of itself."""
    blue, ink = _vega.BLUE, _vega.INK
    return "".join(
        (
            f'<path d="M16 {y}h24" stroke="{blue}" stroke-width="2"/>',
            _text(46, y + 4, "median over virtual trials", 11, _vega.MUTED),
            f'<rect x="206" y="{y - 6}" width="24" height="12" fill="{blue}" opacity="0.18"/>',
            _text(236, y + 4, "90% of virtual trials", 11, _vega.MUTED),
            f'<path d="M378 {y - 9}v18" stroke="{ink}" stroke-width="1.6"/>',
            f'<path d="M378 {y - 6}l5 6l-5 6l-5 -6z" fill="{ink}"/>',
            _text(390, y + 4, "published mean and its 95% interval", 11, _vega.MUTED),
        )
    )


def _reach(replay: Replay, found: list[tuple[str, str, RowView]]) -> tuple[float, float]:
    """One axis for the results of all arms."""
    ends: list[float] = []
    for _, _, view in found:
        draws = replay.draws[view.place]
        assert draws is not None
        assert view.observed is not None
        good = draws[np.isfinite(draws)] * view.factor
        ends += [float(good.min()), float(good.max()), view.observed]
    margin = 0.06 * (max(ends) - min(ends))
    return min(ends) - margin, max(ends) + margin


def _rows(replay: Replay) -> list[tuple[str, str, RowView]]:
    """Arm, scale and last counted score row of the first scale that has any."""
    views = {view.place: view for view in view_rows(replay.rows, replay.study.outcomes)}
    for scale in scales_of(replay):
        found = []
        for arm in arms_with(replay, scale):
            rows = [
                (row.time_h or 0.0, i)
                for i, row in enumerate(replay.study.outcomes)
                if row.arm == arm
                and row.kind in ("change", "score")
                and row.measure.removeprefix("score:") == scale
                and views[i].counted
                and replay.draws[i] is not None
            ]
            if rows:
                found.append((arm, scale, views[max(rows)[1]]))
        if found:
            return found[:_ARMS]
    raise ScenarioError(
        f"{replay.study.id}: no picture: no counted score or change of a simulated arm"
    )


def _given(study: Study, arm: str) -> str:
    one = study.arm(arm)
    return "; ".join(one.doses) or one.control or "nothing given"


def _describe(replay: Replay, found: list[tuple[str, str, RowView]]) -> str:
    parts = []
    for arm, scale, view in found:
        curve, points, _ = score_curve(replay, arm, scale)
        assert view.interval is not None
        seen = "".join(f", published {number(p.score, 1)}" for p in points[-1:])
        parts.append(
            f"{arm}: simulated mean {scale} {number(curve.middle[-1], 1)} "
            f"({span((curve.low[-1], curve.high[-1]), 1)}) at {hours(float(curve.x[-1]))}{seen}; "
            f"{view.what} {view.when}: observed {view.observed_text}, 90% of virtual trials "
            f"{span(view.interval, view.places)}, {view.verdict}"
        )
    trials = plural(replay.replicates, "virtual trial")
    return clean(f"{_name(replay.study)} replayed in {trials}. {'. '.join(parts)}.")


def replay_picture(replay: Replay, path: Path | str) -> Path:
    """Write one SVG: per arm the score with its 90% interval and published points, and the result.

    Raises
    ------
    ScenarioError
        No arm has a counted score or change.
    OutputError
        The file cannot be written.
    """
    path, study = Path(path), replay.study
    found = _rows(replay)
    scale = found[0][1]
    curves = {arm: score_curve(replay, arm, scale) for arm, _, _ in found}
    tops = [float(c.high.max()) for c, _, _ in curves.values()]
    tops += [p.high or p.score for _, points, _ in curves.values() for p in points]
    axis_y = _vega.make_axis(f"points on {scale}", 0.0, 1.06 * max(tops))
    axis_x, per_unit = _vega.time_axis(max(float(c.x[-1]) for c, _, _ in curves.values()))
    height = _HEIGHT if len(found) > 1 else _HEIGHT - _ROW
    words, reach = _describe(replay, found), _reach(replay, found)
    title = f"{_name(study)}: what was observed, and what {replay.replicates:,} virtual trials gave"
    people = plural(study.population.n, "participant") if study.population.n else "participants"
    under = f"{study.citation.get('title', study.id)}; {study.design.kind}, {people}"
    made = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" aria-label="{escape(words)}">',
        f"<title>{escape(words)}</title>",
        f'<rect width="{_WIDTH}" height="{height}" rx="8" fill="white"/>',
        _text(16, 28, title, 18, _vega.INK, "bold"),
        _text(16, 48, under if len(under) <= 120 else under[:119] + "…", 12.5, _vega.MUTED),
    ]
    for i, (arm, _, view) in enumerate(found):
        top = _TOP + i * _ROW
        curve, points, _ = curves[arm]
        drawn = _panels.Curve("simulated", curve.x / per_unit, curve.low, curve.middle, curve.high)
        marks = [p.point(curve, per_unit) for p in points]
        left = _panels.course_panel(
            [drawn], axis_x, axis_y, marks, width=_LEFT_WIDTH, height=_PANEL
        )
        draws = replay.draws[view.place]
        assert draws is not None
        right = row_panel(view, draws, reach, _RIGHT_WIDTH, _PANEL)
        made += [
            _text(16, top + 14, f"{arm}: {_given(study, arm)}", 13, _vega.INK, "bold"),
            _place(left, 10, top + 18),
            _place(right, 20 + _LEFT_WIDTH, top + 18),
        ]
    made += [_key(height - 12), "</svg>\n"]
    write_text(path, "\n".join(made))
    return path
