"""The qualification of a layer: every concentration record replayed, and what its rows say together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ketalab.errors import ScenarioError
from ketalab.judgement._aims import UNSEEN, Verdict, judge_aims
from ketalab.judgement._compare import BESIDE, Beside, set_beside
from ketalab.judgement._coverage import Coverage, cover
from ketalab.judgement._disagree import Disagreement, find_disagreements
from ketalab.judgement._layer import Contradiction, layer_file
from ketalab.judgement._points import ADULTS, Point, Row, make_points, plasma_rows
from ketalab.judgement._published import predict_row
from ketalab.judgement._votes import Figures, Vote, make_votes, sum_up, worst_first
from ketalab.studies import Study, list_studies, load_study, split

#: From a study to its rows, one an outcome, as ``ketalab replay`` prints them.
Predict = Callable[[Study], Sequence[Row]]
#: (records done, of how many, the record that is next)
Progress = Callable[[float, int, str], None]
USES = ("validate", "left out", "calibrate", "build")


@dataclass(frozen=True)
class Line:
    """One line of the summary: the votes of a use, a cohort, a quantity and a molecule, by a route or all."""

    use: str
    cohort: str
    quantity: str
    molecule: str
    assay: str
    route: str
    figures: Figures


@dataclass(frozen=True)
class Qualification:
    """What a qualification found; ``votes`` have the largest fold errors first."""

    layer: str
    replicates: int
    seed: int
    left_out: bool
    points: tuple[Point, ...]
    votes: tuple[Vote, ...]
    summary: tuple[Line, ...]
    coverage: tuple[tuple[str, str, Coverage], ...]
    beside: tuple[tuple[str, Beside], ...]
    verdicts: tuple[Verdict, ...]
    disagreements: tuple[Disagreement, ...]
    contradictions: tuple[Contradiction, ...]
    differences: dict[str, str]

    @property
    def met(self) -> bool:
        """Whether every aim is met."""
        return all(verdict.met for verdict in self.verdicts)


def concentration_records() -> list[Study]:
    """All packaged studies with rows of drug in plasma, each with these rows alone."""
    found = (plasma_rows(load_study(name)) for name in list_studies())
    return [study for study in found if study is not None]


def replayed(replicates: int, seed: int) -> Predict:
    """Rows by replay of the study in its own design."""
    from ketalab.studies import replay_study

    return lambda study: replay_study(study, replicates, seed).rows


def qualify(
    layer: str = "body",
    replicates: int = 200,
    seed: int = 0,
    *,
    predict: Predict | None = None,
    left_out: Predict | None = None,
    studies: Sequence[Study] | None = None,
    progress: Progress | None = None,
) -> Qualification:
    """Qualify a layer against every concentration record.

    ``predict`` and ``left_out`` turn a study into its rows, in the order of its outcomes; ``left_out`` does so under
    the posterior that never saw the study, and is asked for calibration records alone.

    Raises
    ------
    ScenarioError
        A layer that has no qualification, or is judged by its directions.
    """
    file = layer_file(layer)
    if any(aim.of_directions for aim in file.aims):
        raise ScenarioError(
            f"layer: {layer!r} is judged by its directions; see judge_directions", layer
        )
    studies = concentration_records() if studies is None else studies
    predict = predict or replayed(replicates, seed)
    points: list[Point] = []
    for number, study in enumerate(studies):
        if progress is not None:
            progress(number, len(studies), study.id)
        points += _with_comparators(study, make_points(study, predict(study)))
        if left_out is not None and study.use == "calibrate":
            points += _with_comparators(study, make_points(study, left_out(study), "left out"))
    if progress is not None:
        progress(len(studies), len(studies), "")
    together = [frozenset(s.records) for s in split().same_study if s.one_vote]
    votes = worst_first(make_votes(points, together))
    beside = _beside(points, together)
    unseen = [b for use, b in beside if use == "unseen" and not b.own]
    return Qualification(
        layer=layer,
        replicates=replicates,
        seed=seed,
        left_out=left_out is not None,
        points=tuple(points),
        votes=tuple(votes),
        summary=tuple(_summary(votes)),
        coverage=tuple(_coverage(points, together)),
        beside=tuple(beside),
        verdicts=tuple(judge_aims(file.aims, points, votes, unseen, together)),
        disagreements=tuple(find_disagreements(studies, points, file.contradictions)),
        contradictions=file.contradictions,
        differences=dict(file.differences),
    )


def _with_comparators(study: Study, points: Sequence[Point]) -> list[Point]:
    made = []
    for point in points:
        row = study.outcomes[point.place]
        said = {name: predict_row(name, study, row) for name in BESIDE}
        kept = {name: value for name, value in said.items() if value is not None}
        made.append(replace(point, said=kept))
    return made


def _summary(votes: Sequence[Vote]) -> list[Line]:
    """Lines by use, cohort, quantity and molecule (hydroxynorketamine by assay), each for all routes and by route."""
    groups: dict[tuple[str, str, str, str, str], list[Vote]] = {}
    for vote in votes:
        assay = vote.assay if vote.molecule == "hydroxynorketamine" else ""
        key = (vote.use, vote.cohort, vote.quantity, vote.molecule, assay)
        groups.setdefault(key, []).append(vote)

    def place(key: tuple[str, str, str, str, str]) -> tuple[int, bool, str, str, str]:
        return USES.index(key[0]), key[1] != ADULTS, *key[1:4]

    lines = []
    for key in sorted(groups, key=place):
        mine = groups[key]
        lines.append(Line(*key, "all", sum_up(mine)))
        for route in sorted({vote.route for vote in mine}):
            lines.append(Line(*key, route, sum_up([v for v in mine if v.route == route])))
    return lines


def _coverage(
    points: Sequence[Point], together: Sequence[frozenset[str]]
) -> list[tuple[str, str, Coverage]]:
    """(use, cohort, coverage), for what is there."""
    cohorts = sorted({p.cohort for p in points}, key=lambda c: (c != ADULTS, c))
    made = [
        (use, cohort, cover([p for p in points if p.use == use and p.cohort == cohort], together))
        for use in USES
        for cohort in cohorts
    ]
    return [item for item in made if item[2].count]


def _beside(
    points: Sequence[Point], together: Sequence[frozenset[str]]
) -> list[tuple[str, Beside]]:
    """Adults with a complete design, by use and unseen together, with and without the comparators' own records."""
    adults = [p for p in points if p.cohort == ADULTS]
    chosen = {"unseen": [p for p in adults if p.use in UNSEEN]}
    chosen |= {use: [p for p in adults if p.use == use] for use in USES}
    if not chosen["left out"]:  # then unseen is validate, and says it once
        del chosen["validate"]
    made = []
    for use, rows in chosen.items():
        for name in BESIDE:
            without = set_beside(name, rows, together, own=False)
            everything = set_beside(name, rows, together, own=True)
            made.append((use, without))
            if everything.other.votes > without.other.votes:
                made.append((use, everything))
    return [item for item in made if item[1].other.votes]
