"""Statements about scenarios, as small experiments: the same people with the scenario and with what it is compared.

A row names a phrase, an output and a sign. It is simulated in the species that it names (the study's where it names
none), against another phrase or against nothing given, and its direction is the model's alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ketalab.studies._schema import Arm, Design, Intervention, Outcome, Population, Study
from ketalab.studies._timing import of_scenario

__all__ = ["STATEMENT_N", "statement_studies"]

#: People in whom a statement is simulated where its study states no number, and the most.
STATEMENT_N, _MOST = 20, 100


def statement_studies(study: Study) -> Iterator[tuple[Study, tuple[int, ...]]]:
    """Yield one experiment a species, with the places (in the study) of the statements that are its rows."""
    places: dict[str, list[int]] = {}
    for place, row in enumerate(study.outcomes):
        if of_scenario(row):
            places.setdefault(row.species or study.species, []).append(place)
    for species, mine in places.items():
        yield _experiment(study, species, tuple(mine)), tuple(mine)


def _experiment(study: Study, species: str, places: tuple[int, ...]) -> Study:
    n = min(study.population.n or STATEMENT_N, _MOST)
    arms: dict[tuple[str, tuple[Intervention, ...]], Arm] = {}

    def arm(phrase: str, interventions: tuple[Intervention, ...]) -> str:
        key = (phrase.strip(), interventions)
        if key not in arms:
            doses = (key[0],) if key[0] else ()
            arms[key] = Arm(
                id=f"s{len(arms)}",
                n=n,
                doses=doses,
                control=None if doses else "none",
                interventions=interventions,
            )
        return arms[key].id

    rows = [_row(study.outcomes[place], arm) for place in places]
    population = study.population
    if species != study.species:
        population = Population(condition=population.condition)
    return study.model_copy(
        update={
            "species": species,
            "design": Design(kind="experiment"),
            "population": population.model_copy(update={"n": n}),
            "arms": tuple(arms.values()),
            "outcomes": tuple(rows),
            "assumed": (),
        }
    )


def _row(row: Outcome, arm: Callable[[str, tuple[Intervention, ...]], str]) -> Outcome:
    mine = arm(row.scenario or "", row.interventions)
    than = arm(row.than_scenario or "", row.than_interventions)
    return row.model_copy(
        update={
            "kind": "direction",
            "measure": row.output,
            "arm": mine,
            "than": than,
            "subgroup": None,
            "period": None,
        }
    )
