"""Directions, ablations and the contrast as plain data: the JSON document, and rows for CSV."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ketalab.judgement._ablation import Ablation
from ketalab.judgement._contrast import Contrast
from ketalab.judgement._directions import GROUPS, HELD, Directions, Judged

Record = dict[str, Any]


def directions_document(
    found: Directions,
    ablated: Sequence[Ablation] | None = None,
    contrasts: Sequence[Contrast] = (),
) -> Record:
    """One JSON document; keys are in the manual."""
    from ketalab import __version__

    made: Record = {
        "schema": 1,
        "layer": found.layer,
        "version": __version__,
        "replicates": found.replicates,
        "seed": found.seed,
        "held_at": HELD,
        "rows_listed": len(found.rows),
        "rows_expressed": found.expressed,
        "met": found.met,
        "aims": [
            {
                "id": v.aim.id,
                "claim": v.aim.claim,
                "statistic": v.aim.statistic,
                "bound": v.bound,
                "value": None if math.isnan(v.value) else v.value,
                "count": v.count,
                "met": v.met,
            }
            for v in found.verdicts
        ],
        "groups": {
            group: {"held": held, "rows": count}
            for group in GROUPS
            for held, count in (found.share(group),)
        },
        "cards": {
            card: {group: {"held": held, "rows": count} for group, (held, count) in groups.items()}
            for card, groups in found.by_card().items()
        },
        "questions": dict(found.questions),
        "rows": direction_records(found),
        "glutamate_by_opioid": [contrast_record(one) for one in contrasts],
    }
    if ablated is not None:
        made["ablations"] = [ablation_record(one) for one in ablated]
    return made


def direction_records(found: Directions) -> list[Record]:
    """Rows, group by group, the least probable first."""
    return [_row(row, found) for group in GROUPS for row in found.of(group)]


def _row(one: Judged, found: Directions) -> Record:
    row = one.row
    return {
        "id": one.id,
        "group": one.group,
        "study": row.study,
        "use": one.use or None,
        "species": row.species,
        "layer": one.layer,
        "measure": row.measure,
        "compared": row.compared,
        "time_h": row.time_h,
        "sign": row.sign,
        "verified": row.verified,
        "basis": one.basis,
        "guessed": "; ".join(one.guessed) or None,
        "contested": row.contested,
        "probability": one.probability,
        "held": one.held if one.probability is not None else None,
        "reason": one.reason,
        "cause": found.causes.get(one.id),
    }


def ablation_record(one: Ablation) -> Record:
    """One mechanism: its facts (an infinity as text), the rows that fall, why it is kept."""
    facts = {
        name: value if math.isfinite(value) else str(value)
        for name, value in one.mechanism.facts.items()
    }
    return {
        "id": one.mechanism.id,
        "what": one.mechanism.what,
        "facts": facts,
        "rows_asked": one.asked,
        "fallen": [
            {"id": row.id, "before": row.before, "after": row.after, "breaks": row.breaks}
            for row in one.fallen
        ],
        "kept_because": one.mechanism.kept_because,
    }


def contrast_record(one: Contrast) -> Record:
    """One output: mean and ends of the 90% interval of each cell and of the contrast."""
    return {
        "output": one.output,
        "cells": {name: list(cell) for name, cell in one.cells.items()},
        "interaction": list(one.interaction),
        "share": one.share if math.isfinite(one.share) else None,
    }
