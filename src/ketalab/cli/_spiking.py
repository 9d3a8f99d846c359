"""``ketalab spiking``: tables of spiking populations, and the closed forms that are fitted to them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ketalab.cli._progress import Progress
from ketalab.cli._spiking_cortex import cortex_command
from ketalab.errors import ScenarioError

if TYPE_CHECKING:
    from ketalab.spiking import Check

spiking_app = typer.Typer(
    no_args_is_help=True,
    help="Populations of spiking neurons behind the fast model's closed forms; needs the extra `spiking`.",
)


@spiking_app.callback()
def _root() -> None:
    """One command for each population."""


@spiking_app.command("habenula")
def habenula_command(
    check: bool = typer.Option(
        False,
        "--check",
        help="Exit with 1 if the packaged closed form is not what a new table gives.",
    ),
    out: Path | None = typer.Option(
        None,
        metavar="DIR",
        help="Write the table (JSON) and the fitted facts (YAML) into this folder.",
    ),
    figures: Path | None = typer.Option(
        None, metavar="DIR", help="Draw the raster into this folder, as SVG."
    ),
    seed: int = typer.Option(0, help="Seed of all random numbers."),
    workers: int = typer.Option(2, help="Processes beside one another; the result is the same."),
) -> None:
    """Run the lateral habenula on its grid of blocks and states, and fit the closed form of its shares."""
    if not 0 <= seed < 2**32:
        raise ScenarioError(f"seed: {seed!r} is not allowed; allowed: 0 to 2**32 - 1", seed)
    if not 1 <= workers <= 64:
        raise ScenarioError(f"workers: {workers!r} is not allowed; allowed: 1 to 64", workers)
    from ketalab import spiking
    from ketalab.report import check_folder, write_raster

    for folder in (out, figures):
        if folder is not None:
            check_folder(folder)
    plan = spiking.habenula_plan()
    progress = Progress("spiking habenula")
    try:
        table = spiking.habenula_table(plan, seed, workers, progress)
    finally:
        progress.close()
    fit = spiking.fit_habenula(table)
    written = spiking.write_habenula(out, table, fit, plan) if out is not None else []
    if figures is not None:
        written.append(write_raster(spiking.habenula_rasters(plan, seed), figures))
    typer.echo(
        f"{len(table.conditions)} conditions, {len(table.each)} draws of {table.cells} cells, seed {seed}"
    )
    for condition in plan.shown:
        burst, tonic, silent = table.at(condition.nmda, condition.t_type, condition.stress)
        typer.echo(
            f"  {condition.name}: {100 * burst:.1f}% burst, {100 * tonic:.1f}% tonic, "
            f"{100 * silent:.1f}% silent"
        )
    typer.echo(spiking.describe_record())
    typer.echo(
        f"closed form against this table: root mean square {fit.rms:.4f}, at most {fit.largest:.4f}; "
        f"noise of the draws {table.noise:.4f}"
    )
    for path in written:
        typer.echo(f"wrote {path}")
    if check:
        _tell_check(spiking.check_habenula(table, spiking.packaged_coefficients()))


def _tell_check(found: Check) -> None:
    """Say how far the packaged closed form is from the new table; exit with 1 where it is too far."""
    typer.echo(
        f"packaged closed form against this table: root mean square {found.found.rms:.4f} "
        f"(allowed {found.allowed_rms:.4f}), at most {found.found.largest:.4f} "
        f"(allowed {found.allowed_largest:.4f})"
    )
    if not found.met:
        typer.echo("ketalab: the packaged closed form is not what this table gives", err=True)
        raise typer.Exit(1)


spiking_app.command("cortex")(cortex_command)
