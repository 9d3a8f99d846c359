"""``ketalab hypotheses``."""

from __future__ import annotations

import typer

from ketalab.cli._shared import print_json, print_table
from ketalab.errors import InputError


def hypotheses_command(
    next_trial: bool = typer.Option(
        False, "--next-trial", help="Designs that would tell hypotheses apart (none yet)."
    ),
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
) -> None:
    """List where the literature disagrees: the question, the weight, and the articles on each side."""
    if next_trial:
        raise InputError(
            "--next-trial: the weights are priors, and no trial is chosen by them until a calibration informs them"
        )
    from ketalab.laboratory import hypotheses

    rows = [one.to_dict() for one in hypotheses().values()]
    if as_json:
        print_json(rows)
        return
    cells = [
        (
            row["id"],
            row["question"],
            f"{row['weight']:g} ({row['weight_is']})",
            ", ".join(row["studies_for"]),
            ", ".join(row["studies_against"]),
        )
        for row in rows
    ]
    print_table("Hypotheses", ("id", "question", "weight", "for", "against"), cells)
    typer.echo("A weight is judged beforehand (prior): no data inform it yet.")
