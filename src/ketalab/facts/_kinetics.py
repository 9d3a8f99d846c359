"""The kinetics of a drug as data: compartments, what flows between them, where doses enter, what is observed.

Every number is a fact, named by its id. Time is in hours, volume in litres; the units of all that is multiplied and
divided are followed, so that a clearance in the place of a rate is refused when the file is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ketalab.errors import closest
from ketalab.facts._product import read_product

FactId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
Content = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)] | str
Species = Literal["human", "mouse", "rat"]
Route = Literal[
    "iv", "im", "sc", "nasal", "insufflated", "sublingual", "buccal", "oral",
    "oral extended-release", "rectal", "inhaled", "ip", "icv", "local",
]  # fmt: skip
#: What a person is measured by, with its unit; ``lean_mass`` follows from weight, height and sex.
COVARIATES = {"weight": "kg", "height": "cm", "age": "year", "lean_mass": "kg"}
Of = Literal["weight", "height", "age", "lean_mass"]
#: Unit of a parameter -> powers of litre, hour and kilogram.
UNITS = {
    "L": (1, 0, 0),
    "L/kg": (1, 0, -1),
    "L/h": (1, -1, 0),
    "L/h/kg": (1, -1, -1),
    "1/h": (0, -1, 0),
    "h": (0, 1, 0),
    "fraction": (0, 0, 0),
    "ratio": (0, 0, 0),
}
Unit = Literal["L", "L/kg", "L/h", "L/h/kg", "1/h", "h", "fraction", "ratio"]
Dimension = tuple[int, int, int]
#: The compartment that stands for what has left the body, and the state of what was never absorbed.
OUT, UNABSORBED = "out", "unabsorbed"
RESERVED = (OUT, UNABSORBED, "eliminated")


class Part(BaseModel):
    """Base of all parts of a file: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Power(Part):
    """Times (covariate / reference) to an exponent; without a reference, times the covariate."""

    of: Of
    reference: FactId | None = None
    exponent: FactId | None = None

    @model_validator(mode="after")
    def _complete(self) -> Power:
        if self.reference is None and (self.exponent is not None or self.of != "weight"):
            raise ValueError("without `reference` only `of: weight`, for a value per kilogram")
        return self


class Slope(Part):
    """Plus slope times (covariate - centre)."""

    of: Of
    centre: FactId
    slope: FactId


class Classes(Part):
    """One value below a limit of a covariate, another from the limit on."""

    of: Literal["age"]
    limit: FactId
    below: FactId
    above: FactId


class Quantity(Part):
    """A parameter: (value + slopes) x powers x a factor that varies between people with the sd of its logarithm."""

    unit: Unit
    fact: FactId | None = None
    classes: Classes | None = None
    slopes: tuple[Slope, ...] = ()
    powers: tuple[Power, ...] = ()
    spread: FactId | None = None

    @model_validator(mode="after")
    def _one_value(self) -> Quantity:
        if (self.fact is None) == (self.classes is None):
            raise ValueError("a parameter has either `fact` or `classes`")
        return self

    @property
    def dimension(self) -> Dimension:
        """Powers of litre, hour and kilogram after scaling."""
        volume, time, mass = UNITS[self.unit]
        return volume, time, mass + sum(power.reference is None for power in self.powers)

    def uses(self) -> Iterator[tuple[str, str]]:
        """Facts with the units in which they are needed."""
        if self.fact is not None:
            yield self.fact, self.unit
        if self.classes is not None:
            yield from ((name, self.unit) for name in (self.classes.below, self.classes.above))
            yield self.classes.limit, COVARIATES[self.classes.of]
        for slope in self.slopes:
            yield slope.centre, COVARIATES[slope.of]
            yield slope.slope, f"{self.unit}/{COVARIATES[slope.of]}"
        for power in self.powers:
            if power.reference is not None:
                yield power.reference, COVARIATES[power.of]
            if power.exponent is not None:
                yield power.exponent, "dimensionless"
        if self.spread is not None:
            yield self.spread, "dimensionless"


class Flow(Part):
    """First-order flow from a compartment to another or ``out``: a rate, a half-life, or a clearance and a volume.

    With a ``share`` only that part of it arrives, as many moles of a metabolite; the rest leaves the body.
    """

    source: Name = Field(alias="from")
    to: Name
    rate: Content | None = None
    half_life: Content | None = None
    clearance: Content | None = None
    volume: Content | None = None
    share: Content | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Flow:
        given = [n for n in ("rate", "half_life", "clearance", "volume") if getattr(self, n)]
        if given not in (["rate"], ["half_life"], ["clearance", "volume"]):
            raise ValueError(
                f"gives {' and '.join(given) or 'nothing'}; allowed: rate, half_life, or "
                "clearance and volume"
            )
        if self.source == self.to:
            raise ValueError(f"flows from {self.source!r} to itself")
        return self


class Entering(Part):
    """Where a dose by a route enters. The shares of one route are taken in turn, each of what is left.

    What is left after the last is never absorbed; an entry without a share takes all that is left.
    """

    route: Route
    to: Name
    share: Content | None = None


class Observed(Part):
    """What is measured: amount / volume, perhaps after a delay (``ke0``), times ``ratio``.

    ``venous``, ``arterial`` and ``effect`` are ng/mL, ``brain`` is ng/g of tissue (``ratio`` in mL/g), ``unbound``
    is micromolar and read by other layers only.
    """

    site: Literal["venous", "arterial", "effect", "brain", "unbound"]
    molecule: str
    compartment: Name
    volume: Content
    ke0: Content | None = None
    ratio: Content | None = None

    @model_validator(mode="after")
    def _complete(self) -> Observed:
        if self.site == "effect" and self.ke0 is None:
            raise ValueError("an effect site needs `ke0`")
        if self.site in ("brain", "unbound") and self.ratio is None:
            raise ValueError(f"site {self.site!r} needs `ratio`, to plasma")
        return self


class Kinetics(Part):
    """A drug in one species. ``within`` are the least and the greatest covariate that the source studied: a person
    outside is taken at the edge. ``compartments`` gives each its meaning."""

    within: dict[Literal["weight", "height", "age"], tuple[FactId, FactId]] = {}
    parameters: dict[Name, Quantity]
    compartments: Annotated[dict[Name, str], Field(min_length=1)]
    flows: tuple[Flow, ...]
    entries: Annotated[tuple[Entering, ...], Field(min_length=1)]
    observed: Annotated[tuple[Observed, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _joined(self) -> Kinetics:
        for name in RESERVED:
            if name in self.compartments or name in self.parameters:
                raise ValueError(f"{name!r} has a meaning of its own; call it otherwise")
        for number, flow in enumerate(self.flows):
            self._place(flow.source, f"flows.{number}.from")
            if flow.to != OUT:
                self._place(flow.to, f"flows.{number}.to")
            for key, need in (
                ("rate", "1/h"),
                ("half_life", "h"),
                ("clearance", "L/h"),
                ("volume", "L"),
                ("share", "fraction"),
            ):
                self._value(getattr(flow, key), need, f"flows.{number}.{key}")
        self._check_entries()
        seen = set()
        for number, observed in enumerate(self.observed):
            self._place(observed.compartment, f"observed.{number}.compartment")
            for key, need in (("volume", "L"), ("ke0", "1/h"), ("ratio", "ratio")):
                self._value(getattr(observed, key), need, f"observed.{number}.{key}")
            if (observed.site, observed.molecule) in seen:
                raise ValueError(
                    f"observed.{number}: {observed.molecule!r} at {observed.site!r} appears twice"
                )
            seen.add((observed.site, observed.molecule))
        return self

    def _check_entries(self) -> None:
        whole = set()
        for number, entry in enumerate(self.entries):
            self._place(entry.to, f"entries.{number}.to")
            self._value(entry.share, "fraction", f"entries.{number}.share")
            if entry.route in whole:
                raise ValueError(
                    f"entries.{number}: nothing is left of a dose by {entry.route!r}; the entry "
                    "before it has no `share` and takes all"
                )
            if entry.share is None:
                whole.add(entry.route)

    def _place(self, name: str, where: str) -> None:
        if name not in self.compartments:
            raise ValueError(
                f"{where}: {name!r} is no compartment; there are {', '.join(self.compartments)}"
                f"{closest(name, self.compartments)}"
            )

    def _value(self, content: float | str | None, need: str, where: str) -> None:
        """Refuse a value that cannot be read, reads unknown names, or has another unit than is needed."""
        if content is None:
            return
        try:
            product = read_product(content)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None
        total = [0, 0, 0]
        for divides, factor in product.factors:
            if isinstance(factor, str):
                if factor not in self.parameters:
                    raise ValueError(
                        f"{where}: {factor!r} is no parameter; there are "
                        f"{', '.join(self.parameters)}{closest(factor, self.parameters)}"
                    )
                for i, power in enumerate(self.parameters[factor].dimension):
                    total[i] += -power if divides else power
        if product.names and tuple(total) != UNITS[need]:
            raise ValueError(
                f"{where}: {product.text!r} has the unit {_say(tuple(total))} where {need} is needed"
            )
        if not product.names and UNITS[need] != UNITS["ratio"]:
            raise ValueError(f"{where}: {product.text} is a plain number where {need} is needed")

    def uses(self) -> Iterator[tuple[str, str]]:
        """Facts with the units in which they are needed."""
        for covariate, edges in self.within.items():
            yield from ((edge, COVARIATES[covariate]) for edge in edges)
        for quantity in self.parameters.values():
            yield from quantity.uses()


def _say(dimension: tuple[int, ...]) -> str:
    parts = zip(("L", "h", "kg"), dimension, strict=True)
    said = " ".join(f"{unit}^{power}" if power != 1 else unit for unit, power in parts if power)
    return said or "ratio"
