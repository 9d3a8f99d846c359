"""Where the literature disagrees: named switches with prior weights, and what a caller puts in their place.

A hypothesis is a fact whose spread is a switch: its value is the weight, the probability with which a replicate (or a
person) lives in a world where the statement holds. The typical person is given the weight itself.

Two things can be put in the place of a fact inside a ``with``: a value, the same in every draw
(:func:`using_facts`), and for a switch another weight (:func:`using_hypotheses`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, wraps
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ketalab._files import read_yaml
from ketalab._problems import first_problem
from ketalab.errors import FactError, ScenarioError, closest
from ketalab.facts import DATA, fact

_FILE = "hypotheses.yaml"


class Hypothesis(BaseModel):
    """A statement on which articles disagree.

    ``says`` is what weight 1 means, ``otherwise`` what weight 0 means; ``studies_for`` and ``studies_against`` are
    articles by id, and ``sources`` says of each what it is and what it found.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    question: str = Field(min_length=3)
    says: str = Field(min_length=3)
    otherwise: str = Field(min_length=3)
    fact: str
    studies_for: tuple[str, ...] = ()
    studies_against: tuple[str, ...] = ()
    sources: dict[str, str] = Field(default_factory=dict)

    @property
    def weight(self) -> float:
        """The weight on record, 0 to 1; what :func:`using_hypotheses` puts in its place is not looked at."""
        return fact(self.fact).value

    @property
    def weight_is(self) -> Literal["prior"]:
        """Where the weight comes from: judged beforehand, as no fit informs it yet."""
        return "prior"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, the weight among them."""
        return {
            **self.model_dump(mode="json"),
            "weight": self.weight,
            "weight_is": self.weight_is,
        }


def _read(item: Any) -> Hypothesis:
    name = item.get("id", "?") if isinstance(item, dict) else item
    where = f"{_FILE}: hypothesis {name!r}"
    try:
        made = Hypothesis.model_validate(item)
    except ValidationError as error:
        line = first_problem(error, item, Hypothesis.model_json_schema())
        raise FactError(f"{where}: {line}", item) from None
    if made.fact != f"hypothesis_{made.id}" or not fact(made.fact).switch:
        raise FactError(f"{where}: fact {made.fact!r} must be the switch 'hypothesis_{made.id}'")
    named = {*made.studies_for, *made.studies_against}
    if named != set(made.sources):
        odd = sorted(named ^ set(made.sources))[0]
        raise FactError(
            f"{where}: {odd!r} must be among the sources, and in studies_for or studies_against"
        )
    return made


@cache
def hypotheses() -> Mapping[str, Hypothesis]:
    """All hypotheses by id, in the order of the file.

    Raises
    ------
    FactError
        A record that is malformed, stands twice or has no switch of its own.
    """
    table: dict[str, Hypothesis] = {}
    for made in map(_read, read_yaml(DATA / _FILE)):
        if made.id in table:
            raise FactError(f"{_FILE}: hypothesis {made.id!r} is recorded twice", made.id)
        table[made.id] = made
    return MappingProxyType(table)


# --- what stands in the place of a fact -----------------------------------------------------------


class Change(NamedTuple):
    """What stands in the place of a fact: a value for every draw, or the weight of a switch."""

    kind: Literal["value", "weight"]
    number: float


_NONE: Mapping[str, Change] = MappingProxyType({})
_changes: ContextVar[Mapping[str, Change]] = ContextVar("changes", default=_NONE)


def current_changes() -> Mapping[str, Change]:
    """What stands in the place of facts here and now, by the fact's id."""
    return _changes.get()


@contextmanager
def _using(changes: Mapping[str, Change]) -> Iterator[None]:
    """Put changes above those in use; what is said further inside wins."""
    token = _changes.set(MappingProxyType({**_changes.get(), **changes}))
    try:
        yield
    finally:
        _changes.reset(token)


def _number(where: str, value: Any, low: float, high: float, allowed: str) -> float:
    """A plain number from low to high, ends included; text, truth values and NaN are refused."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise ScenarioError(f"{where}: {value!r} is not allowed; allowed: {allowed}", value)
    return float(value)


@contextmanager
def using_facts(values: Mapping[str, float]) -> Iterator[None]:
    """Give facts the same value in every draw inside a ``with``: for ablations and for tests.

    Everything that is drawn inside has it: :func:`value_of`, :func:`draw_fact`, and so people, replicates and the
    people on whom a time grid is chosen. The ends of a fact's support are allowed: an affinity Ki of infinity is a
    drug that does not bind. Facts beside it are drawn as before, also those that a posterior ties to it.

    Parameters
    ----------
    values : the fact's id -> value in the fact's own unit.

    Raises
    ------
    FactError
        No fact has this id.
    ScenarioError
        A value outside the support of its fact.
    """
    made = {}
    for name, value in values.items():
        record = fact(name)
        low, high, allowed = {
            "positive": (0.0, math.inf, "0 to infinity"),
            "fraction": (0.0, 1.0, "0 to 1"),
            "real": (-math.inf, math.inf, "numbers"),
        }["fraction" if record.switch else record.support]
        made[name] = Change("value", _number(f"fact {name}", value, low, high, allowed))
    with _using(made):
        yield


def check_weights(weights: Any, where: str = "hypotheses") -> dict[str, float]:
    """Check weights by hypothesis and return them sorted by id.

    Raises
    ------
    ScenarioError
        Not a mapping, an unknown hypothesis, or a weight outside 0 to 1.
    """
    if not isinstance(weights, Mapping):
        raise ScenarioError(f"{where}: {weights!r} is not allowed; allowed: id: weight", weights)
    known = hypotheses()
    for name in weights:
        if name not in known:
            near = closest(name, known) if isinstance(name, str) else ""
            raise ScenarioError(
                f"{where}: no hypothesis {name!r}; known: {', '.join(known)}{near}", name
            )
    return {
        name: _number(f"{where}: {name}", weights[name], 0.0, 1.0, "0 (off) to 1 (on)")
        for name in sorted(weights)
    }


def changes_of(weights: Mapping[str, float]) -> dict[str, Change]:
    """The changes of facts that weights of hypotheses mean."""
    return {
        hypotheses()[name].fact: Change("weight", weight)
        for name, weight in check_weights(weights).items()
    }


@contextmanager
def using_hypotheses(weights: Mapping[str, float]) -> Iterator[None]:
    """Put other weights in the place of the priors inside a ``with``: 0 off, 1 on, between drawn with that weight.

    Raises
    ------
    ScenarioError
        An unknown hypothesis, or a weight outside 0 to 1.
    """
    with _using(changes_of(weights)):
        yield


def read_hypotheses(path: Path | str) -> dict[str, float]:
    """Read a YAML file of weights: ``id: weight`` for each, or the same under ``hypotheses``.

    Raises
    ------
    InputError
        A missing file, no YAML, an unknown hypothesis, or a weight outside 0 to 1.
    """
    content = read_yaml(path)
    if isinstance(content, dict) and list(content) == ["hypotheses"]:
        content = content["hypotheses"]
    return check_weights(content, str(path))


Function = TypeVar("Function", bound=Callable[..., Any])


def under_hypotheses(function: Function) -> Function:
    """Run a function of a scenario (its first argument) under the scenario's own hypotheses."""

    @wraps(function)
    def run(scenario: Any, *arguments: Any, **options: Any) -> Any:
        with using_hypotheses(scenario.hypotheses):
            return function(scenario, *arguments, **options)

    return cast(Function, run)
