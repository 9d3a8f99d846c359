"""Observed against predicted: which rows can be predicted, when they look, and the row that replay prints."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ketalab.errors import InputError, UnitError
from ketalab.facts import convert, fact
from ketalab.laboratory import plain
from ketalab.studies._observe import EXPOSURE, needed
from ketalab.studies._plan import Plan
from ketalab.studies._schema import Outcome, Study

Array = NDArray[np.float64]

#: A direction row's "0" holds where the standardised difference is at most this.
_NO_DIFFERENCE = 0.2
_CONTRASTS = ("difference", "smd", "risk_ratio", "odds_ratio", "ratio", "direction")


def hours_of(row: Outcome) -> list[float]:
    """Hours at which a row looks, after the start of its arm."""
    if row.window_h is not None:
        first, last = row.window_h
        if row.ever:
            daily = [
                float(h) for h in np.arange(math.ceil(first / 24) * 24, last + 1e-9, 24) if h > 0
            ]
            return sorted({*daily, last})
        return [(first + last) / 2]
    if row.ever and row.time_h:
        return sorted({*(float(h) for h in np.arange(24, row.time_h, 24)), row.time_h})
    return [row.time_h if row.time_h is not None else math.nan]


def reason_of(study: Study, plan: Plan | None, row: Outcome) -> str | None:
    """Why a row cannot be predicted, or None."""
    if plan is None:
        return "not simulated"
    arms = [row.arm, row.than] if row.than else [row.arm]
    if row.kind in ("statement", "time_to_event", "bioavailability", "band_power", "fraction"):
        return f"rows of kind {row.kind!r} have no replay yet"
    if row.subgroup or row.period:
        return "subgroups and periods of a study have no replay yet"
    if row.arm is None or row.arm == "all":
        return "the row names no single arm"
    for arm in arms:
        if arm in plan.skipped:
            return plan.skipped[arm]
    if row.kind in _CONTRASTS and row.than is None:
        return f"a {row.kind} row without a comparator arm has no replay yet"
    if row.kind not in EXPOSURE and any(math.isnan(h) or h < 0 for h in hours_of(row)):
        return "the row states no time after the start of treatment"
    try:
        needed(study, row)
        unit_factor(row)
    except InputError as error:
        return str(error)
    return None


_MOLAR_MASS = {"ketamine": "ketamine_molar_mass", "norketamine": "norketamine_molar_mass"}


def unit_factor(row: Outcome) -> float:
    """From the model's unit to the row's; a molar unit is reached by the molar mass of the analyte.

    Raises
    ------
    UnitError
        The row's unit does not fit what it measures; prints both.
    """
    if row.unit is None or row.kind not in (*EXPOSURE, "concentration"):
        return 1.0
    own = {"tmax": "h", "half_life": "h", "auc": "ng*h/mL"}.get(row.kind, "ng/mL")
    try:
        return convert(1.0, own, row.unit, row.measure)
    except UnitError:
        molecule = (row.analyte or row.measure.split(":")[-1]).split("-")[-1]
        if molecule not in _MOLAR_MASS or own == "h":
            raise
        mass = fact(_MOLAR_MASS[molecule]).to("ng/nmol")
        return convert(1 / mass, own.replace("ng", "nmol"), row.unit, row.measure)


def make_row(
    study: Study, row: Outcome, values: Array | None, spread: Array | None, reason: str | None
) -> dict[str, Any]:
    """One replay row of the contract; the observed value is read here, after the prediction."""
    made: dict[str, Any] = {
        "study": study.id,
        "outcome": row.id or f"{row.measure}:{row.kind}:{row.arm}:{row.time_h}",
        "measure": row.measure,
        "kind": row.kind,
        "arms": [a for a in (row.arm, row.than) if a is not None],
        "time_h": row.time_h,
        "analyte": row.analyte,
        "site": row.site,
        "unit": row.unit,
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
