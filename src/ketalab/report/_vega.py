"""The frame of all panels in Vega-Lite: colours, axes, and conversion to SVG without a browser.

Frames and ticks are set here, not measured from fonts, so that panels of one figure line up and
the bytes do not depend on the fonts of a machine.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Spec = dict[str, Any]

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
#: Okabe and Ito's colours, which keep apart for all common kinds of colour vision.
BLUE, VERMILLION, GREEN, SKY = "#0072B2", "#D55E00", "#009E73", "#56B4E9"
INK, MUTED, GRID = "#1c2733", "#55606e", "#e9ebee"
WIDTH, HEIGHT = 340, 232
TOP, BOTTOM, LEFT, RIGHT = 26, 42, 46, 16
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_DROPPED = re.compile(r' (?:role|aria-[a-z]+|xmlns(?::xlink)?|class|pointer-events)="[^"]*"')
CONFIG: Spec = {
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


def make_axis(title: str, low: float, high: float, count: int = 5) -> Axis:
    """Return an axis over a range with about ``count`` round ticks inside it."""
    if not high > low:
        low, high = low - 0.5, low + 0.5
    raw = (high - low) / count
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(s * size for s in _STEPS if s * size >= raw * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    ticks = tuple(float(f"{i * step:.12g}") for i in range(first, last + 1))
    return Axis(title, low, high, ticks)


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
        shown |= {"titleY": 27, "grid": False}
    scale = {"domain": [axis.low, axis.high], "nice": False, "zero": False}
    return {"type": "quantitative", "axis": shown, "scale": scale}


def frame(layers: list[Spec], x: Axis, y: Axis, width: float, height: float, right: float) -> Spec:
    channels = {"x": _encoding(x, vertical=False), "y": _encoding(y, vertical=True)}
    for layer in layers:
        for channel, shared in channels.items():
            own = layer["encoding"].get(channel)
            if own is not None and "value" not in own:
                layer["encoding"][channel] = shared | own
    return {
        "$schema": SCHEMA,
        "background": "transparent",
        "autosize": {"type": "none"},
        "padding": {"left": LEFT, "right": right, "top": TOP, "bottom": BOTTOM},
        "width": width - LEFT - right,
        "height": height - TOP - BOTTOM,
        "config": CONFIG,
        "layer": layers,
    }


def _short(value: float) -> float:
    """Five significant digits: finer than a pixel."""
    return float(f"{value:.5g}")


def table(**columns: Sequence[float] | Array) -> Spec:
    names = list(columns)
    rows = zip(*columns.values(), strict=True)
    return {"values": [dict(zip(names, map(_short, row), strict=True)) for row in rows]}


def to_svg(spec: Spec, first: Callable[[str], str] | None = None) -> str:
    """Convert a specification to an SVG element for a page or a larger picture.

    Nothing is fetched. Roles and labels of single marks are dropped: the figure around the element
    carries the description; ``first`` may change the text before they are. No panel clips or
    shades by gradient, so there are no ids to collide.
    """
    import vl_convert

    svg = str(vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]))
    if first is not None:
        svg = first(svg)
    svg = re.sub(r"<[^<>]*>", lambda tag: _DROPPED.sub("", tag[0]), svg)
    return svg.replace("<svg ", '<svg focusable="false" ', 1)
