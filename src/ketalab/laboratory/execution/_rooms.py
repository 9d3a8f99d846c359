"""Where chunks are computed: any ``concurrent.futures.Executor``, and what to do when its workers are gone."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any, Protocol

from ketalab.errors import ScenarioError
from ketalab.laboratory.execution._worker import ONE_THREAD, Task, run_chunk, watch_parent

#: More workers than this on one machine is a slip of the finger.
MOST_WORKERS = 1024


class Room(Protocol):
    """Where chunks are computed."""

    @property
    def workers(self) -> int:
        """How many chunks are computed at once."""

    @property
    def shared_fate(self) -> bool:
        """Whether all that was handed over is lost with one worker."""

    def submit(self, task: Task) -> Future[dict[str, Any]]:
        """Hand over a chunk."""

    def is_lost(self, error: BaseException) -> bool:
        """Whether an error tells of a worker that went away, and not of the work."""

    def renew(self) -> bool:
        """Make lost workers anew; False where that cannot be done."""

    def close(self) -> None:
        """Send everybody home at once; what was not finished is dropped."""


class GivenRoom:
    """An executor that somebody else made, and will close."""

    shared_fate = True

    def __init__(self, executor: Executor, workers: int = 1) -> None:
        self.executor, self.workers = executor, workers
        self._given: set[Future[dict[str, Any]]] = set()

    def submit(self, task: Task) -> Future[dict[str, Any]]:
        """Hand over a chunk."""
        future = self.executor.submit(run_chunk, task)
        self._given.add(future)
        future.add_done_callback(self._given.discard)
        return future

    def is_lost(self, error: BaseException) -> bool:
        """Whether the executor itself broke."""
        return isinstance(error, BrokenExecutor)

    def renew(self) -> bool:
        """Not ours to make anew."""
        return False

    def close(self) -> None:
        """Take back what has not begun."""
        for future in list(self._given):
            future.cancel()


class _Context(SpawnContext):
    """Spawned processes, kept in a list: they must be ended at once where the run is."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[SpawnProcess] = []

    def Process(self, *arguments: Any, **options: Any) -> SpawnProcess:  # type: ignore[override]
        process = SpawnProcess(*arguments, **options)
        self.made.append(process)
        return process


@contextmanager
def _as_a_worker_is_born() -> Iterator[None]:
    """What a new process inherits: one thread for each library, and no ear for Ctrl-C, which the parent hears."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    # Libraries read these when they are loaded, before any initialiser runs.
    os.environ.update(ONE_THREAD)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class ProcessRoom:
    """Processes on this machine."""

    shared_fate = True

    def __init__(self, workers: int | None = None) -> None:
        count = available() if workers is None else workers
        if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST_WORKERS:
            raise ScenarioError(
                f"workers: {count!r} is not allowed; allowed: 1 to {MOST_WORKERS}", count
            )
        self.workers = count
        self._open()

    def _open(self) -> None:
        self._context = _Context()
        self._pool = ProcessPoolExecutor(
            self.workers, mp_context=self._context, initializer=watch_parent
        )

    def submit(self, task: Task) -> Future[dict[str, Any]]:
        """Hand over a chunk; processes are started here, when they are needed."""
        with _as_a_worker_is_born():
            return self._pool.submit(run_chunk, task)

    def is_lost(self, error: BaseException) -> bool:
        """Whether a process was killed."""
        return isinstance(error, BrokenExecutor)

    def renew(self) -> bool:
        """Begin with new processes."""
        self.close()
        self._open()
        return True

    def close(self) -> None:
        """End the processes at once: chunks are whole or not there."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in self._context.made:
            if process.is_alive():
                process.kill()
        for process in self._context.made:
            process.join()


def available() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
