"""Which runs there are on this machine: a small table in the user's data folder.

The table serves the reader alone: what a run needs is in its own folder, and a table that cannot be written stops
nothing.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ketalab.errors import InputError
from ketalab.laboratory.execution._folder import Folder, Manifest
from ketalab.laboratory.execution._lock import is_held

_TABLE = """
create table if not exists runs (
    folder text primary key, hash text not null, phrase text not null, patients integer not null,
    versions text not null, status text not null, begun text not null, changed text not null
)
"""
_WAIT_S = 5.0


def data_folder() -> Path:
    """``$KETALAB_DATA``, else ``ketalab`` in ``$XDG_DATA_HOME``, else ``~/.local/share/ketalab``."""
    if own := os.environ.get("KETALAB_DATA"):
        return Path(own)
    shared = os.environ.get("XDG_DATA_HOME")
    return (Path(shared) if shared else Path.home() / ".local" / "share") / "ketalab"


def now() -> str:
    """The time, as text."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, timeout=_WAIT_S)) as opened, opened:
        opened.execute(_TABLE)
        yield opened


def note_run(folder: Path, manifest: Manifest) -> str | None:
    """Write down how a run stands; what stood in the way is returned, as one line."""
    place = data_folder()
    try:
        place.mkdir(parents=True, exist_ok=True)
        with _opened(place / "runs.sqlite") as table:
            row = (
                str(folder.resolve()),
                manifest.hash,
                str(manifest.scenario["phrase"]),
                manifest.patients,
                json.dumps(dict(manifest.versions)),
                manifest.status,
                manifest.created,
                now(),
            )
            table.execute("insert or replace into runs values (?, ?, ?, ?, ?, ?, ?, ?)", row)
    except (OSError, sqlite3.Error) as error:
        return f"the list of runs in {place} cannot be written: {error}"
    return None


class Noted:
    """Notes how a run stands, and says only once that it cannot."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._said = False

    def __call__(self, manifest: Manifest) -> None:
        """Write it down."""
        trouble = note_run(self.folder, manifest)
        if trouble and not self._said:
            print(f"warning: {' '.join(trouble.split())}", file=sys.stderr)
            self._said = True


def list_runs() -> list[dict[str, Any]]:
    """Every run that was noted, the last one first.

    A run that is *running* without anyone holding its lock was ended from outside: it is *interrupted*. One whose
    folder is gone is *missing*.

    Raises
    ------
    InputError
        The list cannot be read.
    """
    path = data_folder() / "runs.sqlite"
    if not path.exists():
        return []
    try:
        with _opened(path) as table:
            table.row_factory = sqlite3.Row
            rows = [dict(row) for row in table.execute("select * from runs order by begun desc")]
    except (OSError, sqlite3.Error) as error:
        raise InputError(f"{path}: the list of runs cannot be read: {error}") from None
    for row in rows:
        row["versions"] = json.loads(row["versions"])
        folder = Path(row["folder"])
        if not Folder(folder).manifest.is_file():
            row["status"] = "missing"
        elif row["status"] == "running" and not is_held(folder):
            row["status"] = "interrupted"
    return rows
