"""The errors that a caller can catch. Each carries one line that names the thing, the value and what is allowed.

::

    KetalabError
    ├── InputError                bad input; the command line exits with 2
    │   ├── PhraseError           a dosing phrase that cannot be read
    │   ├── UnitError             two units that do not fit; prints both
    │   ├── FactError             a fact record that is malformed or missing
    │   ├── StudyError            a study file or evidence record that is malformed
    │   ├── ScenarioError         an option of a scenario that is out of range
    │   ├── TableError            an event table, or the model it runs through, that is malformed
    │   └── OutputError           a file that cannot be written
    └── ModelError                a defect of the model, not of the input
        ├── JoinError             layers that do not meet by name and unit
        ├── TraceError            a state whose equation breaks the engine's form
        └── SolutionError         patients whose solution failed
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "FactError",
    "InputError",
    "JoinError",
    "KetalabError",
    "ModelError",
    "OutputError",
    "PhraseError",
    "ScenarioError",
    "SolutionError",
    "StudyError",
    "TableError",
    "TraceError",
    "UnitError",
]


class KetalabError(Exception):
    """Base of all errors raised on purpose by this package."""


class InputError(KetalabError):
    """Bad input: the message is one line that says what, where, the value and what is allowed.

    Parameters
    ----------
    message : str
        The line; newlines are folded to spaces so that it stays one.
    value : object, optional
        The failing input, kept for the caller.
    """

    def __init__(self, message: str, value: object = None) -> None:
        super().__init__(" ".join(message.split()))
        self.value = value


class PhraseError(InputError):
    """A dosing phrase that cannot be read; ``column`` (from 1) points at the word."""

    def __init__(self, message: str, value: object = None, column: int | None = None) -> None:
        super().__init__(message, value)
        self.column = column


class UnitError(InputError):
    """Two units that do not fit; the message prints both."""


class FactError(InputError):
    """A fact record that is malformed, missing or of the wrong kind."""


class StudyError(InputError):
    """A study file or evidence record that is malformed."""


class ScenarioError(InputError):
    """An option of a scenario that is unknown or out of range."""


class TableError(InputError):
    """An event table, or the model it runs through, that is malformed; names the row and the column."""


class OutputError(InputError):
    """A result that cannot be written where it was asked for."""


class ModelError(KetalabError):
    """A defect of the model or its solution, not of the input."""


class JoinError(ModelError):
    """Layers that do not meet; the message names both layers and both units."""


class TraceError(ModelError):
    """A state whose equation breaks the form that the engine asks for; names the state and the term."""


class SolutionError(ModelError):
    """Patients whose solution failed; the message says how many, why, and the option to change."""


def closest(word: str, allowed: Iterable[str]) -> str:
    """Return ``'; did you mean X?'`` for a near miss among the allowed words, else an empty string."""
    found = difflib.get_close_matches(word, list(allowed), n=1, cutoff=0.6)
    return f"; did you mean {found[0]!r}?" if found else ""
