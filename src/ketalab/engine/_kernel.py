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

from ketalab.engine import _compiled, _layout, _march, _mode_loops, _modes, _step_loops
from ketalab.engine._layout import FACTORS, Layout, lay_out

Function = Callable[..., Any]

#: Patients side by side: one or two vectors of the processor.
LANES = 16


@dataclass(frozen=True, eq=False)
class Part:
    """A compiled function of :mod:`ketalab.engine._march` for one model, where things lie in it, and the type of its
    slots' numbers."""

    layout: Layout
    real: type
    run: Function


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
        for name in _modes.HELPERS:
            setattr(
                module, name, numba.njit(error_model="numpy", _nrt=False)(getattr(module, name))
            )
        f, i, b = numba.types.float64, numba.types.int64, numba.types.boolean
        whole, pairs, two, three = i[::1], i[:, ::1], f[:, ::1], f[:, :, ::1]
        signature = numba.types.void(
            two, pairs, whole, whole, b[:, ::1], whole, whole, pairs, pairs, whole, whole, whole, three, three, three,
            three, b[::1], b[::1], three, two, pairs,
        )  # fmt: skip
        return _compiled.compile_function(module.decompose, signature, kept, allocates=False)


def _placed(layout: Layout, lanes: int) -> dict[str, Any]:
    """The slots, as the names of :mod:`ketalab.engine._march`."""
    states = layout.states
    reads = [sorted(layout.reads[i]) for i in layout.order]
    return {
        "LANES": lanes,
        "SLOTS": layout.slots,
        "RANKS": len(layout.ranks),
        "STATES": states,
        "HOURS": layout.hours,
        "LOWEST": layout.lowest,
        "BEGIN": layout.begin,
        "STAGES": layout.stages,
        "MOVED": layout.moved,
        "SLOPE": layout.slope,
        "BEND": layout.bend,
        "BENT": layout.bent,
        "ROUGH": layout.rough,
        "DRIVERS": layout.drivers,
        "DRIVERS_COUNT": layout.driver_count,
        "FACTORS": FACTORS,
        "STARTS": np.array(layout.starts, np.int64),
        "SOLVES": np.array(layout.solves, np.int64).reshape(-1, 6),
        "MADE": np.array(layout.still, np.int64),
        "CONSTANTS": np.array(layout.constants, float).reshape(-1, 2),
        "READ": np.array([x for row in reads for x in row], np.int64),
        "READ_AT": np.cumsum([0, *map(len, reads)], dtype=np.int64),
        "REST": np.array(layout.rest),
        "ORDER": np.array(layout.order, np.int64),
        "IDLE": np.array([i for i in range(states) if i not in layout.order], np.int64),
    }


#: Types of float numbers, whole ones and truths, and of what a part with so many buffers works in.
Kinds = tuple[Any, Any, Any, Callable[[int], tuple[Any, ...]]]


def _kinds(types: Any, precision: Any) -> Kinds:
    f, i, b = types.float64, types.int64, types.boolean
    slots = types.float64 if precision.numpy is np.float64 else types.float32

    def rooms(buffers: int) -> tuple[Any, ...]:
        pairs = ((f, buffers), (i, 2), (b, 3))
        return slots[::1], *(types.UniTuple(kind[::1], count) for kind, count in pairs)

    return f, i, b, rooms


def _load(
    entry: str,
    program: str,
    wanted: tuple[int, ...],
    lanes: int,
    single: bool,
    types: Callable[..., Any],
) -> Part:
    layout = lay_out(program, wanted)
    with _compiled.compiling("the kernel"):
        numba = importlib.import_module("numba")
        from ketalab.engine import (
            _lane_drivers,
            _lane_equations,
            _lane_modes,
            _lane_solves,
            _lanes,
            _vectors,
        )

        parts = [_lane_drivers, _lane_equations, _lane_modes, _lane_solves, _vectors]
        parts += [_mode_loops, _step_loops]
        precision = _vectors.SINGLE if single else _vectors.DOUBLE
        also = [entry, program, repr(wanted), str(lanes), precision.name]
        also += [inspect.getsource(m) for m in (_layout, _lanes, *parts, sys.modules[__name__])]
        known = _placed(layout, lanes)
        known |= _lane_modes.mode_functions(lanes)
        known |= _lanes.lane_functions(layout, lanes, precision)
        for source in (_mode_loops, _step_loops, _march):
            text = inspect.getsource(source)
            module, kept = _compiled.load_text("kernel", text, "\0".join(also))
            vars(module).update(known)
            for name in getattr(source, "HELPERS", ()):
                known[name] = _compiled.inner_function(getattr(module, name))
                setattr(module, name, known[name])
        signature = numba.types.void(*types(*_kinds(numba.types, precision)))
        made = _compiled.compile_function(getattr(module, entry), signature, kept, allocates=False)
        return Part(layout, precision.numpy, made)


@cache
def load_march(
    program: str, wanted: tuple[int, ...], lanes: int = LANES, single: bool = True
) -> Part:
    """Compile :func:`ketalab.engine._march.march` for the states that are ``wanted``, or read it from the cache.

    Raises
    ------
    SolutionError
        There is no working compiler.
    """

    def types(f: Any, i: Any, b: Any, rooms: Any) -> tuple[Any, ...]:
        one, two, three, whole, pairs, flags = (
            f[::1], f[:, ::1], f[:, :, ::1], i[::1], i[:, ::1], b[::1],
        )  # fmt: skip
        return (
            two, three, one, whole, whole, one, whole, whole, whole, one, whole, whole, two, whole, whole, two,
            three, three, three, three, pairs, whole, whole, whole, whole, whole, whole, whole, whole, whole, whole,
            whole, pairs, pairs, whole, pairs, flags, whole, one, two, one, one, three, three, one, one, one, whole,
            whole, *rooms(18),
        )  # fmt: skip

    return _load("march", program, wanted, lanes, single, types)


@cache
def load_stages(program: str, wanted: tuple[int, ...], lanes: int = LANES) -> Part:
    """The same of :func:`ketalab.engine._march.stages`, in double numbers: errors of steps are judged by it."""

    def types(f: Any, i: Any, b: Any, rooms: Any) -> tuple[Any, ...]:
        two, three = f[:, ::1], f[:, :, ::1]
        return two, three, two, two, f, f, b[::1], three, f[::1], *rooms(3)

    return _load("stages", program, wanted, lanes, False, types)


def wanted_states(order: Sequence[int]) -> tuple[int, ...]:
    """The states of a kernel, in a form that tells two kernels apart."""
    return tuple(sorted(int(i) for i in order))
