"""The laboratory: the one place where model and engine meet."""

from ketalab.laboratory._arms import (
    CONTROLS,
    Arms,
    course_of,
    doses_at,
    newly_started,
    sessions_of,
    simulate_arms,
)
from ketalab.laboratory._bank import PatientBank, Resample, build_bank
from ketalab.laboratory._benefit import Benefit, benefit
from ketalab.laboratory._between import facts_of_settings, score_effects, study_settings
from ketalab.laboratory._compare import UNITS, Compared, Comparison, compare
from ketalab.laboratory._conversion import Converted, convert_score, convertible
from ketalab.laboratory._course import (
    Course,
    build_matrices,
    check_modelled,
    facts_of_doses,
    intervention_inputs,
)
from ketalab.laboratory._equivalent import Equivalent, Match, equivalent
from ketalab.laboratory._expectancy import expectancy_share
from ketalab.laboratory._guard import ALLOWED, Account, Check
from ketalab.laboratory._hypotheses import (
    Hypothesis,
    hypotheses,
    read_hypotheses,
    under_hypotheses,
    using_facts,
    using_hypotheses,
)
from ketalab.laboratory._individuals import (
    Individuals,
    draw_fact,
    facts_of_conditions,
    from_scale,
    individuals,
    individuals_at,
    typical_individual,
    value_of,
)
from ketalab.laboratory._looks import looks
from ketalab.laboratory._matrix import Cell, matrix
from ketalab.laboratory._measures import exposure
from ketalab.laboratory._microdose import LOW_DOSES, microdose
from ketalab.laboratory._model import (
    OutputInfo,
    animal_model,
    body_model,
    human_model,
    model_for,
    output,
    outputs,
    whom,
)
from ketalab.laboratory._nca import Noncompartmental, bioavailability, nca, partial_auc
from ketalab.laboratory._person import Person, find_person
from ketalab.laboratory._posterior import (
    Posterior,
    current_posterior,
    load_posterior,
    read_posterior,
    shipped_posterior,
    using_posterior,
)
from ketalab.laboratory._prepare import Prepared, prepare, solver_of
from ketalab.laboratory._result import FORMATS, Result, check_writable, plain, references
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
from ketalab.laboratory._scores import Baseline, baseline, severity_of
from ketalab.laboratory._sensitivity import Sensitivities, sensitivities
from ketalab.laboratory._simulate import simulate, simulate_many
from ketalab.laboratory._studied import warnings as studied_warnings
from ketalab.laboratory._terminal import TerminalPhase
from ketalab.laboratory._windows import facts_of_windows, standing, windows_of

__all__ = [
    "ALLOWED",
    "BATCH",
    "CONTROLS",
    "DEFAULT_PHRASE",
    "ENGINES",
    "FAILED",
    "FORMATS",
    "LOW_DOSES",
    "MAX_TIMES",
    "SPECIES",
    "UNITS",
    "Account",
    "Arms",
    "Baseline",
    "Benefit",
    "Cell",
    "Check",
    "Compared",
    "Comparison",
    "Converted",
    "Course",
    "Engine",
    "Equivalent",
    "Hypothesis",
    "Individuals",
    "Integrated",
    "Match",
    "Noncompartmental",
    "OutputInfo",
    "PatientBank",
    "Person",
    "Posterior",
    "Prepared",
    "Resample",
    "Result",
    "Scenario",
    "Sensitivities",
    "TerminalPhase",
    "animal_model",
    "baseline",
    "benefit",
    "bioavailability",
    "body_model",
    "build_bank",
    "build_matrices",
    "check_modelled",
    "check_writable",
    "compare",
    "convert_score",
    "convertible",
    "course_of",
    "current_posterior",
    "doses_at",
    "draw_fact",
    "equivalent",
    "expectancy_share",
    "exposure",
    "facts_of_conditions",
    "facts_of_doses",
    "facts_of_settings",
    "facts_of_windows",
    "find_person",
    "from_scale",
    "human_model",
    "hypotheses",
    "individuals",
    "individuals_at",
    "integrate",
    "intervention_inputs",
    "load_posterior",
    "looks",
    "matrix",
    "microdose",
    "model_for",
    "nca",
    "newly_started",
    "output",
    "outputs",
    "partial_auc",
    "plain",
    "prepare",
    "read_hypotheses",
    "read_posterior",
    "references",
    "run",
    "score_effects",
    "sensitivities",
    "sessions_of",
    "severity_of",
    "shipped_posterior",
    "simulate",
    "simulate_arms",
    "simulate_many",
    "solver_of",
    "standing",
    "studied_warnings",
    "study_settings",
    "typical_individual",
    "under_hypotheses",
    "using_facts",
    "using_hypotheses",
    "using_posterior",
    "value_of",
    "whom",
    "windows_of",
]
