"""Values of a model file: products and quotients of numbers and names, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketalab.errors import TableError
from ketalab.exchange.tables._values import read_value

NAMES = {"CL": 10.0, "V1": 20.0, "KA": 1.2}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("CL", 10.0),
        ("CL / V1", 0.5),
        ("CL/V1*2", 1.0),
        ("CL/V1/2", 0.25),
        ("2 * KA", 2.4),
        ("CL / (V1 * 2)", 0.25),
        ("1.5e-3*CL", 0.015),
        (".5", 0.5),
        (3, 3.0),
        (0.25, 0.25),
    ],
)
def test_a_product_or_quotient_has_its_value(text: str | float, value: float) -> None:
    assert read_value(text, NAMES, "here").of(NAMES) == pytest.approx(value, rel=1e-15)


def test_a_value_is_computed_for_many_sets_at_once() -> None:
    many = {"CL": np.array([10.0, 5.0]), "V1": np.array([20.0, 50.0]), "KA": np.array([1.0, 1.0])}
    assert read_value("CL / V1", NAMES, "here").of(many).tolist() == [0.5, 0.1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "CL +",
        "CL + 1",
        "CL - 1",
        "-CL",
        "CL V1",
        "2CL",
        "CL // V1",
        "CL ** 2",
        "2**99",
        "exp(1)",
        "(CL",
        "CL)",
        "()",
        "CL.real",
        "__import__('os').system('true')",
        "CL; V1",
        "CL,V1",
        "1..2",
        "1e",
        "('x')",
        "CL\u00d7V1",
        "(" * 50 + "CL" + ")" * 50,
        "*".join(["CL"] * 200),
    ],
)
def test_anything_else_is_refused_by_name(text: str) -> None:
    with pytest.raises(TableError, match="here"):
        read_value(text, NAMES, "here")


def test_an_unknown_name_is_told_the_nearest() -> None:
    with pytest.raises(TableError, match="'V' in 'CL / V' is no parameter; there are CL, V1, KA"):
        read_value("CL / V", NAMES, "flows.0.rate")


@given(st.text(max_size=60))
def test_no_text_does_more_than_give_a_number(text: str) -> None:
    try:
        value = read_value(text, NAMES, "here").of(NAMES)
    except (TableError, ZeroDivisionError, OverflowError):
        return
    assert isinstance(value, float)
