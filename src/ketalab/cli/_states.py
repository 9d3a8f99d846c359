"""The timeline of states on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from ketalab.cli._shared import print_table

if TYPE_CHECKING:
    from ketalab.laboratory import Result

#: Words for the deepest state.
_DEEPEST = {
    "ordinary": "ordinary",
    "dissociated": "dissociated",
    "khole": "K-hole",
    "unresponsive": "no response",
}


def show_states(result: Result) -> None:
    """Print the timeline of states, where the result holds them."""
    cells = [
        (
            row["state"],
            f"{100 * row['share']:.0f} of 100",
            *(_hours(row[end]) for end in ("from_h", "to_h")),
            f"{row['strength']['median']:.3g} {row['strength']['unit']}" if row["share"] else "-",
            row["grade"],
        )
        for row in result.timeline()
    ]
    if cells:
        columns = ("state", "reached by", "from", "to", "strength", "grade")
        print_table("States in time (median and 90% of those who reach them)", columns, cells)
    if (depth := result.deepest()) is not None:
        words = ", ".join(f"{_DEEPEST[name]} {100 * p:.0f}" for name, p in depth.items())
        typer.echo(f"Deepest state, of 100 people: {words}.")


def _hours(band: dict[str, float | None]) -> str:
    if band["median"] is None:
        return "-"
    middle, low, high = (f"{60 * (band[key] or 0.0):.0f}" for key in ("median", "p05", "p95"))
    return f"{middle} min ({low} to {high})"
