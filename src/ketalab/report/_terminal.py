"""Replay rows as a plain table for a terminal."""

from __future__ import annotations

import io
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from ketalab.report._rows import (
    MISS,
    SHOWN,
    SKIPPED,
    RowView,
    skipped_by_reason,
    tally,
    view_rows,
)
from ketalab.report._words import MINUS, number, plural, span

#: Wide enough for all columns; a narrower terminal folds the first column.
_WIDTH = 118
_LEAST = 72


def _verdict(view: RowView) -> str:
    if view.probability is not None:
        text = f"{100 * view.probability:.0f}% of trials"
    else:
        text = view.verdict
    return f"MISS {text}" if view.group == MISS else text


def _cells(view: RowView) -> tuple[str, ...]:
    unit = "" if view.observed is None or view.unit == "points" else view.suffix
    return (
        view.title + (" *" if view.group == SHOWN else ""),
        f"{view.observed_text}{unit}",
        number(view.mean, view.places),
        "–" if view.interval is None else span(view.interval, view.places),
        _verdict(view),
        "–" if view.z is None else number(view.z, 1),
        view.use,
    )


def plain(text: str) -> str:
    """Signs that every terminal shows."""
    return text.replace(MINUS, "-").replace("–", "-").replace("×", "x")


def _table(views: Sequence[RowView], width: int) -> str:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("row", overflow="fold", min_width=24)
    for name in ("observed", "predicted", "90% interval"):
        table.add_column(name, justify="right", overflow="fold")
    table.add_column("verdict", overflow="fold")
    table.add_column("z", justify="right", no_wrap=True)
    table.add_column("use", no_wrap=True)
    for view in views:
        table.add_row(*(Text(plain(cell)) for cell in _cells(view)))
    stream = io.StringIO()
    console = Console(
        file=stream, width=width, color_system=None, force_terminal=False, legacy_windows=False
    )
    console.print(table)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())


def replay_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Write replay rows as text: a table a study, misses first, skipped rows counted by reason.

    Scores are in points of their scale, shares in percent, directions in the standardised difference
    between the arms. A row marked ``*`` is shown and never counted.
    """
    width = max(_LEAST, min(_WIDTH, shutil.get_terminal_size((_WIDTH, 40)).columns))
    views = view_rows(rows)
    blocks = []
    for study in dict.fromkeys(str(view.study) for view in sorted(views, key=lambda v: v.place)):
        mine = [view for view in views if view.study == study]
        live = [view for view in mine if view.group != SKIPPED]
        lines = [study]
        if live:
            lines.append(_table(live, width))
        if any(view.group == SHOWN for view in mine):
            lines.append(
                "* shown, never counted: not verified in its source, or set aside by the file"
            )
        for reason, skipped in skipped_by_reason(mine).items():
            lines.append(f"not replayed: {plural(len(skipped), 'row')}: {plain(reason)}")
        lines.append(plain(tally(mine).sentence()))
        blocks.append("\n".join(lines))
    if len(blocks) > 1:
        blocks.append(
            f"{plural(len(blocks), 'study', 'studies')}: {plain(tally(views).sentence())}"
        )
    return "\n\n".join(blocks)
