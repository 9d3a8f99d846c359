"""An event table through a linear model: what each record sees, written as it is computed."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import numpy as np
from numpy.typing import NDArray

from ketalab.engine import MOST_AT_ONCE, Dose, Record, Systems, answer, moves_of, never_empties
from ketalab.errors import TableError
from ketalab.exchange.tables._compartments import Modifiers, TableModel
from ketalab.exchange.tables._line import Line
from ketalab.exchange.tables._model_file import read_model
from ketalab.exchange.tables._table import Table

Array = NDArray[np.float64]
Progress = Callable[[int, int], None]
#: People, and records with their additional doses, computed at a time.
_PEOPLE, _RECORDS = 500, 20_000
#: Most additional doses that one record may order.
MOST_ADDITIONAL = 100_000


@dataclass(frozen=True)
class _Batch:
    """Some people: their lines, their records for the engine, and the systems that these count in."""

    people: list[list[Line]]
    records: list[list[Record]]
    systems: Systems


class _Reader:
    """Turns lines into the engine's records."""

    def __init__(self, table: Table, model: TableModel, where: str) -> None:
        self.table, self.model, self.where = table, model, where

    def batches(self) -> Iterator[_Batch]:
        people: list[list[Line]] = []
        count = 0
        for lines in self.table.people():
            people.append(lines)
            count += sum(1 + line.additional for line in lines)
            if len(people) >= _PEOPLE or count >= _RECORDS:
                yield self.batch(people)
                people, count = [], 0
        if people:
            yield self.batch(people)

    def batch(self, people: list[list[Line]]) -> _Batch:
        """Number the sets of parameters that occur, and resolve each dose with its own."""
        names = list(self.model.parameters)
        columns = [names.index(name) for name, _ in self.table.columns.parameters]
        sets: dict[tuple[float, ...], int] = {}
        rows: list[int] = []
        chosen = []
        for lines in people:
            current = list(self.model.parameters.values())
            mine = []
            for line in lines:
                # From this record on; an empty cell leaves the value as it was.
                for place, value in zip(columns, line.parameters, strict=True):
                    if value is not None:
                        current[place] = value
                number = sets.setdefault(tuple(current), len(sets))
                if number == len(rows):
                    rows.append(line.row)
                mine.append(number)
            chosen.append(mine)
        table = np.array(list(sets), dtype=float).reshape(len(sets), len(names))
        values = dict(zip(names, np.ascontiguousarray(table.T), strict=True))
        problem = self.model.problem(values)
        if problem is not None:
            first, blamed, reason = problem
            column = self._column(blamed, "")
            if not column:
                raise TableError(f"{self.where}: {reason}")
            self.table.refuse(rows[first], column, reason)
        modifiers, systems = self.model.modifiers(values), self.model.systems(values)
        records = [
            [
                Record(
                    line.time, k, line.evid in (3, 4), self._dose(line, k, modifiers, systems, mine)
                )
                for line, k in zip(lines, mine, strict=True)
            ]
            for lines, mine in zip(people, chosen, strict=True)
        ]
        return _Batch(people, records, systems)

    def _column(self, parameters: set[str], otherwise: str) -> str:
        """The column to point at: the first that holds one of the parameters."""
        columns = (name for name, _ in self.table.columns.parameters if name in parameters)
        return next(columns, otherwise)

    def _dose(
        self, line: Line, k: int, modifiers: Modifiers, systems: Systems, mine: list[int]
    ) -> Dose | None:
        if not line.doses:
            return None
        compartment, name = line.compartment, self.model.compartments[line.compartment]
        share, lag = (
            float(modifiers.bioavailability[k, compartment]),
            float(modifiers.lag[k, compartment]),
        )
        for what, value in (("bioavailability", share), ("lag", lag)):
            if not (math.isfinite(value) and value >= 0):
                said = f"the {what} of {name} is {value:g}; allowed: 0 or more"
                column = self._column(self.model.reads(what, compartment), "CMT")
                self.table.refuse(line.row, column, said, value)
        if line.steady:
            self._check_steady(line, k, systems, mine)
        if line.additional > MOST_ADDITIONAL:
            said = f"{line.additional:,} is too many; at most {MOST_ADDITIONAL:,}"
            self.table.refuse(line.row, "ADDL", said, line.additional)
        amount, rate, duration = self._rate(line, k, modifiers, share * line.amount)
        constant = bool(line.steady) and line.amount == 0 and rate > 0
        endless = math.isinf(duration) or max(duration, lag) > MOST_AT_ONCE * line.interval
        if line.steady and not constant and endless:
            said = (
                f"{line.interval:g} is too short for an infusion of {duration:g} with lag {lag:g}"
            )
            self.table.refuse(
                line.row, "II", f"{said}: over {MOST_AT_ONCE:,} at once", line.interval
            )
        return Dose(
            compartment=compartment,
            amount=amount,
            rate=rate,
            duration=duration,
            lag=0.0 if constant else lag,
            interval=line.interval,
            additional=line.additional,
            steady=line.steady,
            constant=constant,
        )

    def _rate(
        self, line: Line, k: int, modifiers: Modifiers, enters: float
    ) -> tuple[float, float, float]:
        """Amount, rate and duration of what enters: a bolus has no rate, an infusion no amount."""
        if line.rate == 0:
            return enters, 0.0, 0.0
        if line.rate == -2:
            duration = self._of_model(line, k, "duration", modifiers.duration)
            return (0.0, enters / duration, duration) if enters > 0 else (0.0, 0.0, 0.0)
        rate = line.rate if line.rate > 0 else self._of_model(line, k, "rate", modifiers.rate)
        if line.steady and line.amount == 0:
            return 0.0, rate, 0.0
        return (0.0, rate, enters / rate) if enters > 0 else (0.0, 0.0, 0.0)

    def _of_model(
        self, line: Line, k: int, kind: Literal["rate", "duration"], table: Array
    ) -> float:
        value, name = float(table[k, line.compartment]), self.model.compartments[line.compartment]
        if math.isnan(value):
            said = f"{line.rate:g}, but the model gives no {kind} for {name}"
            self.table.refuse(line.row, "RATE", said, line.rate)
        if not (math.isfinite(value) and value > 0):
            said = f"{line.rate:g}, but the {kind} of {name} is {value:g}; allowed: above 0"
            column = self._column(self.model.reads(kind, line.compartment), "RATE")
            self.table.refuse(line.row, column, said, value)
        return value

    def _check_steady(self, line: Line, k: int, systems: Systems, mine: list[int]) -> None:
        full = never_empties(systems, k, line.compartment, sorted(set(mine)))
        if full is not None:
            said = (
                f"no steady state: the dose reaches {self.model.states[full]}, which never empties"
            )
            self.table.refuse(line.row, "SS", said, line.steady)


def predict(
    table: Path | str,
    model: Path | str,
    *,
    progress: Progress | None = None,
    note: Callable[[str], None] | None = None,
) -> Iterator[tuple[Line, float]]:
    """Each record of a table with the observed value just after it, in the table's order.

    Parameters
    ----------
    table : CSV with the columns of the manual's page on event tables.
    model : MODEL.yaml, a linear compartment model or ``builtin: human_ketamine``.
    progress : callable(done, total), called now and then.
    note : callable(text), told of columns that look like a parameter's name misspelt.

    Raises
    ------
    TableError
        Anything malformed, in the model or in any record of the table, before the first value is given; names the
        row and the column. Also a value that is not finite, when it is reached.
    """
    made = read_model(model)
    source = Table(Path(table), list(made.parameters), len(made.compartments))
    reader = _Reader(source, made, str(model))
    if note is not None:
        for text in source.strangers():
            note(text)

    def tell(before: int) -> None:
        if progress is not None:
            progress(before + source.read, 2 * source.size)

    for _ in reader.batches():
        tell(0)
    return _values(reader, tell)


def _values(reader: _Reader, tell: Callable[[int], None]) -> Iterator[tuple[Line, float]]:
    for batch in reader.batches():
        moves = [moves_of(records) for records in batch.records]
        with np.errstate(all="ignore"):
            values = answer(batch.systems, moves, [len(lines) for lines in batch.people])
        lines = [line for person in batch.people for line in person]
        for line, value in zip(lines, values.tolist(), strict=True):
            if not math.isfinite(value):
                said = "PRED is not a finite number; amounts, rates or intervals are too large or too small"
                reader.table.refuse(line.row, "AMT", said)
            yield line, value + 0.0
        tell(reader.table.size)


def write_predictions(
    rows: Iterator[tuple[Line, float]], file: IO[str], form: Literal["csv", "json"] = "csv"
) -> int:
    """Write ID, TIME and PRED of each record as it comes; return how many there were."""
    count = 0
    if form == "csv":
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("ID", "TIME", "PRED"))
        for line, value in rows:
            writer.writerow((line.id, line.written, repr(value)))
            count += 1
        return count
    file.write('{"schema": 1, "records": [')
    for line, value in rows:
        record = {"ID": line.id, "TIME": line.time, "PRED": value}
        file.write(("," if count else "") + "\n " + json.dumps(record, ensure_ascii=False))
        count += 1
    file.write("\n]}\n")
    return count
