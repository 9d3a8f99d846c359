"""``ketalab spiking cortex``."""

from __future__ import annotations

from pathlib import Path

import typer

from ketalab.cli._progress import Progress
from ketalab.errors import ScenarioError


def cortex_command(
    check: bool = typer.Option(
        False, "--check", help="Exit with 1 if a packaged closed form misses a new table."
    ),
    out: Path | None = typer.Option(
        None,
        metavar="DIR",
        help="Write the table (JSON) and the fitted facts (YAML) into this folder.",
    ),
    figures: Path | None = typer.Option(
        None, metavar="DIR", help="Draw the spectra into this folder, as SVG."
    ),
    seed: int = typer.Option(1, help="Seed of the noise."),
) -> None:
    """Run the cortical population on its grid of blocks, and fit the closed forms of its rhythms."""
    if not 0 <= seed < 2**32:
        raise ScenarioError(f"seed: {seed!r} is not allowed; allowed: 0 to 2**32 - 1", seed)
    from ketalab import spiking
    from ketalab.report import check_folder, write_spectra

    for folder in (out, figures):
        if folder is not None:
            check_folder(folder)
    progress = Progress("spiking cortex")
    try:
        table = spiking.make_cortex_table(seed, tell=progress)
        fit = spiking.fit_cortex(table)
        written = spiking.write_cortex(out, table, fit) if out is not None else []
        if figures is not None:
            progress.close()
            progress = Progress("spiking cortex: spectra")
            written.append(write_spectra(spiking.cortex_spectra(seed, tell=progress), figures))
    finally:
        progress.close()
    typer.echo(f"{len(table.conditions)} conditions, seed {seed}; closed forms against the table:")
    for name, rms in fit.rms.items():
        unit = "(logarithm)" if name in spiking.RATIOS else "dB"
        typer.echo(
            f"  {name}: root mean square {rms:.2f} {unit}, at most {fit.largest[name]:.2f}; "
            f"small blocks {fit.small[name]:.2f}"
        )
    for path in written:
        typer.echo(f"wrote {path}")
    if check:
        problems = spiking.check_cortex(table)
        for line in problems:
            typer.echo(f"ketalab: {line}", err=True)
        if problems:
            raise typer.Exit(1)
        typer.echo("every packaged closed form is within its stated error of this table")
