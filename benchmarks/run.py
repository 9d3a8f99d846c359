"""Speed, measured so that a busy machine does not choose the winner.

``make bench`` runs this. The cases of a group take turns, round after round, so that whatever else
the machine does falls on all of them alike; reported are medians, the ratio of each to the first
(the median of the ratios within rounds, which is steadier than the ratio of medians), and the
spread. One round before the first is not counted: it compiles, imports and fills caches.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ketalab._files import write_text

#: What a reader must know to compare two tables.
PACKAGES = ["ketalab", "numpy", "scipy", "numba", "polars", "xarray"]


@dataclass(frozen=True)
class Row:
    """One case: seconds for one call, and how that compares with the first case."""

    case: str
    rounds: int
    median_s: float
    fastest_s: float
    slowest_s: float
    ratio: float


def interleave(cases: dict[str, Callable[[], object]], rounds: int) -> list[Row]:
    """Call every case once a round, in an order that turns, and summarise the rounds.

    Parameters
    ----------
    cases : dict
        Name to a function of no arguments; the first is the one that others are compared with.
    rounds : int
        Rounds that count; one more is run before them and thrown away.

    Returns
    -------
    list of Row
        In the order of ``cases``; ``ratio`` above 1 is slower than the first.
    """
    if not cases or rounds < 1:
        raise ValueError(f"needs a case and a round, not {len(cases)} cases and {rounds} rounds")
    names = list(cases)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds + 1):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            start = time.perf_counter()
            cases[name]()
            spent = time.perf_counter() - start
            if turn:
                seconds[name].append(spent)
    first = seconds[names[0]]
    return [
        Row(
            case=name,
            rounds=rounds,
            median_s=statistics.median(spent),
            fastest_s=min(spent),
            slowest_s=max(spent),
            ratio=statistics.median(a / b for a, b in zip(spent, first, strict=True)),
        )
        for name, spent in seconds.items()
    ]


def describe_machine() -> dict[str, str | int | None]:
    """What the times depend on: interpreter, processors, versions."""

    def installed(package: str) -> str | None:
        try:
            return version(package)
        except PackageNotFoundError:
            return None

    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        **{package: installed(package) for package in PACKAGES},
    }


def format_table(group: str, rows: Sequence[Row]) -> str:
    """Lay the rows of one group out as a table."""
    width = max(len(group), *(len(row.case) for row in rows))
    lines = [f"{group:<{width}}  {'median':>11}  {'fastest':>11}  {'slowest':>11}  {'ratio':>8}"]
    for row in rows:
        times = (f"{t * 1e3:>8.3f} ms" for t in (row.median_s, row.fastest_s, row.slowest_s))
        lines.append(f"{row.case:<{width}}  {'  '.join(times)}  {row.ratio:>8.3g}")
    return "\n".join(lines)


def list_groups() -> dict[str, dict[str, Callable[[], object]]]:
    """The groups of cases that are compared with one another."""
    from engine import engine_cases, laboratory_cases, table_cases

    return {"engine": engine_cases(), "laboratory": laboratory_cases(), "tables": table_cases()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the groups and print a table each; with ``--json`` also write everything to a file."""
    parser = argparse.ArgumentParser(description="Speed, in interleaved rounds.")
    parser.add_argument("groups", nargs="*", help="groups to run (default: all)")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    groups = list_groups()
    unknown = set(options.groups) - set(groups)
    if unknown:
        parser.error(f"no group {', '.join(sorted(unknown))}; there are {', '.join(groups)}")
    result: dict[str, Any] = {"machine": describe_machine(), "groups": {}}
    for name in options.groups or groups:
        rows = interleave(groups[name], options.rounds)
        result["groups"][name] = [asdict(row) for row in rows]
        print(format_table(name, rows), end="\n\n", flush=True)
    print(", ".join(f"{key} {value}" for key, value in result["machine"].items() if value))
    if options.json:
        write_text(options.json, json.dumps(result, indent=2) + "\n")
        print(options.json, file=sys.stderr)


if __name__ == "__main__":
    main()
