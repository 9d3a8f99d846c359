"""Large runs from the command line: into a folder, on workers, and on from where they were left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ketalab.cli._progress import Progress
from ketalab.cli._shared import print_json, print_table
from ketalab.errors import OutputError, ScenarioError

if TYPE_CHECKING:
    from ketalab.laboratory import Result, Scenario
    from ketalab.laboratory.execution import Room

#: Options of ``simulate`` that say how to run, and not what.
_HOW = frozenset({"resume", "workers", "cluster", "as_json", "cards"})
#: Options that together say whom to simulate.
_WHOM = ("population", "weight", "age", "sex", "genotype")


def names_folder(out: str | None) -> bool:
    """Whether a target is a folder: it ends with a slash, or is one."""
    return out is not None and (out.endswith("/") or Path(out).is_dir())


def check_folder_target(out: str | None) -> Path:
    """The folder of a large run.

    Raises
    ------
    OutputError
        None is named, or a file is.
    """
    from ketalab.laboratory import FORMATS

    if out is None:
        raise OutputError("--workers and --cluster write into a folder; name it: --out DIR/")
    if not names_folder(out) and Path(out).suffix in FORMATS:
        raise OutputError(f"--out {out!r}: workers write into a folder; name one: --out DIR/", out)
    return Path(out)


@contextmanager
def _room(workers: int | None, cluster: str | None) -> Iterator[Room]:
    from ketalab.laboratory.execution import DaskRoom, ProcessRoom

    room: Room = ProcessRoom(workers) if cluster is None else DaskRoom(cluster, workers)
    try:
        yield room
    finally:
        room.close()


def run_large(scenario: Scenario, folder: Path, workers: int | None, cluster: str | None) -> Result:
    """Simulate into a folder, with progress."""
    from ketalab.laboratory.execution import start

    progress = Progress("simulate", "patients")
    try:
        with _room(workers, cluster) as room:
            return start(scenario, folder, room, progress=progress).result
    finally:
        progress.close()


def go_on(folder: Path, workers: int | None, cluster: str | None) -> Result:
    """Go on with the run in a folder, with progress."""
    from ketalab.laboratory.execution import resume

    progress = Progress("simulate", "patients")
    try:
        with _room(workers, cluster) as room:
            return resume(
                folder, room, progress=progress, say=lambda line: typer.echo(line, err=True)
            ).result
    finally:
        progress.close()


def refuse_contradictions(
    context: typer.Context, folder: Path, stated: Mapping[str, Any], population: Any
) -> Scenario:
    """Refuse options that ask for something else than the run in a folder; return its scenario.

    Parameters
    ----------
    stated : option -> what it says, in the words of a scenario.
    population : what the options say of whom to simulate.
    """
    from ketalab.laboratory.execution import read_scenario

    scenario = read_scenario(folder)
    # By name, for the enumeration's home differs between versions of the parser.
    given = [
        name
        for name in context.params
        if getattr(context.get_parameter_source(name), "name", "") in ("COMMANDLINE", "ENVIRONMENT")
    ]
    for name in given:
        if name in _HOW:
            continue
        option = "the phrase" if name == "phrase" else f"--{name.strip('_')}"
        if name in _WHOM:
            same = population == scenario.population
        else:
            same = name in stated and stated[name] == getattr(
                scenario, {"output": "outputs", "with_": "with_phrase"}.get(name, name)
            )
        if not same:
            raise ScenarioError(
                f"{option} is not what the run in {folder} was begun with; leave it out, or begin anew "
                "in another folder"
            )
    return scenario


def runs_command(
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
) -> None:
    """List the large runs of this machine: where they are, and how they stand."""
    from ketalab.laboratory.execution import list_runs

    rows = list_runs()
    if as_json:
        print_json(rows)
        return
    plain = ("folder", "status", "patients", "phrase", "begun", "changed", "hash")
    cells = [[*(row[name] for name in plain[:-1]), row["hash"][:12]] for row in rows]
    print_table(f"{len(rows)} runs", plain, cells)
