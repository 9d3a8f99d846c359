"""The figure of each counted row's result over virtual trials, the published value as a rule."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ketalab.report import _panels, _vega
from ketalab.report._figure import DataTable, Figure, Panel, sentences
from ketalab.report._rows import RowView
from ketalab.report._words import number, plural, span

Array = NDArray[np.float64]

#: Panels in one figure, misses first; the table above the figures holds every row.
MAX_PANELS = 24
_LEVELS = (5, 25, 50, 75, 95)
#: Standardised differences from which on a published direction holds.
_LIMITS = {"lower": (-0.2,), "higher": (0.2,), "no different": (-0.2, 0.2)}


def row_panel(
    view: RowView,
    values: Array,
    reach: tuple[float, float] | None = None,
    width: float = _vega.WIDTH,
    height: float = _vega.HEIGHT,
) -> _vega.Spec:
    """Return the distribution of a row's result, in the unit in which it is shown."""
    assert view.interval is not None
    good = values[np.isfinite(values)] * view.factor
    title = view.what if not view.unit else f"{view.what}, {view.unit}"
    limits = _LIMITS.get(view.observed_text, ()) if view.probability is not None else ()
    if limits:
        title = f"standardised difference in {view.what.removeprefix('direction of ')}"
    label = f"published: {view.observed_text}"
    if view.observed is not None:
        label = f"observed {view.observed_text}"
    return _panels.distribution_panel(
        good,
        view.interval,
        view.observed,
        title,
        label,
        reach=reach,
        limits=limits,
        width=width,
        height=height,
    )


def _say(view: RowView) -> str:
    assert view.interval is not None
    interval = span(view.interval, view.places)
    title = f"{view.title[:1].upper()}{view.title[1:]}"
    text = f"{title}: 90% of virtual trials gave {interval}{view.suffix}"
    if view.observed is not None:
        return f"{text}; observed {number(view.observed, view.places)}, {view.verdict}."
    return f"{text}; {view.verdict}."


def _table(shown: Sequence[tuple[RowView, Array]]) -> DataTable:
    rows = []
    for view, values in shown:
        good = values[np.isfinite(values)] * view.factor
        cells = [number(float(q), view.places) for q in np.percentile(good, _LEVELS)]
        observed = view.observed_text
        rows.append((view.title, view.unit or "–", *cells, observed))
    columns = ("Row", "Unit", *(f"{level}%" for level in _LEVELS), "Observed")
    return DataTable("Percentiles over virtual trials", columns, tuple(rows))


def distribution_figure(views: Sequence[RowView], draws: Sequence[Array | None]) -> Figure:
    """Return one panel a counted row, in the order of ``views``; ``draws`` are as in the file."""
    title = "What virtual trials gave, row by row"
    counted = [(view, draws[view.place]) for view in views if view.counted]
    shown = [(v, d) for v, d in counted if d is not None and v.interval is not None]
    if not shown:
        return Figure(title, "No figure: no row of this study is counted.")
    panels = tuple(
        Panel(view.title, _vega.to_svg(row_panel(view, values)))
        for view, values in shown[:MAX_PANELS]
    )
    lead = (
        "Bars: share of virtual trials; shaded: their 90% interval; dark rule: the published value; "
        "dashed rule: from where on a published direction holds."
    )
    more = len(shown) - MAX_PANELS
    note = (
        f"{plural(more, 'further counted row')} in the table above, not drawn." if more > 0 else ""
    )
    words = [lead, *(_say(view) for view, _ in shown[:MAX_PANELS])]
    return Figure(title, sentences(words), panels, (_table(shown),), note)
