"""The closed form of the habenula's shares, as the fast model computes it.

A multinomial logit against tonic firing, with ``x = 1 - nmda``, ``y = 1 - t_type`` and ``s = stress``::

    e_k = k_0 + k_s s + k_ss s^2 + x (k_x + k_xs s + k_xx x + k_xxx x^2 + k_xy y) + y (k_y + k_ys s + k_yy y)
    for k in burst, silent;
    burst = exp(e_burst) / (1 + exp(e_burst) + exp(e_silent));  silent likewise;  tonic is what is left
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ketalab.facts import fact

#: Monomials of the log-odds: letters are factors, "0" is the constant.
TERMS = ("0", "s", "ss", "x", "xs", "xx", "xxx", "xy", "y", "ys", "yy")
KINDS = ("burst", "silent")
FIT_FACTS = tuple(f"lhb_fit_{kind}_{term}" for kind in KINDS for term in TERMS)

Array = NDArray[np.float64]


def monomials(nmda: ArrayLike, t_type: ArrayLike, stress: ArrayLike) -> Array:
    """Value of every term at every point (points x terms)."""
    nmda, t_type, stress = np.broadcast_arrays(*map(np.atleast_1d, (nmda, t_type, stress)))
    at = {"x": 1.0 - nmda, "y": 1.0 - t_type, "s": stress}
    ones = np.ones(nmda.shape)
    return np.stack(
        [np.prod([ones, *(at[word] for word in term if word != "0")], axis=0) for term in TERMS],
        axis=-1,
    )


def logit_shares(points: Array, coefficients: Array) -> Array:
    """Shares of burst, tonic and silent (points x 3) from monomials and coefficients (2 x terms)."""
    odds = np.exp(points @ coefficients.T)
    whole = 1 + odds.sum(axis=-1)
    return np.stack([odds[..., 0] / whole, 1 / whole, odds[..., 1] / whole], axis=-1)


def packaged_coefficients() -> dict[str, float]:
    """The coefficients on record, by the name of their fact."""
    return {name: fact(name).value for name in FIT_FACTS}


def to_array(coefficients: Mapping[str, float]) -> Array:
    """Coefficients by the name of their fact, as an array (2 x terms)."""
    return np.array([coefficients[name] for name in FIT_FACTS]).reshape(len(KINDS), len(TERMS))


def habenula_shares(
    nmda: ArrayLike,
    t_type: ArrayLike,
    stress: ArrayLike,
    coefficients: Mapping[str, float] | None = None,
) -> Array:
    """Shares of neurons that burst, fire tonically and are silent, by the closed form.

    Parameters
    ----------
    nmda, t_type : what is left of the currents, 0 to 1.
    stress : depressed state, 0 to 1.
    coefficients : by the name of their fact; those on record by default.

    Returns
    -------
    array (points x 3), which adds up to 1 along the last axis.
    """
    known = packaged_coefficients() if coefficients is None else coefficients
    return logit_shares(monomials(nmda, t_type, stress), to_array(known))
