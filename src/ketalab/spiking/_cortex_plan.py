"""What the table of the cortex is made of: levels, lengths, states of the figure. Read from a data file."""

from __future__ import annotations

from functools import cache
from itertools import product

from pydantic import BaseModel, ConfigDict, Field

from ketalab.spiking._cortex import Condition, Schedule
from ketalab.spiking._plan import read_plan


class Shown(BaseModel):
    """A state of the figure: its name, and blocks as in a condition."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    at: Condition


class CortexPlan(BaseModel):
    """Levels of the grid and the schedule of each run; ``window_s`` is the length of Welch's segments.

    ``apart`` are pairs (interneuron, cortical) of blocks that do not go together, with a weight of their own;
    ``degree``, ``tolerance`` and ``share`` say how the polynomials are fitted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    cortical: tuple[float, ...]
    potency: tuple[float, ...]
    apart: tuple[tuple[float, float], ...]
    apart_weight: float = Field(gt=0, le=1)
    hcn1: tuple[float, ...]
    propofol: tuple[float, ...]
    warm_up_s: float = Field(gt=0)
    duration_s: float = Field(gt=0)
    step_ms: float = Field(gt=0)
    record_ms: float = Field(gt=0)
    window_s: float = Field(gt=0)
    replicates: int = Field(gt=0)
    degree: int = Field(gt=0)
    tolerance: dict[str, float]
    share: float = Field(ge=0)
    small_block: float = Field(gt=0, le=1)
    shown: tuple[Shown, ...]

    def conditions(self) -> list[Condition]:
        """Every condition of the grid; the first is rest."""
        pairs = [(interneuron_block(c, r), c) for c in self.cortical for r in self.potency]
        distinct = dict.fromkeys((*pairs, *self.apart))
        return [(*pair, h, p) for pair, h, p in product(distinct, self.hcn1, self.propofol)]

    def weight(self, condition: Condition) -> float:
        """Weight of a condition in the fit."""
        return self.apart_weight if condition[:2] in self.apart else 1.0

    def schedule(self, seed: int) -> Schedule:
        """How every condition is run."""
        return Schedule(
            self.warm_up_s,
            self.duration_s,
            self.step_ms,
            self.record_ms,
            self.replicates,
            seed,
        )


def interneuron_block(cortical: float, potency: float) -> float:
    """Block of receptors at which a blocker is ``potency`` times as potent, competitive binding at both."""
    return potency * cortical / (1 - cortical + potency * cortical)


@cache
def cortex_plan() -> CortexPlan:
    """The plan of the cortex's table; see :func:`~ketalab.spiking._plan.read_plan`."""
    return read_plan(CortexPlan, "cortex.yaml")
