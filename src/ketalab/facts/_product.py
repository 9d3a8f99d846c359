"""Values in a data file: a number, a name, or a product or quotient of these. Text is taken apart, never run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_LONGEST = 100
_PART = r"(?:[A-Za-z]\w*|\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)"
_FORM = re.compile(rf"\s*{_PART}(?:\s*[*/]\s*{_PART})*\s*", re.ASCII)
_TOKENS = re.compile(rf"([*/]?)\s*({_PART})", re.ASCII)


@dataclass(frozen=True)
class Product:
    """Factors from left to right: whether each divides, and the number or the name."""

    text: str
    factors: tuple[tuple[bool, float | str], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names that it reads."""
        return tuple(factor for _, factor in self.factors if isinstance(factor, str))

    def of(self, values: Mapping[str, Any]) -> Any:
        """Its value; the values of names may be numbers, arrays or symbols."""
        result: Any = 1
        for divides, factor in self.factors:
            part = values[factor] if isinstance(factor, str) else factor
            result = result / part if divides else result * part
        return result


def read_product(content: float | str) -> Product:
    """Read ``2``, ``CL``, ``CL / V1`` or ``2 * KA``.

    Raises
    ------
    ValueError
        Anything else; the message repeats the text and says what is allowed.
    """
    if not isinstance(content, str):
        return Product(f"{content:g}", ((False, float(content)),))
    if len(content) > _LONGEST or not _FORM.fullmatch(content):
        raise ValueError(
            f"{content[:_LONGEST]!r} is not allowed; allowed: a number, a parameter's name, or a "
            "product or quotient of these, such as CL / V1"
        )
    return Product(
        content.strip(),
        tuple(
            (sign == "/", word if word[0].isalpha() else float(word))
            for sign, word in _TOKENS.findall(content)
        ),
    )
