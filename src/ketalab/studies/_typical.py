"""The rows of a study as its typical person would give them, for many values of the constants at once.

What a fit compares with the observations: no variability, no effects between studies, one number a row and set.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ketalab.errors import ScenarioError
from ketalab.laboratory import individuals_at, integrate, prepare, value_of
from ketalab.people import typical_people
from ketalab.studies._compare import reason_of
from ketalab.studies._measurement import assay_fact, named_power
from ketalab.studies._observe import Observer, Seen, needed
from ketalab.studies._plan import Plan, make_plan
from ketalab.studies._replay import predict_row, work_times
from ketalab.studies._schema import Outcome, Study
from ketalab.studies._timing import ask_rows

Array = NDArray[np.float64]


class TypicalStudy:
    """A study made ready to be asked again and again for the rows of its typical person."""

    def __init__(self, study: Study) -> None:
        self.study = study = ask_rows(study)[0]
        try:
            plan: Plan | None = make_plan(study)
        except ScenarioError:
            plan = None
        self.plan = plan
        self.live = [
            i
            for i, row in enumerate(study.outcomes)
            if plan is not None and plan.groups and reason_of(study, plan, row) is None
        ]
        if plan is None or not self.live:
            return
        rows = [study.outcomes[i] for i in self.live]
        self._known = tuple(plan.model.reads.outputs)
        self._names = tuple(
            dict.fromkeys(name for row in rows for name in needed(study, row, self._known))
        )
        self._times = work_times(plan, rows)
        self._observer = Observer(study, plan.population, self._known)
        self._person = typical_people(plan.population)

    @lru_cache(maxsize=1)  # noqa: B019 - one study, kept as long as it
    def _prepared(self) -> list:
        assert self.plan is not None
        species = self.plan.population.species
        return [
            prepare(group.course, model=self.plan.model, species=species, solver="lockstep")
            for group in self.plan.groups
        ]

    def rows(self, values: Mapping[str, Array], count: int) -> dict[int, Array]:
        """Predicted numbers by the place of the row, (count,) each: one a set of values.

        Parameters
        ----------
        values : fact -> (count,), in the fact's own unit; facts that are left out have their value in use.
        """
        plan = self.plan
        if plan is None or not self.live:
            return {}
        person = {name: float(x[0]) for name, x in self._person.covariates().items()}
        known = {name: person[name] for name in plan.model.covariates}
        people = individuals_at(plan.model, values, known, count)
        crowd = self._person.take(np.zeros(count, dtype=np.int64))
        seen: dict[str, Seen] = {}
        for group, prepared in zip(plan.groups, self._prepared(), strict=True):
            visits = [visit for visit in group.visits if visit.arm not in seen]
            if not visits:
                continue
            stop = group.course.horizon_h
            asked = {v.arm: np.minimum(self._times[v.arm] + v.start_h, stop) for v in visits}
            times = np.unique(np.concatenate(list(asked.values())))
            solved = integrate(prepared, people, crowd.weight, times, self._names).values
            for arm, hours in asked.items():
                places = np.searchsorted(times, hours)
                block = {k: v[places].reshape(len(hours), count, 1) for k, v in solved.items()}
                boluses = plan.boluses.get(arm, ())
                seen[arm] = Seen(arm, self._times[arm], block, crowd, (count, 1), boluses)
        made = {}
        for i in self.live:
            row = self.study.outcomes[i]
            made[i] = predict_row(self._observer, seen, plan, row)[0] * _assay(row, values, count)
        return made


def _assay(row: Outcome, values: Mapping[str, Array], count: int) -> Array:
    """Factor of a named assay (count,), one where no fact names it."""
    power, name = named_power(row), assay_fact(row)
    if not power or name is None:
        return np.ones(count)
    factor = values.get(name)
    return (np.full(count, value_of(name)) if factor is None else factor) ** power
