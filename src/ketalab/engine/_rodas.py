"""An adaptive Rosenbrock method, one patient at a time, in plain Python that a compiler takes as it stands.

A step of length h solves, for s stages with one matrix ``W = I / (h gamma) - J``,

    W k_i = f(z + sum_j a_ij k_j) + sum_j c_ij k_j / h,    z_new = z + sum_j a_sj k_j + k_s

(Hairer and Wanner, Solving Ordinary Differential Equations II, IV.7, the form without products with J). The methods
meant are stiffly accurate: the last stage is the difference to an embedded result one order lower, and so the
estimate of the error. Nothing moves with time inside a segment, so no derivative with respect to time is needed.

Nothing here imports a compiler: :mod:`ketalab.engine._compiled` compiles the functions of this file as they stand.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ketalab.engine._lu import compress, factor, substitute

#: What :func:`integrate` returns: places in :class:`ketalab.engine.Status`, which holds the words.
OK, TOO_MANY_STEPS, STEP_TOO_SMALL, NO_NUMBER, SINGULAR = 0, 1, 2, 3, 4
#: A step is at most this much longer than the one before, and at least this share of it.
LONGER, SHORTER = 6.0, 0.2
#: Steps are planned for this share of the length that would just meet the tolerance.
SAFETY = 0.9
#: The first step of a segment moves no state by more than about this share of itself.
FIRST = 0.01
#: A refused step is not tried again below this length, hours: a few picoseconds.
SMALLEST = 1e-15


def make_room(n: int, stages: int) -> Any:
    """Arrays for a step of n states: Jacobian, W, what is not zero in its factors, stages, and three vectors."""
    jacobian, w = np.zeros((n, n)), np.zeros((n, n))
    pivots, starts = np.zeros(n, np.int64), np.zeros(2 * n + 1, np.int64)
    rows, values = np.zeros(n * n, np.int64), np.zeros(n * n)
    vectors = np.zeros((3, n))
    return jacobian, w, pivots, starts, rows, values, np.zeros((stages, n)), vectors


def copy(source: Any, target: Any) -> None:
    """Element by element, which compiles much faster than a slice."""
    for i in range(len(source)):
        target[i] = source[i]


def take_step(
    rates: Any, fixed: Any, inflow: Any, method: Any, h: float, z: Any, slope: Any, room: Any
) -> bool:
    """One step from ``z``, where the rates are ``slope`` and the Jacobian is in ``room``.

    Leaves the new states in the second vector of ``room`` and the estimate of the error in its last stage;
    false if W is singular.
    """
    a, c, gamma, _ = method
    jacobian, w, pivots, starts, rows, values, k, vectors = room
    trial, right = vectors[1], vectors[2]
    n, stages = len(z), len(k)
    for j in range(n):
        for i in range(n):
            w[j, i] = -jacobian[i, j]
        w[j, j] += 1.0 / (h * gamma)
    if not factor(w, pivots):
        return False
    compress(w, starts, rows, values)
    for s in range(stages):
        copy(z, trial)
        for j in range(s):
            for i in range(n):
                trial[i] += a[s, j] * k[j, i]
        if s == 0:
            copy(slope, right)
        else:
            rates(trial, fixed, right)
            for i in range(n):
                right[i] += inflow[i]
        for j in range(s):
            for i in range(n):
                right[i] += c[s, j] / h * k[j, i]
        substitute(w, pivots, starts, rows, values, right)
        copy(right, k[s])
    for i in range(n):
        trial[i] += k[stages - 1, i]
    return True


def find_no_number(values: Any) -> int:
    """Place of the first value that is not finite, or -1."""
    for i in range(len(values)):
        if not np.isfinite(values[i]):
            return i
    return -1


def measure(z: Any, new: Any, difference: Any, rtol: float, atol: float) -> tuple[float, int]:
    """Largest error as a multiple of what is allowed, and the state that has it; NaN if a number is none."""
    error, worst = 0.0, -1
    for i in range(len(z)):
        part = abs(difference[i]) / (atol + rtol * max(abs(z[i]), abs(new[i])))
        if not (np.isfinite(part) and np.isfinite(new[i])):
            return np.nan, i
        if part > error:
            error, worst = part, i
    return error, worst


def first_step(z: Any, slope: Any, rtol: float, atol: float, span: float) -> float:
    """A length in which no state moves much."""
    fastest = 0.0
    for i in range(len(z)):
        # A state at zero has no size of its own; the tolerance says what is little.
        fastest = max(fastest, abs(slope[i]) / max(abs(z[i]), atol / rtol))
    return span if fastest * span <= FIRST else FIRST / fastest


def step_on(
    rates: Any,
    fixed: Any,
    inflow: Any,
    method: Any,
    time: float,
    left: float,
    z: Any,
    limits: Any,
    room: Any,
    plan: Any,
    count: Any,
) -> tuple[int, float, int]:
    """Take one step of at most ``left`` hours that meets the tolerance, the planned one or a shorter one.

    The rates at ``z`` are in the first vector of ``room``; ``plan`` holds the planned length. Returns a status, the
    length taken, and the state at fault.
    """
    rtol, atol, most_steps = limits
    slope, trial = room[7][0], room[7][1]
    refusal, fault, tried = STEP_TOO_SMALL, -1, False
    while True:
        if count[0] + count[1] >= most_steps:
            return TOO_MANY_STEPS, 0.0, -1
        h = plan[0]
        if h * 1.0001 >= left:
            h = left
        elif h * 2.0 > left:
            h = 0.5 * left
        if tried and h < left and (h < SMALLEST or time + h * 0.1 == time):
            return refusal, 0.0, fault
        tried = True
        if not take_step(rates, fixed, inflow, method, h, z, slope, room):
            plan[0], refusal, fault = h * SHORTER, SINGULAR, -1
            count[1] += 1
            continue
        error, worst = measure(z, trial, room[6][-1], rtol, atol)
        if not error <= 1.0:
            count[1] += 1
            fault = worst
            if np.isnan(error):
                plan[0], refusal = h * SHORTER, NO_NUMBER
            else:
                plan[0] = h * max(SHORTER, SAFETY * error ** (-1.0 / method[3]))
                refusal = STEP_TOO_SMALL
            continue
        count[0] += 1
        change = LONGER
        if error > 0.0:
            change = min(LONGER, max(SHORTER, SAFETY * error ** (-1.0 / method[3])))
        # A step that was cut short to end at a time says little about the next one.
        plan[0] = h * change if h >= plan[0] else max(plan[0], h * change)
        return OK, h, -1


def integrate(
    prepare: Any,
    rates: Any,
    jacobian: Any,
    fixed: Any,
    method: Any,
    z: Any,
    edges: Any,
    given: Any,
    boluses: Any,
    inflows: Any,
    times: Any,
    limits: Any,
    out: Any,
    count: Any,
) -> tuple[int, float, int]:
    """Integrate one patient through all segments.

    Parameters
    ----------
    prepare, rates, jacobian : the functions of a problem's ``source``; ``fixed`` (F,) is room for the first.
    method : a and c (s, s), gamma, and the order of the result.
    z : (n,) states before the first segment; overwritten.
    edges : (S + 1,) hours; ``given`` (S, g), ``boluses`` and ``inflows`` (S, n) of each segment.
    times : (T,) hours, rising, inside the edges.
    limits : relative and absolute tolerance, and the most steps.
    out : (T, n) is filled with the states at ``times``; at an edge they are those after its boluses.
    count : (2,) to which taken and refused steps are added.

    Returns
    -------
    A status, the time reached, and the state at fault (-1 if none is).
    """
    room = make_room(len(z), len(method[0]))
    slopes, slope, trial = room[0], room[7][0], room[7][1]
    plan = np.zeros(1)
    done = 0
    for number in range(len(given)):
        time, stop = edges[number], edges[number + 1]
        prepare(given[number], fixed)
        for i in range(len(z)):
            z[i] += boluses[number, i]
        plan[0] = 0.0
        while True:
            while done < len(times) and (
                times[done] <= time if number == len(given) - 1 else times[done] <= time < stop
            ):
                copy(z, out[done])
                done += 1
            if time >= stop:
                break
            target = stop
            if done < len(times) and times[done] < stop:
                target = times[done]
            rates(z, fixed, slope)
            for i in range(len(z)):
                slope[i] += inflows[number, i]
            jacobian(z, fixed, slopes)
            fault = find_no_number(slope)
            for i in range(len(z)):
                if fault < 0 and find_no_number(slopes[i]) >= 0:
                    fault = i
            if fault >= 0:
                return NO_NUMBER, time, fault
            if plan[0] == 0.0:
                plan[0] = first_step(z, slope, limits[0], limits[1], stop - time)
            left = target - time
            status, h, fault = step_on(
                rates, fixed, inflows[number], method, time, left, z, limits, room, plan, count
            )
            if status != OK:
                return status, time, fault
            copy(trial, z)
            time = target if h == left else time + h
    return OK, time, -1
