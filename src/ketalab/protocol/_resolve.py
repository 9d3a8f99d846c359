"""From a draft to a complete dose: carry over what was left out, check what is absurd."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ketalab.protocol._draft import Amounts, Draft
from ketalab.protocol._limits import MAX_MG, MAX_MG_PER_KG, MAX_TIME_H
from ketalab.protocol._places import check_target, read_device, read_hold
from ketalab.protocol._scan import Scanner
from ketalab.protocol._words import INFUSED, INJECTED, ROUTES


@dataclass(frozen=True)
class Dose:
    """One dose with its schedule; amounts are whole doses, mg or mg/kg, or a target, ng/mL."""

    amounts: tuple[float, ...]
    kind: str
    #: Which choice of a flexible dose this is; a dose carried over keeps the patient's choice.
    choice: int
    per_kg: bool
    duration_h: float
    compound: str
    salt: str
    route: str
    device: str | None
    hold_h: float | None
    #: Of a target: the pump if it was said.
    pump: str | None
    at_h: float | None
    interval_h: float | None
    count: int | None
    span_h: float | None
    column: int
    #: Where the schedule is said: its column, and where its frequency ends.
    schedule_column: int
    frequency_end: int


def resolve(scan: Scanner, draft: Draft, previous: Dose | None) -> Dose:
    """Complete a draft from the dose before a ``then``, and check it.

    Drug (with its form) and route (with its device and its time in the mouth) carry over if left
    out; a draft that says only when repeats the whole dose.

    Raises
    ------
    PhraseError
        A part is missing, two parts do not fit, or an amount is above its ceiling.
    """
    _check_schedule(scan, draft)
    if not draft.says_what:
        return _repeat(scan, draft, previous)
    amounts = draft.amounts
    if amounts is None:
        raise scan.error(
            "number missing: the dose has no amount; write such as '0.5 mg/kg'", draft.column
        )
    compound, salt = draft.compound, draft.salt or "base"
    if compound is None and previous is not None:
        compound, salt = previous.compound, previous.salt
    if compound is None:
        raise scan.error("drug missing: the dose names none", draft.column)
    route, carried = draft.route, None
    if route is None and previous is not None:
        route, carried = previous.route, previous
    if route is None:
        raise scan.error(
            f"route missing: the dose has none; allowed: {', '.join(ROUTES)}", draft.column
        )
    _check_route(scan, draft, route)
    is_target = amounts.kind == "target"
    pump = check_target(scan, draft, compound, route) if is_target else None
    dose = Dose(
        amounts=_whole_doses(scan, draft, amounts),
        kind=amounts.kind,
        choice=draft.column,
        per_kg=amounts.per_kg,
        duration_h=draft.duration_h or 0.0,
        compound=compound,
        salt="base" if is_target else salt,
        route=route,
        device=None
        if is_target
        else read_device(scan, draft, route, carried.device if carried else None),
        hold_h=read_hold(scan, draft, route, carried.hold_h if carried else None),
        pump=pump,
        at_h=draft.at_h,
        interval_h=draft.interval_h,
        count=draft.count,
        span_h=draft.span_h,
        column=draft.column,
        schedule_column=draft.where("interval_h"),
        frequency_end=draft.frequency_end,
    )
    if dose.kind == "titrated" and dose.interval_h is None:
        raise scan.error(
            "'titrated' needs repeats, such as 'twice weekly x 8'", draft.where("amounts")
        )
    return _check_interval(scan, draft, dose)


def _repeat(scan: Scanner, draft: Draft, previous: Dose | None) -> Dose:
    """The dose before again, on the draft's own schedule."""
    if previous is None:
        raise scan.error(
            "number missing: the dose has no amount; write such as '0.5 mg/kg ketamine iv'",
            draft.column,
        )
    if previous.kind == "titrated":
        raise scan.error(
            "which amount goes on after 'titrated'? write it after 'then'", draft.column
        )
    again = replace(
        previous,
        at_h=draft.at_h,
        interval_h=draft.interval_h,
        count=draft.count,
        span_h=draft.span_h,
        column=draft.column,
        schedule_column=draft.where("interval_h"),
        frequency_end=draft.frequency_end,
    )
    return _check_interval(scan, draft, again)


def _check_schedule(scan: Scanner, draft: Draft) -> None:
    if draft.count is not None and draft.interval_h is None:
        raise scan.error(
            f"'x {draft.count}' needs a schedule, such as 'twice weekly x {draft.count}'",
            draft.where("count"),
        )
    interval, count = draft.interval_h or 0.0, draft.count or 1
    if interval * (count - 1) > MAX_TIME_H:
        raise scan.error(
            f"a course of {interval * (count - 1) / 8760:.6g} years is absurd; at most"
            f" {MAX_TIME_H / 8760:.0f}",
            draft.where("interval_h"),
        )


def _check_interval(scan: Scanner, draft: Draft, dose: Dose) -> Dose:
    # A nanohour of rounding apart, an infusion may fill its interval: "over 24 h daily".
    if dose.interval_h is not None and dose.duration_h > dose.interval_h + 1e-9:
        raise scan.error(
            f"an infusion of {dose.duration_h:.6g} h every {dose.interval_h:.6g} h overlaps itself",
            draft.where("interval_h"),
        )
    return dose


def _check_route(scan: Scanner, draft: Draft, route: str) -> None:
    if draft.duration_h is not None and route not in INFUSED:
        raise scan.error(
            f"{draft.duration_word!r} with the route {route}; only {', '.join(INFUSED)} are given"
            " over a time",
            draft.where("duration_h"),
        )
    if draft.bolus and route not in INJECTED:
        raise scan.error(
            f"'bolus' with the route {route}; it is for {', '.join(INJECTED)}",
            draft.where("bolus"),
        )


def _whole_doses(scan: Scanner, draft: Draft, amounts: Amounts) -> tuple[float, ...]:
    """Multiply a rate by its time; check each whole dose against the ceiling."""
    column = draft.where("amounts")
    if amounts.rate and draft.duration_h is None:
        raise scan.error("a rate needs the time that it runs, such as 'for 60 min'", column)
    if amounts.kind == "target":
        return amounts.values
    if draft.duration_word == "for" and not amounts.rate:
        raise scan.error(
            "'for' needs a rate, such as 0.14 mg/kg/h; an amount is given 'over' a time",
            draft.where("duration_h"),
        )
    duration_h = draft.duration_h or 0.0
    ceiling = MAX_MG_PER_KG if amounts.per_kg else MAX_MG
    unit = "mg/kg" if amounts.per_kg else "mg"
    values = tuple(value * duration_h if amounts.rate else value for value in amounts.values)
    for value in values:
        # Day-long infusions may reach the ceiling on each day.
        if value > ceiling * max(1.0, duration_h / 24):
            raise scan.error(
                f"{value:,.10g} {unit} is absurd; at most {ceiling:,.10g} {unit} in one dose, or in"
                " 24 h of an infusion",
                column,
            )
    return values
