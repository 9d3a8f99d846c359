"""Functions from texts that hold arithmetic and nothing else: what is read from a file can do no more than compute."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

#: The functions of equations, and those of their slopes, in which a corner is a choice.
_NAMES = (
    "exp", "log", "sqrt", "maximum", "minimum", "select", "less", "less_equal", "greater", "greater_equal", "equal",
)  # fmt: skip
_FUNCTIONS: dict[str, Any] = {
    "reduce": reduce,
    "nan": np.nan,
    **{n: getattr(np, n) for n in _NAMES},
}
_PARTS = (
    ast.Module, ast.FunctionDef, ast.arguments, ast.arg, ast.Assign, ast.Return, ast.Load, ast.Store,
    ast.BinOp, ast.UnaryOp, ast.keyword, ast.operator, ast.unaryop, ast.Subscript, ast.List, ast.Tuple,
)  # fmt: skip


def _fault(tree: ast.Module) -> str | None:
    """What in a text is no arithmetic."""
    if [type(part) for part in tree.body] != [ast.FunctionDef]:
        return "is no single function"
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            if type(node.value) not in (int, float, bool):
                return f"{node.value!r} is no number"
        elif isinstance(node, ast.Name):
            # Nothing is found by a name but arguments, what was computed from them, and the functions above.
            if node.id.startswith("_"):
                return f"{node.id!r} is no name of a value"
        elif isinstance(node, ast.Call):
            named = isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS
            if not named or [k.arg for k in node.keywords if k.arg != "default"]:
                return f"{ast.unparse(node.func)!r} is no function of arithmetic"
        elif isinstance(node, ast.FunctionDef):
            if node.decorator_list or node.returns or node.args.defaults or node.args.kw_defaults:
                return "has more than arguments"
        elif not isinstance(node, _PARTS):
            return f"a {type(node).__name__} is no arithmetic"
    return None


#: Functions that :mod:`ketalab.model._source` writes, and parts of its text beyond those above.
_OF_NUMPY = ("exp", "log", "sqrt", "maximum", "minimum")
_WRITTEN = ("prepare", "rates", "jacobian")
_MORE = (*_PARTS, ast.Name, ast.Pass, ast.IfExp, ast.Compare, ast.Gt)


def _is_function(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr in _OF_NUMPY) == ("np", True)
    )


def check_equations(text: str) -> None:
    """Refuse a text of equations that does anything but compute and write results into ``out``.

    Raises
    ------
    ValueError
        It is not as :func:`ketalab.model._source.write_source` writes.
    """
    tree = ast.parse(text)
    first, *functions = tree.body
    counted = isinstance(first, ast.Assign) and ast.unparse(first.targets[0]) == "FIXED"
    if not counted or tuple(getattr(f, "name", "") for f in functions) != _WRITTEN:
        raise ValueError("kept equations are not these: FIXED, prepare, rates and jacobian")
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            fine = type(node.value) in (int, float)
        elif isinstance(node, ast.Name):
            fine = not node.id.startswith("_") and (
                node.id != "np" or isinstance(node.ctx, ast.Load)
            )
        elif isinstance(node, ast.Attribute):
            fine = _is_function(node) and id(node) in called
        elif isinstance(node, ast.Call):
            fine = _is_function(node.func) and not node.keywords
        elif isinstance(node, ast.FunctionDef):
            plain = (node.decorator_list, node.returns, node.args.defaults, node.args.kw_defaults)
            fine = node in functions and not any(plain)
        else:
            fine = isinstance(node, _MORE)
        if not fine:
            raise ValueError(f"kept equations hold {ast.unparse(node)!r}, which is no arithmetic")


def build_function(text: str) -> Callable[..., Any]:
    """The function of a text.

    Raises
    ------
    ValueError
        The text holds anything but arithmetic on its arguments.
    """
    tree = ast.parse(text)
    if (fault := _fault(tree)) is not None:
        raise ValueError(f"a kept function {fault}")
    space = {**_FUNCTIONS, "__builtins__": {}}
    exec(compile(tree, "<arithmetic>", "exec"), space)  # noqa: S102 - checked above
    made: Callable[..., Any] = space[tree.body[0].name]  # type: ignore[attr-defined]
    return made
