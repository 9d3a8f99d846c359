"""Spectra of the cortical population as a picture for the manual."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ketalab._files import write_text
from ketalab.report._vega import (
    BLUE,
    CONFIG,
    GREEN,
    INK,
    SCHEMA,
    SKY,
    VERMILLION,
    Array,
    Spec,
    to_svg,
)

if TYPE_CHECKING:
    from ketalab.spiking import CortexSpectra

NAME = "cortex-spectra.svg"
_COLOURS = (INK, BLUE, VERMILLION, GREEN, SKY)
_WIDTH, _HEIGHT = 300, 230
_TICKS = (1, 2, 3, 5, 10, 20, 40, 80, 160)
_TITLE = "Spectra of the cortical population at rest, under ketamine and under propofol"
_END_HZ = 170
_DEEP_END_HZ = 20
_STEP_DB = 10


def write_spectra(spectra: CortexSpectra, folder: Path | str) -> Path:
    """Write both panels as one SVG into a folder, which is made; return its path.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    write_text(path, spectra_picture(spectra))
    return path


def spectra_picture(spectra: CortexSpectra) -> str:
    """An SVG of two panels over the logarithm of frequency: the cortical field, the posteromedial population."""
    panels = [
        _panel(spectra, spectra.cortex, "Cortical field", _END_HZ),
        _panel(spectra, spectra.deep, "Deep posteromedial population", _DEEP_END_HZ),
    ]
    spec: Spec = {
        "$schema": SCHEMA,
        "background": "white",
        "padding": 8,
        "config": CONFIG | {"legend": {"labelLimit": 2 * _WIDTH, "symbolType": "stroke"}},
        "hconcat": panels,
    }
    words = f"{_TITLE}: {', '.join(spectra.names)}."
    head = f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(words)}" '
    start, _, rest = to_svg(spec).partition(">")
    return f"{start.replace('<svg ', head, 1)}><title>{escape(words)}</title>{rest}\n"


def _panel(spectra: CortexSpectra, power: Array, title: str, end_hz: float) -> Spec:
    seen = spectra.hertz <= end_hz
    shown = power[:, seen] - power[0, seen].max()
    rows = [
        {"hertz": round(float(f), 2), "dB": round(float(y), 2), "state": name}
        for name, line in zip(spectra.names, shown, strict=True)
        for f, y in zip(spectra.hertz[seen], line, strict=True)
    ]
    low = _STEP_DB * float(np.floor(shown.min() / _STEP_DB))
    high = _STEP_DB * float(np.ceil(shown.max() / _STEP_DB))
    x = {
        "field": "hertz",
        "type": "quantitative",
        "scale": {"type": "log", "domain": [1, end_hz], "nice": False},
        "axis": {
            "title": "frequency, Hz",
            "values": [tick for tick in _TICKS if tick <= end_hz],
            "grid": False,
        },
    }
    y = {
        "field": "dB",
        "type": "quantitative",
        "scale": {"domain": [low, high], "nice": False},
        "axis": {"title": "power density, dB", "tickCount": 6},
    }
    colour = {
        "field": "state",
        "type": "nominal",
        "scale": {"domain": list(spectra.names), "range": list(_COLOURS)},
        "legend": {"title": None, "orient": "bottom", "columns": 3},
    }
    return {
        "title": {"text": title, "anchor": "start", "fontSize": 12, "fontWeight": "normal"},
        "width": _WIDTH,
        "height": _HEIGHT,
        "data": {"values": rows},
        "mark": {"type": "line", "strokeWidth": 1.4},
        "encoding": {"x": x, "y": y, "color": colour},
    }
