"""Which layers are joined for whom, what outputs they offer, and what each output rests on.

Adults have the whole model, and adolescents what adults have, on a body of their own; rats and mice have a body, a
brain and what they do in tests; a bath has receptors in it and what they set off; of younger children there is a body
alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from ketalab.errors import ScenarioError, closest
from ketalab.facts import compounds, fact, scales
from ketalab.laboratory._kept import kept
from ketalab.laboratory._scores import SEVERITY
from ketalab.model import join
from ketalab.model.body import body
from ketalab.model.brain import brain
from ketalab.model.harm import harm
from ketalab.model.mind import behaviour, belief, measurement, mind, states
from ketalab.model.tracing import Traced

if TYPE_CHECKING:
    from ketalab.laboratory._scenario import Scenario
    from ketalab.people import Population

#: Letters of an output's grade, by the share of the constants it rests on that are assumed.
GRADES = ((0.0, "A"), (0.25, "B"), (0.5, "C"), (1.0, "D"))
#: Who does not have everything that adults have, in words.
_OTHERS = {"child": "children", "rat": "rats", "mouse": "mice", "in_vitro": "a bath"}


@cache
def human_model() -> Traced:
    """Return the traced human model: body, brain, mind (states, belief, symptoms), harm."""
    return kept("human", lambda: join((body(), brain(), states(), belief(), mind(), harm())))


@cache
def body_model(species: str = "human") -> Traced:
    """Return the traced body of a species alone: linear, so that it needs no time grid."""
    return kept(f"body-{species}", lambda: join((body(species),)))


@cache
def animal_model(species: str) -> Traced:
    """Return the traced model of a rat or a mouse (body, brain, behaviour), or of a bath (*in_vitro*: no behaviour)."""
    layers = (body(species), brain(), *(() if species == "in_vitro" else (behaviour(),)))
    return kept(species, lambda: join(layers))


def whom(scenario: Scenario) -> str:
    """Whom a scenario is about: *human* (from 12 years on), *child*, *rat* or *mouse*."""
    young = scenario.population.children and not scenario.population.adolescents
    return "child" if young else scenario.species


def rest_of(population: Population, model: Traced) -> dict[str, float]:
    """Free inputs of a model that who the people are sets: healthy people are without the depressed state."""
    healthy = population.condition == "healthy" and "stress" in model.inputs
    return {"stress": 0.0} if healthy else {}


def model_for(scenario: Scenario) -> Traced:
    """The model of those whom a scenario is about: all layers for adults, the body alone for children, body, brain and
    behaviour for rats and mice.

    The body alone gives an adult the same concentrations to rounding, not to the byte, so that adults always have all
    layers: asking for another output changes no output.
    """
    return _model_of(whom(scenario))


def _model_of(who: str) -> Traced:
    if who == "human":
        return human_model()
    return body_model() if who == "child" else animal_model(who)


@dataclass(frozen=True)
class OutputInfo:
    """One public output: name, unit, layer, grade, meaning, kind of summary, and the facts behind it."""

    name: str
    unit: str
    layer: str
    grade: str
    meaning: str
    measure: str
    facts: tuple[str, ...]


def _behind(model: Traced) -> dict[str, frozenset[str]]:
    """For each state, every name that moves it, directly or through other states."""
    direct: dict[str, set[str]] = {name: set() for name in model.linear}
    for (i, j), names in model.reads.entries.items():
        direct[model.linear[i]] |= {model.linear[j], *names}
    for name, g, k in zip(model.states, model.reads.gain, model.reads.rate, strict=True):
        direct[name] = {*g, *k}
    closed: dict[str, frozenset[str]] = {}
    for state in direct:
        seen, edge = set[str](), {state}
        while edge:
            seen |= edge
            edge = set().union(*(direct.get(s, set()) for s in edge)) - seen
        closed[state] = frozenset(seen)
    return closed


@cache
def _offered(who: str) -> dict[str, OutputInfo]:
    model = _model_of(who)
    behind = _behind(model)
    of_parameter = {
        f"{layer.name}.{p.name}": tuple(n for n in (p.fact, p.spread) if n)
        for layer in model.joined.layers
        for p in layer.parameters
    }

    def facts_of(name: str) -> tuple[str, ...]:
        read = (behind.get(n, frozenset((n,))) for n in model.reads.outputs[name])
        names = frozenset().union(*read) & of_parameter.keys()
        return tuple(
            dict.fromkeys(f for n in model.parameters if n in names for f in of_parameter[n])
        )

    table = {}
    for layer, out in model.joined.outputs:
        if out.public:
            used = facts_of(out.name)
            table[out.name] = OutputInfo(
                out.name, out.unit, layer.name, grade(used, who), out.meaning, out.measure, used
            )
    if who != "human":
        return table
    for scale in scales().values():
        behind_it = SEVERITY.get(scale.measures)
        made = measurement(scale.id)
        if behind_it is None or made is None:
            continue
        used = tuple(dict.fromkeys((*facts_of(behind_it), *made.facts)))
        rows = [(f"score:{scale.id}", "points", f"{scale.name}: score as a rater writes it")]
        for rule, word in (("response", "response"), ("remission_at_most", "remission")):
            if getattr(scale, rule) is not None:
                says = f"{scale.name}: probability of {word}"
                rows.append((f"p:{word}:{scale.id}", "fraction", says))
        for name, unit, meaning in rows:
            table[name] = OutputInfo(name, unit, "mind", grade(used), meaning, "course", used)
    return table


def outputs(who: str = "human") -> dict[str, OutputInfo]:
    """Every public output by name, scores of the rating scales among them; ``who`` is what :func:`whom` says."""
    return _offered(who)


def grade(facts: tuple[str, ...], who: str = "human") -> str:
    """A where no constant behind an output is assumed, B up to a quarter, C up to a half, D above.

    In rats and mice a constant that was measured in people and scaled by weight counts as assumed.
    """
    share = sum(_assumed(name, who) for name in facts) / max(len(facts), 1)
    return next(letter for limit, letter in GRADES if share <= limit)


def _assumed(name: str, who: str) -> bool:
    record = fact(name)
    if who in ("human", "child") or record.assumed or record.unit == "g/mol":
        return record.assumed
    return record.grade != "definition" and name not in _own_facts(who)


@cache
def _own_facts(species: str) -> frozenset[str]:
    """Facts about a species itself, and those of drugs whose kinetics are its own."""
    drugs = frozenset(
        name
        for compound in compounds().values()
        for of, kinetics in compound.kinetics.items()
        if of == species
        for name, _ in kinetics.uses()
    )
    return drugs | {n for n in body_model(species).joined.facts() if n.startswith(f"{species}_")}


def output(name: str, who: str = "human") -> OutputInfo:
    """Return one output of those that are offered.

    Raises
    ------
    ScenarioError
        An unknown name, with the nearest; or one that adults have and children, rats or mice do not.
    """
    offered = outputs(who)
    if name in offered:
        return offered[name]
    if who != "human" and name in outputs():
        raise ScenarioError(
            f"output {name!r}: no model of it in {_OTHERS[who]} yet; "
            f"modelled there: {', '.join(dict.fromkeys(info.layer for info in offered.values()))}",
            name,
        )
    raise ScenarioError(
        f"output {name!r} is unknown{closest(name, offered)}; `ketalab outputs` lists all", name
    )
