"""Files that are there whole after a crash, or not at all: written beside, flushed to the disk, renamed."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from ketalab.errors import InputError, OutputError

#: Names of files that a crash may leave behind begin so; a later run removes them.
PART = ".part-"


def flush_folder(folder: Path) -> None:
    """Ask the disk to keep what was renamed in a folder."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def settle(part: Path, path: Path) -> None:
    """Give a written file its name, once its bytes are on the disk."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(part, path)
    flush_folder(path.parent)


def write_durably(path: Path, content: bytes) -> None:
    """Write bytes under a name: all of them or none, whatever happens meanwhile.

    Raises
    ------
    OutputError
        The disk is full, or the place cannot be written.
    """
    part: Path | None = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=PART)
        part = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        part.chmod(0o644)
        settle(part, path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        if part is not None:
            part.unlink(missing_ok=True)


def write_json(path: Path, document: Any) -> None:
    """Write a JSON document durably; numbers that are none are refused."""
    text = json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False)
    write_durably(path, f"{text}\n".encode())


def read_json(path: Path, most: int) -> Any:
    """Read a JSON document of at most ``most`` bytes.

    Raises
    ------
    InputError
        Missing, too large, or no JSON.
    """
    try:
        if path.stat().st_size > most:
            raise InputError(f"{path}: larger than {most:,} bytes")
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError):
        raise InputError(f"{path}: not readable as JSON") from None


def digest(content: bytes) -> str:
    """SHA-256 of bytes."""
    return hashlib.sha256(content).hexdigest()


def digest_file(path: Path) -> str | None:
    """SHA-256 of a file's bytes, in bounded memory; None where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def sweep(folder: Path) -> None:
    """Remove what a crash left half-written below a folder. Only who holds the run's lock may."""
    for part in folder.rglob(f"{PART}*"):
        part.unlink(missing_ok=True)
