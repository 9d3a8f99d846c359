"""Turning the schema's many-line errors into one line: field, value, what is allowed."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, ValidationError

from ketalab.errors import closest
from ketalab.studies._write import study_schema


def first_problem(error: ValidationError, data: dict[str, Any]) -> str:
    """Return ``path: value is not allowed; ...`` of the problem that explains most."""
    found = error.errors(include_url=False)
    # A branch of a union is reported beside its siblings; the deepest path tells most, and an
    # unknown key explains a missing one.
    order = {"extra_forbidden": 0, "missing": 2}
    first = min(found, key=lambda item: (order.get(item["type"], 1), found.index(item)))
    more = len({_path(item, data) for item in found}) - 1
    line = f"{_path(first, data) or 'study'}: {_reason(first, data)}"
    return f"{line} (and {more} more)" if more > 0 else line


def _path(item: Any, data: dict[str, Any]) -> str:
    """Return the dotted path, without the names of union branches that pydantic puts in it."""
    parts: list[str] = []
    here: Any = data
    for step in item["loc"]:
        if isinstance(here, dict) and (step in here or item["type"] in ("missing",)):
            here = here.get(step)
        elif isinstance(here, (list, tuple)) and isinstance(step, int) and step < len(here):
            here = here[step]
        elif here is not None and not isinstance(here, (dict, list, tuple)):
            continue  # the name of a branch, below a plain value
        elif isinstance(here, (list, tuple)):
            continue
        else:
            here = None
        parts.append(str(step))
    if item["type"] == "study" and item["ctx"].get("path"):
        parts.append(item["ctx"]["path"])
    return ".".join(parts)


def _reason(item: Any, data: dict[str, Any]) -> str:
    kind, context = item["type"], item.get("ctx", {})
    value = item.get("input")
    if kind == "study":
        return str(context["text"])
    if kind == "extra_forbidden":
        allowed = _keys_at(item["loc"][:-1])
        key = str(item["loc"][-1])
        return f"unknown key{closest(key, allowed)}; allowed are {', '.join(allowed)}"
    if kind == "missing":
        return "is missing"
    shown = repr(value) if not isinstance(value, (dict, list, BaseModel)) else _short(value)
    if kind in ("literal_error", "enum"):
        quoted = re.findall(r"'([^']*)'|(\d+)", context["expected"])
        words = [word or number for word, number in quoted]
        near = closest(value, words) if isinstance(value, str) else ""
        return f"{shown} is not allowed; one of {', '.join(words)}{near}"
    if kind == "string_pattern_mismatch":
        return f"{shown} does not have the form {context['pattern']}"
    return f"{shown} is not allowed; {item['msg'][0].lower()}{item['msg'][1:]}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _keys_at(loc: tuple[Any, ...]) -> list[str]:
    """Return the keys allowed at a place, read off the JSON Schema."""
    schema = study_schema()
    here: dict[str, Any] = schema
    for step in loc:
        here = _resolve(here, schema)
        if isinstance(step, int):
            here = here.get("items") or (here.get("prefixItems") or [{}])[0]
        else:
            here = here.get("properties", {}).get(step, {})
    return list(_resolve(here, schema).get("properties", {}))


def _resolve(node: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while True:
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
        elif "anyOf" in node:
            node = next((part for part in node["anyOf"] if part.get("type") != "null"), {})
        else:
            return node
