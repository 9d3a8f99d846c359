"""Panels as Vega-Lite specifications: courses with bands and points, and distributions.

Every curve is drawn with its band. A published result is always a dark diamond or a dark rule, a
simulated one always a coloured band, line or bar.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ketalab.report._vega import (
    BLUE,
    BOTTOM,
    HEIGHT,
    INK,
    LEFT,
    RIGHT,
    SKY,
    TOP,
    VERMILLION,
    WIDTH,
    Array,
    Axis,
    Spec,
    frame,
    make_axis,
    table,
)

_LINE_GAP = 14  # between labels at the ends of lines, pixels
_MAX_LABELS = 3  # more numbers beside points would run into each other; the tables have them
#: Small text needs more contrast than a line.
_TEXT_COLOUR = {VERMILLION: "#a64900"}


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
    """A published result, hollow where it is not counted; its label at ``label_y`` or beside."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    label: str = ""
    hollow: bool = False
    label_y: float | None = None


def _band(curve: Curve) -> list[Spec]:
    band = {
        "data": table(x=curve.x, low=curve.low, high=curve.high),
        "mark": {"type": "area", "color": curve.colour, "opacity": 0.18},
        "encoding": {"x": {"field": "x"}, "y": {"field": "low"}, "y2": {"field": "high"}},
    }
    line: Spec = {"type": "line", "color": curve.colour, "strokeWidth": 2}
    if curve.dash:
        line["strokeDash"] = list(curve.dash)
    middle = {
        "data": table(x=curve.x, y=curve.middle),
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
        colour = _TEXT_COLOUR.get(curves[i].colour, curves[i].colour)
        made += _text({"value": width + 5}, spot, curves[i].name, align="left", color=colour)
    return made


def _published(points: Sequence[Point], x: Axis) -> list[Spec]:
    made: list[Spec] = []
    for point in points:
        at = {"field": "x"}
        if point.low is not None and point.high is not None:
            made.append(
                {
                    "data": table(x=[point.x], low=[point.low], high=[point.high]),
                    "mark": {"type": "rule", "color": INK, "strokeWidth": 1.6},
                    "encoding": {"x": at, "y": {"field": "low"}, "y2": {"field": "high"}},
                }
            )
        fill = "white" if point.hollow else INK
        mark = {"type": "point", "shape": "diamond", "filled": True, "size": 105, "opacity": 1}
        mark |= {"fill": fill, "stroke": INK if point.hollow else "white", "strokeWidth": 1.3}
        made.append(
            {
                "data": table(x=[point.x], y=[point.y]),
                "mark": mark,
                "encoding": {"x": at, "y": {"field": "y"}},
            }
        )
        if point.label and len(points) <= _MAX_LABELS:
            right = point.x > x.low + 0.6 * (x.high - x.low)
            side = {"align": "right", "dx": -9} if right else {"align": "left", "dx": 9}
            height = point.y if point.label_y is None else point.label_y
            made += _text({"datum": point.x}, {"datum": height}, point.label, color=INK, **side)
    return made


def course_panel(
    curves: Sequence[Curve],
    x: Axis,
    y: Axis,
    points: Sequence[Point] = (),
    *,
    width: float = WIDTH,
    height: float = HEIGHT,
    right: float = RIGHT,
) -> Spec:
    """Return courses with bands, and points; curves are named at their ends where there is room."""
    layers = [layer for curve in curves for layer in _band(curve)]
    if right > 2 * RIGHT:
        layers += _ends(curves, y, width - LEFT - right, height - TOP - BOTTOM)
    return frame([*layers, *_published(points, x)], x, y, width, height, right)


def _bins(values: Array) -> Array:
    """Edges of bins; where values lie on a lattice (means of whole points) bins fit the lattice."""
    distinct = np.unique(np.round(values, 9))
    if len(distinct) < 2:
        return np.array([distinct[0] - 0.5, distinct[0] + 0.5])
    reach = float(distinct[-1] - distinct[0])
    grain = float(np.diff(distinct).min())
    steps = np.diff(distinct) / grain
    if reach / grain > 2000 or bool(np.any(np.abs(steps - np.round(steps)) > 1e-3)):
        return np.linspace(values.min(), values.max(), 25)
    width = grain * max(1, round(reach / grain / 24))
    count = math.ceil((reach + grain) / width - 1e-9)
    return np.asarray(distinct[0] - grain / 2 + width * np.arange(count + 1))


def distribution_panel(
    values: Array,
    interval: tuple[float, float],
    observed: float | None,
    title: str,
    label: str = "",
    *,
    reach: tuple[float, float] | None = None,
    limits: Sequence[float] = (),
    width: float = WIDTH,
    height: float = HEIGHT,
) -> Spec:
    """Return a histogram of a result over virtual trials, in percent of them, as a specification.

    The 90% interval is shaded; the observed value is a rule, ``limits`` of a published direction
    dashed ones. ``reach`` sets the ends of the axis where panels share one.
    """
    edges = _bins(values)
    share = 100 * np.histogram(values, edges)[0] / len(values)
    ends = [edges[0], edges[-1], *interval, *limits, *([] if observed is None else [observed])]
    margin = 0.05 * (max(ends) - min(ends))
    x = make_axis(title, *(reach or (min(ends) - margin, max(ends) + margin)))
    top = float(share.max())
    y = make_axis("% of virtual trials", 0.0, top * (1.2 if label else 1.05), 4)
    gap = 0.06 * float(edges[1] - edges[0])
    low, high = interval
    layers: list[Spec] = [
        {
            "data": table(x=[low], x2=[high], y=[y.low], y2=[y.high]),
            "mark": {"type": "rect", "color": SKY, "opacity": 0.2},
            "encoding": {
                "x": {"field": "x"},
                "x2": {"field": "x2"},
                "y": {"field": "y"},
                "y2": {"field": "y2"},
            },
        },
        {
            "data": table(x=edges[:-1] + gap, x2=edges[1:] - gap, y=0 * share, y2=share),
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
                "data": table(x=[observed]),
                "mark": {"type": "rule", "color": INK, "strokeWidth": 2.4},
                "encoding": {"x": {"field": "x"}},
            }
        )
        layers += _published([Point(observed, y.high, label=label)], x)
    for i, limit in enumerate(limits):
        rule = {"type": "rule", "color": INK, "strokeWidth": 1.6, "strokeDash": [5, 4]}
        layers.append({"data": table(x=[limit]), "mark": rule, "encoding": {"x": {"field": "x"}}})
        if i == 0:
            left = {"align": "right", "dx": -6} if limit < 0 else {"align": "left", "dx": 6}
            layers += _text({"datum": limit}, {"value": 7}, label, color=INK, **left)
    return frame(layers, x, y, width, height, RIGHT)
