"""What gives a dose, and for how long it stays: devices of the nose, pumps of a target, the mouth."""

from __future__ import annotations

from ketalab.errors import closest
from ketalab.protocol._draft import Draft
from ketalab.protocol._limits import MAX_TARGET_NG_ML
from ketalab.protocol._scan import Scanner
from ketalab.protocol._words import DEVICE_SPELLINGS, DEVICES, HELD, USUAL_DEVICE


def read_device(scan: Scanner, draft: Draft, route: str, carried: str | None) -> str | None:
    """Return the device of a nasal dose: as said, as carried over, or a hand spray.

    Raises
    ------
    PhraseError
        An unknown device, or a device by another route.
    """
    word = draft.device
    if word is None:
        return (carried or USUAL_DEVICE) if route == "nasal" else None
    if route == "nasal" and word in DEVICE_SPELLINGS:
        return DEVICE_SPELLINGS[word]
    if word in pumps_of(None):
        problem = (
            f"pump {word!r} without a target; write such as '150 ng/mL' in place of the amount"
        )
    elif route != "nasal":
        problem = (
            f"'by {word}' with the route {route}; devices are for nasal ({', '.join(DEVICES)}), pumps"
            " for a target such as 150 ng/mL iv"
        )
    else:
        hint = closest(word, DEVICE_SPELLINGS)
        problem = f"unknown device {word!r}; allowed for nasal: {', '.join(DEVICES)}{hint}"
    raise scan.error(problem, draft.where("device"))


def read_hold(scan: Scanner, draft: Draft, route: str, carried: float | None) -> float | None:
    """Return how long a dose is held in the mouth (h): as said, as carried over, or None.

    Raises
    ------
    PhraseError
        A route that is not through the mouth's lining.
    """
    if draft.hold_h is None:
        return carried
    if route not in HELD:
        raise scan.error(
            f"'held' with the route {route}; it is for {' and '.join(HELD)}", draft.where("hold_h")
        )
    return draft.hold_h


def check_target(scan: Scanner, draft: Draft, compound: str, route: str) -> str | None:
    """Check a dose that is a target in plasma; return its pump if one was said.

    Raises
    ------
    PhraseError
        Not a target of base, iv, for a time, below the ceiling, by a pump that has the drug.
    """
    target = draft.amounts.values[0] if draft.amounts else 0.0
    problem: tuple[str, str] | None = None
    if route != "iv":
        problem = (f"a target in plasma with the route {route}; a pump gives it iv", "amounts")
    elif draft.salt not in (None, "base"):
        problem = (f"form {draft.salt!r} of a target; plasma is in base, leave it out", "salt")
    elif draft.duration_h is None or draft.duration_word != "for":
        problem = ("a target needs the time that it is held, such as 'for 30 min'", "duration_h")
    elif target > MAX_TARGET_NG_ML:
        most = f"{MAX_TARGET_NG_ML:,.0f} ng/mL"
        problem = (f"a target of {target:,.10g} ng/mL is absurd; at most {most}", "amounts")
    if problem is not None:
        raise scan.error(problem[0], draft.where(problem[1]))
    return _check_pump(scan, draft, compound)


def _check_pump(scan: Scanner, draft: Draft, compound: str) -> str | None:
    """Return the pump that was said; None leaves it to what went before, or to the usual one."""
    known, fitting = pumps_of(None), pumps_of(compound)
    if not fitting:
        raise scan.error(
            f"no pump has {compound!r}; pumps: {', '.join(_with_drugs())}", draft.where("amounts")
        )
    if draft.device is None or draft.device in fitting:
        return draft.device
    problem: str
    if draft.device in known:
        problem = f"pump {draft.device!r} does not have {compound!r}"
    else:
        problem = f"unknown pump {draft.device!r}"
    hint = closest(draft.device, fitting)
    raise scan.error(
        f"{problem}; allowed for {compound}: {', '.join(fitting)}{hint}", draft.where("device")
    )


def pumps_of(compound: str | None) -> list[str]:
    """Ids of the pumps that have a drug, the usual one of the drug first; of all without a drug."""
    # Imported here: a phrase without pumps and with its own drugs needs no facts.
    from ketalab.facts import pumps

    fitting = [p for p in pumps().values() if compound is None or compound in p.drugs]
    return [p.id for p in sorted(fitting, key=lambda p: compound not in p.default_for)]


def _with_drugs() -> list[str]:
    from ketalab.facts import pumps

    return [f"{pump.id} ({', '.join(pump.drugs)})" for pump in pumps().values()]
