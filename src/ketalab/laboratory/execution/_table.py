"""The table of patients: a row each, columns of figures (``score:MADRS at 24``) and courses (``score:MADRS t=24``).

Groups of rows have a size that depends on the table's width alone, so that the bytes of the result do not tell how the
work was split.
"""

from __future__ import annotations

import io
import os
import re
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYetError
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars.io.plugins import register_io_source

from ketalab.errors import OutputError
from ketalab.laboratory._ranges import Array, Part
from ketalab.laboratory._scenario import Scenario
from ketalab.laboratory.execution._chunks import group_rows
from ketalab.laboratory.execution._durable import PART, digest, settle
from ketalab.laboratory.execution._errors import DamagedError
from ketalab.laboratory.execution._folder import Folder, Manifest

PERSON = "person"
_LEVEL = 3
_TICK_S = 0.2


def figure_column(output: str, figure: str) -> str:
    """Name of the column of a figure; an output's name holds no space."""
    return f"{output} {figure}"


def course_column(output: str, hour: float) -> str:
    """Name of the column of a course at an hour."""
    return f"{output} t={hour:.12g}"


def frame_of(scenario: Scenario, times: Array, parts: list[Part]) -> pl.DataFrame:
    """The table of patients that were computed part by part; courses where hours were asked for."""
    numbers = np.arange(parts[0].begin, parts[-1].end, dtype=np.int64)
    columns: dict[str, NDArray[Any]] = {PERSON: numbers}
    for output, figures in parts[0].figures.items():
        for figure in figures:
            column = [part.figures[output][figure] for part in parts]
            columns[figure_column(output, figure)] = np.concatenate(column)
    if scenario.times:
        for output in parts[0].values:
            for place, hour in enumerate(times):
                row = [part.values[output][place] for part in parts]
                columns[course_column(output, hour)] = np.concatenate(row)
    return pl.DataFrame(columns)


def encode(frame: pl.DataFrame) -> bytes:
    """A table as Parquet."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", compression_level=_LEVEL)
    return buffer.getvalue()


def _read_chunk(folder: Folder, number: int, sha256: str) -> pl.DataFrame:
    """The table of a chunk, from the very bytes whose hash was taken."""
    try:
        content = folder.chunk(number).read_bytes()
    except OSError:
        content = b""
    if digest(content) != sha256:
        raise DamagedError(f"{folder.chunk(number)}: not the bytes that were written", number)
    return pl.read_parquet(io.BytesIO(content))


def _groups(frames: Iterator[pl.DataFrame], rows: int) -> Iterator[pl.DataFrame]:
    """The same rows in tables of ``rows`` each, the last one shorter."""
    held: list[pl.DataFrame] = []
    count = 0
    for frame in frames:
        held.append(frame)
        count += len(frame)
        while count >= rows:
            whole = pl.concat(held)
            yield whole[:rows].rechunk()
            held, count = [whole[rows:]], count - rows
    if count:
        yield pl.concat(held).rechunk()


def _reason(error: Exception) -> str:
    """What the system said, where the library only wraps it."""
    code = re.search(r"\(os error (\d+)\)", str(error))
    return str(error) if code is None else os.strerror(int(code[1]))


def assemble(
    folder: Folder,
    manifest: Manifest,
    hashes: Mapping[int, str],
    tell: Callable[[int], None],
) -> None:
    """Write the table of everybody from the chunks, a few groups of rows in memory at a time.

    Parameters
    ----------
    hashes : SHA-256 of each chunk.
    tell : hears how many chunks were read.

    Raises
    ------
    DamagedError
        A chunk that is not what was written.
    OutputError
        The disk is full, or the folder cannot be written.
    """
    schema = _read_chunk(folder, 0, hashes[0]).schema
    rows = group_rows(len(schema))
    stop = threading.Event()
    trouble: list[Exception] = []
    read = 0

    def frames() -> Iterator[pl.DataFrame]:
        nonlocal read
        for number in range(manifest.count):
            if stop.is_set():
                raise InterruptedError
            try:
                yield _read_chunk(folder, number, hashes[number])
            except DamagedError as error:
                trouble.append(error)
                raise
            read = number + 1

    def source(
        columns: list[str] | None, predicate: pl.Expr | None, most: int | None, batch: int | None
    ) -> Iterator[pl.DataFrame]:
        # A sink asks for everything.
        return _groups(frames(), rows)

    def write() -> None:
        part = Path(tempfile.mkdtemp(dir=folder.path, prefix=PART)) / "result.parquet"
        try:
            register_io_source(source, schema=schema).sink_parquet(
                part,
                compression="zstd",
                compression_level=_LEVEL,
                row_group_size=rows,
                maintain_order=True,
            )
            part.chmod(0o644)
            settle(part, folder.result)
        finally:
            part.unlink(missing_ok=True)
            part.parent.rmdir()

    # In a thread of its own: what runs outside of Python would keep a request to end from being heard.
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(write)
        try:
            while True:
                try:
                    working.result(timeout=_TICK_S)
                    return
                except NotYetError:
                    tell(read)
        except KeyboardInterrupt:
            stop.set()
            raise
        except OSError as error:
            raise OutputError(
                f"{folder.result}: cannot be written: {error.strerror or error}"
            ) from None
        except pl.exceptions.PolarsError as error:
            if trouble:
                raise trouble[0] from None
            raise OutputError(f"{folder.result}: cannot be written: {_reason(error)}") from None
        except DamagedError as error:
            raise error from None
