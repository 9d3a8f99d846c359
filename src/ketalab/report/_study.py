"""One replayed study as the report tells it: design, simulation, rows, figures, assumptions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ketalab.facts import Fact, fact, render
from ketalab.laboratory import references
from ketalab.report._courses import course_figures
from ketalab.report._distributions import distribution_figure
from ketalab.report._figure import Figure
from ketalab.report._rows import RowView, Tally, skipped_by_reason, tally, view_rows
from ketalab.report._scores import score_figures
from ketalab.report._words import MINUS, clean, number, plural
from ketalab.studies import Arm, Assumption, Replay, Study

#: What the use that a study file declares means for its rows.
USES = {
    "build": "build: this study helped to choose the structure or the constants of the model. It "
    "is replayed to see whether the model still fits it, and never counts as validation.",
    "calibrate": "calibrate: this study belongs to those from which constants may be estimated. "
    "Agreement shows fit, not prediction.",
    "validate": "validate: this study is held out; it chose no constant of the model. Its rows, "
    "inside or missed, speak of the model's predictions.",
}
_CONTROLS = {
    "masked-anaesthesia": "masked by anaesthesia",
    "none": "no treatment",
    "open": "open label",
    "placebo-spray": "placebo spray",
    "sham": "sham treatment",
}
_DOI_LINK = re.compile(r"https://doi\.org/10\.\d{4,9}/[^\s<>\"]+?(?=[.,;]?(?:\s|$))")


@dataclass(frozen=True)
class Reference:
    """A citation as text before and after its link; ``link`` is empty where there is none."""

    before: str
    link: str = ""
    after: str = ""


@dataclass(frozen=True)
class StudyView:
    """What the page shows of one study."""

    id: str
    anchor: str
    title: str
    citation: Reference
    use: str
    use_meaning: str
    design: str
    arms: tuple[tuple[str, str], ...]
    simulated: str
    tally: Tally
    groups: tuple[tuple[str, tuple[RowView, ...]], ...]
    skipped: tuple[tuple[str, tuple[RowView, ...]], ...]
    sources: tuple[tuple[str, str], ...]
    figures: tuple[Figure, ...]
    assumed_by_replay: tuple[str, ...]
    assumed_by_file: tuple[tuple[str, str, str, str], ...]
    command: str


@dataclass(frozen=True)
class Constants:
    """The constants behind a report: how many, and those that are assumed."""

    total: int
    assumed: tuple[tuple[str, str, str, str, str], ...]
    references: tuple[Reference, ...]


def _reference(line: str) -> Reference:
    """Find the link in a rendered citation; only doi.org is ever linked."""
    line = clean(line)
    found = _DOI_LINK.search(line)
    if found is None:
        return Reference(line)
    return Reference(line[: found.start()], found[0], line[found.end() :])


def _citation(study: Study) -> Reference:
    text = render([study.citation], "text").strip() if study.citation else ""
    return _reference(text or study.id)


def _days(washout_h: float) -> str:
    if washout_h >= 48 and washout_h % 24 == 0:
        return plural(int(washout_h / 24), "day")
    return f"{number(washout_h, 0)} h"


def _design(study: Study) -> str:
    """The design in one line."""
    design, people = study.design, study.population
    parts: list[str] = [design.kind]
    if design.masking != "not stated":
        parts.append(design.masking)
    if design.washout_h:
        parts.append(f"wash-out {_days(design.washout_h)}")
    if design.sites:
        parts.append(plural(design.sites, "site"))
    parts += [clean(word) for word in design.setting]
    who = plural(people.n, "participant") if people.n else "participants"
    if study.species != "human":
        who = f"{plural(people.n, 'animal') if people.n else 'animals'} ({study.species})"
    who += f" ({clean(people.condition)}"
    if people.age is not None and people.age.mean is not None:
        who += f", mean age {number(people.age.mean, 0)} years"
    if people.female_percent is not None:
        who += f", {people.female_percent:.0f}% women"
    text = ", ".join(parts)
    return f"{text[:1].upper()}{text[1:]}; {who})."


def _arm(arm: Arm) -> tuple[str, str]:
    """Name of an arm, and what it got."""
    given = [clean(dose) for dose in arm.doses] + [clean(word) for word in arm.unmodelled]
    if arm.unknown_dose:
        given.append("dose not told by the source")
    if arm.control:
        given.append(_CONTROLS.get(arm.control, arm.control))
    for act in arm.interventions:
        factor = "by an unknown factor" if act.factor is None else f"× {number(act.factor)}"
        given.append(f"{clean(act.target)} {factor} ({act.site})")
    text = "; ".join(given) or "nothing given"
    if arm.background:
        text += f"; on {', '.join(map(clean, arm.background))}"
    return clean(arm.id), text + (f" (n = {arm.n})" if arm.n else "")


def _simulated(replay: Replay) -> str:
    if not any(draws is not None for draws in replay.draws):
        return "Nothing: no row of this study can be replayed yet; the reasons are given below."
    return (
        f"{plural(replay.replicates, 'virtual trial')}, seed {replay.seed}. Each is one draw of the "
        "model's constants from their ranges, one study effect, and as many virtual people as each "
        "arm had, in the design above. The observed values are read only after the predictions are "
        f"made. {replay.check.line()}"
    )


def _said(value: object) -> str:
    """A number as the file has it, or a word."""
    if isinstance(value, (int, float)):
        return f"{value:,.6g}".replace("-", MINUS)
    return clean(value)


def _assumption(item: Assumption) -> tuple[str, str, str, str]:
    value, ends = "–", "–"
    if item.value is not None:
        value = f"{_said(item.value)} {clean(item.unit or '')}".strip()
    if item.range is not None:
        numbers = all(isinstance(end, (int, float)) for end in item.range)
        ends = (" to " if numbers else ", ").join(map(_said, item.range))
    return clean(item.field), value, ends, clean(item.why)


def view_study(replay: Replay, place: int) -> StudyView:
    """Gather what the page shows of one replay; ``place`` keeps anchors apart."""
    study = replay.study
    views = view_rows(replay.rows, study.outcomes)
    groups: dict[str, list[RowView]] = {}
    for view in views:
        if not view.skipped:
            groups.setdefault(view.group, []).append(view)
    live = any(draws is not None for draws in replay.draws)
    figures = []
    if live:
        figures = [*course_figures(replay), *score_figures(replay)]
        figures.append(distribution_figure(views, replay.draws))
    return StudyView(
        id=clean(study.id),
        anchor=f"study-{place}",
        title=clean(study.citation.get("title", study.id)),
        citation=_citation(study),
        use=study.use,
        use_meaning=USES[study.use],
        design=_design(study),
        arms=tuple(map(_arm, study.arms)),
        simulated=_simulated(replay),
        tally=tally(views),
        groups=tuple((name, tuple(rows)) for name, rows in groups.items()),
        skipped=tuple((why, tuple(rows)) for why, rows in skipped_by_reason(views).items()),
        sources=tuple((v.title, clean(study.outcomes[v.place].source)) for v in views),
        figures=tuple(figures),
        assumed_by_replay=tuple(map(clean, replay.assumed)),
        assumed_by_file=tuple(map(_assumption, study.assumed)),
        command=f"ketalab replay {study.id} --replicates {replay.replicates} --seed {replay.seed} "
        f"--report {study.id}.html",
    )


def _constant(one: Fact) -> tuple[str, str, str, str, str]:
    shown = "–"
    if one.spread is not None and one.spread.interval is not None:
        shown = " to ".join(map(_said, one.spread.interval))
    elif one.spread is not None:
        shown = f"± {_said(one.spread.value)} (SE)"
    return one.id, clean(one.quantity), _said(one.value), clean(one.unit), shown


def gather_constants(replays: Sequence[Replay]) -> Constants:
    """Collect the constants that the replays used, and the references of these."""
    names = sorted({name for replay in replays for name in replay.facts})
    assumed = tuple(_constant(fact(name)) for name in names if fact(name).assumed)
    lines = render(references(names), "text").splitlines() if names else []
    return Constants(len(names), assumed, tuple(map(_reference, lines)))
