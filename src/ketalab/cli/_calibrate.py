"""``ketalab calibrate``."""

from __future__ import annotations

from pathlib import Path

import typer

from ketalab.cli._progress import Progress
from ketalab.cli._shared import print_json
from ketalab.errors import ScenarioError

#: A fit made again differs from the packaged one by less than this, in standard deviations of the posterior.
_SAME = 0.02
_SHOWN = 12


def calibrate_command(
    layer: str = typer.Option("body", help="The layer to fit: body."),
    out: Path | None = typer.Option(
        None, metavar="DIR", help="Write the posterior into this folder, as JSON."
    ),
    left_out: bool = typer.Option(
        False, "--left-out", help="Also fit without each study in turn (some minutes)."
    ),
    check: bool = typer.Option(
        False, "--check", help="Exit with 1 if the packaged posterior is not what the fit gives."
    ),
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
) -> None:
    """Fit constants jointly to the records for calibration, with published values as priors (maximum a posteriori)."""
    if layer != "body":
        raise ScenarioError(f"layer: {layer!r} is not allowed; allowed: body", layer)
    from ketalab.calibration import calibrate_body, leave_one_out, shifts, write_posteriors
    from ketalab.laboratory import shipped_posterior

    shipped = shipped_posterior()
    progress = Progress("calibrate body")
    try:
        found = calibrate_body(tell=progress)
        left = None
        if left_out:
            progress.label = "calibrate body: without each study in turn"
            left = leave_one_out(found, lambda _, done, total: progress(done, total))
    finally:
        progress.close()
    written = write_posteriors(out, found.posterior, left) if out is not None else []
    moved = shifts(found.posterior)
    away = found.posterior.distance(shipped) if shipped is not None else None
    if as_json:
        print_json({**found.posterior.about, "from_packaged_sd": away, "constants": moved})
    else:
        about = found.posterior.about
        typer.echo(
            f"{about['residuals']} residuals of {len(found.records)} records and published models; "
            f"-2 log posterior {found.fit.cost_data:.1f} (data) + {found.fit.cost_prior:.1f} (priors); "
            f"{found.fit.rounds} rounds"
        )
        typer.echo("moved farthest from the published value, in standard deviations of its prior:")
        for row in moved[:_SHOWN]:
            typer.echo(
                f"  {row['shift_sd']:+5.2f}  {row['fact']}: {row['published']:.4g} to "
                f"{row['posterior']:.4g} {row['unit']}"
            )
        if away is not None:
            typer.echo(f"from the packaged posterior: at most {away:.3f} standard deviations")
        for path in written:
            typer.echo(f"wrote {path}")
    if check and (away is None or away > _SAME):
        typer.echo("ketalab: the packaged posterior is not what this fit gives", err=True)
        raise typer.Exit(1)
