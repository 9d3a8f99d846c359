"""Posteriors as files, written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from ketalab._files import write_text
from ketalab.laboratory import Posterior


def write_posteriors(
    folder: Path, posterior: Posterior, left_out: Mapping[str, Posterior] | None = None
) -> list[Path]:
    """Write ``body.json`` and, where it is given, ``body_leave_one_out.json`` into a folder; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / "body.json"]
    write_text(paths[0], json.dumps(posterior.to_dict()) + "\n")
    if left_out is not None:
        paths.append(folder / "body_leave_one_out.json")
        table = {name: {"posterior": one.to_dict()} for name, one in left_out.items()}
        write_text(paths[1], json.dumps(table) + "\n")
    return paths
