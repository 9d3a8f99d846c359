"""A bath in place of a body: what is put into it stays in it, unbound."""

from __future__ import annotations

from collections.abc import Iterable

from ketalab.facts import compounds
from ketalab.model.body._ketamine import ANALYTES, ENANTIOMERS
from ketalab.model.contract import (
    Covariate,
    Entry,
    Equations,
    Layer,
    Maths,
    Output,
    Parameter,
    State,
    Values,
)

#: The one way into a bath.
ROUTE = "local"


def _molecules() -> tuple[str, ...]:
    """Ketamine with its metabolites, and all that the brain can read of other drugs in any species."""
    ketamine = (f"{e}-{analyte}" for analyte in ANALYTES for e in ENANTIOMERS)
    others = (
        observed.molecule
        for _, compound in sorted(compounds().items())
        for kinetics in compound.kinetics.values()
        for observed in kinetics.observed
        if observed.site == "unbound"
    )
    return tuple(dict.fromkeys((*ketamine, *others)))


def bath(molecules: Iterable[str] | None = None) -> Layer:
    """Return the bath: one constant amount a molecule, micromoles, and its concentration, micromolar.

    Everything enters by the route ``local`` and nothing leaves. The volume is one litre by convention, so that a dose
    in micromoles is a concentration in micromolar.
    """
    names = {
        molecule: f"bath_{molecule.replace('-', '_')}"
        for molecule in (_molecules() if molecules is None else molecules)
    }

    def equations(m: Maths, v: Values) -> Equations:
        rates = {state: 0 * v[state] for state in names.values()}
        outputs = {f"unbound:{name}": v[state] / v.bath_volume for name, state in names.items()}
        return Equations(rates, outputs)

    return Layer(
        name="body",
        equations=equations,
        outputs=tuple(
            Output(f"unbound:{name}", "micromolar", f"{name} in the bath", False) for name in names
        ),
        states=tuple(
            State(state, "umol", f"{name} in the bath", mole=True) for name, state in names.items()
        ),
        parameters=(Parameter("bath_volume", "L", "bath_volume"),),
        # Doses by weight are scaled by it; a bath has the weight one.
        covariates=(Covariate("weight", "kg"),),
        entries=tuple(Entry(ROUTE, name, state) for name, state in names.items()),
        linear=True,
    )
