"""Calibration: a joint fit of constants to studies, with published values as priors; it writes the posterior."""

from ketalab.calibration._body import BodyFit, body_plan, calibrate_body, leave_one_out, shifts
from ketalab.calibration._fit import Fit, fit_map
from ketalab.calibration._write import write_posteriors

__all__ = [
    "BodyFit",
    "Fit",
    "body_plan",
    "calibrate_body",
    "fit_map",
    "leave_one_out",
    "shifts",
    "write_posteriors",
]
