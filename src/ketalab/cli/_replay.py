"""``ketalab replay``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import typer

from ketalab._files import check_target
from ketalab.cli._progress import Progress
from ketalab.cli._shared import print_json
from ketalab.errors import ScenarioError

_USES = ("build", "calibrate", "validate")


def replay_command(
    studies: list[str] = typer.Argument(
        None, metavar="ID|FILE...", help="Studies by id or by file."
    ),
    every: bool = typer.Option(False, "--all", help="All packaged studies."),
    use: str | None = typer.Option(
        None, help="Only studies of this use: build, calibrate, validate."
    ),
    replicates: int = typer.Option(1000, help="Virtual trials of each study."),
    engine: str = typer.Option("auto", help="auto, lockstep, numpy or checker."),
    seed: int = typer.Option(0, help="Seed of all random numbers."),
    strict: bool = typer.Option(
        False, help="Exit with 1 if a counted row lies outside its interval."
    ),
    report: Path | None = typer.Option(None, help="Write a report (.html)."),
    as_json: bool = typer.Option(False, "--json", help="Rows as one JSON document."),
) -> None:
    """Replay published studies in their own design: each row observed against predicted."""
    names = list(studies or [])
    if use is not None and use not in _USES:
        raise ScenarioError(f"--use {use!r} is not allowed; allowed: {', '.join(_USES)}", use)
    if bool(names) == every:
        raise ScenarioError("replay: name studies (`ketalab studies list`) or give --all, not both")
    if report is not None:
        check_target(report, (".html",))
    from ketalab.studies import list_studies, load_study, replay_study

    loaded = [load_study(name) for name in (list_studies() if every else names)]
    if use is not None:
        loaded = [study for study in loaded if study.use == use]
    done = []
    for number, study in enumerate(loaded, start=1):
        label = study.id if len(loaded) == 1 else f"{study.id} ({number} of {len(loaded)})"
        progress = Progress(label)
        try:
            done.append(
                replay_study(study, replicates, seed, engine=cast(Any, engine), progress=progress)
            )
        finally:
            progress.close()
    rows = [row for one in done for row in one.rows]
    if report is not None:
        from ketalab.report import write_replay_report

        write_replay_report(done, report)
    if as_json:
        print_json(rows)
    else:
        from ketalab.report import replay_table

        typer.echo(replay_table(rows))
        for one in done:
            if one.check.checked:
                typer.echo(f"{one.study.id}: {one.check.line()}")
        if report is not None:
            typer.echo(f"wrote {report}")
    if strict and any(row["counted"] and row["inside"] is False for row in rows):
        raise typer.Exit(1)
