"""Concentration records to rows of a study file: each metric value, each profile.

What counts as a row given: every value of every metric (its spread, unit and remarks belong to it),
and every profile as one, although it becomes one row a time point.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ketalab.studies._record import EvidenceRecord, Row, number, text_of

__all__ = ["Value", "metric_values", "read_analyte", "read_profile", "read_value"]

#: A value of a metric: its key in the record, and the metric.
Value = tuple[str, Row]

_ABOUT = frozenset(
    [
        "analyte",
        "route",
        "dose_mg",
        "dose_mg_kg",
        "stratum",
        "condition",
        "inhibitor",
        "quantity",
        "unit",
        "approximate",
        "notes",
        "n",
        "verified",
        "source",
    ]
)
_SPREAD_END = re.compile(r"(?:^|_)(geo_sd|sd|se|ci95|ci90)$")
#: Key of a value to (kind, unit, window in h); ``_range`` inside a key means that it is a range.
_KEYS: tuple[tuple[re.Pattern[str], str, str | None], ...] = tuple(
    (re.compile(pattern), kind, unit)
    for pattern, kind, unit in (
        (r"cmax$", "cmax", "ng/mL"),
        (r"(?:esk|nor)_cmax$", "cmax", "ng/mL"),
        (r"tmax(?:_range)?_min$", "tmax", "min"),
        (r"auc(?:0_\d+h?)?_ng_min_mL$", "auc", "ng*min/mL"),
        (r"auc(?:0_\d+h?)?_ug_h_L$", "auc", "ug*h/L"),
        (r"auc(?:0_\d+h?)?_ng_h_mL(?:_each_enantiomer)?(?:_range)?$", "auc", "ng*h/mL"),
        (r"(?:esk|nor)_auc$", "auc", "ng*h/mL"),
        (r"F(?:_range)?$", "bioavailability", None),
        (r"t_half(?:_range)?_h$", "half_life", "h"),
        (r"t_half(?:_range)?_min$", "half_life", "min"),
        (r"(?:cmax|auc)_ratio$", "ratio", None),
        (r"(?:(?:cmax|auc|half_life)_)?change_percent$", "ratio", None),
    )
)
_QUANTITIES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"half-life"), "half_life"),
    (re.compile(r"maximum concentration"), "cmax"),
    (re.compile(r"concentration|steady state|serum at|plasma range"), "concentration"),
)
_NO_KIND = (
    (re.compile(r"clearance|volume|protein_binding|absorption_half_time"),
     "a parameter of a model, not an observation"),
    (re.compile(r"correlation"), "a correlation, for which the study file has no kind"),
    (re.compile(r"proportionality|brain-to-plasma"), "no number and no pair of arms"),
    (re.compile(r"change in acute renal failure"),
     "a group of patients that the record does not list as an arm"),
)  # fmt: skip
_ANALYTES = {"HNK": "hydroxynorketamine", "DHNK": "dehydronorketamine"}
_SITES = ("venous", "arterial")


def metric_values(metrics: tuple[Row, ...]) -> Iterator[Value]:
    """Yield the values of metrics, in order: all keys that are no remark and no spread."""
    for metric in metrics:
        for key in metric:
            if key in _ABOUT or _SPREAD_END.search(key):
                continue
            if key.endswith("_range") and key.removesuffix("_range") in metric:
                continue
            if key == "range" and "value" in metric:
                continue
            yield key, metric


def read_analyte(text: str) -> str:
    """Return an analyte's name: remarks cut, abbreviations spelt out, the isomer repeated."""
    plain = re.sub(r" \(.*\)$", "", text)
    plain = re.sub(r" (AUC ratio|relative amount)$", "", plain)
    for short, name in _ANALYTES.items():
        plain = re.sub(rf"\b{short}\b", name, plain)
    if match := re.fullmatch(r"([SR]) (\w+)/(\w+)", plain):
        return f"{match[1]}-{match[2]}/{match[1]}-{match[3]}"
    return plain


def measured(analyte: str, key: str = "") -> str:
    """Return whether one enantiomer was measured or the total."""
    single = analyte.startswith(("S-", "R-")) or "each_enantiomer" in key
    return "enantiomer" if single else "total"


def _site(record: EvidenceRecord) -> Row:
    site = record.sampling_site
    return {"site": site} if site in _SITES else {}


def _common(record: EvidenceRecord, analyte: str, key: str = "") -> Row:
    fields: Row = {"analyte": analyte} | _site(record) | {"measured": measured(analyte, key)}
    if re.search(r"HCl|hydrochloride", text_of(record.treatment, "compound")):
        fields["salt"] = "hydrochloride"
    if record.extra.get("model_based") is True:
        fields["analysis"] = "prediction of the paper's model, not data"
    if re.search(r"show, do not score", record.notes):
        fields["counted"] = False
    return fields


def _tail(record: EvidenceRecord, row: Row) -> Row:
    verified = record.verified and row.get("verified") is not False
    source = text_of(row, "source") or record.source or "not told by the record"
    return {"verified": verified, "source": source}


def read_profile(record: EvidenceRecord, profile: Row, arm: str) -> list[Row] | str:
    """Return one concentration row a time point of a profile, or why there is none."""
    times, means = profile.get("time_h"), profile.get("mean")
    if not isinstance(times, list) or not isinstance(means, list) or len(times) != len(means):
        return "a profile whose times and means are not two lists of one length"
    if not times:
        return "a profile without points"
    analyte = read_analyte(text_of(profile, "analyte"))
    digitised = {"digitised": True} if record.extra.get("digitised") is True else {}
    rows = []
    for time, mean in zip(times, means, strict=True):
        time, mean = number({"v": time}, "v"), number({"v": mean}, "v")
        if time is None or mean is None:
            return "a profile with a time or a mean that is no number"
        rows.append(
            {"measure": "plasma", "kind": "concentration", "arm": arm, "time_h": time}
            | {"value": mean, "unit": text_of(profile, "unit")}
            | _common(record, analyte)
            | digitised
            | _tail(record, profile)
        )
    return rows


def _spread(key: str, metric: Row) -> tuple[Row | None, str]:
    """Return the spread of a value and a remark on one that the study file cannot hold."""
    stem = re.sub(r"_(min|h)$", "", key)
    for prefix in dict.fromkeys((key, stem)):
        lead = "" if prefix == "value" else f"{prefix}_"
        for kind in ("sd", "se", "ci95", "ci90", "range"):
            value = metric.get(f"{lead}{kind}")
            if isinstance(value, list) and len(value) == 2:
                return {"kind": kind, "value": value}, ""
            if (single := number(metric, f"{lead}{kind}")) is not None:
                return {"kind": kind, "value": single}, ""
        if (geometric := number(metric, f"{lead}geo_sd")) is not None:
            return None, f"geometric SD {geometric:g}"
    return None, ""


def _kind_of(key: str, metric: Row) -> tuple[str, str | None] | None:
    quantity = text_of(metric, "quantity")
    if key in ("value", "range"):
        if "ratio" in text_of(metric, "analyte") and not quantity:
            return "ratio", None
        unit = text_of(metric, "unit")
        return next(((k, unit) for p, k in _QUANTITIES if p.search(quantity)), None)
    return next(((kind, unit) for p, kind, unit in _KEYS if p.match(key)), None)


def read_value(
    record: EvidenceRecord, key: str, metric: Row, arm: str, than: str | None
) -> list[Row] | str:
    """Return the row of one metric value, or why it cannot be expressed."""
    said = " ".join((key, text_of(metric, "quantity"), text_of(metric, "analyte")))
    reason = next((text for pattern, text in _NO_KIND if pattern.search(said)), None)
    if reason:
        return reason
    if key == "cmax_uM" and "cmax" in metric:
        return "the same value in another unit"
    raw: Any = metric[key]
    if raw is None:
        return f"no value was read ({text_of(metric, 'notes') or 'no remark'})"
    found = _kind_of(key, metric)
    if found is None:
        return f"no rule for {key!r} ({text_of(metric, 'quantity') or 'no quantity named'})"
    kind, unit = found
    analyte = read_analyte(text_of(metric, "analyte"))
    if key.startswith(("esk_", "nor_")):
        analyte = "S-ketamine" if key.startswith("esk_") else "S-norketamine"
    fields = _common(record, analyte, key)
    if kind == "ratio" and than is None and "/" not in analyte:
        return "a ratio without the arm that it compares with"
    than = None if kind != "ratio" or ("/" in analyte and "percent" not in key) else than
    base: Row = {"measure": "plasma", "kind": kind, "arm": arm}
    if isinstance(raw, str):
        if than is None or not re.match(r"no (increase|change)", raw):
            return f"the value is words: {raw}"
        words = {"definition": f"{key.replace('_', ' ')}: {raw}"}
        row = base | {"kind": "direction", "than": than, "sign": "0"} | fields | words
        return [row | _tail(record, metric)]
    value, spread, remark = _numbers(key, raw, metric)
    if value is None and spread is None:
        return f"the value is no number: {raw}"
    if "percent" in key and value is not None:
        value = round(1 + value / 100, 6)
    if value is not None:
        base["value"] = value
    if unit and unit != "fraction":
        base["unit"] = unit
    if spread:
        base["spread"] = spread
    if than:
        base["than"] = than
    base |= _when(key, metric) | fields | _about(key, metric, kind, remark)
    return [base | _tail(record, metric)]


def _numbers(key: str, raw: Any, metric: Row) -> tuple[float | None, Row | None, str]:
    if isinstance(raw, list) and len(raw) == 2:
        return None, {"kind": "range", "value": raw}, ""
    value = number({"v": raw}, "v")
    spread, remark = _spread(key, metric)
    return value, spread, remark


def _when(key: str, metric: Row) -> Row:
    if match := re.match(r"auc0_(\d+)h?_", key):
        return {"window_h": [0.0, float(match[1])]}
    if match := re.search(r"(\d+) min after", text_of(metric, "quantity")):
        return {"time_h": round(int(match[1]) / 60, 6)}
    return {}


def _about(key: str, metric: Row, kind: str, remark: str) -> Row:
    """Return n, what the number means, in whom, and remarks."""
    fields: Row = {}
    n = metric.get("n")
    if isinstance(n, int) and not isinstance(n, bool) and n > 0:
        fields["n"] = n
    words = [text_of(metric, "quantity")]
    if kind == "ratio":
        named = re.search(r"AUC ratio|relative amount", text_of(metric, "analyte"))
        quantity = re.sub("_(?:ratio|change_percent)$", "", key)
        words.append(named[0] if named else f"ratio of {quantity}")
        if "percent" in key:
            words.append(f"printed as a change of {metric[key]:g} percent")
    definition = "; ".join(filter(None, words))
    if definition:
        fields["definition"] = definition
    for name, field in (("condition", "period"), ("stratum", "subgroup")):
        if metric.get(name):
            fields[field] = text_of(metric, name)
    approximate = "approximate" if metric.get("approximate") is True else ""
    note = "; ".join(filter(None, (approximate, remark, text_of(metric, "notes"))))
    return fields | ({"note": note} if note else {})
