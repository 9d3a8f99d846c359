"""``ketalab compare``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ketalab._files import check_target
from ketalab.cli._progress import Progress
from ketalab.cli._protocols import compared_phrase
from ketalab.cli._shared import (
    parse_times,
    plain_text,
    print_json,
    print_table,
    print_warnings,
    read_population,
)
from ketalab.errors import ScenarioError

if TYPE_CHECKING:
    from ketalab.laboratory import Cell, Comparison

_LIMITS = "Research and teaching only; not dosing advice."


def compare_command(
    phrases: list[str] = typer.Argument(
        None,
        metavar="PHRASE PHRASE...",
        help="Two to six regimens, each a phrase in quotes or protocol:ID.",
    ),
    matrix: bool = typer.Option(False, "--matrix", help="The table of every form by every route."),
    form: str | None = typer.Option(
        None, help="With --matrix, one form: ketamine, esketamine or arketamine."
    ),
    out: Path | None = typer.Option(None, metavar="FILE.html", help="Write a page with figures."),
    patients: int = typer.Option(200, help="Virtual patients, the same in every regimen."),
    days: float = typer.Option(7.0, help="Days simulated."),
    species: str = typer.Option("human", help="human, rat or mouse (rat and mouse: the body)."),
    population: Path | None = typer.Option(None, help="A population file (YAML)."),
    weight: float | None = typer.Option(None, help="Everyone's body weight, kg."),
    age: float | None = typer.Option(None, help="Everyone's age, years."),
    sex: str | None = typer.Option(None, help="Everyone's sex: f or m."),
    genotype: list[str] = typer.Option([], help="bdnf=val/met or cyp2b6=*1/*6; repeat for more."),
    with_: str | None = typer.Option(
        None, "--with", help="What is given beside each, as a phrase."
    ),
    output: list[str] = typer.Option(
        [], help="Outputs to compare (see `ketalab outputs`); risks always stand beside them."
    ),
    times: str | None = typer.Option(None, help="Hours of the courses, as 0:24:0.5 or 1,2,24."),
    unit: str = typer.Option("ng/mL", help="Of concentrations: ng/mL, umol/L or nmol/L."),
    engine: str = typer.Option("auto", help="auto, lockstep, numpy or checker."),
    failed: str = typer.Option(
        "raise", help="Patients without a solution: raise stops, keep leaves them out."
    ),
    seed: int = typer.Option(0, help="Seed of all random numbers."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document on standard output."),
) -> None:
    """Regimens side by side in the same virtual patients, or the table of form and route."""
    if form is not None and not matrix:
        raise ScenarioError("--form: belongs to --matrix; a phrase names its form itself", form)
    if matrix:
        if phrases or out is not None:
            raise ScenarioError("compare: --matrix takes no phrases and writes no page")
        people = read_population(population, weight, age, sex, genotype)
        from ketalab.laboratory import matrix as make_matrix

        cells = make_matrix(form=form, patients=patients, seed=seed, population=people)
        if as_json:
            print_json([cell.to_dict() for cell in cells])
        else:
            _show_matrix(cells)
        return
    if out is not None:
        check_target(out, (".html",))
    from ketalab.laboratory import Scenario, compare

    scenarios = [
        Scenario.parse(
            compared_phrase(phrase),
            patients=patients,
            days=days,
            species=species,
            population=read_population(population, weight, age, sex, genotype, species),
            with_phrase=with_,
            outputs=tuple(dict.fromkeys(output)),
            times=parse_times(times) if times else (),
            engine=engine,
            seed=seed,
            failed=failed,
        )
        for phrase in phrases or []
    ]
    progress = Progress("compare")
    try:
        found = compare(scenarios, unit=unit, progress=progress)
    finally:
        progress.close()
    print_warnings(found.warnings)
    if out is not None:
        from ketalab.report import write_comparison

        write_comparison(found, out)
    if as_json:
        print_json(found.document())
        return
    _show(found)
    if out is not None:
        typer.echo(f"wrote {out}")


def _show(found: Comparison) -> None:
    """Print the regimens by letter, and their figures side by side."""
    from ketalab.report import COMPARISON_COLUMNS, comparison_rows

    for regimen in found.regimens:
        typer.echo(f"{regimen.letter}: {regimen.phrase}")
    scenario = found.regimens[0].result.scenario
    title = f"{scenario.patients} patients, {scenario.days:g} days, seed {scenario.seed}"
    rows = (tuple(plain_text(cell) for cell in row) for row in comparison_rows(found))
    print_table(title, COMPARISON_COLUMNS, rows)
    for regimen in found.regimens:
        left = len(regimen.result.failed)
        if left:
            typer.echo(f"{regimen.letter}: left out, without a solution: {left}.")
    typer.echo(
        "The patients are the same in every regimen. Bands hold the variability between people and the uncertainty "
        f"of the constants; grade A to D: the share of assumed constants. {_LIMITS}"
    )


def _band(cell: Cell, middle: str, low: str, high: str, factor: float = 1.0) -> str:
    values = [getattr(cell, name) for name in (middle, low, high)]
    if any(value is None for value in values):
        return "-"
    typical, below, above = (f"{factor * value:.3g}" for value in values)
    return f"{typical} ({below} to {above})"


def _show_matrix(cells: Any) -> None:
    rows = [
        (
            f"{cell.form} {cell.route}" + (f" by {cell.device}" if cell.device else ""),
            _band(cell, "f", "f_p05", "f_p95", 100.0),
            _band(cell, "tmax_h", "tmax_p05", "tmax_p95"),
            _band(cell, "norketamine_ratio", "norketamine_p05", "norketamine_p95"),
            f"{cell.dose_mg:g}" if cell.f is not None else "-",
            cell.studied_text,
            cell.grade,
        )
        for cell in cells
    ]
    columns = (
        *("form and route", "F, %", "Tmax, h", "norketamine/ketamine", "at mg"),
        *("doses in human records", "grade"),
    )
    print_table("Form and route: the typical adult (90% of patients)", columns, rows)
    typer.echo(
        "F: area of ketamine in venous plasma over that of the same dose into a vein. A dash: the model of people has "
        f"no such route. Where there are no human data the figures are the model's alone. {_LIMITS}"
    )
