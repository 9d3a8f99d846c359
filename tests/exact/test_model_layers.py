"""The layers of the house are declared in units that are units, and fit their facts."""

from __future__ import annotations

import pytest

from ketalab.facts import conversion_factor, fact, parse_unit
from ketalab.laboratory import animal_model, body_model, human_model
from ketalab.model import Layer
from ketalab.model.body import body
from ketalab.model.brain import brain
from ketalab.model.harm import harm
from ketalab.model.mind import behaviour, mind
from ketalab.model.tracing import Traced

LAYERS = {
    **{layer.name: layer for layer in (body(), brain(), mind(), behaviour(), harm())},
    **{f"body of a {species}": body(species) for species in ("rat", "mouse", "in_vitro")},
}


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_every_unit_of_a_layer_is_a_unit_and_every_parameter_fits_its_fact(layer: Layer) -> None:
    for port in (*layer.inputs, *layer.outputs, *layer.states, *layer.covariates):
        parse_unit(port.unit, f"{layer.name}: {port.name}")
    for parameter in layer.parameters:
        conversion_factor(fact(parameter.fact).unit, parameter.unit, parameter.name)
        assert (parameter.spread is not None) == (parameter.between in ("lognormal", "logitnormal"))
        assert parameter.between != "share" or fact(parameter.fact).support == "fraction"
    names = [
        item.name for group in (layer.inputs, layer.states, layer.parameters) for item in group
    ]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    "model",
    [human_model(), body_model(), *map(animal_model, ("rat", "mouse", "in_vitro"))],
    ids=["human", "child", "rat", "mouse", "bath"],
)
def test_targets_and_entries_of_the_layers_lead_somewhere(model: Traced) -> None:
    for layer in model.joined.layers:
        assert {entry.state for entry in layer.entries} <= {s.name for s in layer.states if s.mole}
        for port in layer.targets.values():
            assert port in model.inputs
            assert next(p.default for p in layer.inputs if p.name == port) == 1.0
