"""Checks of a study file that join fields: row with arm, spread with value, unit with measure.

Each refusal carries the path of the field, so that the reader's one line can name it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from pydantic_core import PydanticCustomError

from ketalab.errors import InputError, UnitError, closest
from ketalab.studies._terms import ALL_ARMS

if TYPE_CHECKING:
    from ketalab.studies._schema import Arm, Assumption, Outcome, Spread, Study

#: Kinds whose value compares two arms.
CONTRASTS = ("difference", "smd", "risk_ratio", "odds_ratio")
#: Kinds that hold a share between 0 and 1.
SHARES = ("proportion", "fraction")
#: Kinds that say a direction, not a number.
WORDS = ("direction", "statement")
#: Kinds whose unit must fit: the units that may stand there, the first as the example. All of them
#: are listed, and not only one to convert to, because the unit library takes longer to start than a
#: study takes to read; it is asked only about a unit that is not in the list.
_CONCENTRATION = ("ng/mL", "nmol/mL", "ug/mL", "mg/L", "ug/L", "umol/L", "nmol/L")
_TIME = ("h", "min", "day", "s")
UNITS = {
    "concentration": _CONCENTRATION,
    "cmax": _CONCENTRATION,
    "auc": ("ng*h/mL", "nmol*h/mL", "ng*min/mL", "ug*h/L", "mg*h/L"),
    "tmax": _TIME,
    "half_life": _TIME,
    "bioavailability": ("fraction",),
}
#: Fields that only a statement about a scenario of its own has.
_OF_SCENARIO = ("than_scenario", "interventions", "than_interventions", "species")
#: Kinds that must be greater than zero.
_RATIOS = ("risk_ratio", "odds_ratio", "ratio")
#: A printed percentage is rounded; a share further than this from events / n is a slip of the pen.
SHARE_TOLERANCE = 0.011


def refuse(path: str, text: str) -> NoReturn:
    """Raise the error that the reader turns into ``FILE: path: text``."""
    raise PydanticCustomError("study", "{text}", {"path": path, "text": text})


def check_order(low: float | None, high: float | None, path: str) -> None:
    """Refuse two numbers, the ends of a window or an interval, in the wrong order."""
    if low is not None and high is not None and high < low:
        refuse(path, f"[{low:g}, {high:g}] is reversed; write the lower end first")


def check_spread(spread: Spread) -> None:
    """A standard deviation or error is one number; an interval is ``[low, high]``."""
    value, single = spread.value, spread.kind in ("sd", "se")
    if isinstance(value, tuple):
        if single:
            refuse("value", f"{spread.kind} is one number, not {list(value)!r}")
        if value == (None, None):
            refuse("value", f"[null, null] says nothing; {spread.kind} needs one end at least")
        check_order(*value, "value")
    elif not single and spread.kind != "iqr":  # an interquartile range is also printed as its width
        refuse("value", f"{value!r} is one number; {spread.kind} is written [low, high]")


def check_assumption(assumption: Assumption) -> None:
    """A range of numbers is in order."""
    numbers = [end for end in assumption.range or () if not isinstance(end, str)]
    if len(numbers) == 2:
        check_order(numbers[0], numbers[1], "range")


def check_arm(arm: Arm) -> None:
    """The arm's id is no reserved word, and its doses can be read."""
    if arm.id == ALL_ARMS:
        refuse("id", f"{ALL_ARMS!r} stands for all arms of the study; give the arm another id")
    for index, phrase in enumerate(arm.doses):
        problem = dose_problem(phrase)
        if problem:
            refuse(f"doses.{index}", f"{phrase!r} cannot be read as a dose: {problem}")


def dose_problem(phrase: str) -> str | None:
    """Return why a dosing phrase cannot be read, or None; the one door to the phrase parser."""
    from ketalab.protocol import parse_phrase

    try:
        parse_phrase(phrase)
    except InputError as error:
        return str(error)
    return None


def unit_problem(unit: str, allowed: Sequence[str] = ()) -> str | None:
    """Return why ``unit`` is no unit or fits none allowed, or None; the one door to the units."""
    if unit in allowed:
        return None
    from ketalab.facts import check_unit, parse_unit

    try:
        parse_unit(unit, "unit")
    except UnitError as error:
        return str(error)
    problems = []
    for like in allowed[:2]:  # mass and molar units do not convert without the molar mass
        try:
            check_unit(unit, like, "unit")
        except UnitError as error:
            problems.append(str(error))
        else:
            return None
    return problems[0] if problems else None


def _check_unit(row: Outcome) -> None:
    allowed = UNITS.get(row.kind, ())
    if row.kind == "time_to_event" and row.than is None:
        allowed = _TIME
    if row.unit is None:
        if allowed and row.kind != "bioavailability":
            refuse("unit", f"is missing; a {row.kind} needs one such as {allowed[0]}")
        return
    problem = unit_problem(row.unit, allowed)
    if problem:
        refuse("unit", problem.removeprefix("unit: "))


def _check_value(row: Outcome) -> None:
    value, spread = row.value, row.spread
    if row.kind in WORDS:
        if value is not None:
            refuse("value", f"{value:g} does not belong to a {row.kind}, which has a sign")
        return
    share = row.events / row.n if row.events is not None and row.n else None
    ranged = spread is not None and spread.kind in ("range", "iqr")
    if value is None and not ranged and not (row.kind in SHARES and share is not None):
        hint = "value, or events and n," if row.kind in SHARES else "value"
        refuse("value", f"is missing; a {row.kind} needs {hint} or a range")
    if value is None:
        return
    if row.kind in SHARES and not 0 <= value <= 1:
        refuse("value", f"{value:g} is outside 0 to 1; a {row.kind} is a share, not a percentage")
    if row.kind in _RATIOS and value <= 0:
        refuse("value", f"{value:g} is not above 0, as a {row.kind} must be")
    if row.kind in UNITS and value < 0:
        refuse("value", f"{value:g} is below 0; a {row.kind} is not")
    if row.kind in SHARES and share is not None and abs(share - value) > SHARE_TOLERANCE:
        refuse("value", f"{value:g} is not {row.events} of {row.n}; allowed is within 0.011")
    if spread is not None and spread.kind in ("ci95", "ci90") and isinstance(spread.value, tuple):
        low, high = spread.value
        if (low is not None and value < low) or (high is not None and value > high):
            refuse("spread.value", f"[{low}, {high}] does not hold the value {value:g}")


def check_outcome(row: Outcome) -> None:
    """Check what one row says: its kind's fields, its window, its unit."""
    if row.window_h is not None:
        check_order(*row.window_h, "window_h")
    if row.events is not None and (row.n is None or row.events > row.n):
        refuse("events", f"{row.events} needs an n of at least as many, not {row.n}")
    if row.kind in WORDS and row.sign is None:
        refuse("sign", f"is missing; a {row.kind} needs one of +, -, 0")
    if row.kind not in WORDS and row.sign is not None:
        refuse("sign", f"{row.sign!r} belongs to a direction or a statement, not to a {row.kind}")
    if row.kind == "statement":
        if row.output is None:
            refuse("output", "is missing; a statement names a scenario, an output and a sign")
        if row.scenario is None and row.arm is None:
            refuse("scenario", "is missing; a statement names a scenario, an output and a sign")
    if row.kind != "statement" or row.scenario is None:
        for name in _OF_SCENARIO:
            if getattr(row, name):
                refuse(name, "belongs to a statement with a scenario of its own")
    if row.kind != "statement" and row.arm is None:
        refuse("arm", f"is missing; a {row.kind} names the arm that it was seen in")
    if row.kind in CONTRASTS and row.than is None:
        refuse("than", f"is missing; a {row.kind} names the arm that it compares with")
    if row.than is not None and row.than == row.arm:
        refuse("than", f"{row.than!r} is the row's own arm")
    if row.kind in ("concentration", "cmax", "auc") and row.analyte is None:
        refuse("analyte", f"is missing; a {row.kind} names what was measured, such as S-ketamine")
    _check_value(row)
    _check_unit(row)


def row_key(row: Outcome) -> str:
    """What makes two rows the same observation: all but the number, its spread and its source."""
    return row.model_dump_json(
        exclude={
            "id", "value", "spread", "n", "events", "sign", "probability", "p", "verified",
            "counted", "source", "note",
        }
    )  # fmt: skip


def check_study(study: Study) -> None:
    """Check what rows and arms say together."""
    arms = [arm.id for arm in study.arms]
    allowed = ", ".join(arms)

    def check_name(path: str, name: str | None, also: tuple[str, ...] = ()) -> None:
        if name is not None and name not in arms and name not in also:
            refuse(path, f"{name!r} is no arm of this study; one of {allowed}{closest(name, arms)}")

    for index, name in enumerate(arms):
        if name in arms[:index]:
            refuse(f"arms.{index}.id", f"{name!r} names two arms; each arm has its own id")
    for index, baseline in enumerate(study.population.baseline):
        check_name(f"population.baseline.{index}.arm", baseline.arm)
    ids: set[str] = set()
    seen: dict[str, int] = {}
    for index, row in enumerate(study.outcomes):
        path = f"outcomes.{index}"
        check_name(f"{path}.arm", row.arm, (ALL_ARMS,))
        check_name(f"{path}.than", row.than)
        for name in ("scenario", "than_scenario"):
            phrase = getattr(row, name)
            if phrase and phrase.strip() and (problem := dose_problem(phrase)):
                refuse(f"{path}.{name}", f"{phrase!r} cannot be read: {problem}")
        if row.id is not None:
            if row.id in ids:
                refuse(f"{path}.id", f"{row.id!r} names two rows; each row has its own id")
            ids.add(row.id)
        key = row_key(row)
        if key in seen:
            refuse(path, f"says the same as outcomes.{seen[key]} (only number or source differ)")
        seen[key] = index
