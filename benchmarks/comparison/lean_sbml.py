"""A lean document of SBML: states that a course reaches, and as parameters the numbers that no state moves.

The laboratory's own export says everything about one person, in words and units. This one is for speed: one document
serves all patients, whose numbers are set as values of parameters.
"""

from __future__ import annotations

from dataclasses import dataclass

import libsbml

from .text import read_formulas


@dataclass(frozen=True)
class Form:
    """How the equations are written.

    ``inline``: what formulas share is written out at every use, and no assignment rule. ``reactions``: states are
    species, each made by a reaction of its own, in place of rate rules. ``events``: infusions begin and end by events
    of the document, in place of parameters that the caller sets between two calls.
    """

    inline: bool = False
    reactions: bool = False
    events: bool = False


def fed_states(flows: list[list[float]]) -> tuple[int, ...]:
    """The states into which anything flows in any segment."""
    return tuple(i for i in range(len(flows[0])) if any(row[i] for row in flows))


def write_lean(
    source: str, fixed: int, fed: tuple[int, ...], starts: list[float], form: Form
) -> str:
    """The document: states ``z0`` on, fixed numbers ``f0`` on, inflows ``u0`` on.

    With events, segment k has inflows ``v<k>_0`` on, which its event copies; ``starts`` are the hours of the segments.
    """
    formulas = read_formulas(source, inline=form.inline)
    document = libsbml.SBMLDocument(3, 1)
    model = document.createModel()
    model.setId("lean")
    box = model.createCompartment()
    box.setId("box")
    box.setSize(1.0)
    box.setConstant(True)
    box.setSpatialDimensions(3)

    def parameter(name: str, constant: bool) -> None:
        made = model.createParameter()
        made.setId(name)
        made.setValue(0.0)
        made.setConstant(constant)

    def maths(owner: libsbml.SBase, formula: str) -> None:
        tree = libsbml.parseL3Formula(formula)
        if tree is None:
            raise ValueError(libsbml.getLastParseL3Error())
        owner.setMath(tree)

    for i in range(fixed):
        parameter(f"f{i}", constant=False)
    for i in range(len(fed)):
        parameter(f"u{i}", constant=False)
        for k in range(len(starts) if form.events else 0):
            parameter(f"v{k}_{i}", constant=False)
    for name, formula in formulas.shared.items():
        parameter(name, constant=False)
        rule = model.createAssignmentRule()
        rule.setVariable(name)
        maths(rule, formula)
    for i, formula in enumerate(formulas.rates):
        rate = f"{formula} + u{fed.index(i)}" if i in fed else formula
        if form.reactions:
            _species_with_reaction(model, i, maths, rate)
        else:
            parameter(f"z{i}", constant=False)
            rule = model.createRateRule()
            rule.setVariable(f"z{i}")
            maths(rule, rate)
    for k, start in enumerate(starts if form.events else []):
        if k == 0:
            continue  # what flows from the beginning is set by the caller
        event = model.createEvent()
        event.setUseValuesFromTriggerTime(True)
        trigger = event.createTrigger()
        trigger.setInitialValue(False)
        trigger.setPersistent(True)
        maths(trigger, f"time >= {start!r}")
        for i in range(len(fed)):
            assignment = event.createEventAssignment()
            assignment.setVariable(f"u{i}")
            maths(assignment, f"v{k}_{i}")
    return str(libsbml.writeSBMLToString(document))


def _species_with_reaction(model: libsbml.Model, i: int, maths, rate: str) -> None:  # type: ignore[no-untyped-def]
    species = model.createSpecies()
    species.setId(f"z{i}")
    species.setCompartment("box")
    species.setInitialAmount(0.0)
    species.setHasOnlySubstanceUnits(True)
    species.setBoundaryCondition(False)
    species.setConstant(False)
    reaction = model.createReaction()
    reaction.setId(f"r{i}")
    reaction.setReversible(True)
    reaction.setFast(False)
    product = reaction.createProduct()
    product.setSpecies(f"z{i}")
    product.setStoichiometry(1.0)
    product.setConstant(True)
    maths(reaction.createKineticLaw(), rate)
