"""Several linear layers made one: the body is the union of its drugs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ketalab.errors import JoinError
from ketalab.model.contract import Entry, Equations, Layer, Maths, Parameter, Values


def _union(layers: tuple[Layer, ...], what: str) -> tuple[Any, ...]:
    """Inputs or covariates by name; what two layers share must be the same in both."""
    found: dict[str, tuple[Layer, Any]] = {}
    for layer in layers:
        for item in getattr(layer, what):
            owner, known = found.setdefault(item.name, (layer, item))
            # The same thing may be told in two ways; its unit and its default may not differ.
            if replace(known, **_told(known)) != replace(item, **_told(item)):
                raise JoinError(
                    f"{what[:-1]} {item.name!r} differs between {owner.name!r} and {layer.name!r}: "
                    f"[{known.unit}] against [{item.unit}]"
                )
    return tuple(item for _, item in found.values())


def _told(item: Any) -> dict[str, str]:
    return {"meaning": ""} if hasattr(item, "meaning") else {}


def _alone(layers: tuple[Layer, ...], what: str) -> tuple[Any, ...]:
    """States or outputs, which no two layers may share."""
    owner: dict[str, str] = {}
    for layer in layers:
        for item in getattr(layer, what):
            if owner.setdefault(item.name, layer.name) != layer.name:
                raise JoinError(
                    f"{what[:-1]} {item.name!r} is declared by both {owner[item.name]!r} "
                    f"and {layer.name!r}"
                )
    return tuple(item for layer in layers for item in getattr(layer, what))


def _targets(layers: tuple[Layer, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for layer in layers:
        for target, port in layer.targets.items():
            if found.setdefault(target, port) != port:
                raise JoinError(f"target {target!r} scales both {found[target]!r} and {port!r}")
    return found


def _parameters(layers: tuple[Layer, ...]) -> tuple[tuple[Parameter, ...], list[dict[str, str]]]:
    """All parameters, and for each layer its own names -> the names in the whole.

    Layers that declare the very same parameter share it; a later one whose name only happens to be taken gets its
    layer's name in front.
    """
    known: dict[str, Parameter] = {}
    names: list[dict[str, str]] = []
    for layer in layers:
        mine = {}
        for parameter in layer.parameters:
            name = parameter.name
            if known.get(name, parameter) != parameter:
                name = f"{layer.name}_{name}"
            made = replace(parameter, name=name)
            if known.setdefault(name, made) != made:
                raise JoinError(f"parameter {name!r} of {layer.name!r} is declared twice")
            mine[parameter.name] = name
        names.append(mine)
    return tuple(known.values()), names


def combine(name: str, layers: Iterable[Layer]) -> Layer:
    """Return one linear layer that is all of the given ones, side by side.

    Raises
    ------
    JoinError
        A layer that is not linear, or two that declare the same state, output, or an unlike input or parameter.
    """
    layers = tuple(layers)
    for layer in layers:
        if not layer.linear:
            raise JoinError(f"layer {layer.name!r} is not linear: only drugs make a body")
    parameters, names = _parameters(layers)
    alone = {what: _alone(layers, what) for what in ("states", "outputs")}
    union = {what: _union(layers, what) for what in ("inputs", "covariates")}
    _check_kinds(parameters, alone["states"], *union.values())
    # Names of shares are a layer's own: they get its name where it is one of several that compute shares.
    shared = [layer for layer in layers if layer.shares is not None]

    def share_name(layer: Layer, share: str) -> str:
        return share if layer is shared[0] else f"{layer.name}:{share}"

    declared = (*parameters, *alone["states"], *union["inputs"], *union["covariates"])
    taken = {item.name for item in declared}

    def view(layer: Layer, mine: dict[str, str], v: Values) -> Values:
        """What one layer sees: its own names, its parameters as it calls them, and what is said of a dose."""
        own: tuple[Any, ...] = (*layer.inputs, *layer.covariates, *layer.states)
        said = {name: name for name in v if name not in taken}
        places = said | {item.name: item.name for item in own} | mine
        return Values({name: v[place] for name, place in places.items() if place in v})

    def equations(m: Maths, v: Values) -> Equations:
        rates: dict[str, Any] = {}
        outputs: dict[str, Any] = {}
        for layer, mine in zip(layers, names, strict=True):
            made = layer.equations(m, view(layer, mine, v))
            rates |= made.rates
            outputs |= made.outputs
        return Equations(rates, outputs)

    def shares(m: Maths, v: Values) -> dict[str, Any]:
        return {
            share_name(layer, share): value
            for layer, mine in zip(layers, names, strict=True)
            if layer.shares is not None
            for share, value in layer.shares(m, view(layer, mine, v)).items()
        }

    entries: list[Entry] = []
    for layer in layers:
        entries += (
            replace(entry, share=share_name(layer, entry.share)) if entry.share else entry
            for entry in layer.entries
        )
    return Layer(
        name=name,
        equations=equations,
        states=alone["states"],
        outputs=alone["outputs"],
        inputs=union["inputs"],
        covariates=union["covariates"],
        parameters=parameters,
        entries=tuple(entries),
        targets=_targets(layers),
        shares=shares if shared else None,
        linear=True,
    )


def _check_kinds(*groups: tuple[Any, ...]) -> None:
    """One name is one thing: not a parameter in one layer and a state in another."""
    seen: set[str] = set()
    for group in groups:
        names = {item.name for item in group}
        if twice := sorted(names & seen):
            raise JoinError(f"{twice[0]!r} is the name of two things in the layers of a body")
        seen |= names
