"""Groups of people with their courses, and the plan that they make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from ketalab.laboratory import Course
from ketalab.model.tracing import Traced
from ketalab.people import Population
from ketalab.protocol import Variant
from ketalab.studies._schema import Study

__all__ = ["TERMINAL_H", "Group", "Plan", "Visit", "share_out"]


@dataclass(frozen=True)
class Visit:
    """One arm in one group: the group's members see the arm from ``start_h`` on."""

    arm: str
    start_h: float


@dataclass(frozen=True)
class Group:
    """People who go through one course: ``count`` of those of ``pool``, ``first`` of whom are before them.

    ``population`` is theirs where it differs from the study's.
    """

    pool: int
    count: int
    first: int
    course: Course
    visits: tuple[Visit, ...]
    population: Population | None = None


@dataclass(frozen=True)
class Plan:
    """How a study is simulated.

    ``sizes`` gives the people of each pool (one pool an arm, or one for all arms); ``skipped`` says why an arm cannot
    be simulated; ``assumed`` lists what replay filled in; ``references`` names the course behind an arm's
    bioavailability, ``unreferred`` says why there is none; ``doses`` and ``boluses`` are hours, by arm.
    """

    study: Study
    model: Traced
    population: Population
    groups: tuple[Group, ...]
    sizes: tuple[int, ...]
    skipped: Mapping[str, str]
    assumed: tuple[str, ...]
    references: Mapping[str, str] = field(default_factory=dict)
    unreferred: Mapping[str, str] = field(default_factory=dict)
    doses: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    boluses: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


#: A figure that goes to infinity is read off a course of this length after the last dose.
TERMINAL_H = 72.0


def share_out(variants: tuple[Variant, ...], n: int) -> list[int]:
    """Split n people over the variants of a mix, as evenly as their weights say."""
    edges = [0]
    total = 0.0
    for variant in variants:
        total += variant.weight
        edges.append(round(total * n))
    return [b - a for a, b in pairwise(edges)]
