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
