"""Reading a phrase from left to right: numbers, units, times, and errors that point at the word."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from ketalab.errors import PhraseError, closest
from ketalab.protocol._limits import MAX_TIME_H
from ketalab.protocol._words import (
    FLAGS,
    MASS_ALLOWED,
    MASS_MG,
    MASS_NG,
    TARGET_ALLOWED,
    TIME_ALLOWED,
    TIME_H,
    VOLUME_ML,
    WORD_END,
    fold,
    words_pattern,
)

_SPACE = re.compile(r"\s*")
_WORD = re.compile(r"[^\s,;+/][^\s,;+]*|\S")
_DIGITS = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?", FLAGS)
_SIGN = re.compile(r"[+-]\s*(?=[0-9.]|nan|inf)", FLAGS)
_NOT_FINITE = re.compile(r"(?:nan|inf|infinity)(?![\w\-])", FLAGS)
_DECIMAL_COMMA = re.compile(r"[0-9]+,[0-9]+")
_PER = re.compile(r"\s*(?:/|per(?!\w))\s*", FLAGS)
_CONCENTRATION = re.compile(
    rf"({'|'.join(MASS_NG)})(?:\s*/\s*|\s+per\s+)({'|'.join(VOLUME_ML)}){WORD_END}", FLAGS
)
_MASS = words_pattern(MASS_MG)
_TIME = words_pattern(TIME_H)
_KG = words_pattern(["kg"])
_RATE_TIMES = {word: hours for word, hours in TIME_H.items() if hours <= 1}
_RATE_TIME = words_pattern(_RATE_TIMES)
#: Longest piece of a foreign word that a message repeats.
_SHOWN = 40


@dataclass(frozen=True)
class Unit:
    """Unit of an amount: its factor to mg (per hour, if a rate), and what it is per."""

    factor: float
    per_kg: bool
    rate: bool


@dataclass
class Scanner:
    """A phrase and how far it has been read."""

    original: str
    position: int = 0

    def __post_init__(self) -> None:
        self.text = fold(self.original)
        self.skip()

    @property
    def column(self) -> int:
        """Column, from 1, of the next character."""
        return self.position + 1

    @property
    def ended(self) -> bool:
        return self.position >= len(self.text)

    def skip(self) -> None:
        """Pass over white space."""
        match = _SPACE.match(self.text, self.position)
        self.position = match.end() if match else self.position

    def take(self, pattern: re.Pattern[str]) -> str | None:
        """Read the pattern and the white space after it; None, and nothing read, if not there."""
        match = pattern.match(self.text, self.position)
        if match is None:
            return None
        self.position = match.end()
        self.skip()
        return " ".join(match.group().lower().split())

    def sees(self, pattern: re.Pattern[str]) -> bool:
        """Whether the pattern comes next."""
        return pattern.match(self.text, self.position) is not None

    @property
    def word(self) -> str:
        """The next word as the reader wrote it, cut to a length that fits a message."""
        match = _WORD.match(self.text, self.position)
        if match is None:
            return ""
        return self.original[match.start() : min(match.end(), match.start() + _SHOWN)]

    @property
    def found(self) -> str:
        """The next word for a message: quoted, or that the phrase ends."""
        return f"found {self.word!r}" if self.word else "the phrase ends"

    def error(self, problem: str, column: int | None = None) -> PhraseError:
        """Make the error of this phrase at a column, by default the next word's."""
        column = self.column if column is None else column
        return PhraseError(
            f"dosing phrase, column {column}: {problem}", value=self.original, column=column
        )

    def sees_number(self) -> bool:
        """Whether a number comes next, also one to refuse; ``+`` is not a sign but joins doses."""
        signed = self.sees(_SIGN) and self.text[self.position] == "-"
        return signed or self.sees(_DIGITS) or self.sees(_NOT_FINITE)

    def number(self, after: str, negative: bool = False) -> float:
        """Read one finite number; ``after`` names the word before it, for the message."""
        start = self.column
        sign = self.take(_SIGN)
        if self.sees(_NOT_FINITE):
            raise self.error(f"{self.word!r} is not a finite number", start)
        comma = _DECIMAL_COMMA.match(self.text, self.position)
        if comma:
            mended = comma.group()[:_SHOWN].replace(",", ".", 1)
            raise self.error(
                f"{comma.group()[:_SHOWN]!r} has a comma; write a decimal point ({mended}) and no"
                " thousands separator"
            )
        digits = self.take(_DIGITS)
        if digits is None:
            raise self.error(f"number missing {after}; {self.found}")
        value = float(digits)
        if not math.isfinite(value):
            raise self.error(f"{digits[:_SHOWN]!r} is too large for a number", start)
        if sign and sign.startswith("-") and value > 0:
            if not negative:
                raise self.error(f"negative number -{digits[:_SHOWN]}; must be 0 or more", start)
            return -value
        return value

    def time(self, after: str, negative: bool = False) -> float:
        """Read a number and a unit of time; return hours."""
        start = self.column
        value = self.number(after, negative)
        word = self.word
        unit = self.take(_TIME)
        if unit is None:
            problem = f"unknown unit of time {word!r}" if word else "unit of time missing"
            raise self.error(f"{problem}; allowed: {TIME_ALLOWED}{closest(word, TIME_H)}")
        hours = value / 60 if unit.startswith("min") else value * TIME_H[unit]
        if abs(hours) > MAX_TIME_H:
            years = MAX_TIME_H / 8760
            raise self.error(f"{value:.6g} {unit} is absurd; at most {years:.0f} years", start)
        return hours

    def concentration(self) -> float | None:
        """Read the unit of a target such as ``ng/mL``, as a factor to it; None if not there."""
        match = _CONCENTRATION.match(self.text, self.position)
        if match is None:
            return None
        self.take(_CONCENTRATION)
        return MASS_NG[match[1].lower()] / VOLUME_ML[match[2].lower()]

    def unit(self) -> Unit | None:
        """Read the unit of an amount such as ``mg/kg/h``; None, and nothing read, if not there."""
        mass = self.take(_MASS)
        if mass is None:
            return None
        factor, per_kg, rate = MASS_MG[mass], False, False
        while self.take(_PER) is not None:
            if not per_kg and self.take(_KG):
                per_kg = True
                continue
            time = None if rate else self.take(_RATE_TIME)
            if time is None:
                raise self._per_error()
            rate = True
            factor = factor * 60 if time.startswith("min") else factor / TIME_H[time]
        return Unit(factor, per_kg, rate)

    def _per_error(self) -> PhraseError:
        hint = closest(self.word, ["kg", "min", "h"])
        if self.sees(_TIME):
            hint = "; for an amount a day write 'daily x 5' or 'daily for 4 weeks'"
        elif self.word.lower() in VOLUME_ML:
            hint = f"; a target in plasma is in {TARGET_ALLOWED}"
        found = f"unknown unit, per {self.word!r}" if self.word else "unit ends after 'per'"
        return self.error(f"{found}; allowed: {MASS_ALLOWED}{hint}")

    def unit_error(self) -> PhraseError:
        """Make the error for a word in the place of an amount's unit."""
        if self.sees(_TIME):
            return self.error(
                f"{self.word!r} is a time where an amount is due; write 'over', 'for', 'every' or"
                " 'at' before a time"
            )
        if self.word.startswith(("-", "–", "−")):
            return self.error(
                "a range is not a dose; write 'titrated 0.5 to 0.9 mg/kg' or 'flexible 56 or 84 mg'"
            )
        what = f"unknown unit {self.word!r}" if self.word else "unit missing"
        return self.error(f"{what} after a number; allowed: {MASS_ALLOWED}{self._near_unit()}")

    def _near_unit(self) -> str:
        if self.word.lower() in MASS_NG:
            return f"; a target in plasma is in {TARGET_ALLOWED}"
        return closest(self.word.lower(), [*MASS_MG, "mg/kg", "mg/kg/h", "mg/h", "mg/min"])
