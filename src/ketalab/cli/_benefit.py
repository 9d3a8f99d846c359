"""``ketalab benefit``, ``ketalab expectancy`` and ``ketalab microdose``: arms side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ketalab.cli._progress import Progress
from ketalab.cli._protocols import compared_phrase, days_of
from ketalab.cli._shared import DEFAULT_PHRASE, print_json, print_table, read_population
from ketalab.errors import ScenarioError

if TYPE_CHECKING:
    from ketalab.laboratory import Benefit, Scenario

_CONTROL = "saline, midazolam, placebo-spray, masked-anaesthesia, none, memantine, ssri, quetiapine or ect."
_PHRASE = typer.Argument(DEFAULT_PHRASE, help="What is given: a phrase, or protocol:ID.")
_REPLICATES = typer.Option(50, help="Draws of the constants, over which the intervals run.")
_PERSONS = typer.Option(100, help="Virtual people in each draw.")
_SEED = typer.Option(0, help="Seed of all random numbers.")
_POPULATION = typer.Option(None, help="A population file (YAML).")
_HYPOTHESES = typer.Option(None, help="Weights of named hypotheses (YAML, id: weight).")
_JSON = typer.Option(False, "--json", help="One JSON document on standard output.")
_NOT_ADVICE = "Research and teaching only; not dosing advice."
#: Draws and people that one command may ask for.
_MOST = 100_000
_DAYS = 28.0


def _scenario(
    phrase: str,
    days: float,
    population: Path | None,
    seed: int,
    hypotheses: Path | None,
    sizes: tuple[int, int],
) -> Scenario:
    from ketalab.laboratory import Scenario, read_hypotheses

    for name, size in zip(("replicates", "persons"), sizes, strict=True):
        if not 2 <= size <= _MOST:
            raise ScenarioError(f"--{name}: {size} is not allowed; allowed: 2 to {_MOST:,}", size)
    return Scenario.parse(
        compared_phrase(phrase),
        days=days,
        population=read_population(population, None, None, None, []),
        seed=seed,
        hypotheses={} if hypotheses is None else read_hypotheses(hypotheses),
    )


def benefit_command(
    phrase: str = _PHRASE,
    control: str = typer.Option("saline", help=f"What the other arm gets: {_CONTROL}"),
    days: float | None = typer.Option(
        None, help="Days over which people are followed; 28, or those of the protocol."
    ),
    measure: str = typer.Option("MADRS", help="The scale that tells response and remission."),
    population: Path | None = _POPULATION,
    hypotheses: Path | None = _HYPOTHESES,
    replicates: int = _REPLICATES,
    persons: int = _PERSONS,
    seed: int = _SEED,
    out: Path | None = typer.Option(None, metavar="FILE.html", help="Write a page with figures."),
    as_json: bool = _JSON,
) -> None:
    """Benefit and risk out of 100 people, on the drug and on a control: response, relapse, dissociation, harms."""
    from ketalab._files import check_target
    from ketalab.laboratory import benefit

    if out is not None:
        check_target(out, (".html",))
    days = days_of(phrase, _DAYS) if days is None else days
    scenario = _scenario(phrase, days, population, seed, hypotheses, (replicates, persons))
    progress = Progress("benefit")
    try:
        found = benefit(
            scenario,
            control=control,
            measure=measure,
            replicates=replicates,
            persons=persons,
            progress=progress,
        )
    finally:
        progress.close()
    if out is not None:
        from ketalab.report import write_benefit

        write_benefit(found, out)
    if as_json:
        print_json(found.document())
        return
    _show_benefit(found)
    if out is not None:
        typer.echo(f"wrote {out}")


def _of_100(share: dict[str, float]) -> str:
    return f"{share['mean']:.0f} ({share['p05']:.0f} to {share['p95']:.0f})"


def _show_benefit(found: Benefit) -> None:
    head = found.document()
    title = (
        f"Out of 100 people over {found.scenario.days:g} days: {found.scenario.phrase}, "
        f"against {head['control']['says']}"
    )
    rows = [
        (
            row["outcome"],
            *(_of_100(row[key]) for key in ("drug", "control", "difference")),
            row["certainty"],
            row["definition"],
        )
        for row in found.rows
    ]
    columns = ("outcome", "drug", "control", "difference", "certainty", "what counts")
    print_table(title, columns, rows)
    for thin in found.watched():
        typer.echo(f"{thin['name']}: {thin['known']} No number: {thin['why']}.")
    typer.echo(found.check.line())
    typer.echo(
        "In brackets 90% of the draws of constants and setting. Certainty follows the grade of the outputs behind a "
        f"number; harms that have no number are not harms that do not occur. {_NOT_ADVICE}"
    )


def expectancy_command(
    phrase: str = _PHRASE,
    control: str = typer.Option("saline", help=f"What the other arm gets: {_CONTROL}"),
    at: float = typer.Option(24.0, help="Hours after the first dose at which arms are compared."),
    population: Path | None = _POPULATION,
    hypotheses: Path | None = _HYPOTHESES,
    replicates: int = _REPLICATES,
    persons: int = _PERSONS,
    seed: int = _SEED,
    as_json: bool = _JSON,
) -> None:
    """What share of a trial's effect expectancy explains, under two rules by which it can be told from the drug."""
    from ketalab.laboratory import expectancy_share

    if not 1 <= at <= 24 * 365:
        raise ScenarioError(f"--at: {at:g} is not allowed; allowed: 1 to 8,760 hours", at)
    sizes = (replicates, persons)
    scenario = _scenario(phrase, max(at / 24, 1.0), population, seed, hypotheses, sizes)
    progress = Progress("expectancy")
    try:
        found = expectancy_share(
            scenario,
            control=control,
            time_h=at,
            replicates=replicates,
            persons=persons,
            progress=progress,
        )
    finally:
        progress.close()
    if as_json:
        print_json(found)
        return
    rules = {**found["rules"], "mixture": found["mixture"]}
    rows = [
        (rule, *(_percent(made[key]) for key in ("of_difference", "of_change", "effect")))
        for rule, made in rules.items()
    ]
    title = f"{phrase}, against {found['control']['says']}, {at:g} h after the first dose"
    columns = ("rule", "of the difference", "of the drug arm's change", "difference, of baseline")
    print_table(title, columns, rows)
    for rule, made in found["rules"].items():
        typer.echo(f"{rule}: {made['says']}.")
    typer.echo(
        f"mixture: the rules by their weight ({found['mixture']['weight_of_belief']:g} for belief, "
        f"{found['mixture']['weight_is']}). In brackets 90% of the draws."
    )


def _percent(band: dict[str, float | None]) -> str:
    if band["mean"] is None:
        return "-"
    # A whole number has no "-0".
    mean, low, high = (f"{round(100 * (band[key] or 0.0))}" for key in ("mean", "p05", "p95"))
    return f"{mean}% ({low} to {high})"


def microdose_command(
    phrases: list[str] = typer.Argument(None, help="Low doses, as phrases; usual ones if none."),
    reference: str = typer.Option(DEFAULT_PHRASE, help="What they are held against."),
    control: str = typer.Option("saline", help=f"What the other arm gets: {_CONTROL}"),
    measure: str = typer.Option("MADRS", help="The scale in whose points effects are given."),
    population: Path | None = _POPULATION,
    hypotheses: Path | None = _HYPOTHESES,
    replicates: int = _REPLICATES,
    persons: int = _PERSONS,
    seed: int = _SEED,
    as_json: bool = _JSON,
) -> None:
    """Low doses against the usual one: the effect, its interval, and the width of that interval in the same unit."""
    from ketalab.laboratory import LOW_DOSES, microdose

    sizes = (replicates, persons)
    scenario = _scenario(reference, 1.0, population, seed, hypotheses, sizes)
    progress = Progress("microdose")
    try:
        found = microdose(
            scenario,
            tuple(compared_phrase(phrase) for phrase in phrases or LOW_DOSES),
            reference=reference,
            control=control,
            measure=measure,
            replicates=replicates,
            persons=persons,
            progress=progress,
        )
    finally:
        progress.close()
    found["studied"] = _studied()
    if as_json:
        print_json(found)
        return
    rows = [
        (
            row["phrase"],
            _points(row["effect"]),
            f"{row['width']:.1f}",
            _percent(row["share"]),
            _of_100(row["dissociated"]),
        )
        for row in found["rows"]
    ]
    columns = (
        "given",
        f"effect, points of {measure}",
        "width of its interval",
        "share of the first",
        "dissociated, of 100",
    )
    print_table("A day after the last session, beyond the sessions themselves", columns, rows)
    typer.echo(f"Studied at such doses: {', '.join(found['studied']) or 'nothing on record'}.")
    typer.echo(
        "Dose is barely informed by trials: the half-effective exposure is a prior, and the widths show it. "
        f"{_NOT_ADVICE}"
    )


def _points(band: dict[str, Any]) -> str:
    return f"{band['mean']:.1f} ({band['p05']:.1f} to {band['p95']:.1f})"


def _studied() -> list[str]:
    """Studies of people on record with an arm at a low dose."""
    from ketalab.studies import low_dose_studies

    return list(low_dose_studies())
