"""The names of the drugs, and the error for a word that the grammar does not know."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from ketalab.errors import PhraseError, closest
from ketalab.protocol._scan import Scanner
from ketalab.protocol._words import (
    HINTS,
    KEYWORDS,
    ROUTE_SPELLINGS,
    ROUTES,
    SALT_SPELLINGS,
    fold,
    words_pattern,
)

#: Endings of the names of salts: after a drug's name such a word is a form, not a route.
_SALT_ENDINGS = ("ate", "ide", "salt")


class Named(Protocol):
    """A drug as far as a phrase is concerned: an identifier and all its spellings."""

    @property
    def id(self) -> str: ...
    @property
    def names(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Names:
    """Spelling -> identifier of a drug, and the pattern that finds the longest spelling."""

    pattern: re.Pattern[str]
    spellings: Mapping[str, str]
    ids: tuple[str, ...]


def name_drugs(compounds: Mapping[str, Named]) -> Names:
    """Collect the spellings of the drugs."""
    return _name_drugs(tuple((drug.id, *drug.names) for drug in compounds.values()))


@lru_cache(maxsize=8)
def _name_drugs(drugs: tuple[tuple[str, ...], ...]) -> Names:
    spellings = {
        " ".join(fold(name).lower().split()): names[0]
        for names in reversed(drugs)
        for name in names
    }
    # An identifier always means its own drug, whatever another drug lists as a spelling.
    spellings |= {fold(names[0]).lower(): names[0] for names in drugs}
    return Names(words_pattern(spellings), spellings, tuple(sorted(names[0] for names in drugs)))


def unknown_word(scan: Scanner, names: Names, missing: str, after_drug: bool) -> PhraseError:
    """Make the error for the next word: an unknown drug, route or form, or a word left over.

    The kind is that of the nearest known word; without a near one, what the dose still misses.

    Parameters
    ----------
    missing : str
        ``drug``, ``route`` or empty: what the dose has not said yet.
    after_drug : bool
        Whether the word follows a drug's name, where a form may stand.
    """
    word = scan.word.lower()
    kinds: dict[str, tuple[list[str], str]] = {
        "drug": (list(names.spellings), ", ".join(names.ids)),
        "route": (list(ROUTE_SPELLINGS), ", ".join(ROUTES)),
        "word": (list(KEYWORDS), "clauses such as 'over 40 min', 'at -45 min', 'weekly x 4'"),
    }
    if after_drug:
        kinds["form"] = (list(SALT_SPELLINGS), "base, hydrochloride (hcl)")
    if word in HINTS:
        return scan.error(f"{scan.word!r} is not understood; {HINTS[word]}")
    if word == ",":
        return scan.error("a comma must be followed by 'then'; leave it out inside a dose")
    if after_drug and word.endswith(_SALT_ENDINGS):
        kind = "form"
    else:
        kind = _nearest_kind(word, {kind: words for kind, (words, _) in kinds.items()})
    is_sign = not any(character.isalpha() for character in word)
    if not kind and (is_sign or not missing):
        return scan.error(f"{scan.word!r} is left over; remove it")
    kind = kind or missing
    words, allowed = kinds[kind]
    return scan.error(f"unknown {kind} {scan.word!r}; allowed: {allowed}{closest(word, words)}")


def _nearest_kind(word: str, kinds: Mapping[str, list[str]]) -> str:
    kind_of = {known: kind for kind, words in reversed(list(kinds.items())) for known in words}
    near = difflib.get_close_matches(word, kind_of, n=1, cutoff=0.6)
    return kind_of[near[0]] if near else ""
