"""Independent random streams per replicate, person and purpose.

One seed and one purpose (a text such as ``"between:body.cl"``) give one key of the Philox counter generator; the
replicate is part of the key and the person is the counter. A draw therefore depends on seed, purpose, replicate and
person alone: adding an output, a purpose or a person never changes another draw, and any part can be drawn by itself.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Array = NDArray[np.float64]

_PER_COUNTER = 4  # 64-bit words that Philox makes for each value of its counter
_BITS = 52  # of a double; with one more, the half added below could round up to a whole 1


@dataclass(frozen=True)
class Streams:
    """Random numbers of a run; ``seed`` is any non-negative integer."""

    seed: int = 0

    def _words(self, purpose: str, replicate: int, start: int, stop: int) -> NDArray[np.uint64]:
        words = np.frombuffer(hashlib.sha256(purpose.encode()).digest(), dtype="<u4")
        key = np.random.SeedSequence(
            entropy=self.seed, spawn_key=(replicate, *(int(w) for w in words))
        ).generate_state(2, np.uint64)
        generator = np.random.Philox(key=key)
        generator.advance(start // _PER_COUNTER)
        skip = start % _PER_COUNTER
        return generator.random_raw(skip + stop - start)[skip:]

    def uniform(self, purpose: str, count: int, *, replicate: int = 0, start: int = 0) -> Array:
        """Return ``count`` uniform numbers strictly between 0 and 1, for persons from ``start`` on."""
        words = self._words(purpose, replicate, start, start + count)
        return np.asarray(((words >> np.uint64(64 - _BITS)) + 0.5) * 2.0**-_BITS, dtype=np.float64)

    def normal(self, purpose: str, count: int, *, replicate: int = 0, start: int = 0) -> Array:
        """Return ``count`` standard normal numbers, one a person, by the inverse distribution."""
        return np.asarray(ndtri(self.uniform(purpose, count, replicate=replicate, start=start)))

    def of_people(
        self, purpose: str, replicate: NDArray[np.int64], index: NDArray[np.int64]
    ) -> Array:
        """Return one uniform number for each person, who is a ``replicate`` and an ``index`` in it (N,)."""
        numbers = np.empty(len(index))
        cuts = np.nonzero(np.diff(replicate))[0] + 1
        for part in np.split(np.arange(len(index)), cuts):
            first = int(index[part].min())
            count = int(index[part].max()) + 1 - first
            drawn = self.uniform(purpose, count, replicate=int(replicate[part[0]]), start=first)
            numbers[part] = drawn[index[part] - first]
        return numbers
