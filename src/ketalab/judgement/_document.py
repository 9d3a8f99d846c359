"""A qualification as plain data: the JSON document, and the tables that go beside it as CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ketalab.judgement._compare import BESIDE
from ketalab.judgement._points import Point
from ketalab.judgement._qualify import Qualification
from ketalab.judgement._votes import LIMITS, Figures, Vote

Record = dict[str, Any]


def document(found: Qualification) -> Record:
    """One JSON document; keys are in the manual."""
    from ketalab import __version__

    return _plain(
        {
            "schema": 1,
            "layer": found.layer,
            "version": __version__,
            "replicates": found.replicates,
            "seed": found.seed,
            "left_out": found.left_out,
            "records": len({p.study for p in found.points}),
            "met": found.met,
            "aims": [
                {
                    "id": v.aim.id,
                    "claim": v.aim.claim,
                    "statistic": v.aim.statistic,
                    "bound": v.bound,
                    "value": v.value,
                    "count": v.count,
                    "met": v.met,
                }
                for v in found.verdicts
            ],
            "votes": vote_records(found),
            "summary": summary_records(found),
            "coverage": [
                {
                    "use": use,
                    "cohort": cohort,
                    "rows": c.count,
                    "records": c.record_count,
                    "coverage_rows": c.rows,
                    "coverage_records": c.records,
                    "width_log": c.width,
                }
                for use, cohort, c in found.coverage
            ],
            "comparators": [
                {
                    "use": use,
                    "comparator": b.comparator,
                    "own_records": b.own,
                    "model": _figures(b.model),
                    "other": _figures(b.other),
                    "better": b.better,
                }
                for use, b in found.beside
            ],
            "disagreements": [
                {
                    "what": d.what,
                    "first": d.first,
                    "first_value": d.first_value,
                    "second": d.second,
                    "second_value": d.second_value,
                    "fold": d.fold,
                    "because": d.because or None,
                }
                for d in found.disagreements
            ],
            "contradictions": [c.model_dump() for c in found.contradictions],
            "rows": row_records(found),
        }
    )


def vote_records(found: Qualification) -> list[Record]:
    """Votes, the largest fold error first."""
    return [_vote(vote, found.differences) for vote in found.votes]


def _vote(vote: Vote, differences: Mapping[str, str]) -> Record:
    return {
        "records": list(vote.records),
        "use": vote.use,
        "cohort": vote.cohort,
        "quantity": vote.quantity,
        "analyte": vote.analyte,
        "molecule": vote.molecule,
        "route": vote.route,
        "assay": vote.assay,
        "rows": vote.rows,
        "fold": vote.fold,
        "bias": vote.bias,
        "inside": vote.inside,
        "difference": cause_of(vote, differences),
    }


def cause_of(vote: Vote, differences: Mapping[str, str]) -> str | None:
    """What is known of the cause of a vote's error, or None."""
    texts = [differences[record] for record in vote.records if record in differences]
    return "; ".join(dict.fromkeys(texts)) or None


def summary_records(found: Qualification) -> list[Record]:
    """Lines of the summary."""
    return [
        {
            "use": line.use,
            "cohort": line.cohort,
            "quantity": line.quantity,
            "molecule": line.molecule,
            "assay": line.assay or None,
            "route": line.route,
            **_figures(line.figures),
        }
        for line in found.summary
    ]


def _figures(figures: Figures) -> Record:
    names = [f"within_{limit:g}" for limit in LIMITS]
    return {
        "votes": figures.votes,
        "gmfe": figures.gmfe,
        **dict(zip(names, figures.within, strict=True)),
        "bias": figures.bias,
    }


def row_records(found: Qualification) -> list[Record]:
    """Every row, also those that are shown and not scored, and those that could not be expressed."""
    return [_row(point) for point in found.points]


def _row(p: Point) -> Record:
    fold = math.exp(abs(p.log_error)) if math.isfinite(p.log_error) else None
    made: Record = {
        "study": p.study,
        "use": p.use,
        "cohort": p.cohort,
        "outcome": p.outcome,
        "kind": p.kind,
        "quantity": p.quantity,
        "arm": p.arm,
        "than": p.than or None,
        "analyte": p.analyte,
        "route": p.route,
        "site": p.site,
        "assay": p.assay,
        "time_h": p.time_h,
        "unit": p.unit,
        "observed": p.observed,
        "predicted": p.predicted,
        "low": p.low,
        "high": p.high,
        "inside": p.inside,
        "fold": fold,
        "scored": p.scored,
        "counted": p.counted,
        "skipped": p.skipped,
    }
    return made | {name: p.said.get(name) for name in BESIDE}


def _plain(value: Any) -> Any:
    """The same without NaN and infinity, which JSON has no word for."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def to_csv(records: Sequence[Record]) -> str:
    """Records as CSV text; lists are joined by semicolons, missing values are empty."""
    stream = io.StringIO()
    names = list(records[0]) if records else []
    writer = csv.DictWriter(stream, names, lineterminator="\n")
    writer.writeheader()
    for record in records:
        writer.writerow({name: _cell(value) for name, value in record.items()})
    return stream.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return "; ".join(map(str, value))
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    return value
