"""Observed against predicted: which rows can be predicted, when they look, and the row that replay prints."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ketalab.errors import InputError
from ketalab.laboratory import plain
from ketalab.studies._kinetics import (
    about_concentrations,
    analytes_of,
    is_figure,
    quantity_of,
    unit_factor,
)
from ketalab.studies._observe import against_itself, is_score, needed
from ketalab.studies._plan import Plan
from ketalab.studies._schema import Outcome, Study
from ketalab.studies._times import hours_of
from ketalab.studies._timing import of_scenario

Array = NDArray[np.float64]

#: A direction row's "0" holds where the standardised difference is at most this.
_NO_DIFFERENCE = 0.2
_CONTRASTS = ("difference", "smd", "risk_ratio", "odds_ratio", "ratio")
_DIRECTIONS = ("direction", "statement")
#: Kinds of which a range without a value is looked at: the row is inside where the interval overlaps it.
_RANGED = ("fraction", "ratio", "band_power")
_PERCENT = ("%", "percent")


def reason_of(study: Study, plan: Plan | None, row: Outcome) -> str | None:
    """Why a row cannot be predicted, or None."""
    if plan is None:
        return "not simulated"
    arms = [name for name in (row.arm, row.than) if name is not None]
    if of_scenario(row):
        return "a statement is simulated apart from the study's arms"
    if row.kind == "time_to_event":
        return f"rows of kind {row.kind!r} have no replay yet"
    if row.kind == "band_power" and not row.measure.startswith("rhythm:"):
        return f"no model yet of the power of {row.measure!r}"
    if (row.subgroup and not _is_of_subgroup(study, row)) or row.period:
        return "subgroups and periods of a study have no replay yet"
    if row.arm is None or row.arm == "all":
        return "the row names no single arm"
    for arm in arms:
        if arm in plan.skipped:
            return plan.skipped[arm]
    kinetic = about_concentrations(row)
    two = kinetic and row.kind == "ratio" and len(analytes_of(row)) == 2
    itself = against_itself(row) and not is_score(row)
    alone = row.kind in _CONTRASTS or (row.kind == "direction" and kinetic)
    if alone and row.than is None and not two and not itself:
        return f"a {row.kind} row without a comparator arm has no replay yet"
    if kinetic and quantity_of(row) == "bioavailability":
        for arm in arms:
            if arm in plan.unreferred:
                return plan.unreferred[arm]
    if not is_figure(row) and any(math.isnan(h) or h < 0 for h in hours_of(row)):
        return "the row states no time after the start of treatment"
    if is_figure(row) and row.window_h is not None and row.window_h[0] < 0:
        return "the row's window begins before the first dose"
    try:
        needed(study, row, tuple(plan.model.reads.outputs))
        unit_factor(row)
    except InputError as error:
        return str(error)
    return None


def _is_of_subgroup(study: Study, row: Outcome) -> bool:
    """Whether a row of concentrations is of an arm that holds its subgroup and nobody else."""
    groups = {other.subgroup for other in study.outcomes if other.arm == row.arm}
    return about_concentrations(row) and groups == {row.subgroup}


def _label(row: Outcome) -> str:
    """A row's name where its file gives none."""
    measure = f"{row.measure}:{row.analyte}" if row.analyte else row.measure
    quantity = f" of {row.quantity}" if row.quantity else ""
    where = (row.scenario or "nothing given") if of_scenario(row) else row.arm
    return f"{measure}:{row.kind}{quantity}:{where}:{row.time_h}"


def make_row(
    study: Study, row: Outcome, values: Array | None, spread: Array | None, reason: str | None
) -> dict[str, Any]:
    """One replay row of the contract; the observed value is read here, after the prediction.

    A change of band power in percent is read as decibels, in which it is predicted.
    """
    percent = row.kind == "band_power" and row.unit in _PERCENT
    unit, observed = ("dB", decibels(row.observed)) if percent else (row.unit, row.observed)
    made: dict[str, Any] = {
        "study": study.id,
        "outcome": row.id or _label(row),
        "measure": row.measure,
        "kind": row.kind,
        "arms": [a for a in (row.arm, row.than) if a is not None],
        "time_h": row.time_h,
        "window_h": row.window_h,
        "analyte": row.analyte,
        "site": row.site,
        "unit": unit,
        "average": row.average,
        "observed": observed if row.kind not in _DIRECTIONS else row.sign,
        "predicted": None,
        "inside": None,
        "z": None,
        "use": study.use,
        "counted": bool(row.verified and row.counted and reason is None),
        "skipped": reason,
    }
    if row.kind in _DIRECTIONS:
        made["dose"] = dose_of(study, row)
    if values is None or reason is not None:
        return made
    good = values[np.isfinite(values)]
    if not len(good):
        return made | {"skipped": "no finite prediction", "counted": False}
    mean, sd = float(good.mean()), float(good.std(ddof=1)) if len(good) > 1 else 0.0
    low, high = (float(q) for q in np.quantile(good, [0.05, 0.95]))
    sampling = _sampling(study, row, mean, spread)
    made["predicted"] = {
        "mean": plain(mean),
        "sd": plain(sd),
        "pi90": [plain(low), plain(high)],
        "pi90_sampling": sampling,
    }
    if row.kind in _DIRECTIONS:
        made["probability"] = _direction(row.sign, good)
        return made
    if observed is not None:
        made["inside"] = bool(low <= observed <= high)
        made["z"] = plain((observed - mean) / sd) if sd > 0 else None
    elif row.kind in _RANGED:
        made["inside"] = _overlaps(row, low, high, percent)
    return made


def decibels(percent: float | None) -> float | None:
    """A change of power in percent as decibels; None where nothing is told, or nothing is left of it."""
    if percent is None or percent <= -100:
        return None
    return 10 * math.log10(1 + percent / 100)


def _overlaps(row: Outcome, low: float, high: float, percent: bool) -> bool | None:
    """Whether the 90% interval overlaps the published range, whose open ends hold everything; None without one."""
    if row.spread is None or not isinstance(row.spread.value, tuple):
        return None
    least, most = row.spread.value
    if percent:
        least, most = decibels(least), decibels(most)
    return (least is None or high >= least) and (most is None or low <= most)


def dose_of(study: Study, row: Outcome) -> str:
    """Whether the doses behind a row were *stated*, *recalled* or *assumed*, as the study's assumptions say."""
    names = {f"arms.{arm}.doses" for arm in (row.arm, row.than)} | {"arms.doses"}
    found = "stated"
    for entry in study.assumed:
        if entry.field not in names:
            continue
        if "recalled" not in entry.why:
            return "assumed"
        found = "recalled"
    return found


def _direction(sign: str | None, values: Array) -> float:
    """Share of replicates in which the standardised difference has the stated direction."""
    if sign == "+":
        return float((values > _NO_DIFFERENCE).mean())
    if sign == "-":
        return float((values < -_NO_DIFFERENCE).mean())
    return float((np.abs(values) <= _NO_DIFFERENCE).mean())


def _sampling(study: Study, row: Outcome, mean: float, spread: Array | None) -> list[float | None]:
    """The interval that sampling alone would give: 3.29 SD/sqrt(n) wide, binomial for counts."""
    n = row.n or next((a.n for a in study.arms if a.id == row.arm and a.n), None)
    if not n or row.kind in (*_DIRECTIONS, "risk_ratio", "odds_ratio", "smd", "ratio"):
        return [None, None]
    if row.kind == "proportion":
        se: float | None = math.sqrt(max(mean * (1 - mean), 0.0) / n)
    else:
        se = row.published_se(n)
    if se is None:
        if spread is None or not np.isfinite(spread).any():
            return [None, None]
        se = float(np.nanmean(spread)) * math.sqrt((2 if row.kind == "difference" else 1) / n)
    return [plain(mean - 1.645 * se), plain(mean + 1.645 * se)]
