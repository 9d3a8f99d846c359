"""Sentences that quote facts: no number is typed twice."""

from __future__ import annotations

import re

from ketalab.facts._load import fact

_QUOTED = re.compile(r"\{([a-z0-9_]+)(:%)?\}")


def quoted_facts(text: str) -> tuple[str, ...]:
    """Ids of the facts that a text quotes, as ``{id}`` or, for a percentage, ``{id:%}``; in order, without repeats."""
    return tuple(dict.fromkeys(found[0] for found in _QUOTED.findall(text)))


def quote(text: str) -> str:
    """The text with the numbers of its facts.

    Raises
    ------
    FactError
        A fact that is not there.
    """

    def number(found: re.Match[str]) -> str:
        value = fact(found[1]).value
        return f"{100 * value:.3g}%" if found[2] else f"{value:g}"

    return _QUOTED.sub(number, text)
