"""One record of an event table, and what a record alone can get wrong."""

from __future__ import annotations

from dataclasses import dataclass

#: Column, what is wrong and what is allowed, and the value.
Problem = tuple[str, str, object]


@dataclass(frozen=True, slots=True)
class Line:
    """One record of a table, checked by itself.

    ``row`` counts lines of the file from the header, which is 1; ``parameters`` are the values of the parameter
    columns, None where the cell is empty.
    """

    row: int
    id: str
    written: str
    time: float
    amount: float
    rate: float
    evid: int
    compartment: int
    interval: float
    additional: int
    steady: int
    parameters: tuple[float | None, ...]

    @property
    def doses(self) -> bool:
        """Whether something is given."""
        return self.evid in (1, 4)


def wrong_with(line: Line, additional: float) -> Problem | None:
    """The first thing that a record alone gets wrong; ``additional`` is ADDL as written."""
    if not line.doses:
        return _wrong_without_dose(line, additional)
    if line.amount < 0:
        return "AMT", f"{line.amount:g} is negative; allowed: 0 or more", line.amount
    if line.rate < 0 and line.rate not in (-1, -2):
        return "RATE", f"{line.rate:g} is not allowed; allowed: 0 or more, -1, -2", line.rate
    if line.interval < 0:
        return "II", f"{line.interval:g} is negative; allowed: 0 or more", line.interval
    if not (additional >= 0 and additional.is_integer()):
        said = f"{additional:g} is not allowed; allowed: 0 or a whole number above"
        return "ADDL", said, additional
    if additional and not line.interval:
        return "II", f"ADDL {additional:g} needs an interval above 0", line.interval
    return _wrong_at_steady_state(line) if line.steady else None


def _wrong_without_dose(line: Line, additional: float) -> Problem | None:
    for column, value in (
        ("AMT", line.amount),
        ("RATE", line.rate),
        ("II", line.interval),
        ("ADDL", additional),
        ("SS", line.steady),
    ):
        if value:
            said = f"{value:g} on a record that is no dose (EVID {line.evid}); allowed: 0"
            return column, said, value
    return None


def _wrong_at_steady_state(line: Line) -> Problem | None:
    if line.amount or (line.interval and not line.rate):
        if not line.interval:
            return "II", f"SS {line.steady} needs an interval above 0", line.interval
        return None
    # No amount: an infusion since ever.
    if line.rate == 0:
        said = f"SS {line.steady} needs an interval above 0, or AMT 0 with a RATE above 0"
        return "II", said, line.interval
    if line.rate == -2:
        said = "-2 with AMT 0 at SS: an infusion since ever has no duration; allowed: above 0, -1"
        return "RATE", said, line.rate
    for column, value in (("II", line.interval), ("ADDL", line.additional)):
        if value:
            said = f"{value:g} with AMT 0 and a RATE at SS (an infusion since ever); allowed: 0"
            return column, said, value
    return None
