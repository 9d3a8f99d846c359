"""A drug's record made a layer: linear, in micromoles, nothing lost.

What never reached the blood and what has left the body are states too, so that the sum of the amounts is the dose at
all times. A metabolite takes as many moles as its parent gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ketalab.facts import Compound, Kinetics, Observed, compounds, read_product
from ketalab.model.body._quantities import constants, covariates, values
from ketalab.model.contract import (
    Entry,
    Equations,
    Layer,
    Maths,
    Output,
    Parameter,
    State,
    Values,
)

_SITES = {
    "venous": ("plasma:venous", "ng/mL", "venous plasma, total concentration of base"),
    "arterial": ("plasma:arterial", "ng/mL", "arterial plasma, total concentration of base"),
    "effect": ("plasma:effect", "ng/mL", "effect site, as the plasma in balance with it"),
    "brain": ("brain:tissue", "ng/g", "brain tissue, total"),
    "unbound": ("unbound", "micromolar", "unbound in the brain"),
}
_ELIMINATED, _UNABSORBED = "eliminated", "unabsorbed"


@dataclass(frozen=True)
class _Drug:
    """One compound in one species, and the names of its parts in a layer."""

    compound: Compound
    kinetics: Kinetics

    @property
    def prefix(self) -> str:
        return self.compound.id.replace("-", "_")

    def name(self, *parts: str) -> str:
        return "_".join((self.prefix, *(part.replace("-", "_") for part in parts)))

    def parameters(self) -> tuple[Parameter, ...]:
        weighed = (o.molecule for o in self.kinetics.observed if o.site != "unbound")
        masses = (
            Parameter(self.name("mass", molecule), "g/mol", self.compound.mass_of(molecule))
            for molecule in dict.fromkeys(weighed)
        )
        return (*constants(self.kinetics, self.prefix), *masses)

    def routes(self) -> dict[str, list[tuple[str, float | str | None]]]:
        """Compartments and shares by route, in turn."""
        found: dict[str, list[tuple[str, float | str | None]]] = {}
        for entry in self.kinetics.entries:
            found.setdefault(entry.route, []).append((entry.to, entry.share))
        return found

    def entries(self) -> tuple[Entry, ...]:
        (molecule,) = self.compound.molecules
        made = []
        for route, places in self.routes().items():
            if [share for _, share in places] == [None]:
                made.append(Entry(route, molecule, self.name(places[0][0])))
                continue
            for number, (place, _) in enumerate(places):
                share = self.name(route, str(number))
                made.append(Entry(route, molecule, self.name(place), share))
            if places[-1][1] is not None:
                lost = self.name(route, "lost")
                made.append(Entry(route, molecule, self.name(_UNABSORBED), lost))
        return tuple(made)

    def shares(self, m: Maths, v: Values) -> dict[str, Any]:
        """Parts of a dose by name; each is a part of what the ones before it left."""
        given = values(m, v, self.kinetics, self.prefix)
        found: dict[str, Any] = {}
        for route, places in self.routes().items():
            left: Any = 1
            for number, (_, share) in enumerate(places):
                part = left
                if share is not None:
                    part = left * m.minimum(read_product(share).of(given), 1)
                found[self.name(route, str(number))] = part
                left = left - part
            found[self.name(route, "lost")] = left
        return found

    def states(self) -> tuple[State, ...]:
        drug = self.compound.names[0]
        moles = {**self.kinetics.compartments, _ELIMINATED: "what has left the body"}
        if any(entry.state == self.name(_UNABSORBED) for entry in self.entries()):
            moles[_UNABSORBED] = "what never reached the blood"
        made = [
            State(self.name(name), "umol", f"{drug}: {meaning}", mole=True)
            for name, meaning in moles.items()
        ]
        for name, observed in self.delayed().items():
            text = f"{observed.molecule}, {_SITES[observed.site][2]}"
            made.append(State(name, "umol/L", text))
        return tuple(made)

    def site(self, observed: Observed) -> str:
        """The state of a delayed place; what sees the same amount with the same delay shares it."""
        seen = (observed.compartment, observed.volume, observed.ke0)
        first = next(o for o in self.kinetics.observed if (o.compartment, o.volume, o.ke0) == seen)
        return self.name(first.site, first.molecule)

    def delayed(self) -> dict[str, Observed]:
        """The delayed places by state, each once."""
        found: dict[str, Observed] = {}
        for observed in self.kinetics.observed:
            if observed.ke0 is not None:
                found.setdefault(self.site(observed), observed)
        return found

    def outputs(self) -> tuple[Output, ...]:
        made = []
        for observed in self.kinetics.observed:
            site, unit, meaning = _SITES[observed.site]
            name, text = f"{site}:{observed.molecule}", f"{observed.molecule}, {meaning}"
            if observed.site == "unbound":
                made.append(Output(name, unit, text, public=False))
            else:
                made.append(Output(name, unit, text, measure="concentration"))
        return tuple(made)

    def equations(self, m: Maths, v: Values) -> Equations:
        given = values(m, v, self.kinetics, self.prefix)

        def of(content: float | str) -> Any:
            return read_product(content).of(given)

        rates: dict[str, Any] = {state.name: 0 * v[state.name] for state in self.states()}
        for flow in self.kinetics.flows:
            if flow.rate is not None:
                rate = of(flow.rate)
            elif flow.half_life is not None:
                rate = m.log(2) / of(flow.half_life)
            else:
                assert flow.clearance is not None
                assert flow.volume is not None
                rate = of(flow.clearance) / of(flow.volume)
            moved = rate * v[self.name(flow.source)]
            arrived = moved if flow.share is None else of(flow.share) * moved
            rates[self.name(flow.source)] -= moved
            rates[self.name(_ELIMINATED if flow.to == "out" else flow.to)] += arrived
            if flow.share is not None:
                rates[self.name(_ELIMINATED)] += moved - arrived
        for site, observed in self.delayed().items():
            assert observed.ke0 is not None
            value = v[self.name(observed.compartment)] / of(observed.volume)
            rates[site] = of(observed.ke0) * (value - v[site])
        outputs = {}
        for observed, output in zip(self.kinetics.observed, self.outputs(), strict=True):
            if observed.ke0 is not None:
                value = v[self.site(observed)]
            else:
                value = v[self.name(observed.compartment)] / of(observed.volume)
            if observed.ratio is not None:
                value = of(observed.ratio) * value
            if observed.site != "unbound":
                value = v[self.name("mass", observed.molecule)] * value
            outputs[output.name] = value
        return Equations(rates, outputs)


def drug_layer(compound: Compound, kinetics: Kinetics) -> Layer:
    """Return the layer of a compound with its kinetics in a species: states in micromoles, time in hours."""
    drug = _Drug(compound, kinetics)
    entries = drug.entries()
    return Layer(
        name=drug.prefix,
        equations=drug.equations,
        outputs=drug.outputs(),
        states=drug.states(),
        parameters=drug.parameters(),
        covariates=covariates(kinetics),
        entries=entries,
        shares=drug.shares if any(entry.share for entry in entries) else None,
        linear=True,
    )


def from_data(
    species: str = "human", known: Mapping[str, Compound] | None = None
) -> tuple[Layer, ...]:
    """Layers of the compounds (by default all on record) that have kinetics in a species, in the order of their ids."""
    table = compounds() if known is None else known
    return tuple(
        drug_layer(compound, kinetics)
        for _, compound in sorted(table.items())
        for in_species, kinetics in compound.kinetics.items()
        if in_species == species
    )
