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


def decompose(matrix, starts, parents, feeds, rates, weights, inverse, growth, failed):  # type: ignore[no-untyped-def]
    """Modes of every patient.

    ``matrix`` (N, n, n), states in the order of the groups; ``starts`` (groups + 1,) where each begins; ``parents``
    (n,) the state of the same group that a state hangs on, or -1; ``feeds`` (groups, groups) whether one is fed by
    another.
    Written: ``rates`` (B, n, L), decay of each mode; ``weights`` (B, n, n, L), how much of a mode (third) a state
    (second) has; ``inverse`` (B, n, n, L), within the groups, modes (second) from states (third); ``growth``
    (B, n, n, L), c of a mode (second) that grows from an equal one (third); ``failed`` (N,).
    """
    patients, n = matrix.shape[0], matrix.shape[1]
    lanes = rates.shape[2]
    groups = len(starts) - 1
    widest = 1
    for g in range(groups):
        widest = max(widest, starts[g + 1] - starts[g])
    s, q = np.empty((widest, widest)), np.empty((widest, widest))
    scale, come, mu = np.empty(widest), np.empty(widest), np.empty(n)
    v, c = np.zeros((n, n)), np.zeros((n, n))
    for p in range(patients):
        a, block, lane = matrix[p], p // lanes, p % lanes
        v[:, :] = 0.0
        c[:, :] = 0.0
        bad = False
        for g in range(groups):
            first, b = starts[g], starts[g + 1] - starts[g]
            for i in range(b):
                scale[i] = 1.0
                up = parents[first + i]
                if up >= 0:
                    there, back = a[first + i, up], a[up, first + i]
                    if not (there > 0.0 and back > 0.0):
                        bad = True
                        there = back = 1.0
                    scale[i] = scale[up - first] * np.sqrt(there / back)
            for i in range(b):
                for j in range(b):
                    s[i, j] = a[first + i, first + j] * scale[j] / scale[i]
            for i in range(b):
                for j in range(i):
                    s[i, j] = s[j, i] = 0.5 * (s[i, j] + s[j, i])
            rotate(s, q, b)
            for k in range(b):
                rate = -s[k, k]
                mu[first + k] = rate
                for i in range(b):
                    v[first + i, first + k] = scale[i] * q[i, k]
                    inverse[block, first + k, first + i, lane] = q[i, k] / scale[i]
            # From the nearest group to the farthest: a mode that another grows from comes before that one.
            for h in range(g - 1, -1, -1):
                if not feeds[g, h]:
                    continue
                for m in range(starts[h], starts[h + 1]):
                    for i in range(b):
                        total = 0.0
                        for u in range(first):
                            if a[first + i, u] != 0.0:
                                total += a[first + i, u] * v[u, m]
                        for k in range(first):
                            if c[k, m] != 0.0:
                                total -= c[k, m] * v[first + i, k]
                        come[i] = total
                    for k in range(b):
                        part = 0.0
                        for i in range(b):
                            part += q[i, k] / scale[i] * come[i]
                        if part == 0.0:
                            continue
                        apart = mu[first + k] - mu[m]
                        if abs(apart) <= SAME * max(abs(mu[m]), abs(mu[first + k])):
                            # A third equal one: what grows from m would grow with the square of time.
                            for u in range(first):
                                bad = bad or c[m, u] != 0.0
                            c[first + k, m] = part
                            growth[block, first + k, m, lane] = part
                            continue
                        for i in range(b):
                            v[first + i, m] += scale[i] * q[i, k] * part / apart
        for i in range(n):
            total = 0.0
            for m in range(n):
                weights[block, i, m, lane] = v[i, m]
                total += abs(v[i, m])
            rates[block, i, lane] = mu[i]
            if not (total < _LARGEST and np.isfinite(mu[i])):
                bad = True
        if bad:
            failed[p] = True
