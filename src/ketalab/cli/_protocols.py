"""``ketalab protocols``."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from ketalab.cli._shared import print_json, print_table
from ketalab.errors import ScenarioError

if TYPE_CHECKING:
    from ketalab.protocol import Regimen

_WIDTH = 100
_LIMITS = "Research and teaching only; not dosing advice."
#: Begins the name of a regimen where several phrases stand side by side.
_PREFIX = "protocol:"


def protocols_command(
    name: str | None = typer.Argument(None, metavar="[ID]", help="The id of one regimen."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document on standard output."),
) -> None:
    """Named regimens with their sources; recreational patterns are shown with their hazards first."""
    from ketalab.protocol import regimen, regimens

    chosen = [regimen(name)] if name else list(regimens().values())
    if as_json:
        print_json([one.document() for one in chosen])
    elif name:
        _show_regimen(chosen[0])
    else:
        _show_list(chosen)


def show_hazards(found: Regimen) -> None:
    """Print the hazards of a regimen, and where help is."""
    document = found.document()
    typer.echo(f"Hazards of {found.id}:")
    for text in document["hazards"]:
        typer.echo(textwrap.fill(f"- {text}", _WIDTH, subsequent_indent="  "))
    if "help" in document:
        typer.echo(document["help"])


def named_regimen(name: str, phrase: str | None, with_: str | None, species: str) -> Regimen:
    """The regimen that stands in the place of a phrase.

    Raises
    ------
    ScenarioError
        No such regimen, a phrase beside it, a second drug where it has its own, or an animal.
    """
    from ketalab.protocol import regimen

    option = f"--protocol {name!r}"
    if phrase is not None:
        raise ScenarioError(f"{option}: give a regimen or a phrase, not both", phrase)
    found = regimen(name)
    if with_ is not None and found.with_phrase is not None:
        raise ScenarioError(f"{option}: has its own --with, {found.with_phrase!r}", with_)
    if species != "human":
        raise ScenarioError(f"{option}: --species {species!r} is not allowed; allowed: human")
    return found


def compared_phrase(word: str) -> str:
    """A phrase as it stands, or that of the regimen named by ``protocol:ID``.

    A recreational pattern is not set beside others: its figures are shown with its hazards, by ``simulate`` alone.
    So is a regimen with a phrase of its own beside it.
    """
    if not word.startswith(_PREFIX):
        return word
    from ketalab.protocol import regimen

    found = regimen(word.removeprefix(_PREFIX))
    if found.kind == "recreational" or found.with_phrase is not None:
        raise ScenarioError(
            f"{word}: is not compared; `ketalab simulate --protocol {found.id}` shows it with its hazards",
            word,
        )
    return found.phrase


def days_of(word: str, otherwise: float) -> float:
    """Days of the regimen that ``protocol:ID`` names; of a phrase ``otherwise``."""
    if not word.startswith(_PREFIX):
        return otherwise
    from ketalab.protocol import regimen

    return regimen(word.removeprefix(_PREFIX)).days


def _show_list(chosen: Sequence[Regimen]) -> None:
    """Print all regimens; the recreational ones last, below what may harm in them."""
    columns = ("id", "kind", "name", "studied in", "grade")
    usual = [one for one in chosen if one.kind != "recreational"]
    rows = [(one.id, one.kind, one.name, one.studied_in, one.grade) for one in usual]
    print_table(f"{len(rows)} regimens", columns, rows)
    others = [one for one in chosen if one.kind == "recreational"]
    for one in others:
        typer.echo()
        show_hazards(one)
    typer.echo()
    rows = [(one.id, one.kind, one.name, one.studied_in, one.grade) for one in others]
    print_table(f"{len(rows)} patterns of use, with the hazards above", columns, rows)
    typer.echo(f"`ketalab protocols ID` shows one. {_LIMITS}")


def _show_regimen(found: Regimen) -> None:
    """Print one regimen; what may harm comes first where it is recreational."""
    document = found.document()
    if found.kind == "recreational":
        show_hazards(found)
    typer.echo(f"{found.name} ({found.kind}; grade: {found.grade})")
    lines = [("given", found.phrase), ("beside it", found.with_phrase), ("days", f"{found.days:g}")]
    lines += [("studied in", found.studied_in), ("rule", found.rule)]
    lines += [("step", f"{step.phrase}; until: {step.until}") for step in found.phases]
    lines += [("watched", text) for text in document["monitoring"]]
    lines += [("assumed", text) for text in document["assumed"]]
    lines += [("sources", ", ".join(found.sources))]
    for label, text in lines:
        if text:
            typer.echo(textwrap.fill(f"{label}: {text}", _WIDTH, subsequent_indent="  "))
    if found.kind != "recreational":
        show_hazards(found)
    typer.echo(_LIMITS)
