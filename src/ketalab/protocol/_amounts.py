"""How much: one amount, a stated mix of amounts, or a rise from one to another."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ketalab.protocol._draft import Amounts, Draft
from ketalab.protocol._scan import Scanner, Unit
from ketalab.protocol._words import FLAGS, MASS_ALLOWED, WORD_END, words_pattern

FLEXIBLE, TITRATED = words_pattern(["flexible"]), words_pattern(["titrated"])
_FROM, _TO = words_pattern(["from"]), words_pattern(["to"])
_OR = re.compile(rf",?\s*or{WORD_END}|,(?=\s*[0-9.])", FLAGS)

_ONE_TARGET = "a target is one concentration; write ', then 300 ng/mL for 30 min' for the next"


def read_amount(scan: Scanner, draft: Draft, followers: Sequence[re.Pattern[str]]) -> None:
    """Read ``0.5 mg/kg``, or a target such as ``150 ng/mL``.

    Before one of the followers the unit is missing, not unknown.
    """
    column = scan.column
    value = scan.number("at the start of a dose")
    to_ng_ml = scan.concentration()
    if to_ng_ml is not None:
        if scan.sees(_TO) or scan.sees(_OR):
            raise scan.error(_ONE_TARGET)
        target = Amounts((value * to_ng_ml,), per_kg=True, rate=False, kind="target")
        draft.put(scan, "amounts", target, column, "amount")
        return
    unit = scan.unit()
    if unit is None and any(scan.sees(follower) for follower in followers):
        raise scan.error(f"unit missing before {scan.word!r}; allowed: {MASS_ALLOWED}")
    for joint, word in ((_TO, "titrated"), (_OR, "flexible")):
        if scan.sees(joint):
            raise scan.error(f"{scan.word!r} needs {word!r} before the first amount")
    if unit is None:
        raise scan.unit_error()
    amounts = Amounts((value * unit.factor,), unit.per_kg, unit.rate)
    draft.put(scan, "amounts", amounts, column, "amount")


def read_flexible(scan: Scanner, draft: Draft) -> None:
    """Read ``flexible 56 or 84 mg``: a mix in equal shares."""
    column = scan.column
    scan.take(FLEXIBLE)
    amounts = _read_several(scan, "flexible", _OR, "or")
    if len(set(amounts.values)) < len(amounts.values):
        raise scan.error("'flexible' has the same amount twice", column)
    draft.put(scan, "amounts", amounts, column, "amount")


def read_titrated(scan: Scanner, draft: Draft) -> None:
    """Read ``titrated 0.5 to 0.9 mg/kg``: a linear rise over the repeats."""
    column = scan.column
    scan.take(TITRATED)
    scan.take(_FROM)
    amounts = _read_several(scan, "titrated", _TO, "to")
    if len(amounts.values) > 2 or amounts.values[0] > amounts.values[-1]:
        raise scan.error("'titrated' goes from the lower to the higher of two amounts", column)
    draft.put(scan, "amounts", amounts, column, "amount")


def _read_several(scan: Scanner, kind: str, joint: re.Pattern[str], word: str) -> Amounts:
    """Read ``56 or 84 mg``; the unit stands after each amount or after the last alone."""
    column, after = scan.column, f"after {kind!r}"
    values: list[float] = []
    units: list[Unit | None] = []
    while True:
        values.append(scan.number(after))
        if scan.concentration() is not None:
            raise scan.error(_ONE_TARGET, column)
        units.append(scan.unit())
        if scan.take(joint) is None:
            break
        after = f"after {word!r}"
    last = units[-1]
    if last is None:
        raise scan.unit_error()
    if len(values) < 2:
        raise scan.error(f"{kind!r} needs two amounts, such as '56 {word} 84 mg'", column)
    filled = [unit or last for unit in units]
    if any((unit.per_kg, unit.rate) != (last.per_kg, last.rate) for unit in filled):
        raise scan.error(f"amounts of {kind!r} in units that do not fit; use one unit", column)
    amounts = tuple(value * unit.factor for value, unit in zip(values, filled, strict=True))
    return Amounts(amounts, last.per_kg, last.rate, kind)
