"""The linear part as modes that decay apart: plain loops, compiled by numba (:mod:`ketalab.engine._kernel`).

States fall into groups that feed each other both ways (a centre and its peripheral compartments), and groups into a
cascade. Within a group whose states are linked like a tree, detailed balance makes the matrix similar to a symmetric
one, so its modes are real and found by Jacobi's rotations. Down the cascade a mode of one group goes on in the next
with the weight ``L (sum of what comes in) / (lambda - mu)``.

Where lambda and mu agree there is no such weight: two equal delays in a row. Then the second mode grows from the first
while both decay, ``(z2 + c t z1) exp(lambda t)``, and c is what comes in. Three equal ones in a row are refused. The
closer two rates are without agreeing, the more digits cancel: weights add up to 40 in the middle of 4,000 people, to
1e6 in one of a thousand, and to 2e8 in one of them, which leaves an error of 1e-9 of the peak. Above 1e9 the
patient is refused (and solved by the checker where the run may). The ladder of :mod:`ketalab.engine._linear` has no
such limits, and the checker uses neither.
"""

from __future__ import annotations

import numpy as np

#: Rates that differ by less than this share are equal.
SAME = 1e-9
#: Rotations end when nothing is left beside the diagonal, at the latest after so many rounds.
_ROUNDS = 30
#: Weights that add up to so many times the largest result leave too few digits.
_LARGEST = 1e9
#: What :func:`decompose` calls, in the order in which it is compiled.
HELPERS = ("rotate", "own_modes")


def rotate(s, q, b):  # type: ignore[no-untyped-def]
    """Jacobi: S (b, b) becomes diagonal, Q (b, b) its modes as columns."""
    for i in range(b):
        for j in range(b):
            q[i, j] = 1.0 if i == j else 0.0
    for _ in range(_ROUNDS):
        rest, size = 0.0, 0.0
        for i in range(b):
            size += s[i, i] * s[i, i]
            for j in range(i + 1, b):
                rest += s[i, j] * s[i, j]
        if rest <= 1e-34 * size:
            return
        for i in range(b):
            for j in range(i + 1, b):
                # So small that it moves no digit, and that its square may be no number.
                if abs(s[i, j]) <= 1e-18 * (abs(s[i, i]) + abs(s[j, j])):
                    s[i, j] = s[j, i] = 0.0
                    continue
                theta = (s[j, j] - s[i, i]) / (2.0 * s[i, j])
                t = 1.0 / (abs(theta) + np.sqrt(theta * theta + 1.0))
                if theta < 0.0:
                    t = -t
                c = 1.0 / np.sqrt(t * t + 1.0)
                sn = t * c
                for k in range(b):
                    one, two = s[k, i], s[k, j]
                    s[k, i], s[k, j] = c * one - sn * two, sn * one + c * two
                for k in range(b):
                    one, two = s[i, k], s[j, k]
                    s[i, k], s[j, k] = c * one - sn * two, sn * one + c * two
                for k in range(b):
                    one, two = q[k, i], q[k, j]
                    q[k, i], q[k, j] = c * one - sn * two, sn * one + c * two


def decompose(  # type: ignore[no-untyped-def]
    values, places, starts, parents, feeds, modes, modes_at, place, inside, fed_at, fed_by, back_at, rates, weights,
    inverse, growth, grows, failed, matrices, numbers, lists,
):  # fmt: skip
    """Modes of every patient.

    ``values`` (E, N), the entries of the matrix that may differ from nothing, and ``places`` (E, 2) their row and
    column, states in the order of the groups; ``starts`` (groups + 1,) where each begins; ``parents`` (n,) the
    state of the same group that a state hangs on, or -1; ``feeds`` (groups, groups) whether one is fed by another.
    ``modes`` lists those that each state has part in, from ``modes_at`` (n + 1,) on; ``place`` (n, n) is where a
    state's weight of a mode stands among them, and ``inside`` (n, n) an entry of the matrix within a group, or -1;
    ``fed_by`` lists the entries by which other groups feed each state, from ``fed_at`` (n + 1,) on; ``back_at``
    (n,) is where a mode's row in ``inverse`` begins. Written, block after block of
    L patients: ``rates`` (B, n, L), decay of each mode; ``weights`` (B, M, L), how much of each listed mode a state
    has; ``inverse`` (B, K, L), a group's modes from its states; ``growth`` (B, M, L), how fast a mode, in the row
    of the state of its number, grows from an equal one; ``grows`` (M,), whether it does in anybody; ``failed``
    (N,). The last three are rooms to work in, for groups of up to b states: (2, b, b), (2 + b, max(b, L)) and
    (2, M).
    """
    n, lanes, groups = len(parents), rates.shape[2], len(starts) - 1
    s, q = matrices[0], matrices[1]
    scale, part, come = numbers[0], numbers[1], numbers[2:]
    grown, late = lists[0], lists[1]
    for block in range(rates.shape[0]):
        first_lane = block * lanes
        w, back, mu, c = weights[block], inverse[block], rates[block], growth[block]
        for i in range(len(modes)):
            for lane in range(lanes):
                w[i, lane] = 0.0
        for g in range(groups):
            first, b = starts[g], starts[g + 1] - starts[g]
            if b == 1:
                for lane in range(lanes):
                    e = inside[first, first]
                    mu[first, lane] = 0.0 if e < 0 else -values[e, first_lane + lane]
                    w[place[first, first], lane] = back[back_at[first], lane] = 1.0
                continue
            for lane in range(lanes):
                own_modes(
                    values, inside, first, b, parents, first_lane + lane, lane, s, q, scale, place, back_at, w,
                    back, mu, failed,
                )  # fmt: skip
        count = 0
        for g in range(groups):
            first, b = starts[g], starts[g + 1] - starts[g]
            # From the nearest group to the farthest: a mode that another grows from comes before that one.
            for h in range(g - 1, -1, -1):
                if not feeds[g, h]:
                    continue
                for m in range(starts[h], starts[h + 1]):
                    for i in range(b):
                        for lane in range(lanes):
                            come[i, lane] = 0.0
                        for f in range(fed_at[first + i], fed_at[first + i + 1]):
                            e = fed_by[f]
                            at = place[places[e, 1], m]
                            if at >= 0:
                                for lane in range(lanes):
                                    come[i, lane] += values[e, first_lane + lane] * w[at, lane]
                        for pair in range(count):
                            at = place[first + i, grown[pair]]
                            if late[pair] == m and at >= 0:
                                growth_at = place[grown[pair], m]
                                for lane in range(lanes):
                                    come[i, lane] -= c[growth_at, lane] * w[at, lane]
                    for k in range(first, first + b):
                        any_same = False
                        for lane in range(lanes):
                            part[lane] = 0.0
                        for i in range(b):
                            for lane in range(lanes):
                                part[lane] += back[back_at[k] + i, lane] * come[i, lane]
                        at = place[k, m]
                        for lane in range(lanes):
                            apart = mu[k, lane] - mu[m, lane]
                            same = abs(apart) <= SAME * max(abs(mu[m, lane]), abs(mu[k, lane]))
                            same = same and part[lane] != 0.0
                            any_same = any_same or same
                            if same:
                                c[at, lane] = part[lane]
                            part[lane] = 0.0 if same or part[lane] == 0.0 else part[lane] / apart
                        if any_same:
                            grows[at] = True
                            # A third equal one: what grows from m would grow with the square of time.
                            for pair in range(count):
                                if grown[pair] == m:
                                    before = place[m, late[pair]]
                                    for lane in range(lanes):
                                        if c[at, lane] != 0.0 and c[before, lane] != 0.0:
                                            failed[first_lane + lane] = True
                            grown[count], late[count] = k, m
                            count += 1
                        for i in range(first, first + b):
                            to, of = place[i, m], place[i, k]
                            for lane in range(lanes):
                                w[to, lane] += w[of, lane] * part[lane]
        for i in range(n):
            for lane in range(lanes):
                total = 0.0
                for at in range(modes_at[i], modes_at[i + 1]):
                    total += abs(w[at, lane])
                if not (total < _LARGEST and abs(mu[i, lane]) < np.inf):
                    failed[first_lane + lane] = True


def own_modes(  # type: ignore[no-untyped-def]
    values, inside, first, b, parents, patient, lane, s, q, scale, place, back_at, w, back, mu, failed,
):  # fmt: skip
    """Modes of one group of one patient, by rotations of its symmetric form."""
    for i in range(b):
        scale[i] = 1.0
        up = parents[first + i]
        if up >= 0:
            there = values[inside[first + i, up], patient]
            other = values[inside[up, first + i], patient]
            if not (there > 0.0 and other > 0.0):
                failed[patient] = True
                there = other = 1.0
            scale[i] = scale[up - first] * np.sqrt(there / other)
    for i in range(b):
        for j in range(b):
            e = inside[first + i, first + j]
            s[i, j] = 0.0 if e < 0 else values[e, patient] * scale[j] / scale[i]
    for i in range(b):
        for j in range(i):
            s[i, j] = s[j, i] = 0.5 * (s[i, j] + s[j, i])
    rotate(s, q, b)
    for k in range(b):
        mu[first + k, lane] = -s[k, k]
        for i in range(b):
            w[place[first + i, first + k], lane] = scale[i] * q[i, k]
            back[back_at[first + k] + i, lane] = q[i, k] / scale[i]
