"""The laboratory: the one place where model and engine meet."""

from ketalab.laboratory._course import (
    Course,
    build_matrices,
    check_modelled,
    facts_of_doses,
    intervention_inputs,
)
from ketalab.laboratory._guard import ALLOWED, Account, Check
from ketalab.laboratory._individuals import Individuals, draw_fact, individuals, typical_individual
from ketalab.laboratory._measures import exposure
from ketalab.laboratory._model import OutputInfo, human_model, output, outputs
from ketalab.laboratory._person import Person, find_person
from ketalab.laboratory._prepare import Prepared, prepare
from ketalab.laboratory._result import Result, check_writable, plain, references
from ketalab.laboratory._run import BATCH, Integrated, integrate, run
from ketalab.laboratory._scenario import (
    DEFAULT_PHRASE,
    ENGINES,
    FAILED,
    MAX_TIMES,
    SPECIES,
    Engine,
    Scenario,
)
from ketalab.laboratory._scores import Baseline, baseline
from ketalab.laboratory._simulate import simulate

__all__ = [
    "ALLOWED",
    "BATCH",
    "DEFAULT_PHRASE",
    "ENGINES",
    "FAILED",
    "MAX_TIMES",
    "SPECIES",
    "Account",
    "Baseline",
    "Check",
    "Course",
    "Engine",
    "Individuals",
    "Integrated",
    "OutputInfo",
    "Person",
    "Prepared",
    "Result",
    "Scenario",
    "baseline",
    "build_matrices",
    "check_modelled",
    "check_writable",
    "draw_fact",
    "exposure",
    "facts_of_doses",
    "find_person",
    "human_model",
    "individuals",
    "integrate",
    "intervention_inputs",
    "output",
    "outputs",
    "plain",
    "prepare",
    "references",
    "run",
    "simulate",
    "typical_individual",
]
