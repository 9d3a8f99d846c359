"""One run at a time in a folder. The lock is the kernel's: it ends with the process, however that ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ketalab.errors import OutputError
from ketalab.laboratory.execution._errors import InUseError

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows has no such lock
    fcntl = None  # type: ignore[assignment]

LOCK = ".lock"


def _take(handle: int) -> bool:
    if fcntl is None:  # pragma: no cover
        raise OutputError("large runs need locks of files, which this system does not have")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Hold the lock of a run's folder.

    Raises
    ------
    InUseError
        Another process holds it; the line names the process.
    OutputError
        The folder cannot be written.
    """
    path = folder / LOCK
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror}") from None
    try:
        if not _take(handle):
            holder = os.pread(handle, 20, 0).decode("ascii", "replace").strip()
            who = f" (process {holder})" if holder.isdigit() else ""
            raise InUseError(
                f"{folder}: another run works in this folder{who}; wait for it, or end it first"
            )
        try:
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        except OSError:
            pass  # The number is for readers; on a full disk the lock holds without it.
        yield
    finally:
        os.close(handle)


def is_held(folder: Path) -> bool:
    """Whether some process works in the folder of a run."""
    try:
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not _take(handle)
    finally:
        os.close(handle)
