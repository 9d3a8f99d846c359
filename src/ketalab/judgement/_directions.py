"""Direction rows judged: how many the study files express, and how often the model goes the published way.

A row's probability is the share of virtual trials in which it has the published sign. Rows are counted in groups that
are never mixed: those whose dose, time and acts are stated; those where one of these is recalled or assumed; those of
studies that chose structure or constants; and contested rows, which count neither as right nor as wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ketalab.errors import ScenarioError
from ketalab.facts import card_of
from ketalab.judgement._aims import Verdict
from ketalab.judgement._beside import Row, Task, Tell, replay_tasks
from ketalab.judgement._frozen import DirectionRow, Frozen, find_rows, frozen, layer_of
from ketalab.judgement._layer import Aim, layer_file
from ketalab.studies import Outcome, Study, list_studies, load_study

#: Layers whose rows count for the brain; rows of the others are judged too, apart.
JUDGED = ("brain", "behaviour")
#: A row is held where at least this share of the virtual trials has the published sign.
HELD = 0.8
Group = Literal["stated", "assumed", "build", "contested", "apart", "not expressed"]
GROUPS: tuple[Group, ...] = ("stated", "assumed", "build", "contested", "apart", "not expressed")
#: Groups that are also summed up by credibility card.
BY_CARD: tuple[Group, ...] = ("stated", "assumed", "build")
#: Virtual trials of rows apart, at most: whole trials of patients cost as much as all of the brain's together.
_APART = 20
Basis = Literal["stated", "recalled", "assumed"]
#: What of an act on a target may be assumed.
_ACTS = ("interventions.factor", "interventions.to_h", "factor", "to_h")


@dataclass(frozen=True)
class Judged:
    """One frozen row: its layer, what its study is used for, what it rests on, and the model's probability.

    ``basis`` is *stated* where the source tells dose, time and acts; else ``guessed`` names what is recalled or
    assumed. ``reason`` says why a row is not expressed. ``time_h`` is the row's own, or nothing.
    """

    id: str
    row: DirectionRow
    layer: str
    use: str = ""
    basis: Basis = "stated"
    guessed: tuple[str, ...] = ()
    probability: float | None = None
    reason: str | None = None

    @property
    def group(self) -> Group:
        """Where the row is counted."""
        if self.reason is not None:
            return "not expressed"
        if self.row.contested is not None:
            return "contested"
        if self.layer not in JUDGED or not self.row.counted:
            return "apart"
        if self.use == "build":
            return "build"
        return "stated" if self.basis == "stated" else "assumed"

    @property
    def held(self) -> bool:
        """Whether the model goes the published way nearly always."""
        return self.probability is not None and self.probability >= HELD


@dataclass(frozen=True)
class Directions:
    """All frozen rows judged, in the order of the list; ``causes`` are named differences behind misses, by row."""

    layer: str
    replicates: int
    seed: int
    rows: tuple[Judged, ...]
    questions: Mapping[str, str]
    verdicts: tuple[Verdict, ...]
    causes: Mapping[str, str]

    def of(self, group: Group) -> list[Judged]:
        """Rows of a group, the least probable first."""
        mine = [row for row in self.rows if row.group == group]
        return sorted(mine, key=lambda r: -1.0 if r.probability is None else r.probability)

    def share(self, *groups: Group) -> tuple[int, int]:
        """(held, judged) of the rows of some groups."""
        mine = [row for row in self.rows if row.group in groups]
        return sum(row.held for row in mine), len(mine)

    def by_card(self) -> dict[str, dict[Group, tuple[int, int]]]:
        """(held, judged) of the rows that are judged, by the credibility card of what they measure, and by group."""
        table: dict[str, dict[Group, tuple[int, int]]] = {}
        for row in self.rows:
            if row.layer in JUDGED and row.group in BY_CARD:
                card = card_of(row.row.measure).id
                groups = table.setdefault(card, dict.fromkeys(BY_CARD, (0, 0)))
                held, judged = groups[row.group]
                groups[row.group] = held + row.held, judged + 1
        return dict(sorted(table.items()))

    @property
    def expressed(self) -> int:
        """How many rows the study files express."""
        return sum(row.reason is None for row in self.rows)

    @property
    def met(self) -> bool:
        """Whether every aim is met."""
        return all(verdict.met for verdict in self.verdicts)


def basis_of(study: Study, outcome: Outcome, dose: str) -> tuple[Basis, tuple[str, ...]]:
    """What a row rests on: (*stated*, *recalled* or *assumed*; what is not stated).

    ``dose`` is what replay says of the doses. A time is assumed where the row has none, or where the study's list of
    assumptions names its time; an act where the list names its strength or its length; a row that was not verified in
    its source is recalled.
    """
    guessed = []
    if dose != "stated":
        guessed.append(f"dose {dose}")
    fields = {entry.field: entry for entry in study.assumed}
    timed = outcome.time_h is not None or outcome.window_h is not None
    taken = fields.get("outcomes.time_h")
    if not timed or (taken is not None and taken.value == outcome.time_h):
        guessed.append("time assumed")
    acting = [
        arm.id
        for arm in study.arms
        if arm.id in (outcome.arm, outcome.than)
        and any(act.target != "stress" for act in arm.interventions)
    ]
    named = {f"arms.{act}" for act in _ACTS} | {f"arms.{arm}.{a}" for arm in acting for a in _ACTS}
    if acting and named & fields.keys():
        guessed.append("act assumed")
    if not outcome.verified:
        guessed.append("row recalled")
    if not guessed:
        return "stated", ()
    recalled = all(item.endswith("recalled") for item in guessed)
    return "recalled" if recalled else "assumed", tuple(guessed)


def trim(study: Study, keep: Callable[[Outcome], bool]) -> tuple[Study, dict[int, int]]:
    """A study with some of its rows, and the new place of each by its old one.

    An experiment, in which all arms are simulated in the same animals or people, loses the arms that no row names.
    """
    places = [i for i, row in enumerate(study.outcomes) if keep(row)]
    kept = tuple(study.outcomes[i] for i in places)
    changed: dict[str, Any] = {"outcomes": kept}
    if study.species != "human" or study.design.kind == "experiment":
        named = {name for row in kept for name in (row.arm, row.than)}
        arms = tuple(arm for arm in study.arms if arm.id in named)
        changed["arms"] = arms or study.arms[:1]
    return study.model_copy(update=changed), {old: new for new, old in enumerate(places)}


@dataclass(frozen=True)
class Part:
    """Rows of one study that are replayed together: places in the trimmed study by id.

    ``apart``: uncontested rows of other layers than those judged here, which no ablation asks.
    """

    study: Study
    ids: Mapping[str, int]
    replicates: int
    apart: bool = False


def make_parts(
    studies: Mapping[str, Study], rows: Mapping[str, DirectionRow], replicates: int
) -> list[Part]:
    """What must be replayed: the rows of the judged layers, contested rows of others, and the rest apart."""
    parts = []
    for study in studies.values():
        found = find_rows(study, rows)
        ours = {name: place for name, place in found.items() if _judged(rows[name])}
        others = {
            name: place
            for name, place in found.items()
            if name not in ours and layer_of(rows[name].measure, rows[name].species) != "none"
        }
        if ours:
            trimmed, places = trim(study, lambda o, s=study: _of_layers(o, s))  # type: ignore[misc]
            ids = {name: places[place] for name, place in ours.items()}
            parts.append(Part(trimmed, ids, replicates))
        contested = {n: p for n, p in others.items() if rows[n].contested is not None}
        plain = {n: p for n, p in others.items() if n not in contested}
        for chosen, count in ((contested, replicates), (plain, min(replicates, _APART))):
            if chosen:
                kept = {id(study.outcomes[place]) for place in chosen.values()}
                trimmed, places = trim(study, lambda o, k=kept: id(o) in k)  # type: ignore[misc]
                ids = {n: places[p] for n, p in chosen.items()}
                parts.append(Part(trimmed, ids, count, chosen is plain))
    return parts


def _judged(row: DirectionRow) -> bool:
    return layer_of(row.measure, row.species) in JUDGED


def _of_layers(outcome: Outcome, study: Study) -> bool:
    measure = outcome.output if outcome.kind == "statement" else outcome.measure
    return layer_of(measure or "", outcome.species or study.species) in JUDGED


def judge_directions(
    replicates: int = 100,
    seed: int = 0,
    *,
    layer: str = "brain",
    jobs: int = 1,
    progress: Tell | None = None,
    studies: Sequence[Study] | None = None,
    listed: Frozen | None = None,
    run: Callable[[Task], list[Row]] | None = None,
) -> Directions:
    """Replay every study that holds a frozen row, and judge the rows.

    Parameters
    ----------
    jobs : processes beside one another; the result is the same for any number.
    studies, listed, run : other studies than the packaged, another list than the frozen one, another model.

    Raises
    ------
    ScenarioError
        A layer that is not judged by its directions, or a number of replicates or a seed out of range.
    """
    plan = layer_file(layer)
    if not all(aim.of_directions for aim in plan.aims):
        raise ScenarioError(f"layer: {layer!r} is judged by its concentrations; see qualify", layer)
    if not 1 <= replicates <= 100_000:
        raise ScenarioError(f"replicates: {replicates!r} is not allowed; allowed: 1 to 100,000")
    listed = frozen() if listed is None else listed
    rows = listed.by_id
    known = _load(rows) if studies is None else {study.id: study for study in studies}
    parts = make_parts(known, rows, replicates)
    tasks = [Task(part.study, part.replicates, seed) for part in parts]
    made = replay_tasks(tasks, jobs, progress, **({} if run is None else {"run": run}))
    judged = {
        name: _judge(name, rows[name], part, part.ids[name], results)
        for part, results in zip(parts, made, strict=True)
        for name in part.ids
    }
    every = tuple(
        judged.get(name) or _missing(name, row, known.get(row.study)) for name, row in rows.items()
    )
    found = Directions(
        layer, replicates, seed, every, dict(listed.contested), (), dict(plan.differences)
    )
    return replace(found, verdicts=tuple(_verdict(aim, found) for aim in plan.aims))


def _load(rows: Mapping[str, DirectionRow]) -> dict[str, Study]:
    packaged = set(list_studies())
    names = dict.fromkeys(row.study for row in rows.values())
    return {name: load_study(name) for name in names if name in packaged}


def _judge(name: str, row: DirectionRow, part: Part, place: int, results: Sequence[Row]) -> Judged:
    result, outcome = results[place], part.study.outcomes[place]
    basis, guessed = basis_of(part.study, outcome, str(result.get("dose", "stated")))
    reason = result["skipped"]
    return Judged(
        name,
        row.model_copy(update={"counted": row.counted and outcome.counted}),
        layer_of(row.measure, row.species),
        part.study.use,
        basis,
        guessed,
        result.get("probability") if reason is None else None,
        None if reason is None else str(reason),
    )


def _missing(name: str, row: DirectionRow, study: Study | None) -> Judged:
    layer, use = layer_of(row.measure, row.species), "" if study is None else study.use
    if study is None:
        reason = "no study file of this name"
    elif layer == "none":
        reason = "no model yet of what is measured"
    else:
        reason = "no row of the study file says this"
    return Judged(name, row, layer, use, reason=reason)


def _verdict(aim: Aim, found: Directions) -> Verdict:
    if aim.statistic == "expressed":
        return Verdict(aim, found.expressed / len(found.rows), len(found.rows))
    group: Group = "stated" if aim.statistic == "held_stated" else "assumed"
    held, count = found.share(group)
    return Verdict(aim, held / count if count else float("nan"), count)
