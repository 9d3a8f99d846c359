"""Reading MODEL.yaml: its form, the names it uses, the values it gives."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ketalab._files import read_yaml
from ketalab._problems import first_problem
from ketalab.errors import TableError, closest
from ketalab.exchange.tables._compartments import CompartmentModel, TableModel
from ketalab.exchange.tables._values import Value, read_value

#: Columns that mean something in every table; no parameter may be called so.
RESERVED = ("ID", "TIME", "AMT", "RATE", "EVID", "CMT", "II", "ADDL", "SS")
OUT = "out"
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_MOST = 200

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Content = Number | str


Form = TypeVar("Form", bound=BaseModel)


class Part(BaseModel):
    """Base of all parts of a model file: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class _Flow(Part):
    source: str = Field(alias="from")
    to: str
    rate: Content | None = None
    clearance: Content | None = None
    volume: Content | None = None


class _Observe(Part):
    compartment: str
    scale: Content = 1.0


class _File(Part):
    parameters: dict[str, Number] = {}
    compartments: Annotated[list[str], Field(min_length=1, max_length=_MOST)]
    flows: list[_Flow] = []
    bioavailability: dict[str, Content] = {}
    lag: dict[str, Content] = {}
    rate: dict[str, Content] = {}
    duration: dict[str, Content] = {}
    observe: _Observe


def read_model(path: Path | str) -> TableModel:
    """Read a MODEL.yaml: compartments and flows, or ``builtin: human_ketamine``.

    Raises
    ------
    TableError
        Malformed: names the file, the field, the value and what is allowed.
    """
    content = read_yaml(path)
    if isinstance(content, dict) and "builtin" in content:
        from ketalab.exchange.tables._builtin import read_builtin

        return read_builtin(content, str(path))
    return read_compartments(content, str(path))


def read_compartments(content: Any, where: str) -> CompartmentModel:
    """Check the content of a model file; see :func:`read_model`."""
    file = check_form(_File, content, where)
    check_parameters(file.parameters, where)
    places = {name: i for i, name in enumerate(file.compartments)}
    if len(places) < len(file.compartments):
        twice = next(n for n in file.compartments if file.compartments.count(n) > 1)
        raise TableError(f"{where}: compartments: {twice!r} is named twice", twice)
    if OUT in places:
        raise TableError(f"{where}: compartments: {OUT!r} is what leaves; call it otherwise", OUT)

    def place(name: str, at: str) -> int:
        if name not in places:
            raise TableError(
                f"{where}: {at}: {name!r} is no compartment; "
                f"there are {', '.join(places)}{closest(name, places)}",
                name,
            )
        return places[name]

    def value(content: float | str, at: str) -> Value:
        return read_value(content, file.parameters, f"{where}: {at}")

    flows = []
    for number, flow in enumerate(file.flows):
        at = f"flows.{number}"
        source = place(flow.source, f"{at}.from")
        to = None if flow.to == OUT else place(flow.to, f"{at}.to")
        if to == source:
            raise TableError(f"{where}: {at}: flows from {flow.source!r} to itself", flow.to)
        flows.append((source, to, _flow_rate(flow, at, where, value), f"flows.{number}"))
    of_compartment = {
        kind: {
            place(name, kind): value(content, f"{kind}.{name}")
            for name, content in getattr(file, kind).items()
        }
        for kind in ("bioavailability", "lag", "rate", "duration")
    }
    return CompartmentModel(
        parameters=file.parameters,
        compartments=tuple(file.compartments),
        flows=tuple(flows),
        of_compartment=of_compartment,
        observed=place(file.observe.compartment, "observe.compartment"),
        scale=value(file.observe.scale, "observe.scale"),
    )


def _flow_rate(
    flow: _Flow, at: str, where: str, value: Callable[[float | str, str], Value]
) -> Value:
    """The rate constant of a flow: given, or clearance over volume."""
    names = ("rate", "clearance", "volume")
    given = {name: c for name in names if (c := getattr(flow, name)) is not None}
    if list(given) == ["rate"]:
        return value(given["rate"], f"{at}.rate")
    if list(given) != ["clearance", "volume"]:
        raise TableError(
            f"{where}: {at}: gives {' and '.join(given) or 'nothing'}; "
            "allowed: rate, or clearance and volume",
            given,
        )
    clearance, volume = (value(content, f"{at}.{name}") for name, content in given.items())
    text = f"{clearance.text} / ({volume.text})"
    return Value(text, ((False, clearance), (True, volume)))


def check_form(form: type[Form], content: Any, where: str) -> Form:
    """Hold content against a pydantic model; the first problem as one line in a TableError."""
    try:
        return form.model_validate(content)
    except ValidationError as error:
        schema = form.model_json_schema(by_alias=True)
        raise TableError(f"{where}: {first_problem(error, content, schema)}", content) from None


def check_parameters(parameters: Mapping[str, float], where: str) -> None:
    """Refuse names that a column could not have: not a word, reserved, or alike but for case."""
    seen: dict[str, str] = {}
    for name in parameters:
        if not _NAME.fullmatch(name):
            raise TableError(
                f"{where}: parameters: {name!r} is not a name (letters, digits, _)", name
            )
        if name.upper() in RESERVED:
            raise TableError(
                f"{where}: parameters: {name!r} is a column of every table; call it otherwise", name
            )
        other = seen.setdefault(name.upper(), name)
        if other != name:
            raise TableError(
                f"{where}: parameters: {other!r} and {name!r} differ only in case", name
            )
