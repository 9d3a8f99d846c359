"""What compounds without kinetics do: a target's activity is changed over a window after each dose.

Tool compounds, and inhibitors and inducers of enzymes. How much is left and how long is a fact, as it stands; any dose
above nothing counts as a full one, but by a route whose exposure is on record. Repeated doses of one compound never
add up: they last longer.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from ketalab.facts import Block, compounds, conversion_factor, fact
from ketalab.laboratory._individuals import value_of
from ketalab.protocol import Administration, Intervention

_SITE = "systemic"
#: Said before a name, these take it back: "no clarithromycin", "after wash-out of fluoxetine".
_DENIED = r"(?:no|not|non|never|without|off|stopped|discontinued|withdrawn|free of|wash-?out of)"


def windows_of(administrations: Sequence[Administration]) -> tuple[Intervention, ...]:
    """Return the interventions that doses of blockers, inhibitors and inducers amount to.

    Doses of one compound that meet make one window, of which the strongest dose tells what remains; two compounds on
    one target stay two interventions, whose factors the course multiplies. Doses of other compounds, doses of nothing,
    and doses that leave all as it was give none.
    """
    given: dict[str, list[Administration]] = {}
    for dose in administrations:
        if dose.amount > 0 and compounds()[dose.compound].blocks:
            given.setdefault(dose.compound, []).append(dose)
    return tuple(
        Intervention(block.target, remaining, _SITE, start, stop)
        for compound, doses in sorted(given.items())
        for block in compounds()[compound].blocks
        for remaining, start, stop in _merge(block, doses)
    )


def _in_use(name: str, unit: str) -> float:
    """A fact's value in use in a unit: what stands in the place of a fact counts here as in the layers."""
    return value_of(name) * conversion_factor(fact(name).unit, unit, name)


def _left(block: Block, dose: Administration) -> float:
    """The activity that a dose leaves: what a full one does, or the part of it that the exposure allows."""
    full = _in_use(block.remaining, "ratio")
    exposure = block.exposure_by(dose.route)
    if exposure is None:
        return full
    area, weight, reaches, half = (_in_use(name, unit) for name, unit in exposure.uses())
    milligrams = dose.amount * (weight if dose.per_kg else 1)
    there = milligrams * area / _in_use(block.to_h, "h") * reaches
    return 1 + (full - 1) * there / (there + half)


def _merge(block: Block, doses: Sequence[Administration]) -> Iterator[tuple[float, float, float]]:
    """What remains, from when to when in hours: a dose that comes before the effect of the last one has gone carries
    it on.

    A window that would end before it starts is none: one tablet of an inducer that takes days does nothing.
    """
    after, until = _in_use(block.from_h, "h"), _in_use(block.to_h, "h")
    courses: list[tuple[float, float, float]] = []
    for dose in sorted(doses, key=lambda dose: (dose.time_h, dose.end_h)):
        left = _left(block, dose)
        if left == 1:
            continue
        if courses and dose.time_h <= courses[-1][2] + until:
            known, first, last = courses[-1]
            strongest = max(known, left, key=_change)
            courses[-1] = (strongest, first, max(last, dose.end_h))
        else:
            courses.append((left, dose.time_h, dose.end_h))
    for left, first, last in courses:
        if first + after < last + until:
            yield left, first + after, last + until


def _change(remaining: float) -> float:
    """How far an activity is from the usual: as a factor, up or down; a full block is furthest."""
    return abs(math.log(remaining)) if remaining > 0 else math.inf


def standing(text: str) -> tuple[Intervention, ...]:
    """Return what a background such as "clarithromycin 4 days" does, for the whole course.

    The names of all compounds that block or induce something are looked for, in any case; a name after "no",
    "without" or "off" does not count. A text that names none gives nothing.
    """
    found = dict.fromkeys(_names()[name] for name in _mentions(_plain(text)))
    return tuple(
        Intervention(block.target, remaining, _SITE, -math.inf, math.inf)
        for compound in found
        for block in compounds()[compound].blocks
        if (remaining := _in_use(block.remaining, "ratio")) != 1
    )


def facts_of_windows(given: Sequence[str]) -> tuple[str, ...]:
    """Ids of the facts behind the blocks of these compounds, without repeats."""
    known = compounds()
    used = (
        name for compound in given for block in known[compound].blocks for name, _ in block.uses()
    )
    return tuple(dict.fromkeys(used))


def _plain(text: str) -> str:
    return " ".join(text.replace("\u2019", "'").lower().split())


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    """Spelling -> id of every compound that changes a target."""
    return {
        _plain(name): compound.id
        for compound in compounds().values()
        if compound.blocks
        for name in (compound.id, *compound.names)
    }


def _mentions(text: str) -> Iterator[str]:
    longest_first = sorted(_names(), key=lambda name: (-len(name), name))
    either = "|".join(map(re.escape, longest_first))
    for match in re.finditer(rf"(?<![\w-])({_DENIED}\s+)?({either})(?![\w-])", text):
        if not match[1]:
            yield match[2]
