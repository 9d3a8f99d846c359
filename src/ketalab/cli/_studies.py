"""``ketalab studies``: list, show, convert, schema."""

from __future__ import annotations

from pathlib import Path

import typer

from ketalab.cli._shared import print_json, print_table

studies_app = typer.Typer(no_args_is_help=True, help="Published studies as files.")


@studies_app.command("list")
def list_command(
    use: str | None = typer.Option(None, help="Only build, calibrate or validate."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
) -> None:
    """List the packaged studies."""
    from ketalab.studies import list_studies, load_study

    loaded = [load_study(name) for name in list_studies()]
    rows = [
        {
            "id": s.id,
            "use": s.use,
            "species": s.species,
            "condition": s.population.condition,
            "design": s.design.kind,
            "arms": len(s.arms),
            "outcomes": len(s.outcomes),
        }
        for s in loaded
        if use in (None, s.use)
    ]
    if as_json:
        print_json(rows)
    else:
        columns = ("id", "use", "species", "condition", "design", "arms", "outcomes")
        print_table(f"{len(rows)} studies", columns, ([r[c] for c in columns] for r in rows))


@studies_app.command("show")
def show_command(
    study: str = typer.Argument(..., metavar="ID|FILE", help="A study by id or by file."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
) -> None:
    """Print one study file."""
    from ketalab.studies import dump_study, load_study

    loaded = load_study(study)
    if as_json:
        print_json(loaded.model_dump(mode="json", by_alias=True, exclude_none=True))
    else:
        typer.echo(dump_study(loaded), nl=False)


@studies_app.command("schema")
def schema_command() -> None:
    """Print the JSON Schema of a study file."""
    from ketalab.studies import study_schema

    print_json(study_schema())


@studies_app.command("convert")
def convert_command(
    record: Path = typer.Argument(..., metavar="RECORD.yaml", help="Evidence records (a list)."),
    out: Path = typer.Option(Path("converted"), help="Folder for the study files."),
    as_json: bool = typer.Option(
        False, "--json", help="Decisions and counts as one JSON document."
    ),
) -> None:
    """Convert evidence records to study files; list each decision and each row not expressed."""
    from ketalab.studies import convert_records, write_conversion

    conversion = convert_records(record)
    write_conversion(conversion, out)
    if as_json:
        print_json(
            {
                "studies": [s.id for s in conversion.studies],
                "counts": conversion.counts,
                "decisions": conversion.decisions,
                "not_expressed": conversion.not_expressed,
            }
        )
        return
    rows = [(d["record"], d["row"], d["decision"]) for d in conversion.decisions]
    print_table("Decisions", ("record", "row", "decision"), rows)
    rows = [(d["record"], d["row"], d["reason"]) for d in conversion.not_expressed]
    print_table("Rows not expressed", ("record", "row", "reason"), rows)
    for file, counts in conversion.counts.items():
        parts = ", ".join(f"{name.replace('_', ' ')} {n}" for name, n in counts.items())
        typer.echo(f"{file}: {parts}")
    typer.echo(f"wrote {len(conversion.studies)} study files into {out}")
