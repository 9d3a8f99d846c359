"""How many patients one piece of work holds, and how many rows a group of the result."""

from __future__ import annotations

from ketalab.laboratory._ranges import Asked
from ketalab.laboratory._run import BATCH
from ketalab.laboratory._scenario import Scenario

#: Bytes of one chunk's table: it is in a worker's memory whole, some times over while it is written.
CHUNK_BYTES = 16 << 20
#: Chunks for each worker, so that none waits long for the last one.
_EACH = 16
#: Patients of a chunk where memory allows more: a killed worker loses no more than these.
_LARGEST = 8192
#: Chunks of a run, about: each is two files, and is looked at when the run is assembled.
_MOST = 20_000
#: Bytes of a group of rows in the result, of which a few are in memory at a time.
_GROUP_BYTES = 32 << 20
_GROUP_LEAST, _GROUP_MOST = 1024, 1 << 18
#: Figures that an output may have.
_FIGURES = 14


def columns_about(scenario: Scenario, asked: Asked) -> int:
    """Columns of the result's table, at most."""
    return 1 + len(asked.infos) * (_FIGURES + len(scenario.times))


def choose_size(patients: int, workers: int, columns: int) -> int:
    """Patients of a chunk: enough chunks for balance and progress, few enough files, bounded memory.

    Whole batches of the laboratory, where a chunk is larger than one.
    """
    fits = max(CHUNK_BYTES // (8 * columns), 64)
    for_balance = -(-patients // (_EACH * workers))
    for_files = -(-patients // _MOST)
    size = min(max(min(for_balance, _LARGEST), for_files, 64), fits)
    return size if size <= BATCH else size - size % BATCH


def group_rows(columns: int) -> int:
    """Rows of a group of the result: a power of two that depends on nothing but its width."""
    fits = max(_GROUP_BYTES // (8 * columns), 1)
    return min(max(1 << (fits.bit_length() - 1), _GROUP_LEAST), _GROUP_MOST)
