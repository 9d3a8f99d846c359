"""``ketalab events``."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from ketalab.cli._progress import Progress


def _note(text: str) -> None:
    print(f"ketalab: note: {text}", file=sys.stderr)


def events_command(
    table: Path = typer.Argument(help="The table: ID TIME AMT RATE EVID CMT II ADDL SS (CSV)."),
    model: Path = typer.Option(..., help="MODEL.yaml: compartments and flows, or a built-in body."),
    out: Path | None = typer.Option(None, help="Write to this .csv file."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document on standard output."),
) -> None:
    """Run a table of doses and observations, as NONMEM means them, through a linear compartment model."""
    from ketalab._files import atomic_path, check_target
    from ketalab.exchange.tables import predict, write_predictions

    if out is not None:
        check_target(out, (".csv",))
    progress = Progress("events")
    try:
        rows = predict(table, model, progress=progress, note=_note)
        if out is None:
            write_predictions(rows, sys.stdout, "json" if as_json else "csv")
            return
        with atomic_path(out) as part, part.open("w", encoding="utf-8", newline="") as file:
            count = write_predictions(rows, file)
    finally:
        progress.close()
    if as_json:
        from ketalab.cli._shared import print_json

        print_json({"schema": 1, "file": str(out), "records": count})
    else:
        typer.echo(f"wrote {out}: {count:,} records")
