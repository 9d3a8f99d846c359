"""``ketalab export``."""

from __future__ import annotations

from pathlib import Path

import typer

from ketalab.cli._shared import DEFAULT_PHRASE, print_json, read_population

export_app = typer.Typer(no_args_is_help=True, help="The model in forms that other programs read.")


@export_app.callback()
def _export() -> None:
    """The model in forms that other programs read."""


@export_app.command("sbml")
def sbml_command(
    file: Path = typer.Argument(..., help="File to write: .xml or .sbml."),
    phrase: str = typer.Argument(DEFAULT_PHRASE, help="What is given, as a phrase."),
    days: float = typer.Option(7.0, help="Days of the course."),
    population: Path | None = typer.Option(None, help="A population file (YAML)."),
    weight: float | None = typer.Option(None, help="Body weight, kg."),
    age: float | None = typer.Option(None, help="Age, years."),
    sex: str | None = typer.Option(None, help="Sex: f or m."),
    genotype: list[str] = typer.Option([], help="bdnf=val/met or cyp2b6=*1/*6; repeat for more."),
    with_: str | None = typer.Option(None, "--with", help="What is given beside it, as a phrase."),
    person: int | None = typer.Option(
        None, help="A virtual person by number, from 0, as `simulate` draws them; else the typical."
    ),
    seed: int = typer.Option(0, help="Seed of all random numbers."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document on standard output."),
) -> None:
    """Write the full model of one person on one course as SBML Level 3 Version 2, doses as events."""
    from ketalab._files import check_target
    from ketalab.exchange.sbml import SBML_ENDINGS, write_sbml
    from ketalab.laboratory import Scenario

    check_target(file, SBML_ENDINGS)
    scenario = Scenario.parse(
        phrase,
        days=days,
        population=read_population(population, weight, age, sex, genotype),
        with_phrase=with_,
        seed=seed,
    )
    made = write_sbml(file, scenario, person)
    if as_json:
        print_json(
            {
                "file": str(file),
                "person": person,
                "states": made.states,
                "parameters": made.parameters,
                "outputs": made.outputs,
                "events": list(made.events),
                "before_h": made.before_h,
                "hash": scenario.hash(),
            }
        )
        return
    typer.echo(f"wrote {file}")
    who = "the typical person" if person is None else f"person {person}"
    typer.echo(
        f"{who}: {len(made.states)} states, {len(made.parameters)} constants, {len(made.outputs)} outputs, "
        f"{len(made.events)} events, {made.hours:g} h"
    )
