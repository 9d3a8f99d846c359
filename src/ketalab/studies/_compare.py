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
from ketalab.studies._observe import needed
from ketalab.studies._plan import Plan
from ketalab.studies._schema import Outcome, Study
from ketalab.studies._times import hours_of

Array = NDArray[np.float64]

#: A direction row's "0" holds where the standardised difference is at most this.
_NO_DIFFERENCE = 0.2
_CONTRASTS = ("difference", "smd", "risk_ratio", "odds_ratio", "ratio", "direction")


def reason_of(study: Study, plan: Plan | None, row: Outcome) -> str | None:
    """Why a row cannot be predicted, or None."""
    if plan is None:
        return "not simulated"
    arms = [name for name in (row.arm, row.than) if name is not None]
    if row.kind in ("statement", "time_to_event", "band_power", "fraction"):
        return f"rows of kind {row.kind!r} have no replay yet"
    if (row.subgroup and not _is_of_subgroup(study, row)) or row.period:
        return "subgroups and periods of a study have no replay yet"
    if row.arm is None or row.arm == "all":
        return "the row names no single arm"
    for arm in arms:
        if arm in plan.skipped:
            return plan.skipped[arm]
    kinetic = about_concentrations(row)
    two = kinetic and row.kind == "ratio" and len(analytes_of(row)) == 2
    if row.kind in _CONTRASTS and row.than is None and not two:
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
        needed(study, row, tuple(plan.model.outputs))
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
    return f"{measure}:{row.kind}{quantity}:{row.arm}:{row.time_h}"


def make_row(
    study: Study, row: Outcome, values: Array | None, spread: Array | None, reason: str | None
) -> dict[str, Any]:
    """One replay row of the contract; the observed value is read here, after the prediction."""
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
        "unit": row.unit,
        "average": row.average,
        "observed": row.observed if row.kind not in ("direction", "statement") else row.sign,
        "predicted": None,
        "inside": None,
        "z": None,
        "use": study.use,
        "counted": bool(row.verified and row.counted and reason is None),
        "skipped": reason,
    }
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
    if row.kind == "direction":
        made["probability"] = _direction(row.sign, good)
        return made
    observed = row.observed
    if observed is not None:
        made["inside"] = bool(low <= observed <= high)
        made["z"] = plain((observed - mean) / sd) if sd > 0 else None
    return made


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
    if not n or row.kind in ("direction", "risk_ratio", "odds_ratio", "smd", "ratio"):
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
