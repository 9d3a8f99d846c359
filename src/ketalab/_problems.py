"""Turning the schema's many-line errors into one line: field, value, what is allowed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from ketalab.errors import closest

Item = Any  # one entry of ValidationError.errors()
Path = tuple[Any, ...]


#: Keys with two spellings, for the schema that has them: the second spelling is not offered.
Aliases = Mapping[str, str]


@dataclass(frozen=True)
class _Rules:
    """What a document was held against: its JSON Schema, and keys that may be spelt in two ways."""

    schema: dict[str, Any]
    aliases: Aliases


def first_problem(
    error: ValidationError, data: Any, schema: dict[str, Any], aliases: Aliases | None = None
) -> str:
    """Return ``path: value is not allowed; ...`` of the problem that explains most.

    ``data`` is what was validated, ``schema`` the JSON Schema of its model, which tells what is allowed.
    """
    rules = _Rules(schema, aliases or {})
    found = error.errors(include_url=False)
    # An unknown key explains a missing one, so that it goes first; a list is too short because its items fell.
    order = {"extra_forbidden": 0, "missing": 2, "too_short": 3}
    first = min(
        found,
        key=lambda item: (order.get(item["type"], 1), -len(item["loc"]), found.index(item)),
    )
    more = len({_path(item, data) for item in found}) - 1
    path = _dotted(first, data)
    line = f"{path}: {_reason(first, data, rules)}" if path else _reason(first, data, rules)
    return f"{line} (and {more} more)" if more > 0 else line


def _path(item: Item, data: Any) -> Path:
    """Return the steps to the field, without the names of union branches that pydantic puts in."""
    steps: list[Any] = []
    here: Any = data
    for step in item["loc"]:
        if isinstance(here, dict) and (step in here or item["type"] == "missing"):
            here = here.get(step)
        elif isinstance(here, (list, tuple)) and isinstance(step, int):
            here = here[step] if step < len(here) else None
        elif here is not None:
            continue  # the name of a branch
        steps.append(step)
    return tuple(steps)


def _dotted(item: Item, data: Any) -> str:
    steps = [str(step) for step in _path(item, data)]
    if item["type"] == "missing" and isinstance(item["loc"][-1], int):
        steps.pop()
    if item["type"] == "study" and item["ctx"].get("path"):
        steps.append(item["ctx"]["path"])
    return ".".join(steps)


def _reason(item: Item, data: Any, rules: _Rules) -> str:
    kind, context, value = item["type"], item.get("ctx", {}), item.get("input")
    if kind == "value_error":
        return str(item["msg"]).removeprefix("Value error, ")
    if kind == "study":
        return str(context["text"])
    if kind == "extra_forbidden":
        return _unknown_key(_path(item, data), rules)
    if kind == "missing":
        if isinstance(item["loc"][-1], int):
            return f"{value!r} is not allowed; needs {item['loc'][-1] + 1} items"
        return f"is missing; {_allowed(_path(item, data), rules)}"
    shown = _short(value) if isinstance(value, (dict, list, tuple, BaseModel)) else repr(value)
    if kind in ("literal_error", "enum"):
        words = _quoted(context["expected"])
        near = closest(value, words) if isinstance(value, str) else ""
        return f"{shown} is not allowed; one of {', '.join(words)}{near}"
    if kind == "string_pattern_mismatch":
        return f"{shown} does not have the form {context['pattern']}"
    if kind == "model_type":
        return f"{shown} is not allowed; must be a mapping"
    return f"{shown} is not allowed; {_plain(item['msg'])}"


def _unknown_key(path: Path, rules: _Rules) -> str:
    key, allowed = str(path[-1]), list(_properties(path[:-1], rules))
    if key in rules.aliases and rules.aliases[key] in allowed:
        return f"stands beside {rules.aliases[key]}, which is the same; write one of them"
    allowed = [name for name in allowed if name not in rules.aliases]
    return f"unknown key; allowed are {', '.join(allowed)}{closest(key, allowed)}"


def _quoted(expected: str) -> list[str]:
    """Return the words of pydantic's list ``'a', 'b' or 'c'``."""
    return [word or figure for word, figure in re.findall(r"'([^']*)'|(\d+)", expected)]


def _plain(message: str) -> str:
    """Say a message of pydantic in the words of a file's reader."""
    for theirs, ours in (
        ("Input should be", "must be"),
        ("valid tuple", "list"),
        ("valid dictionary", "mapping"),
        ("valid list", "list"),
        ("valid number", "number"),
        ("valid integer", "whole number"),
        ("valid string", "text"),
        ("valid boolean", "true or false"),
        (" after validation", ""),
        ("Tuple", "the list"),
        ("String", "the text"),
    ):
        message = message.replace(theirs, ours)
    return message


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


# --- what the JSON Schema allows at a place -------------------------------------------------------


def _node(path: Path, rules: _Rules) -> dict[str, Any]:
    """Return the part of the schema at a place."""
    schema = rules.schema
    here = schema
    for step in path:
        here = _resolve(here, schema)
        if isinstance(step, int):
            here = here.get("items") or (here.get("prefixItems") or [{}])[0]
        else:
            here = here.get("properties", {}).get(step) or _of_any_key(here)
    return _resolve(here, schema)


def _of_any_key(node: dict[str, Any]) -> dict[str, Any]:
    """Return what a mapping with keys of the writer's choice allows as a value."""
    others = node.get("additionalProperties")
    values = [others if isinstance(others, dict) else {}]
    return next(iter([*node.get("patternProperties", {}).values(), *values]))


def _properties(path: Path, rules: _Rules) -> dict[str, Any]:
    return dict(_node(path, rules).get("properties", {}))


def _allowed(path: Path, rules: _Rules) -> str:
    node = _node(path, rules)
    words = node.get("enum") or ([node["const"]] if "const" in node else [])
    if words:
        return f"one of {', '.join(map(str, words))}"
    names = {"string": "text", "object": "a mapping", "array": "a list", "boolean": "true or false"}
    return f"write {names.get(str(node.get('type')), 'a number')}"


def _resolve(node: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while True:
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
        elif "anyOf" in node:
            node = next((part for part in node["anyOf"] if part.get("type") != "null"), {})
        else:
            return node
