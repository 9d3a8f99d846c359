"""Coefficients of Rodas5P: eight stages, order 5 with an embedded order 4, L-stable, stiffly accurate.

Steinebach, Construction of Rosenbrock-Wanner method Rodas5P and numerical benchmarks within the Julia Differential
Equations package, BIT Numerical Mathematics 63 (2023) 27, doi:10.1007/s10543-023-00967-x. Written in the form of
:mod:`ketalab.engine._rodas`; the last stage has weight 1. Rodas4P (Steinebach 1995) and Rodas6P (Steinebach 2025) were
measured beside it: see the page of decisions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ketalab.engine._problem import Array

GAMMA = 0.21193756319429014
ORDER = 5.0
STAGES = 8

_SIXTH = (
    -7.502846399306121,
    2.561846144803919,
    -11.627539656261098,
    -0.18268767659942256,
    0.030198172008377946,
)
_A = (
    (),
    (3.0,),
    (2.849394379747939, 0.45842242204463923),
    (-6.954028509809101, 2.489845061869568, -10.358996098473584),
    (2.8029986275628964, 0.5072464736228206, -0.3988312541770524, -0.04721187230404641),
    _SIXTH,
    (*_SIXTH, 1.0),
    (*_SIXTH, 1.0, 1.0),
)
_C = (
    (),
    (-14.155112264123755,),
    (-17.97296035885952, -2.859693295451294),
    (147.12150275711716, -1.41221402718213, 71.68940251302358),
    (165.43517024871676, -0.4592823456491126, 42.90938336958603, -5.961986721573306),
    (
        24.854864614690072,
        -3.0009227002832186,
        47.4931110020768,
        5.5814197821558125,
        -0.6610691825249471,
    ),
    (
        30.91273214028599,
        -3.1208243349937974,
        77.79954646070892,
        34.28646028294783,
        -19.097331116725623,
        -28.087943162872662,
    ),
    (
        37.80277123390563,
        -3.2571969029072276,
        112.26918849496327,
        66.9347231244047,
        -40.06618937091002,
        -54.66780262877968,
        -9.48861652309627,
    ),
)


def _lower(rows: Sequence[Sequence[float]]) -> Array:
    matrix = np.zeros((STAGES, STAGES))
    for i, row in enumerate(rows):
        matrix[i, : len(row)] = row
    return matrix


def rodas5p() -> tuple[Array, Array, float, float]:
    """``a`` and ``c`` (8, 8), ``gamma`` and the order."""
    return _lower(_A), _lower(_C), GAMMA, ORDER
