"""What the engine integrates: a linear part, a cascade of self-linear states, and a schedule of segments.

Shapes: N patients, n linear states, m other states. The engine knows names only to report them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ketalab.errors import ScenarioError

Array = NDArray[np.float64]
Links = NDArray[np.bool_]
Function = Callable[..., Any]
#: Hears how far a solution is, 0 to 1.
Tell = Callable[[float], None]


@dataclass(frozen=True)
class Problem:
    """``dx/dt = A x + inflow`` and ``dy_i/dt = g_i - k_i y_i`` for N patients.

    ``matrix`` (N, n, n) is A, per hour. Inputs may move it from segment to segment: ``movers`` names those that do, and
    ``moved`` is a function (parameters, covariates, inputs) -> (N, n, n) that is then asked in place of ``matrix``,
    which holds nothing; ``entries`` gives the same as a list of the entries at ``places``.
    ``links`` (n, n) says which entries may differ from zero in anybody, at any time, so that what is left out does not
    depend on who is simulated; where it is not given, those that do. ``idle`` names the inputs that nothing integrated
    reads: segments that differ in them alone are solved alike.

    ``initial`` (m,); ``gains[i]`` and ``rates[i]`` are functions of (drivers, states, parameters, covariates, inputs),
    lists of arrays that broadcast with (..., N); ``drivers`` are the indices of the linear states among their
    arguments; ``constant_rate[i]`` says that k_i does not move; ``order`` is the order of the cascade and ``loop``
    whether one feedback loop closes it. There may be no other states at all (m = 0).

    ``source`` writes the text of all dz/dt and their Jacobian for the checker, where z are the linear states and then
    the others. The text defines ``FIXED``, a number; ``prepare(given, out)``, which makes that many numbers from the
    parameters, covariates and inputs in a row; ``rates(z, fixed, out)``; and ``jacobian(z, fixed, out)``, which writes
    what is not always zero into (n + m, n + m). It may call ``np`` and ``math``.

    ``program`` writes g and k of the states as elementary operations for the kernel
    (:mod:`ketalab.engine._layout`), where ``given`` are again parameters, covariates and inputs in a row.
    """

    linear_names: tuple[str, ...]
    state_names: tuple[str, ...]
    matrix: Array
    initial: Array
    gains: tuple[Function, ...]
    rates: tuple[Function, ...]
    constant_rate: tuple[bool, ...]
    drivers: tuple[int, ...]
    order: tuple[int, ...]
    loop: bool
    parameters: Array
    covariates: Array
    input_names: tuple[str, ...]
    source: Callable[[], str] | None = None
    program: Callable[[], str] | None = None
    links: Links | None = None
    movers: tuple[str, ...] = ()
    moved: Function | None = None
    places: tuple[tuple[int, int], ...] = ()
    entries: Function | None = None
    idle: frozenset[str] = frozenset()

    @property
    def patients(self) -> int:
        """N."""
        return self.matrix.shape[0]

    def entries_under(
        self, inputs: Mapping[str, Array | float]
    ) -> Iterator[tuple[tuple[int, int], Array]]:
        """Places of A that may differ from zero, and their values (N,) while inputs have these values."""
        if self.entries is None:
            matrix = self.matrix_under(inputs)
            links = np.any(matrix != 0, axis=0) if self.links is None else self.links
            places = [(int(i), int(j)) for i, j in np.argwhere(links)]
            yield from ((place, matrix[:, place[0], place[1]]) for place in places)
            return
        values = self.entries(self.parameters, self.covariates, self._given(inputs))
        yield from zip(self.places, values, strict=True)

    def _given(self, inputs: Mapping[str, Array | float]) -> list[Array]:
        # One a patient in any case, so that the last digit does not depend on how a value is given.
        return [
            np.full(self.patients, np.asarray(inputs[name], dtype=float))
            for name in self.input_names
        ]

    def take(self, patients: slice | Sequence[int]) -> Problem:
        """The same problem for some of the patients."""
        return replace(
            self,
            matrix=self.matrix[patients],
            parameters=self.parameters[:, patients],
            covariates=self.covariates[:, patients],
        )

    def matrix_under(self, inputs: Mapping[str, Array | float]) -> Array:
        """A (N, n, n) while inputs have these values, numbers or one a patient."""
        if self.moved is None:
            return self.matrix
        made: Array = self.moved(self.parameters, self.covariates, self._given(inputs))
        return made


@dataclass(frozen=True)
class Segment:
    """A span of time without events inside, from ``start`` to ``stop`` (hours).

    ``boluses`` are added at its start; ``inflow`` runs through it (amount per hour); ``inputs`` are the
    values of the free inputs. Amounts and values are numbers or arrays (N,). At the start of a segment
    results are those just after its boluses.
    """

    start: float
    stop: float
    boluses: tuple[tuple[int, Array], ...] = ()
    inflow: tuple[tuple[int, Array], ...] = ()
    inputs: Mapping[str, Array | float] = field(default_factory=dict)

    @property
    def length(self) -> float:
        """Hours."""
        return self.stop - self.start

    def take(self, patients: slice | Sequence[int]) -> Segment:
        """The same segment for some of the patients."""

        def part(value: Array | float) -> Array | float:
            return value[patients] if isinstance(value, np.ndarray) and value.ndim else value

        return replace(
            self,
            boluses=tuple((i, np.asarray(part(a))) for i, a in self.boluses),
            inflow=tuple((i, np.asarray(part(a))) for i, a in self.inflow),
            inputs={name: part(value) for name, value in self.inputs.items()},
        )


Schedule = tuple[Segment, ...]


def check_times(schedule: Schedule, times: Array) -> None:
    """Refuse times outside the schedule, or times that do not rise."""
    first, last = schedule[0].start, schedule[-1].stop
    outside = times[~((times >= first) & (times <= last))]
    if len(outside):
        raise ScenarioError(f"time {outside[0]:g} h lies outside {first:g} to {last:g} h")
    if np.any(np.diff(times) < 0):
        raise ScenarioError("times must rise")


@dataclass(frozen=True)
class Solution:
    """States at ``times`` (T,) hours: ``linear`` (T, n, N), ``states`` (T, m, N), and a reason per failed patient.

    Where only some linear states were asked for, ``shown`` are their numbers, and ``linear`` (T, len(shown), N) holds
    them in that order. ``rough`` are the patients with a step that was too long for them, where that was asked.
    """

    times: Array
    linear: Array
    states: Array
    failed: Mapping[int, str] = field(default_factory=dict)
    shown: tuple[int, ...] | None = None
    rough: tuple[int, ...] = ()

    def linear_rows(self, count: int) -> list[Array]:
        """Each of ``count`` linear states (T, N); nothing (1, 1) in the place of those that nobody asked for."""
        shown = range(count) if self.shown is None else self.shown
        rows = [np.zeros((1, 1))] * count
        for place, state in enumerate(shown):
            rows[state] = self.linear[:, place]
        return rows
