"""Ids of SBML: letters, digits and underscores, made from the names of the laboratory."""

from __future__ import annotations

import re

#: Words that readers of formulas as text take for functions, constants or the time, in any case.
_TEXT = (
    "abs acos acot acsc and arccos arcsin arctan asec asin atan avogadro ceil cos cot csc delay exp "
    "exponentiale factorial false floor inf infinity ln log log10 max min model nan not notanumber "
    "or pi piecewise pow power quotient rateof rem root sec sin sqrt t tan time true xor"
)
_WORDS = frozenset(_TEXT.split())


class Ids:
    """Gives every name an id of its own: ``plasma:venous:S-ketamine`` is ``plasma_venous_S_ketamine``.

    Names that differ only in their signs get a number (``a-b`` and ``a:b`` are ``a_b`` and ``a_b_2``), in the
    order in which they are asked for.
    """

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def give(self, name: str) -> str:
        """A new id for a name; the same name asked for again gets another."""
        plain = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")
        if not plain or plain[0].isdigit() or plain.lower() in _WORDS:
            plain = f"{plain}_" if plain.lower() in _WORDS else f"_{plain}"
        made, number = plain, 1
        while made in self._taken:
            number += 1
            made = f"{plain}_{number}"
        self._taken.add(made)
        return made
