"""Metrics of a concentration record to rows: each value with its spread, its time and what is said of it."""

from __future__ import annotations

import re
from typing import Any

from ketalab.studies._analytes import read_analyte
from ketalab.studies._concentrations import common, n_of, tail
from ketalab.studies._metric_keys import Said
from ketalab.studies._metric_values import (
    VALUES,
    in_another_unit,
    numbers_of,
    said_of,
    scale,
    unit_of,
)
from ketalab.studies._record import EvidenceRecord, Row, number, text_of

__all__ = ["read_value"]

_NO_KIND = (
    (re.compile(r"clearance|volume|protein_binding|absorption_(?:half|rate)|\b(?:ka|ke|CL|Vss?|MRT)\b|residence"),
     "a parameter of a model, not an observation"),
    (re.compile(r"correlation"), "a correlation, for which the study file has no kind"),
    (re.compile(r"proportionality|brain-to-plasma"), "no number and no pair of arms"),
    (re.compile(r"change in acute renal failure"),
     "a group of patients that the record does not list as an arm"),
)  # fmt: skip
_AVERAGES = {"median": "median", "geometric": "geometric", "geo": "geometric"}
_PLAIN_CONDITION = re.compile(
    r"^(?:fast(?:ed|ing)|fed|single dose|healthy|control|placebo|at rest)$", re.I
)


def read_value(
    record: EvidenceRecord, key: str, metric: Row, arm: str, than: str | None, end_h: float | None
) -> list[Row] | str:
    """Return the rows of one metric value, or why it cannot be expressed.

    Parameters
    ----------
    end_h : hour at which the arm's last dose ends, for values at the end of an infusion.
    """
    said_words = " ".join((key, text_of(metric, "quantity"), text_of(metric, "analyte")))
    reason = next((text for pattern, text in _NO_KIND if pattern.search(said_words)), None)
    if reason:
        return reason
    said = said_of(key, metric)
    if said is not None and in_another_unit(key, said, metric):
        return "the same value in another unit"
    raw: Any = metric[key]
    if raw is None:
        return f"no value was read ({text_of(metric, 'notes') or 'no remark'})"
    if said is None:
        return f"no rule for {key!r} ({text_of(metric, 'quantity') or 'no quantity named'})"
    analyte = said.analyte or read_analyte(text_of(metric, "analyte"))
    if not analyte:
        return f"no analyte is named for {key!r}"
    ratio = said.ratio or ("/" in analyte and said.kind in ("auc", "cmax", "concentration"))
    if ratio and than is None and "/" not in analyte:
        return "a ratio without the arm that it compares with"
    base: Row = {"measure": "plasma", "kind": "ratio" if ratio else said.kind, "arm": arm}
    fields = common(record, metric, analyte, said.each)
    if isinstance(raw, str):
        if than is None or not re.match(
            r"no (?:significant )?(?:increase|change|difference|effect)", raw
        ):
            return f"the value is words: {raw}"
        words = {"quantity": said.kind, "definition": f"{key.replace('_', ' ')}: {raw}"}
        row = base | {"kind": "direction", "than": than, "sign": "0"} | fields | words
        return [row | tail(record, metric)]
    value, spread, remark = numbers_of(key, said, raw, metric)
    if value is None and spread is None:
        return f"the value is no number: {raw}"
    value, spread = scale(said, metric, value, spread)
    if value is not None:
        base["value"] = value
    unit = unit_of(said, metric, value, ratio)
    if unit:
        base["unit"] = unit
    if spread:
        base["spread"] = spread
    if ratio:
        base["quantity"] = said.kind
        if than and ("/" not in analyte or said.change or (said.ratio and key not in VALUES)):
            base["than"] = than
    base |= _when(said, metric, end_h) | fields | _about(key, said, metric, ratio, remark)
    rows = [base | tail(record, metric)]
    if said.each and analyte[:2] not in ("S-", "R-"):
        rows = [row | {"analyte": f"{isomer}-{analyte}"} for row in rows for isomer in "SR"]
    return rows


def _hours(metric: Row) -> float | None:
    time, minutes = number(metric, "time_h"), number(metric, "time_min")
    return time if minutes is None else round(minutes / 60, 6)


def _when(said: Said, metric: Row, end_h: float | None) -> Row:
    window = metric.get("window_h")
    if isinstance(window, list) and len(window) == 2:
        return {"window_h": window}
    day = number(metric, "day")
    if day is not None and day >= 1 and said.kind != "concentration" and said.window_h is None:
        return {"window_h": [24.0 * (day - 1), 24.0 * day]}
    if said.window_h is not None:
        start = 24.0 * (day - 1) if day is not None and day >= 1 else 0.0
        return {"window_h": [start + end for end in said.window_h]}
    if said.kind != "concentration":
        return {}
    time = said.time_h if said.time_h is not None else _hours(metric)
    if time is not None:
        return {"time_h": time}
    words = text_of(metric, "quantity", "condition", "definition")
    ends = re.search(r"end of (?:the )?infusion|steady[- ]state", words, re.IGNORECASE)
    return {"time_h": round(end_h, 6)} if ends and end_h else {}


def _about(key: str, said: Said, metric: Row, ratio: bool, remark: str) -> Row:
    """Return n, what the number means, in whom, and remarks."""
    fields: Row = n_of(metric)
    average = said.average or _AVERAGES.get(
        text_of(metric, "average", "statistic").split(" ")[0], ""
    )
    if remark.startswith("geometric SD"):
        average = "geometric"
    if average in ("median", "geometric"):
        fields["average"] = average
    words = [text_of(metric, "quantity"), text_of(metric, "definition")]
    if ratio:
        named = re.search(r"AUC ratio|relative amount", text_of(metric, "analyte"))
        words.append(named[0] if named else f"ratio of {said.kind}")
        if said.change:
            words.append(f"printed as a change of {metric[key]:g} percent")
    condition = text_of(metric, "condition")
    if condition and (_PLAIN_CONDITION.match(condition) or metric.get("_used") is True):
        words.append(condition)
    elif condition:
        fields["period"] = condition
    definition = "; ".join(filter(None, words))
    if definition:
        fields["definition"] = definition
    if text_of(metric, "stratum", "subgroup"):
        fields["subgroup"] = text_of(metric, "stratum", "subgroup")
    if metric.get("p") not in (None, ""):
        fields["p"] = text_of(metric, "p")
    approximate = "approximate" if metric.get("approximate") is True else ""
    note = "; ".join(filter(None, (approximate, remark, text_of(metric, "notes", "note"))))
    return fields | ({"note": note} if note else {})
