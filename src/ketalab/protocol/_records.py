"""What is given, as values: an administration, a regimen, a treatment as a mix of regimens."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from ketalab.errors import PhraseError, ScenarioError, closest
from ketalab.protocol._describe import describe_variants
from ketalab.protocol._limits import (
    MAX_ADMINISTRATIONS,
    MAX_CHARACTERS,
    MAX_HOLD_H,
    MAX_VARIANTS,
    MIN_TIME_H,
)
from ketalab.protocol._program import Program
from ketalab.protocol._words import DEVICES, HELD, INFUSED, ROUTES, SALTS

#: Weights of a mix sum to one within this; they are equal shares and products of equal shares.
_WEIGHT_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Administration:
    """One dose of one drug.

    Parameters
    ----------
    time_h : float
        Start, hours from t = 0; negative before it.
    amount : float
        The whole dose (an infusion's rate times its duration), mg, or mg/kg if ``per_kg``.
    per_kg : bool
        Whether the amount is per kilogram of body weight.
    duration_h : float
        Length of the infusion, hours; 0 is a bolus or a single intake.
    compound : str
        Identifier of the drug, for example ``esketamine``.
    salt : str
        What the amount weighs: ``base`` or ``hydrochloride``.
    route : str
        One of :data:`ROUTES`.
    device : str or None
        Of a nasal dose one of :data:`DEVICES`, ``device`` for the marketed one; None by other routes.
    hold_h : float or None
        How long a sublingual or buccal dose is held in the mouth, hours; None if not said.
    program : Program or None
        Of an infusion by a pump for target-controlled infusion: all that this pump was told.

    Raises
    ------
    ScenarioError
        A value out of range.
    """

    time_h: float
    amount: float
    per_kg: bool
    duration_h: float
    compound: str
    salt: str = "base"
    route: str = "iv"
    device: str | None = None
    hold_h: float | None = None
    program: Program | None = None

    def __post_init__(self) -> None:
        if not math.isfinite(self.time_h):
            raise ScenarioError(f"time_h {self.time_h!r} of a dose: must be finite", self)
        if not (math.isfinite(self.amount) and self.amount >= 0):
            raise ScenarioError(
                f"amount {self.amount!r} of a dose: must be finite, 0 or more", self
            )
        if self.duration_h != 0 and not MIN_TIME_H <= self.duration_h < math.inf:
            raise ScenarioError(
                f"duration_h {self.duration_h!r} of a dose: must be 0 (bolus) or at least 1 s", self
            )
        for what, word, allowed in (("route", self.route, ROUTES), ("salt", self.salt, SALTS)):
            if word not in allowed:
                raise ScenarioError(
                    f"{what} {word!r} of a dose: allowed: {', '.join(allowed)}"
                    f"{closest(str(word), allowed)}",
                    self,
                )
        if self.duration_h and self.route not in INFUSED:
            raise ScenarioError(
                f"duration_h {self.duration_h!r} of a dose: only {', '.join(INFUSED)} are given"
                f" over a time, not {self.route}",
                self,
            )
        if self.device is not None and (self.route != "nasal" or self.device not in DEVICES):
            raise ScenarioError(
                f"device {self.device!r} of a dose by route {self.route}: only nasal doses have one of"
                f" {', '.join(DEVICES)}",
                self,
            )
        if self.hold_h is not None and not (self.route in HELD and 0 < self.hold_h <= MAX_HOLD_H):
            raise ScenarioError(
                f"hold_h {self.hold_h!r} of a dose by route {self.route}: only {' and '.join(HELD)}"
                f" doses are held, above 0 and at most {MAX_HOLD_H:.0f} h",
                self,
            )
        if not self.compound:
            raise ScenarioError("compound of a dose: must not be empty", self)

    @property
    def end_h(self) -> float:
        """When the dose has been given, hours."""
        return self.time_h + self.duration_h

    @property
    def key(self) -> tuple[Any, ...]:
        """The canonical order: by time, then by what is given."""
        return (
            self.time_h,
            self.compound,
            self.route,
            self.salt,
            self.device or "",
            self.per_kg,
            self.amount,
            self.duration_h,
            self.hold_h or 0.0,
            *(self.program.key if self.program else ()),
        )


@dataclass(frozen=True, slots=True)
class Variant:
    """One regimen of a mix: its share of the patients and its doses, in canonical order."""

    weight: float
    administrations: tuple[Administration, ...]

    def __post_init__(self) -> None:
        if not 0 < self.weight <= 1 + _WEIGHT_TOLERANCE:
            raise ScenarioError(f"weight {self.weight!r} of a variant: must be in (0, 1]", self)
        ordered = tuple(sorted(self.administrations, key=lambda dose: dose.key))
        object.__setattr__(self, "administrations", ordered)


@dataclass(frozen=True)
class Treatment:
    """What one arm is given: a phrase, and the regimens that it stands for.

    Parameters
    ----------
    text : str
        A phrase that reads back as this treatment; not part of equality.
    variants : tuple of Variant
        The regimens with their shares; one unless the phrase states a mix. Kept in canonical order.

    Raises
    ------
    ScenarioError
        No variants, or shares that do not sum to one.
    """

    text: str = field(compare=False)
    variants: tuple[Variant, ...]

    def __post_init__(self) -> None:
        total = math.fsum(variant.weight for variant in self.variants)
        if abs(total - 1) > _WEIGHT_TOLERANCE:
            raise ScenarioError(f"weights of the variants sum to {total!r}: must sum to 1", self)
        ordered = sorted(
            self.variants, key=lambda v: ([dose.key for dose in v.administrations], v.weight)
        )
        object.__setattr__(self, "variants", tuple(ordered))

    @classmethod
    def none(cls) -> Treatment:
        """Return the untreated arm: one variant without doses."""
        return cls("none", (Variant(1.0, ()),))

    @property
    def administrations(self) -> tuple[Administration, ...]:
        """The doses of a treatment with a single variant; a mix has no single list and raises."""
        if len(self.variants) != 1:
            raise ScenarioError(
                f"{self.text!r} is a mix of {len(self.variants)} regimens: use its variants", self
            )
        return self.variants[0].administrations

    @property
    def end_h(self) -> float:
        """When the last dose of any variant has been given, hours; 0 without doses."""
        return max((dose.end_h for dose in self._doses()), default=0.0)

    @property
    def compounds(self) -> tuple[str, ...]:
        """Identifiers of the drugs given, sorted."""
        return tuple(sorted({dose.compound for dose in self._doses()}))

    @property
    def routes(self) -> tuple[str, ...]:
        """Routes used, in the order of :data:`ROUTES`."""
        used = {dose.route for dose in self._doses()}
        return tuple(route for route in ROUTES if route in used)

    def merge(self, other: Treatment) -> Treatment:
        """Return both treatments given from the same t = 0; the variants of the two are multiplied.

        Raises
        ------
        PhraseError
            More variants, doses or characters together than one treatment may have.
        """
        if not other._doses() and len(other.variants) == 1:
            return self
        if not self._doses() and len(self.variants) == 1:
            return other
        text = _join(self.text, other.text)
        check_size(
            len(self.variants) * len(other.variants),
            len(other.variants) * len(self._doses()) + len(self.variants) * len(other._doses()),
            text,
        )
        variants = (
            Variant(a.weight * b.weight, a.administrations + b.administrations)
            for a, b in product(self.variants, other.variants)
        )
        return Treatment(text, tuple(variants))

    def describe(self) -> str:
        """Return what is given in one canonical, phrase-like line.

        A treatment without a mix, or with one flexible dose, gives a phrase that reads back as the
        same treatment (to twelve digits); another mix lists its regimens with their shares.
        """
        return describe_variants(self.variants)

    def _doses(self) -> list[Administration]:
        return [dose for variant in self.variants for dose in variant.administrations]


def check_size(variants: int, doses: int, text: str, column: int | None = None) -> None:
    """Refuse a treatment of too many variants, doses (over all variants) or characters.

    Raises
    ------
    PhraseError
        Names the count and its ceiling.
    """
    where = "dosing phrase" if column is None else f"dosing phrase, column {column}"
    if variants > MAX_VARIANTS:
        problem = f"{variants:,} combinations of flexible doses; at most {MAX_VARIANTS}"
    elif doses > MAX_ADMINISTRATIONS:
        mix = f" over {variants} variants" if variants > 1 else ""
        problem = f"{doses:,} doses{mix}; at most {MAX_ADMINISTRATIONS:,}"
    elif len(text) > MAX_CHARACTERS:
        problem = f"{len(text):,} characters; at most {MAX_CHARACTERS:,}"
    else:
        return
    raise PhraseError(f"{where}: {problem}", text, column)


def _join(first: str, second: str) -> str:
    """Join two phrases as given together; ``;`` where a ``then`` would reach across a ``+``."""
    texts: Iterable[str] = (first, second)
    loose = any("then" in text.lower() or ";" in text for text in texts)
    return f"{first}; {second}" if loose else f"{first} + {second}"
