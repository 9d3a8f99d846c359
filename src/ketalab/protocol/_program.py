"""What a pump for target-controlled infusion is told: concentrations in plasma, one after another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ketalab.errors import ScenarioError
from ketalab.protocol._limits import MAX_TARGET_NG_ML, MIN_TIME_H


@dataclass(frozen=True, slots=True)
class Target:
    """One step: from when (hours from the start of the program), how long (h), and at what (ng/mL)."""

    start_h: float
    duration_h: float
    ng_ml: float

    @property
    def end_h(self) -> float:
        """When the step ends, hours from the start of the program."""
        return self.start_h + self.duration_h


@dataclass(frozen=True, slots=True)
class Program:
    """The steps that one pump is told, in order; between steps it gives nothing and goes on computing.

    Parameters
    ----------
    pump : str
        Id of the parameter set, for example ``domino``.
    targets : tuple of Target
        Plasma concentrations of base; the first starts at 0.

    Raises
    ------
    ScenarioError
        No steps, steps that overlap, or a target or duration out of range.
    """

    pump: str
    targets: tuple[Target, ...]

    @property
    def key(self) -> tuple[Any, ...]:
        """The pump and its steps as plain values, to put programs in order."""
        steps = ((step.start_h, step.duration_h, step.ng_ml) for step in self.targets)
        return (self.pump, *steps)

    def __post_init__(self) -> None:
        if not self.targets or self.targets[0].start_h != 0:
            raise ScenarioError(f"program of pump {self.pump!r}: must begin with a step at 0", self)
        reached = 0.0
        for target in self.targets:
            where = f"program of pump {self.pump!r}: target {target.ng_ml!r} ng/mL"
            # Written so that NaN fails too.
            if not 0 <= target.ng_ml <= MAX_TARGET_NG_ML:
                raise ScenarioError(f"{where}: must be 0 to {MAX_TARGET_NG_ML:,.0f}", self)
            if not MIN_TIME_H <= target.duration_h < math.inf:
                raise ScenarioError(f"{where}: must be held for at least 1 s", self)
            if not reached <= target.start_h < math.inf:
                raise ScenarioError(f"{where}: starts before the step before it ends", self)
            reached = target.end_h
