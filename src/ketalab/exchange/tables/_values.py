"""Values of a model file: a number, a parameter's name, or a product or quotient of these.

The text is taken apart by a pattern of numbers, names, ``*``, ``/`` and brackets, and nothing of it is ever run.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ketalab.errors import TableError, closest

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)(?![\w.])"
    r"|(?P<name>[A-Za-z_]\w*)|(?P<sign>[*/()]))",
    re.ASCII,
)
#: Longest text of one value, and deepest brackets.
_LONGEST, _DEEPEST = 200, 10


@dataclass(frozen=True)
class Value:
    """A product: each factor is a number, a name or a value in brackets, and multiplies or divides."""

    text: str
    factors: tuple[tuple[bool, float | str | Value], ...]

    def names(self) -> set[str]:
        """Parameters that it reads."""
        found: set[str] = set()
        for _, factor in self.factors:
            if isinstance(factor, Value):
                found |= factor.names()
            elif isinstance(factor, str):
                found.add(factor)
        return found

    def of(self, parameters: Mapping[str, Any]) -> Any:
        """Its value; parameters may be numbers or arrays. Divided by zero it is infinite or NaN."""
        with np.errstate(all="ignore"):
            return self._of(parameters)

    def _of(self, parameters: Mapping[str, Any]) -> Any:
        result: Any = np.float64(1.0)
        for divides, factor in self.factors:
            if isinstance(factor, Value):
                part = factor._of(parameters)
            else:
                part = parameters[factor] if isinstance(factor, str) else factor
            result = result / part if divides else result * part
        return result


def constant(number: float) -> Value:
    """A plain number."""
    return Value(f"{number:g}", ((False, float(number)),))


def read_value(content: float | str, parameters: Collection[str], where: str) -> Value:
    """Read a value.

    Raises
    ------
    TableError
        Anything but numbers, names of parameters, ``*``, ``/`` and brackets; names ``where``.
    """
    if not isinstance(content, str):
        return constant(content)
    if len(content) > _LONGEST:
        raise TableError(f"{where}: {content[:40]!r}... is longer than {_LONGEST} characters")
    tokens, place = [], 0
    while content[place:].strip():
        match = _TOKEN.match(content, place)
        if match is None:
            raise _refused(content, where)
        tokens.append((match.lastgroup, match[match.lastgroup or 0]))
        place = match.end()
    value, left = _product(tokens, content, where, 0)
    if left:
        raise _refused(content, where)
    for name in sorted(value.names() - set(parameters)):
        raise TableError(
            f"{where}: {name!r} in {content!r} is no parameter; "
            f"there are {', '.join(parameters) or 'none'}{closest(name, parameters)}",
            content,
        )
    return value


def _refused(content: str, where: str) -> TableError:
    return TableError(
        f"{where}: {content!r} is not allowed; allowed: a number, a parameter's name, or a product "
        "or quotient of these, such as CL / V1",
        content,
    )


_Tokens = list[tuple[str | None, str]]


def _product(tokens: _Tokens, content: str, where: str, depth: int) -> tuple[Value, _Tokens]:
    factors: list[tuple[bool, float | str | Value]] = []
    divides = False
    while True:
        if not tokens or depth > _DEEPEST:
            raise _refused(content, where)
        (kind, word), *tokens = tokens
        if kind == "number":
            factors.append((divides, float(word)))
        elif kind == "name":
            factors.append((divides, word))
        elif word == "(":
            inner, tokens = _product(tokens, content, where, depth + 1)
            if not tokens or tokens[0][1] != ")":
                raise _refused(content, where)
            factors.append((divides, inner))
            tokens = tokens[1:]
        else:
            raise _refused(content, where)
        if not tokens or tokens[0][1] not in "*/":
            return Value(content, tuple(factors)), tokens
        divides, tokens = tokens[0][1] == "/", tokens[1:]
