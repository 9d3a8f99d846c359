"""A bank of virtual patients: simulated once in every arm, and resampled to the size of each replicate of a study.

**A replicate is one draw and n patients.** A draw is one set of constants and one setting with its effects, the same
for all patients of the replicate: a study is one place in a world that is not known exactly, and what differs between
its patients is what differs between people. The bank holds ``draws`` of them with ``patients`` each, and the patients
of one draw are never those of another. A replicate takes one draw and n distinct patients of that draw.

Where there are no more replicates than draws, every replicate has a draw of its own and is distributed exactly as if it
had been simulated for itself. With more, draws are used again, each as often as the others (but for one), with other
patients: means over replicates then know the uncertainty of the constants as well as ``draws`` of them can tell it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ketalab.engine import Tell
from ketalab.errors import ScenarioError, SolutionError, closest
from ketalab.laboratory._between import score_effects, study_settings
from ketalab.laboratory._guard import Account, Check
from ketalab.laboratory._individuals import individuals
from ketalab.laboratory._prepare import Prepared
from ketalab.laboratory._run import integrate
from ketalab.laboratory._work import within
from ketalab.model.tracing import Traced
from ketalab.people import Population, Streams, draw

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

#: Patients drawn and solved at once; bounds the memory beside the bank itself.
_AT_ONCE = 4096
#: Numbers that a bank may hold (2 GiB).
MOST_NUMBERS = 2**28


@dataclass(frozen=True)
class Resample:
    """Who is in each replicate: ``draws`` (R,) and, arm by arm, distinct ``patients`` (R, n) of that draw."""

    draws: Whole
    patients: Mapping[str, Whole]


@dataclass(frozen=True)
class PatientBank:
    """What D draws of P patients do in each arm: ``values[arm][output]`` (T, D, P) at ``times`` (T,) hours.

    Draw d is replicate d of the streams of ``seed``, and patient i number i of it, as :func:`ketalab.people.draw`
    numbers them: the same person with the same constants in every arm, whatever other arms, draws and patients there
    are.
    ``checks`` tells of each arm how large the error of the solutions is.
    """

    times: Array
    values: Mapping[str, Mapping[str, Array]]
    draws: int
    patients: int
    seed: int
    checks: Mapping[str, Check]

    def take(self, arms: Sequence[str]) -> PatientBank:
        """The bank of some of the arms."""
        kept = sorted(self._known(arm) for arm in arms)
        return replace(
            self,
            values={arm: self.values[arm] for arm in kept},
            checks={arm: self.checks[arm] for arm in kept},
        )

    def resample(self, n: int | Mapping[str, int], replicates: int, seed: int = 0) -> Resample:
        """Choose a draw and patients for each replicate.

        Parameters
        ----------
        n : patients in a replicate, the same in every arm (each patient goes through all of them); or arm -> patients,
            for parallel groups, in which nobody is in two arms.
        replicates : R.
        seed : of the choice alone. Of one seed, a larger n contains the patients of a smaller one, and more replicates
            begin with the fewer.

        Raises
        ------
        ScenarioError
            More patients than the bank has in a draw, none, no replicate, or an unknown arm.
        """
        groups = {arm: n[self._known(arm)] for arm in sorted(n)} if isinstance(n, Mapping) else {}
        wanted = sum(groups.values()) if isinstance(n, Mapping) else n
        if min([wanted, *groups.values()]) < 1:
            raise ScenarioError(f"n: {n!r} is not allowed; allowed: at least 1 patient in an arm")
        if wanted > self.patients:
            raise ScenarioError(
                f"n: {wanted} patients are more than the {self.patients} that the bank has in each draw; "
                "they are distinct, so build a bank with more",
                n,
            )
        if replicates < 1:
            raise ScenarioError(f"replicates: {replicates!r} is not allowed; allowed: at least 1")
        streams = Streams(seed)
        chosen = np.empty((replicates, wanted), np.int64)
        for number in range(replicates):
            rank = streams.uniform("bank:patients", self.patients, replicate=number)
            chosen[number] = np.argsort(rank)[:wanted]
        if isinstance(n, Mapping):
            cuts = np.cumsum(list(groups.values()))[:-1]
            patients = dict(zip(groups, np.split(chosen, cuts, axis=1), strict=True))
        else:
            patients = dict.fromkeys(self.values, chosen)
        return Resample(_deal(streams, self.draws, replicates), patients)

    def gather(self, arm: str, output: str, chosen: Resample) -> Array:
        """Courses of an arm's patients in each replicate, (T, R, n)."""
        course = self.values[self._known(arm)][output]
        return course[:, chosen.draws[:, None], chosen.patients[arm]]

    def _known(self, arm: str) -> str:
        if arm not in self.values:
            raise ScenarioError(
                f"arm {arm!r} is not in the bank; there are {', '.join(sorted(self.values))}"
                f"{closest(arm, self.values)}",
                arm,
            )
        return arm


def _deal(streams: Streams, draws: int, replicates: int) -> Whole:
    """A draw for each replicate: all of them in random order, and again in another, so that each is used alike."""
    decks = [
        np.argsort(streams.uniform("bank:draws", draws, replicate=deck))
        for deck in range(-(-replicates // draws))
    ]
    return np.concatenate(decks)[:replicates].astype(np.int64)


def build_bank(
    arms: Mapping[str, Prepared],
    outputs: Sequence[str],
    times: Array,
    *,
    draws: int,
    patients: int,
    population: Population | None = None,
    seed: int = 0,
    effects: bool = True,
    tell: Tell | None = None,
) -> PatientBank:
    """Simulate every arm in the same patients.

    Parameters
    ----------
    arms : name -> prepared course; the courses may differ, the model is one.
    outputs : of the layers, by name.
    times : (T,) hours, sorted.
    draws : sets of constants; ``patients`` people in each.
    effects : whether the size of relief also differs from draw to draw, as it does from study to study. What differs on
        the body (:mod:`ketalab.laboratory._between`) always does.
    tell : hears how far it is, 0 to 1.

    Raises
    ------
    ScenarioError
        No arm, arms of several models, an unknown output, no draw or patient, or a bank above two gibibytes.
    SolutionError
        A patient's solution failed, or many of the checked miss the allowed error.
    """
    names = tuple(outputs)
    model = _check(arms, names, len(times), draws, patients)
    population = Population() if population is None else population
    streams, accounts = Streams(seed), {arm: Account() for arm in sorted(arms)}
    shape = (len(times), draws, patients)
    values = {arm: {name: np.empty(shape) for name in names} for arm in accounts}
    scores = score_effects(streams, draws) if effects else {}
    block = max(_AT_ONCE // patients, 1)
    for begin in range(0, draws, block):
        part = range(begin, min(begin + block, draws))
        people = draw(population, streams, patients, replicates=part)
        drawn = individuals(model, people, streams, "replicate")
        settings = study_settings(model, people, streams, "replicate")
        settings |= {k: x[people.replicate] for k, x in scores.items() if k in model.inputs}
        everyone = list(zip(people.replicate.tolist(), people.index.tolist(), strict=True))
        for number, (arm, account) in enumerate(accounts.items()):
            told = (begin + len(part) * np.array([number, number + 1]) / len(arms)) / draws
            solved = integrate(
                arms[arm],
                drawn,
                people.weight,
                times,
                names,
                settings=settings,
                numbers=people.index + people.replicate,
                tell=within(tell, *told.tolist()),
            )
            account.add(solved.account, everyone)
            _refuse(arm, account, part.stop * patients, last=part.stop == draws)
            for name in names:
                made = solved.values[name].reshape(len(times), len(part), patients)
                values[arm][name][:, begin : part.stop] = made
    checks = {arm: account.check() for arm, account in accounts.items()}
    return PatientBank(times, values, draws, patients, seed, checks)


def _refuse(arm: str, account: Account, done: int, *, last: bool) -> None:
    """Raise for failed patients of an arm, and at the end for many who miss the allowed error."""
    try:
        account.refuse_failed(f"the first {done}", "auto", keep=False)
        if last:
            account.refuse_many_above()
    except SolutionError as error:
        raise SolutionError(f"arm {arm!r}: {error}") from None


def _check(
    arms: Mapping[str, Prepared], names: Sequence[str], times: int, draws: int, patients: int
) -> Traced:
    """The arms' one model; refuse what no bank can be built of, each in one line."""
    if not arms:
        raise ScenarioError("arms: none is given; at least one is needed")
    model, *others = dict.fromkeys(prepared.model for prepared in arms.values())
    if others:
        raise ScenarioError("arms: they are prepared for several models; allowed: one for all")
    for name in names:
        if name not in model.reads.outputs:
            raise ScenarioError(
                f"output {name!r} is unknown{closest(name, model.reads.outputs)}", name
            )
    for what, number in (("draws", draws), ("patients", patients)):
        if number < 1:
            raise ScenarioError(f"{what}: {number!r} is not allowed; allowed: at least 1", number)
    numbers = len(arms) * len(names) * times * draws * patients
    if numbers > MOST_NUMBERS:
        raise ScenarioError(
            f"a bank of {len(arms)} arms, {len(names)} outputs, {times} times and {draws} draws of {patients} "
            f"patients holds {numbers:,} numbers; allowed: {MOST_NUMBERS:,}",
            numbers,
        )
    return model
