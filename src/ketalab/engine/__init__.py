"""The engine: numerics that know no drug."""

from ketalab.engine._checker import Status, check
from ketalab.engine._compiled import cache_folder
from ketalab.engine._events import MOST_AT_ONCE, Dose, Move, Record, falls, moves_of
from ketalab.engine._grid import TOLERANCE, Grid, build_grid, grid_times, halve_grid
from ketalab.engine._linear import Block, Ladder, norms, split_blocks
from ketalab.engine._lockstep import solve
from ketalab.engine._packed import kernel_stepper, solve_packed
from ketalab.engine._problem import Problem, Schedule, Segment, Solution, Tell
from ketalab.engine._propagate import answer
from ketalab.engine._radau import radau
from ketalab.engine._steady import never_empties
from ketalab.engine._systems import Systems

__all__ = [
    "MOST_AT_ONCE",
    "TOLERANCE",
    "Block",
    "Dose",
    "Grid",
    "Ladder",
    "Move",
    "Problem",
    "Record",
    "Schedule",
    "Segment",
    "Solution",
    "Status",
    "Systems",
    "Tell",
    "answer",
    "build_grid",
    "cache_folder",
    "check",
    "falls",
    "grid_times",
    "halve_grid",
    "kernel_stepper",
    "moves_of",
    "never_empties",
    "norms",
    "radau",
    "solve",
    "solve_packed",
    "split_blocks",
]
