"""The layer contract: what a layer declares, and the form of its equations.

A layer names its inputs, outputs, states and parameters, each with a unit, and gives its equations once, as
plain Python over a generic mathematics namespace ``m`` (``exp log sqrt maximum minimum``). The same function
is traced with symbols to derive what the engine, exports and the manual need, so it must not branch on values.

    def equations(m, v):
        rate = v.clearance / v.volume * v["amount"]
        return Equations(rates={"amount": -rate}, outputs={"plasma": v["amount"] / v.volume})

``v`` gives inputs, states, covariates and parameters by name: ``v["plasma:venous:S-ketamine"]`` or, where the
name is a word, ``v.weight``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Between = Literal["none", "lognormal", "logitnormal", "share"]
Measure = Literal["concentration", "course"]


#: What ``shares`` read of a dose beside the declared values: milligrams of base that the person gets, whether it is
#: by the marketed device (1 or 0), how long it is held in the mouth (hours), and whether that was said (1 or 0).
DOSE = ("dose_mg", "device", "hold", "held")


@dataclass(frozen=True)
class Input:
    """What a layer reads from another layer, by name and unit.

    With a ``default`` the input may stay unconnected; it then holds the default, and an event may change
    it: it is constant between events.
    """

    name: str
    unit: str
    meaning: str = ""
    default: float | None = None


@dataclass(frozen=True)
class Output:
    """What a layer offers. ``public`` outputs are listed for users; ``measure`` chooses their summary."""

    name: str
    unit: str
    meaning: str
    public: bool = True
    measure: Measure = "course"


@dataclass(frozen=True)
class State:
    """One differential equation. ``mole`` states count in the mass balance of the drug."""

    name: str
    unit: str
    meaning: str
    initial: float = 0.0
    mole: bool = False


@dataclass(frozen=True)
class Parameter:
    """A constant of a layer, taken from the fact of that id and converted to ``unit``.

    ``between`` says how it varies between people: ``lognormal`` and ``logitnormal`` with the standard
    deviation (or the variance, by ``spread_is``) in fact ``spread``, ``share`` as a yes (1) or no (0)
    whose probability is the fact.
    """

    name: str
    unit: str
    fact: str
    between: Between = "none"
    spread: str | None = None
    spread_is: Literal["sd", "variance"] = "sd"


@dataclass(frozen=True)
class Covariate:
    """A property of a person that the equations read: weight, age, a genotype."""

    name: str
    unit: str


@dataclass(frozen=True)
class Entry:
    """Where a molecule given by a route enters: a state of a linear layer, in its unit.

    A dose may enter several states: ``share`` names the part of it that enters this one, which the layer's
    ``shares`` compute; without it all of the dose does. The shares of a dose sum to one: what is not absorbed
    enters a state too.
    """

    route: str
    molecule: str
    state: str
    share: str | None = None


@dataclass(frozen=True)
class Equations:
    """Rates of all states and values of all outputs, by name."""

    rates: Mapping[str, Any]
    outputs: Mapping[str, Any]


class Maths(Protocol):
    """The functions that an equation may use; numbers, symbols and arrays all fit."""

    def exp(self, x: Any) -> Any: ...
    def log(self, x: Any) -> Any: ...
    def sqrt(self, x: Any) -> Any: ...
    def maximum(self, x: Any, y: Any) -> Any: ...
    def minimum(self, x: Any, y: Any) -> Any: ...


class Values(Mapping[str, Any]):
    """Named values for the equations; words can be read as attributes."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["_values"][name]
        except KeyError:
            raise AttributeError(f"the layer declares no {name!r}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


@dataclass(frozen=True)
class Layer:
    """One room of the model.

    ``linear`` layers (the body) must be linear and homogeneous in their states, with coefficients that are
    constant between events; every other state must be linear in itself. Both are checked by tracing.
    ``targets`` maps the target of an intervention (``AMPA``) to the input that it scales. ``shares`` computes, by
    name, the parts of a dose that enter each state, from parameters, covariates, free inputs and what is said of
    the dose (:data:`DOSE`); it is evaluated with numbers, once a dose.
    """

    name: str
    equations: Callable[[Maths, Values], Equations]
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()
    states: tuple[State, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    covariates: tuple[Covariate, ...] = ()
    entries: tuple[Entry, ...] = ()
    targets: Mapping[str, str] = field(default_factory=dict)
    shares: Callable[[Maths, Values], Mapping[str, Any]] | None = None
    linear: bool = False

    def facts(self) -> tuple[str, ...]:
        """Ids of all facts that this layer reads, in order, without repeats."""
        names = [n for p in self.parameters for n in (p.fact, p.spread) if n is not None]
        return tuple(dict.fromkeys(names))
