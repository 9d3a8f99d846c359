"""What a molecule may be in, once given: a graph read from the matrix that the engine integrates."""

from __future__ import annotations

from dataclasses import dataclass

from ketalab.model.contract import State
from ketalab.model.tracing import Traced

Pair = tuple[str, str]


@dataclass(frozen=True)
class Compartments:
    """What a molecule, once given, may be in.

    ``states`` hold moles; ``flows`` are pairs of them (from, to); ``entries`` pairs of a route and the state that a
    dose, or a share of it, enters; ``ends`` are states that nothing leaves; ``following`` are massless states, each
    with those that it follows.
    """

    molecule: str
    states: tuple[State, ...]
    flows: tuple[Pair, ...]
    entries: tuple[Pair, ...]
    ends: tuple[str, ...]
    following: tuple[tuple[State, tuple[str, ...]], ...]

    def routes_to(self, state: str) -> tuple[str, ...]:
        """Routes by which a dose enters a state."""
        return tuple(route for route, name in self.entries if name == state)

    def label(self, name: str) -> str:
        """A state's name in words, without the hand of the molecule where it begins with it."""
        return name.removeprefix(f"{self.molecule.partition('-')[0]}_").replace("_", " ")


def compartments(model: Traced, molecule: str) -> Compartments:
    """Read from a model's matrix what a molecule may be in, from its entries on.

    A state flows to another where the matrix has an entry that is not zero as it is written, in whomever.
    """
    names = model.linear
    place = {name: i for i, name in enumerate(names)}
    declared = {s.name: s for layer in model.joined.layers for s in layer.states}
    into: dict[str, list[str]] = {name: [] for name in names}
    for (i, j), entry in sorted(model.matrix.todok().items()):
        if i != j and entry != 0:
            into[names[j]].append(names[i])
    entries = tuple(
        (entry.route, entry.state)
        for layer in model.joined.layers
        for entry in layer.entries
        if entry.molecule == molecule
    )
    reached: set[str] = set()
    edge = {state for _, state in entries}
    while edge:
        reached |= edge
        edge = {other for name in edge for other in into[name]} - reached
    found = sorted(reached, key=lambda name: place[name])
    moles = [name for name in found if declared[name].mole]
    flows = tuple((name, other) for name in moles for other in into[name] if other in moles)
    left = {source for source, _ in flows}
    return Compartments(
        molecule=molecule,
        states=tuple(declared[name] for name in moles),
        flows=flows,
        entries=entries,
        ends=tuple(name for name in moles if name not in left),
        following=tuple(
            (declared[name], tuple(other for other in moles if name in into[other]))
            for name in found
            if not declared[name].mole
        ),
    )
