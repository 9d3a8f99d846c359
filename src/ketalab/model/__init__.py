"""The model: the layer contract, the layers, joining and tracing. It knows no solver."""

from ketalab.model.contract import (
    Covariate,
    Entry,
    Equations,
    Input,
    Layer,
    Maths,
    Output,
    Parameter,
    State,
    Values,
)
from ketalab.model.joining import Joined, join

__all__ = [
    "Covariate",
    "Entry",
    "Equations",
    "Input",
    "Joined",
    "Layer",
    "Maths",
    "Output",
    "Parameter",
    "State",
    "Values",
    "join",
]
