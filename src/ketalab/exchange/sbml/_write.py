"""The full model of one person on one course as SBML Level 3 Version 2.

Every state is a parameter with a rate rule, every output of a layer one with an assignment rule, in the form in
which the layer wrote it: an input that another layer feeds is a reference to that layer's output, and so is a part
of a formula that is an output itself. Doses are events:
boluses are added to states, inflows and free inputs are parameters that events set. Time is in hours from the start
of the course, which is before the laboratory's t = 0 where something is given before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ketalab._files import check_target, write_text
from ketalab.errors import ModelError
from ketalab.exchange.sbml._check import check_sbml
from ketalab.exchange.sbml._events import list_events
from ketalab.exchange.sbml._notes import describe_person, describe_scenario
from ketalab.exchange.sbml._parts import Parts
from ketalab.exchange.sbml._xml import CORE, document_text, element, notes
from ketalab.laboratory import Person, Scenario, find_person

SBML_ENDINGS = (".xml", ".sbml")


@dataclass(frozen=True)
class SbmlModel:
    """The text of a document and what is inside: names of the laboratory and their ids in the document.

    ``inputs`` are those that no layer feeds, ``inflows`` the rates at which states are infused (by the state's
    name). ``events`` are their times, hours from the start of the document; the laboratory's t = 0 is
    ``before_h`` after it, and it holds for ``hours``.
    """

    text: str
    states: Mapping[str, str]
    outputs: Mapping[str, str]
    parameters: Mapping[str, str]
    covariates: Mapping[str, str]
    inputs: Mapping[str, str]
    inflows: Mapping[str, str]
    events: tuple[float, ...]
    before_h: float
    hours: float


def sbml_model(person: Person, about: Sequence[str] = ()) -> SbmlModel:
    """Write a person on a course as SBML.

    Parameters
    ----------
    person : Person
    about : paragraphs put into the model's notes after what the laboratory says of itself.

    Raises
    ------
    ScenarioError
        A drug, route or intervention without a model.
    ModelError
        An equation that SBML cannot hold, or a document that libSBML does not accept.
    """
    schedule = person.schedule()
    before_h = 0.0 - schedule[0].start
    parts = Parts(person.model)
    parts.add_constants(person.drawn)
    parts.add_states()
    parts.add_outputs()
    events, times = list_events(parts, schedule)
    units = {"substance": "umol", "extent": "umol", "time": "h", "volume": "L"}
    of_model = {f"{what}Units": parts.units.id_of(unit) for what, unit in units.items()}
    model = element(
        "model",
        notes(*describe_person(person, schedule), *about),
        parts.units.definitions(),
        element("listOfParameters", *parts.parameters),
        element("listOfRules", *parts.rules),
        *([element("listOfEvents", *events)] if events else []),
        id="ketalab",
        name="Ketalab",
        **of_model,
    )
    root = element("sbml", model, xmlns=CORE, xmlns__sbml=CORE, level="3", version="2")
    text = document_text(root)
    for finding in check_sbml(text):
        if finding.error:
            raise ModelError(f"the SBML document is not valid: {finding}")
    return SbmlModel(
        text=text,
        states=parts.states,
        outputs=parts.outputs,
        parameters=parts.constants,
        covariates=parts.covariates,
        inputs=parts.inputs,
        inflows=parts.inflows,
        events=times,
        before_h=before_h,
        hours=schedule[-1].stop - schedule[0].start,
    )


def write_sbml(path: Path | str, scenario: Scenario, number: int | None = None) -> SbmlModel:
    """Write the model of a scenario's typical person, or of its person ``number``, into a file.

    Raises
    ------
    OutputError
        The file's ending is not .xml or .sbml, or it cannot be written.
    ScenarioError
        The number is out of range, or a drug or route has no model.
    """
    path = Path(path)
    check_target(path, SBML_ENDINGS)
    made = sbml_model(find_person(scenario, number), describe_scenario(scenario))
    write_text(path, made.text)
    return made
