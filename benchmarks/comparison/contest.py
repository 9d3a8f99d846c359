"""Who takes part: each solver in the set-ups that may be its quickest, at the loosest tolerance that is allowed."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from . import with_diffrax, with_roadrunner, with_scipy
from .case import Array, Case, solve_reference
from .equations import Equations
from .metric import Found, Measured, largest_error, search_tolerance
from .ours import Checker, Everyone, Lockstep, with_grid

#: Patients on whom errors are measured, and how many a call of each solver solves.
SAMPLE = 8
COUNTS = {"lockstep": 512, "checker": 4, "roadrunner": 64, "export": 1, "scipy": 16, "diffrax": 32}
#: The tolerance at which set-ups of libRoadRunner are compared before one of them is searched.
FIRST = 1e-6


class Solver(Protocol):
    """A solver with its patients: made ready, asked for errors on others, and timed."""

    tolerance: float
    compile_s: float | None

    @property
    def setting(self) -> str: ...

    def load(self) -> None: ...

    def outputs(self, case: Case) -> Array: ...

    def run(self) -> None: ...


def time_once(run: Callable[[], None]) -> tuple[float, float]:
    """Seconds of the processor and of the wall clock."""
    cpu, wall = time.process_time(), time.perf_counter()
    run()
    return time.process_time() - cpu, time.perf_counter() - wall


def take_turns(cases: list[tuple[Measured, Callable[[], None]]], rounds: int) -> None:
    """Call every case once a round, in an order that turns; the first round does not count."""
    for turn in range(rounds + 1):
        shift = turn % len(cases)
        for row, run in cases[shift:] + cases[:shift]:
            cpu, wall = time_once(run)
            if turn:
                row.cpu_s.append(cpu)
                row.wall_s.append(wall)


@dataclass
class Contest:
    """The case for all, the sample with its reference, and what came of it."""

    case: Case
    say: Callable[[str], None] = print
    quick: bool = False
    implicit: bool = False
    skip: frozenset[str] = frozenset()
    agreement: str = ""
    rows: list[Measured] = field(default_factory=list)
    tried: list[dict[str, object]] = field(default_factory=list)
    steps: dict[str, int] = field(default_factory=dict)
    _runs: list[tuple[Measured, Callable[[], None]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sample = self.case.take(slice(0, 2 if self.quick else SAMPLE))
        self.equations = Equations(self.case.take(slice(0, 1)))

    def _some(self, name: str) -> Case:
        count = min(2 if self.quick else COUNTS[name], COUNTS[name])
        return self.case.take(slice(0, min(count, self.case.patients)))

    def _error(self, made: Array) -> float:
        return largest_error(made, self.reference[:, :, : made.shape[2]])

    @property
    def fastest_roadrunner(self) -> Measured | None:
        """What ratios are to."""
        timed = [row for row in self.rows if row.name.startswith("libRoadRunner") and row.timed]
        return max(timed, key=lambda row: row.rate, default=None)

    def prepare(self) -> None:
        """Make every row ready."""
        self.say("reference ...")
        self.reference = solve_reference(self.sample)
        self._add_ours()
        lean = self._add_roadrunner()
        if "export" not in self.skip:
            self._add_export()
        if "scipy" not in self.skip:
            self._add_scipy()
        self._add_diffrax()
        self._compare_references(lean)

    def run(self, rounds: int) -> None:
        """Time the rows by turns."""
        self.say(f"{len(self._runs)} solvers, {rounds} rounds ...")
        take_turns(self._runs, rounds)

    def _compare_references(self, lean: with_roadrunner.Lean) -> None:
        two = self.sample.take(slice(0, 2))
        other = solve_reference(two, 1e-11)
        kept, lean.tolerance = lean.tolerance, 1e-11
        cvode = lean.outputs(two)
        lean.tolerance = kept
        self.agreement = (
            "The reference is the checker at 1e-12; of two patients the checker at 1e-11 differs from that by "
            f"{self._error(other):.0e}, and CVODE at 1e-11 by {self._error(cvode):.0e}."
        )

    def _enter(self, name: str, solver: Any, found: Found | None, count: int) -> None:
        tolerance = found.tolerance if found else None
        row = Measured(name, solver.setting, count, tolerance, compile_s=solver.compile_s)
        row.error = found.error if found else self._error(solver.outputs(self.sample))
        if found and not found.meets:
            row.note = "no tolerance that was tried is exact enough"
        self.rows.append(row)
        self._runs.append((row, solver.run))
        self.say(f"{name}: {row.setting}, tolerance {tolerance}, error {row.error:.1e}")

    def _search(self, solver: Solver, **limits: float) -> Found:
        def error_at(tolerance: float) -> float:
            solver.tolerance = tolerance
            return self._error(solver.outputs(self.sample))

        found = search_tolerance(error_at, **limits)
        solver.tolerance = found.tolerance
        return found

    def _add_ours(self) -> None:
        grids: dict[str, Found] = {}
        for engine, title in (("kernel", "kernel"), ("lockstep", "NumPy lockstep")):
            case = self.case if engine == "kernel" else self._some("lockstep")
            shipped = Lockstep(case, engine, f"the laboratory's grid, {case.steps} steps")
            shipped.load()
            self.steps[title] = case.steps
            self._enter(title, shipped, None, case.patients)
            # One scheme: the grid that the kernel needs is the one that NumPy needs.
            if not grids:
                everyone = Everyone(case)
                everyone.prepare(self.reference)
                self.say(
                    f"double numbers on a fine grid against the checker: {everyone.agreement:.1e}"
                )
                grids["loose"] = search_tolerance(everyone.error, loosest=1e-3, tightest=1e-6)
            loose = with_grid(case, grids["loose"].tolerance)
            solver = Lockstep(loose, engine, f"loosest grid, {loose.steps} steps")
            solver.load()
            self.steps[f"{title}, loosest grid"] = loose.steps
            self._enter(f"{title}, loosest grid", solver, grids["loose"], case.patients)
        checker = Checker(self._some("checker"))
        found = self._search(checker)
        self._enter("checker", checker, found, checker.case.patients)

    def _trial(
        self, solver: Solver, name: str, setting: str, error: float, repeats: int = 3
    ) -> float:
        """Milliseconds of the processor a patient, kept in the table of what was tried."""
        count = solver.case.patients  # type: ignore[attr-defined]
        solver.run()
        spent = statistics.median(time_once(solver.run)[0] for _ in range(repeats))
        milliseconds = 1e3 * spent / count
        self.tried.append(
            {
                "tolerance": f"{solver.tolerance:.1e}",
                "solver": name,
                "set-up": setting,
                "largest error": f"{error:.1e}",
                "loading, s": solver.compile_s,
                "ms a patient": milliseconds,
            }
        )
        self.say(f"{name}, {setting}: {milliseconds:.3g} ms, error {error:.1e}")
        return milliseconds

    def _ways(self) -> Iterator[with_roadrunner.Way]:
        every = list(with_roadrunner.list_ways())
        yield from every[:2] if self.quick else every

    def _add_roadrunner(self) -> with_roadrunner.Lean:
        """All set-ups at one tolerance; the quickest form and compiler with either kind of absolute tolerance."""
        name, few = "libRoadRunner", self.case.take(slice(0, min(4, self.case.patients)))
        speeds = {}
        for way in self._ways():
            trial = with_roadrunner.Lean(few, self.equations, way, FIRST)
            trial.load()
            error = self._error(trial.outputs(self.sample))
            speeds[way] = self._trial(trial, name, str(way), error)
        best = min(speeds, key=lambda way: speeds[way])
        case = self._some("roadrunner")
        found, lean, speed = None, None, float("inf")
        for absolute in with_roadrunner.ABSOLUTE:
            solver = with_roadrunner.Lean(
                case, self.equations, replace(best, absolute=absolute), FIRST
            )
            solver.load()
            searched = self._search(solver)
            taken = self._trial(solver, name, str(solver.way), searched.error)
            if lean is None or (searched.meets and taken < speed):
                found, lean, speed = searched, solver, taken
        assert lean is not None
        self._enter(name, lean, found, case.patients)
        return lean

    def _add_export(self) -> None:
        case = self._some("export")
        export = with_roadrunner.Export(case)
        export.load()
        few = case.take(slice(0, min(case.patients, self.sample.patients)))

        def error_at(tolerance: float) -> float:
            export.tolerance = tolerance
            return self._error(export.outputs(few))

        found = search_tolerance(error_at)
        export.tolerance = found.tolerance
        self._enter("libRoadRunner, whole export", export, found, case.patients)

    def _add_scipy(self) -> None:
        best: tuple[float, Found, Any] | None = None
        for way in with_scipy.WAYS[: 1 if self.quick else None]:
            solver = with_scipy.Scipy(self._some("scipy"), self.equations, way)
            solver.load()
            found = self._search(solver)
            speed = self._trial(solver, "SciPy", way, found.error)
            if best is None or (found.meets and speed < best[0]):
                best = speed, found, solver
        assert best is not None
        self._enter("SciPy LSODA", best[2], best[1], best[2].case.patients)

    def _add_diffrax(self) -> None:
        why = "left out" if "diffrax" in self.skip else with_diffrax.find_diffrax()
        if why:
            self.rows.append(Measured("diffrax", note=why))
            return
        for method in with_diffrax.METHODS[: None if self.implicit else 1]:
            count = self._some("diffrax") if method == "Tsit5" else self._some("checker")
            solver = with_diffrax.Diffrax(count, self.equations, method)
            solver.load()
            found = self._search(solver, loosest=1e-4)
            self._enter(f"diffrax {method}", solver, found, count.patients)
