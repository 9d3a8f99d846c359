"""``python -m ketalab.studies``: make the packaged study files, their ledger and the schema anew."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ketalab._files import write_text
from ketalab.studies._evidence import convert_packaged
from ketalab.studies._ledger import write_conversion
from ketalab.studies._load import studies_folder
from ketalab.studies._write import study_schema


def schema_text() -> str:
    """Return the published JSON Schema as the bytes of its file."""
    return json.dumps(study_schema(), indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write ``data/studies`` and ``data/study.schema.json``; files of studies that are gone go."""
    folder = studies_folder()
    written = write_conversion(convert_packaged(), folder)
    for path in folder.glob("*.yaml"):
        if path not in written:
            path.unlink()
    schema = folder.parent / "study.schema.json"
    write_text(schema, schema_text())
    for path in (*written, Path(schema)):
        sys.stdout.write(f"{path.name}\n")


if __name__ == "__main__":
    main()
