"""Reading a dosing phrase: doses joined by ``+``, ``, then`` and ``;``."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from ketalab.errors import PhraseError
from ketalab.protocol._dose import SEPARATOR, read_dose
from ketalab.protocol._names import Named, Names, name_drugs
from ketalab.protocol._records import Treatment, check_size
from ketalab.protocol._resolve import Dose, resolve
from ketalab.protocol._scan import Scanner
from ketalab.protocol._schedule import list_variants, time_doses
from ketalab.protocol._targets import Timed

_PLUS, _SEMICOLON = re.compile(r"\+"), re.compile(";")


def parse_phrase(
    text: str,
    *,
    compounds: Mapping[str, Named] | None = None,
    horizon_h: float | None = None,
) -> Treatment:
    """Read a dosing phrase such as ``0.5 mg/kg ketamine iv over 40 min``.

    The grammar is on the manual's page "What is given". ``A + B`` gives two doses together,
    ``A, then B`` one after the other (looser than ``+``), ``A; B`` two chains from the same t = 0
    (loosest). t = 0 is the first dose without an offset. "none" is the untreated arm.

    Parameters
    ----------
    text : str
        The phrase, at most 2,000 characters; case and white space are free.
    compounds : mapping, optional
        Drugs with their spellings, by default those of the facts.
    horizon_h : float, optional
        Length of the scenario, hours. A schedule that says no end ("weekly") then goes on to it;
        without a horizon such a phrase is an error.

    Returns
    -------
    Treatment
        Its ``text`` reads back as the same treatment, without a horizon.

    Raises
    ------
    PhraseError
        One line that names the word, its column and what is allowed.

    Examples
    --------
    >>> dose, = parse_phrase("0.14 mg/kg/h esketamine iv for 60 min").administrations
    >>> dose.amount, dose.per_kg, dose.duration_h, dose.route
    (0.14, True, 1.0, 'iv')
    """
    if not isinstance(text, str):
        raise PhraseError(f"dosing phrase: must be text, not {type(text).__name__}", text)
    if horizon_h is not None and not math.isfinite(horizon_h):
        raise PhraseError(f"dosing phrase: horizon_h {horizon_h!r} must be finite", text)
    check_size(1, 0, text)
    scan = Scanner(text)
    if scan.ended:
        raise scan.error(
            "the phrase is empty; write such as '0.5 mg/kg ketamine iv over 40 min'", 1
        )
    if " ".join(text.lower().split()) == "none":
        return Treatment.none()
    names = name_drugs(_default_compounds() if compounds is None else compounds)
    timed: list[Timed] = []
    while True:
        timed += time_doses(scan, _read_chain(scan, names), horizon_h)
        if scan.take(_SEMICOLON) is None:
            break
    variants = list_variants(scan, timed)
    full = _state_counts(text, timed)
    check_size(1, 0, full)
    return Treatment(full, variants)


def _default_compounds() -> Mapping[str, Named]:
    # Imported here: a caller with its own drugs needs no facts.
    from ketalab.facts import compounds

    return compounds()


def _read_chain(scan: Scanner, names: Names) -> list[list[Dose]]:
    """Read the steps of one chain, up to ``;`` or the end."""
    steps: list[list[Dose]] = []
    while True:
        steps.append(_read_step(scan, names, steps[-1][-1] if steps else None))
        if scan.ended or scan.sees(_SEMICOLON):
            return steps
        # A dose ends at a separator only, and a step takes every "+": this is a "then".
        scan.take(SEPARATOR)


def _read_step(scan: Scanner, names: Names, previous: Dose | None) -> list[Dose]:
    """Read the doses given together, each completed from the last dose of the step before."""
    step: list[Dose] = []
    while True:
        if scan.ended or scan.sees(SEPARATOR):
            raise scan.error(f"a dose is missing here; {scan.found}")
        step.append(resolve(scan, read_dose(scan, names), previous))
        if scan.take(_PLUS) is None:
            return step


def _state_counts(text: str, timed: list[Timed]) -> str:
    """Write into the text the repeats that a horizon gave to a schedule without an end."""
    open_ended = [
        one
        for one in timed
        if one.dose.interval_h is not None and one.dose.count is None and one.dose.span_h is None
    ]
    for one in sorted(open_ended, key=lambda one: -one.dose.frequency_end):
        end = one.dose.frequency_end
        text = f"{text[:end]} x {one.count} {text[end:]}"
    return " ".join(text.split())
