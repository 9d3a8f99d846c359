"""A section of the brain: what it declares, beside the function that gives its equations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ketalab.model.contract import Covariate, Input, Output, Parameter, State


@dataclass(frozen=True)
class Section:
    """Declarations of one part of the layer; the layer is the sum of its sections.

    ``targets`` maps what an intervention can name to the activity that it scales; see :func:`activities`.
    """

    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()
    states: tuple[State, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    covariates: tuple[Covariate, ...] = ()
    targets: Mapping[str, str] = field(default_factory=dict)


def activities(**meanings: str) -> tuple[tuple[Input, ...], dict[str, str]]:
    """Free inputs ``activity:<target>``, 1 where nothing acts on the target, and the targets that scale them.

    A double underscore in a name is a colon (``GluN1__LHb`` is target ``GluN1:LHb``, receptors of one site), a single
    one stands for a blank or a dot of the target's name, which ``_SPELLED`` tells.
    """
    inputs, targets = [], {}
    for name, meaning in meanings.items():
        target = _SPELLED.get(name, name.replace("__", ":"))
        inputs.append(Input(f"activity:{target}", "fraction", meaning, default=1.0))
        targets[target] = f"activity:{target}"
    return tuple(inputs), targets


_SPELLED = {"Kir4_1": "Kir4.1", "LHb_burst": "LHb burst"}
