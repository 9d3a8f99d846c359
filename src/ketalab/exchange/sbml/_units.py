"""Units of the laboratory as unit definitions of SBML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.dom.minidom import Element

from ketalab.errors import UnitError
from ketalab.exchange.sbml._names import Ids
from ketalab.exchange.sbml._xml import element, number
from ketalab.facts import conversion_factor, parse_unit

#: Units that SBML has of its own, tried in this order; pint knows them by the same names.
_KINDS = (
    *("mole", "gram", "litre", "metre", "second", "pascal", "joule", "kelvin", "ampere", "volt"),
    *("hertz", "dimensionless"),
)
_RESERVED = {*_KINDS, "kilogram", "item", "newton", "watt"}


class Units:
    """Unit definitions, made when a unit is first asked for."""

    def __init__(self) -> None:
        self._ids = Ids()
        self._made: dict[str, str] = {}
        self._definitions: list[Element] = []

    def id_of(self, unit: str) -> str:
        """The id of a unit such as ``ng/mL``; what counts or is a share is ``dimensionless``."""
        if unit in self._made:
            return self._made[unit]
        parts = list(_parts(unit))
        if not parts:
            self._made[unit] = "dimensionless"
            return "dimensionless"
        words = re.sub(r"\*\*|\^", "", re.sub(r"\s*/\s*", "_per_", unit.removeprefix("1")))
        identifier = self._ids.give(words if words not in _RESERVED else f"one_{words}")
        self._made[unit] = identifier
        self._definitions.append(
            element(
                "unitDefinition",
                element("listOfUnits", *parts),
                id=identifier,
                name=unit,
            )
        )
        return identifier

    def definitions(self) -> Element:
        """The list of all units asked for."""
        return element("listOfUnitDefinitions", *self._definitions)


def _parts(unit: str) -> Iterator[Element]:
    """A unit as a product of powers of base units; each is (multiplier * kind)**exponent."""
    for name, exponent in (1 * parse_unit(unit)).unit_items():
        for kind, factor, power in _base(str(name)):
            if kind != "dimensionless" or factor != 1:
                yield element(
                    "unit",
                    kind=kind,
                    exponent=f"{power * exponent:g}",
                    scale="0",
                    # Twelve digits: the factors are decimal, and 0.001 is to be seen as such.
                    multiplier=number(float(f"{factor:.12g}")),
                )


def _base(name: str) -> Iterator[tuple[str, float, float]]:
    """Kind, factor and exponent of one named unit; of several where no base unit measures the same."""
    for kind in _KINDS:
        try:
            yield kind, conversion_factor(name, kind), 1
        except UnitError:
            continue
        return
    whole = (1 * parse_unit(name)).to_base_units()
    yield "dimensionless", float(whole.magnitude), 1
    for base, exponent in whole.unit_items():
        yield ("metre" if base == "meter" else str(base)), 1.0, exponent
