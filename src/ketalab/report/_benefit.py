"""Benefit and risk as a page: a hundred dots an arm, a table beside them, harms without a number, cards."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ketalab import __version__
from ketalab._files import write_text
from ketalab.facts import thin_harms
from ketalab.laboratory import Benefit
from ketalab.report import _vega
from ketalab.report._cards import cards_section
from ketalab.report._page import environment

COLUMNS = ("outcome", "drug", "control", "difference", "certainty", "what counts")
_ARMS = {"drug": _vega.VERMILLION, "control": _vega.BLUE}
_ROW, _STEP, _RADIUS = 10, 12, 4.5


def hundred(count: float, colour: str) -> str:
    """An SVG of a hundred dots of which so many are full; hidden from readers of text, who have the table."""
    full = round(count)
    dots = "".join(
        f'<circle cx="{_STEP * (i % _ROW) + 6}" cy="{_STEP * (i // _ROW) + 6}" r="{_RADIUS}" '
        f'fill="{colour if i < full else "none"}" stroke="{colour}"/>'
        for i in range(_ROW * _ROW)
    )
    size = _ROW * _STEP
    return (
        f'<svg viewBox="0 0 {size} {size}" width="{size}" height="{size}" aria-hidden="true" '
        f'focusable="false">{dots}</svg>'
    )


def share_text(share: Mapping[str, float]) -> str:
    """``39 (24 to 54)``: the mean and the interval, out of 100."""
    return f"{share['mean']:.0f} ({share['p05']:.0f} to {share['p95']:.0f})"


def _figure(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "title": row["outcome"],
        "definition": row["definition"],
        "certainty": row["certainty"],
        "arms": [
            {"name": arm, "svg": hundred(row[arm]["mean"], colour), "text": share_text(row[arm])}
            for arm, colour in _ARMS.items()
        ],
    }


def write_benefit(found: Benefit, path: Path) -> Path:
    """Write the view as one HTML page that fetches nothing; the same view gives the same bytes.

    Raises
    ------
    OutputError
        The file cannot be written; nothing is left behind.
    """
    scenario, control = found.scenario, found.document()["control"]
    rows = [
        (
            row["outcome"],
            *(share_text(row[key]) for key in ("drug", "control", "difference")),
            row["certainty"],
            row["definition"],
        )
        for row in found.rows
    ]
    command = shlex.join(
        [
            *("ketalab", "benefit", scenario.phrase, "--control", found.control),
            *("--days", f"{scenario.days:g}", "--measure", found.measure),
            *("--replicates", str(found.replicates), "--persons", str(found.persons)),
            *("--seed", str(scenario.seed)),
        ]
    )
    html = (
        environment()
        .get_template("benefit.html.j2")
        .render(
            phrase=scenario.phrase,
            days=f"{scenario.days:g}",
            control=control["says"],
            columns=COLUMNS,
            rows=rows,
            figures=[_figure(row) for row in found.rows],
            thin=[harm.document() for harm in thin_harms().values()],
            cards=cards_section(found.outputs),
            command=command,
            check=found.check.line(),
            version=__version__,
        )
    )
    write_text(path, html)
    return path
