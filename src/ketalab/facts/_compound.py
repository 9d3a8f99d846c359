"""The compound: what a phrase can name, the molecules it brings, its kinetics, and what it blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, model_validator

from ketalab.errors import closest
from ketalab.facts._kinetics import FactId, Kinetics, Part, Route, Species
from ketalab.facts._record import Fact


class Exposure(Part):
    """How much of its full effect a dose by a route has, where that follows from the concentration at the target.

    The share is C / (C + half) with C = dose * area / window * reaches: the mean over the window, as though the whole
    area under the curve fell into it, which is exact where doses come a window apart. ``area`` is that in blood by
    milligram, in people of ``weight``, at which a dose per kilogram counts; ``reaches`` is the concentration at the
    target over that in blood.
    """

    area: FactId
    weight: FactId
    reaches: FactId
    half: FactId

    def uses(self) -> Iterator[tuple[str, str]]:
        """Facts with the units in which they are needed."""
        yield self.area, "ng*h/mL/mg"
        yield self.weight, "kg"
        yield self.reaches, "ratio"
        yield self.half, "ng/mL"


class Block(Part):
    """A target's activity over a window after each dose, for a compound whose concentration is not modelled.

    ``remaining`` is the fact of the activity that a full dose leaves (0 to 1), or of its rise (above 1) by an inducer;
    ``from_h`` counts from the start of a dose, ``to_h`` from its end. Every dose is a full one, but by a route under
    ``exposure``, as of a drug that the gut or the barrier of the brain keeps out.
    """

    target: Annotated[str, Field(min_length=2)]
    remaining: FactId
    from_h: FactId
    to_h: FactId
    exposure: dict[Route, Exposure] = Field(default_factory=dict)

    def exposure_by(self, route: str) -> Exposure | None:
        """What a dose by a route is measured by, where it is not a full one."""
        return next((one for by, one in self.exposure.items() if by == route), None)

    def uses(self) -> Iterator[tuple[str, str]]:
        """Facts with the units in which they are needed."""
        yield self.remaining, "ratio"
        yield self.from_h, "h"
        yield self.to_h, "h"
        for exposure in self.exposure.values():
            yield from exposure.uses()


class Compound(Part):
    """A substance that a phrase can name, and the molecules that it brings.

    ``molecules`` gives the share of each molecule by mass of base; ``molar_mass`` and ``hydrochloride``
    name the facts that turn milligrams of base or salt into moles. ``inert`` compounds (saline) bring
    none. ``kinetics`` says by species what becomes of the one molecule and of its ``metabolites`` (name: fact of the
    molar mass); ``blocks`` what a compound without kinetics does. ``facts`` may hold records of its own, so that a new
    drug is one file.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    names: tuple[str, ...]
    molecules: dict[str, float] = Field(default_factory=dict)
    molar_mass: str | None = None
    hydrochloride: str | None = None
    inert: bool = False
    note: str = ""
    metabolites: dict[str, FactId] = Field(default_factory=dict)
    kinetics: dict[Species, Kinetics] = Field(default_factory=dict)
    blocks: tuple[Block, ...] = ()
    facts: tuple[Fact, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Compound:
        if self.inert and (self.molecules or self.kinetics or self.blocks):
            raise ValueError("an inert compound has no molecules, kinetics or blocks")
        if self.kinetics and (len(self.molecules) != 1 or self.molar_mass is None):
            raise ValueError("kinetics need one molecule and `molar_mass`")
        known = (*self.molecules, *self.metabolites)
        for species, kinetics in self.kinetics.items():
            for number, observed in enumerate(kinetics.observed):
                if observed.molecule not in known:
                    raise ValueError(
                        f"kinetics.{species}.observed.{number}: {observed.molecule!r} is no molecule "
                        f"of it; there are {', '.join(known)}{closest(observed.molecule, known)}"
                    )
        targets = [block.target for block in self.blocks]
        for target in targets:
            if targets.count(target) > 1:
                raise ValueError(f"blocks {target!r} twice")
        return self

    def mass_of(self, molecule: str) -> str:
        """The fact of a molecule's molar mass."""
        if molecule in self.metabolites:
            return self.metabolites[molecule]
        assert self.molar_mass is not None
        return self.molar_mass

    def uses(self) -> Iterator[tuple[str, str]]:
        """Every fact that the record names, with the unit in which it is needed."""
        for name in (self.molar_mass, self.hydrochloride, *self.metabolites.values()):
            if name is not None:
                yield name, "g/mol"
        for kinetics in self.kinetics.values():
            yield from kinetics.uses()
        for block in self.blocks:
            yield from block.uses()

    def fact_ids(self) -> tuple[str, ...]:
        """Ids of the facts that the record names, without repeats."""
        return tuple(dict.fromkeys(name for name, _ in self.uses()))
