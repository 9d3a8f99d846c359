"""Whose states move faster than the steps that all share: they alone are solved again, on shorter ones.

How much the slope at a step's start bends its polynomial says how wrong the step is inside, for each patient and state.
Where that is too much, the patient's own steps are cut in two until it is not. Nobody's values depend on others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ketalab.engine import (
    Grid,
    Problem,
    Schedule,
    Solution,
    grid_times,
    halve_grid,
    solve_packed,
)

Array = NDArray[np.float64]
#: Solves some patients on a grid.
Solve = Callable[[Problem, Schedule, Grid], Solution | None]

#: Steps are cut in two so often at most.
HALVINGS = 4
TOO_FAST = (
    f"a state moves too fast for steps that are {2**HALVINGS} times shorter than those of others"
)
#: The size that a state has is at least this share of its peak in a person who has little of it: a quarter have less.
_FLOOR, _LITTLE = 1e-3, 0.25
#: Times at which peaks are looked for.
_LOOKS = 500


def choose_floors(problem: Problem, schedule: Schedule, grid: Grid) -> Array | None:
    """Sizes (m,) of the states below which nothing matters, by their peaks in some people; None where the kernel does
    not know the problem's form."""
    edges = grid_times(grid, schedule)
    made = solve_packed(problem, schedule, grid, edges[:: max(len(edges) // _LOOKS, 1)], shown=())
    if made is None:
        return None
    sound = np.isfinite(made.states).all(axis=(0, 1))
    peaks = np.abs(made.states[:, :, sound]).max(axis=0)
    return _FLOOR * np.quantile(peaks, _LITTLE, axis=1) if sound.any() else None


def refine(
    solve: Solve, problem: Problem, schedule: Schedule, grid: Grid, solution: Solution
) -> Solution:
    """The solution with its rough patients solved on shorter steps, and failed where none are short enough."""
    rough, failed = solution.rough, dict(solution.failed)
    for _ in range(HALVINGS):
        members = [i for i in rough if i not in failed]
        if not members:
            break
        grid = halve_grid(grid)
        # One alone is posed twice, so that what NumPy makes of one number and of a list is the same.
        posed = members * 2 if len(members) == 1 else members
        part = solve(problem.take(posed), tuple(segment.take(posed) for segment in schedule), grid)
        assert part is not None
        solution.linear[:, :, members] = part.linear[:, :, : len(members)]
        solution.states[:, :, members] = part.states[:, :, : len(members)]
        failed |= {posed[i]: reason for i, reason in part.failed.items()}
        rough = tuple(sorted({posed[i] for i in part.rough}))
    else:
        failed |= {i: TOO_FAST for i in rough if i not in failed}
    return replace(solution, failed=failed, rough=())
