"""Chunks handed out and taken back, a few at a time, until all are there; lost ones are handed out again."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any

from ketalab.errors import KetalabError
from ketalab.laboratory.execution._rooms import Room
from ketalab.laboratory.execution._worker import Task

#: Chunks handed out for each worker: one to compute, one to go on with.
_AHEAD = 2
_LAST_WORDS_S = 10.0
#: A chunk whose worker went away so often in a row is not tried again: perhaps it is the chunk that kills.
TRIES = 3
_TICK_S = 0.25


class WorkersLostError(KetalabError):
    """Workers went away again and again, or nobody is left."""


def drive(
    room: Room,
    tasks: Iterable[Task],
    take: Callable[[dict[str, Any]], None],
    tick: Callable[[], None],
) -> None:
    """Compute chunks in a room.

    Parameters
    ----------
    take : hears the record of each chunk that is written.
    tick : called some times a second, whether or not anything is done.

    Raises
    ------
    WorkersLostError
        A chunk was lost with its worker three times, or the room cannot be made anew.
    """
    waiting, running = deque(tasks), dict[Future[dict[str, Any]], Task]()
    strikes: Counter[int] = Counter()
    while waiting or running:
        lost = _hand_out(room, waiting, running)
        done, _ = wait(running, timeout=0 if lost else _TICK_S, return_when=FIRST_COMPLETED)
        lost += _collect(room, running, done, take)
        tick()
        if not lost:
            continue
        if room.shared_fate:
            # A pool that broke says so of everything it held, one after the other.
            wait(running, timeout=_LAST_WORDS_S)
            lost += _collect(room, running, {f for f in running if f.done()}, take)
            lost += running.values()
            running.clear()
        strikes.update(task.number for task in lost)
        for task in lost:
            if strikes[task.number] >= TRIES:
                raise WorkersLostError(
                    f"patients {task.begin:,} to {task.end - 1:,} were lost with their worker {TRIES} times"
                )
        if not room.renew():
            raise WorkersLostError("the workers are gone")
        waiting.extendleft(sorted(lost, key=lambda task: task.number, reverse=True))


def _hand_out(
    room: Room, waiting: deque[Task], running: dict[Future[dict[str, Any]], Task]
) -> list[Task]:
    """Hand out as many as the room takes; one that it could not take comes back."""
    while waiting and len(running) < _AHEAD * room.workers:
        task = waiting.popleft()
        try:
            running[room.submit(task)] = task
        except Exception as error:
            if not room.is_lost(error):
                raise
            return [task]
    return []


def _collect(
    room: Room,
    running: dict[Future[dict[str, Any]], Task],
    done: set[Future[dict[str, Any]]],
    take: Callable[[dict[str, Any]], None],
) -> list[Task]:
    """Take what is done; what was lost with its worker comes back."""
    lost = []
    for future in done:
        task = running.pop(future)
        try:
            record = future.result()
        except Exception as error:
            if not room.is_lost(error):
                raise
            lost.append(task)
        else:
            take(record)
    return lost
