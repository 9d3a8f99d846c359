"""A figure as data: its pictures, what they show in words, and the same numbers as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Panel:
    """One picture of a figure: a title in HTML above an SVG."""

    title: str
    svg: str


@dataclass(frozen=True)
class DataTable:
    """Numbers behind a figure; the first cell of each row is its heading."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Figure:
    """A figure of the report; one without panels says why there is none."""

    title: str
    description: str
    panels: tuple[Panel, ...] = ()
    tables: tuple[DataTable, ...] = ()
    note: str = ""


def sentences(parts: Sequence[str]) -> str:
    """Join sentences, leaving out empty ones."""
    return " ".join(part for part in parts if part)
