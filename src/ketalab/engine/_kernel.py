"""The kernel of a model: the lockstep scheme as machine code for lanes of patients, compiled once and kept on disk.

What is compiled follows from the program of the equations alone (:mod:`ketalab.model._program`): one kernel serves all
people, drugs, doses and schedules. Its name in the cache is a hash of the program and of the code behind it.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from ketalab.engine import _compiled, _layout, _march, _modes
from ketalab.engine._layout import NODES, Layout, lay_out
from ketalab.engine._radau import radau

Function = Callable[..., Any]

#: Patients side by side: one or two vectors of the processor.
LANES = 8


@dataclass(frozen=True, eq=False)
class Kernel:
    """Compiled ``march`` and ``stages`` of one model, and where things lie in them."""

    layout: Layout
    march: Function
    stages: Function


@cache
def load_decompose() -> Function:
    """:func:`ketalab.engine._modes.decompose`, compiled.

    Raises
    ------
    SolutionError
        There is no working compiler.
    """
    with _compiled.compiling("the kernel"):
        numba = importlib.import_module("numba")
        module, kept = _compiled.load_text("modes", inspect.getsource(_modes))
        vars(module)["rotate"] = numba.njit(_modes.rotate, error_model="numpy")
        f, i, b = numba.types.float64, numba.types.int64, numba.types.boolean
        signature = numba.types.void(
            f[:, :, ::1], i[::1], i[::1], b[:, ::1], f[:, :, ::1], f[:, :, :, ::1],
            f[:, :, :, ::1], f[:, :, :, ::1], b[::1],
        )  # fmt: skip
        return _compiled.compile_function(module.decompose, signature, kept)


def _placed(layout: Layout, lanes: int) -> dict[str, Any]:
    """The slots, as the names of :mod:`ketalab.engine._march`."""
    return {
        "LANES": lanes,
        "SLOTS": layout.slots,
        "RANKS": len(layout.ranks),
        "STATES": layout.stages - layout.begin,
        "HOURS": layout.hours,
        "LOWEST": layout.lowest,
        "BEGIN": layout.begin,
        "STAGES": layout.stages,
        "DRIVERS": layout.drivers,
        "DRIVERS_COUNT": layout.driver_count,
        "FIRST_GIVEN": layout.first_given,
        "NODE": radau(NODES).nodes.copy(),
        "STARTS": np.array(layout.starts, np.int64),
        "SOLVES": np.array(layout.solves, np.int64).reshape(-1, 6),
        "MADE": np.array(layout.factors, np.int64).reshape(-1, 2),
        "CONSTANTS": np.array(layout.constants, float).reshape(-1, 2),
    }


@cache
def load_kernel(
    program: str,
    wanted: tuple[int, ...],
    lanes: int = LANES,
) -> Kernel:
    """Compile the kernel of a program for the states that are ``wanted``, or read it from the cache.

    Raises
    ------
    SolutionError
        There is no working compiler.
    """
    layout = lay_out(program, wanted)
    with _compiled.compiling("the kernel"):
        numba = importlib.import_module("numba")
        from ketalab.engine import _lanes, _vectors

        also = [program, repr(wanted), str(lanes)]
        also += [inspect.getsource(m) for m in (_layout, _lanes, _vectors, sys.modules[__name__])]
        module, kept = _compiled.load_text("kernel", inspect.getsource(_march), "\0".join(also))
        for name, value in _placed(layout, lanes).items():
            setattr(module, name, value)
        for name, part in _lanes.lane_functions(layout, lanes).items():
            setattr(module, name, part)
        for name in _march.HELPERS:
            setattr(module, name, numba.njit(getattr(module, name), error_model="numpy"))
        f, i = numba.types.float64, numba.types.int64
        one, two, three, four = f[::1], f[:, ::1], f[:, :, ::1], f[:, :, :, ::1]
        five, whole = f[:, :, :, :, ::1], i[::1]
        march = numba.types.void(
            two, three, one, whole, whole, one, whole, whole, whole, whole, two, whole, whole, two,
            four, five, five, four, i[:, ::1], whole, i[:, ::1], whole, whole, whole, whole, one, two, one, one, whole,
        )  # fmt: skip
        stages = numba.types.void(two, three, two, f, three, one)
        return Kernel(
            layout,
            _compiled.compile_function(module.march, march, kept),
            _compiled.compile_function(module.stages, stages, kept),
        )


def wanted_states(order: Sequence[int]) -> tuple[int, ...]:
    """The states of a kernel, in a form that tells two kernels apart."""
    return tuple(sorted(int(i) for i in order))
