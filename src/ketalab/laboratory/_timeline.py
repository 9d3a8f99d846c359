"""The timeline of states: what happens, when, how strong, in how many, and how sure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class StateKind:
    """A state as the timeline names it: the output that tells it, and from what value on one is in it.

    ``strength`` is the output that says how strong it is; ``below`` where the state lies under the value.
    """

    output: str
    says: str
    threshold: float
    strength: str
    below: bool = False


#: States in the order of a growing dose; half of a share, or likelier than not.
KINDS = (
    StateKind("state:analgesia", "analgesia", 0.5, "state:analgesia"),
    StateKind("state:MOAAS", "sedation", 4.5, "state:sedation", below=True),
    StateKind("p:dissociated", "dissociation", 0.5, "state:CADSS"),
    StateKind("p:khole", "K-hole", 0.5, "state:CADSS"),
    StateKind("p:unresponsive", "no response", 0.5, "p:unresponsive"),
    StateKind("p:anaesthesia", "anaesthesia", 0.5, "p:anaesthesia"),
)
#: Outputs that timeline and depth read.
READ = tuple(
    dict.fromkeys((*(k.output for k in KINDS), *(k.strength for k in KINDS), "p:ordinary"))
)
#: The four states that divide every moment, from the shallowest.
DEPTHS = ("ordinary", "dissociated", "khole", "unresponsive")


def spells(times: Array, course: Array, kind: StateKind) -> dict[str, Array]:
    """When each person is in a state: ``from_h`` and ``to_h`` (N,), NaN for who never is.

    ``course`` (T, N) at ``times`` (T,); from the first to the last moment, whatever lies between.
    """
    inside = course < kind.threshold if kind.below else course >= kind.threshold
    ever = inside.any(axis=0)
    first = times[inside.argmax(axis=0)]
    last = times[len(times) - 1 - inside[::-1].argmax(axis=0)]
    return {"from_h": np.where(ever, first, np.nan), "to_h": np.where(ever, last, np.nan)}


def deepest(courses: Mapping[str, Array]) -> dict[str, Array]:
    """How likely each state is the deepest that a person comes to, (N,) each; they sum to one.

    ``courses`` hold the four probabilities (T, N). How likely a person comes at least so deep is the greatest
    probability, over the course, of being there.
    """
    least = {
        "dissociated": 1 - courses["p:ordinary"],
        "khole": courses["p:khole"] + courses["p:unresponsive"],
        "unresponsive": courses["p:unresponsive"],
    }
    reached = [np.ones_like(courses["p:ordinary"][0])]
    # Rounding must not let a deeper state be likelier than a shallower one.
    for name in DEPTHS[1:]:
        reached.append(np.minimum(np.clip(least[name].max(axis=0), 0.0, 1.0), reached[-1]))
    reached.append(np.zeros_like(reached[0]))
    return {
        name: shallow - deeper
        for name, shallow, deeper in zip(DEPTHS, reached[:-1], reached[1:], strict=True)
    }


def band(values: Array) -> dict[str, float | None]:
    """Median and middle 90% of those who have a value; None where nobody does."""
    known = values[np.isfinite(values)]
    if not len(known):
        return {"median": None, "p05": None, "p95": None}
    low, middle, high = np.quantile(known, (0.05, 0.5, 0.95))
    return {"median": float(middle), "p05": float(low), "p95": float(high)}


def timeline(
    spelled: Mapping[str, Mapping[str, Array]],
    strengths: Mapping[str, Array],
    grades: Mapping[str, str],
    units: Mapping[str, str],
) -> list[dict[str, Any]]:
    """Rows of the timeline, in the order in which the states begin.

    Parameters
    ----------
    spelled : output of a kind -> what :func:`spells` gives.
    strengths : output -> greatest value of each person (N,).
    """
    rows = []
    for kind in KINDS:
        if kind.output not in spelled or kind.strength not in strengths:
            continue
        when = spelled[kind.output]
        ever = np.isfinite(when["from_h"])
        rows.append(
            {
                "state": kind.says,
                "output": kind.output,
                "when": f"{'below' if kind.below else 'at least'} {kind.threshold:g}",
                "share": float(ever.mean()),
                "from_h": band(when["from_h"]),
                "to_h": band(when["to_h"]),
                "strength": {
                    "output": kind.strength,
                    "unit": units[kind.strength],
                    **band(np.where(ever, strengths[kind.strength], np.nan)),
                },
                "grade": grades[kind.output],
            }
        )
    return sorted(rows, key=lambda row: (row["from_h"]["median"] is None, row["from_h"]["median"]))
