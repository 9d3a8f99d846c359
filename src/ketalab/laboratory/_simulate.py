"""simulate(scenario) -> Result."""

from __future__ import annotations

import numpy as np

from ketalab.laboratory._guard import TYPICAL, Account
from ketalab.laboratory._hypotheses import under_hypotheses
from ketalab.laboratory._ranges import Array, Figures, look_up, make_ready, simulate_range
from ketalab.laboratory._result import Result
from ketalab.laboratory._run import BATCH
from ketalab.laboratory._scenario import Scenario
from ketalab.laboratory._work import Progress, Work

#: What the parts of a run weigh in its time: the choice of the steps, and a batch with its check.
_PREPARATION, _BATCH_OF_WORK = 1.0, 3.0


@under_hypotheses
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
    scenario.check_in_memory()
    asked = look_up(scenario)
    if not asked.infos:
        # Nothing that has a number was asked for.
        return Result(scenario, (), np.array(scenario.times), {}, {}, {}, {}, ())
    n, variants = scenario.patients, asked.treatment.variants
    work = Work(progress, n, _PREPARATION + _BATCH_OF_WORK * -(-n // BATCH))
    tells = [work.part(_PREPARATION / len(variants)) for _ in variants]
    ready = make_ready(scenario, tells=tells)
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
