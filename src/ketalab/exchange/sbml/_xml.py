"""Elements of an SBML document, and a SymPy expression as the content MathML that SBML knows.

The text is written here and not by libSBML, which keeps 15 digits of a number: here all 17 are kept. What is
written is read and checked by libSBML (:mod:`ketalab.exchange.sbml._check`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from xml.dom.minidom import Document, Element

if TYPE_CHECKING:
    import sympy as sp

CORE = "http://www.sbml.org/sbml/level3/version2/core"
MATHS = "http://www.w3.org/1998/Math/MathML"
TIME = "http://www.sbml.org/sbml/symbols/time"
PAGE = "http://www.w3.org/1999/xhtml"
#: What SBML's MathML has of what SymPy can write; anything else is refused by name.
_KNOWN = {"Add", "Mul", "Pow", "exp", "log", "Max", "Min", "Symbol", "Number", "Exp1", "Pi"}

_document = Document()


def element(tag: str, *inner: Element | str, **attributes: str | bool | None) -> Element:
    """An element with its content; attributes that are None are left out."""
    made = _document.createElement(tag)
    for name, value in attributes.items():
        if value is not None:
            text = str(value).lower() if isinstance(value, bool) else value
            made.setAttribute(name.replace("__", ":"), text)
    for item in inner:
        made.appendChild(_document.createTextNode(item) if isinstance(item, str) else item)
    return made


def number(value: float) -> str:
    """A number in the shortest form that reads back as the same number."""
    return repr(float(value))


def notes(*paragraphs: str) -> Element:
    """Notes for people, a paragraph each."""
    return element("notes", *(element("p", text, xmlns=PAGE) for text in paragraphs))


def maths(*content: Element) -> Element:
    """A ``math`` element."""
    return element("math", *content, xmlns=MATHS)


def apply(operator: str, *arguments: Element) -> Element:
    """An operator applied to arguments."""
    return element("apply", element(operator), *arguments)


def ci(identifier: str) -> Element:
    """A reference to what has this id."""
    return element("ci", identifier)


def cn(value: float, unit: str | None = None) -> Element:
    """A number, with its unit where that is said."""
    return element("cn", number(value), sbml__units=unit)


def time_symbol() -> Element:
    """The time of the simulation."""
    return element("csymbol", "time", encoding="text", definitionURL=TIME)


def formula_writer(id_of: Callable[[str], str]) -> Callable[[sp.Expr], Element]:
    """A function that writes an expression whose symbols have the ids ``id_of`` their names.

    Whole numbers above zero are pure numbers, as the rules of the house ask of layers. Zero fits every unit,
    and a factor that joins two layers carries the ratio of their units: neither is given one.

    Raises
    ------
    ModelError
        The expression holds a function that SBML does not have.
    """
    import sympy
    from sympy.printing.mathml import MathMLContentPrinter

    from ketalab.errors import ModelError

    class Writer(MathMLContentPrinter):
        """SymPy's content MathML with ids as they stand and numbers to the last digit."""

        def _print_Symbol(self, expr: sp.Symbol) -> Element:
            return ci(id_of(expr.name))

        def _print_Float(self, expr: sp.Float) -> Element:
            return cn(float(expr))

        def _print_Integer(self, expr: sp.Integer) -> Element:
            unit = "dimensionless" if expr.p else None
            return element("cn", str(int(expr)), type="integer", sbml__units=unit)

        def _print_int(self, expr: int) -> Element:
            return self._print_Integer(sympy.Integer(expr))

        def _print_Rational(self, expr: sp.Rational) -> Element:
            whole = (sympy.Integer(n) for n in (expr.p, expr.q))
            return apply("divide", *(self._print_Integer(n) for n in whole))

    writer: Any = Writer({"order": "none"})

    def write(expression: sp.Expr) -> Element:
        for node in sympy.preorder_traversal(expression):
            kinds = {kind.__name__ for kind in type(node).__mro__}
            if not kinds & _KNOWN:
                raise ModelError(f"{type(node).__name__} in {expression} cannot be written in SBML")
        made: Element = writer._print(expression)
        return made

    return write


def document_text(root: Element) -> str:
    """The whole document, indented."""
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + root.toprettyxml(indent="  ")
