"""What libSBML finds in a document: errors, and warnings with the rule that each breaks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One finding: ``error`` or a warning, the number of libSBML's rule, the line, and what it says."""

    error: bool
    rule: int
    line: int
    text: str

    def __str__(self) -> str:
        kind = "error" if self.error else "warning"
        return f"line {self.line}: {kind} {self.rule}: {self.text}"


def check_sbml(text: str) -> tuple[Finding, ...]:
    """Read a document with libSBML and check all that it can: schema, ids, maths, units, modelling practice."""
    import libsbml  # type: ignore[import-untyped]

    document = libsbml.readSBMLFromString(text)
    if not document.getNumErrors(libsbml.LIBSBML_SEV_ERROR):
        document.checkConsistency()
    errors = (document.getError(i) for i in range(document.getNumErrors()))
    return tuple(
        Finding(
            error.getSeverity() >= libsbml.LIBSBML_SEV_ERROR,
            error.getErrorId(),
            error.getLine(),
            " ".join(error.getMessage().split()),
        )
        for error in errors
    )
