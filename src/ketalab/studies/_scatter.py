"""What measuring adds to the spread between animals or people, for outputs of the brain.

A direction tells of an effect that an experiment could see, so that a difference is standardised by the variance
between the simulated people and the scatter of what it was measured with. Behaviour and scores have their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from ketalab.laboratory import draw_fact, value_of
from ketalab.people import Streams
from ketalab.studies._schema import Outcome

Array = NDArray[np.float64]

#: The fact with the scatter, by the first word of an output.
_FACTS = {
    "rhythm": "rhythm_scatter",
    "imaging": "imaging_scatter",
    "occupancy": "assay_scatter",
    "receptor": "assay_scatter",
    "current": "assay_scatter",
    "circuit": "assay_scatter",
    "synapse": "assay_scatter",
    "blood": "assay_scatter",
}
#: Coupling and connectivity are ratios, 1 at rest, and no power.
_RATIOS = {"rhythm:coupling": "assay_scatter", "rhythm:connectivity": "assay_scatter"}
#: Outputs that are 0 at rest, and the sign with which they move what is measured, which is 1 at rest: a receptor's
#: occupancy is seen as binding that is lost. A deficit of LTP is a share of
#: the normal LTP, whose scatter stays.
_FROM_ONE = {
    "occupancy": -1.0,
    "circuit:monoamine": 1.0,
    "synapse:LTP": 0.0,
}
#: Hours of full drive, which no assay counts: their level counts from what gives half of the effect.
_FROM_HALF = {
    "synapse:potentiation": "half_effective_potentiation",
    "synapse:AMPA": "half_effective_early",
}
_STANDARDISED = ("direction", "smd")


def scatter_fact(row: Outcome) -> str | None:
    """The fact behind a row's scatter, None where measuring adds none."""
    if row.kind not in _STANDARDISED or row.analyte is not None:
        return None
    return _RATIOS.get(row.measure) or _FACTS.get(row.measure.split(":")[0])


def draw_scatter(rows: Iterable[Outcome], streams: Streams, replicates: int) -> dict[str, Array]:
    """Draws (R,) of the facts behind the scatter of these rows."""
    return {name: draw_fact(name, streams, replicates) for name in facts_of_scatter(rows)}


def facts_of_scatter(rows: Iterable[Outcome]) -> tuple[str, ...]:
    """Facts behind the scatter of these rows."""
    return tuple(dict.fromkeys(name for row in rows if (name := scatter_fact(row)) is not None))


def scatter_of(row: Outcome, mine: Array, other: Array, drawn: Mapping[str, Array]) -> Array | None:
    """Standard deviation (R,) that measuring adds, from persons (R, n) of both arms; None where it adds none.

    A rhythm's is in dB; the others' is a share of the level, the mean of the two arms' absolute means.
    """
    name = scatter_fact(row)
    if name is None or name not in drawn:
        return None
    if name == "rhythm_scatter":
        return drawn[name]
    sign = _FROM_ONE.get(row.measure, _FROM_ONE.get(row.measure.split(":")[0]))
    means = [persons.mean(axis=1) for persons in (mine, other)]
    if sign is not None:
        means = [1.0 + sign * mean for mean in means]
    if row.measure in _FROM_HALF:
        means = [value_of(_FROM_HALF[row.measure]) + mean for mean in means]
    return np.asarray(drawn[name] * (np.abs(means[0]) + np.abs(means[1])) / 2)
