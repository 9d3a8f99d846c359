"""Rasters of spiking cells: a dash for each spike, a row for each cell, a panel for each condition."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from ketalab._files import write_text
from ketalab.report import _vega
from ketalab.spiking import BURST, SILENT, TONIC, Raster

NAME = "habenula-raster.svg"
_WIDTH, _PANEL_WIDTH, _PANEL_HEIGHT = 900, 440, 220
_TOP, _ROW, _BELOW = 58, 244, 30
_COLUMNS = 2
_FONT = 'font-family="sans-serif"'
#: Share of a row that a dash is high, to each side of its middle.
_HALF = 0.4
#: Kinds in the order of the key: their colour, and what the key says of them.
_KEY = (
    (BURST, _vega.VERMILLION, "cells that burst"),
    (TONIC, _vega.BLUE, "cells that fire tonically"),
    (SILENT, _vega.MUTED, "silent cells (fewer than two spikes)"),
)


def _text(x: float, y: float, text: str, size: float, colour: str, weight: str = "normal") -> str:
    return (
        f'<text x="{x}" y="{y}" {_FONT} font-size="{size}" font-weight="{weight}" fill="{colour}">'
        f"{escape(text)}</text>"
    )


def _dashes(raster: Raster, kind: int, colour: str) -> _vega.Spec:
    """A short rule for each spike of the cells of one kind."""
    kept = raster.kind[raster.row] == kind
    row = raster.row[kept] + 1.0
    return {
        "data": _vega.table(time=raster.time_s[kept], low=row - _HALF, high=row + _HALF),
        "mark": {"type": "rule", "strokeWidth": 1, "color": colour},
        "encoding": {"x": {"field": "time"}, "y": {"field": "low"}, "y2": {"field": "high"}},
    }


def _panel(raster: Raster, end_s: float) -> str:
    cells = len(raster.kind)
    x, y = _vega.make_axis("seconds", 0.0, end_s, 4), _vega.make_axis("cell", 0.0, cells + 1, 4)
    layers = [_dashes(raster, kind, colour) for kind, colour, _ in _KEY]
    return _vega.to_svg(_vega.frame(layers, x, y, _PANEL_WIDTH, _PANEL_HEIGHT, _vega.RIGHT))


def _describe(rasters: Sequence[Raster]) -> str:
    parts = []
    for raster in rasters:
        counts = [int((raster.kind == kind).sum()) for kind in (BURST, TONIC, SILENT)]
        parts.append(f"{raster.name}: {counts[0]} burst, {counts[1]} tonic, {counts[2]} silent")
    cells = len(rasters[0].kind)
    return f"Spikes of {cells} cells of the spiking lateral habenula. {'; '.join(parts)}."


def write_raster(rasters: Sequence[Raster], folder: Path | str, end_s: float = 2.0) -> Path:
    """Write the panels of all conditions as one SVG into a folder, which is made; return its path.

    Parameters
    ----------
    rasters : the conditions, in the order of the panels.
    folder : where ``habenula-raster.svg`` goes.
    end_s : length of the time axis, s.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path, words = folder / NAME, _describe(rasters)
    rows = -(-len(rasters) // _COLUMNS)
    height = _TOP + rows * _ROW + _BELOW
    made = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" aria-label="{escape(words)}">',
        f"<title>{escape(words)}</title>",
        f'<rect width="{_WIDTH}" height="{height}" rx="8" fill="white"/>',
        _text(
            16, 28, "The lateral habenula: the same cells in four conditions", 18, _vega.INK, "bold"
        ),
        _text(
            16,
            46,
            "rows from the most negative leak reversal potential (below) up",
            12.5,
            _vega.MUTED,
        ),
    ]
    for place, raster in enumerate(rasters):
        left = 10 + (place % _COLUMNS) * _PANEL_WIDTH
        top = _TOP + (place // _COLUMNS) * _ROW
        made += [
            _text(left + 6, top + 14, raster.name, 13, _vega.INK, "bold"),
            _panel(raster, end_s).replace("<svg ", f'<svg x="{left}" y="{top + 18}" ', 1),
        ]
    x = 16
    for _, colour, what in _KEY:
        made += [
            f'<path d="M{x} {height - 22}v12M{x + 5} {height - 22}v12" stroke="{colour}"/>',
            _text(x + 14, height - 12, what, 11, _vega.MUTED),
        ]
        x += 200
    write_text(path, "\n".join([*made, "</svg>\n"]))
    return path
