"""``ketalab qualify``."""

from __future__ import annotations

from pathlib import Path

import typer

from ketalab.cli._progress import Progress
from ketalab.cli._shared import print_json
from ketalab.errors import ScenarioError


def qualify_command(
    layer: str = typer.Option("body", help="The layer to qualify: body."),
    out: Path | None = typer.Option(
        None, metavar="DIR", help="Write page, JSON and CSV tables into this folder."
    ),
    replicates: int = typer.Option(200, help="Virtual trials of each record."),
    seed: int = typer.Option(0, help="Seed of all random numbers."),
    strict: bool = typer.Option(False, help="Exit with 1 if an aim is not met."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
) -> None:
    """Hold a layer against every record of its kind: fold errors, coverage, published models; misses first."""
    if not 1 <= replicates <= 100_000:
        raise ScenarioError(f"replicates: {replicates!r} is not allowed; allowed: 1 to 100,000")
    if not 0 <= seed < 2**63:
        raise ScenarioError(f"seed: {seed!r} is not allowed; allowed: 0 to 2**63 - 1", seed)
    from ketalab.judgement import document, layer_file, left_out_predict, qualify
    from ketalab.report import check_folder, qualification_table, write_qualification

    layer_file(layer)
    if out is not None:
        check_folder(out)
    progress = Progress(f"qualify {layer}")

    def tell(done: float, total: int, record: str) -> None:
        progress.label = f"qualify {layer}: {record}" if record else f"qualify {layer}"
        progress(done, total)

    try:
        found = qualify(
            layer,
            replicates,
            seed,
            left_out=left_out_predict(layer, replicates, seed),
            progress=tell,
        )
    finally:
        progress.close()
    written = write_qualification(found, out) if out is not None else []
    if as_json:
        print_json(document(found))
    else:
        typer.echo(qualification_table(found))
        for path in written:
            typer.echo(f"wrote {path}")
    missed = [v for v in found.verdicts if not v.met]
    if strict and missed:
        names = ", ".join(v.aim.id for v in missed)
        typer.echo(
            f"ketalab: {len(missed)} of {len(found.verdicts)} aims not met: {names}", err=True
        )
        raise typer.Exit(1)
