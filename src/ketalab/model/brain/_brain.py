"""The brain layer: its sections joined, in the order in which a drug meets them."""

from __future__ import annotations

from ketalab.model.brain._glutamate import GLUTAMATE, glutamate
from ketalab.model.brain._habenula import HABENULA, habenula
from ketalab.model.brain._monoamine import MONOAMINE, monoamine
from ketalab.model.brain._plasticity import PLASTICITY, plasticity
from ketalab.model.brain._receptors import RECEPTORS, receptors
from ketalab.model.brain._reward import REWARD, reward
from ketalab.model.brain._rhythms import RHYTHMS, rhythms
from ketalab.model.contract import Equations, Layer, Maths, Values

_SECTIONS = (RECEPTORS, GLUTAMATE, HABENULA, PLASTICITY, REWARD, MONOAMINE, RHYTHMS)


def _equations(m: Maths, v: Values) -> Equations:
    occupied, blocks = receptors(m, v)
    bursts, burst, healthy = habenula(m, v, blocks)
    parts = (
        occupied,
        glutamate(m, v, blocks),
        bursts,
        plasticity(m, v, blocks),
        reward(m, v, blocks, burst, healthy),
        monoamine(m, v),
        rhythms(m, v, blocks),
    )
    return Equations(
        rates={name: rate for part in parts for name, rate in part.rates.items()},
        outputs={name: value for part in parts for name, value in part.outputs.items()},
    )


def brain() -> Layer:
    """Return the brain layer: time in hours, unbound concentrations in micromolar."""
    return Layer(
        name="brain",
        equations=_equations,
        inputs=tuple(one for section in _SECTIONS for one in section.inputs),
        outputs=tuple(one for section in _SECTIONS for one in section.outputs),
        states=tuple(one for section in _SECTIONS for one in section.states),
        parameters=tuple(one for section in _SECTIONS for one in section.parameters),
        covariates=tuple(one for section in _SECTIONS for one in section.covariates),
        targets={name: port for section in _SECTIONS for name, port in section.targets.items()},
    )
