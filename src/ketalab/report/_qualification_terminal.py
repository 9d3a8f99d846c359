"""A qualification as plain tables for a terminal; misses first."""

from __future__ import annotations

import io
import shutil
import textwrap

from ketalab.judgement import ADULTS, Qualification
from ketalab.report._qualification_tables import (
    MISS,
    Table,
    aims_table,
    beside_table,
    coverage_table,
    lead,
    misses_table,
    summary_table,
)
from ketalab.report._terminal import plain
from ketalab.report._words import plural

#: Wide enough for all columns; a narrower terminal folds them.
_WIDTH, _LEAST = 140, 72
#: Votes that are printed; the files have all.
_MOST = 15
#: Cells up to this length are not broken; heads and longer cells are.
_SHORT = 22


def table_text(table: Table, width: int, drop: frozenset[int] = frozenset()) -> str:
    """A table as lines of text, without some of its columns."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table as Drawn
    from rich.text import Text

    drawn = Drawn(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    kept = [i for i in range(len(table.columns)) if i not in drop]
    for i in kept:
        words = i == 0 or i in table.words
        longest = max((len(row[i]) for row in table.rows), default=0)
        drawn.add_column(
            table.columns[i],
            justify="left" if words else "right",
            overflow="fold",
            min_width=longest if longest <= _SHORT else None,
        )
    for row in table.rows:
        drawn.add_row(*(Text(plain(row[i])) for i in kept))
    stream = io.StringIO()
    Console(
        file=stream, width=width, color_system=None, force_terminal=False, legacy_windows=False
    ).print(drawn)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())


def _causes(found: Qualification, width: int) -> str:
    """The named differences behind the votes that are printed, one paragraph a record."""
    lines = {}
    for vote in found.votes[:_MOST]:
        for record in vote.label.split(", "):
            if vote.fold >= MISS:
                lines[record] = found.differences.get(record, "not known")
    paragraphs = [
        textwrap.fill(plain(f"{name}: {text}"), width, subsequent_indent="  ")
        for name, text in lines.items()
    ]
    return "\n".join(paragraphs) or "no vote of those printed is a miss"


def qualification_table(found: Qualification) -> str:
    """Write a qualification as text: misses, aims, summary of adults, comparators, coverage."""
    width = max(_LEAST, min(_WIDTH, shutil.get_terminal_size((_WIDTH, 40)).columns))
    blocks = [plain(lead(found))]
    votes = misses_table(found, _MOST)
    shown = f"the {_MOST} largest of " if len(found.votes) > _MOST else ""
    missed = sum(v.fold >= MISS for v in found.votes)
    if found.votes:
        head = f"Fold errors: {shown}{plural(len(found.votes), 'vote')}; {missed} from {MISS:g}-fold on"
        blocks.append(head + "\n" + table_text(votes, width, frozenset({8, 9, 10})))
        blocks.append("What is known of the causes\n" + _causes(found, width))
    blocks.append("Aims\n" + table_text(aims_table(found), width))
    if found.summary:
        summary = summary_table(found)
        lines = zip(found.summary, summary.rows, strict=True)
        rows = tuple(row for line, row in lines if line.cohort == ADULTS)
        adults = Table(summary.caption, summary.columns, rows, summary.words)
        blocks.append(
            "Adults with a complete design (others are in the files)\n"
            + table_text(adults, width, frozenset({2}))
        )
    if found.beside:
        blocks.append("Beside published models\n" + table_text(beside_table(found), width))
    if found.coverage:
        blocks.append("Coverage of the 90% intervals\n" + table_text(coverage_table(found), width))
    unexplained = sum(not d.because for d in found.disagreements)
    blocks.append(
        f"{plural(len(found.disagreements), 'pair')} of records disagree beyond 1.5-fold under one "
        f"design, {unexplained} of them unexplained."
    )
    return "\n\n".join(blocks)
