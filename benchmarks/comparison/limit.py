"""How far the kernel is from a limit of the machine: evaluations of the equations that nothing could save.

limit = time of one evaluation of the states' equations for a block of lanes, times the fewest nodes that carry all
trajectories to the allowed error. It leaves out solving, the body and output, so no kernel reaches it; it is an
estimate of this formulation and no proven bound.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ketalab.engine import check, radau
from ketalab.engine._deviations import deviate
from ketalab.engine._kernel import LANES, wanted_states
from ketalab.engine._layout import lay_out

from .case import Array, Case
from .metric import ALLOWED, FLOOR

DEGREE = 6
#: Where a piece is held against the trajectory: between its nodes, which are those of Chebyshev.
_NODES = 0.5 - 0.5 * np.cos(np.pi * np.arange(DEGREE + 1) / DEGREE)
_BETWEEN = 0.5 - 0.5 * np.cos(np.pi * (np.arange(4 * DEGREE) + 0.5) / (4 * DEGREE))
_REPEATS = 20_000


def _basis(nodes: Array, at: Array) -> Array:
    """Lagrange's polynomials of the nodes at places, (places, nodes)."""
    rows = [
        np.prod([(at - other) / (node - other) for other in np.delete(nodes, j)], axis=0)
        for j, node in enumerate(nodes)
    ]
    return np.stack(rows, axis=-1)


_WEIGHTS = _basis(_NODES, _BETWEEN)


def count_nodes(
    course: Callable[[Array], Array], start: float, stop: float, size_floor: Array
) -> int:
    """Fewest nodes of piecewise polynomials that carry a course (T,) -> (T, m) from start to stop, one mesh for all.

    Greedy: each piece is as long as the allowed error lets it be. Pieces share their ends, so each costs its degree.
    """

    def fits(begin: float, end: float) -> bool:
        span = end - begin
        true = course(begin + span * _BETWEEN)
        made = _WEIGHTS @ course(begin + span * _NODES)
        size = np.maximum(np.maximum(np.abs(true), size_floor), 1e-300)
        return bool((np.abs(made - true) <= ALLOWED * size).all())

    nodes, begin, guess = 1, start, stop - start
    while begin < stop:
        low, high = begin, stop
        if not fits(begin, stop):
            # A guess from the piece before, then twice or half of it until it is bracketed.
            length = min(guess, stop - begin)
            while not fits(begin, begin + length):
                high, length = begin + length, length / 2
            low = begin + length
            while low + length < high and fits(begin, low + length):
                low += length
                length *= 2
            high = min(high, low + length)
            for _ in range(8):
                middle = 0.5 * (low + high)
                low, high = (middle, high) if fits(begin, middle) else (low, middle)
        else:
            low = stop
        nodes += DEGREE
        begin, guess = low, low - begin
    return nodes


def _course_between(edges: Array, values: Array, points: int) -> Callable[[Array], Array]:
    """A function of time from values at ``points`` places of every step (steps x points + 1, m)."""
    places = np.arange(points + 1) / points

    def course(times: Array) -> Array:
        step = np.clip(np.searchsorted(edges, times, side="right") - 1, 0, len(edges) - 2)
        share = (times - edges[step]) / np.diff(edges)[step]
        rows = points * step[:, None] + np.arange(points + 1)
        return np.einsum("tp,tpm->tm", _basis(places, share), values[rows])

    return course


def fewest_nodes(case: Case) -> float:
    """Mean over the patients of the fewest nodes of all states beside the body, segment by segment.

    The trajectories are the checker's at the edges of the laboratory's steps and three points within each, and
    polynomials of degree 4 between: the steps are that fine.
    """
    from ketalab.engine import grid_times

    edges, points = grid_times(case.grid, case.schedule), 4
    share = np.arange(points) / points
    times = np.append((edges[:-1, None] + np.diff(edges)[:, None] * share).ravel(), edges[-1])
    made = check(case.problem, case.schedule, times, rtol=1e-9, atol=1e-12)
    counts = []
    for patient in range(case.patients):
        values = made.states[:, :, patient]
        values = values[:, np.ptp(values, axis=0) > 0]
        course = _course_between(edges, values, points)
        floor = FLOOR * np.abs(values).max(axis=0)
        counts.append(sum(count_nodes(course, s.start, s.stop, floor) for s in case.schedule))
    return float(np.mean(counts))


def time_evaluation(case: Case, rounds: int) -> float:
    """Seconds of one evaluation of all states' equations for a block of lanes, in compiled code."""
    import numba

    from ketalab.engine._lanes import lane_functions
    from ketalab.engine._vectors import SINGLE

    problem = case.problem
    program = deviate(problem.program(), tuple(problem.initial.tolist()))  # type: ignore[misc]
    layout = lay_out(program, wanted_states(problem.order))
    parts = lane_functions(layout, LANES, SINGLE)
    prepare, evaluate, ranks = parts["prepare"], parts["evaluate"], len(layout.ranks)
    values, _ = case.given(0)
    given = np.repeat(values[0, list(layout.given)], LANES)
    shares = np.zeros(max(len(layout.shares), 1) * LANES)
    w = np.zeros(layout.slots * LANES, np.float32)
    for slot, number in layout.constants:
        w[slot * LANES : (slot + 1) * LANES] = number
    # States a little off their rest, drivers at about their half effect.
    w[layout.stages * LANES : layout.moved * LANES] = 0.1
    w[layout.drivers * LANES : (layout.drivers + 4 * layout.driver_count) * LANES] = 0.1

    @numba.njit(error_model="numpy")
    def repeat(w: Any, times: int) -> None:
        prepare(w, given, shares)
        for i in range(times):
            for rank in range(ranks):
                # Another node each time, so that nothing is done once for all.
                evaluate(w, rank, i & 3)

    repeat(w, 1)
    seconds = []
    for _ in range(rounds):
        begin = time.process_time()
        repeat(w, _REPEATS)
        seconds.append((time.process_time() - begin) / _REPEATS)
    return float(np.median(seconds))


def measure_limit(
    case: Case, kernels: Mapping[str, tuple[float, int]], rounds: int
) -> list[dict[str, object]]:
    """Both factors, the limit, and which part of it each kernel is: name -> (patients a second, steps of its grid)."""
    evaluation, nodes = time_evaluation(case, rounds), fewest_nodes(case.take(slice(0, 3)))
    limit = LANES / (evaluation * nodes)
    stages = radau(4).weights.shape[0]
    return [
        {
            "kernel": name,
            "one evaluation, ns a patient": 1e9 * evaluation / LANES,
            "fewest nodes": nodes,
            "nodes that it takes": stages * steps,
            "limit, patients/s": limit,
            "its patients/s": rate,
            "% of the limit": 100 * rate / limit,
            "times as many nodes as needed": stages * steps / nodes,
            "times an evaluation, a node": 1 / (rate * stages * steps * evaluation / LANES),
        }
        for name, (rate, steps) in kernels.items()
    ]
