"""The Fact: a number with its unit, spread, conditions, source and grade."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ketalab.facts._units import convert

Grade = Literal["measured", "secondary", "derived", "definition", "assumed"]
Support = Literal["positive", "fraction", "real"]

#: Standard normal quantiles that turn a published interval into a standard deviation.
Z_OF_INTERVAL = {"ci95": 1.959963984540054, "ci90": 1.6448536269514722, "range": 1.6448536269514722}


class Spread(BaseModel):
    """How sure the value is: a standard error, an interval, a defended range read as 90%, or a switch.

    Of a switch the value is the weight: the probability with which a draw is 1 and not 0.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["se", "ci95", "ci90", "range", "switch"]
    value: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    interval: tuple[float, float] | None = None

    @model_validator(mode="after")
    def _complete(self) -> Spread:
        if self.kind == "switch":
            if self.value is not None or self.interval is not None:
                raise ValueError("switch takes no `value` and no `interval`: the weight says all")
            return self
        if (self.kind == "se") != (self.value is not None) or (self.kind == "se") == (
            self.interval is not None
        ):
            raise ValueError("se needs `value`; ci95, ci90 and range need `interval: [low, high]`")
        if self.interval and not self.interval[0] < self.interval[1]:
            raise ValueError(f"interval {list(self.interval)}: low must be below high")
        return self


class Fact(BaseModel):
    """One constant.

    ``grade`` is *measured* (read in the primary source), *secondary* (read in another work that quotes it),
    *derived* (arithmetic on other facts), *definition* (a rule, not a measurement) or *assumed*. An assumed
    or unverified fact must carry the range that its authors would defend. ``support`` chooses the scale on
    which uncertainty is drawn:
    log for ``positive``, logit for ``fraction``, identity for ``real``. A switch is drawn as 0 or 1 and has none of
    them; its value is a weight from 0 to 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    quantity: str = Field(min_length=3)
    value: float = Field(allow_inf_nan=False, strict=True)
    unit: str
    spread: Spread | None = None
    support: Support = "positive"
    conditions: str = ""
    citation: str | None = None
    source: str = Field(min_length=3)
    grade: Grade
    verified: bool = True

    @model_validator(mode="after")
    def _consistent(self) -> Fact:
        inside = self.spread.interval if self.spread else None
        if inside and not inside[0] <= self.value <= inside[1]:
            raise ValueError(f"the value {self.value:g} lies outside its interval {list(inside)}")
        if self.assumed and self.spread is None:
            raise ValueError("an assumed or unverified fact needs a spread that can be defended")
        if self.grade in ("measured", "secondary") and self.citation is None:
            raise ValueError(f"a {self.grade} fact needs a citation")
        if self.switch:
            if self.unit != "dimensionless" or not 0 <= self.value <= 1:
                raise ValueError(
                    f"the switch {self.value:g} {self.unit}: must be a weight from 0 to 1, dimensionless"
                )
            return self
        low, high = {
            "positive": (0.0, math.inf),
            "fraction": (0.0, 1.0),
            "real": (-math.inf, math.inf),
        }[self.support]
        ends = (self.value, *(self.spread.interval or ())) if self.spread else (self.value,)
        if self.spread and any(not low < end < high for end in ends):
            raise ValueError(
                f"support {self.support}: {list(ends)} must lie inside ({low}, {high})"
            )
        return self

    @property
    def assumed(self) -> bool:
        """Whether the number counts as assumed: graded so, or not verified in its source."""
        return self.grade == "assumed" or not self.verified

    @property
    def switch(self) -> bool:
        """Whether the value is the weight of a statement that holds (1) or does not (0)."""
        return self.spread is not None and self.spread.kind == "switch"

    def to(self, unit: str) -> float:
        """Value in another unit; a :class:`~ketalab.errors.UnitError` prints both units."""
        return convert(self.value, self.unit, unit, f"fact {self.id}")

    def scale(self, x: float) -> float:
        """Map a value to the scale on which its uncertainty is normal."""
        if self.support == "positive":
            return math.log(x)
        if self.support == "fraction":
            return math.log(x / (1 - x))
        return x

    def uncertainty(self) -> tuple[float, float]:
        """Standard deviations below and above the value on its own scale (log, logit or identity).

        Zeros where no spread is stated, and for a switch, whose draws are not normal on any scale. An interval that
        does not lie evenly about the value has two: half of the draws fall on each side of the value, and the ends of
        the interval are exceeded as often as it says.
        """
        if self.spread is None or self.switch:
            return 0.0, 0.0
        if self.spread.interval is not None:
            low, high = map(self.scale, self.spread.interval)
            middle, z = self.scale(self.value), Z_OF_INTERVAL[self.spread.kind]
            return (middle - low) / z, (high - middle) / z
        assert self.spread.value is not None
        slope = 1.0
        if self.support == "positive":
            slope = 1 / self.value
        if self.support == "fraction":
            slope = 1 / (self.value * (1 - self.value))
        return self.spread.value * slope, self.spread.value * slope
