"""What measuring adds to concentrations, in every replicate: the assay, and the reading of printed curves.

An assay multiplies all values of its molecule in one study. Hydroxynorketamine: the factor of a named assay is a fact,
an unnamed one is drawn, because assays of it differ several-fold. The other molecules: drawn, a few percent. A value
that was read from a printed curve errs by a share of the curve's highest value, wherever on the curve it lies.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ketalab.facts import fact, facts
from ketalab.laboratory import draw_fact
from ketalab.people import Streams
from ketalab.studies._kinetics import analytes_of
from ketalab.studies._schema import Outcome

Array = NDArray[np.float64]

_HYDROXY = "hydroxynorketamine"
#: The fact with the standard deviation of the log factor of an unnamed assay, by molecule.
_BETWEEN = {
    "ketamine": "between_assay_ketamine",
    "norketamine": "between_assay_metabolites",
    "dehydronorketamine": "between_assay_metabolites",
    _HYDROXY: "between_assay_hnk",
}
_DIGITISED = "digitisation_error"


def _molecule(analyte: str) -> str:
    return re.sub(r"^[SR]-", "", analyte)


def _powers(row: Outcome) -> dict[str, int]:
    """How a row goes with the factor of each molecule's assay: 1 as the factor, -1 against it."""
    if row.kind not in ("concentration", "cmax", "auc", "ratio") or row.than is not None:
        return {}
    over, *under = (_molecule(analyte) for analyte in analytes_of(row))
    powers = {over: 1}
    for molecule in under:
        powers[molecule] = powers.get(molecule, 0) - 1
    return {molecule: power for molecule, power in powers.items() if power and molecule in _BETWEEN}


def assay_fact(row: Outcome) -> str | None:
    """The fact of a row's named assay of hydroxynorketamine, None where none is named or recorded."""
    if row.assay is None:
        return None
    name = f"assay_hnk_{re.sub(r'[^a-z0-9]+', '_', row.assay.lower()).strip('_')}"
    return name if name in facts() else None


def named_power(row: Outcome) -> int:
    """The power with which a row goes with the factor of its assay of hydroxynorketamine."""
    return _powers(row).get(_HYDROXY, 0)


def assay_factors(rows: Sequence[Outcome], streams: Streams, replicates: int) -> dict[int, Array]:
    """Factors (R,) on rows by their places: those of named assays, and drawn ones with mean one."""
    drawn = {}
    for molecule, name in _BETWEEN.items():
        sd = fact(name).value
        drawn[molecule] = np.exp(sd * streams.normal(f"assay:{molecule}", replicates) - sd**2 / 2)
    factors: dict[int, Array] = {}
    for place, row in enumerate(rows):
        for molecule, power in _powers(row).items():
            factor = drawn[molecule]
            if molecule == _HYDROXY and row.assay is not None:
                named = assay_fact(row)
                factor = (
                    np.ones(replicates) if named is None else draw_fact(named, streams, replicates)
                )
            factors[place] = factors.get(place, np.ones(replicates)) * factor**power
    return factors


def reading_errors(
    rows: Sequence[Outcome], predicted: Mapping[int, Array], streams: Streams
) -> dict[int, Array]:
    """Errors (R,) to add to rows that were read from printed curves; ``predicted`` place -> (R,).

    The curve's height is the highest predicted mean of its arm, analyte and site.
    """
    curves: dict[tuple[str | None, ...], list[int]] = {}
    for place in predicted:
        row = rows[place]
        if row.digitised and row.kind == "concentration":
            curves.setdefault((row.arm, row.analyte, row.site), []).append(place)
    share = fact(_DIGITISED).value
    errors = {}
    for places in curves.values():
        height = max(float(np.nanmean(predicted[place])) for place in places)
        for place in places:
            z = streams.normal(f"reading:{place}", len(predicted[place]))
            errors[place] = share * height * z
    return errors


def facts_of_measurement(rows: Iterable[Outcome]) -> tuple[str, ...]:
    """Facts behind the assays and the reading of these rows."""
    names: list[str | None] = []
    for row in rows:
        for molecule in _powers(row):
            named = molecule == _HYDROXY and row.assay is not None
            names.append(assay_fact(row) if named else _BETWEEN[molecule])
        if row.digitised:
            names.append(_DIGITISED)
    return tuple(dict.fromkeys(name for name in names if name is not None))
