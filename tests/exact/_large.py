"""What tests of large runs share: a scenario that is quick, rooms without processes, folders made by them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from pathlib import Path
from typing import Any

from ketalab.laboratory import Scenario
from ketalab.laboratory.execution import GivenRoom, start
from ketalab.laboratory.execution._worker import Task, run_chunk
from ketalab.people import Population

#: A body alone needs no time grid: what is tested here is where the work is done, and not the work.
QUICK = {"days": 1, "population": Population(age=9.0), "seed": 5}
OUTPUTS = ("plasma:venous:ketamine", "plasma:venous:norketamine")


def quick(patients: int = 30, **options: Any) -> Scenario:
    return Scenario.parse(patients=patients, **{**QUICK, "outputs": OUTPUTS, **options})


class Inline(Executor):
    """Does what it is handed at once, in this process."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class Losing:
    """A room whose workers go away with some chunks, so many times each; what it computed is on record."""

    shared_fate, workers = False, 1

    def __init__(self, losses: dict[int, int], *, renews: bool = True) -> None:
        self.losses, self.renews, self.renewed = dict(losses), renews, 0
        self.computed: list[int] = []

    def submit(self, task: Task) -> Future[Any]:
        def work() -> Any:
            if self.losses.get(task.number, 0) > 0:
                self.losses[task.number] -= 1
                raise BrokenExecutor("gone")
            self.computed.append(task.number)
            return run_chunk(task)

        return Inline().submit(work)

    def is_lost(self, error: BaseException) -> bool:
        return isinstance(error, BrokenExecutor)

    def renew(self) -> bool:
        self.renewed += 1
        return self.renews

    def close(self) -> None:
        pass


def table_of(scenario: Scenario, folder: Path, size: int | None = None) -> bytes:
    """The bytes of the table of a run in this process."""
    return start(scenario, folder, GivenRoom(Inline()), size=size).table.read_bytes()
