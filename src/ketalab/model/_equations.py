"""A layer's equations as they are written on a page: symbols in, short LaTeX out.

Three things keep them short. Where an equation holds the whole expression of an output, it names
the output. Of two equations that are mirror images (S- and R-molecules) one is written. What is
left in common gets a letter: ``c`` where it is constant for a person, ``u`` where it moves in time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any

from ketalab.model.contract import Layer, Values

if TYPE_CHECKING:
    import sympy as sp

#: A name of one hand of a molecule: ``S_arm_ketamine``, ``unbound:S-ketamine``.
_HAND = re.compile(r"(?<![A-Za-z0-9])S(?=[-_])")
#: A shared expression gets a letter only where writing it out takes at least so many operations.
_WORTH = 2
#: What stands inside a function gets a letter from so many operations on.
_DEEP = 6
#: An equation with more characters than this, LaTeX's own left out, is set one term a line.
_LONG = 100
_BARE = re.compile(r"\\[a-zA-Z]+|[\\{}^_ ]")


@dataclass(frozen=True)
class Equation:
    """``symbol = right``, or ``d symbol/dt = right`` for a state."""

    symbol: sp.Symbol
    right: sp.Expr
    rate: bool = False


@dataclass(frozen=True)
class Mirror:
    """The equation of ``symbol`` is that of its mirror image.

    Where ``ratio`` is not None, ``parameter`` is multiplied by it.
    """

    symbol: sp.Symbol
    parameter: sp.Symbol | None = None
    ratio: sp.Symbol | None = None


@dataclass(frozen=True)
class Written:
    """``shared`` expressions, each needing only earlier ones; ``equations``; ``mirrors`` left out."""

    shared: tuple[Equation, ...]
    equations: tuple[Equation, ...]
    mirrors: tuple[Mirror, ...]


def write_equations(layer: Layer) -> Written:
    """Run a layer's equations with symbols and shorten them; what is meant does not change."""
    equations = _run(layer)
    mirrors = _find_mirrors(layer, equations)
    left_out = {mirror.symbol for mirror in mirrors}
    short = _name_outputs(equations)
    shared, kept = _share([e for e in short if e.symbol not in left_out], _Letters(layer))
    return Written(shared, kept, mirrors)


def names(layer: Layer) -> list[str]:
    """Names of all that a layer declares: states, inputs, covariates, parameters, outputs."""
    return [
        *(state.name for state in layer.states),
        *(port.name for port in layer.inputs),
        *(covariate.name for covariate in layer.covariates),
        *(parameter.name for parameter in layer.parameters),
        *(output.name for output in layer.outputs),
    ]


def _symbol(name: str) -> sp.Symbol:
    import sympy as sp

    return sp.Symbol(name, real=True)


def _run(layer: Layer) -> list[Equation]:
    """All equations, rates in the order of the states, then outputs in theirs."""
    import sympy as sp

    from ketalab.model._symbols import SymbolicMaths

    offered = {output.name for output in layer.outputs}
    read = {name: _symbol(name) for name in names(layer) if name not in offered}
    made = layer.equations(SymbolicMaths(), Values(read))

    def right(value: Any) -> sp.Expr:
        return sp.sympify(value, strict=True)

    rates = [Equation(read[s.name], right(made.rates[s.name]), rate=True) for s in layer.states]
    return [
        *rates,
        *(Equation(_symbol(o.name), right(made.outputs[o.name])) for o in layer.outputs),
    ]


def _find_mirrors(layer: Layer, equations: list[Equation]) -> tuple[Mirror, ...]:
    """Equations of R-molecules that are those of the S-molecules with the names changed."""
    by_name = {e.symbol.name: e for e in equations}
    known = {s.name: s for e in equations for s in (e.symbol, *e.right.free_symbols)}
    image = {
        symbol: known[other]
        for name, symbol in known.items()
        if (other := _HAND.sub("R", name)) != name and other in known
    }
    parameters = {_symbol(p.name) for p in layer.parameters}
    found = []
    for equation in equations:
        mirrored = by_name.get(_HAND.sub("R", equation.symbol.name))
        if mirrored is None or mirrored is equation or mirrored.rate != equation.rate:
            continue
        expected = equation.right.xreplace(image)
        if expected == mirrored.right:
            found.append(Mirror(mirrored.symbol))
            continue
        extra = (mirrored.right.free_symbols - expected.free_symbols) & parameters
        if len(extra) == 1:
            (ratio,) = extra
            changed = sorted(expected.free_symbols & parameters, key=str)
            match = [p for p in changed if expected.xreplace({p: p * ratio}) == mirrored.right]
            found += [Mirror(mirrored.symbol, p, ratio) for p in match[:1]]
    return tuple(found)


def _name_outputs(equations: list[Equation]) -> list[Equation]:
    """Put an output's symbol where its whole expression stands in a rate or in a longer output."""
    outputs = [e for e in equations if not e.rate and e.right.args]
    outputs.sort(key=lambda e: -e.right.count_ops())
    named = []
    for equation in equations:
        right, size = equation.right, equation.right.count_ops()
        for output in outputs:
            if equation.rate or output.right.count_ops() < size:
                right = _put(right, output)
        named.append(replace(equation, right=right))
    return named


def _put(expression: sp.Expr, named: Equation) -> sp.Expr:
    """A symbol in place of what it names; looked for only where all that it is made of stands."""
    if named.right.free_symbols <= expression.free_symbols:
        return expression.subs(named.right, named.symbol)
    return expression


class _Letters:
    """Gives letters to shared expressions, and remembers which."""

    def __init__(self, layer: Layer) -> None:
        self.shared: list[Equation] = []
        # What changes in time: states, inputs, and outputs, which are made of them.
        still = {c.name for c in layer.covariates} | {p.name for p in layer.parameters}
        self._moving = {_symbol(name) for name in names(layer) if name not in still}
        self._taken = {name.replace("_", "") for name in names(layer)}
        self._known: dict[sp.Expr, sp.Symbol] = {}

    def name(self, expression: sp.Expr) -> sp.Expr:
        """The letter of an expression, or the negative of the letter of its negative."""
        if expression in self._known:
            return self._known[expression]
        if -expression in self._known:
            return -self._known[-expression]
        if expression.is_Add and expression.could_extract_minus_sign():
            return -self.name(-expression)
        letter = "u" if expression.free_symbols & self._moving else "c"
        number = next(n for n in count(1) if f"{letter}{n}" not in self._taken)
        self._taken.add(f"{letter}{number}")
        symbol = _symbol(f"{letter}_{{{number}}}")
        if letter == "u":
            self._moving.add(symbol)
        self._known[expression] = symbol
        self.shared.append(Equation(symbol, expression))
        return symbol


def _share(
    equations: list[Equation], letters: _Letters
) -> tuple[tuple[Equation, ...], tuple[Equation, ...]]:
    """Take out what several equations hold; return it, and the equations with it named."""
    import sympy as sp

    found, rights = sp.cse([e.right for e in equations], order="canonical")
    uses = {symbol: 0 for symbol, _ in found}
    for expression in (*(e for _, e in found), *rights):
        for symbol in expression.free_symbols & uses.keys():
            uses[symbol] += 1
    inline: dict[sp.Symbol, sp.Expr] = {}
    for symbol, expression in found:
        whole = expression.xreplace(inline)
        plain = 1 / whole if whole.is_Pow else whole
        operations = min(plain.count_ops(), (-plain).count_ops())
        worth = uses[symbol] > 1 and operations >= _WORTH
        inline[symbol] = letters.name(whole) if worth else whole
    kept = []
    for equation, right in zip(equations, rights, strict=True):
        short = right.xreplace(inline)
        for one in reversed(letters.shared):  # products of which only a part was found in common
            short = _put(short, one)
        kept.append(replace(equation, right=_flatten(short, letters)))
    kept = _name_outputs(kept)
    return _used(letters.shared, kept), tuple(kept)


def _flatten(expression: sp.Expr, letters: _Letters) -> sp.Expr:
    """Give letters to what stands deep inside a function, innermost first."""
    import sympy as sp

    while True:
        inner = (
            argument
            for node in sp.postorder_traversal(expression)
            if isinstance(node, sp.exp | sp.Max | sp.Min)
            for argument in node.args
            if argument.count_ops() >= _DEEP
        )
        deep = next(inner, None)
        if deep is None:
            return expression
        expression = expression.xreplace({deep: letters.name(deep)})


def _used(shared: list[Equation], equations: list[Equation]) -> tuple[Equation, ...]:
    """The shared expressions that an equation still needs, directly or through another."""
    needed = set().union(*(e.right.free_symbols for e in equations), set())
    kept: list[Equation] = []
    for one in reversed(shared):
        if one.symbol in needed:
            kept.append(one)
            needed |= one.right.free_symbols
    return tuple(reversed(kept))


# --- setting --------------------------------------------------------------------------------------


def set_equation(equation: Equation, notation: Mapping[str, str]) -> str:
    """Return an equation as LaTeX, broken into one term a line where it is long."""
    from sympy.printing.latex import LatexPrinter

    class Printer(LatexPrinter):
        """Positive terms first, and names as the notation has them."""

        def _print_Symbol(self, expr: sp.Symbol, style: str = "plain") -> str:
            return notation.get(expr.name, expr.name)

        def _print_Add(self, expr: sp.Add, order: str | None = None) -> str:
            return "".join(self.terms(expr))

        def terms(self, expr: sp.Expr) -> list[str]:
            terms = expr.as_ordered_terms()
            terms.sort(key=lambda term: bool(term.could_extract_minus_sign()))
            made: list[str] = []
            for term in terms:
                negative = term.could_extract_minus_sign()
                text = self._print(-term if negative else term)
                if (-term if negative else term).is_Add:
                    text = rf"\left({text}\right)"
                sign = "-" if negative else "+"
                made.append(f" {sign} {text}" if made else f"-{text}" if negative else text)
            return made

    printer = Printer({"ln_notation": True, "mul_symbol": r"\,"})
    left = printer.doprint(equation.symbol)
    left = rf"\frac{{d}}{{dt}} {left}" if equation.rate else left
    terms = printer.terms(equation.right)
    whole = "".join(terms)
    if len(_BARE.sub("", whole)) <= _LONG or len(terms) == 1:
        return f"{left} = {whole}"
    lines = r" \\ &\quad ".join(terms)
    return rf"\begin{{aligned}}{left} &= {lines}\end{{aligned}}"
