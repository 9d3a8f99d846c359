"""What the rows of one record share while they are converted: arms, comparators, decisions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ketalab.studies._record import EvidenceRecord, Row, arms_of
from ketalab.studies._terms import ALL_ARMS

__all__ = ["Context", "arm_id_of", "is_animal"]

#: The arm that stands for animals or cells without the drug, where a record names no control arm.
UNTREATED = "untreated"


def arm_id_of(name: str) -> str:
    """Return a name as an arm's id: no spaces, none of the signs that an id cannot have."""
    return re.sub(r"[^A-Za-z0-9_.+-]+", "_", name.strip()).strip("_") or "arm"


def is_animal(record: EvidenceRecord) -> bool:
    """Whether the record is of rats, mice or cells."""
    return record.species != "human"


@dataclass
class Context:
    """Arms of the study under way (as plain mappings, by id) and the decisions so far.

    ``given`` holds the treatment behind each arm of a concentration record; ``assumed`` what rows had to assume.
    """

    record: EvidenceRecord
    primary: str | None = None
    aliases: dict[str, str] = field(default_factory=dict)
    arms: dict[str, Row] = field(default_factory=dict)
    compounds: dict[str, frozenset[tuple[str, str]]] = field(default_factory=dict)
    decisions: list[Row] = field(default_factory=list)
    given: dict[str, Row] = field(default_factory=dict)
    assumed: list[Row] = field(default_factory=list)

    def assume(self, name: str, value: object, why: str, **more: object) -> None:
        """List once what the record does not say, with what is taken in its place."""
        entry = {"field": name, "value": value, **more, "why": why}
        if entry not in self.assumed:
            self.assumed.append(entry)

    def decide(self, text: str, row: int | str | None = None) -> None:
        """Note a decision once."""
        entry = {"record": self.record.id, "row": row, "decision": text}
        if entry not in self.decisions:
            self.decisions.append(entry)

    def arm(self, name: str, row: int) -> str:
        """Return the id of the arm that a row names; an arm that the record lacks is added."""
        name = self.aliases.get(name, name)
        if name.lower() in ("all", "all arms"):
            return ALL_ARMS
        arm_id = arm_id_of(name)
        if arm_id not in self.arms:
            self.arms[arm_id] = {"id": arm_id, "unknown_dose": True}
            self.decide(
                f"arm {name!r} is named by a row only: added, its treatment is not told", row
            )
        return arm_id

    def named_arms(self, row: Row, index: int) -> list[str]:
        """Return the arms that a row names, in order; a record's only arm where it names none."""
        names = [row["arm"]] if row.get("arm") else arms_of(row)
        if row.get("versus"):
            names.append(row["versus"])
        if not names and len(self.arms) == 1:
            only = next(iter(self.arms))
            self.decide(f"the row names no arm; the record's only arm {only!r} is meant", index)
            return [only]
        return [self.arm(str(name), index) for name in names]

    def is_control(self, arm_id: str) -> bool:
        """Whether an arm is a comparator: given no drug, or midazolam."""
        return self.arms.get(arm_id, {}).get("control") is not None

    def without_blocker(self, arm_id: str) -> str | None:
        """Return the arm given all but one part of what this arm is given."""
        own = self.compounds.get(arm_id, frozenset())
        best: str | None = None
        for other, theirs in self.compounds.items():
            smaller = theirs and theirs < own
            if (
                other != arm_id
                and smaller
                and (best is None or len(theirs) > len(self.compounds[best]))
            ):
                best = other
        return best

    def comparator(self, arm_id: str, row: int) -> str | None:
        """Return the arm with which a row's arm is compared, where the row names none.

        The record's only control arm; else, for animals and cells, an untreated arm, which is
        added; else None, which means the arm's own baseline.
        """
        controls = [name for name in self.arms if self.is_control(name) and name != arm_id]
        if controls == [UNTREATED]:
            return self.untreated(row)
        if len(controls) == 1:
            self.decide(f"compared with the record's control arm {controls[0]!r}", row)
            return controls[0]
        if is_animal(self.record):
            return self.untreated(row)
        self.decide("compared with the arm's own baseline", row)
        return None

    def untreated(self, row: int) -> str:
        """Return the untreated arm, added where the record has none."""
        if UNTREATED not in self.arms:
            self.arms[UNTREATED] = {"id": UNTREATED, "control": "none"}
        self.decide("compared with an untreated arm, which the record does not list", row)
        return UNTREATED

    def n_of(self, arm_id: str) -> int | None:
        """Return the number of people in an arm, or in the study for all arms."""
        n: Any = self.record.population.get("n") if arm_id == ALL_ARMS else None
        if arm_id in self.arms:
            n = self.arms[arm_id].get("n")
        return n if isinstance(n, int) and not isinstance(n, bool) and n > 0 else None


def pair(names: Sequence[str]) -> tuple[str, str] | None:
    """Return two arms as (arm, than); None for another number of arms."""
    return (names[0], names[1]) if len(names) == 2 else None
