"""The whole model of one person as SBML, for other simulators."""

from ketalab.exchange.sbml._check import Finding, check_sbml
from ketalab.exchange.sbml._write import SBML_ENDINGS, SbmlModel, sbml_model, write_sbml

__all__ = ["SBML_ENDINGS", "Finding", "SbmlModel", "check_sbml", "sbml_model", "write_sbml"]
