"""The human model: which layers are joined, and what each output rests on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import sympy as sp

from ketalab.errors import ScenarioError, closest
from ketalab.facts import fact, scales
from ketalab.model import join
from ketalab.model.body import body
from ketalab.model.brain import brain
from ketalab.model.harm import harm
from ketalab.model.mind import measurement, mind
from ketalab.model.tracing import Traced, trace

#: Letters of an output's grade, by the share of the constants it rests on that are assumed.
GRADES = ((0.0, "A"), (0.25, "B"), (0.5, "C"), (1.0, "D"))
SPECIES = ("human",)


@cache
def human_model() -> Traced:
    """Return the traced human model: body, brain, mind, harm."""
    return trace(join((body(), brain(), mind(), harm())))


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


def _behind(model: Traced) -> dict[sp.Symbol, frozenset[sp.Symbol]]:
    """For each state, every symbol that moves it, directly or through other states."""
    direct: dict[sp.Symbol, set[sp.Symbol]] = {}
    for i, name in enumerate(model.linear):
        row = [model.matrix[i, j] for j in range(len(model.linear))]
        reads = {model.symbols[model.linear[j]] for j, entry in enumerate(row) if entry != 0}
        direct[model.symbols[name]] = set().union(*(e.free_symbols for e in row if e != 0), reads)
    for name, g, k in zip(model.states, model.gain, model.rate, strict=True):
        direct[model.symbols[name]] = g.free_symbols | k.free_symbols
    closed: dict[sp.Symbol, frozenset[sp.Symbol]] = {}
    for state in direct:
        seen, edge = set[sp.Symbol](), {state}
        while edge:
            seen |= edge
            edge = set().union(*(direct.get(s, set()) for s in edge)) - seen
        closed[state] = frozenset(seen)
    return closed


@cache
def outputs() -> dict[str, OutputInfo]:
    """Every public output by name, scores of the rating scales among them."""
    model = human_model()
    behind = _behind(model)
    of_parameter = {
        f"{layer.name}.{p.name}": tuple(n for n in (p.fact, p.spread) if n)
        for layer in model.joined.layers
        for p in layer.parameters
    }

    def facts_of(name: str) -> tuple[str, ...]:
        symbols = set().union(
            *(behind.get(s, {s}) for s in model.outputs[name].free_symbols), set()
        )
        names = {str(s) for s in symbols} & of_parameter.keys()
        return tuple(
            dict.fromkeys(f for n in model.parameters if n in names for f in of_parameter[n])
        )

    table = {}
    for layer, out in model.joined.outputs:
        if out.public:
            used = facts_of(out.name)
            table[out.name] = OutputInfo(
                out.name, out.unit, layer.name, grade(used), out.meaning, out.measure, used
            )
    depression = facts_of("symptom:depression")
    for scale in scales().values():
        made = measurement(scale.id)
        assert made is not None
        used = tuple(dict.fromkeys((*depression, *made.facts)))
        rows = (
            (f"score:{scale.id}", "points", f"{scale.name}: score as a rater writes it"),
            (f"p:response:{scale.id}", "fraction", f"{scale.name}: probability of response"),
            (f"p:remission:{scale.id}", "fraction", f"{scale.name}: probability of remission"),
        )
        for name, unit, meaning in rows:
            table[name] = OutputInfo(name, unit, "mind", grade(used), meaning, "course", used)
    return table


def grade(facts: tuple[str, ...]) -> str:
    """A where no constant behind an output is assumed, B up to a quarter, C up to a half, D above."""
    share = sum(fact(name).assumed for name in facts) / max(len(facts), 1)
    return next(letter for limit, letter in GRADES if share <= limit)


def output(name: str) -> OutputInfo:
    """Return one output; :class:`~ketalab.errors.ScenarioError` names the nearest where it is unknown."""
    if name not in outputs():
        raise ScenarioError(
            f"output {name!r} is unknown{closest(name, outputs())}; `ketalab outputs` lists all",
            name,
        )
    return outputs()[name]
