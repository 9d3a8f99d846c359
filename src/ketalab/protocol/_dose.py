"""One dose of a phrase: its clauses, in any order, each at most once."""

from __future__ import annotations

import re
from collections.abc import Callable

from ketalab.errors import PhraseError
from ketalab.protocol import _amounts as amounts
from ketalab.protocol import _timing as timing
from ketalab.protocol._draft import Draft
from ketalab.protocol._names import Names, unknown_word
from ketalab.protocol._scan import Scanner
from ketalab.protocol._words import (
    FLAGS,
    MASS_MG,
    ROUTE_SPELLINGS,
    SALT_SPELLINGS,
    TIME_H,
    WORD_END,
    fold,
    words_pattern,
)

#: What ends a dose: ``+``, ``;`` and ``, then``.
SEPARATOR = re.compile(rf"[+;]|,?\s*then{WORD_END}", FLAGS)
_ROUTE = words_pattern(ROUTE_SPELLINGS)
_ROUTE_OF = {fold(word): route for word, route in ROUTE_SPELLINGS.items()}
_SALT = words_pattern(SALT_SPELLINGS)
_UNIT_ALONE = words_pattern([*MASS_MG, *TIME_H])
_BY = words_pattern(["by"])
_DEVICE = re.compile(r"[a-z][a-z0-9\-]*(?!\w)", FLAGS)


def read_dose(scan: Scanner, names: Names) -> Draft:
    """Read the clauses of one dose, up to a separator or the end of the phrase."""
    draft = Draft(scan.column)
    while not scan.ended and not scan.sees(SEPARATOR):
        _read_clause(scan, draft, names)
    return draft


def _read_clause(scan: Scanner, draft: Draft, names: Names) -> None:
    column = scan.column
    drug = scan.take(names.pattern)
    if drug is not None:
        draft.put(scan, "compound", names.spellings[drug], column, "drug")
        return
    route = scan.take(_ROUTE)
    if route is not None:
        draft.put(scan, "route", _ROUTE_OF[route], column)
        return
    for pattern, read in _CLAUSES:
        if scan.sees(pattern):
            read(scan, draft)
            return
    if scan.sees(_BY):
        _read_device(scan, draft, names)
    elif scan.sees_number():
        amounts.read_amount(scan, draft, (names.pattern, _ROUTE))
    elif scan.sees(_UNIT_ALONE):
        raise scan.error(f"number missing before {scan.word!r}")
    else:
        raise _unknown(scan, draft, names)


def _read_salt(scan: Scanner, draft: Draft) -> None:
    column, word = scan.column, scan.take(_SALT)
    if draft.last != "compound" or word is None:
        raise scan.error(f"form {word!r} must follow the name of a drug", column)
    draft.put(scan, "salt", SALT_SPELLINGS[word], column, "form")


def _read_device(scan: Scanner, draft: Draft, names: Names) -> None:
    """Read ``by spray``, or ``by domino`` of a target; which are allowed, the route will tell."""
    scan.take(_BY)
    column = scan.column
    others = (names.pattern, _ROUTE, SEPARATOR, _BY, *(pattern for pattern, _ in _CLAUSES))
    word = None if any(scan.sees(other) for other in others) else scan.take(_DEVICE)
    if word is None:
        raise scan.error(
            f"device missing after 'by'; {scan.found}; write 'by device' or its name, such as"
            " 'by spray'"
        )
    draft.put(scan, "device", word, column)


def _unknown(scan: Scanner, draft: Draft, names: Names) -> PhraseError:
    missing = "drug" if draft.compound is None else "route" if draft.route is None else ""
    return unknown_word(scan, names, missing, after_drug=draft.last == "compound")


#: Tried in this order: "once daily" before "once", "3 times weekly" before a number.
_CLAUSES: tuple[tuple[re.Pattern[str], Callable[[Scanner, Draft], None]], ...] = (
    (timing.TIMES, timing.read_times),
    (timing.ONCE, timing.read_once),
    (timing.DAILY, timing.read_daily),
    (timing.WEEKLY, timing.read_weekly),
    (timing.EVERY, timing.read_every),
    (timing.COUNT, timing.read_count),
    (timing.OVER, timing.read_over),
    (timing.FOR, timing.read_for),
    (timing.BOLUS, timing.read_bolus),
    (timing.AT, timing.read_at),
    (timing.HELD, timing.read_held),
    (amounts.FLEXIBLE, amounts.read_flexible),
    (amounts.TITRATED, amounts.read_titrated),
    (_SALT, _read_salt),
)
