"""``python -m ketalab.studies``: make the packaged studies, their ledger and the schema anew.

``python -m ketalab.studies counts`` prints the manual's table of counts and writes nothing.
"""

from __future__ import annotations

import json
import sys

from ketalab._files import write_text
from ketalab.studies._convert import Conversion
from ketalab.studies._evidence import convert_packaged
from ketalab.studies._ledger import write_conversion
from ketalab.studies._load import studies_folder
from ketalab.studies._write import study_schema

_COLUMNS = {
    "records": "records",
    "given": "rows given",
    "expressed": "expressed",
    "not_expressed": "not expressed",
    "studies": "studies",
    "study_rows": "study rows",
    "verified": "verified",
}


def schema_text() -> str:
    """Return the published JSON Schema as the bytes of its file."""
    return json.dumps(study_schema(), indent=1, ensure_ascii=False) + "\n"


def counts_table(conversion: Conversion) -> str:
    """Return the counts by file as the table of the manual, with a last line for all files."""
    rows = dict(conversion.counts)
    rows["all"] = {name: sum(one[name] for one in rows.values()) for name in _COLUMNS}
    lines = [f"| file | {' | '.join(_COLUMNS.values())} |", "|---|" + "--:|" * len(_COLUMNS)]
    for file, one in rows.items():
        label = "all" if file == "all" else f"`{file}`"
        lines.append(f"| {label} | {' | '.join(str(one[name]) for name in _COLUMNS)} |")
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> None:
    """Write ``data/studies`` and ``data/study.schema.json``; files of studies that are gone go."""
    conversion = convert_packaged()
    if arguments == ["counts"]:
        sys.stdout.write(counts_table(conversion))
        return
    folder = studies_folder()
    written = write_conversion(conversion, folder)
    for path in folder.glob("*.yaml"):
        if path not in written:
            path.unlink()
    write_text(folder.parent / "study.schema.json", schema_text())
    sys.stdout.write(f"{len(written)} files in {folder.name}, and study.schema.json\n")


if __name__ == "__main__":
    main(sys.argv[1:])
