"""``ketalab scales``: the rating scales, and scores of one as scores of another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from ketalab.cli._shared import print_json, print_table
from ketalab.errors import ScenarioError, closest

if TYPE_CHECKING:
    from ketalab.facts import Scale


def scales_command(
    scale: str | None = typer.Argument(None, help="The id of one scale."),
    convert: float | None = typer.Option(None, help="A score on it, to be converted."),
    to: str | None = typer.Option(None, help="The scale into which it is converted."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document on standard output."),
) -> None:
    """Rating scales as the model reads them: range, rules, and what of that is assumed. No item wording."""
    from ketalab.facts import scales

    known = scales()
    if scale is not None and scale not in known:
        near = closest(scale, known)
        raise ScenarioError(f"scale {scale!r} is unknown; allowed: {', '.join(known)}{near}", scale)
    if (convert is None) != (to is None):
        raise ScenarioError(
            "--convert and --to belong together: a score, and the scale to convert to"
        )
    if convert is not None and to is not None:
        if scale is None:
            raise ScenarioError("--convert: name the scale of the score first")
        _convert(scale, convert, to, as_json)
        return
    rows = [_document(known[name]) for name in ([scale] if scale else known)]
    if as_json:
        print_json(rows)
        return
    cells = [
        (
            row["id"],
            row["name"],
            row["measures"],
            f"0 to {row['maximum']:g}",
            _share(row["response"]),
            "-" if row["remission_at_most"] is None else f"at most {row['remission_at_most']:g}",
            ", ".join(row["assumed"]) or "nothing",
        )
        for row in rows
    ]
    columns = ("scale", "name", "measures", "range", "response", "remission", "assumed")
    print_table("Rating scales", columns, cells)


def _share(share: float | None) -> str:
    return "-" if share is None else f"fall of {100 * share:.0f}%"


def _document(scale: Scale) -> dict[str, Any]:
    """A scale with the numbers of its facts, and which of them are assumed."""
    from ketalab.facts import fact

    fields = (
        "maximum",
        "granularity",
        "baseline_mean",
        "baseline_sd",
        "fluctuation",
        "response",
        "remission_at_most",
        "per_hdrs17",
    )
    named = {field: getattr(scale, field) for field in fields}
    return {
        "id": scale.id,
        "name": scale.name,
        "measures": scale.measures,
        "minimum": 0.0,
        **{field: None if name is None else fact(name).value for field, name in named.items()},
        "assumed": [field for field, name in named.items() if name and fact(name).assumed],
        "facts": [name for name in named.values() if name],
    }


def _convert(scale: str, score: float, to: str, as_json: bool) -> None:
    from ketalab.laboratory import convert_score

    made = convert_score(score, scale, to)
    value, low, high = (float(x) for x in (made.value, made.low, made.high))
    if as_json:
        print_json(
            {
                "from": scale,
                "score": score,
                "to": to,
                "value": value,
                "low": low,
                "high": high,
                "facts": list(made.facts),
            }
        )
        return
    typer.echo(f"{scale} {score:g} is {to} {value:g} ({low:g} to {high:g})")
    typer.echo(
        "No table that links the scales is on record: the ratio of usual baselines, assumed."
    )
