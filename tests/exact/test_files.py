"""Files are read safely: what would fill memory or hide something is refused in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ketalab._files import MAX_BYTES, MAX_DEPTH, MAX_NODES, parse_yaml, read_yaml
from ketalab.errors import InputError


def refusal(call: Callable[[], object]) -> str:
    """The one line with which bad input is refused."""
    with pytest.raises(InputError) as caught:
        call()
    line = str(caught.value)
    assert "\n" not in line
    return line


STAIRS = "".join(f"{' ' * i}a:\n" for i in range(MAX_DEPTH + 5))
BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BOMB, "line 2: YAML aliases"),
        ("[" * 100_000, f"nested deeper than {MAX_DEPTH}"),
        (
            "".join(f"{' ' * i}a:\n" for i in range(MAX_DEPTH + 5)),
            f"nested deeper than {MAX_DEPTH}",
        ),
        ("a: 1\nb: 2\na: 3", "line 3: not readable as YAML: the key 'a' appears twice"),
        ("a: {b: 1, b: 2}", "the key 'b' appears twice"),
        ("x: [" + "0," * (MAX_NODES + 1) + "]", f"more than {MAX_NODES:,} YAML nodes"),
        ("x" * (MAX_BYTES + 1), f"larger than {MAX_BYTES:,} bytes"),
        ("? [1, 2]\n: 3", "a key must be a plain word"),
        ("a: !!python/object/apply:os.getcwd []", "line 1"),
        ("a: [1, 2", "not readable as YAML"),
        ("--- 1\n--- 2", "another document"),
        ("a: \x07", "not readable as YAML"),
        ("a: " + "9" * 5000, "file.yaml"),
        ("a: !!float abc", "file.yaml"),
        ("a: !!bool maybe", "file.yaml"),
        ("a: !!timestamp soon", "file.yaml"),
    ],
)
def test_a_hostile_document_is_refused_with_one_line_that_names_the_place(
    text: str, words: str
) -> None:
    line = refusal(lambda: parse_yaml(text, "file.yaml"))
    assert line.startswith("file.yaml: ")
    assert words in line


@given(
    st.text(st.characters(codec="utf-8"), max_size=60)
    | st.text("{}[]:,-?!&*#|>'\"%@` \n01ab", max_size=60)
)
@example("a: !!int x")
@example("? ")
def test_no_text_fails_the_reader_otherwise_than_with_one_line(text: str) -> None:
    line = None
    try:
        parse_yaml(text, "file.yaml")
    except InputError as error:
        line = str(error)
    assert line is None or line.startswith("file.yaml:")
    assert line is None or "\n" not in line


def test_a_date_stays_text_and_a_plain_document_is_read() -> None:
    text = "when: 2019-03-05\nvalue: 1.5\nnone: null\nlist: [1, yes]"
    expected = {"when": "2019-03-05", "value": 1.5, "none": None, "list": [1, True]}
    assert parse_yaml(text, "file.yaml") == expected


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    huge, foreign = tmp_path / "huge.yaml", tmp_path / "foreign.yaml"
    huge.write_bytes(b"x" * (MAX_BYTES + 1))
    foreign.write_bytes(b"\xff\xfe\x00")
    expected = {
        huge: "at most",
        foreign: "not UTF-8",
        tmp_path / "none.yaml": "no such file",
        tmp_path: "is a folder",
    }
    for path, words in expected.items():
        line = refusal(lambda path=path: read_yaml(path))
        assert line.startswith(str(path))
        assert words in line


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1:30", "1:30"),
        ("010", "010"),
        ("2026-11-23", "2026-11-23"),
        ("-14", -14),
        ("1e-3", 0.001),
        ("+.5", 0.5),
    ],
)
def test_numbers_are_decimal_and_times_of_day_stay_text(text: str, value: object) -> None:
    assert parse_yaml(f"a: {text}", "file.yaml") == {"a": value}
