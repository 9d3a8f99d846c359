"""The qualification of the brain as a page, JSON and CSV, and as text for a terminal; misses first."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from ketalab import __version__
from ketalab._files import write_text
from ketalab.facts import DATA
from ketalab.judgement import (
    JUDGED,
    Ablation,
    Contrast,
    Directions,
    direction_records,
    directions_document,
    to_csv,
)
from ketalab.report._cards import cards_section
from ketalab.report._directions_tables import (
    ablation_table,
    aims_of_directions,
    cards_table,
    contested_tables,
    contrast_table,
    directions_lead,
    misses_of,
    reasons,
    rows_table,
    totals_table,
)
from ketalab.report._page import environment
from ketalab.report._qualification import check_folder
from ketalab.report._qualification_tables import Table
from ketalab.report._qualification_terminal import table_text
from ketalab.report._terminal import plain

#: Files of the brain's qualification, in the folder that is named.
DIRECTION_FILES = ("directions.html", "directions.json", "directions.csv")
#: Drawings of the simulated populations, and what is to be seen in them.
POPULATIONS = {
    "habenula-raster.svg": "Spikes of habenular cells: fewer burst when NMDA or T-type channels are blocked.",
    "cortex-spectra.svg": "Spectra of the cortical field and of the deep posteromedial population.",
}
_WIDTH, _LEAST = 140, 72
#: Rows of a table that are printed; the files have all.
_MOST = 25


def write_directions(
    found: Directions,
    folder: Path | str,
    ablated: Sequence[Ablation] | None = None,
    contrasts: Sequence[Contrast] = (),
) -> list[Path]:
    """Write page, JSON and CSV into a folder, each whole or not at all; makes the folder.

    Raises
    ------
    OutputError
        The folder or a file cannot be written.
    """
    folder = Path(folder)
    check_folder(folder)
    content = directions_document(found, ablated, contrasts)
    texts = (
        directions_page(found, ablated, contrasts),
        json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n",
        to_csv(direction_records(found)),
    )
    folder.mkdir(exist_ok=True)
    for name, text in zip(DIRECTION_FILES, texts, strict=True):
        write_text(folder / name, text)
    return [folder / name for name in DIRECTION_FILES]


def directions_page(
    found: Directions,
    ablated: Sequence[Ablation] | None = None,
    contrasts: Sequence[Contrast] = (),
) -> str:
    """The page: no network and no script; the same result gives the same bytes."""
    return str(
        environment()
        .get_template("directions.html.j2")
        .render(
            found=found,
            lead=directions_lead(found),
            misses=misses_of(found),
            aims=aims_of_directions(found),
            totals=totals_table(found),
            by_card=cards_table(found),
            cards=cards_section(row.row.measure for row in found.rows if row.layer in JUDGED),
            assumed=rows_table(
                "Rows with a dose, time or act recalled or assumed; the least probable first.",
                found.of("assumed"),
                found,
                mark=True,
            ),
            held=rows_table(
                "Stated rows that are held.",
                [row for row in found.of("stated") if row.held],
                found,
                mark=False,
            ),
            build=rows_table(
                "Rows of studies that chose structure or constants; the least probable first.",
                found.of("build"),
                found,
                mark=True,
            ),
            apart=rows_table(
                "Rows of scores, states, harm and concentrations, in no share of the brain; the least probable first.",
                found.of("apart"),
                found,
                mark=True,
            ),
            contested=contested_tables(found),
            contrast=contrast_table(contrasts) if contrasts else None,
            ablations=None if ablated is None else ablation_table(ablated),
            populations=populations(),
            reasons=reasons(found),
            version=__version__,
        )
    )


def populations() -> list[tuple[str, str]]:
    """Caption and drawing of each simulated population, as they are packaged."""
    folder = DATA / "spiking"
    return [(text, (folder / name).read_text("utf-8")) for name, text in POPULATIONS.items()]


def directions_table(
    found: Directions,
    ablated: Sequence[Ablation] | None = None,
    contrasts: Sequence[Contrast] = (),
) -> str:
    """Write the result as text: misses, aims, the other groups, contested questions, ablations."""
    width = max(_LEAST, min(_WIDTH, shutil.get_terminal_size((_WIDTH, 40)).columns))
    blocks = [plain(directions_lead(found))]

    def add(head: str, table: Table, drop: frozenset[int] = frozenset()) -> None:
        if not table.rows:
            return
        rest = len(table.rows) - _MOST
        shown = Table(table.caption, table.columns, table.rows[:_MOST], table.words, table.bad)
        more = f"\n... and {rest} more; the files have all" if rest > 0 else ""
        blocks.append(f"{head}\n{table_text(shown, width, drop)}{more}")

    no_cause = frozenset() if found.causes else frozenset({7})
    add("Stated rows that are not held, the least probable first", misses_of(found), no_cause)
    add("Aims", aims_of_directions(found))
    rows = [row for row in found.of("assumed") if not row.held]
    add(
        "Not held, with a dose, time or act recalled or assumed",
        rows_table("", rows, found, mark=False),
        no_cause,
    )
    add(
        "Studies that chose structure or constants (no validation)",
        rows_table("", found.of("build"), found, mark=False),
        no_cause,
    )
    rows = [row for row in found.of("apart") if not row.held]
    add(
        "Not held, of scores, states, harm or concentrations (in no share of the brain)",
        rows_table("", rows, found, mark=False),
        no_cause,
    )
    for question, table in contested_tables(found):
        add(f"Contested, counted neither way: {plain(question)}?", table, no_cause)
    if contrasts:
        add("Glutamate by opioid", contrast_table(contrasts))
    if ablated is not None:
        add("What falls without each mechanism", ablation_table(ablated))
    add("All rows", totals_table(found))
    add("Rows held, by credibility card", cards_table(found))
    lines = [f"{len(ids)}: {plain(reason)}" for reason, ids in reasons(found)]
    if lines:
        blocks.append("Rows not expressed, by reason\n" + "\n".join(lines))
    return "\n\n".join(blocks)
