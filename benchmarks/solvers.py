"""This laboratory's engines beside other solvers on the same case; ``make bench`` runs it.

Every solver delivers the same numbers, each at the loosest tolerance whose error is allowed and in the quickest of
the set-ups that are tried here; all of them take turns, round after round. Seconds are those of the processor that
the process spent (one core; libraries are told to use one thread), with those of the wall clock beside them.

    .venv/bin/python benchmarks/solvers.py [--write] [--quick] [--long] [--implicit] [--skip PART ...]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from comparison import fresh, limit, machine, scaling
from comparison.case import DAYS, PHRASE, make_case
from comparison.contest import Contest
from comparison.metric import format_rows, format_table

from ketalab._files import write_text

HERE = Path(__file__).resolve().parent
PARTS = (
    "patients", "states", "doses", "sensitivities", "processes", "fresh", "limit", "diffrax", "export", "scipy",
)  # fmt: skip
KERNEL = 4096


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _report(
    contest: Contest, tables: dict[str, list[dict[str, object]]], about: dict[str, Any]
) -> str:
    """The page: what was run, the main table, the set-ups that were tried, the other tables."""
    case = contest.case
    lines = [
        "# Solvers side by side",
        "",
        "Written by `make bench`; the numbers belong to the machine named below.",
        "",
        f"{PHRASE}, {case.times[-1] / 24:g} days, {len(case.times)} output times, "
        f"{len(case.states)} states ({len(case.linear)} linear ones of the body, {len(case.model.states)} others), "
        f"{len(case.outputs)} of them asked for; {case.varied} numbers differ between patients.",
        "",
        "Error: |y - ref| / max(|ref|, 1e-3 of that patient's peak of that output), the largest over outputs, times "
        f"and {contest.sample.patients} patients; of the loosest grid over all {contest.case.patients:,} patients, and "
        f"as many with all variability doubled. {contest.agreement}",
        "",
        "Seconds are the processor's of one process with one thread; ratios are medians of those within rounds.",
        "",
        format_rows(contest.rows, contest.fastest_roadrunner),
        "",
        "Set-ups that were tried, at the tolerance of the first column, milliseconds a patient:",
        "",
        format_table(contest.tried),
    ]
    for title, rows in tables.items():
        lines += ["", f"## {title}", "", format_table(rows)]
    known = ", ".join(f"{key} {value}" for key, value in about.items() if value is not None)
    return "\n".join([*lines, "", known, ""])


def _other_tables(
    contest: Contest, options: argparse.Namespace
) -> dict[str, list[dict[str, object]]]:
    case, rounds, quick = contest.case, options.rounds, options.quick
    many = 64 if quick else scaling.MANY
    counts = scaling.COUNTS[: 2 if quick else None] + ((scaling.LONG,) if options.long else ())
    some = case.take(slice(0, many))
    kernels = {row.name: (row.rate, contest.steps[row.name]) for row in contest.rows[:2]}
    parts: dict[str, tuple[str, Callable[[], list[dict[str, object]]]]] = {
        "patients": ("Number of patients", lambda: scaling.by_patients(case, counts)),
        "states": ("Number of states", lambda: scaling.by_states(some, rounds)),
        "doses": ("Number of doses", lambda: scaling.by_doses(many, rounds, options.days)),
        "sensitivities": (
            "Sensitivities",
            lambda: scaling.by_parameters(32 if quick else 256, rounds),
        ),
        "processes": (
            "Two processors",
            lambda: scaling.by_processes(128 if quick else KERNEL, rounds, options.days),
        ),
        "fresh": (
            fresh.TITLE,
            lambda: fresh.measure_fresh(1 if quick else 3, 128 if quick else KERNEL),
        ),
        "limit": ("A limit", lambda: limit.measure_limit(case, kernels, rounds)),
    }
    made = {}
    for name, (title, work) in parts.items():
        if name not in options.skip:
            _say(f"{title} ...")
            try:
                made[title] = work()
            except (
                Exception
            ) as error:  # minutes of other results are kept; the page says what is missing
                made[title] = [{"not measured": f"{type(error).__name__}: {error}"}]
            _say(format_table(made[title]))
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Run everything that is not skipped, print the page, and with ``--write`` keep it beside this file."""
    parser = argparse.ArgumentParser(description="This laboratory's engines beside other solvers.")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count (default: 5)")
    parser.add_argument(
        "--skip", nargs="*", default=[], choices=PARTS, metavar="PART", help=", ".join(PARTS)
    )
    parser.add_argument(
        "--long",
        action="store_true",
        help="a million patients too: minutes more",
    )
    parser.add_argument(
        "--implicit", action="store_true", help="the implicit method of diffrax too: minutes more"
    )
    parser.add_argument("--quick", action="store_true", help="few patients: whether it runs")
    parser.add_argument("--days", type=float, default=DAYS)
    parser.add_argument(
        "--write", action="store_true", help="solvers.json and README.md, beside this file"
    )
    options = parser.parse_args(arguments)
    about = machine.describe()
    case = make_case(64 if options.quick else KERNEL, days=options.days)
    contest = Contest(
        case, say=_say, quick=options.quick, implicit=options.implicit, skip=frozenset(options.skip)
    )
    contest.prepare()
    contest.run(options.rounds)
    _say(format_rows(contest.rows, contest.fastest_roadrunner))
    tables = _other_tables(contest, options)
    if fresh.TITLE in tables:
        for row in contest.rows:
            row.compile_s = fresh.compiled(tables[fresh.TITLE]).get(row.name, row.compile_s)
    page = _report(contest, tables, about)
    print(page)
    if options.write:
        result = {
            "machine": about,
            "rows": [asdict(row) for row in contest.rows],
            "tried": contest.tried,
            "tables": tables,
        }
        write_text(HERE / "solvers.json", json.dumps(result, indent=2) + "\n")
        write_text(HERE / "README.md", page)


if __name__ == "__main__":
    main()
