"""Units, checked at the border with pint; inside the house numbers are plain floats in a stated unit."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ketalab.errors import UnitError

if TYPE_CHECKING:
    import pint

#: Spellings of the evidence that pint reads otherwise or not at all.
_SPELLINGS = {
    "fraction": "dimensionless",
    "fold": "dimensionless",
    "ratio": "dimensionless",
    "points": "dimensionless",
    "": "dimensionless",
    "%": "percent",
    "mmHg": "mmHg",
    "h": "hour",
    "1/h": "1/hour",
}


#: Names with small powers, multiplied and divided: what a unit is, and nothing that must be worked out at length.
_NAME = r"(?:[^\W\d_][\w%°]*|%|1)(?:\s*(?:\*\*|\^)\s*-?\d(?:\.\d)?)?"
_PLAIN = re.compile(
    rf"\s*{_NAME}(?:\s*(?:\*(?!\*)|/|\s)\s*(?:{_NAME}|\({_NAME}(?:\s*\*?\s*{_NAME})*\)))*\s*"
)


@lru_cache(maxsize=1)
def _registry() -> pint.UnitRegistry[Any]:
    import pint

    return pint.UnitRegistry(cache_folder=None)


@lru_cache(maxsize=512)
def parse_unit(unit: str, where: str = "unit") -> pint.Unit:
    """Read a unit such as ``ng/mL``, ``L/h``, ``mg/kg`` or ``fraction``.

    Raises
    ------
    UnitError
        The text is no unit; names ``where`` and the text.
    """
    text = _SPELLINGS.get(unit.strip(), unit.strip())
    try:
        if not _PLAIN.fullmatch(text):
            raise ValueError(text)
        return _registry().Unit(text)
    except Exception:  # pint raises many kinds, tokenizer errors among them
        raise UnitError(f"{where}: {unit!r} is not a unit that can be read", unit) from None


@lru_cache(maxsize=2048)
def conversion_factor(unit: str, to: str, where: str = "unit") -> float:
    """Return the number by which a value in ``unit`` is multiplied to be in ``to``.

    Raises
    ------
    UnitError
        The two units measure different things; prints both.
    """
    if unit == to:
        return 1.0
    import pint

    try:
        return float(_registry().Quantity(1.0, parse_unit(unit, where)).m_as(parse_unit(to, where)))
    except pint.DimensionalityError:
        raise UnitError(f"{where}: has unit {unit!r} where {to!r} is needed", unit) from None


def convert(value: float, unit: str, to: str, where: str = "value") -> float:
    """Convert a plain number between units; raises :class:`~ketalab.errors.UnitError`."""
    return value * conversion_factor(unit, to, where)


def check_unit(unit: str, like: str, where: str) -> None:
    """Raise :class:`~ketalab.errors.UnitError`, printing both units, unless they are convertible."""
    conversion_factor(unit, like, where)
