"""Observed against predicted on two logarithmic axes, one panel a use; what a point is shows when pointed at.

The text of a point is an SVG title, which browsers show without any script.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ketalab.judgement import Point
from ketalab.report import _vega
from ketalab.report._figure import DataTable, Figure, Panel, sentences
from ketalab.report._words import clean, number, plural

#: Colour-blind safe; the shape says the same.
_LOOK = {
    "ketamine": (_vega.BLUE, "circle"),
    "norketamine": (_vega.VERMILLION, "square"),
    "dehydronorketamine": (_vega.GREEN, "triangle-up"),
    "hydroxynorketamine": ("#8a5a83", "diamond"),
}
_OTHER = ("#55606e", "cross")
_TITLES = {
    "concentration": "Concentrations and peaks, ng/mL",
    "area": "Areas under the curve, ng h/mL",
}
_USE_TITLES = {
    "validate": "held out",
    "left out": "left out of the calibration",
    "calibrate": "calibrated on",
    "build": "chose constants",
}
_LABEL = re.compile(r'<path aria-label="([^"]*)"([^<>]*?)(?:/>|></path>)')
_FOLD = math.log10(2)
_TABLE_COLUMNS = ("Record", "Use", "Row", "Route", "Unit", "Observed", "Predicted", "Ratio")


@dataclass(frozen=True)
class _Dot:
    point: Point
    x: float
    y: float
    text: str


def _dots(points: Sequence[Point], area: bool) -> list[_Dot]:
    made = []
    for p in points:
        if p.quantity != "concentration" or (p.kind == "auc") is not area or p.factor is None:
            continue
        if not math.isfinite(p.log_error) or p.observed is None or p.predicted is None:
            continue
        x, y = p.observed * p.factor, p.predicted * p.factor
        when = "" if p.time_h is None else f" at {p.time_h:g} h"
        unit = "ng h/mL" if area else "ng/mL"
        text = (
            f"{clean(p.study)}: {clean(p.analyte)}, {p.kind}{when}, {clean(p.route)}; "
            f"observed {number(x)}, predicted {number(y)} {unit}, ratio {number(y / x, 2)}"
            + ("" if p.scored else "; shown, not scored")
        )
        made.append(_Dot(p, x, y, text))
    return made


def _decades(dots: Sequence[_Dot]) -> tuple[int, int]:
    """Whole decades that hold everything."""
    values = [v for d in dots for v in (d.x, d.y)]
    low = math.floor(math.log10(min(values)) - 0.05)
    high = math.ceil(math.log10(max(values)) + 0.05)
    return low, max(high, low + 1)


def _axis(title: str, low: int, high: int, vertical: bool) -> _vega.Spec:
    ticks = list(range(low, high + 1))
    shown: _vega.Spec = {
        "values": ticks,
        "title": title,
        # A label is the number itself, not its logarithm.
        "labelExpr": "format(pow(10, datum.value), ',.6~g')",
        "grid": True,
    }
    if vertical:
        shown |= {"titleAngle": 0, "titleAlign": "left", "titleBaseline": "bottom"}
        shown |= {"titleX": -40, "titleY": -9, "domain": False, "ticks": False}
    else:
        shown |= {"titleY": 27}
    scale = {"domain": [low, high], "nice": False, "zero": False}
    return {"type": "quantitative", "axis": shown, "scale": scale}


def _line(low: int, high: int, shift: float, dash: list[int]) -> _vega.Spec:
    """A line of slope one, cut to the frame."""
    start, stop = max(low, low - shift), min(high, high - shift)
    rows = [{"x": start, "y": start + shift}, {"x": stop, "y": stop + shift}]
    return {
        "data": {"values": rows},
        "mark": {"type": "line", "color": "#8a939d", "strokeWidth": 1, "strokeDash": dash},
        "encoding": {"x": {"field": "x"}, "y": {"field": "y"}},
    }


def _layer(molecule: str, dots: Sequence[_Dot]) -> _vega.Spec:
    colour, shape = _LOOK.get(molecule, _OTHER)
    rows = [
        {
            "x": float(f"{math.log10(d.x):.5g}"),
            "y": float(f"{math.log10(d.y):.5g}"),
            "text": d.text,
            "fill": colour if d.point.scored else "transparent",
        }
        for d in dots
    ]
    return {
        "data": {"values": rows},
        "mark": {"type": "point", "filled": True, "shape": shape, "size": 42, "opacity": 0.8},
        "encoding": {
            "x": {"field": "x"},
            "y": {"field": "y"},
            "fill": {"field": "fill", "type": "nominal", "scale": None, "legend": None},
            "stroke": {"value": colour},
            "description": {"field": "text"},
        },
    }


def _panel(dots: Sequence[_Dot], ends: tuple[int, int]) -> str:
    low, high = ends
    layers = [
        _line(low, high, 0.0, []),
        _line(low, high, _FOLD, [4, 3]),
        _line(low, high, -_FOLD, [4, 3]),
    ]
    for molecule in dict.fromkeys(d.point.molecule for d in dots):
        layers.append(_layer(molecule, [d for d in dots if d.point.molecule == molecule]))
    side = 300
    x, y = _axis("observed", low, high, False), _axis("predicted", low, high, True)
    for layer in layers:
        for channel, shared in (("x", x), ("y", y)):
            layer["encoding"][channel] = shared | layer["encoding"][channel]
    spec: _vega.Spec = {
        "$schema": _vega.SCHEMA,
        "background": "transparent",
        "autosize": {"type": "none"},
        "padding": {"left": _vega.LEFT, "right": 16, "top": _vega.TOP, "bottom": _vega.BOTTOM},
        "width": side,
        "height": side,
        "config": _vega.CONFIG,
        "layer": layers,
    }
    return to_titled_svg(spec)


def to_titled_svg(spec: _vega.Spec) -> str:
    """An SVG whose described marks carry a title, which a browser shows when they are pointed at."""
    # Lines have labels of their own making; only what is written here is kept.
    written = {
        html.escape(row["text"], quote=False)
        for layer in spec["layer"]
        for row in layer["data"]["values"]
        if "text" in row
    }

    def keep(found: re.Match[str]) -> str:
        text = html.escape(html.unescape(found[1]), quote=False)
        if text not in written:
            return found[0]
        return f"<path{found[2]}><title>{text}</title></path>"

    return _vega.to_svg(spec, lambda raw: _LABEL.sub(keep, raw))


def scatter_figures(points: Sequence[Point]) -> list[Figure]:
    """Figures of observed against predicted, concentrations and areas apart, a panel for each use."""
    figures = []
    for kind, title in _TITLES.items():
        dots = _dots(points, kind == "area")
        if not dots:
            figures.append(Figure(title, "No figure: no such row has been replayed."))
            continue
        ends = _decades(dots)
        panels, rows, said = [], [], []
        for use, words in _USE_TITLES.items():
            mine = [d for d in dots if d.point.use == use]
            if not mine:
                continue
            panels.append(Panel(f"{words[:1].upper()}{words[1:]} ({use})", _panel(mine, ends)))
            inside = sum(abs(math.log10(d.y / d.x)) <= _FOLD for d in mine)
            said.append(
                f"{words[:1].upper()}{words[1:]}: {inside} of {plural(len(mine), 'point')} "
                "within two-fold."
            )
            rows += [_cells(d) for d in mine]
        lead = (
            "Each mark is one row; on the full line prediction and observation agree, the dashed "
            "lines are two-fold apart. Circles: ketamine; squares: norketamine; triangles: "
            "dehydronorketamine; diamonds: hydroxynorketamine; crosses: other drugs; hollow: shown "
            "and never scored. Pointing at a mark shows what it is."
        )
        table = DataTable(f"{title}: every mark", _TABLE_COLUMNS, tuple(rows))
        figures.append(Figure(title, sentences([lead, *said]), tuple(panels), (table,)))
    return figures


def _cells(dot: _Dot) -> tuple[str, ...]:
    p = dot.point
    when = "" if p.time_h is None else f", {p.time_h:g} h"
    unit = "ng h/mL" if p.kind == "auc" else "ng/mL"
    return (
        clean(p.study),
        p.use,
        f"{clean(p.analyte)}, {p.kind}{when}",
        clean(p.route),
        unit,
        number(dot.x),
        number(dot.y),
        number(dot.y / dot.x, 2),
    )
