"""The parameters of a drug's record in a person: which constants and covariates they read, and their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ketalab.facts import COVARIATES, Kinetics, Quantity
from ketalab.model.contract import Covariate, Maths, Parameter, Values

#: Lean body mass after James: factor times weight, less factor times (weight / height) squared, by sex.
_LEAN_MASS = tuple(
    Parameter(f"lean_mass_{name}", unit, f"lean_mass_{name}")
    for name, unit in (
        ("linear_men", "dimensionless"),
        ("square_men", "cm**2/kg"),
        ("linear_women", "dimensionless"),
        ("square_women", "cm**2/kg"),
    )
)
_BIRTHDAY = Parameter("class_width", "year", "age_class_width")
_EDGES = ("least", "most")


def _read(kinetics: Kinetics) -> set[str]:
    """Covariates that the parameters name."""
    quantities = kinetics.parameters.values()
    found = {slope.of for q in quantities for slope in q.slopes}
    found |= {power.of for q in quantities for power in q.powers}
    return {*found, *(q.classes.of for q in quantities if q.classes)}


def covariates(kinetics: Kinetics) -> tuple[Covariate, ...]:
    """Covariates of people that the parameters need; lean mass is made from three of them."""
    read = _read(kinetics)
    lean = "lean_mass" in read
    if lean:
        read = read - {"lean_mass"} | {"weight", "height"}
    plain = tuple(Covariate(name, unit) for name, unit in COVARIATES.items() if name in read)
    return (*plain, Covariate("female", "dimensionless")) if lean else plain


def constants(kinetics: Kinetics, prefix: str) -> tuple[Parameter, ...]:
    """The constants of a layer; their names start with the prefix, but for those that drugs share."""
    made = [
        Parameter(f"{prefix}_{edge}_{covariate}", COVARIATES[covariate], fact)
        for covariate, facts in kinetics.within.items()
        for edge, fact in zip(_EDGES, facts, strict=True)
    ]
    for key, quantity in kinetics.parameters.items():
        made += _of_quantity(f"{prefix}_{key}", quantity)
    if "lean_mass" in _read(kinetics):
        made += _LEAN_MASS
    if any(quantity.classes for quantity in kinetics.parameters.values()):
        made.append(_BIRTHDAY)
    return tuple(made)


def _of_quantity(name: str, quantity: Quantity) -> list[Parameter]:
    unit = quantity.unit
    made = []
    if quantity.fact is not None:
        made.append(Parameter(name, unit, quantity.fact))
    if (classes := quantity.classes) is not None:
        made.append(Parameter(f"{name}_below", unit, classes.below))
        made.append(Parameter(f"{name}_above", unit, classes.above))
        made.append(Parameter(f"{name}_limit", COVARIATES[classes.of], classes.limit))
    for slope in quantity.slopes:
        of = COVARIATES[slope.of]
        made.append(Parameter(f"{name}_{slope.of}_centre", of, slope.centre))
        made.append(Parameter(f"{name}_{slope.of}_slope", f"{unit}/{of}", slope.slope))
    for power in quantity.powers:
        if power.reference is not None:
            of = COVARIATES[power.of]
            made.append(Parameter(f"{name}_{power.of}_reference", of, power.reference))
        if power.exponent is not None:
            made.append(Parameter(f"{name}_{power.of}_exponent", "dimensionless", power.exponent))
    if quantity.spread is not None:
        # A factor of its own: slopes and classes vary with the value, and the sum never changes its sign.
        made.append(Parameter(f"{name}_person", "ratio", "unity", "lognormal", quantity.spread))
    return made


def values(m: Maths, v: Values, kinetics: Kinetics, prefix: str) -> dict[str, Any]:
    """The parameters of a person, as the record calls them."""
    person: dict[str, Any] = {}
    for covariate in covariates(kinetics):
        name, value = covariate.name, v[covariate.name]
        if name in kinetics.within:
            least, most = (v[f"{prefix}_{edge}_{name}"] for edge in _EDGES)
            value = m.minimum(m.maximum(value, least), most)
        person[name] = value
    if "lean_mass" in _read(kinetics):
        person["lean_mass"] = _lean_mass(v, person["weight"], person["height"])
    return {
        key: _value(m, v, f"{prefix}_{key}", quantity, person)
        for key, quantity in kinetics.parameters.items()
    }


def _lean_mass(v: Values, weight: Any, height: Any) -> Any:
    square = (weight / height) ** 2
    men = v.lean_mass_linear_men * weight - v.lean_mass_square_men * square
    women = v.lean_mass_linear_women * weight - v.lean_mass_square_women * square
    return (1 - v.female) * men + v.female * women


def _value(m: Maths, v: Values, name: str, quantity: Quantity, person: Mapping[str, Any]) -> Any:
    if quantity.classes is not None:
        past = person[quantity.classes.of] - v[f"{name}_limit"]
        step = m.minimum(m.maximum(1 + past / v.class_width, 0), 1)
        value = (1 - step) * v[f"{name}_below"] + step * v[f"{name}_above"]
    else:
        value = v[name]
    for slope in quantity.slopes:
        away = person[slope.of] - v[f"{name}_{slope.of}_centre"]
        value = value + v[f"{name}_{slope.of}_slope"] * away
    for power in quantity.powers:
        factor = person[power.of]
        if power.reference is not None:
            factor = factor / v[f"{name}_{power.of}_reference"]
        if power.exponent is not None:
            factor = factor ** v[f"{name}_{power.of}_exponent"]
        value = value * factor
    return value * v[f"{name}_person"] if quantity.spread is not None else value
