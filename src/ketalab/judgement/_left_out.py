"""Replay of a record under the posterior that never saw it, where such posteriors are shipped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ketalab._files import read_text
from ketalab.errors import InputError
from ketalab.judgement._points import Row
from ketalab.judgement._qualify import Predict, replayed
from ketalab.laboratory import read_posterior, using_posterior
from ketalab.studies import Study

FOLDER = Path(__file__).parent.parent / "data" / "posterior"
#: A few hundred draws of a few dozen constants for each of some dozen records.
_MOST_BYTES = 200_000_000


def left_out_predict(
    layer: str, replicates: int, seed: int, path: Path | None = None
) -> Predict | None:
    """Rows of a record under its leave-one-out posterior; None where none are shipped for the layer.

    The file is a JSON object from record id to an object whose ``posterior`` is what
    :func:`ketalab.laboratory.read_posterior` takes. A record that is not in it has no rows to score: each says so.

    Raises
    ------
    InputError
        The file is not such an object.
    """
    path = path or FOLDER / f"{layer}_leave_one_out.json"
    if not path.is_file():
        return None
    found = _read(path)
    replay = replayed(replicates, seed)

    def predict(study: Study) -> list[Row]:
        if study.id not in found:
            return [_absent(study, i) for i in range(len(study.outcomes))]
        posterior = read_posterior(found[study.id]["posterior"], f"{path.name}: {study.id}")
        with using_posterior(posterior):
            return list(replay(study))

    return predict


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_text(path, _MOST_BYTES))
    except (json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"{path}: not readable as JSON: {error}") from None
    good = isinstance(content, dict) and all(
        isinstance(item, dict) and "posterior" in item for item in content.values()
    )
    if not good:
        raise InputError(f"{path}: must map each record id to an object with a posterior", content)
    return dict(content)


def _absent(study: Study, place: int) -> Row:
    row = study.outcomes[place]
    return {
        "outcome": row.id or f"{row.measure}:{row.kind}:{row.arm}:{row.time_h}",
        "predicted": None,
        "inside": None,
        "skipped": "no posterior without this record",
    }
