"""Joining layers by name and unit into one model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ketalab.errors import JoinError, UnitError, closest
from ketalab.facts import conversion_factor
from ketalab.model.contract import Input, Layer, Output


@dataclass(frozen=True)
class Connection:
    """One input of ``reader`` fed by an output of ``source``, multiplied by ``factor`` to fit the unit."""

    reader: str
    port: Input
    source: str | None
    factor: float


@dataclass(frozen=True)
class Joined:
    """Layers that meet: in an order in which outputs are known before they are read where possible."""

    layers: tuple[Layer, ...]
    connections: tuple[Connection, ...]

    @property
    def outputs(self) -> tuple[tuple[Layer, Output], ...]:
        """Every output with the layer that offers it."""
        return tuple((layer, output) for layer in self.layers for output in layer.outputs)

    @property
    def free_inputs(self) -> tuple[tuple[Layer, Input], ...]:
        """Inputs that no layer feeds: constant between events, at their default unless an event says."""
        names = {layer.name: layer for layer in self.layers}
        return tuple((names[c.reader], c.port) for c in self.connections if c.source is None)

    def facts(self) -> tuple[str, ...]:
        """Ids of all facts that the layers read."""
        return tuple(dict.fromkeys(name for layer in self.layers for name in layer.facts()))


def _no_repeats(layers: tuple[Layer, ...]) -> None:
    for what in ("states", "outputs"):
        owner: dict[str, str] = {}
        for layer in layers:
            for item in getattr(layer, what):
                if item.name in owner:
                    raise JoinError(
                        f"{what[:-1]} {item.name!r} is declared by both {owner[item.name]!r} "
                        f"and {layer.name!r}"
                    )
                owner[item.name] = layer.name
    names = [layer.name for layer in layers]
    if len(set(names)) < len(names):
        raise JoinError(f"a layer is named twice: {', '.join(names)}")


def join(layers: Iterable[Layer]) -> Joined:
    """Connect every input to the output of the same name.

    Raises
    ------
    JoinError
        No layer offers an input, or the units do not fit: names both layers and both units.
    """
    layers = tuple(layers)
    _no_repeats(layers)
    offers = {out.name: (layer, out) for layer in layers for out in layer.outputs}
    connections = []
    for layer in layers:
        for port in layer.inputs:
            if port.name not in offers:
                if port.default is None:
                    raise JoinError(
                        f"layer {layer.name!r} reads {port.name!r} [{port.unit}], which no layer "
                        f"offers{closest(port.name, offers)}"
                    )
                connections.append(Connection(layer.name, port, None, 1.0))
                continue
            source, out = offers[port.name]
            try:
                factor = conversion_factor(out.unit, port.unit, port.name)
            except UnitError:
                raise JoinError(
                    f"{port.name!r}: layer {source.name!r} offers it in [{out.unit}], "
                    f"layer {layer.name!r} reads it in [{port.unit}]"
                ) from None
            connections.append(Connection(layer.name, port, source.name, factor))
    return Joined(layers, tuple(connections))
