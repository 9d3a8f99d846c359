"""Hand-made studies and rows for the tests of qualification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ketalab.judgement import Point
from ketalab.studies import Study, parse_study

UNITS = {"concentration": "ng/mL", "cmax": "ng/mL", "auc": "ng*h/mL", "tmax": "h", "half_life": "h"}
BASE: dict[str, Any] = {
    "study": "one",
    "use": "validate",
    "place": 0,
    "outcome": "row",
    "kind": "cmax",
    "quantity": "concentration",
    "arm": "drug",
    "than": "",
    "analyte": "ketamine",
    "molecule": "ketamine",
    "route": "iv",
    "site": "venous",
    "assay": "not said",
    "unit": "ng/mL",
    "time_h": None,
    "observed": 100.0,
    "predicted": 100.0,
    "low": 50.0,
    "high": 200.0,
    "inside": True,
    "counted": True,
    "skipped": None,
    "cohort": "adults",
    "factor": 1.0,
}


def point(**changes: Any) -> Point:
    return Point(**(BASE | changes))


def make_study(
    name: str,
    outcomes: list[dict[str, Any]],
    doses: Mapping[str, list[str]] | None = None,
    **changes: Any,
) -> Study:
    """A study of plasma rows; each outcome gives what differs from a verified row of arm ``drug``."""
    arms = doses or {"drug": ["0.5 mg/kg ketamine iv over 40 min"]}
    usual = {"measure": "plasma", "arm": "drug", "verified": True, "source": "table"}
    rows = []
    for o in outcomes:
        analyte = {"analyte": "ketamine"} if o.get("measure", "plasma") == "plasma" else {}
        rows.append(usual | {"unit": UNITS.get(o["kind"])} | analyte | o)
    content: dict[str, Any] = {
        "schema": 1,
        "id": name,
        "use": "validate",
        "species": "human",
        "citation": {"title": name},
        "design": {"kind": "pharmacokinetic"},
        "population": {"condition": "healthy", "n": 10, "weight_kg": 70.0},
        "arms": [{"id": arm, "doses": phrases} for arm, phrases in arms.items()],
        "outcomes": rows,
    }
    return parse_study(content | changes, name)


def row(
    predicted: float | None, inside: bool | None = True, skipped: str | None = None
) -> dict[str, Any]:
    """A row as replay prints it, as far as a qualification reads it."""
    said = (
        None if predicted is None else {"mean": predicted, "pi90": [predicted / 2, predicted * 2]}
    )
    return {"outcome": "row", "predicted": said, "inside": inside, "skipped": skipped}
