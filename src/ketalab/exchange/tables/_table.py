"""Reading an event table: the columns, their defaults, and everything that a line alone can get wrong."""

from __future__ import annotations

import csv
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from ketalab.engine import falls
from ketalab.errors import InputError, TableError, closest
from ketalab.exchange.tables._line import Line, wrong_with
from ketalab.exchange.tables._model_file import RESERVED

#: Longest line that is read: a table is not a place for prose.
_LONGEST = 100_000
_DECIMAL = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)
_NEEDED = ("ID", "TIME")
#: Columns that tables have for other programs.
_USUAL = ("DV", "MDV", "CENS", "LIMIT", "LLOQ", "BLQ", "DVID", "OCC", "PCMT", "CALL", "L1", "L2")


@dataclass(frozen=True)
class Columns:
    """Where each column stands; ``parameters`` are (name, place) of those that the model has."""

    places: Mapping[str, int]
    parameters: tuple[tuple[str, int], ...]
    header: tuple[str, ...]


class Table:
    """An event table on disk, read line by line.

    Parameters
    ----------
    path : the file, CSV in UTF-8.
    parameters : names of the model's parameters; a column of such a name, in any case, holds its values.
    compartments : number of compartments that doses may enter.
    """

    def __init__(self, path: Path, parameters: Sequence[str], compartments: int) -> None:
        self.path, self.names, self.compartments = path, tuple(parameters), compartments
        #: Bytes of the file, and how many of them have been read so far.
        self.size = self.read = 0
        self.columns = self._columns()

    def refuse(self, row: int, column: str, reason: str, value: object = None) -> NoReturn:
        """Raise a :class:`~ketalab.errors.TableError` that names file, row and column."""
        raise TableError(f"{self.path}: row {row}, column {column}: {reason}", value)

    def strangers(self) -> list[str]:
        """What a reader should know of columns that are left alone but for a letter would not be."""
        parameters = [name.upper() for name in self.names]
        used = {*RESERVED, *_USUAL, *parameters}
        notes = []
        for cell in self.columns.header:
            near = closest(cell.upper(), parameters)
            if cell.upper() not in used and near:
                notes.append(f"{self.path}: column {cell} is no parameter and is left alone{near}")
        return notes

    def people(self) -> Iterator[list[Line]]:
        """The lines of each person, one person after the other."""
        group: list[Line] = []
        seen: set[str] = set()
        for line in self._lines():
            if group and line.id != group[0].id:
                seen.add(group[0].id)
                yield group
                group = []
            if line.id in seen:
                self.refuse(
                    line.row,
                    "ID",
                    f"{line.id} appears again after other people; sort the table by ID and TIME",
                    line.id,
                )
            if group and falls(group[-1].time, line.time) and line.evid not in (3, 4):
                self.refuse(
                    line.row,
                    "TIME",
                    f"{line.written} comes after {group[-1].written}; within a person times must not "
                    "fall (only at EVID 3 or 4)",
                    line.time,
                )
            group.append(line)
        if group:
            yield group

    # --- the file ---------------------------------------------------------------------------------

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Number and cells of each line; blank lines are passed over."""
        try:
            with self.path.open("rb") as raw:
                about = os.fstat(raw.fileno())
                if not stat.S_ISREG(about.st_mode):
                    raise TableError(f"{self.path}: is no file on disk; a table is read twice")
                self.size, self.read = about.st_size, 0

                def text() -> Iterator[str]:
                    for number, line in enumerate(raw, start=1):
                        self.read += len(line)
                        if len(line) > _LONGEST:
                            raise InputError(
                                f"{self.path}: row {number}: longer than {_LONGEST:,} bytes"
                            )
                        yield line.decode("utf-8-sig" if number == 1 else "utf-8")

                for number, cells in enumerate(csv.reader(text(), strict=True), start=1):
                    if any(cell.strip() for cell in cells):
                        yield number, [cell.strip() for cell in cells]
        except FileNotFoundError:
            raise TableError(f"{self.path}: no such file") from None
        except IsADirectoryError:
            raise TableError(f"{self.path}: is a folder, not a file") from None
        except UnicodeDecodeError:
            raise TableError(f"{self.path}: not UTF-8 text") from None
        except csv.Error as error:
            raise TableError(f"{self.path}: not readable as CSV: {error}") from None
        except OSError as error:
            raise TableError(f"{self.path}: cannot be read: {error.strerror}") from None

    def _columns(self) -> Columns:
        header = next(self._rows(), None)
        if header is None:
            raise TableError(f"{self.path}: is empty; the first row must name the columns")
        row, cells = header
        known = {name.upper(): name for name in self.names}
        places: dict[str, int] = {}
        for place, cell in enumerate(cells):
            name = cell.upper()
            if name not in RESERVED and name not in known:
                continue
            if name in places:
                self.refuse(row, cell, "stands twice in the header", cell)
            places[name] = place
        for name in _NEEDED:
            if name not in places:
                apart = "" if len(cells) > 1 else "; cells are separated by commas"
                self.refuse(row, name, f"is missing; there are {', '.join(cells)}{apart}", cells)
        parameters = tuple((known[name], place) for name, place in places.items() if name in known)
        return Columns(places, parameters, tuple(cells))

    def _lines(self) -> Iterator[Line]:
        rows = self._rows()
        next(rows, None)
        for row, cells in rows:
            if len(cells) != len(self.columns.header):
                raise TableError(
                    f"{self.path}: row {row}: has {len(cells)} cells; the header has {len(self.columns.header)}"
                )
            yield self._line(row, cells)

    # --- one line ---------------------------------------------------------------------------------

    def _number(self, row: int, column: str, text: str) -> float | None:
        """The number in a cell; None where it is empty or a dot."""
        if text in ("", "."):
            return None
        if not _DECIMAL.fullmatch(text):
            self.refuse(row, column, f"{text!r} is not a number", text)
        value = float(text)
        if value in (float("inf"), float("-inf")):
            self.refuse(row, column, f"{text} is too large", text)
        return value

    def _cell(self, row: int, column: str, cells: list[str]) -> float | None:
        place = self.columns.places.get(column)
        return None if place is None else self._number(row, column, cells[place])

    def _whole(self, row: int, column: str, cells: list[str], allowed: Sequence[int]) -> int | None:
        """A whole number of a short list."""
        value = self._cell(row, column, cells)
        if value is None:
            return None
        if value not in allowed:
            text = ", ".join(map(str, allowed))
            self.refuse(row, column, f"{value:g} is not allowed; allowed: {text}", value)
        return int(value)

    def _line(self, row: int, cells: list[str]) -> Line:
        who = cells[self.columns.places["ID"]]
        if who in ("", "."):
            self.refuse(row, "ID", "is empty", who)
        time = self._cell(row, "TIME", cells)
        if time is None:
            self.refuse(row, "TIME", "is empty")
        amount = self._cell(row, "AMT", cells) or 0.0
        rate = self._cell(row, "RATE", cells) or 0.0
        steady = self._whole(row, "SS", cells, (0, 1, 2)) or 0
        interval = self._cell(row, "II", cells) or 0.0
        additional = self._cell(row, "ADDL", cells) or 0.0
        evid = self._whole(row, "EVID", cells, (0, 1, 2, 3, 4))
        if evid is None:
            evid = 1 if amount or rate or interval or additional or steady else 0
        line = Line(
            row=row,
            id=who,
            written=cells[self.columns.places["TIME"]],
            time=time,
            amount=amount,
            rate=rate,
            evid=evid,
            compartment=self._compartment(row, cells),
            interval=interval,
            additional=int(additional),
            steady=steady,
            parameters=tuple(
                self._number(row, name, cells[place]) for name, place in self.columns.parameters
            ),
        )
        problem = wrong_with(line, additional)
        if problem is not None:
            self.refuse(row, *problem)
        return line

    def _compartment(self, row: int, cells: list[str]) -> int:
        """Which compartment, from 0."""
        value = self._cell(row, "CMT", cells) or 0.0
        if not (value.is_integer() and 0 <= value <= self.compartments):
            allowed = f"1 to {self.compartments}" if self.compartments > 1 else "1"
            self.refuse(row, "CMT", f"{value:g} is no compartment; allowed: {allowed}", value)
        return max(int(value) - 1, 0)
