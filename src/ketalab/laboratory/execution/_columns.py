"""The result of a large run, read from its table one column at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl

from ketalab.laboratory._guard import TYPICAL, Check
from ketalab.laboratory._ranges import Array, Asked
from ketalab.laboratory._result import Result
from ketalab.laboratory._scenario import Scenario
from ketalab.laboratory.execution._table import course_column, figure_column


class _Figures(Mapping[str, Array]):
    """Figures of one output, figure -> (N,); each is read when it is looked at."""

    def __init__(self, path: Path, output: str, columns: list[str]) -> None:
        self._path, self._output = path, output
        begin = figure_column(output, "")
        self._names = [
            column.removeprefix(begin)
            for column in columns
            if column.startswith(begin) and not column.removeprefix(begin).startswith("t=")
        ]

    def __getitem__(self, figure: str) -> Array:
        if figure not in self._names:
            raise KeyError(figure)
        return read_column(self._path, figure_column(self._output, figure))

    def __contains__(self, figure: object) -> bool:
        return figure in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class _Course:
    """Courses of one output (T, N), an hour at a time."""

    def __init__(self, path: Path, output: str, times: Array) -> None:
        self._path, self._names = path, [course_column(output, hour) for hour in times]

    def __iter__(self) -> Iterator[Array]:
        return (read_column(self._path, name) for name in self._names)

    def __len__(self) -> int:
        return len(self._names)


def read_column(path: Path, name: str) -> Array:
    """One column of the result (N,)."""
    return pl.read_parquet(path, columns=[name])[name].to_numpy()


def _number(value: float | None) -> float:
    return np.nan if value is None else value


class Tally:
    """What the records of chunks say together: how the run was guarded, and who has no solution."""

    def __init__(self) -> None:
        self.failed: dict[str, str] = {}
        self.retried: dict[str, str] = {}
        self.checked = self.above = 0
        self.error: float | None = None
        self.typical: Mapping[str, Any] = {"values": {}, "figures": {}}
        self.times: list[float] = []

    def add(self, record: Mapping[str, Any]) -> None:
        """Take over what one record says."""
        self.failed |= record["failed"]
        self.retried |= record["retried"]
        self.checked += record["checked"]
        self.above += record["above"]
        if record["error"] is not None:
            self.error = max(float(record["error"]), -np.inf if self.error is None else self.error)
        if "typical" in record:
            self.typical, self.times = record["typical"], record["times"]

    def check(self) -> Check:
        """How the run was guarded."""
        return Check(self.checked, self.error, self.above, in_order(self.retried))


def in_order(reasons: Mapping[str, str]) -> dict[str, str]:
    """Reasons by patient: the typical one first, then by number, whatever the order of the chunks."""
    return dict(
        sorted(reasons.items(), key=lambda item: -1 if item[0] == TYPICAL else int(item[0]))
    )


def result_of(scenario: Scenario, asked: Asked, tally: Tally, path: Path) -> Result:
    """The result of a run whose table is written.

    Its figures and courses are read as they are needed: summary, timeline, course and document take the memory of a
    few columns. ``dataset``, ``frame`` and ``save`` would hold everybody; read the table in their place.
    """
    columns = list(pl.read_parquet_schema(path))
    failed = in_order(tally.failed)
    return Result(
        scenario,
        asked.infos,
        np.array(tally.times),
        cast(
            "Mapping[str, Array]",
            {i.name: _Course(path, i.name, np.array(tally.times)) for i in asked.infos},
        ),
        {
            name: np.array([_number(x) for x in course])
            for name, course in tally.typical["values"].items()
        },
        {i.name: _Figures(path, i.name, columns) for i in asked.infos},
        {
            name: {figure: _number(x) for figure, x in figures.items()}
            for name, figures in tally.typical["figures"].items()
        },
        asked.facts,
        tally.check(),
        {int(name): reason for name, reason in failed.items() if name != TYPICAL},
        failed.get(TYPICAL),
    )
