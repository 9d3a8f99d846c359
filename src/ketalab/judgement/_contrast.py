"""Glutamate by opioid: late potentiation and relief with each of two doors open or shut, in the same people.

Glutamate is shut by a block of AMPA receptors around the infusion, mu receptors by naltrexone before it (Williams
2018). The contrast is what the two doors do together beyond what each does alone: with both needed, it is the whole
effect. The hypothesis ``opioid_gate`` holds here throughout; where it does not, mu receptors are no door.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ketalab.studies import Study, parse_study

KETAMINE = "0.5 mg/kg ketamine iv over 40 min"
NALTREXONE = "50 mg naltrexone oral at -45 min"
#: AMPA receptors are blocked while the surge lasts, and free again when the effect is read (hours).
_BLOCKED_H = 4.0
_READ_H = 24.0
OUTPUTS = ("synapse:potentiation", "symptom:relief")
#: (glutamate passes, mu receptors free) -> arm
CELLS = {(True, True): "both", (True, False): "glutamate", (False, True): "opioid", (False, False): "none"}  # fmt: skip
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Contrast:
    """One output in the four cells: mean and 90% interval of each, and of the interaction contrast.

    The contrast is ``(both - glutamate alone) - (opioid alone - none)``.
    """

    output: str
    cells: dict[str, tuple[float, float, float]]
    interaction: tuple[float, float, float]

    @property
    def share(self) -> float:
        """The contrast as a share of the effect with both doors open; 1 where each door alone gives nothing."""
        return self.interaction[0] / self.cells["both"][0]


def _study(people: int) -> Study:
    arms = []
    for (glutamate, opioid), name in CELLS.items():
        acts = (
            [] if glutamate else [{"target": "AMPA", "factor": 0, "from_h": 0, "to_h": _BLOCKED_H}]
        )
        doses = [KETAMINE] if opioid else [NALTREXONE, KETAMINE]
        arms.append({"id": name, "n": people, "doses": doses, "interventions": acts})
    rows = [
        {
            "measure": output,
            "kind": "fraction",
            "arm": arm,
            "time_h": _READ_H,
            "spread": {"kind": "range", "value": [0, None]},
            "verified": False,
            "counted": False,
            "source": "an experiment in the model",
        }
        for output in OUTPUTS
        for arm in CELLS.values()
    ]
    return parse_study(
        {
            "schema": 1,
            "id": "glutamate_by_opioid",
            "use": "build",
            "species": "human",
            "citation": {"type": "dataset", "title": "Glutamate by opioid", "issued": {"date-parts": [[2018]]}},
            "design": {"kind": "experiment"},
            "population": {"condition": "TRD", "n": people},
            "arms": arms,
            "outcomes": rows,
        },
        "glutamate by opioid",
    )  # fmt: skip


def _summary(values: Array) -> tuple[float, float, float]:
    low, high = np.quantile(values, [0.05, 0.95])
    return float(values.mean()), float(low), float(high)


def glutamate_by_opioid(
    replicates: int = 100, seed: int = 0, *, people: int = 10, gate: float = 1.0
) -> tuple[Contrast, ...]:
    """The four cells and their contrast, one an output; ``gate`` is the weight of the hypothesis ``opioid_gate``.

    Raises
    ------
    ScenarioError
        A number of replicates, a seed or a weight out of range.
    """
    from ketalab.laboratory import using_hypotheses
    from ketalab.studies import replay_study

    with using_hypotheses({"opioid_gate": gate}):
        made = replay_study(_study(people), replicates, seed)
    draws: dict[tuple[str, str], Array] = {}
    for row, values in zip(made.study.outcomes, made.draws, strict=True):
        if values is not None and row.arm is not None:
            draws[row.measure, row.arm] = values
    found = []
    for output in OUTPUTS:
        cell = {arm: draws[output, arm] for arm in CELLS.values()}
        contrast = (cell["both"] - cell["glutamate"]) - (cell["opioid"] - cell["none"])
        cells = {arm: _summary(values) for arm, values in cell.items()}
        found.append(Contrast(output, cells, _summary(contrast)))
    return tuple(found)
