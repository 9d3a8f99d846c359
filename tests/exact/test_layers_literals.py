"""A number is a record: no layer of the model holds a constant of its own."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import ketalab.model

MODEL = Path(ketalab.model.__file__).parent
FOLDERS = ("body", "brain", "mind", "harm")
#: What any equation may hold: nothing, one, and a half or a double.
PLAIN = {0, 1, 2}
#: Unit factors, and the file and function that use each as nothing else: (file, function, number).
UNIT_FACTORS: set[tuple[str, str, float]] = set()
#: Powers of ten, minutes, hours: only these may ever enter the list above.
UNITS = {24, 60, 1000, 1_000_000}


def list_layer_files() -> list[Path]:
    return [path for folder in FOLDERS for path in sorted((MODEL / folder).glob("*.py"))]


def find_literals(code: str) -> list[tuple[int, str, float]]:
    """Every literal number but 0, 1 and 2: line, the function around it, the number.

    Numbers in text count too where the text is turned into a number.
    """
    found = []

    def visit(node: ast.AST, function: str) -> None:
        if isinstance(node, ast.FunctionDef):
            function = node.name
        if isinstance(node, ast.Constant):
            value = node.value
            if isinstance(value, int | float | complex) and not isinstance(value, bool):
                if value not in PLAIN:
                    found.append((node.lineno, function, value))
            elif isinstance(value, str) and is_number(value):
                found.append((node.lineno, function, float(value)))
        for child in ast.iter_child_nodes(node):
            visit(child, function)

    visit(ast.parse(code), "")
    return found


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def find_powers_of_two(code: str) -> list[int]:
    """Lines where plain numbers are put together to another one: ``2 + 1``, ``2 ** 2``."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.BinOp)
        and isinstance(node.left, ast.Constant)
        and isinstance(node.right, ast.Constant)
        and not isinstance(node.left.value, str)
    ]


def test_the_four_layers_are_looked_at() -> None:
    names = [path.relative_to(MODEL).as_posix() for path in list_layer_files()]
    assert len(names) >= 9
    for folder in FOLDERS:
        assert [name for name in names if name.startswith(f"{folder}/_") and "__" not in name]


@pytest.mark.parametrize(
    "path", list_layer_files(), ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_no_layer_holds_a_number_of_its_own(path: Path) -> None:
    place = path.relative_to(MODEL).as_posix()
    code = path.read_text(encoding="utf-8")
    odd = [
        f"{place}:{line}: {value!r} in {function or 'the module'}"
        for line, function, value in find_literals(code)
        if (place, function, value) not in UNIT_FACTORS
    ]
    assert not odd
    assert not find_powers_of_two(code)


def test_a_unit_factor_on_the_list_is_one_and_is_in_use() -> None:
    in_use = {
        (path.relative_to(MODEL).as_posix(), function, value)
        for path in list_layer_files()
        for _, function, value in find_literals(path.read_text(encoding="utf-8"))
    }
    assert in_use >= UNIT_FACTORS
    assert {value for _, _, value in UNIT_FACTORS} <= UNITS


@pytest.mark.parametrize("file", ["body/_ketamine.py", "brain/_plasticity.py", "mind/_symptoms.py"])
@pytest.mark.parametrize(
    ("planted", "number"),
    [
        ("rates['x'] = 0.7 * v.cl", 0.7),
        ("k = v.cl ** 0.75", 0.75),
        ("T = -3", 3),
        ("T = 1e-3", 1e-3),
        ("State('x', 'umol', initial=5.0)", 5.0),
        ("Input('x', 'umol', default=0.5)", 0.5),
        ("half = float('0.17')", 0.17),
        ("def f(x=60): return x", 60),
    ],
)
def test_a_planted_number_is_found(file: str, planted: str, number: float) -> None:
    code = (MODEL / file).read_text(encoding="utf-8")
    found = find_literals(f"{code}\n{planted}\n")
    assert [value for _, _, value in found] == [number]


@pytest.mark.parametrize("planted", ["x = 2 + 1", "x = y * 2 ** 2", "x = 1 / 2"])
def test_a_number_put_together_from_plain_ones_is_found(planted: str) -> None:
    assert find_powers_of_two(planted) == [1]


@pytest.mark.parametrize(
    "plain", ["x = 1 - y", "x = 2.0 / y", "State('x', 'h', initial=1.0)", "x = True", "x = 'v2'"]
)
def test_plain_numbers_pass(plain: str) -> None:
    assert not find_literals(plain)
    assert not find_powers_of_two(plain)
