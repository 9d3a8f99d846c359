"""The text of the rates (:mod:`ketalab.model._source`) in other forms: formulas of SBML, and code for arrays."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

_SIGNS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "^"}
#: Whole powers that are written as products.
_PRODUCTS = range(2, 9)
#: A choice between two values costs a branch; a maximum is one in MathML of level 2.
_CALLS = {"np.exp": "exp({})", "np.log": "ln({})", "np.sqrt": "sqrt({})"}
_CHOICES = {"np.maximum": ">", "np.minimum": "<"}


@dataclass(frozen=True)
class Formulas:
    """What is shared, in order, and the rate of each state, as formulas over ``z3``, ``f7`` and the names of what is
    shared."""

    shared: dict[str, str]
    rates: tuple[str, ...]


def read_formulas(source: str, *, inline: bool = False) -> Formulas:
    """Formulas of the function ``rates`` in a text; ``inline`` writes shared ones out wherever they are used."""
    found = next(
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and node.name == "rates"
    )
    shared: dict[str, str] = {}
    rates: list[str] = []
    for line in found.body:
        assert isinstance(line, ast.Assign)
        target = line.targets[0]
        formula = _formula(line.value, shared if inline else {})
        if isinstance(target, ast.Name):
            shared[target.id] = formula
        else:
            rates.append(formula)
    return Formulas({} if inline else shared, tuple(rates))


def _formula(node: ast.expr, written: Mapping[str, str]) -> str:
    if isinstance(node, ast.Constant):
        return repr(float(node.value))  # type: ignore[arg-type]
    if isinstance(node, ast.Name):
        return f"({written[node.id]})" if node.id in written else node.id
    if isinstance(node, ast.Subscript):
        assert isinstance(node.slice, ast.Constant)
        return f"{ast.unparse(node.value)[0]}{node.slice.value}"
    if isinstance(node, ast.UnaryOp):
        return f"(-{_formula(node.operand, written)})"
    if isinstance(node, ast.BinOp):
        power = node.right.value if isinstance(node.right, ast.Constant) else None
        if isinstance(node.op, ast.Pow) and power in _PRODUCTS:
            return _product(_formula(node.left, written), int(power))
        parts = (_formula(side, written) for side in (node.left, node.right))
        return f"({_SIGNS[type(node.op)].join(parts)})"
    if isinstance(node, ast.IfExp):
        test, one, two = (_formula(n, written) for n in (node.test, node.body, node.orelse))
        return f"piecewise({one}, {test}, {two})"
    if isinstance(node, ast.Compare):
        left, right = (_formula(n, written) for n in (node.left, node.comparators[0]))
        return f"{left} {'>' if isinstance(node.ops[0], ast.Gt) else '<'} {right}"
    assert isinstance(node, ast.Call)
    name = ast.unparse(node.func)
    arguments = [_formula(a, written) for a in node.args]
    if name in _CHOICES:
        one, two = arguments
        return f"piecewise({one}, {one} {_CHOICES[name]} {two}, {two})"
    return _CALLS[name].format(*arguments)


def _product(base: str, power: int) -> str:
    """A whole power by squaring: libRoadRunner calls the general power of C for every other."""
    if power == 1:
        return base
    half = _product(base, power // 2)
    whole = f"({half}*{half})"
    return f"({whole}*{base})" if power % 2 else whole


class _Choices(ast.NodeTransformer):
    """``a if test else b`` as ``np.where(test, a, b)``, which arrays understand."""

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        self.generic_visit(node)
        where = ast.Attribute(ast.Name("np", ast.Load()), "where", ast.Load())
        return ast.Call(where, [node.test, node.body, node.orelse], [])


def array_text(source: str) -> str:
    """The same text for arrays that cannot be branched on."""
    return ast.unparse(ast.fix_missing_locations(_Choices().visit(ast.parse(source))))
