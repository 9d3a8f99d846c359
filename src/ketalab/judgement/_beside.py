"""Replays of many studies beside one another, in processes of their own; the same rows whatever their number."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from ketalab.errors import SolutionError
from ketalab.studies import Study

Row = Mapping[str, Any]
#: (parts done, of how many, what is next or being done)
Tell = Callable[[float, int, str], None]
#: A process that runs takes at least this long to be asked for (seconds).
_ASKED_S = 0.5


@dataclass(frozen=True)
class Task:
    """A study to be replayed, with facts put in the place of those on record."""

    study: Study
    replicates: int
    seed: int
    facts: Mapping[str, float] = field(default_factory=dict)


def replay_task(task: Task) -> list[Row]:
    """The rows of one replay; where its solution fails, every row is skipped and says so."""
    from ketalab.laboratory import using_facts
    from ketalab.studies import replay_study

    try:
        with using_facts(task.facts):
            return list(replay_study(task.study, task.replicates, task.seed).rows)
    except SolutionError as error:
        reason = f"the solution failed: {error}"
        return [{"skipped": reason, "probability": None} for _ in task.study.outcomes]


def _weight(task: Task) -> int:
    statements = sum(row.scenario is not None for row in task.study.outcomes)
    return task.replicates * (len(task.study.arms) + statements)


def replay_tasks(
    tasks: Sequence[Task],
    jobs: int = 1,
    progress: Tell | None = None,
    run: Callable[[Task], list[Row]] = replay_task,
) -> list[list[Row]]:
    """The rows of every task, in their order; the longest run first, ``jobs`` at a time."""
    order = sorted(range(len(tasks)), key=lambda i: -_weight(tasks[i]))
    whole = sum(map(_weight, tasks))
    found: dict[int, list[Row]] = {}

    def tell(name: str) -> None:
        if progress is not None:
            progress(sum(_weight(tasks[i]) for i in found), whole, name)

    if jobs <= 1 or len(tasks) < 2:
        for i in order:
            tell(tasks[i].study.id)
            found[i] = run(tasks[i])
    else:
        _run_beside(tasks, order, jobs, found, tell, run)
    tell("")
    return [found[i] for i in range(len(tasks))]


def _run_beside(
    tasks: Sequence[Task],
    order: Sequence[int],
    jobs: int,
    found: dict[int, list[Row]],
    tell: Callable[[str], None],
    run: Callable[[Task], list[Row]],
) -> None:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(tasks)), mp_context=context) as pool:
        running = {pool.submit(run, tasks[i]): i for i in order}
        try:
            while running:
                done, _ = wait(running, timeout=_ASKED_S, return_when=FIRST_COMPLETED)
                for future in done:
                    found[running.pop(future)] = future.result()
                waits = min(running.values(), key=order.index, default=None)
                tell("" if waits is None else tasks[waits].study.id)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.terminate()
            raise
