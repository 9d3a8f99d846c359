"""``ketalab qualify``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ketalab.cli._progress import Progress
from ketalab.cli._shared import print_json
from ketalab.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ketalab.judgement import Ablation, Verdict

#: Virtual trials of each record (body) or study (brain) where no number is given.
_BODY, _BRAIN = 200, 100


def qualify_command(
    layer: str = typer.Option("body", help="The layer to qualify: body or brain."),
    out: Path | None = typer.Option(
        None, metavar="DIR", help="Write page, JSON and CSV tables into this folder."
    ),
    replicates: int | None = typer.Option(
        None, help="Virtual trials of each study: 200 of the body's, 100 of the brain's."
    ),
    seed: int = typer.Option(0, help="Seed of all random numbers."),
    strict: bool = typer.Option(False, help="Exit with 1 if an aim is not met."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
    ablate: bool = typer.Option(
        False, "--ablate", help="Brain: switch each mechanism off and see which rows fall."
    ),
    mechanism: list[str] = typer.Option(
        None, metavar="ID", help="Brain: only these mechanisms (may be repeated)."
    ),
    write: bool = typer.Option(
        False, "--write", help="Brain: freeze the rows that break in the packaged ablations."
    ),
    jobs: int = typer.Option(0, help="Brain: processes beside one another; 0 one a processor."),
) -> None:
    """Hold a layer against the records of its kind, misses first: fold errors (body), directions (brain)."""
    if replicates is not None and not 1 <= replicates <= 100_000:
        raise ScenarioError(f"replicates: {replicates!r} is not allowed; allowed: 1 to 100,000")
    if not 0 <= seed < 2**63:
        raise ScenarioError(f"seed: {seed!r} is not allowed; allowed: 0 to 2**63 - 1", seed)
    if not 0 <= jobs <= 64:
        raise ScenarioError(f"jobs: {jobs!r} is not allowed; allowed: 0 to 64", jobs)
    if (write or mechanism) and not ablate:
        raise ScenarioError("--write and --mechanism need --ablate, which finds the rows that fall")
    from ketalab.judgement import layer_file
    from ketalab.report import check_folder

    plan = layer_file(layer)
    if out is not None:
        check_folder(out)
    progress = Progress(f"qualify {layer}")

    def tell(done: float, total: int, record: str) -> None:
        progress.label = f"qualify {layer}: {record}" if record else f"qualify {layer}"
        progress(done, total)

    try:
        if plan.aims[0].of_directions:
            workers = jobs or os.cpu_count() or 1
            verdicts = _brain(
                layer, replicates, seed, out, as_json, ablate, mechanism, write, workers, tell
            )
        elif ablate:
            raise ScenarioError(f"--ablate is of the brain's mechanisms, not of --layer {layer}")
        else:
            verdicts = _body(layer, replicates or _BODY, seed, out, as_json, tell)
    finally:
        progress.close()
    missed = [v for v in verdicts if not v.met]
    if strict and missed:
        names = ", ".join(v.aim.id for v in missed)
        typer.echo(f"ketalab: {len(missed)} of {len(verdicts)} aims not met: {names}", err=True)
        raise typer.Exit(1)


def _body(
    layer: str,
    replicates: int,
    seed: int,
    out: Path | None,
    as_json: bool,
    tell: Callable[[float, int, str], None],
) -> Sequence[Verdict]:
    from ketalab.judgement import document, left_out_predict, qualify
    from ketalab.report import qualification_table, write_qualification

    left_out = left_out_predict(layer, replicates, seed)
    found = qualify(layer, replicates, seed, left_out=left_out, progress=tell)
    written = write_qualification(found, out) if out is not None else []
    if as_json:
        print_json(document(found))
    else:
        typer.echo(qualification_table(found))
        for path in written:
            typer.echo(f"wrote {path}")
    return found.verdicts


def _brain(
    layer: str,
    replicates: int | None,
    seed: int,
    out: Path | None,
    as_json: bool,
    ablate: bool,
    mechanism: list[str] | None,
    write: bool,
    jobs: int,
    tell: Callable[[float, int, str], None],
) -> Sequence[Verdict]:
    from ketalab import judgement
    from ketalab.report import directions_table, write_directions

    count = replicates or _BRAIN
    found = judgement.judge_directions(count, seed, layer=layer, jobs=jobs, progress=tell)
    contrasts = judgement.glutamate_by_opioid(count, seed)
    ablated: tuple[Ablation, ...] | None = None
    if ablate:
        ablated = judgement.ablate(mechanism or (), replicates, seed, jobs=jobs, progress=tell)
    written = write_directions(found, out, ablated, contrasts) if out is not None else []
    if write and ablated is not None:
        file = judgement.ablations()
        kept = judgement.with_breaks(file, ablated, replicates or file.replicates, seed)
        written.append(judgement.write_ablations(kept))
    if as_json:
        print_json(judgement.directions_document(found, ablated, contrasts))
    else:
        typer.echo(directions_table(found, ablated, contrasts))
        for path in written:
            typer.echo(f"wrote {path}")
    return found.verdicts
