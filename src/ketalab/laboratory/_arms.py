"""Arms side by side: the same people on a drug and on a control, in a setting, over draws of the constants.

A replicate is one draw of the constants and one effect of the setting; in it the same people go through every arm,
each from a clean start. What differs between the arms is then what was given, and what people came to believe.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ketalab.errors import ScenarioError, closest
from ketalab.facts import fact
from ketalab.laboratory._between import score_effects, study_settings
from ketalab.laboratory._course import ILLNESS, Course
from ketalab.laboratory._guard import Account
from ketalab.laboratory._individuals import individuals
from ketalab.laboratory._model import human_model, rest_of
from ketalab.laboratory._prepare import prepare
from ketalab.laboratory._run import integrate
from ketalab.laboratory._windows import standing
from ketalab.people import People, Population, Streams, draw
from ketalab.protocol import Administration, Intervention, Treatment, parse_phrase

Array = NDArray[np.float64]
Progress = Callable[[float, int], None]
#: The courses of one arm, each with the share of people who go through it.
Mix = tuple[tuple[float, Course], ...]

#: Doses closer together than this belong to one session (hours).
SESSION_GAP_H = 12.0
#: What each kind of control is: the setting that all arms share, what is given at each session, and the background.
_MIDAZOLAM = "0.045 mg/kg midazolam iv over 40 min"
_MEMANTINE = "20 mg memantine oral"
_DAY_H = 24.0
#: The compound that stands for an oral antidepressant begun at the start of a trial, whichever it is.
NEW_ANTIDEPRESSANT = "fluoxetine"


@dataclass(frozen=True)
class ControlArm:
    """A control: in words, its settings, what is given at each session, and what goes on beside it.

    ``both`` goes on in both arms from the start: what a trial begins in everybody. ``daily`` is given once a day to
    the end; ``background`` lasts as long as the fact ``lasts`` says, or to the end.
    """

    says: str
    settings: Mapping[str, float]
    given: str | None = None
    background: tuple[str, ...] = ()
    visited: bool = True
    daily: str | None = None
    lasts: str | None = None
    both: tuple[str, ...] = ()


CONTROLS: Mapping[str, ControlArm] = {
    "saline": ControlArm("saline infusions, blinded", {}),
    "midazolam": ControlArm("midazolam infusions, blinded", {"midazolam": 1.0}, _MIDAZOLAM),
    "placebo-spray": ControlArm(
        "placebo spray and a new antidepressant in both arms, blinded",
        {"new_antidepressant": 1.0},
        both=(NEW_ANTIDEPRESSANT,),
    ),
    "masked-anaesthesia": ControlArm("placebo under surgical anaesthesia", {"masked": 1.0}),
    "none": ControlArm(
        "no treatment, nothing hidden: the course of the illness", {"open": 1.0}, visited=False
    ),
    "memantine": ControlArm("daily memantine, blinded", {}, daily=_MEMANTINE),
    "ssri": ControlArm("daily fluoxetine, open", {"open": 1.0}, None, ("fluoxetine",)),
    "quetiapine": ControlArm(
        "augmentation with quetiapine, open", {"open": 1.0}, None, ("quetiapine",)
    ),
    "ect": ControlArm(
        "electroconvulsive therapy, three a week for three weeks, open",
        {"open": 1.0},
        None,
        ("ect",),
        lasts="ect_course",
    ),
}


@dataclass(frozen=True)
class Arms:
    """Arms as simulated: ``values[arm][output]`` (T, R, n) at ``times`` (T,) hours; ``people`` are R times n."""

    times: Array
    values: Mapping[str, Mapping[str, Array]]
    people: People
    shape: tuple[int, int]
    account: Account

    def at(self, arm: str, name: str, hours: float) -> Array:
        """An output of an arm at one of the times, (R, n)."""
        return self.values[arm][name][int(np.argmin(np.abs(self.times - hours)))]


def sessions_of(administrations: Sequence[Administration]) -> tuple[float, ...]:
    """Times of treatment sessions: doses within half a day of each other are one session."""
    sessions: list[float] = []
    for time in sorted(a.time_h for a in administrations):
        if not sessions or time - sessions[-1] > SESSION_GAP_H:
            sessions.append(time)
    return tuple(sessions)


def control_arm(name: str) -> ControlArm:
    """Return a control by its word; :class:`~ketalab.errors.ScenarioError` names the others."""
    if name not in CONTROLS:
        raise ScenarioError(
            f"control: {name!r} is not allowed; allowed: {', '.join(CONTROLS)}"
            f"{closest(name, CONTROLS)}",
            name,
        )
    return CONTROLS[name]


def doses_at(phrase: str | None, sessions: Sequence[float]) -> tuple[Administration, ...]:
    """Doses of a phrase at each of some times (hours); none where there is no phrase."""
    if phrase is None:
        return ()
    doses = parse_phrase(phrase).variants[0].administrations
    return tuple(replace(a, time_h=a.time_h + t) for t in sessions for a in doses)


def course_of(
    treatment: Treatment | None,
    control: ControlArm,
    sessions: tuple[float, ...],
    horizon_h: float,
    variant: int = 0,
) -> Course:
    """The course of one arm: a variant of a treatment, or with none the control at the sessions.

    An arm that gives the drug in the open next to another treatment has that setting, and not its background. What a
    trial begins in everybody is begun in both arms.
    """
    drug = treatment is not None
    doses = (
        treatment.variants[variant].administrations
        if treatment
        else (
            *doses_at(control.given, sessions),
            *doses_at(control.daily, tuple(np.arange(0.0, horizon_h, _DAY_H))),
        )
    )
    return Course(
        doses,
        horizon_h,
        _from_start(control.both) if drug else _from_start(control.both) + _beside(control),
        (sessions or (0.0,)) if drug or control.visited else (),
        {ILLNESS: 1.0, **{f"setting:{name}": value for name, value in control.settings.items()}},
    )


def courses_of(
    treatment: Treatment, control: ControlArm, sessions: tuple[float, ...], horizon_h: float
) -> Mix:
    """The drug's arm: a course for each regimen of a stated mix, with its share of the people."""
    return tuple(
        (variant.weight, course_of(treatment, control, sessions, horizon_h, number))
        for number, variant in enumerate(treatment.variants)
    )


def newly_started() -> tuple[Intervention, ...]:
    """What an oral antidepressant does that is begun at the start of a trial and goes on."""
    return _from_start((NEW_ANTIDEPRESSANT,))


def _from_start(background: tuple[str, ...]) -> tuple[Intervention, ...]:
    return tuple(replace(act, from_h=0.0) for text in background for act in standing(text))


def _beside(control: ControlArm) -> tuple[Intervention, ...]:
    """What goes on beside a control, from its start to the end of its course."""
    acts = tuple(act for text in control.background for act in standing(text))
    if control.lasts is None:
        return acts
    return tuple(replace(act, from_h=0.0, to_h=fact(control.lasts).to("h")) for act in acts)


def choose(people: People, shares: Sequence[float]) -> NDArray[np.int64]:
    """Which regimen of a stated mix each person gets, by a stream of its own, (N,)."""
    return np.searchsorted(np.cumsum(shares)[:-1], people.uniform("variant"), side="right")


def simulate_arms(
    courses: Mapping[str, Course | Mix],
    names: Sequence[str],
    times: Array,
    *,
    population: Population | None = None,
    replicates: int = 50,
    persons: int = 100,
    seed: int = 0,
    effects: bool = True,
    progress: Progress | None = None,
) -> Arms:
    """Run each course in the same people.

    Parameters
    ----------
    courses : arm -> course, or courses each with its share of the people.
    names : outputs of the layers.
    times : (T,) hours, sorted.
    replicates : draws of the constants; ``persons`` people in each.
    effects : whether settings also differ from study to study.

    Raises
    ------
    SolutionError
        A person's solution failed, or many of the checked miss the allowed error.
    """
    model, streams = human_model(), Streams(seed)
    population = Population() if population is None else population
    people = draw(population, streams, persons, replicates=range(replicates))
    drawn = individuals(model, people, streams, "replicate")
    settings = study_settings(model, people, streams, "replicate")
    settings |= {n: np.full(len(people), x) for n, x in rest_of(population, model).items()}
    if effects:
        scores = score_effects(streams, replicates)
        settings |= {name: effect[people.replicate] for name, effect in scores.items()}
    account, values = Account(), {}
    shape = (replicates, persons)
    mixes: dict[str, Mix] = {
        arm: ((1.0, one),) if isinstance(one, Course) else one for arm, one in courses.items()
    }
    done, total = 0, sum(len(mix) for mix in mixes.values())
    for arm, mix in mixes.items():
        chosen = choose(people, [share for share, _ in mix])
        kept: dict[str, Array] = {n: np.empty((len(times), len(people))) for n in names}
        # Everybody goes through every course of a mix, so that who is checked is the same in each; one of them counts.
        for number, (_, course) in enumerate(mix):
            made = integrate(
                prepare(course, solver="lockstep"),
                drawn,
                people.weight,
                times,
                tuple(names),
                settings=settings,
                numbers=people.index + people.replicate,
                tell=None
                if progress is None
                else lambda share, base=done: progress(base + share, total),  # type: ignore[misc]
            )
            everyone = list(zip(people.replicate.tolist(), people.index.tolist(), strict=True))
            account.add(made.account, everyone)
            for name, value in made.values.items():
                kept[name][:, chosen == number] = value[:, chosen == number]
            done += 1
            if progress is not None:
                progress(done, total)
        values[arm] = {n: value.reshape(len(times), *shape) for n, value in kept.items()}
    account.refuse_failed(f"{len(people)} people", "auto")
    account.refuse_many_above()
    return Arms(times, values, people, shape, account)
