"""Writing: what a layer says of itself on a page of the manual, so that the two cannot drift apart.

The layer's equations are run once with symbols whose names are made readable. What several of them
share is given a letter and written once; what differs only by the hand of the molecule is written
once too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ketalab.facts import Fact, fact
from ketalab.model._equations import Equation, Mirror, names, set_equation, write_equations
from ketalab.model.contract import Covariate, Input, Layer, Output, Parameter, State

__all__ = ["fact_table", "layer_manual"]


def layer_manual(layer: Layer) -> str:
    """Return the markdown that describes a layer: ports, states, equations, constants.

    The equations are those that the engine integrates, in LaTeX between dollar signs; time is in
    hours. The text depends on the layer and on the facts that it names, and on nothing else.

    Raises
    ------
    FactError
        A parameter names a fact that is not on record.
    """
    notation = _notation(layer)
    parts = [
        "% Written from the layer's own code when the manual is built. Do not edit.",
        *_ports(layer, notation),
        *_states(layer, notation),
        *_equations(layer, notation),
        *_constants(layer, notation),
    ]
    return "\n\n".join(parts) + "\n"


def fact_table(names: Iterable[str]) -> str:
    """Return a markdown table of constants: id, quantity, value, range, grade, source."""
    rows = [(f"`{name}`", *_fact_cells(fact(name))) for name in names]
    return _table(("constant", "what it is", "value", "range", "grade", "source"), rows)


# --- tables ---------------------------------------------------------------------------------------


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _number(value: float) -> str:
    return f"{value:.6g}"


def _unit(unit: str) -> str:
    return "" if unit in ("dimensionless", "ratio", "fraction", "fold") else f" {unit}"


def _fact_cells(record: Fact) -> tuple[str, ...]:
    spread = record.spread
    if spread is None:
        width = "none stated"
    elif record.switch:
        width = "drawn as 0 or 1"
    elif spread.interval is None:
        width = f"standard error {_number(spread.value or 0.0)}"
    else:
        low, high = map(_number, spread.interval)
        name = {"range": "", "ci90": " (90% interval)", "ci95": " (95% interval)"}[spread.kind]
        width = f"{low} to {high}{name}"
    conditions = f" ({record.conditions})" if record.conditions else ""
    grade = "assumed" if record.assumed else record.grade
    source = f"`{record.citation}`" if record.citation else "none"
    value = f"{_number(record.value)}{_unit(record.unit)}"
    return record.quantity + conditions, value, width, grade, source


def _ports(layer: Layer, notation: Mapping[str, str]) -> Iterator[str]:
    yield "## What goes in and what comes out"
    if layer.entries:
        doses = [(f"`{e.molecule}`", f"`{e.route}`", f"`{e.state}`") for e in layer.entries]
        yield _table(("a dose of", "by route", "enters the state"), doses)
    inputs = [(*_named(port, notation), port.meaning, _source(port)) for port in layer.inputs]
    inputs += [
        (*_named(c, notation), "a property of the person", "the population")
        for c in layer.covariates
    ]
    if inputs:
        yield _table(("symbol", "input", "unit", "meaning", "comes from"), inputs)
    hidden = " (only for other layers)"
    outputs = [
        (*_named(out, notation), out.meaning + ("" if out.public else hidden))
        for out in layer.outputs
    ]
    yield _table(("symbol", "output", "unit", "meaning"), outputs)
    if layer.targets:
        scaled = [(f"`{target}`", f"`{port}`") for target, port in layer.targets.items()]
        yield _table(("an intervention on", "multiplies the input"), scaled)


def _named(
    item: State | Input | Covariate | Output, notation: Mapping[str, str]
) -> tuple[str, ...]:
    return f"${notation[item.name]}$", f"`{item.name}`", item.unit


def _source(port: Input) -> str:
    if port.default is None:
        return "another layer"
    return f"{_number(port.default)}, unless an event says"


def _states(layer: Layer, notation: Mapping[str, str]) -> Iterator[str]:
    yield "## States"
    if not layer.states:
        yield "None: the outputs follow at once from the inputs."
        return
    rows = [
        (*_named(state, notation), state.meaning, _number(state.initial)) for state in layer.states
    ]
    yield _table(("symbol", "state", "unit", "meaning", "at the start"), rows)


def _constants(layer: Layer, notation: Mapping[str, str]) -> Iterator[str]:
    yield "## Constants"
    head = (
        "symbol",
        "parameter",
        "constant",
        "what it is",
        "value",
        "range",
        "grade",
        "source",
        "between people",
    )
    rows = [
        (
            f"${notation[p.name]}$",
            f"`{p.name}`",
            f"`{p.fact}`",
            *_fact_cells(fact(p.fact)),
            _between(p),
        )
        for p in layer.parameters
    ]
    spreads = dict.fromkeys(p.spread for p in layer.parameters if p.spread is not None)
    rows += [("", "", f"`{name}`", *_fact_cells(fact(name)), "") for name in spreads]
    yield _table(head, rows)


def _between(parameter: Parameter) -> str:
    if parameter.between == "none":
        return "alike"
    if parameter.between == "share":
        return "yes or no, with this share"
    scale = {"lognormal": "log", "logitnormal": "logit"}[parameter.between]
    figure = {"sd": "standard deviation", "variance": "variance"}[parameter.spread_is]
    return f"normal in the {scale}, {figure} `{parameter.spread}`"


# --- symbols --------------------------------------------------------------------------------------


def _notation(layer: Layer) -> dict[str, str]:
    """LaTeX of every name of a layer; two names never share one."""
    table: dict[str, str] = {}
    for name in names(layer):
        text = _latex_name(name)
        while text in table.values() and name not in table:
            text += "'"
        table[name] = text
    return table


def _latex_name(name: str) -> str:
    r"""LaTeX of a name: ``slow_time`` is ``\mathrm{slow}_{\text{time}}``, ``v1`` is ``v_{1}``."""
    head, *rest = re.split(r"[:_]", name)
    if numbered := re.fullmatch(r"([A-Za-z]{1,2})(\d+)", head):
        head, rest = numbered[1], [numbered[2], *rest]
    letter = head if len(head) == 1 else rf"\mathrm{{{head}}}"
    if not rest:
        return letter
    below = " ".join(rest)
    return f"{letter}_{{{below}}}" if below.isdigit() else rf"{letter}_{{\text{{{below}}}}}"


# --- equations ------------------------------------------------------------------------------------


def _equations(layer: Layer, notation: Mapping[str, str]) -> Iterator[str]:
    written = write_equations(layer)
    if written.shared:
        yield "### Shared expressions"
        yield "$c$ stands for what is constant for a person, $u$ for what moves in time."
        yield from (_set(equation, notation) for equation in written.shared)
    rates = [equation for equation in written.equations if equation.rate]
    if rates:
        yield "### Rates"
        yield "Per hour."
        yield from (_set(equation, notation) for equation in rates)
    yield "### Outputs"
    yield from (_set(equation, notation) for equation in written.equations if not equation.rate)
    yield from _mirrors(written.mirrors, notation)


def _set(equation: Equation, notation: Mapping[str, str]) -> str:
    return f"$$\n{set_equation(equation, notation)}\n$$"


def _mirrors(mirrors: Sequence[Mirror], notation: Mapping[str, str]) -> Iterator[str]:
    """Say which equations were left out, and what is different in them."""
    groups: dict[tuple[str, str], list[str]] = {}
    for mirror in mirrors:
        key = ("", "")
        if mirror.parameter is not None and mirror.ratio is not None:
            key = (mirror.parameter.name, mirror.ratio.name)
        groups.setdefault(key, []).append(f"`{mirror.symbol.name}`")
    for (parameter, ratio), alike in sorted(groups.items()):
        which = ", ".join(alike)
        if not parameter:
            yield f"The same with R in place of S holds for {which}."
        else:
            product = f"${notation[parameter]}\\,{notation[ratio]}$"
            instead = f"{product} in place of ${notation[parameter]}$"
            yield f"The same with R in place of S, and {instead}, holds for {which}."
