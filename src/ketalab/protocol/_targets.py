"""From targets of a phrase to the programs of pumps: which steps one pump is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ketalab.protocol._places import pumps_of
from ketalab.protocol._program import Program, Target
from ketalab.protocol._resolve import Dose
from ketalab.protocol._scan import Scanner

#: Hours: below this two times are the same; hides the rounding of 40/60.
_SAME = 1e-9


@dataclass(frozen=True)
class Timed:
    """A dose with its place in its chain of ``then``, its first time and its number of repeats."""

    dose: Dose
    step: int
    start_h: float
    count: int
    #: Of a target: its pump, and the column of the dose that begins the pump's program.
    pump: str = ""
    program: int = 0


def chain_programs(scan: Scanner, timed: Sequence[Timed]) -> list[Timed]:
    """Give each target of a chain its pump.

    After ``then`` a target goes on with the pump of the last target of the same drug before it, which
    has gone on computing since; another pump that is said, and every repeated target, begins anew.

    Raises
    ------
    PhraseError
        A target that starts before the one before it has ended.
    """
    done: list[Timed] = []
    for one in timed:
        if one.dose.kind != "target":
            done.append(one)
            continue
        earlier = [
            before
            for before in done
            if before.pump and before.step < one.step and before.dose.compound == one.dose.compound
        ]
        last = earlier[-1] if earlier else None
        pump = one.dose.pump or (last.pump if last else pumps_of(one.dose.compound)[0])
        program = one.dose.column
        repeated = one.dose.interval_h is not None
        if last is not None and last.pump == pump and not repeated and last.dose.interval_h is None:
            program = last.program
            if one.start_h < last.start_h + last.dose.duration_h - _SAME:
                raise scan.error(
                    "a target starts before the one before it ends; write a later 'at'",
                    one.dose.column,
                )
        done.append(replace(one, pump=pump, program=program))
    return done


def write_program(steps: Sequence[Timed]) -> Program:
    """Write the steps of one pump as its program, with times from its first step."""
    targets: list[Target] = []
    for one in steps:
        start_h = one.start_h - steps[0].start_h
        reached = targets[-1].end_h if targets else 0.0
        if start_h - reached <= _SAME:
            start_h = reached
        targets.append(Target(start_h, one.dose.duration_h, one.dose.amounts[0]))
    return Program(steps[0].pump, tuple(targets))
