"""simulate(scenario) -> Result, and the same of many scenarios in one call."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from ketalab.errors import ScenarioError
from ketalab.laboratory._guard import TYPICAL, Account
from ketalab.laboratory._hypotheses import under_hypotheses
from ketalab.laboratory._ranges import (
    Array,
    Figures,
    Shelf,
    look_up,
    make_ready,
    simulate_range,
)
from ketalab.laboratory._result import Result
from ketalab.laboratory._run import BATCH
from ketalab.laboratory._scenario import MAX_PATIENTS, Scenario
from ketalab.laboratory._work import Progress, Work

#: What the parts of a run weigh in its time: the choice of the steps, and a batch with its check.
_PREPARATION, _BATCH_OF_WORK = 1.0, 3.0


def simulate(scenario: Scenario, *, progress: Progress | None = None) -> Result:
    """Simulate a scenario, with all its patients in memory.

    Parameters
    ----------
    scenario : Scenario
    progress : callable(done, total), in patients; the preparation counts as some, so that done is no whole number.

    Raises
    ------
    ScenarioError
        An unknown output, a drug or route without a model, or more patients than memory is for.
    SolutionError
        A patient's solution failed and the scenario does not keep such patients, or many of the checked
        patients miss the allowed error.
    """
    return _simulate(scenario, {}, progress)


def simulate_many(
    scenarios: Sequence[Scenario], *, progress: Progress | None = None
) -> tuple[Result, ...]:
    """Simulate scenarios in one call: arms, populations, species, doses, or whatever stands beside each other.

    Each result has the bytes that :func:`simulate` gives. Those that share a course (what is given and when, for how
    long, to which species) share its steps, which are chosen once; one kernel serves all whose model is the same.

    Parameters
    ----------
    scenarios : in the order of the results.
    progress : callable(done, total), in patients of all.

    Raises
    ------
    ScenarioError
        As :func:`simulate`, or more patients in all than memory is for.
    SolutionError
        As :func:`simulate`.
    """
    total, done = sum(scenario.patients for scenario in scenarios), 0
    if total > MAX_PATIENTS:
        raise ScenarioError(
            f"scenarios: {total:,} patients in all are not allowed; allowed: {MAX_PATIENTS:,} in memory",
            total,
        )
    shelf: Shelf = {}
    made = []
    for scenario in scenarios:
        told = None if progress is None else partial(_tell, progress, done, total)
        made.append(_simulate(scenario, shelf, told))
        done += scenario.patients
    return tuple(made)


def _tell(progress: Progress, before: int, total: int, now: float, _: int) -> None:
    progress(before + now, total)


@under_hypotheses
def _simulate(scenario: Scenario, shelf: Shelf, progress: Progress | None) -> Result:
    scenario.check_in_memory()
    asked = look_up(scenario)
    if not asked.infos:
        # Nothing that has a number was asked for.
        return Result(scenario, (), np.array(scenario.times), {}, {}, {}, {}, ())
    n, variants = scenario.patients, asked.treatment.variants
    work = Work(progress, n, _PREPARATION + _BATCH_OF_WORK * -(-n // BATCH))
    tells = [work.part(_PREPARATION / len(variants)) for _ in variants]
    ready = make_ready(scenario, tells=tells, shelf=shelf)
    values: dict[str, Array] = {i.name: np.empty((len(ready.times), n)) for i in asked.infos}
    figures: Figures = {i.name: {} for i in asked.infos}
    account, typical = Account(), None
    for begin in range(0, n, BATCH):
        end = min(begin + BATCH, n)
        part = simulate_range(
            scenario,
            ready,
            begin,
            end,
            # The typical patient is solved with the first batch.
            typical=begin == 0,
            part=lambda share: work.part(_BATCH_OF_WORK * share),
        )
        account.merge(part.account)
        typical = part.typical or typical
        for name, course in part.values.items():
            values[name][:, begin:end] = course
            for figure, value in part.figures[name].items():
                figures[name].setdefault(figure, np.empty(n))[begin:end] = value
        if scenario.failed == "raise":
            account.refuse_failed(str(n) if end == n else f"the first {end}", scenario.engine)
    if progress is not None:
        progress(n, n)
    account.refuse_many_above()
    return Result(
        scenario,
        asked.infos,
        ready.times,
        values,
        {} if typical is None else typical.values,
        figures,
        {} if typical is None else typical.figures,
        asked.facts,
        account.check(),
        {name: reason for name, reason in account.failed.items() if name != TYPICAL},
        account.failed.get(TYPICAL),
    )
