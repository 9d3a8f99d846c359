"""Reading and writing files safely: bounded YAML, atomic writes."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from ketalab.errors import InputError, OutputError

#: A study file or population file is a few kilobytes; a megabyte is far above any honest one.
MAX_BYTES = 1_000_000
#: Nodes (keys, values, items) in one document; stops a deep or wide document before it fills memory.
MAX_NODES = 200_000
MAX_DEPTH = 40

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _StrictLoader(_Loader):
    """The safe loader without timestamps, and with repeated keys refused."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, (str, int, float, bool)):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key must be a plain word", key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} appears twice", key_node.start_mark
                )
            seen.add(key)
        return dict(super().construct_mapping(node, deep))


#: Numbers are decimal. YAML 1.1 would read 1:30 as ninety and 010 as eight: here they stay text.
_NUMBERS = {
    "tag:yaml.org,2002:int": re.compile(r"[-+]?(?:0|[1-9][0-9]*)$"),
    "tag:yaml.org,2002:float": re.compile(
        r"(?:[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
    ),
}
# Dates stay text too: a date is never a quantity here.
_StrictLoader.yaml_implicit_resolvers = {
    first: [
        (tag, _NUMBERS.get(tag, pattern))
        for tag, pattern in pairs
        if tag != "tag:yaml.org,2002:timestamp"
    ]
    for first, pairs in _Loader.yaml_implicit_resolvers.items()
}


class BlockDumper(yaml.SafeDumper):
    """Block style with indented lists and no aliases; quotes what this reader or another would not read as text."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        return super().increase_indent(flow, False)


BlockDumper.yaml_implicit_resolvers = {
    first: [*pairs, *_StrictLoader.yaml_implicit_resolvers.get(first, [])]
    for first, pairs in yaml.SafeDumper.yaml_implicit_resolvers.items()
}


def _check_events(text: str, where: str) -> None:
    """Refuse anchors, deep nesting and very many nodes before any object is built."""
    depth = 0
    for nodes, event in enumerate(yaml.parse(text, Loader=_Loader)):
        if isinstance(event, yaml.AliasEvent):
            mark = event.start_mark
            line = f"line {mark.line + 1}: " if mark else ""
            raise InputError(f"{where}: {line}YAML aliases (*name) are not allowed")
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            depth += 1
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            depth -= 1
        if depth > MAX_DEPTH:
            raise InputError(f"{where}: nested deeper than {MAX_DEPTH} levels")
        if nodes > MAX_NODES:
            raise InputError(f"{where}: more than {MAX_NODES:,} YAML nodes")


def parse_yaml(text: str, where: str) -> Any:
    """Parse one YAML document with the safe loader, without aliases and with limits on size.

    Raises
    ------
    InputError
        Not YAML, an alias, a repeated key, or larger than the limits; names ``where`` and the line.
    """
    if len(text.encode()) > MAX_BYTES:
        raise InputError(f"{where}: larger than {MAX_BYTES:,} bytes")
    try:
        _check_events(text, where)
        return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a subclass of the safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}:" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise InputError(f"{where}:{line} not readable as YAML: {problem}") from None
    except RecursionError:
        raise InputError(f"{where}: nested deeper than {MAX_DEPTH} levels") from None
    except (ValueError, KeyError, AttributeError) as error:  # a scalar that is not of its tag
        raise InputError(f"{where}: not readable as YAML: {error}") from None


def read_text(path: Path | str, limit: int = MAX_BYTES) -> str:
    """Read a text file of at most ``limit`` bytes; one clear line for a missing or foreign file."""
    path = Path(path)
    try:
        if path.is_dir():
            raise InputError(f"{path}: is a folder, not a file")
        if path.stat().st_size > limit:
            raise InputError(f"{path}: {path.stat().st_size:,} bytes; at most {limit:,} are read")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 text") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None


def read_yaml(path: Path | str) -> Any:
    """Read one YAML file within the limits of :func:`parse_yaml`."""
    return parse_yaml(read_text(path), str(path))


def check_target(path: Path, endings: Sequence[str]) -> None:
    """Refuse, before any work, a file that could not be written at the end.

    Raises
    ------
    OutputError
        An unknown ending, a folder in its place, or a folder that is missing or cannot be written.
    """
    if path.suffix not in endings:
        allowed = ", ".join(endings)
        raise OutputError(f"{path}: unknown ending {path.suffix!r}; allowed: {allowed}")
    if path.is_dir():
        raise OutputError(f"{path}: is a folder; name a file to write")
    folder = path.parent
    if not folder.is_dir():
        raise OutputError(f"{path}: the folder {str(folder)!r} does not exist")
    if not os.access(folder, os.W_OK):
        raise OutputError(f"{path}: the folder {str(folder)!r} cannot be written")


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; it replaces ``path`` only if the block succeeds.

    Raises
    ------
    OutputError
        The folder does not exist or cannot be written.
    """
    path = Path(path)
    if path.is_dir():
        raise OutputError(f"{path}: is a folder; name a file to write")
    try:
        handle, name = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix
        )
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from None
    os.close(handle)
    part = Path(name)
    try:
        yield part
        umask = os.umask(0)
        os.umask(umask)
        part.chmod(0o666 & ~umask)
        os.replace(part, path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)


def write_text(path: Path | str, text: str) -> None:
    """Write text atomically: the old file or the new one, never half of it."""
    with atomic_path(path) as part:
        part.write_text(text, encoding="utf-8")
