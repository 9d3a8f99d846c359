"""What the rows of a concentration record share: analyte, site, salt, assay, source; and the keys that say so."""

from __future__ import annotations

import re

from ketalab.studies._analytes import measured
from ketalab.studies._record import EvidenceRecord, Row, text_of

__all__ = ["ABOUT", "common", "n_of", "read_site", "tail"]

#: Keys of a metric or a profile that say what its values are about.
ABOUT = frozenset(
    (
        *(
            "analyte",
            "arm",
            "route",
            "compound",
            "form",
            "device",
            "dose",
            "dose_mg",
            "dose_mg_kg",
            "dose_unit",
        ),
        *(
            "duration_min",
            "duration_h",
            "infusion_min",
            "infusion_h",
            "hold_min",
            "regimen",
            "salt",
        ),
        *(
            "stratum",
            "subgroup",
            "condition",
            "inhibitor",
            "inducer",
            "interacting",
            "with",
            "n",
            "p",
        ),
        *(
            "quantity",
            "metric",
            "parameter",
            "measure",
            "kind",
            "unit",
            "average",
            "statistic",
            "definition",
        ),
        *(
            "time_h",
            "time_min",
            "times_h",
            "times_min",
            "day",
            "window_h",
            "site",
            "sampling_site",
            "assay",
        ),
        *(
            "method",
            "matrix",
            "digitised",
            "counted",
            "approximate",
            "notes",
            "note",
            "verified",
            "source",
        ),
    )
)


def read_site(text: str) -> Row:
    """Return the sampling site, where one and only one is told."""
    found = [
        name
        for name, pattern in (
            ("venous", r"venous|\bvein|antecubital"),
            ("arterial", r"arter(?:y|ial)"),
            ("capillary", r"capillary|finger"),
        )
        if re.search(pattern, text, re.IGNORECASE)
    ]
    return {"site": found[0]} if len(found) == 1 else {}


def common(record: EvidenceRecord, said: Row, analyte: str, each: bool = False) -> Row:
    own = text_of(said, "site", "sampling_site")
    fields: Row = {"analyte": analyte}
    fields |= read_site(own) if own else read_site(record.sampling_site or "")
    fields["measured"] = measured(analyte, each)
    drug = text_of(said, "compound", "salt") or text_of(
        record.treatment, "compound", "salt", "form"
    )
    if re.search(r"\bHCl\b|hydrochloride", drug, re.IGNORECASE):
        fields["salt"] = "hydrochloride"
    assay = (
        text_of(said, "assay") or text_of(record.extra, "assay") or _known_assay(record, analyte)
    )
    if assay:
        fields["assay"] = assay
    if record.extra.get("model_based") is True:
        fields["analysis"] = "prediction of the paper's model, not data"
    if re.search(r"show, do not score", record.notes) or said.get("counted") is False:
        fields["counted"] = False
    return fields


def _known_assay(record: EvidenceRecord, analyte: str) -> str:
    """Return the assay of hydroxynorketamine whose factor the facts hold for the record's paper."""
    if not re.search(r"(?<!de)hydroxynorketamine", analyte):
        return ""
    from ketalab.facts import facts

    names = (name.removeprefix("assay_hnk_") for name in facts() if name.startswith("assay_hnk_"))
    return next((name for name in names if record.id.startswith(name)), "")


def tail(record: EvidenceRecord, row: Row) -> Row:
    verified = record.verified and row.get("verified") is not False
    source = text_of(row, "source") or record.source or "not told by the record"
    return {"verified": verified, "source": source}


def n_of(metric: Row) -> Row:
    n = metric.get("n")
    fine = isinstance(n, int) and not isinstance(n, bool) and n > 0
    return {"n": n} if fine else {}
