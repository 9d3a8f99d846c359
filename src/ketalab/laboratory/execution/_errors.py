"""How a large run can end before its time; what was computed stays in its folder in every case."""

from __future__ import annotations

import shlex
from pathlib import Path

from ketalab.errors import InputError, KetalabError


def way_on(folder: Path) -> str:
    """The command that goes on with a run."""
    return f"ketalab simulate --resume {shlex.quote(str(folder))}"


class InUseError(InputError):
    """Another process works in the folder of a run."""


class DamagedError(KetalabError):
    """A chunk whose bytes are not those that were written; ``chunk`` is its number."""

    def __init__(self, message: str, chunk: int) -> None:
        super().__init__(message, chunk)
        self.chunk = chunk

    def __str__(self) -> str:
        return str(self.args[0])


class StoppedError(KetalabError):
    """A run that ended before its time and can go on; ``code`` is the exit code of the command line."""

    code = 2


class InterruptedRunError(StoppedError):
    """A run that was asked to end."""

    code = 130
