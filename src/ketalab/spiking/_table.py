"""The table: shares of bursting, tonic and silent neurons on a grid of conditions, over several draws of cells."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ketalab.errors import SolutionError
from ketalab.spiking._brian import load_brian
from ketalab.spiking._kinds import BURST, SILENT, TONIC, kinds
from ketalab.spiking._plan import Condition, Plan
from ketalab.spiking._population import draw_cells, run_population

Array = NDArray[np.float64]
#: Hears how far a table is: parts done, of all.
Progress = Callable[[float, int], None]
_SHARES = (BURST, TONIC, SILENT)
#: How often the parts that run beside one another are asked, s.
_ASKED_S = 0.5


@dataclass(frozen=True)
class Table:
    """Shares on the grid.

    ``conditions`` (points), ``each`` (draws x points x 3): shares of burst, tonic and silent cells of one draw;
    ``cells`` of each draw.
    """

    conditions: tuple[Condition, ...]
    each: Array
    cells: int
    seed: int

    @property
    def shares(self) -> Array:
        """Mean over the draws (points x 3)."""
        return np.asarray(self.each.mean(axis=0))

    @property
    def noise(self) -> float:
        """Standard error of a share that comes of the draws, root mean square over the grid."""
        draws = len(self.each)
        return float(np.sqrt((self.each.var(axis=0, ddof=1) / draws).mean()))

    def grid(self) -> tuple[Array, Array, Array]:
        """NMDA, T-type and stress of every point."""
        rows = np.array([(c.nmda, c.t_type, c.stress) for c in self.conditions])
        return rows[:, 0], rows[:, 1], rows[:, 2]

    def at(self, nmda: float, t_type: float, stress: float) -> Array:
        """Shares at one point of the grid."""
        place = self.conditions.index(Condition(nmda=nmda, t_type=t_type, stress=stress))
        return np.asarray(self.shares[place])

    def rows(self) -> list[dict[str, float]]:
        """A row for each point."""
        return [
            {
                "nmda": c.nmda,
                "t_type": c.t_type,
                "stress": c.stress,
                "burst": round(float(row[0]), 6),
                "tonic": round(float(row[1]), 6),
                "silent": round(float(row[2]), 6),
            }
            for c, row in zip(self.conditions, self.shares, strict=True)
        ]


def _part(plan: Plan, stress: float, draw: int, seed: int) -> Any:
    """Shares of one draw of cells at one level of stress, all NMDA and T-type levels (points x 3)."""
    root = np.random.SeedSequence([seed, draw, plan.stress.index(stress)])
    cells_seed = int(np.random.SeedSequence([seed, draw]).generate_state(1)[0])
    conditions = plan.conditions(stress)
    spikes = run_population(
        draw_cells(plan.cells, cells_seed),
        conditions,
        plan.warm_up_s,
        plan.window_s,
        plan.step_ms,
        int(root.generate_state(1)[0]),
    )
    found = kinds(spikes, len(conditions), plan.cells)
    return np.stack([(found == kind).mean(axis=1) for kind in _SHARES], axis=-1)


def habenula_table(
    plan: Plan, seed: int = 0, workers: int = 2, progress: Progress | None = None
) -> Table:
    """Run the population in every condition of the plan.

    The same seed gives the same table, whatever the number of workers: each part has streams of its own.

    Parameters
    ----------
    plan : the grid.
    seed : of all random numbers.
    workers : processes beside one another; 1 runs them here.
    progress : hears how many parts are done.

    Raises
    ------
    ScenarioError
        Brian2 is not installed.
    SolutionError
        A process ended before its part was done.
    """
    load_brian()
    parts = [(stress, draw) for stress in plan.stress for draw in range(plan.draws)]
    found: dict[tuple[float, int], Array] = {}
    if workers <= 1:
        for part in parts:
            found[part] = _part(plan, *part, seed)
            if progress is not None:
                progress(len(found), len(parts))
    else:
        _run_beside(plan, seed, workers, parts, found, progress)
    each = np.stack(
        [
            np.concatenate([found[stress, draw] for stress in plan.stress])
            for draw in range(plan.draws)
        ]
    )
    conditions = tuple(c for stress in plan.stress for c in plan.conditions(stress))
    return Table(conditions, each, plan.cells, seed)


def _run_beside(
    plan: Plan,
    seed: int,
    workers: int,
    parts: list[tuple[float, int]],
    found: dict[tuple[float, int], Array],
    progress: Progress | None,
) -> None:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(parts)), mp_context=context) as pool:
        running = {pool.submit(_part, plan, *part, seed): part for part in parts}
        try:
            while running:
                done, _ = wait(running, timeout=_ASKED_S, return_when=FIRST_COMPLETED)
                for future in done:
                    found[running.pop(future)] = future.result()
                if progress is not None:
                    progress(len(found), len(parts))
        except BrokenProcessPool:
            raise SolutionError(
                "a process that ran a part of the table was ended from outside, perhaps for want of memory; "
                "try again, or with --workers 1"
            ) from None
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.terminate()
            raise
