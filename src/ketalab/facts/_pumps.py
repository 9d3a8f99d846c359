"""The published parameter sets by which a pump holds a target concentration."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ketalab.facts._load import _by_id, _records, fact

#: A set is printed either as rate constants or as volumes and clearances.
_RATES = (("v1", "k10", "k12", "k21"), ("v1", "k10", "k12", "k21", "k13", "k31"))
_FLOWS = (("v1", "cl", "v2", "q2"), ("v1", "cl", "v2", "q2", "v3", "q3"))


class Pump(BaseModel):
    """A two- or three-compartment model of plasma, linear in body weight, as pumps carry it.

    ``constants`` names the fact of each constant: ``v1 k10 k12 k21 (k13 k31)``, or ``v1 cl v2 q2 (v3 q3)`` of a
    person of ``reference_weight``. ``drugs`` are those for which it was published; ``default_for`` those for which it
    is taken where a phrase names none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    drugs: tuple[str, ...] = Field(min_length=1)
    default_for: tuple[str, ...] = ()
    citation: str
    structure: str
    constants: dict[str, str]
    reference_weight: str | None = None
    note: str = ""

    @model_validator(mode="after")
    def _complete(self) -> Pump:
        if tuple(self.constants) not in (*_RATES, *_FLOWS):
            allowed = "; ".join(" ".join(names) for names in (*_RATES, *_FLOWS))
            raise ValueError(f"constants {list(self.constants)}: must be, in order, {allowed}")
        if ("cl" in self.constants) != (self.reference_weight is not None):
            raise ValueError("clearances need a reference weight, rate constants must have none")
        if not set(self.default_for) <= set(self.drugs):
            raise ValueError(f"default_for {list(self.default_for)}: must be among the drugs")
        return self

    @property
    def facts(self) -> tuple[str, ...]:
        """Ids of the facts that the set is made of."""
        weight = () if self.reference_weight is None else (self.reference_weight,)
        return (*self.constants.values(), *weight)

    def rate_constants(self) -> tuple[float, float, tuple[tuple[float, float], ...]]:
        """Return the central volume (L/kg), its elimination (1/h), and (out, back) of each periphery (1/h)."""
        records = {name: fact(key) for name, key in self.constants.items()}
        if self.reference_weight is None:
            rate = {name: r.to("1/h") for name, r in records.items() if name != "v1"}
            back = (("k12", "k21"), ("k13", "k31"))
            pairs = tuple((rate[o], rate[b]) for o, b in back if o in rate)
            return records["v1"].to("L/kg"), rate["k10"], pairs
        v1 = records["v1"].to("L")
        pairs = tuple(
            (records[flow].to("L/h") / v1, records[flow].to("L/h") / records[volume].to("L"))
            for flow, volume in (("q2", "v2"), ("q3", "v3"))
            if flow in records
        )
        weight_kg = fact(self.reference_weight).to("kg")
        return v1 / weight_kg, records["cl"].to("L/h") / v1, pairs


@cache
def pumps() -> Mapping[str, Pump]:
    """All parameter sets of pumps by id."""
    table: Mapping[str, Any] = _by_id(_records("pumps", Pump), "pump")
    return table
