"""``ketalab equivalent``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import typer

from ketalab.cli._progress import Progress
from ketalab.cli._shared import print_json, print_table, print_warnings, read_population

if TYPE_CHECKING:
    from ketalab.laboratory import Equivalent, Match


def equivalent_command(
    phrase: str = typer.Argument(..., help="One dose of ketamine, as a phrase."),
    route: str = typer.Option(..., help="The other route, such as oral or sublingual."),
    form: str | None = typer.Option(
        None,
        help="The other form: ketamine, esketamine, arketamine; that of the phrase if not given.",
    ),
    match: str = typer.Option(
        "auc", help="What is matched: auc (area to infinity) or cmax (peak)."
    ),
    analyte: str = typer.Option("ketamine", help="In venous plasma: ketamine, norketamine, ..."),
    device: str | None = typer.Option(None, help="Of a nasal dose: device, spray or atomiser."),
    over: str | None = typer.Option(None, help="The time of an infusion, such as '40 min'."),
    patients: int = typer.Option(200, help="Virtual patients."),
    population: Path | None = typer.Option(None, help="A population file (YAML)."),
    weight: float | None = typer.Option(None, help="Everyone's body weight, kg."),
    age: float | None = typer.Option(None, help="Everyone's age, years."),
    sex: str | None = typer.Option(None, help="Everyone's sex: f or m."),
    genotype: list[str] = typer.Option([], help="bdnf=val/met or cyp2b6=*1/*6; repeat for more."),
    seed: int = typer.Option(0, help="Seed of all random numbers."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document on standard output."),
) -> None:
    """The dose by another route or form with the exposure of a stated one; it matches exposure, and nothing else."""
    from ketalab.laboratory import Scenario, equivalent

    scenario = Scenario.parse(
        phrase,
        patients=patients,
        population=read_population(population, weight, age, sex, genotype),
        seed=seed,
    )
    progress = Progress("equivalent")
    try:
        found = equivalent(
            scenario,
            route,
            form=form,
            match=cast("Match", match),
            analyte=analyte,
            device=device,
            over=over,
            progress=progress,
        )
    finally:
        progress.close()
    print_warnings(found.warnings)
    if as_json:
        print_json(found.to_dict())
    else:
        _show(found)


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _show(found: Equivalent) -> None:
    """Print the dose, its spread over patients, and what people were given."""
    by = f" by {found.device}" if found.device else ""
    over = f" over {60 * found.duration_h:.4g} min" if found.duration_h else ""
    what = f"{found.form} {found.route}{by}{over}"
    figure = {"auc": "area to infinity", "cmax": "peak"}[found.match]
    limits = found.studied_range
    studied = "no human data"
    if limits is not None:
        low, high = _number(limits[0]), _number(limits[1])
        studied = f"{low} mg" if low == high else f"{low} to {high} mg"
    rows = [
        ("dose, typical person", f"{_number(found.dose)} mg"),
        ("median of patients", f"{_number(found.median)} mg"),
        ("90% of patients", f"{_number(found.p05)} to {_number(found.p95)} mg"),
        (f"human records, at {found.weight_kg:g} kg", studied),
        ("inside them", "yes" if found.inside_studied_range else "no"),
    ]
    typer.echo(f"{what}, for the {figure} of {found.analyte} after {found.reference}")
    print_table(f"{found.patients} patients, seed {found.seed}", ("", "mg of base"), rows)
    if found.unmatched:
        typer.echo(
            f"In {found.unmatched} of {found.patients} patients no dose gives this exposure: what is absorbed has a "
            "ceiling. They count as above all others."
        )
    typer.echo(
        "Equal exposure of one analyte is not equal effect or equal risk. Research and teaching only; not dosing "
        "advice."
    )
