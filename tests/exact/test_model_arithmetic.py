"""A text that was kept can compute, and can do nothing else."""

from __future__ import annotations

import math

import pytest

from ketalab.model._arithmetic import build_function, check_equations


def function(body: str) -> str:
    return f"def f(a0, a1):\n    {body}\n"


def test_arithmetic_is_computed() -> None:
    made = build_function(
        function("t = a0[1]*2 - exp(-a1)\n    return [reduce(maximum, [0, t]), t**0.5]")
    )
    assert made([0, 3], 0.0) == [5, math.sqrt(5)]


@pytest.mark.parametrize(
    "text",
    [
        function("return open('x')"),
        function("return __import__('os')"),
        function("return a0.real"),
        function("return exp(a0).__class__"),
        function("return (lambda: a0)()"),
        function("return [x for x in a0]"),
        function("import os"),
        function("global exp"),
        function("return a0 if a1 else a0"),
        function("return 'text'"),
        function("return exp(x=a0)"),
        function("return f'{a0}'"),
        function("return (a0, (b := a1))"),
        function("return _fault"),
        "def f(a0=print()):\n    return 1\n",
        "@print\ndef f(a0):\n    return 1\n",
        "def f(a0) -> print():\n    return 1\n",
        "x = 1\n",
        "def f(a0):\n    return 1\ndef g(a0):\n    return 1\n",
        "",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="kept function"):
        build_function(text)


def test_what_no_function_here_is_called_finds_nothing() -> None:
    with pytest.raises(NameError):
        build_function(function("return print"))(0, 0)


EQUATIONS = """FIXED = 2
def prepare(given, out):
    t0 = np.exp(-given[0])
    out[0] = t0**2
    out[1] = np.maximum(0, given[1])
def rates(z, fixed, out):
    out[0] = -fixed[0]*z[0]*(1.0 if z[0] > 0.0 else 0.0)
def jacobian(z, fixed, out):
    pass
"""


def test_equations_as_they_are_written_are_allowed() -> None:
    check_equations(EQUATIONS)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("np.exp", "open"),
        ("np.exp", "np.load"),
        ("np.exp", "given.exp"),
        ("np.exp(-given[0])", "np.exp"),
        ("np.exp(-given[0])", "np.exp(x=given[0])"),
        ("np.exp(-given[0])", "'text'"),
        ("t0 =", "np ="),
        ("t0 =", "np.exp ="),
        ("t0 =", "_t ="),
        ("    pass", "    import os"),
        ("    pass", "    while z[0] > 0.0: pass"),
        ("    pass", "    return [x for x in z]"),
        ("(z, fixed, out)", "(z, fixed, out=print())"),
        ("def rates", "@print\ndef rates"),
        ("def rates", "def other"),
        ("FIXED = 2\n", ""),
        ("FIXED = 2", "FIXED = __import__('os')"),
        ("FIXED = 2", "import os"),
    ],
)
def test_equations_that_do_anything_else_are_refused(text: str, other: str) -> None:
    assert text in EQUATIONS
    with pytest.raises(ValueError, match="kept equations"):
        check_equations(EQUATIONS.replace(text, other))
