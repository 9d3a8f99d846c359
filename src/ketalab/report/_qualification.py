"""The qualification of a layer as one HTML page, with CSV and JSON beside it; misses first."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ketalab import __version__
from ketalab._files import write_text
from ketalab.errors import OutputError
from ketalab.facts import render
from ketalab.judgement import (
    BESIDE,
    Comparator,
    Qualification,
    comparators,
    document,
    row_records,
    summary_records,
    to_csv,
    vote_records,
)
from ketalab.report._cards import cards_section
from ketalab.report._page import environment
from ketalab.report._qualification_tables import (
    aims_table,
    beside_table,
    coverage_table,
    disagreements_table,
    lead,
    misses_table,
    others_table,
    shown_table,
    skipped_rows,
    summary_table,
)
from ketalab.report._scatter import scatter_figures
from ketalab.report._words import clean

#: Files of a qualification, in the folder that is named.
FILES = ("qualification.html", "qualification.json", "votes.csv", "summary.csv", "rows.csv")


def check_folder(folder: Path) -> None:
    """Refuse, before any work, a folder in which nothing could be written at the end.

    Raises
    ------
    OutputError
        It is a file, its parent is missing, or it cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: is a file; name a folder")
    nearest = folder if folder.exists() else folder.parent
    if not nearest.is_dir():
        raise OutputError(f"{folder}: the folder {str(nearest)!r} does not exist")
    if not os.access(nearest, os.W_OK):
        raise OutputError(f"{folder}: the folder {str(nearest)!r} cannot be written")


def write_qualification(found: Qualification, folder: Path | str) -> list[Path]:
    """Write page, JSON and CSV tables into a folder, each whole or not at all; makes the folder.

    Raises
    ------
    OutputError
        The folder or a file cannot be written.
    """
    folder = Path(folder)
    check_folder(folder)
    page = qualification_page(found)
    texts = {
        "qualification.html": page,
        "qualification.json": json.dumps(document(found), indent=1, allow_nan=False) + "\n",
        "votes.csv": to_csv(vote_records(found)),
        "summary.csv": to_csv(summary_records(found)),
        "rows.csv": to_csv(row_records(found)),
    }
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        write_text(folder / name, text)
    return [folder / name for name in texts]


def qualification_page(found: Qualification) -> str:
    """The page: no network and no script; the same qualification gives the same bytes."""
    figures = scatter_figures(found.points)
    return str(
        environment()
        .get_template("qualification.html.j2")
        .render(
            found=found,
            records=len({p.study for p in found.points}),
            lead=lead(found),
            misses=misses_table(found),
            aims=aims_table(found),
            summary=summary_table(found),
            beside=beside_table(found),
            coverage=coverage_table(found),
            figures=figures,
            others=others_table(found.points),
            shown=shown_table(found.points),
            disagreements=disagreements_table(found),
            contradictions=found.contradictions,
            skipped=skipped_rows(found.points),
            notes=_notes(),
            cards=cards_section(f"plasma:venous:{p.molecule}" for p in found.points),
            version=__version__,
        )
    )


def _notes() -> list[tuple[str, str, str]]:
    """(name, note, citation) of each comparator and of what stands behind the mean."""
    made = []
    for name in sorted(comparators(), key=lambda name: name not in BESIDE):
        one = comparators()[name]
        citation = ""
        if isinstance(one, Comparator):
            citation = " ".join(render([{"id": one.id, **one.citation}], "text").split())
        made.append((clean(one.name), clean(one.note or ""), clean(citation)))
    return made
