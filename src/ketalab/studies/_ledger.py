"""Writing a conversion: the study files and the ledger of what was decided and left out."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from ketalab.errors import OutputError
from ketalab.studies._convert import Conversion
from ketalab.studies._write import dump_study, dump_yaml

__all__ = ["LEDGER", "ledger", "write_conversion"]

#: The ledger's file name; the underscore keeps it apart from the studies.
LEDGER = "_conversion.yaml"
_HEADER = (
    "# What became of each row of the evidence records.\n"
    "# counts: given = expressed + not_expressed; a row given is one outcome, one metric value,\n"
    "# one profile, or a whole parameter record. study_rows are the rows written, derived among\n"
    "# them the rows that were added.\n"
)


def ledger(conversion: Conversion) -> dict[str, Any]:
    """Return counts by file, decisions by record, and rows not expressed, as plain data."""
    decisions: dict[str, list[dict[str, Any]]] = {}
    for item in conversion.decisions:
        entry = {"row": item["row"], "decision": item["decision"]}
        decisions.setdefault(item["record"], []).append(
            entry if item["row"] is not None else {"decision": item["decision"]}
        )
    return {
        "counts": conversion.counts,
        "not_expressed": [
            {key: value for key, value in item.items() if value is not None}
            for item in conversion.not_expressed
        ],
        "decisions": decisions,
    }


def write_conversion(conversion: Conversion, out_dir: Path | str) -> tuple[Path, ...]:
    """Write one file a study and the ledger; all of them, or none.

    Everything is first written to a folder beside the files and moved into place at the end, so
    that a failure leaves what was there before.

    Returns
    -------
    tuple of Path
        The files written, the ledger last.

    Raises
    ------
    OutputError
        The folder cannot be made or written.
    """
    folder = Path(out_dir)
    texts = {f"{study.id}.yaml": dump_study(study) for study in conversion.studies}
    texts[LEDGER] = _HEADER + dump_yaml(ledger(conversion))
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: is a file; name a folder to write to")
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".conversion-") as staging:
            for name, text in texts.items():
                (Path(staging) / name).write_text(text, encoding="utf-8")
            blocked = [name for name in texts if (folder / name).is_dir()]
            if blocked:
                raise OutputError(f"{folder / blocked[0]}: is a folder, where a file is due")
            for name in texts:
                os.replace(Path(staging) / name, folder / name)
    except OSError as error:
        if made and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
        raise OutputError(f"{folder}: cannot be written: {error.strerror or error}") from None
    return tuple(folder / name for name in texts)
