"""What the laboratory knows: ``outputs``, ``facts``, ``cite``, ``evidence``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typer

from ketalab.cli._shared import print_json, print_table
from ketalab.errors import InputError, closest

evidence_app = typer.Typer(no_args_is_help=True, help="The records behind the laboratory.")
_STYLES = ("text", "bibtex", "ris", "csl-json")


def outputs_command(
    species: str = typer.Option("human", help="human, rat or mouse."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
) -> None:
    """List every output: name, unit, layer, grade, meaning."""
    from ketalab.facts import thin_harms
    from ketalab.laboratory import SPECIES, outputs

    if species not in SPECIES:
        raise InputError(
            f"--species {species!r} is not allowed; allowed: {', '.join(SPECIES)}", species
        )
    columns = ("name", "unit", "layer", "grade", "meaning")
    rows = [{c: getattr(info, c) for c in columns} for info in outputs(species).values()]
    if species == "human":
        rows += [
            {
                "name": n,
                "unit": "-",
                "layer": "harm",
                "grade": "thin",
                "meaning": f"{h.name}: no number",
            }
            for n, h in thin_harms().items()
        ]
    if as_json:
        from ketalab.facts import card_of

        print_json([{**row, "card": card_of(row["name"]).id} for row in rows])
    else:
        print_table(f"{len(rows)} outputs", columns, ([r[c] for c in columns] for r in rows))


def _fact_row(name: str) -> dict[str, Any]:
    from ketalab.facts import fact

    record = fact(name)
    return {**record.model_dump(mode="json", exclude_none=True), "assumed": record.assumed}


def facts_command(
    assumed: bool = typer.Option(False, help="Only constants that are assumed or unverified."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
) -> None:
    """List the constants with value, unit, range, grade and source."""
    from ketalab.facts import facts

    rows = [_fact_row(name) for name, record in facts().items() if record.assumed or not assumed]
    if as_json:
        print_json(rows)
        return
    count = sum(record.assumed for record in facts().values())
    table = []
    for row in rows:
        spread = row.get("spread", {})
        width = spread.get("value", spread.get("interval", ""))
        text = f"{spread['kind']} {width}".rstrip() if spread else ""
        table.append((row["id"], row["value"], row["unit"], text, row["grade"], row["source"]))
    print_table("Constants", ("id", "value", "unit", "spread", "grade", "source"), table)
    typer.echo(f"{len(facts()) - count} constants are sourced, {count} are assumed")


def _facts_of_result(path: Path) -> list[str]:
    """Ids of the facts that a saved result used."""
    from ketalab._files import read_text

    place = path
    if path.suffix in (".csv", ".parquet"):
        place = path.with_suffix(path.suffix + ".meta.json")
        if path.exists() and not place.exists():
            raise InputError(f"{path}: the file {place.name!r} that names its facts is missing")
    if place.suffix == ".nc":
        import xarray

        if not place.is_file():
            raise InputError(f"{place}: no such file")
        try:
            with xarray.open_dataset(place, engine="h5netcdf") as dataset:
                return [str(name) for name in dataset.attrs["facts"]]
        except (OSError, KeyError, ValueError):
            raise InputError(f"{place}: not a result of this laboratory") from None
    text = read_text(place, 500_000_000)
    try:
        return [str(name) for name in json.loads(text)["facts"]]
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{place}: not a result of this laboratory (it names no facts)") from None


def cite_app(
    result: Path = typer.Argument(..., metavar="RESULT", help="A saved result."),
    style: str = typer.Option("text", "--format", help="text, bibtex, ris or csl-json."),
    as_json: bool = typer.Option(False, "--json", help="CSL-JSON as one JSON document."),
) -> None:
    """Print the references of the constants that a saved result used."""
    if style not in _STYLES:
        raise InputError(f"--format {style!r} is not allowed; allowed: {', '.join(_STYLES)}", style)
    from ketalab.facts import render
    from ketalab.laboratory import references

    found = references(_facts_of_result(result))
    if as_json:
        print_json(found)
    else:
        typer.echo(render(found, style).rstrip())  # type: ignore[arg-type]


@evidence_app.command("list")
def list_command(
    kind: str | None = typer.Option(None, help="Only fact, study, scale, compound or reference."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
) -> None:
    """List all records: constants, studies, scales, compounds, references."""
    rows = [row for row in _records() if kind in (None, row["kind"])]
    if kind is not None and not rows:
        raise InputError(
            f"--kind {kind!r} is not allowed; allowed: compound, fact, reference, scale, study",
            kind,
        )
    if as_json:
        print_json(rows)
    else:
        columns = ("id", "kind", "title")
        print_table(f"{len(rows)} records", columns, ([r[c] for c in columns] for r in rows))


def _records() -> list[dict[str, str]]:
    from ketalab.facts import citations, compounds, facts, scales
    from ketalab.studies import list_studies, load_study

    rows = [{"id": n, "kind": "fact", "title": r.quantity} for n, r in facts().items()]
    rows += [
        {"id": n, "kind": "study", "title": str(load_study(n).citation.get("title", ""))}
        for n in list_studies()
    ]
    rows += [{"id": n, "kind": "scale", "title": r.name} for n, r in scales().items()]
    rows += [
        {"id": n, "kind": "compound", "title": ", ".join(r.names)} for n, r in compounds().items()
    ]
    rows += [
        {"id": n, "kind": "reference", "title": str(r["title"])} for n, r in citations().items()
    ]
    return rows


@evidence_app.command("show")
def show_command(
    name: str = typer.Argument(..., metavar="ID", help="A record by id."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
) -> None:
    """Print one record with its reference."""
    from ketalab.facts import citations, compounds, facts, scales
    from ketalab.studies import dump_study, list_studies, load_study

    if name in list_studies():
        study = load_study(name)
        if as_json:
            print_json(study.model_dump(mode="json", by_alias=True, exclude_none=True))
        else:
            typer.echo(dump_study(study), nl=False)
        return
    if name in facts():
        record = _fact_row(name)
        record["reference"] = citations().get(record.get("citation", ""))
    elif name in scales() or name in compounds():
        found = scales().get(name) or compounds()[name]
        record = found.model_dump(mode="json")
    elif name in citations():
        record = dict(citations()[name])
    else:
        known = [row["id"] for row in _records()]
        raise InputError(
            f"no record {name!r}{closest(name, known)}; see `ketalab evidence list`", name
        )
    if as_json:
        print_json(record)
    else:
        import yaml

        typer.echo(yaml.safe_dump(record, sort_keys=False, allow_unicode=True, width=100), nl=False)


@evidence_app.command("check")
def check_command(
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
) -> None:
    """Check every record: schema, units, references, verified flags, the split. Exit 1 on a problem."""
    from ketalab.facts import check_facts
    from ketalab.protocol import check_regimens
    from ketalab.studies import check_evidence

    problems = [*check_facts(), *check_regimens(), *check_evidence()]
    if as_json:
        print_json({"problems": problems, "passed": not problems})
    else:
        for problem in problems:
            typer.echo(problem)
        typer.echo(f"{len(problems)} problems" if problems else "all records pass")
    if problems:
        raise typer.Exit(1)
