"""What is read of simulated concentrations: a figure of each person's course, as a study's own analysis would.

Figures are non-compartmental. An area without a window goes to infinity; with one, every figure is read inside it,
and a peak's time counts from its start. A bioavailability is the area over that of an intravenous infusion of the
same dose in the same people. A ratio of two analytes is taken in each person.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ketalab.errors import ScenarioError, UnitError
from ketalab.facts import convert, fact, facts
from ketalab.laboratory import exposure
from ketalab.studies._schema import Outcome

Array = NDArray[np.float64]

#: Kinds of rows that are figures of a course of concentrations; they name no time.
FIGURES = ("cmax", "tmax", "auc", "half_life", "bioavailability")
#: Kinds of rows that may be about concentrations, when they name an analyte.
_OF_ANALYTES = ("ratio", "direction", "difference", "smd")
_SITES = {None: "venous", "venous": "venous", "arterial": "arterial", "effect": "effect"}
#: After an intravenous bolus no sample is taken before this (hours): the peak at the needle is nobody's.
FIRST_SAMPLE_H = 2 / 60
#: What is left below this share of the peak adds nothing to an area, whatever its slope.
_SPENT = 0.01
_ISOMER = re.compile(r"^[SR]-")


def about_concentrations(row: Outcome) -> bool:
    """Whether a row is about concentrations of an analyte and about nothing else."""
    if row.kind in FIGURES or row.kind == "concentration":
        return True
    plasma = row.measure.split(":")[0] in ("plasma", "concentration")
    return row.kind in _OF_ANALYTES and (row.analyte is not None or plasma)


def quantity_of(row: Outcome) -> str:
    """The figure that a row reads: its own kind, or what a ratio or a direction says that it compares."""
    if row.kind in FIGURES or row.kind == "concentration":
        return row.kind
    return row.quantity or ("concentration" if row.time_h is not None else "auc")


def is_figure(row: Outcome) -> bool:
    """Whether a row reads a whole course, and so names no time."""
    return about_concentrations(row) and quantity_of(row) != "concentration"


def needs_infinity(row: Outcome) -> bool:
    """Whether a row's figure needs the course's end."""
    return is_figure(row) and (
        quantity_of(row) in ("half_life", "bioavailability")
        or (quantity_of(row) == "auc" and row.window_h is None)
    )


def analytes_of(row: Outcome) -> tuple[str, ...]:
    """The analyte of a row, or the two of a ratio ``norketamine/ketamine``."""
    if row.analyte is None:
        return (row.measure.split(":")[-1],)
    return tuple(row.analyte.split("/"))


def output_names(row: Outcome, known: Sequence[str]) -> tuple[str, ...]:
    """The outputs that a row of concentrations reads, one an analyte.

    Raises
    ------
    ScenarioError
        A site or an analyte without a model.
    """
    if row.measure in known:
        return (row.measure,)
    if row.site not in _SITES:
        raise ScenarioError(f"no model yet of concentrations in {row.site}")
    site = _SITES[row.site]
    names = tuple(f"plasma:{site}:{analyte}" for analyte in analytes_of(row))
    for name, analyte in zip(names, analytes_of(row), strict=True):
        if name not in known:
            raise ScenarioError(f"no model yet of {analyte} in {site} plasma")
    if len(names) > 2:
        raise ScenarioError(f"a ratio of two analytes is written A/B, not {row.analyte!r}")
    return names


def figure(
    times: Array,
    values: Array,
    quantity: str,
    window: tuple[float, float] | None = None,
    boluses: Sequence[float] = (),
) -> Array:
    """A figure (N,) of courses (T, N) at ``times`` (T,) hours.

    Parameters
    ----------
    quantity : cmax, tmax, auc, half_life; tmax in hours from the start of the window, or from 0.
    window : the hours that are looked at; the whole course where not given.
    boluses : hours of intravenous boluses, after which the first sample is taken two minutes later.
    """
    start = 0.0
    if window is not None:
        start, stop = window
        inside = (times >= start - 1e-9) & (times <= stop + 1e-9)
        times, values = times[inside], values[inside]
    if quantity in ("cmax", "tmax") and boluses:
        early = [(times >= b - 1e-9) & (times < b + FIRST_SAMPLE_H - 1e-9) for b in boluses]
        sampled = ~np.any(early, axis=0)
        times, values = times[sampled], values[sampled]
    if not len(times):
        raise ScenarioError(f"the window {window} of a row holds no simulated time")
    made = exposure(times, values)
    if quantity == "tmax":
        return np.asarray(made["tmax"] - start)
    if quantity == "auc":
        return made["auc_0_t"] if window is not None else _to_infinity(made, values)
    return np.asarray(made[quantity])


def _to_infinity(made: dict[str, Array], values: Array) -> Array:
    """Area to infinity; where no terminal slope is found and next to nothing is left, that to the end."""
    spent = values[-1] <= _SPENT * made["cmax"]
    return np.where(np.isfinite(made["auc_0_inf"]) | ~spent, made["auc_0_inf"], made["auc_0_t"])


def average(row: Outcome, persons: Array) -> Array:
    """What a row says of people (R, n): their mean, median or geometric mean (R,), those without a number left out."""
    known = np.isfinite(persons)
    if row.average == "geometric":
        known &= persons > 0
        with np.errstate(all="ignore"):
            return np.asarray(np.exp(_mean(np.log(np.where(known, persons, 1.0)), known)))
    if row.average == "median":
        filled = np.where(known, persons, np.nan)
        empty = ~known.any(axis=1)
        filled[empty] = 0.0
        return np.where(empty, np.nan, np.nanmedian(filled, axis=1))
    return _mean(persons, known)


def _mean(persons: Array, known: NDArray[np.bool_]) -> Array:
    count = known.sum(axis=1)
    total = np.where(known, persons, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def molar_mass_of(analyte: str) -> float | None:
    """Grams a mole of an analyte (ng/nmol); None where no fact tells."""
    name = f"{_ISOMER.sub('', analyte).replace('-', '_')}_molar_mass"
    return fact(name).to("ng/nmol") if name in facts() else None


def unit_factor(row: Outcome) -> float:
    """From the model's unit to the row's; a molar unit is reached by the molar mass of the analyte.

    Raises
    ------
    UnitError
        The row's unit does not fit what it measures; prints both.
    """
    if row.unit is None or not (row.kind in FIGURES or row.kind == "concentration"):
        return 1.0
    if row.kind == "bioavailability":
        return convert(1.0, "fraction", row.unit, row.measure)
    own = {"tmax": "h", "half_life": "h", "auc": "ng*h/mL"}.get(row.kind, "ng/mL")
    try:
        return convert(1.0, own, row.unit, row.measure)
    except UnitError:
        mass = molar_mass_of(analytes_of(row)[0])
        if own == "h" or mass is None:
            raise
        return convert(1 / mass, own.replace("ng", "nmol"), row.unit, row.measure)
