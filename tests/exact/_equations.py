"""The text of equations written by hand, as the checker asks for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def write(given: int, rates: Sequence[str], slopes: Mapping[tuple[int, int], str]) -> str:
    """Equations in ``z`` and ``g``, where ``g`` are the ``given`` constants as they come."""
    lines = [
        f"FIXED = {given}",
        "def prepare(given, out):",
        f"    out[:] = given[:{given}]",
        "def rates(z, g, out):",
        *(f"    out[{i}] = {rate}" for i, rate in enumerate(rates)),
        "def jacobian(z, g, out):",
        *(f"    out[{i}, {j}] = {slope}" for (i, j), slope in slopes.items()),
        "    pass",
    ]
    return "\n".join(lines) + "\n"


#: Three states in a loop behind two linear ones.
LOOPED = write(
    4,
    [
        "-g[3] * z[0]",
        "g[3] * z[0] - 0.5 * z[1]",
        "z[1] + g[0] * z[4] / (1 + z[4]) - z[2]",
        "z[2] - g[1] * (1 + z[4]) * z[3]",
        "g[2] * z[3] - 0.3 * z[4]",
    ],
    {
        (0, 0): "-g[3]",
        (1, 0): "g[3]",
        (1, 1): "-0.5",
        (2, 1): "1.0",
        (2, 2): "-1.0",
        (2, 4): "g[0] / (1 + z[4]) ** 2",
        (3, 2): "1.0",
        (3, 3): "-g[1] * (1 + z[4])",
        (3, 4): "-g[1] * z[3]",
        (4, 3): "g[2]",
        (4, 4): "-0.3",
    },
)


#: A state that one input drives and another drains.
INPUTS = write(
    3,
    ["-z[0]", "g[1] * g[0] - (g[0] + g[2]) * z[1]"],
    {(0, 0): "-1.0", (1, 1): "-(g[0] + g[2])"},
)


#: Two states that feed each other.
RUNAWAY = write(
    1,
    ["-z[0]", "g[0] * z[2] * z[1]", "g[0] * z[1] - 0.5 * z[2]"],
    {
        (0, 0): "-1.0",
        (1, 1): "g[0] * z[2]",
        (1, 2): "g[0] * z[1]",
        (2, 1): "g[0]",
        (2, 2): "-0.5",
    },
)


#: A state behind a linear one, every number given.
BROKEN = write(
    3,
    ["-g[2] * z[0]", "g[0] * z[0] - g[1] * z[1]"],
    {(0, 0): "-g[2]", (1, 0): "g[0]", (1, 1): "-g[1]"},
)
