"""What an arm of a study gets beside its doses: the control, the background, interventions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from ketalab.errors import ScenarioError, closest
from ketalab.protocol._records import Treatment

#: Where an intervention acts: two regions that the model has, or everywhere.
SITES = ("LHb", "mPFC", "systemic")


class Control(StrEnum):
    """What a control arm is given in place of the drug; it moves expectancy in every arm.

    ``Control("saline")`` reads the word of a study file; an unknown word raises `ScenarioError`.
    """

    SALINE = "saline"
    MIDAZOLAM = "midazolam"
    PLACEBO_SPRAY = "placebo-spray"
    OPEN = "open"
    MASKED_ANAESTHESIA = "masked-anaesthesia"
    SHAM = "sham"
    NONE = "none"

    @classmethod
    def _missing_(cls, value: object) -> Control:
        allowed = [control.value for control in cls]
        raise ScenarioError(
            f"control {value!r}: allowed: {', '.join(allowed)}{closest(str(value), allowed)}", value
        )


@dataclass(frozen=True, slots=True)
class Intervention:
    """A knock-out, virus, light or local block: a target's activity times a factor over a window.

    Parameters
    ----------
    target : str
        What is changed, for example ``BDNF``, ``GluN1`` or ``CaV3``; the model knows which exist.
    factor : float
        0 removes the target, 1 leaves it, above 1 over-expresses it.
    site : str
        One of :data:`SITES`.
    from_h, to_h : float
        Window, hours from t = 0; minus and plus infinity for the whole life.

    Raises
    ------
    ScenarioError
        A value out of range.
    """

    target: str
    factor: float
    site: str
    from_h: float
    to_h: float

    def __post_init__(self) -> None:
        if not self.target.strip():
            raise ScenarioError("intervention: target must not be empty", self)
        where = f"intervention on {self.target!r}"
        if not (math.isfinite(self.factor) and self.factor >= 0):
            raise ScenarioError(f"{where}: factor {self.factor!r} must be finite, 0 or more", self)
        if self.site not in SITES:
            raise ScenarioError(
                f"{where}: site {self.site!r}; allowed: {', '.join(SITES)}"
                f"{closest(str(self.site), SITES)}",
                self,
            )
        # Written so that NaN fails too.
        if not self.from_h < self.to_h:
            raise ScenarioError(
                f"{where}: from_h {self.from_h!r} must be before to_h {self.to_h!r}", self
            )


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm: what is given, as what control, on top of what, to how many.

    Parameters
    ----------
    id : str
        Name of the arm within its study.
    treatment : Treatment
        The doses; :meth:`Treatment.none` for an untreated arm.
    control : Control or None
        What kind of control the arm is; None for an arm that is not one.
    background : tuple of str
        What goes on beside, for example ``new antidepressant``.
    interventions : tuple of Intervention
        Knock-outs, viruses, light, local blocks.
    n : int or None
        Number of patients, if known.

    Raises
    ------
    ScenarioError
        A value out of range.
    """

    id: str
    treatment: Treatment
    control: Control | None = None
    background: tuple[str, ...] = ()
    interventions: tuple[Intervention, ...] = ()
    n: int | None = None

    def __post_init__(self) -> None:
        if not self.id.strip():
            raise ScenarioError("arm: id must not be empty", self)
        if self.control is not None:
            object.__setattr__(self, "control", Control(self.control))
        if self.n is not None and self.n < 1:
            raise ScenarioError(f"arm {self.id!r}: n {self.n!r} must be 1 or more", self)
        for name in ("background", "interventions"):
            value = getattr(self, name)
            if isinstance(value, str):
                raise ScenarioError(f"arm {self.id!r}: {name} must be a list, not a word", self)
            object.__setattr__(self, name, tuple(value))
