"""Judgement: how a layer fares against what was measured, beside published models; misses first."""

from ketalab.judgement._aims import Verdict
from ketalab.judgement._comparator import Comparator, Mean, comparators, read_comparator
from ketalab.judgement._compare import BESIDE, Beside, set_beside
from ketalab.judgement._coverage import Coverage, cover
from ketalab.judgement._disagree import Disagreement, find_disagreements
from ketalab.judgement._document import (
    cause_of,
    document,
    row_records,
    summary_records,
    to_csv,
    vote_records,
)
from ketalab.judgement._layer import Aim, Contradiction, layer_file, layers
from ketalab.judgement._left_out import left_out_predict
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
    "LIMITS",
    "USES",
    "Aim",
    "Beside",
    "Comparator",
    "Contradiction",
    "Coverage",
    "Disagreement",
    "Figures",
    "Line",
    "Mean",
    "Point",
    "Qualification",
    "Verdict",
    "Vote",
    "cause_of",
    "comparators",
    "concentration_records",
    "cover",
    "document",
    "find_disagreements",
    "layer_file",
    "layers",
    "left_out_predict",
    "make_points",
    "make_votes",
    "plasma_rows",
    "predict_row",
    "qualify",
    "read_comparator",
    "replayed",
    "row_records",
    "set_beside",
    "sum_up",
    "summary_records",
    "to_csv",
    "vote_records",
    "worst_first",
]
