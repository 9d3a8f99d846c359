"""Populations of spiking neurons, from which the fast model's closed forms come. Needs the extra ``spiking``."""

from ketalab.spiking._brian import load_brian, quietly
from ketalab.spiking._closed import FIT_FACTS, habenula_shares, packaged_coefficients
from ketalab.spiking._cortex_bands import RATIOS
from ketalab.spiking._cortex_constants import NUMBERS as CORTEX_NUMBERS
from ketalab.spiking._cortex_constants import TIMES as CORTEX_TIMES
from ketalab.spiking._cortex_plan import CortexPlan, cortex_plan
from ketalab.spiking._cortex_spectra import CortexSpectra, cortex_spectra
from ketalab.spiking._cortex_table import CortexFit, CortexTable, fit_cortex, make_cortex_table
from ketalab.spiking._cortex_write import check_cortex, cortex_coefficients, write_cortex
from ketalab.spiking._fit import Fit, fit_habenula
from ketalab.spiking._kinds import (
    BURST,
    KINDS_FACTS,
    RECORD_FACTS,
    SILENT,
    TONIC,
    Rule,
    describe_record,
    kinds,
)
from ketalab.spiking._neuron import NEURON_FACTS
from ketalab.spiking._plan import Condition, Plan, habenula_plan
from ketalab.spiking._population import Cells, Spikes, draw_cells, run_population
from ketalab.spiking._rasters import Raster, habenula_rasters
from ketalab.spiking._table import Table, habenula_table
from ketalab.spiking._write import (
    Check,
    check_habenula,
    habenula_document,
    packaged_habenula,
    write_habenula,
)

__all__ = [
    "BURST",
    "CORTEX_NUMBERS",
    "CORTEX_TIMES",
    "FIT_FACTS",
    "KINDS_FACTS",
    "NEURON_FACTS",
    "RATIOS",
    "RECORD_FACTS",
    "SILENT",
    "TONIC",
    "Cells",
    "Check",
    "Condition",
    "CortexFit",
    "CortexPlan",
    "CortexSpectra",
    "CortexTable",
    "Fit",
    "Plan",
    "Raster",
    "Rule",
    "Spikes",
    "Table",
    "check_cortex",
    "check_habenula",
    "cortex_coefficients",
    "cortex_plan",
    "cortex_spectra",
    "describe_record",
    "draw_cells",
    "fit_cortex",
    "fit_habenula",
    "habenula_document",
    "habenula_plan",
    "habenula_rasters",
    "habenula_shares",
    "habenula_table",
    "kinds",
    "load_brian",
    "make_cortex_table",
    "packaged_coefficients",
    "packaged_habenula",
    "quietly",
    "run_population",
    "write_cortex",
    "write_habenula",
]
