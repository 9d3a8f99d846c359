"""Judgement: how a layer fares against what was measured, beside published models; misses first.

The body is judged by concentrations, the brain by the directions of effects and by what falls without a mechanism.
"""

from ketalab.judgement._ablation import (
    BREAKS_AT,
    BREAKS_BY,
    WEAKENS_BY,
    Ablation,
    Fallen,
    ablate,
    fallen,
    with_breaks,
)
from ketalab.judgement._aims import Verdict
from ketalab.judgement._beside import Task
from ketalab.judgement._brain_document import direction_records, directions_document
from ketalab.judgement._comparator import Comparator, Mean, comparators, read_comparator
from ketalab.judgement._compare import BESIDE, Beside, set_beside
from ketalab.judgement._contrast import KETAMINE, NALTREXONE, Contrast, glutamate_by_opioid
from ketalab.judgement._coverage import Coverage, cover
from ketalab.judgement._directions import (
    BY_CARD,
    GROUPS,
    HELD,
    JUDGED,
    Directions,
    Judged,
    basis_of,
    judge_directions,
)
from ketalab.judgement._disagree import Disagreement, find_disagreements
from ketalab.judgement._document import (
    cause_of,
    document,
    row_records,
    summary_records,
    to_csv,
    vote_records,
)
from ketalab.judgement._frozen import DirectionRow, Frozen, find_rows, frozen, read_frozen
from ketalab.judgement._layer import Aim, Contradiction, layer_file, layers
from ketalab.judgement._left_out import left_out_predict
from ketalab.judgement._mechanisms import (
    Ablations,
    Mechanism,
    ablations,
    read_ablations,
    write_ablations,
)
from ketalab.judgement._points import ADULTS, Point, make_points, plasma_rows
from ketalab.judgement._published import predict_row
from ketalab.judgement._qualify import (
    USES,
    Line,
    Qualification,
    concentration_records,
    qualify,
    replayed,
)
from ketalab.judgement._votes import LIMITS, Figures, Vote, make_votes, sum_up, worst_first

__all__ = [
    "ADULTS",
    "BESIDE",
    "BREAKS_AT",
    "BREAKS_BY",
    "BY_CARD",
    "GROUPS",
    "HELD",
    "JUDGED",
    "KETAMINE",
    "LIMITS",
    "NALTREXONE",
    "USES",
    "WEAKENS_BY",
    "Ablation",
    "Ablations",
    "Aim",
    "Beside",
    "Comparator",
    "Contradiction",
    "Contrast",
    "Coverage",
    "DirectionRow",
    "Directions",
    "Disagreement",
    "Fallen",
    "Figures",
    "Frozen",
    "Judged",
    "Line",
    "Mean",
    "Mechanism",
    "Point",
    "Qualification",
    "Task",
    "Verdict",
    "Vote",
    "ablate",
    "ablations",
    "basis_of",
    "cause_of",
    "comparators",
    "concentration_records",
    "cover",
    "direction_records",
    "directions_document",
    "document",
    "fallen",
    "find_disagreements",
    "find_rows",
    "frozen",
    "glutamate_by_opioid",
    "judge_directions",
    "layer_file",
    "layers",
    "left_out_predict",
    "make_points",
    "make_votes",
    "plasma_rows",
    "predict_row",
    "qualify",
    "read_ablations",
    "read_comparator",
    "read_frozen",
    "replayed",
    "row_records",
    "set_beside",
    "sum_up",
    "summary_records",
    "to_csv",
    "vote_records",
    "with_breaks",
    "worst_first",
    "write_ablations",
]
