"""Ablation: each mechanism of the brain switched off in turn, and the direction rows that fall without it.

The same virtual trials are made again with the mechanism's facts fixed (common random numbers), so that few of them
tell what a mechanism carries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from ketalab.errors import ScenarioError, closest
from ketalab.facts import fact
from ketalab.judgement._beside import Row, Task, Tell, replay_tasks
from ketalab.judgement._directions import Part, make_parts, trim
from ketalab.judgement._frozen import Frozen, frozen
from ketalab.judgement._mechanisms import Ablations, Mechanism, ablations
from ketalab.studies import Study, list_studies, load_study

#: A row breaks where its probability falls from at least this to below it, and by more than one trial in ten,
#: so that no row that goes either way is anybody's.
BREAKS_AT, BREAKS_BY = 0.5, 0.15
#: A row that does not break weakens where its probability falls by more than this.
WEAKENS_BY = 0.3
#: Animals of an arm that states no number: arms are compared in the same animals, so that few are enough.
_ANIMALS = 10


@dataclass(frozen=True)
class Fallen:
    """A row, its probability with the mechanism and without it."""

    id: str
    before: float
    after: float

    @property
    def breaks(self) -> bool:
        """Whether the row breaks; else it weakens."""
        return self.before >= BREAKS_AT > self.after and self.before - self.after > BREAKS_BY


@dataclass(frozen=True)
class Ablation:
    """One mechanism switched off: rows that fall, the deepest first, and how many rows it could touch."""

    mechanism: Mechanism
    fallen: tuple[Fallen, ...]
    asked: int

    @property
    def breaks(self) -> tuple[str, ...]:
        """Ids of the rows that break, in alphabetical order."""
        return tuple(sorted(row.id for row in self.fallen if row.breaks))


@cache
def _facts_behind(measure: str, species: str) -> frozenset[str]:
    from ketalab.laboratory import outputs

    offered = outputs(species)
    for name in (measure, f"score:{measure}", f"p:{measure}"):
        if name in offered:
            return frozenset(offered[name].facts)
    # A share or a difference that has no output of its own is read from the symptoms that remain.
    return frozenset(offered["symptom:depression"].facts) if species == "human" else frozenset()


def fallen(before: Mapping[str, float], after: Mapping[str, float]) -> tuple[Fallen, ...]:
    """Rows that break or weaken, the deepest fall first."""
    both = [Fallen(name, before[name], after[name]) for name in after]
    down = [row for row in both if row.breaks or row.before - row.after > WEAKENS_BY]
    return tuple(sorted(down, key=lambda row: (row.after - row.before, row.id)))


def ablate(
    names: Sequence[str] = (),
    replicates: int | None = None,
    seed: int | None = None,
    *,
    jobs: int = 1,
    progress: Tell | None = None,
    only: Callable[[str], bool] | None = None,
    listed: Frozen | None = None,
    studies: Sequence[Study] | None = None,
    of: Ablations | None = None,
    run: Callable[[Task], list[Row]] | None = None,
) -> tuple[Ablation, ...]:
    """Switch mechanisms off in turn and see which rows fall.

    Parameters
    ----------
    names : ids of mechanisms; all where none is named.
    replicates, seed : of the file where not given.
    only : ids of the studies to look at, all where not given.
    listed, studies, of, run : other rows, studies, mechanisms, or another model than the packaged.

    Raises
    ------
    ScenarioError
        No mechanism of this name, or one without which a row has no number.
    """
    file = ablations() if of is None else of
    replicates = file.replicates if replicates is None else replicates
    seed = file.seed if seed is None else seed
    for name in names:
        if name not in file.by_id:
            known = ", ".join(file.by_id)
            raise ScenarioError(
                f"mechanism {name!r} is unknown{closest(name, file.by_id)}; known: {known}", name
            )
    chosen = [file.by_id[name] for name in names] or list(file.mechanisms)
    rows = (frozen() if listed is None else listed).by_id
    rows = {name: row for name, row in rows.items() if only is None or only(row.study)}
    if studies is None:
        packaged = set(list_studies())
        wanted = dict.fromkeys(row.study for row in rows.values())
        studies = [load_study(name) for name in wanted if name in packaged]
    held = {study.id: _few_animals(study) for study in studies}
    parts = [part for part in make_parts(held, rows, replicates) if not part.apart]
    options = {} if run is None else {"run": run}
    base = replay_tasks([Task(p.study, replicates, seed) for p in parts], jobs, progress, **options)
    before = [_probabilities(part, made) for part, made in zip(parts, base, strict=True)]

    def changed(one: Mechanism) -> frozenset[str]:
        """Facts that are not already where the mechanism is off."""
        return frozenset(name for name, value in one.off.items() if fact(name).value != value)

    def touched(sure: Mapping[str, float], one: Mechanism) -> list[str]:
        """Rows that could fall: likely enough before, and resting on a fact that changes."""
        kept = []
        for name, probability in sure.items():
            row = rows[name]
            behind = _facts_behind(row.measure, row.species)
            if probability > WEAKENS_BY and behind & changed(one):
                kept.append(name)
        return kept

    work = [
        (one, part, sure, mine)
        for one in chosen
        for part, sure in zip(parts, before, strict=True)
        if one.acts_in(part.study) and (mine := touched(sure, one))
    ]
    trimmed = [_trim_to(part, mine) for _, part, _, mine in work]
    tasks = [
        Task(part.study, replicates, seed, one.off)
        for (one, *_), part in zip(work, trimmed, strict=True)
    ]
    made = replay_tasks(tasks, jobs, progress, **options)
    old: dict[str, dict[str, float]] = {one.id: {} for one in chosen}
    new: dict[str, dict[str, float]] = {one.id: {} for one in chosen}
    for (one, _, sure, mine), part, results in zip(work, trimmed, made, strict=True):
        after = _probabilities(part, results)
        if lost := [name for name in mine if name not in after]:
            raise ScenarioError(
                f"mechanism {one.id!r}: without it {lost[0]!r} has no number, so that nothing is learnt of it; "
                "switch it off with finite values",
                one.id,
            )
        old[one.id] |= {name: sure[name] for name in mine}
        new[one.id] |= {name: after[name] for name in mine}
    return tuple(
        Ablation(one, fallen(old[one.id], new[one.id]), len(new[one.id])) for one in chosen
    )


def _few_animals(study: Study) -> Study:
    """A study whose arms of animals are as small as experiments are, where it states no number."""
    if study.species == "human":
        return study
    arms = tuple(arm.model_copy(update={"n": arm.n or _ANIMALS}) for arm in study.arms)
    return study.model_copy(update={"arms": arms})


def _trim_to(part: Part, names: Sequence[str]) -> Part:
    """A part with the arms and the statements that some of its rows need, and with what else these arms show."""
    wanted = {part.ids[name] for name in names}
    rows = part.study.outcomes
    arms = {arm for place in wanted for arm in (rows[place].arm, rows[place].than)}
    kept = {
        id(row)
        for place, row in enumerate(rows)
        if place in wanted or (row.scenario is None and {row.arm, row.than} <= arms | {None})
    }
    study, places = trim(part.study, lambda row: id(row) in kept)
    return replace(part, study=study, ids={name: places[part.ids[name]] for name in names})


def _probabilities(part: Part, results: Sequence[Row]) -> dict[str, float]:
    found = {}
    for name, place in part.ids.items():
        probability = results[place].get("probability")
        if results[place]["skipped"] is None and probability is not None:
            found[name] = float(probability)
    return found


def with_breaks(
    file: Ablations, found: Sequence[Ablation], replicates: int, seed: int
) -> Ablations:
    """The file with the rows that were found to break in the place of those frozen before."""
    new = {one.mechanism.id: one.breaks for one in found}
    made = [
        one.model_copy(update={"breaks": new.get(one.id, one.breaks)}) for one in file.mechanisms
    ]
    return file.model_copy(
        update={"mechanisms": tuple(made), "replicates": replicates, "seed": seed}
    )
