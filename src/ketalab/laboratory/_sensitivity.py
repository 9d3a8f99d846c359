"""Sensitivities: how much an output moves with a parameter, for given people on a prepared course."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ketalab.engine import Tell
from ketalab.errors import ScenarioError, SolutionError, closest
from ketalab.laboratory._guard import ONE_IN, Account
from ketalab.laboratory._individuals import Individuals
from ketalab.laboratory._prepare import Prepared
from ketalab.laboratory._run import integrate
from ketalab.laboratory._work import within
from ketalab.model.tracing import Traced

Array = NDArray[np.float64]

#: How far a parameter is moved up and down, in its logarithm. A central difference is wrong by the square of the step,
#: and by the rounding of a solution over the step; of 1e-2 to 1e-5 this one disagrees least, at worst, with what
#: Richardson extrapolation makes of it and of half of it (docs/decisions.md has the table).
STEP = 1e-4
STEPS = (1e-7, 0.1)
#: A number that nobody has who is checked.
_UNCHECKED = ONE_IN - 1
#: Numbers held at once for moved people, their constants and their courses (128 MB).
_MOST_NUMBERS = 2**24


@dataclass(frozen=True)
class Sensitivities:
    """What each output does when a parameter grows by a factor, in the output's unit per unit of log parameter.

    ``values`` holds output -> (P, T, N), in the order of ``parameters`` (P), ``times`` (T, hours) and people (N). Where
    a parameter is 1% larger, the output is larger by about 0.01 of it.
    """

    parameters: tuple[str, ...]
    times: Array
    values: Mapping[str, Array]

    def of(self, output: str, parameter: str) -> Array:
        """One output's sensitivity to one parameter, (T, N)."""
        return self.values[output][self.parameters.index(parameter)]


def sensitivities(
    prepared: Prepared,
    people: Individuals,
    weights: Array,
    times: Array,
    outputs: Sequence[str],
    parameters: Sequence[str],
    *,
    settings: Mapping[str, Array | float] | None = None,
    step: float = STEP,
    tell: Tell | None = None,
) -> Sensitivities:
    """``d output / d log parameter`` at some times, by central differences on the course's own time grid.

    ``(y(p e^h) - y(p e^-h)) / 2h``, where ``h`` is ``step``. Everyone takes the same steps, moved or not, so that no
    choice of steps adds noise, and what does not read a parameter has a sensitivity of exactly zero. Amounts of a dose
    that depend on a parameter move with it. Where an output has a corner (a threshold of a rating) the difference
    spans it. The guard of a run checks people with the first parameter moved up; the other moves are as small.

    Parameters
    ----------
    people : parameters (all of the model's, N), covariates (C, N); ``weights`` (N,) kg.
    times : (T,) hours, sorted.
    outputs : of the layers, by name; ``parameters`` by the names of ``Traced.parameters``, ``layer.parameter``.
    settings : free inputs per person, in place of those of the course.
    tell : hears how far it is, 0 to 1.

    Raises
    ------
    ScenarioError
        An unknown output or parameter, a step out of range, or a parameter that is not above zero in everybody.
    SolutionError
        A moved patient's solution failed, or many of the checked miss the allowed error.
    """
    names, moved = tuple(outputs), tuple(parameters)
    _check(prepared.model, people, names, moved, step)
    rows = np.array([prepared.model.parameters.index(name) for name in moved], np.int64)
    count = people.parameters.shape[1]
    inputs = {**prepared.course.settings, **(settings or {})}
    values = {name: np.empty((len(moved), len(times), count)) for name in names}
    pairs = len(moved) * count
    each = 2 * (len(people.parameters) + len(times) * len(names))
    block, account = max(_MOST_NUMBERS // each, 1), Account()
    for begin in range(0, pairs, block):
        # Pairs of a parameter and a person, so that neither many people nor many parameters fill the memory.
        which, who = np.divmod(np.arange(begin, min(begin + block, pairs)), count)
        both = np.tile(who, 2)
        table = people.parameters[:, both]
        for sign, part in ((1.0, np.arange(len(who))), (-1.0, np.arange(len(who)) + len(who))):
            table[rows[which], part] *= math.exp(sign * step)
        numbers = np.full(len(both), _UNCHECKED)
        numbers[: len(who)][which == 0] = who[which == 0]
        solved = integrate(
            prepared,
            Individuals(table, people.covariates[:, both]),
            weights[both],
            times,
            names,
            engine="lockstep",
            settings={
                name: value[both] if isinstance(value, np.ndarray) and value.ndim else value
                for name, value in inputs.items()
            },
            numbers=numbers,
            exact=True,
            tell=within(tell, begin / pairs, (begin + len(who)) / pairs),
        )
        for place, reason in sorted(solved.account.failed.items())[:1]:
            raise SolutionError(
                f"{len(solved.account.failed)} of {len(both)} moved patients failed (patient {both[place]} with "
                f"{moved[which[place % len(who)]]} moved by a factor of {1 + step:g} or its inverse: {reason})"
            )
        account.add(solved.account, both.tolist())
        for name in names:
            up, down = np.split(solved.values[name], 2, axis=1)
            values[name][which, :, who] = ((up - down) / (2 * step)).T
    account.refuse_many_above()
    return Sensitivities(moved, times, values)


def _check(
    model: Traced, people: Individuals, names: Sequence[str], moved: Sequence[str], step: float
) -> None:
    """Refuse what has no sensitivity, each in one line."""
    for what, asked, known in (
        ("output", names, tuple(model.reads.outputs)),
        ("parameter", moved, model.parameters),
    ):
        for name in asked:
            if name not in known:
                raise ScenarioError(f"{what} {name!r} is unknown{closest(name, known)}", name)
    if not STEPS[0] <= step <= STEPS[1]:
        raise ScenarioError(
            f"step: {step!r} is not allowed; allowed: {STEPS[0]:g} to {STEPS[1]:g}", step
        )
    for name in moved:
        row = people.parameters[model.parameters.index(name)]
        bad = np.nonzero(~(row > 0))[0]
        if len(bad):
            raise ScenarioError(
                f"parameter {name!r} is {row[bad[0]]:g} for {len(bad)} of {len(row)} people (the first: {bad[0]}); "
                "a sensitivity is to its logarithm, so it must be above 0 in everybody",
                name,
            )
