"""Vega-Lite specifications of the report's panels, and their conversion to SVG without a browser.

Frames and ticks are set here, not measured from fonts, so that panels of one figure line up and the bytes do
not depend on the fonts of a machine. Every band and interval is drawn with its median or mean; a published
result is always a dark diamond or a dark rule, a simulated one always a coloured band, line or bar.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Spec = dict[str, Any]

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
#: Okabe and Ito's colours, which keep apart for all common kinds of colour vision.
BLUE, VERMILLION, GREEN, SKY = "#0072B2", "#D55E00", "#007A5A", "#56B4E9"
INK, MUTED, GRID = "#1c2733", "#55606e", "#e9ebee"
WIDTH, HEIGHT = 340, 232
_TOP, _BOTTOM, _LEFT, _RIGHT = 26, 42, 46, 16
_LINE_GAP = 14  # between labels at the ends of lines, pixels
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_CONFIG: Spec = {
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK,
        "titleColor": MUTED,
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "tickColor": "#9aa4af",
        "domainColor": "#9aa4af",
        "gridColor": GRID,
        "labelOverlap": False,
        "labelBound": False,
        "labelFlush": False,
        "tickSize": 4,
    },
}


@dataclass(frozen=True)
class Axis:
    """An axis with its unit in the title, its ends and its ticks, in the unit of the data."""

    title: str
    low: float
    high: float
    ticks: tuple[float, ...]


@dataclass(frozen=True)
class Curve:
    """A simulated course: median and band at times ``x``, all (T,)."""

    name: str
    x: Array
    low: Array
    middle: Array
    high: Array
    colour: str = BLUE
    dash: tuple[int, ...] = ()


@dataclass(frozen=True)
class Point:
    """A published result; hollow where it is shown but not counted."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    label: str = ""
    hollow: bool = False


def make_axis(title: str, low: float, high: float, count: int = 5) -> Axis:
    """Return an axis over a range with about ``count`` round ticks; its ends are ticks."""
    if not high > low:
        high = low + 1.0
    raw = (high - low) / max(count - 1, 1)
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(s * size for s in _STEPS if s * size >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(float(f"{i * step:.12g}") for i in range(first, last + 1))
    return Axis(title, ticks[0], ticks[-1], ticks)


def time_axis(end_h: float, title: str = "after the start of treatment") -> tuple[Axis, float]:
    """Return an axis over hours, or days beyond two, and the hours of its unit."""
    if end_h <= 48:
        step = next(s for s in (1, 2, 3, 4, 6, 12) if end_h / s <= 6 or s == 12)
        return _steps(f"hours {title}", end_h, step), 1.0
    days = end_h / 24
    step = next((s for s in (1, 2, 7, 14, 28, 56, 91, 182, 364) if days / s <= 7), 728)
    return _steps(f"days {title}", days, step), 24.0


def _steps(title: str, end: float, step: float) -> Axis:
    return Axis(title, 0.0, end, tuple(float(t) for t in np.arange(0, end + 1e-9, step)))


def _encoding(axis: Axis, vertical: bool) -> Spec:
    shown: Spec = {"values": list(axis.ticks), "title": axis.title, "format": ",.6~f"}
    if vertical:  # the unit stands above the axis, readable without turning one's head
        shown |= {"titleAngle": 0, "titleAlign": "left", "titleBaseline": "bottom"}
        shown |= {"titleX": -40, "titleY": -9, "grid": True, "domain": False, "ticks": False}
    else:
        shown |= {"titleY": 32, "grid": False}
    scale = {"domain": [axis.low, axis.high], "nice": False, "zero": False}
    return {"type": "quantitative", "axis": shown, "scale": scale}


def _frame(
    layers: list[Spec], x: Axis, y: Axis, width: float, height: float, right: float
) -> Spec:
    channels = {"x": _encoding(x, vertical=False), "y": _encoding(y, vertical=True)}
    for layer in layers:
        for channel, shared in channels.items():
            own = layer["encoding"].get(channel)
            if own is not None and "value" not in own:
                layer["encoding"][channel] = shared | own
    return {
        "$schema": SCHEMA,
        "background": None,
        "autosize": {"type": "none"},
        "padding": {"left": _LEFT, "right": right, "top": _TOP, "bottom": _BOTTOM},
        "width": width - _LEFT - right,
        "height": height - _TOP - _BOTTOM,
        "config": _CONFIG,
        "layer": layers,
    }


def _short(value: float) -> float:
    """Five significant digits: finer than a pixel."""
    return float(f"{value:.5g}")


def _values(**columns: Sequence[float] | Array) -> Spec:
    names = list(columns)
    rows = zip(*columns.values(), strict=True)
    return {"values": [dict(zip(names, map(_short, row), strict=True)) for row in rows]}


def _band(curve: Curve) -> list[Spec]:
    band = {
        "data": _values(x=curve.x, low=curve.low, high=curve.high),
        "mark": {"type": "area", "color": curve.colour, "opacity": 0.18},
        "encoding": {"x": {"field": "x"}, "y": {"field": "low"}, "y2": {"field": "high"}},
    }
    line: Spec = {"type": "line", "color": curve.colour, "strokeWidth": 2}
    if curve.dash:
        line["strokeDash"] = list(curve.dash)
    middle = {
        "data": _values(x=curve.x, y=curve.middle),
        "mark": line,
        "encoding": {"x": {"field": "x"}, "y": {"field": "y"}},
    }
    return [band, middle]


def _text(x: Spec, y: Spec, text: str, **mark: Any) -> list[Spec]:
    """Text with a white halo, so that it stays legible over a line."""
    base = {"type": "text", "fontSize": 11, "baseline": "middle", **mark}
    halo = base | {"stroke": "white", "strokeWidth": 3, "strokeJoin": "round"}
    encoding = {"x": x, "y": y, "text": {"value": text}}
    return [
        {"data": {"values": [{}]}, "mark": made, "encoding": dict(encoding)}
        for made in (halo, base)
    ]


def _ends(curves: Sequence[Curve], y: Axis, width: float, height: float) -> list[Spec]:
    """Names at the right ends of the curves, moved apart where they would meet."""
    aims = sorted(
        ((1 - (float(c.middle[-1]) - y.low) / (y.high - y.low)) * height, i)
        for i, c in enumerate(curves)
    )
    places = [aim for aim, _ in aims]
    for i in range(1, len(places)):
        places[i] = max(places[i], places[i - 1] + _LINE_GAP)
    over = max(0.0, places[-1] - height) if places else 0.0
    made = []
    for place, (_, i) in zip(places, aims, strict=True):
        spot = {"value": round(place - over, 1)}
        made += _text(
            {"value": width + 5}, spot, curves[i].name, align="left", color=curves[i].colour
        )
    return made


def _published(points: Sequence[Point], x: Axis) -> list[Spec]:
    made: list[Spec] = []
    for point in points:
        at = {"field": "x"}
        if point.low is not None and point.high is not None:
            made.append(
                {
                    "data": _values(x=[point.x], low=[point.low], high=[point.high]),
                    "mark": {"type": "rule", "color": INK, "strokeWidth": 1.6},
                    "encoding": {"x": at, "y": {"field": "low"}, "y2": {"field": "high"}},
                }
            )
        fill = "white" if point.hollow else INK
        mark = {"type": "point", "shape": "diamond", "filled": True, "size": 105, "opacity": 1}
        mark |= {"fill": fill, "stroke": INK if point.hollow else "white", "strokeWidth": 1.3}
        made.append(
            {
                "data": _values(x=[point.x], y=[point.y]),
                "mark": mark,
                "encoding": {"x": at, "y": {"field": "y"}},
            }
        )
        if point.label:
            right = point.x > x.low + 0.6 * (x.high - x.low)
            side = {"align": "right", "dx": -9} if right else {"align": "left", "dx": 9}
            made += _text(
                {"datum": point.x}, {"datum": point.y}, point.label, color=INK, **side
            )
    return made


def course_panel(
    curves: Sequence[Curve],
    x: Axis,
    y: Axis,
    points: Sequence[Point] = (),
    *,
    width: float = WIDTH,
    height: float = HEIGHT,
    right: float = _RIGHT,
) -> Spec:
    """Return courses with their bands, named at their ends where ``right`` leaves room, and points."""
    layers = [layer for curve in curves for layer in _band(curve)]
    if right > 2 * _RIGHT:
        layers += _ends(curves, y, width - _LEFT - right, height - _TOP - _BOTTOM)
    return _frame([*layers, *_published(points, x)], x, y, width, height, right)


def _bins(values: Array) -> Array:
    """Edges of bins; where the values lie on a lattice (means of whole points) bins fit the lattice."""
    distinct = np.unique(np.round(values, 9))
    if len(distinct) < 2:
        return np.array([distinct[0] - 0.5, distinct[0] + 0.5])
    reach = distinct[-1] - distinct[0]
    gaps = np.diff(distinct)
    grain = float(gaps.min())
    steps = gaps / grain
    if reach / grain < 2000 and bool(np.all(np.abs(steps - np.round(steps)) < 1e-3)):
        width = grain * max(1, round(reach / grain / 24))
    else:
        grain, width = 0.0, reach / 24
    first = distinct[0] - grain / 2
    return np.asarray(first + width * np.arange(math.ceil((reach + grain) / width - 1e-9) + 1))


def distribution_panel(
    values: Array,
    interval: tuple[float, float],
    observed: float | None,
    title: str,
    label: str = "",
    *,
    width: float = WIDTH,
    height: float = HEIGHT,
) -> Spec:
    """Return a histogram of a result over virtual trials, its 90% interval shaded, the observed as a rule.

    Bars are in percent of virtual trials.
    """
    edges = _bins(values)
    share = 100 * np.histogram(values, edges)[0] / len(values)
    ends = [edges[0], edges[-1], *interval, *([] if observed is None else [observed])]
    x = make_axis(title, min(ends), max(ends))
    top = float(share.max())
    y = make_axis("% of virtual trials", 0.0, top * (1.18 if observed is not None else 1.05), 4)
    gap = 0.06 * float(edges[1] - edges[0])
    low, high = interval
    layers: list[Spec] = [
        {
            "data": _values(x=[low], x2=[high], y=[y.low], y2=[y.high]),
            "mark": {"type": "rect", "color": SKY, "opacity": 0.2},
            "encoding": {
                "x": {"field": "x"},
                "x2": {"field": "x2"},
                "y": {"field": "y"},
                "y2": {"field": "y2"},
            },
        },
        {
            "data": _values(x=edges[:-1] + gap, x2=edges[1:] - gap, y=0 * share, y2=share),
            "mark": {"type": "rect", "color": BLUE, "opacity": 0.75},
            "encoding": {
                "x": {"field": "x"},
                "x2": {"field": "x2"},
                "y": {"field": "y"},
                "y2": {"field": "y2"},
            },
        },
    ]
    if observed is not None:
        layers.append(
            {
                "data": _values(x=[observed]),
                "mark": {"type": "rule", "color": INK, "strokeWidth": 2.4},
                "encoding": {"x": {"field": "x"}},
            }
        )
        layers += _published([Point(observed, y.high, label=label)], x)
    return _frame(layers, x, y, width, height, _RIGHT)


def to_svg(spec: Spec, name: str) -> str:
    """Convert a specification to an SVG element for a page; ``name`` keeps its ids apart from others'.

    Nothing is fetched. Roles and labels of single marks are dropped: the figure around carries the description.
    """
    import vl_convert

    svg = str(vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]))
    svg = re.sub(r' (?:role|aria-[a-z]+|xmlns(?::xlink)?|class|pointer-events)="[^"]*"', "", svg)
    ids = {found: f"{name}-{i}" for i, found in enumerate(re.findall(r' id="([^"]+)"', svg))}
    for old, new in ids.items():
        svg = svg.replace(f' id="{old}"', f' id="{new}"').replace(f"url(#{old})", f"url(#{new})")
    return svg.replace("<svg ", '<svg focusable="false" ', 1)
