"""The engine: numerics that know no drug."""

from ketalab.engine._checker import check
from ketalab.engine._grid import TOLERANCE, Grid, build_grid, grid_times
from ketalab.engine._linear import Block, Ladder, norms, split_blocks
from ketalab.engine._lockstep import solve
from ketalab.engine._problem import Problem, Schedule, Segment, Solution
from ketalab.engine._radau import radau

__all__ = [
    "TOLERANCE",
    "Block",
    "Grid",
    "Ladder",
    "Problem",
    "Schedule",
    "Segment",
    "Solution",
    "build_grid",
    "check",
    "grid_times",
    "norms",
    "radau",
    "solve",
    "split_blocks",
]
