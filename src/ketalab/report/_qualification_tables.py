"""Tables of a qualification, for page and terminal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ketalab.judgement import LIMITS, Figures, Point, Qualification, Vote, cause_of
from ketalab.report._words import clean, number, plural, span

#: A fold error from here on is told with its cause, or that none is known.
MISS = 1.5


@dataclass(frozen=True)
class Table:
    """A table of the page: heads, and rows whose first cell is a heading; ``bad`` rows are marked."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: frozenset[int] = frozenset()
    bad: frozenset[int] = frozenset()


def lead(found: Qualification) -> str:
    """The qualification in one paragraph."""
    scored = sum(p.scored for p in found.points)
    judged = [v for v in found.verdicts if v.count]
    met = sum(v.met for v in judged)
    text = (
        f"{plural(len({p.study for p in found.points}), 'record')}, "
        f"{plural(len(found.points), 'row')}; {scored:,} scored, in {plural(len(found.votes), 'vote')}. "
        f"{met} of {plural(len(found.verdicts), 'aim')} met"
    )
    if len(judged) < len(found.verdicts):
        unseen = len(found.verdicts) - len(judged)
        text += f", {unseen} without anything to judge by, which counts as not met"
    if not found.left_out:
        text += (
            ". No posteriors of the leave-one-study-out kind are shipped, so unseen means validate"
        )
    return text + "."


def _cause(vote: Vote, found: Qualification) -> str:
    text = cause_of(vote, found.differences)
    if text is None:
        return "not known" if vote.fold >= MISS else ""
    return clean(text)


def misses_table(found: Qualification, most: int | None = None) -> Table:
    """Every vote, the largest fold errors first."""
    votes = found.votes[:most]
    rows = [
        (
            clean(v.label),
            number(v.fold, 2),
            number(v.bias, 2),
            clean(v.analyte),
            clean(v.route),
            v.quantity,
            v.use,
            v.cohort,
            str(v.rows),
            "–" if v.inside is None else f"{100 * v.inside:.0f}%",
            _cause(v, found),
        )
        for v in votes
    ]
    return Table(
        "One vote a record, analyte and route: the median over its rows; the ratio is predicted over observed. "
        "Largest fold errors first.",
        (
            "Record",
            "Fold error",
            "Ratio",
            "Analyte",
            "Route",
            "Quantity",
            "Use",
            "People",
            "Rows",
            "Inside 90%",
            "Named difference",
        ),
        tuple(rows),
        words=frozenset({3, 4, 5, 6, 7, 10}),
        bad=frozenset(i for i, v in enumerate(votes) if v.fold >= MISS),
    )


def aims_table(found: Qualification) -> Table:
    """Aims, those not met first."""
    verdicts = sorted(found.verdicts, key=lambda v: v.met)
    rows = [
        (
            clean(v.aim.claim),
            "met" if v.met else "not met" if v.count else "nothing to judge by",
            v.bound,
            number(v.value, 2) if v.count else "–",
            str(v.count),
        )
        for v in verdicts
    ]
    return Table(
        "Aims, held against unseen adults with a complete design; those not met first.",
        ("Aim", "Verdict", "Bound", "Found", "Votes, rows or models"),
        tuple(rows),
        words=frozenset({1, 2}),
        bad=frozenset(i for i, v in enumerate(verdicts) if not v.met),
    )


def figures_cells(figures: Figures) -> tuple[str, ...]:
    """Votes, GMFE, shares within the limits, bias."""
    shares = (f"{100 * s:.0f}%" if math.isfinite(s) else "–" for s in figures.within)
    return (str(figures.votes), number(figures.gmfe, 2), *shares, number(figures.bias, 2))


_FIGURE_COLUMNS = ("Votes", "GMFE", *(f"Within {limit:g}" for limit in LIMITS), "Bias")


def summary_table(found: Qualification) -> Table:
    """Fold errors by use, people, quantity, molecule and route."""
    rows: list[tuple[str, ...]] = []
    for line in found.summary:
        name = clean(line.molecule) + (f", assay {clean(line.assay)}" if line.assay else "")
        cells = (line.use, line.cohort, line.quantity, clean(line.route))
        rows.append((name, *cells, *figures_cells(line.figures)))
    return Table(
        "Geometric mean fold error of the votes, shares within 1.25-, 1.5- and 2-fold, and bias.",
        ("Molecule", "Use", "People", "Quantity", "Route", *_FIGURE_COLUMNS),
        tuple(rows),
        words=frozenset({1, 2, 3, 4}),
    )


def beside_table(found: Qualification) -> Table:
    """The model beside each comparator on the rows that both predict."""
    rows: list[tuple[str, ...]] = []
    bad = set()
    for use, b in found.beside:
        if b.better:
            bad.add(len(rows))
        rows.append(
            (
                clean(b.name),
                use,
                "all" if b.own else "without its own",
                str(b.other.votes),
                number(b.model.gmfe, 2),
                number(b.other.gmfe, 2),
                f"{100 * b.model.within[1]:.0f}%",
                f"{100 * b.other.within[1]:.0f}%",
                "comparator" if b.better else "model",
            )
        )
    return Table(
        "Adults with a complete design, concentrations, on the rows that both predict.",
        (
            "Comparator",
            "Use",
            "Records",
            "Votes",
            "GMFE, model",
            "GMFE, comparator",
            "Within 1.5, model",
            "Within 1.5, comparator",
            "Smaller error",
        ),
        tuple(rows),
        words=frozenset({1, 2, 8}),
        bad=frozenset(bad),
    )


def coverage_table(found: Qualification) -> Table:
    """Coverage and sharpness."""
    rows = [
        (
            use,
            cohort,
            str(c.count),
            f"{100 * c.rows:.0f}%",
            str(c.record_count),
            f"{100 * c.records:.0f}%",
            number(c.width, 2),
            number(c.fold, 2),
        )
        for use, cohort, c in found.coverage
    ]
    return Table(
        "Concentrations inside the 90% interval of the virtual trials, and how wide that is.",
        (
            "Use",
            "People",
            "Rows",
            "Inside, of rows",
            "Records",
            "Inside, mean of records",
            "Width (log), median",
            "Upper / lower end",
        ),
        tuple(rows),
        words=frozenset({1}),
    )


def _row_table(caption: str, points: Iterable[Point]) -> Table:
    rows = []
    for p in sorted(points, key=lambda p: (-_distance(p), p.study, p.place)):
        interval = "–" if p.low is None or p.high is None else span((p.low, p.high))
        what = f"{clean(p.analyte)}, {p.kind.replace('_', ' ')}"
        arms = clean(p.arm) + (f" over {clean(p.than)}" if p.than else "")
        when = "" if p.time_h is None else f", {p.time_h:g} h"
        ratio = number(math.exp(p.log_error), 2) if math.isfinite(p.log_error) else "–"
        cells = (clean(p.study), f"{what}, {arms}{when}", clean(p.route), p.use, p.cohort)
        rows.append(
            (*cells, clean(p.unit) or "–", number(p.observed), number(p.predicted), interval, ratio)
        )
    columns = (
        *("Record", "Row", "Route", "Use", "People", "Unit"),
        *("Observed", "Predicted", "90% interval", "Ratio"),
    )
    return Table(caption, columns, tuple(rows), words=frozenset({1, 2, 3, 4, 5}))


def _distance(p: Point) -> float:
    return abs(p.log_error) if math.isfinite(p.log_error) else -1.0


def others_table(points: Sequence[Point]) -> Table:
    kept = (
        p
        for p in points
        if p.counted and p.skipped is None and p.quantity not in ("concentration", "direction")
    )
    return _row_table("Times, half-lives, bioavailabilities and ratios; the farthest first.", kept)


def shown_table(points: Sequence[Point]) -> Table:
    kept = (p for p in points if not p.counted and p.skipped is None)
    return _row_table("Rows that are shown and never scored; the farthest first.", kept)


def disagreements_table(found: Qualification) -> Table:
    known = {c.id: c for c in found.contradictions}
    rows = [
        (
            clean(d.what),
            number(d.fold, 2),
            f"{clean(d.first)}: {number(d.first_value)}",
            f"{clean(d.second)}: {number(d.second_value)}",
            clean(known[d.because].id.replace("_", " ")) if d.because else "not explained",
        )
        for d in found.disagreements
    ]
    return Table(
        "Pairs of records that differ beyond 1.5-fold in one figure under one design; only observed values.",
        ("Figure", "Fold", "One record", "The other", "Explained under"),
        tuple(rows),
        words=frozenset({2, 3, 4}),
        bad=frozenset(i for i, d in enumerate(found.disagreements) if not d.because),
    )


def skipped_rows(points: Sequence[Point]) -> list[tuple[str, int, str]]:
    """(reason, rows, records) of what could not be expressed, the most rows first."""
    reasons: dict[str, list[Point]] = {}
    for p in points:
        if p.skipped is not None and p.use != "left out":
            reasons.setdefault(clean(p.skipped), []).append(p)
    made = [
        (reason, len(ps), ", ".join(dict.fromkeys(clean(p.study) for p in ps)))
        for reason, ps in reasons.items()
    ]
    return sorted(made, key=lambda item: (-item[1], item[0]))
