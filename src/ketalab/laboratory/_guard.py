"""The guard of a run: who is checked, how large the error is, and what becomes of patients whose solution failed.

The engine's grid is shared, so its error cannot be controlled patient by patient. Some patients are solved
again with every step cut in two, and what changes is the estimate of the error. Who they are, and the hours at which
they are compared, depends on nothing that a user asks for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ketalab.errors import SolutionError

Array = NDArray[np.float64]

#: Largest estimated error of a checked patient.
ALLOWED = 1e-4
#: Checked are the people with the first numbers, so that every run has some, and after them one in so many.
FIRST, ONE_IN = 8, 64
#: A step this many times the one before is longer: steps are halves of each other, but for rounding.
_LONGER = 1.5
#: Differences count relative to the value, to this share of the state's peak, or to this much of the state's unit:
#: what moves below is rounding.
_FLOOR, _REST = 1e-3, 1e-6
#: A run in which more than this share of the checked patients misses, and at least two, is wrong for others too.
_MISSED_SHARE, _MISSED_LEAST = 0.1, 2
#: Name of the typical patient among numbered ones.
TYPICAL = "typical"


def middles(edges: Array) -> Array:
    """Hours half-way through each step."""
    return edges[:-1] + np.diff(edges) / 2


def choose_marks(edges: Array) -> Array:
    """Hours at which checked people are compared: the middles of all steps longer than the one before, and the end.

    Between nodes the error is some ten times that at the ends of steps, and it is largest where the grid has just
    taken a longer step. These few middles find 0.7 times the largest error at any time, in the median of patients.
    """
    steps = np.diff(edges)
    longer = np.append(True, steps[1:] > _LONGER * steps[:-1])
    return np.append(middles(edges)[longer], edges[-1])


def choose_checked(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Places of the people who are checked, by their own numbers."""
    return np.nonzero((numbers < FIRST) | (numbers % ONE_IN == 0))[0]


def estimate_errors(values: Array, halved: Array) -> tuple[Array, NDArray[np.int64]]:
    """Largest relative difference of each person between states (T, m, N) and those on half the steps.

    Differences are relative to the value, with a floor of a thousandth of the state's peak in that person;
    infinite where either is no finite number. Returns them (N,), and the state that each belongs to (N,).
    """
    size = np.abs(halved)
    floor = np.maximum(_FLOOR * size.max(axis=0, initial=0.0), _REST)
    with np.errstate(all="ignore"):
        error = np.abs(values - halved) / np.maximum(size, floor)
    by_state = np.where(np.isfinite(error), error, np.inf).max(axis=0, initial=0.0)
    return by_state.max(axis=0), by_state.argmax(axis=0)


@dataclass(frozen=True)
class Check:
    """How a run was guarded.

    ``checked`` patients were solved again on half the steps; ``error`` is the largest estimate, those of patients
    that were then retried and that of the typical patient among them (None where nobody was checked); ``above`` of them
    were above ``allowed``; ``retried`` tells why the checker solved a patient again.
    """

    checked: int = 0
    error: float | None = None
    above: int = 0
    retried: Mapping[str, str] = field(default_factory=dict)
    allowed: float = ALLOWED

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a document; an error that is no number is null."""
        known = self.error is not None and np.isfinite(self.error)
        return {
            "checked": self.checked,
            "error": float(f"{self.error:.3g}") if known else None,
            "allowed": self.allowed,
            "above": self.above,
            "retried": dict(self.retried),
        }

    def refuse_many_above(self) -> None:
        """Raise where so many checked patients miss the allowed error that others must miss it too.

        Raises
        ------
        SolutionError
            More than a tenth of the checked, and at least two.
        """
        if self.above >= _MISSED_LEAST and self.above > _MISSED_SHARE * self.checked:
            raise SolutionError(
                f"{self.above} of {self.checked} checked patients have an estimated error above "
                f"{self.allowed:.0e} (largest {self.error:.1e}): the time grid does not suit these patients; "
                "--engine checker solves each on steps of its own"
            )

    def line(self) -> str:
        """One sentence for a reader."""
        if self.error is None:
            return (
                "Nobody was checked on half the steps: a body alone is exact, and the checker controls "
                "its own error."
            )
        text = (
            f"Checked on half the steps: {self.checked} patient{'s' * (self.checked != 1)}; "
            f"largest error {self.error:.1e} (allowed {self.allowed:.0e})."
        )
        if self.retried:
            text += f" Solved again by the checker: {len(self.retried)}."
        return text


@dataclass
class Account:
    """What a run notes of its patients while batches go by; keys are the patients' own names."""

    failed: dict[Any, str] = field(default_factory=dict)
    retried: dict[Any, str] = field(default_factory=dict)
    errors: dict[Any, float] = field(default_factory=dict)

    def add(self, other: Account, names: Sequence[Any]) -> None:
        """Take over an account that names people by their places; ``names`` are those at the places."""
        self.failed |= {names[place]: reason for place, reason in other.failed.items()}
        self.retried |= {names[place]: reason for place, reason in other.retried.items()}
        self.errors |= {names[place]: error for place, error in other.errors.items()}

    def merge(self, other: Account) -> None:
        """Take over an account that names people in the same way."""
        self.failed |= other.failed
        self.retried |= other.retried
        self.errors |= other.errors

    def check(self) -> Check:
        """What the run says of itself."""
        of_patients = [error for name, error in self.errors.items() if name != TYPICAL]
        return Check(
            checked=len(of_patients),
            error=max(self.errors.values(), default=None),
            above=sum(error > ALLOWED for error in of_patients),
            retried=by_number(self.retried),
        )

    def refuse_failed(self, count: str, engine: str, *, keep: bool = True) -> None:
        """Raise for failed patients out of ``count``; ``keep`` says whether a run could leave them out.

        Raises
        ------
        SolutionError
            One line: how many, the first one's number and reason, and the option to change.
        """
        if not self.failed:
            return
        patients = sorted(name for name in self.failed if name != TYPICAL)
        name = patients[0] if patients else TYPICAL
        options = []
        if engine in ("lockstep", "numpy"):
            options.append("--engine auto or --engine checker solves them otherwise")
        if keep:
            options.append("--failed keep leaves them out")
        counted = f"{len(patients)} of {count} patients failed" if patients else "a patient failed"
        first = f"{spell(name)}: {self.failed[name]}"
        raise SolutionError("; ".join([f"{counted} ({first})", *options]))

    def refuse_many_above(self) -> None:
        """Raise where so many checked patients miss the allowed error that others must miss it too."""
        self.check().refuse_many_above()


def by_number(reasons: Mapping[Any, str]) -> dict[str, str]:
    """Reasons for a document: the typical patient first, then the others by number."""
    numbers = sorted(name for name in reasons if name != TYPICAL)
    first = {TYPICAL: reasons[TYPICAL]} if TYPICAL in reasons else {}
    return first | {_label(number): reasons[number] for number in numbers}


def spell(name: Any) -> str:
    """A patient for a reader."""
    return "the typical patient" if name == TYPICAL else f"patient {_label(name)}"


def _label(number: Any) -> str:
    """The number of a patient; of a pair, replicate and number, both."""
    return f"{number[1]} of replicate {number[0]}" if isinstance(number, tuple) else str(number)
