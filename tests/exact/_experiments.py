"""Made-up experiments and rows for tests of replays."""

from __future__ import annotations

from typing import Any

from ketalab.studies import parse_study, replay
from ketalab.studies._schema import Outcome

REPLICATES = 4


def row(kind: str, arm: str | None, measure: str, **more: Any) -> dict[str, Any]:
    """One outcome row."""
    arms = {} if arm is None else {"arm": arm}
    return {"measure": measure, "kind": kind, **arms, "verified": True, "source": "made up", **more}


def experiment(*rows: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """An experiment in rats with ketamine and without, as a file says it."""
    study: dict[str, Any] = {
        "schema": 1,
        "id": "made-up-experiment",
        "use": "validate",
        "species": "rat",
        "citation": {"type": "article-journal", "title": "A design, not a study"},
        "design": {"kind": "experiment"},
        "population": {"condition": "healthy"},
        "arms": [
            {"id": "ketamine", "n": 6, "doses": ["10 mg/kg ketamine ip"]},
            {"id": "untreated", "n": 4, "control": "none"},
        ],
        "outcomes": list(rows),
    }
    return study | changes


def rows_of(study: dict[str, Any]) -> list[dict[str, Any]]:
    """Replay rows of a study given as a mapping."""
    return replay(parse_study(study, "here"), REPLICATES, 0)


def outcome(kind: str, measure: str, **more: Any) -> Outcome:
    """One row as the study file's model."""
    return Outcome.model_validate(row(kind, "ketamine", measure, **more))
