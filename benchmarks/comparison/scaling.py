"""How the kernel's cost grows with patients, states, doses and parameters, and what a second processor adds."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from ketalab.engine import grid_times
from ketalab.laboratory import Prepared, sensitivities

from .case import BATCH, PHRASE, Case, make_case
from .ours import Lockstep, cut_states

#: Numbers of patients, and one more that takes minutes.
COUNTS, LONG = (100, 1_000, 10_000, 100_000), 1_000_000
SHARES = (0.25, 0.5, 0.75, 1.0)
DOSES = (1, 8, 28)
#: Layers whose parameters are moved, and what is asked of them.
SENSITIVE = ("body", "brain", "mind")
OUTPUTS = ("plasma:venous:ketamine", "symptom:relief")
#: Patients of the tables whose number of patients does not matter.
MANY = 1024


def _seconds(case: Case) -> float:
    engine = Lockstep(case, "kernel", "")
    engine.load()
    begin = time.process_time()
    engine.run()
    return time.process_time() - begin


def _median(case: Case, rounds: int) -> float:
    _seconds(case)
    return statistics.median(_seconds(case) for _ in range(rounds))


def by_patients(first: Case, counts: Sequence[int]) -> list[dict[str, object]]:
    """Batch after batch, each drawn, solved and dropped, so that memory does not grow; drawing is timed apart."""
    rows: list[dict[str, object]] = []
    _seconds(first.take(slice(0, min(BATCH, first.patients))))
    for count in counts:
        drawing = solving = 0.0
        for start in range(0, count, BATCH):
            begin = time.process_time()
            case = make_case(min(BATCH, count - start), start=start, like=first)
            drawing += time.process_time() - begin
            solving += _seconds(case)
        rows.append(
            {
                "patients": count,
                "solving, s": solving,
                "patients/s": count / solving,
                "drawing and posing, s": drawing,
            }
        )
    return rows


def by_states(case: Case, rounds: int) -> list[dict[str, object]]:
    """The cascade cut short; the body stays whole."""
    rows: list[dict[str, object]] = []
    for share in SHARES:
        cut = cut_states(case, share)
        seconds = _median(cut, rounds)
        count = len(cut.problem.order)
        rows.append({"states beside the body": count, "patients/s": case.patients / seconds})
    return rows


def by_doses(patients: int, rounds: int, days: float) -> list[dict[str, object]]:
    """The same days with one infusion, eight, and one a day."""
    rows: list[dict[str, object]] = []
    for doses in DOSES:
        every = f" every {84 if doses == 8 else 24} h x {doses}" if doses > 1 else ""
        case = make_case(patients, phrase=f"0.5 mg/kg ketamine iv over 40 min{every}", days=days)
        seconds = _median(case, rounds)
        rows.append(
            {"infusions": doses, "steps of the grid": case.steps, "patients/s": patients / seconds}
        )
    return rows


def _varied(case: Case, count: int) -> tuple[str, ...]:
    """The first parameters of body, brain and mind that are above nothing and differ between people."""
    found: dict[str, list[str]] = {}
    for name, row in zip(case.model.parameters, case.drawn.parameters, strict=True):
        of = found.setdefault(name.partition(".")[0], [])
        if len(of) < count and (row > 0).all() and np.ptp(row) > 0:
            of.append(name)
    return tuple(name for layer in SENSITIVE for name in found[layer])


def by_parameters(patients: int, rounds: int) -> list[dict[str, object]]:
    """Sensitivities of two outputs at 29 times, for a dose in a week and eight in four weeks."""
    rows: list[dict[str, object]] = []
    for phrase, days in ((PHRASE.partition(" every")[0], 7.0), (PHRASE, 28.0)):
        case = make_case(patients, phrase=phrase, days=days)
        edges = grid_times(case.grid, case.schedule)
        prepared = Prepared(case.model, case.course, case.grid, edges, "lockstep")
        moved = _varied(case, 5)
        times = np.linspace(0.0, 24 * days, 29)
        seconds = []
        for _ in range(rounds + 1):
            begin = time.process_time()
            sensitivities(prepared, case.drawn, case.people.weight, times, OUTPUTS, moved)
            seconds.append(time.process_time() - begin)
        one = statistics.median(seconds[1:]) / patients
        rows.append(
            {
                "days": days,
                "infusions": len(case.course.administrations),
                "parameters": len(moved),
                "patients/s": 1 / one,
                "courses/s": 2 * len(moved) / one,
            }
        )
    return rows


def _work(pipe: Connection, days: float, start: int, count: int) -> None:
    """A process: makes its patients, says that it is ready, and solves them whenever it is told to."""
    engine = Lockstep(make_case(count, days=days, start=start), "kernel", "")
    engine.load()
    engine.run()
    pipe.send("ready")
    while pipe.recv():
        begin = time.perf_counter()
        engine.run()
        pipe.send(time.perf_counter() - begin)


def by_processes(patients: int, rounds: int, days: float) -> list[dict[str, object]]:
    """The same patients in one process and in two with half of them each, by turns; 1 is a perfect second processor."""
    context = multiprocessing.get_context("spawn")
    half = patients // 2
    parts = ((0, patients), (0, half), (half, patients - half))
    workers: list[tuple[Any, Connection]] = []
    for start, count in parts:
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, days, start, count), daemon=True)
        process.start()
        workers.append((process, ours))
    pipes = [pipe for _, pipe in workers]
    try:
        for pipe in pipes:
            pipe.recv()

        def wall(together: Sequence[Connection]) -> float:
            begin = time.perf_counter()
            for pipe in together:
                pipe.send(True)
            for pipe in together:
                pipe.recv()
            return time.perf_counter() - begin

        pairs = [(wall(pipes[:1]), wall(pipes[1:])) for _ in range(rounds)]
    finally:
        for pipe in pipes:
            pipe.send(False)
        for process, _ in workers:
            process.join(10)
    one, two = (statistics.median(pair[i] for pair in pairs) for i in (0, 1))
    return [
        {
            "patients": patients,
            "one process, patients/s by the wall clock": patients / one,
            "two processes": patients / two,
            "efficiency of two": statistics.median(a / b for a, b in pairs) / 2,
        }
    ]
